/* Who would get a task now: of the workers in the queue that are in an available activity, at most
 * 100, those who meet the step's expression and have room on the task's channel, by order_by. Among
 * equals the router takes the longest idle, which is not known here. */
#pragma once

#include "base/call.h"
#include "routing.h"
#include "snapshot.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

/* Fills task_queue_name and workers of a trace whose decision and step are filled. NULL, or a
 * sentence that says why nobody can be named. */
const char *route_workers_fill(struct routing *routing, struct call *call,
                               const struct snapshot *snapshot, const char *task_channel,
                               Taskrouter__Routing__V1__RouteTrace *wire);

/* NULL when queues-svc cannot be asked or knows none. In the arena. */
const char *route_queue_name(struct routing *routing, struct call *call, const char *workspace_sid,
                             const char *queue_sid);
