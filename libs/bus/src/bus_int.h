/* What the files of libs/bus share: the connection, its errors, and fetching. */
#pragma once

#include <nats/nats.h>
#include <pthread.h>

#include "base/lock.h"
#include "bus/bus.h"

enum {
    BUS_LOCK_RANK = 600,
    BUS_WAKE_MS = 200, /* how long a thread of ours sleeps before it looks whether it should end */
    BUS_HEADER_ID_BYTES = 256
};

struct bus {
    struct bus_options options; /* texts are ours */
    natsConnection *nc;
    jsCtx *js;
    pthread_t thread;
    bool has_thread;
    struct lock lock; /* guards what follows */
    struct cond changed;
    bool is_connected;
    bool is_ensured; /* the streams are as they should be, on this connection */
    bool is_closing;
    bool is_closed;      /* the last callback of the library has run */
    uint64_t generation; /* grows with each connection lost: what was under way may be gone */
    natsSubscription **retired; /* unsubscribed, to be freed when the connection is closed */
    size_t retired_count;
};

/* Options for a connection like the bus's own. The caller destroys *out. */
natsStatus bus_nats_options(const struct bus_options *options, natsOptions **out);

/*
 * Ends a subscription on the bus's connection. libnats up to 3.5 crashes when one is freed while a
 * message for it is being taken in (nats.c issue 637), so it is freed only when the reading thread
 * has certainly left it: after a round trip, or else with the connection.
 */
void bus_unsubscribe(struct bus *bus, natsSubscription *sub);

/* "BUS_UNAVAILABLE", "DEADLINE_EXCEEDED" and so on from a status of the library. what: "publish".
 */
enum err_code bus_fail(struct err *err, natsStatus status, const char *what);

uint64_t bus_generation(struct bus *bus);

/* Milliseconds the call has left, between 1 and otherwise_ms (also when it has no deadline). */
int64_t bus_left_ms(const struct call *call, int64_t otherwise_ms);

/* Subject and size as the server will take them. */
enum err_code bus_message_check(const struct bus_message *message, struct err *err);
enum err_code bus_message_make(const struct bus_message *message, const char *reply, natsMsg **out,
                               struct err *err);

/* Sleeps unless ended: true when *is_stopping was seen. lock guards it, cond tells of it. */
bool bus_pause(struct lock *lock, struct cond *cond, const bool *is_stopping, int64_t ms);

/* 2^n times base with up to as much jitter again, at most max. */
int64_t bus_backoff_ms(int attempt, int64_t base_ms, int64_t max_ms);

/* ---- Fetching from a pull consumer, one thread ---- */

enum pull_result {
    PULL_NONE,  /* nothing came within BUS_WAKE_MS */
    PULL_MSG,   /* *out is the caller's to destroy */
    PULL_BROKEN /* the connection or the consumer is gone: ensure it again, then pull_restart */
};

struct pull {
    struct bus *bus;
    natsSubscription *sub; /* to <inbox>.*; kept over restarts, see bus_unsubscribe */
    natsInbox *inbox;
    char reply[256]; /* <inbox>.<n> of the last request; "" = none yet */
    uint64_t requests;
    char consumer[128]; /* its name; messages of another are left over from before a restart */
    char next_subject[256];
    int batch;
    int outstanding;       /* messages the server may still send for the last request */
    int64_t until_mono_us; /* when that request is certainly over */
    uint64_t generation;
    natsMsg **held; /* ring: fetched ahead */
    size_t held_head;
    size_t held_count;
    size_t held_capacity;
};

enum err_code pull_open(struct pull *pull, struct bus *bus, int batch, struct err *err);
void pull_restart(struct pull *pull, const char *stream, const char *consumer);
enum pull_result pull_next(struct pull *pull, natsMsg **out);

/* Moves what the library has received already into the ring, so that pull_tell reaches it. */
void pull_hold(struct pull *pull);

/*
 * Waits until the open request is over (half a second at most) and moves what it brought into the
 * ring. Leaving earlier would cost order: for a request whose asker has gone, nats-server 2.9 takes
 * the first message given back and puts it behind all others; and what is on its way would be
 * redelivered only after ack_wait_ms.
 */
void pull_finish(struct pull *pull);

/* Sends an acknowledgement text ("+WPI", "-NAK") for everything in the ring. */
void pull_tell(struct pull *pull, const char *what);
void pull_drop_held(struct pull *pull);
void pull_close(struct pull *pull);

/* What the reply subject of a JetStream message says. */
struct bus_meta {
    struct str consumer; /* view into the reply subject */
    uint64_t deliveries;
    uint64_t stream_seq;
    uint64_t consumer_seq;
    int64_t stored_at_us;
    uint64_t pending;
};

/* "$JS.ACK.<stream>.<consumer>.<deliveries>.<seq>.<consumer seq>.<ns>.<pending>", with domain and
 * account in front of the stream on newer servers. */
bool bus_meta_parse(const char *reply, struct bus_meta *out);

/* Views into msg. */
struct bus_msg bus_msg_view(natsMsg *msg, const struct bus_meta *meta);
