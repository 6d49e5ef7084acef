/* The whole way of a task on the wire: rules, workflow, queue, and who would get it. */
#pragma once

#include "base/call.h"
#include "decide.h"
#include "routing.h"
#include "snapshot.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

/* What the set makes of the task. Errors: RESOURCE_EXHAUSTED; what others cannot tell is a note. */
enum err_code route_trace(struct routing *routing, struct call *call,
                          const struct snapshot *snapshot, const struct rule_set *set,
                          const struct decide_task *task, Taskrouter__Routing__V1__RouteTrace **out,
                          struct err *err) MUST_CHECK;
