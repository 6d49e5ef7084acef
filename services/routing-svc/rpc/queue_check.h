/* Whether queues that something names exist: from our copy, and by asking queues-svc about those
 * that it has not heard of. */
#pragma once

#include "base/call.h"
#include "routing.h"
#include "workflow.h"

/* Errors: INVALID_ARGUMENT QUEUE_NOT_FOUND (configuration); UNAVAILABLE when queues-svc is away. */
enum err_code queue_check(struct routing *routing, struct call *call, const char *workspace_sid,
                          const struct workflow_doc *doc, struct err *err) MUST_CHECK;

/* The same of SIDs that the field names. */
enum err_code queue_check_sids(struct routing *routing, struct call *call,
                               const char *workspace_sid, const char *field, const struct str *sids,
                               size_t count, struct err *err) MUST_CHECK;
