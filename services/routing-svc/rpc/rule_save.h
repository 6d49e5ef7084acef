/* What every change of a rule does after it was made, and how it is answered. */
#pragma once

#include "base/call.h"
#include "routing.h"
#include "rule.h"
#include "rules/check.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

/* Wakes the outbox and has the compiled rules read again. */
void rule_saved(struct routing *routing, const char *workspace_sid);

/* The rule with warnings. */
enum err_code rule_reply(struct call *call, const struct rule *rule,
                         const struct rule_finding *findings, size_t finding_count,
                         Taskrouter__Routing__V1__Rule **out_reply, struct err *err) MUST_CHECK;

/* Holds the workflows that the rule's actions name until the transaction ends, so that none is
 * deleted meanwhile. Errors: INVALID_ARGUMENT WORKFLOW_NOT_FOUND. */
enum err_code rule_hold_workflows(struct db_conn *conn, struct call *call, const struct rule *rule,
                                  struct err *err) MUST_CHECK;

/* A comment of a version. Errors: INVALID_ARGUMENT TOO_LONG. */
enum err_code rule_check_comment(const char *comment, struct err *err) MUST_CHECK;
