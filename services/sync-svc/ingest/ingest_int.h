/* Between ingest.c (what is done about an event), fetch.c (asking Twilio) and batch.c (many). */
#pragma once

#include "base/map.h"
#include "event_form.h"
#include "ingest.h"
#include "known.h"
#include "taskrouter/tasks/v1/mirror.pb-c.h"

struct ingest {
    struct ingest_options options;
    struct known *known;
};

/* One event under way. */
struct ingesting {
    struct ingest *ingest;
    struct call *call;
    const struct event_form *form;
    bool has_asked; /* Twilio */
};

typedef Taskrouter__Common__V1__MirrorResult ingest_result;

/* What is told of an event. */
struct ingest_told {
    Taskrouter__Common__V1__MirrorOutcome outcome;
    const char *detail;
};

/* Whether the event is of a workspace that is mirrored here; *told says why not. */
enum err_code ingest_is_ours(struct ingesting *in, bool *out_is_ours, struct ingest_told *told,
                             struct err *err) MUST_CHECK;

/* Does what the event asks for. */
enum err_code ingest_act(struct ingesting *in, struct ingest_told *told,
                         struct err *err) MUST_CHECK;

/* Whether the event is for tasks-svc alone, everything that it mentions being known. tasks: SIDs
 * that count as known. */
bool ingest_needs_nobody(struct ingesting *in, const struct map *tasks);

/* Of such an event: what tasks-svc is told, and what is made of its answer. */
enum err_code ingest_apply_request(struct ingesting *in, Taskrouter__Tasks__V1__ApplyRequest **out,
                                   struct err *err) MUST_CHECK;
void ingest_applied(struct ingesting *in, const Taskrouter__Common__V1__MirrorResults *results,
                    struct ingest_told *told);

/* NULL: no memory. */
Taskrouter__Sync__V1__ApplyWebhookResponse *ingest_reply(const struct ingesting *in,
                                                         const struct ingest_told *told);

/* Puts one resource. */
enum err_code ingest_put(struct ingesting *in, enum twilio_resource resource,
                         ProtobufCMessage *item, int64_t observed_at_us, ingest_result **out,
                         struct err *err) MUST_CHECK;

/* The resource as its owner has it; *out NULL: it has not. parent_sid: of worker channels. */
enum err_code ingest_ours(struct ingesting *in, enum twilio_resource resource,
                          const char *parent_sid, const char *sid, ProtobufCMessage **out,
                          struct err *err) MUST_CHECK;

/* Asks Twilio for the resource and stores it, and before it what it refers to that we do not know.
 * *out NULL: Twilio has no such resource. */
enum err_code ingest_fetch(struct ingesting *in, enum twilio_resource resource, const char *sid,
                           ingest_result **out, struct err *err) MUST_CHECK;

/* The same for all channels of a worker, *out being the first that changed, or the last. */
enum err_code ingest_fetch_channels(struct ingesting *in, const char *worker_sid,
                                    ingest_result **out, struct err *err) MUST_CHECK;

/* Makes sure that we have the resource, if Twilio has it. "" is none. */
enum err_code ingest_ensure(struct ingesting *in, enum twilio_resource resource, const char *sid,
                            struct err *err) MUST_CHECK;
