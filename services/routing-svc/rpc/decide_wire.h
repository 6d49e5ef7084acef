/* Requests and replies of decisions: wire to ours and back. */
#pragma once

#include "decide.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

/* Borrows the request's texts. at absent: now. */
struct decide_task decide_task_from(const Taskrouter__Routing__V1__DecideRequest *request);

/* NULL when the arena is exhausted; so are the others. */
Taskrouter__Routing__V1__DetectKeywordsResponse *
keywords_to_wire(struct arena *arena, const struct keyword_result *result);
/* The actions of the mask, of a rule of the snapshot or a draft. */
Taskrouter__Routing__V1__RuleAction **rule_actions_applied(struct arena *arena,
                                                           const struct snapshot *snapshot,
                                                           const struct rule_def *def,
                                                           uint32_t mask, size_t *out_count);
Taskrouter__Routing__V1__Decision *
decision_to_wire(struct arena *arena, const struct snapshot *snapshot, const struct rule_set *set,
                 const struct decide_task *task, const struct decision *decision);
