/* Between ingest.c (what is done about an event) and fetch.c (asking Twilio). */
#pragma once

#include "event_form.h"
#include "ingest.h"
#include "known.h"

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
