/*
 * Fields of the file that are more than one value: actions of rules and opening times. Each has
 * three forms: the node of a file, the field of an item (what is compared and written), and the
 * value of the REST API. Pure.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"

struct doc;
struct map;
struct plan;
struct ydoc_node;

/* Of the REST API as the file has it; names: SID to the name that is shown. Never NULL. */
json_t *parts_actions_shown(const json_t *raw, const struct map *names);
json_t *parts_week_shown(const json_t *raw);
json_t *parts_holidays_shown(const json_t *raw);
json_t *parts_specials_shown(const json_t *raw);
json_t *parts_queues_shown(const json_t *raw, const struct map *names);

/* Of a file; notes what is named. NULL: *err says why, with the line. */
json_t *parts_actions_read(struct doc *doc, const struct ydoc_node *node, struct err *err);
json_t *parts_week_read(const struct ydoc_node *node, struct err *err);
json_t *parts_holidays_read(const struct ydoc_node *node, struct err *err);
json_t *parts_specials_read(const struct ydoc_node *node, struct err *err);
json_t *parts_queues_read(struct doc *doc, const struct ydoc_node *node, struct err *err);

/* For the REST API: names become SIDs where the plan knows them. */
json_t *parts_actions_rest(const struct plan *plan, const json_t *list);
json_t *parts_week_rest(const json_t *week);
json_t *parts_holidays_rest(const json_t *holidays);
json_t *parts_specials_rest(const json_t *specials);
json_t *parts_queues_rest(const struct plan *plan, const json_t *queues);

/* Replaces what actions and lists of queues name: visit gives the other name (a new reference), or
 * NULL for no change. */
void parts_actions_map(json_t *list, json_t *(*visit)(void *ctx, const char *name), void *ctx);
void parts_queues_map(json_t *queues, json_t *(*visit)(void *ctx, const char *name), void *ctx);
