/*
 * Live events for all event streams of this process: one subscription to the bus, a bounded memory
 * of what came last, and the streams that want to see it. A stream that resumes gets what it missed
 * from the memory or, when that is too long ago or too much, from the bus at the speed its client
 * reads; then it goes on live, without gaps or repeats. Event ids are positions in the bus's
 * stream. Threads: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/app.h"
#include "base/call.h"
#include "http/stream.h"

struct auth;
struct bus;
struct default_workspaces;
struct feed;
struct frame;

struct feed_options {
    struct bus *bus;
    struct auth *auth;                     /* told of revoked tokens */
    struct default_workspaces *workspaces; /* told of new and deleted workspaces */
    /* Told of every event as it comes, with its payload, on the subscription's thread; NULL =
     * nobody is. */
    void (*on_event)(void *listener, const struct frame *frame, struct str payload);
    void *listener;
    size_t ring_events; /* 0 = 8192 */
    size_t ring_bytes;  /* 0 = 16 MiB */
};

struct feed *feed_new(const struct feed_options *options);

/* Starts the job that connects, looks after the subscription and ends replays; once. */
void feed_start(struct feed *feed, struct app *app);

/* For readiness (ctx: struct feed). Errors: UNAVAILABLE EVENTS_UNAVAILABLE until the bus has told
 * where its stream is: streams are refused so long. */
enum err_code feed_check(void *ctx, struct call *call, struct err *err) MUST_CHECK;

/* After the last stream and before the job is gone: ends what is still catching up. */
void feed_stop(struct feed *feed);

/* Ends the subscription; before the bus is closed. */
void feed_free(struct feed *feed); /* NULL is allowed */

#define FEED_TYPES_MAX 32

/* What a stream wants to see. Texts are copied. */
struct feed_filter {
    const char *account_sid;
    const char *workspace_sid; /* "" = all of the account's */
    const char *worker_sid;    /* only events about this worker and its tasks; "" = all */
    const char *actor_sid;     /* whose stream it is: ends when that token is revoked */
    int64_t until_us;          /* when its token expires, and the stream with it; 0 = never */
    struct str types[FEED_TYPES_MAX]; /* "task.created", "task.*"; none = all */
    size_t type_count;
};

/* Where a stream begins. */
struct feed_from {
    bool has_id;
    uint64_t id; /* the last event the client has seen */
};

/*
 * Turns the request into a stream of what the filter lets through. Errors: UNAVAILABLE
 * EVENTS_UNAVAILABLE while the bus is away; RESOURCE_EXHAUSTED TOO_MANY_REPLAYS; those of
 * http_stream_open.
 */
enum err_code feed_open(struct feed *feed, const struct feed_filter *filter, struct feed_from from,
                        struct http_request *req, struct http_response *res,
                        struct err *err) MUST_CHECK;

/* Whether the type passes the list of patterns; for tests. */
bool feed_type_matches(const struct str *patterns, size_t count, struct str type);
