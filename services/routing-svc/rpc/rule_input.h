/* Rules as requests bring them: from the wire, checked, with targets as SIDs. */
#pragma once

#include "base/call.h"
#include "routing.h"
#include "rule.h"
#include "rules/check.h"
#include "snapshot.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

/*
 * Sets condition and conditions of the rule. Both given: they must say the same. Errors:
 * INVALID_ARGUMENT CONDITIONS_DIFFER and those of rules/condition.h.
 */
enum err_code rule_input_condition(struct call *call, const char *condition, const char *conditions,
                                   struct rule *rule, struct err *err) MUST_CHECK;

/* Sets actions and target_names, checked and resolved. Errors: those of rule_actions_check and
 * rule_targets_resolve. */
enum err_code rule_input_actions(struct routing *routing, struct call *call,
                                 const char *workspace_sid,
                                 Taskrouter__Routing__V1__RuleAction *const *wires, size_t count,
                                 struct rule *rule, struct err *err) MUST_CHECK;

/* Errors: RESOURCE_EXHAUSTED. */
enum err_code rule_input_labels(struct call *call, char *const *labels, size_t count,
                                struct rule *rule, struct err *err) MUST_CHECK;

/* A whole rule of the wire that is not stored: with a SID in the place of that one, whose age it
 * has. Errors: as above, NOT_FOUND RULE_NOT_FOUND. */
enum err_code rule_input_draft(struct routing *routing, struct call *call,
                               const struct snapshot *snapshot,
                               const Taskrouter__Routing__V1__Rule *wire, struct rule *out,
                               struct err *err) MUST_CHECK;

/* Everything that can be said of the rule beside the others of the snapshot. Errors:
 * INVALID_ARGUMENT naming the field. */
enum err_code rule_input_judge(struct call *call, const struct snapshot *snapshot,
                               const struct rule *rule, struct rule_finding **out_findings,
                               size_t *out_count, struct err *err) MUST_CHECK;

/* Puts the findings as warnings on the wire; false when the arena is exhausted. */
bool rule_warnings_to_wire(struct arena *arena, const struct rule_finding *findings, size_t count,
                           Taskrouter__Routing__V1__RuleWarning ***out, size_t *out_count);
