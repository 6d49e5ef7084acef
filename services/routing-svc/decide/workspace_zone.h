/* The time zone of a workspace: from our copy, and by asking workers-svc where it is not told yet.
 */
#pragma once

#include "base/call.h"
#include "routing.h"

/* In the arena. Errors: UNAVAILABLE when it is unknown here and workers-svc is away. */
enum err_code workspace_zone(struct routing *routing, struct call *call, const char *workspace_sid,
                             const char **out, struct err *err) MUST_CHECK;
