/* The way of a task through its workflow as things are now: the router leaves a target at once when
 * nobody could be reserved there and its skip_if is true, behind the last target for the next
 * filter that matches and then for the default filter. Timeouts, of a second at least, are not
 * waited for. */
#pragma once

#include "route_workers.h"

/* wire->workflow: the step of Route; becomes that of the filter where the task waits. Fills queue
 * and workers of the target where it does, and a note for each target that it leaves. */
void route_walk(struct routing *routing, struct call *call, const struct snapshot *snapshot,
                struct route_look *look, Taskrouter__Routing__V1__RouteTrace *wire);
