/*
 * Calls and text messages as they come in: what a caller hears, and what becomes of it. A webhook
 * is answered at once (calls_answer) from the plan that was made when the call came (plan.h); what
 * it brings about beyond its answer (tasks, statuses, recordings) is done by the inbox's consumers
 * in the order of the call (calls_apply), as often as it takes. Both may happen any number of times
 * and at once: each step looks at what is there. Threads: any.
 */
#pragma once

#include "base/call.h"
#include "base/err.h"
#include "twilio/form.h"
#include "webhook.h"
#include "webhook_store.h"

struct calls;
struct gateway;

struct calls *calls_new(struct gateway *gateway); /* borrowed; needs its pool and peers */
void calls_free(struct calls *calls);             /* NULL is allowed */

/*
 * The answer to a webhook for which webhook_is_conversation. Whoever else is away, there is one;
 * errors are those of the database, RESOURCE_EXHAUSTED, and CANCELLED.
 */
enum err_code calls_answer(struct calls *calls, struct call *call, enum webhook_kind kind,
                           const struct twilio_param *params, size_t count,
                           struct webhook_answer *out, struct err *err) MUST_CHECK;

/* What a stored webhook with a lane brings about. *out_outcome: one word for people. Errors as
 * webhook_verdict_of reads them. ctx is the struct calls. */
enum err_code calls_apply(void *ctx, struct call *call, const struct webhook_due *row,
                          const struct twilio_param *params, size_t count, const char **out_outcome,
                          struct err *err) MUST_CHECK;
