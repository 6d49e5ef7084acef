/* Who would get a task now: of the workers in a queue that are in an available activity, at most
 * 500, those who meet a target's expression and have room on the task's channel, by order_by. Among
 * equals the router takes the longest idle, which is not known here. */
#pragma once

#include "base/call.h"
#include "routing.h"
#include "snapshot.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

enum { ROUTE_NOTES_MAX = 32 };

/* Puts a sentence into the trace's notes, each once; those beyond ROUTE_NOTES_MAX are left out. */
void route_note(struct arena *arena, Taskrouter__Routing__V1__RouteTrace *wire, const char *text);

struct route_look;

/* NULL when there is no room. **Ownership:** in the call's arena. */
struct route_look *route_look_new(struct routing *routing, struct call *call,
                                  const struct snapshot *snapshot, const char *task_channel);

/* Puts the queue of the trace, its name and the workers of it (or the decision's worker) into the
 * trace, in place of those before. target: what the step asks of them, NULL: nothing. What could
 * not be asked becomes a note. False only when it is sure that nobody would get the task now. */
bool route_look_at(struct route_look *look, const char *queue_sid,
                   const Taskrouter__Routing__V1__RouteTarget *target,
                   Taskrouter__Routing__V1__RouteTrace *wire);

/* NULL when queues-svc cannot be asked or knows none. In the arena. */
const char *route_queue_name(struct routing *routing, struct call *call, const char *workspace_sid,
                             const char *queue_sid);
