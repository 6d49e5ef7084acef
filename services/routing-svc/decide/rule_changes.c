#include "rule_changes.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "bus/bus.h"
#include "snapshots.h"

static const char *const subjects[] = {
    "taskrouter.*.routing-rule.>",
    "taskrouter.*.keyword.>",
    "taskrouter.*.schedule.>",
};

struct rule_changes {
    struct bus_subscription *subscriptions[ARRAY_LEN(subjects)];
};

/* "taskrouter.<workspace>.<resource>.<event>" */
static bool on_change(void *ctx, const struct bus_msg *msg)
{
    struct str rest = msg->subject;
    (void)str_split(&rest, '.');
    snapshots_note_change(ctx, str_split(&rest, '.'));
    return true;
}

struct rule_changes *rule_changes_open(struct bus *bus, struct snapshots *snapshots)
{
    struct rule_changes *changes = xcalloc(1, sizeof *changes);
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++)
        changes->subscriptions[i] = bus_subscribe(bus, subjects[i], 0, on_change, snapshots);
    return changes;
}

void rule_changes_close(struct rule_changes *changes)
{
    if (changes == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++)
        bus_subscription_close(changes->subscriptions[i]);
    free(changes);
}
