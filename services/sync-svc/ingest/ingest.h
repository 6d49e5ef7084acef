/*
 * Events of Twilio applied to the mirror. What an event says goes to the owner of the resource;
 * where it says too little, or speaks of what we do not know, Twilio is asked first. Whatever
 * comes twice, late or in another order leaves the same rows: owners keep the later observation.
 * Threads: any.
 */
#pragma once

#include "base/call.h"
#include "svc/host.h"
#include "svc/workspaces.h"
#include "taskrouter/sync/v1/sync.pb-c.h"

struct ingest;
struct upstream;

/* All is borrowed. */
struct ingest_options {
    const struct host *host;
    const struct workspaces *workspaces;
    struct upstream *upstream;
};

struct ingest *ingest_new(const struct ingest_options *options);
void ingest_free(struct ingest *ingest); /* NULL is allowed */

/*
 * Errors: INVALID_ARGUMENT EVENT_INVALID, which repeating does not mend; those of upstream_call,
 * twilio_read and the owners, which it may.
 */
enum err_code ingest_apply(struct ingest *ingest, struct call *call,
                           const Taskrouter__Sync__V1__ApplyWebhookRequest *request,
                           Taskrouter__Sync__V1__ApplyWebhookResponse **out_reply,
                           struct err *err) MUST_CHECK;

/*
 * Several, as ApplyWebhooks says. Errors: RESOURCE_EXHAUSTED; INVALID_ARGUMENT INVALID_COUNT; all
 * else is the outcome of one.
 */
enum err_code ingest_apply_many(struct ingest *ingest, struct call *call,
                                const Taskrouter__Sync__V1__ApplyWebhooksRequest *request,
                                Taskrouter__Sync__V1__ApplyWebhooksResponse **out_reply,
                                struct err *err) MUST_CHECK;
