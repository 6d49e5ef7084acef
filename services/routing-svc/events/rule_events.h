/* What this service publishes of rules and keywords: domain to wire, and the event row of a
 * change. */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "db/db.h"
#include "keyword.h"
#include "rule.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

/* NULL when the arena is exhausted; so are the others. */
Taskrouter__Routing__V1__Rule *rule_to_wire(struct arena *arena, const struct rule *rule);
Taskrouter__Routing__V1__Keyword *keyword_to_wire(struct arena *arena,
                                                  const struct keyword *keyword);

/* target_name NULL: "". */
Taskrouter__Routing__V1__RuleAction *
rule_action_to_wire(struct arena *arena, const struct rule_action *action, const char *target_name);

/* In the transaction of the change; type is "routing-rule.updated" and so on. */
enum err_code rule_event_append(struct db_conn *conn, struct call *call, const struct rule *rule,
                                const char *type, bool is_deleted, struct err *err) MUST_CHECK;
enum err_code keyword_event_append(struct db_conn *conn, struct call *call,
                                   const struct keyword *keyword, const char *type, bool is_deleted,
                                   struct err *err) MUST_CHECK;
