/* Which names exist where (section 10.2 of the behaviour reference, and the rule dialect). */
#include "expr/expr.h"

#include "base/macros.h"

static const struct expr_root queue_roots[] = {
    {.name = "",       .slot = EXPR_SLOT_WORKER},
    {.name = "worker", .slot = EXPR_SLOT_WORKER},
};

static const struct expr_root filter_roots[] = {
    {.name = "",     .slot = EXPR_SLOT_TASK},
    {.name = "task", .slot = EXPR_SLOT_TASK},
};

static const struct expr_root target_roots[] = {
    {.name = "task",   .slot = EXPR_SLOT_TASK  },
    {.name = "worker", .slot = EXPR_SLOT_WORKER},
};

static const struct expr_root skip_roots[] = {
    {.name = "workers", .slot = EXPR_SLOT_WORKERS},
};

/* Only task.attributes and caller hold what somebody else names; a name that is not here would be
 * null for ever. */
static const char *const task_names[] = {"channel", "priority", NULL};
static const char *const time_names[] = {"hour", "minute", "weekday", "day_name", "date",
                                         "time", "day",    "month",   "year",     NULL};
static const char *const line_names[] = {"phone", NULL};
static const char *const hours_names[] = {"open", "holiday", "holiday_name", NULL};
static const char *const queue_names[] = {"waiting", "longest_wait", NULL};
static const char *const workers_names[] = {"available", "total", NULL};

static const struct expr_root rule_roots[] = {
    {.name = "task.attributes",    .slot = EXPR_SLOT_TASK},
    {                 .name = "task", .slot = EXPR_SLOT_TASK_INFO,    .known = task_names},
    {                 .name = "time",      .slot = EXPR_SLOT_TIME,    .known = time_names},
    {                 .name = "caller",    .slot = EXPR_SLOT_CALLER                      },
    {    .name = "line",         .slot = EXPR_SLOT_LINE,                               .known = line_names},
    {   .name = "hours",        .slot = EXPR_SLOT_HOURS,                              .known = hours_names},
    {   .name = "queue",        .slot = EXPR_SLOT_QUEUE,                              .known = queue_names},
    { .name = "workers",      .slot = EXPR_SLOT_WORKERS,                            .known = workers_names},
};

const struct expr_context expr_context_queue = {.roots = queue_roots,
                                                .root_count = ARRAY_LEN(queue_roots)};
const struct expr_context expr_context_filter = {.roots = filter_roots,
                                                 .root_count = ARRAY_LEN(filter_roots)};
const struct expr_context expr_context_target = {.roots = target_roots,
                                                 .root_count = ARRAY_LEN(target_roots)};
const struct expr_context expr_context_skip = {.roots = skip_roots,
                                               .root_count = ARRAY_LEN(skip_roots)};
const struct expr_context expr_context_rule = {.roots = rule_roots,
                                               .root_count = ARRAY_LEN(rule_roots),
                                               .flags = EXPR_CONTAINS_MEMBER | EXPR_BARE_TRUTH |
                                                        EXPR_TEXT_TESTS};
