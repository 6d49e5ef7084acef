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

static const struct expr_root rule_roots[] = {
    {.name = "task.attributes", .slot = EXPR_SLOT_TASK     },
    {.name = "task",            .slot = EXPR_SLOT_TASK_INFO},
    {.name = "time",            .slot = EXPR_SLOT_TIME     },
    {.name = "caller",          .slot = EXPR_SLOT_CALLER   },
    {.name = "line",            .slot = EXPR_SLOT_LINE     },
    {.name = "hours",           .slot = EXPR_SLOT_HOURS    },
    {.name = "queue",           .slot = EXPR_SLOT_QUEUE    },
    {.name = "workers",         .slot = EXPR_SLOT_WORKERS  },
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
                                               .flags = EXPR_CONTAINS_MEMBER | EXPR_BARE_TRUTH};
