/*
 * Connects callers who wait with the workers who took their tasks, in workspaces that we route.
 * Accepting a reservation records a leg (domain/bridge_leg.h); jobs have sync-svc call the worker
 * into the queue of the call; the provider's webhooks tell what became of it. A reservation is
 * dialled once: what is about to be done is written before, and what may have been done is not done
 * again. Threads: any.
 */
#pragma once

#include "base/call.h"
#include "base/err.h"
#include "twilio/form.h"
#include "webhook_store.h"

struct app;
struct bridge;
struct gateway;

struct bridge *bridge_new(struct gateway *gateway); /* borrowed; needs its pool and peers */
/* Starts the consumers of reservations and the jobs; they end before bridge_free. */
void bridge_start(struct bridge *bridge, struct app *app);
void bridge_free(struct bridge *bridge); /* NULL is allowed */

/* After calls_apply: what the news of a call bring about for the workers who are called for it.
 * Errors: those of the services. */
enum err_code bridge_hear_call(struct bridge *bridge, struct call *call,
                               const struct webhook_due *row, const struct twilio_param *params,
                               size_t count, struct err *err) MUST_CHECK;

/* What a webhook of kind VOICE_LEG brings about; as calls_apply. */
enum err_code bridge_apply(struct bridge *bridge, struct call *call, const struct webhook_due *row,
                           const struct twilio_param *params, size_t count,
                           const char **out_outcome, struct err *err) MUST_CHECK;
