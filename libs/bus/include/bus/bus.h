/*
 * Events over NATS JetStream: ordered publishing with message ids, durable consumers that keep
 * their order, and live subscriptions that resume by stream sequence. The only user of NATS.c.
 * An acknowledgement of JetStream is not durability (the server does not sync to disk): the
 * outbox row in PostgreSQL is. Refuses to block threads of an event loop: every function here that
 * may wait says so and has a bound.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/err.h"
#include "base/str.h"

#define BUS_STREAM            "TASKROUTER"
#define BUS_SUBJECTS          "taskrouter.>"
#define BUS_TO_STREAM         "TASKROUTER_TO"
#define BUS_TO_SUBJECT        "taskrouter-to" /* ".<service>.<workspace>" follows */
#define BUS_DEAD_STREAM       "TASKROUTER_DLQ"
#define BUS_DEAD_SUBJECT      "taskrouter-dlq" /* ".<durable>" follows */
#define BUS_MAX_PAYLOAD_BYTES 1000000          /* below the server's default of 1 MiB */

struct bus;

/* Zero and NULL mean the default given. Texts are copied. */
struct bus_options {
    const char *url;       /* "nats://user:secret@host:4222", several by comma; required */
    const char *name;      /* service name: client name, logs */
    const char *ca_file;   /* PEM; set = TLS is required */
    const char *cert_file; /* PEM chain of this client */
    const char *key_file;
    int connect_timeout_ms; /* 2000 */
    int reconnect_wait_ms;  /* 250, plus as much jitter again */
    int64_t max_age_s;      /* of stored events: 30 days */
    int64_t max_bytes;      /* of the stream, oldest go first; 0 = no limit */
    int64_t duplicate_s;    /* window in which message ids are remembered: 120 */
    int replicas;           /* 1 */
};

/*
 * Starts connecting and returns at once, whether or not a server answers; goes on for ever. On each
 * connection the streams are ensured: made when missing, settings brought up to date, data kept.
 * Errors: INVALID_ARGUMENT/BUS_OPTIONS (URL or TLS files).
 */
enum err_code bus_open(const struct bus_options *options, struct bus **out,
                       struct err *err) MUST_CHECK;

/* Everything opened on it must have been closed. NULL is allowed. */
void bus_close(struct bus *bus);

/* Connected, and the streams are there. Cheap; threads: any. */
bool bus_is_ready(struct bus *bus);

/* The same as an http_check_fn; ctx is the bus. */
enum err_code bus_check(void *bus, struct call *call, struct err *err);

/* Waits until bus_is_ready; false when the monotonic time passed first. */
bool bus_wait_ready(struct bus *bus, int64_t until_mono_us);

/* ---- Publishing ---- */

struct bus_message {
    struct str msg_id;  /* Nats-Msg-Id; a repeat within the window is stored once */
    struct str subject; /* "taskrouter.<workspace>.<resource>.<event>", or one of BUS_TO_SUBJECT */
    struct str payload;
};

/*
 * One message; waits for the acknowledgement until the call's deadline (none: 5 s).
 * Errors: UNAVAILABLE/BUS_UNAVAILABLE (at once while there is no connection), DEADLINE_EXCEEDED
 * (outcome unknown: publish again with the same msg_id), INVALID_ARGUMENT/BUS_MESSAGE.
 */
enum err_code bus_publish(struct bus *bus, const struct call *call,
                          const struct bus_message *message, struct err *err) MUST_CHECK;

/*
 * An ordered stream of messages, used by one thread at a time. It has a connection of its own that
 * is never resumed by itself: after a break nothing that was sent later can overtake what was lost.
 * Opened lazily: bus_publisher_new never fails.
 */
struct bus_publisher;

struct bus_publisher *bus_publisher_new(struct bus *bus);
void bus_publisher_free(struct bus_publisher *publisher); /* NULL is allowed */

/*
 * Sends all in order without waiting in between, then waits for the acknowledgements until the
 * call's deadline (none: 10 s). *out_stored: so many from the front are certainly stored, also on
 * failure; later ones may be stored too, so publish again from there with the same ids.
 * Errors: as bus_publish.
 */
enum err_code bus_publish_batch(struct bus_publisher *publisher, const struct call *call,
                                const struct bus_message *messages, size_t count,
                                size_t *out_stored, struct err *err) MUST_CHECK;

/* ---- Receiving ---- */

/* Views live until the handler returns. */
struct bus_msg {
    struct str subject;
    struct str payload;
    struct str msg_id;   /* "" when the publisher gave none */
    uint64_t stream_seq; /* position in the stream, from 1 */
    int64_t stored_at_us;
    uint64_t pending; /* messages of the same filter behind this one */
    int attempt;      /* 1 = first delivery */
};

/*
 * ERR_OK acknowledges. UNAVAILABLE = what it needs is away: the message is tried again, for ever,
 * the others wait behind it. ABORTED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNKNOWN are
 * tried max_deliver times. Any other code, or the last of those tries, sends it to the dead-letter
 * subject with the error. Must be idempotent.
 */
typedef enum err_code (*bus_handler_fn)(void *ctx, struct call *call, const struct bus_msg *msg,
                                        struct err *err);

/* Where a durable consumer that is new begins. */
enum bus_from {
    BUS_FROM_FIRST, /* the oldest event kept */
    BUS_FROM_NEW,   /* only what is published from now on */
};

/* One row of a service's table of consumers; zero = the default given. */
struct bus_consumer_def {
    const char *durable; /* "tasks-svc-workers": unique in the suite, [A-Za-z0-9_-] */
    const char *stream;  /* BUS_STREAM, or BUS_TO_STREAM: what is meant for one service alone, so
                            that it need not be looked for among all events */
    const char *subject; /* filter, wildcards allowed: "taskrouter.*.worker.>" */
    bus_handler_fn handler;
    enum bus_from from;
    int max_deliver;    /* 10 */
    int ack_wait_ms;    /* 30000: a process that died gives its messages back after that */
    int batch;          /* 64 messages fetched ahead */
    int budget_ms;      /* 10000: deadline of the handler's call */
    size_t arena_bytes; /* 4 MiB: ceiling of the handler's call */
    /* An earlier version's: never made; where it is found, what it has left is handled, and it is
     * deleted. A process of that version that still runs makes it anew, so it is looked for again
     * every minute. */
    bool is_retired;
};

struct bus_consumer;

/*
 * Starts one thread that fetches and handles in stream order, one message at a time. Survives
 * everything that bus_open survives. def is borrowed. Several replicas with one durable share the
 * messages (order then holds per replica only).
 */
struct bus_consumer *bus_consumer_start(struct bus *bus, const struct bus_consumer_def *def,
                                        void *ctx);

/* Asks it to end after the message under way, without waiting: so that several end together. */
void bus_consumer_end(struct bus_consumer *consumer);

/* The same, and waits (about a second); what was fetched ahead is given back in order. NULL is
 * allowed. */
void bus_consumer_stop(struct bus_consumer *consumer);

/* ---- Live subscriptions ---- */

/* On the subscription's own thread, in stream order, each message once. False ends it. */
typedef bool (*bus_live_fn)(void *ctx, const struct bus_msg *msg);

struct bus_subscription;

/*
 * Delivers what matches subject from stream sequence from_seq on (1 = all that is kept, 0 = only
 * what is published from now on), then goes on live, across reconnects, without gaps or repeats.
 * Leaves nothing on the server. One thread each: share one where many listen.
 */
struct bus_subscription *bus_subscribe(struct bus *bus, const char *subject, uint64_t from_seq,
                                       bus_live_fn handler, void *ctx);

/* Waits until the handler has returned; not from inside it. NULL is allowed. */
void bus_subscription_close(struct bus_subscription *subscription);

/* True once it has a place on the server (again after a reconnect); from then on nothing is missed.
 */
bool bus_subscription_is_live(struct bus_subscription *subscription);

struct bus_stream_info {
    uint64_t first_seq; /* oldest kept; first_seq > last_seq = empty */
    uint64_t last_seq;  /* newest; 0 = nothing was ever stored */
    uint64_t messages;
    uint64_t bytes;
};

/* Of BUS_STREAM; waits until the call's deadline (none: 5 s). Errors: as bus_publish. */
enum err_code bus_stream_info(struct bus *bus, const struct call *call, struct bus_stream_info *out,
                              struct err *err) MUST_CHECK;
