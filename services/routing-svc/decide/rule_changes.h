/* Changes of rules, keywords, business hours and queues that another process made: listened for on
 * the bus, so that compiled copies here are read again within milliseconds. */
#pragma once

struct bus;
struct rule_changes;
struct snapshots;

/* Both are borrowed. */
struct rule_changes *rule_changes_open(struct bus *bus, struct snapshots *snapshots);
void rule_changes_close(struct rule_changes *changes); /* NULL is allowed */
