/*
 * Transactional outbox: an event is a row written in the transaction of the change it tells of; a
 * relay thread publishes committed rows to JetStream in order, with the event's SID as message id.
 * Delivery is at least once. Refuses to publish anything that was not committed.
 *
 * The service's migrations contain (text in libs/outbox/README.md):
 *   create table outbox (
 *       seq bigserial primary key, event_sid text not null unique, subject text not null,
 *       payload text not null, created_at timestamptz not null default now(),
 *       published_at timestamptz);
 *   create index outbox_unpublished on outbox (seq) where published_at is null;
 *   create index outbox_published_at on outbox (published_at) where published_at is not null;
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/call.h"
#include "base/ids.h"
#include "db/db.h"

/* ---- Writing ---- */

/* One event. Texts live until outbox_append returns; NULL and "" are the same. */
struct outbox_event {
    struct sid event_sid; /* "EV…"; zero = a new one is made and written back */
    const char *source;   /* "/workers-svc" */
    const char *type;     /* Twilio's name: "worker.activity.update"; begins with the resource */
    const char *workspace_sid; /* "" = of no workspace: "_" in the subject */
    const char *account_sid;
    const char *subject_sid; /* the resource that changed */
    int64_t version;         /* of that resource, from 1 */
    int64_t sequence;        /* tasks-svc: position in the log; 0 = left out */
    int64_t at_us;           /* when it happened; 0 = now */
    const char *request_id;  /* NULL = the call's */
    const char *actor_sid;   /* NULL = the call's */
    const char
        *actor_type;      /* NULL = by the actor: "user", "token", "service", "worker", "system" */
    struct str data_json; /* proto3 JSON of the taskrouter.events.v1 message: one JSON object */
};

/* "taskrouter.<workspace>.<type>" and CloudEvents 1.0 JSON. False when a buffer failed or a part of
 * the subject holds what NATS forbids (white space, '*', '>', an empty token). */
bool outbox_event_subject(const struct outbox_event *event, struct buf *out);
bool outbox_event_payload(const struct outbox_event *event, const struct call *call,
                          struct buf *out);

/* The payload up to its data: the caller appends one JSON object and '}'. data_json is not read. */
bool outbox_event_open(const struct outbox_event *event, const struct call *call, struct buf *out);

/* Writes the row; call it after the change itself, inside the same transaction (so that events of
 * one resource get their numbers in commit order). */
enum err_code outbox_append(struct db_conn *conn, struct call *call, struct outbox_event *event,
                            struct err *err) MUST_CHECK;

/* The rows of many changes in one statement, in the order given. Their texts stay in the arena
 * until it is rewound: a caller with many or large ones does so in portions. */
enum err_code outbox_append_many(struct db_conn *conn, struct call *call,
                                 struct outbox_event *events, size_t count,
                                 struct err *err) MUST_CHECK;

/* ---- Publishing ---- */

/* One committed row on its way out. */
struct outbox_message {
    int64_t seq;
    struct str msg_id; /* event SID */
    struct str subject;
    struct str payload;
};

/* Publishes in order and waits for the acknowledgements until the call's deadline; *out_done = how
 * many from the front were acknowledged, also on failure. */
typedef enum err_code outbox_publish_fn(void *ctx, struct call *call,
                                        const struct outbox_message *messages, size_t count,
                                        size_t *out_done, struct err *err);

struct bus;

struct outbox_options {
    const char *url;            /* database, the service's own role */
    const char *schema;         /* NULL = the role's; also names the advisory lock */
    const char *name;           /* service name, for logs and metrics */
    struct bus *bus;            /* where to; or: */
    outbox_publish_fn *publish; /* instead of bus, for tests and other transports */
    void *publish_ctx;
    int batch;          /* rows per round; 0 = 256 */
    int poll_ms;        /* looks for rows without being woken; 0 = 500 */
    int backoff_max_ms; /* while the bus or the database is away; 0 = 5000 */
    int64_t keep_s;     /* published rows are deleted after that; 0 = 3 days, -1 = never */
};

struct outbox;

/* Starts the relay thread. Several replicas may run one each: an advisory lock lets one work at a
 * time. Never NULL. */
struct outbox *outbox_open(const struct outbox_options *options);

/* Stops after the round under way. NULL is allowed. */
void outbox_close(struct outbox *outbox);

/* Call after a commit that appended. Threads: any; cheap; NULL is allowed. */
void outbox_wake(struct outbox *outbox);

/* For the shutdown: waits until nothing is left to publish, at most so long; true when done (or
 * when another replica is at it). */
bool outbox_drain(struct outbox *outbox, int timeout_ms);

struct outbox_stats {
    bool is_leader;     /* this replica holds the lock */
    int64_t pending;    /* rows not published, as of the last round */
    int64_t oldest_us;  /* age of the oldest of them */
    uint64_t published; /* since the start */
    uint64_t failures;  /* rounds that failed */
};

struct outbox_stats outbox_stats(struct outbox *outbox);
