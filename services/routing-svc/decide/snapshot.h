/*
 * Everything that decides about the tasks of one workspace, read at one moment and compiled: rules,
 * keywords, business hours. Immutable once made; any number of threads may read it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"
#include "hours/hours.h"
#include "keyword.h"
#include "rule.h"
#include "rule_store.h"

/* Business hours of one schedule. */
struct snapshot_schedule {
    const char *sid; /* "": there is none, always open */
    const char *name;
    const struct str *lines; /* E.164: whose hours these are */
    size_t line_count;
    bool is_default;
    struct hours_schedule *compiled;
};

struct snapshot {
    size_t refs; /* guarded by the owner's lock; so is the next */
    struct snapshot *next_dead;
    struct arena *arena; /* of all texts */
    const char *workspace_sid;
    const char *account_sid;
    bool is_mirrored;
    int64_t revision;
    const struct rule *rules; /* in the order of evaluation: rules[i] is place i of the set */
    size_t rule_count;
    struct rule_set *set;
    struct keyword_set *keywords;
    size_t keyword_count;
    const struct str *gone; /* queues that rules name and that are no more */
    size_t gone_count;
    struct snapshot_schedule *schedules;
    size_t schedule_count;
    struct snapshot_schedule always; /* where no schedule applies */
};

/* Reads and compiles. revision: what was read just before; whatever changes meanwhile has a higher
 * one. time_zone: the workspace's. call lends its deadline only. Errors: those of the database,
 * RESOURCE_EXHAUSTED. */
enum err_code snapshot_load(struct db_conn *conn, const struct call *call,
                            const char *workspace_sid, const struct decision_revision *revision,
                            const char *time_zone, struct snapshot **out,
                            struct err *err) MUST_CHECK;
void snapshot_free(struct snapshot *snapshot); /* NULL is allowed */

/* Whether a target of a rule is gone. */
bool snapshot_is_gone(const struct snapshot *snapshot, struct str target);

/* The schedule of the line, else the default one, else one that is always open. */
const struct snapshot_schedule *snapshot_schedule(const struct snapshot *snapshot,
                                                  const char *phone_number);

/* The rule with the SID, or NULL. */
const struct rule *snapshot_rule(const struct snapshot *snapshot, struct str sid);
