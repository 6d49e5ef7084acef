/* What queues-svc is asked for a request of ours. No connection to the database may be held
 * meanwhile: it may have to ask us for the workspace. */
#pragma once

#include "base/call.h"

struct workers;

/* The expression of a queue by its SID or, when that is "", by its name; "" when there is none.
 * Asks as the caller, who may see it or not. Errors: those of the call. */
enum err_code queue_peer_target(struct workers *workers, struct call *call,
                                const char *workspace_sid, const char *sid, const char *name,
                                const char **out_target, struct err *err) MUST_CHECK;

/* Refuses while a queue moves workers to the activity. Asks as the service.
 * Errors: FAILED_PRECONDITION ACTIVITY_IN_USE; those of the call. */
enum err_code queue_peer_check_activity(struct workers *workers, struct call *call,
                                        const char *workspace_sid, const char *activity_sid,
                                        struct err *err) MUST_CHECK;

/*
 * Task channels are made by queues-svc and come here by events. A caller who names one that did not
 * come yet need not know that: the owner is asked, as the service, and what it has is stored.
 */
enum err_code queue_peer_fetch_channels(struct workers *workers, struct call *call,
                                        const char *workspace_sid, struct err *err) MUST_CHECK;
