/* Insides of the callbacks: the thread's state, one shard, one delivery. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/call.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/map.h"
#include "callback_store.h"
#include "callbacks.h"
#include "httpc/httpc.h"
#include "shell.h"
#include "twilio/form.h"

enum {
    CALLBACKS_LOCK_RANK = 540,
    CALLBACK_POLL_MS = 500, /* how often a quiet shard is looked at: URLs, what others made due */
};

/* A workspace or workflow in memory; strings are its own. */
struct callback_place {
    char *sid;
    char *workspace_sid;
    char *name;
    char *url;
    char *fallback_url;
    char *filter;
    bool is_workflow;
};

struct callback_shard {
    int index;
    bool is_ours;
    bool knows_cursor;
    int64_t cursor;
    int64_t change;    /* of the newest target known */
    struct map places; /* by SID */
    size_t url_count;  /* places with a URL; without any the log is not read */
    size_t round_rows;
    int64_t poll_mono_us;
    int64_t due_mono_us; /* when to claim next; 0 = now */
    int64_t sweep_mono_us;
    bool has_urls;   /* lock: url_count > 0 */
    bool is_touched; /* lock: committed since the last round */
};

/* One URL for one kind of callback. */
struct callback_peer {
    char *key; /* "event\1https://…" */
    int in_flight;
    int failures;                 /* in a row; events only */
    int64_t closed_until_mono_us; /* nothing is sent before; 0 = open */
    int64_t noted_mono_us;        /* the last answer, or the lack of one */
};

enum delivery_step {
    DELIVERY_NONE,
    DELIVERY_SENDING,  /* the HTTP client has it */
    DELIVERY_DECIDING, /* the shard has it */
    DELIVERY_WAITING,  /* for the shard to be ready: asked again at retry_mono_us */
    DELIVERY_ENDED,    /* to be recorded */
};

struct delivery {
    struct callbacks *callbacks;
    struct arena *arena;
    struct list_node node;    /* callbacks->active or ->ended; the thread's */
    struct list_node arrived; /* callbacks->arrived; lock */
    struct callback_claim claim;
    int shard;
    struct callback_peer *peer;
    enum delivery_step step;
    bool uses_fallback;
    struct twilio_param *params;
    size_t param_count;
    const char *headers[6];
    struct httpc_request request;
    struct call call;
    struct shard_op op;
    int64_t retry_mono_us;
    int64_t give_up_mono_us; /* waiting for the shard */
    struct callback_outcome outcome;
};

struct callbacks {
    struct callbacks_options options;
    char *instance; /* behind the options' texts */
    struct httpc *httpc;
    struct db_conn *conn;
    struct arena *arena; /* of a round */
    pthread_t thread;
    struct callback_shard *shards;

    /* The thread's own. */
    struct map peers;
    int64_t prune_mono_us; /* when to look for forgotten peers next */
    struct list active;    /* deliveries under way */
    struct list ended;     /* to be recorded */
    size_t active_count;   /* in both lists */
    size_t active_events;
    int backoff_ms; /* after the database failed */

    struct lock lock;
    struct cond changed;
    struct list arrived; /* deliveries that the client or the shard is done with */
    bool is_woken;
    bool is_closing;
};

/* ---- dispatch.c ---- */

/* Brings the outbox up to the log: up to one round; *out_more says that there may be more. */
enum err_code dispatch_round(struct callbacks *callbacks, struct callback_shard *shard,
                             struct call *call, bool *out_more, struct err *err) MUST_CHECK;
/* Forgets what was known of the shard. */
void dispatch_reset(struct callback_shard *shard);

/* ---- delivery.c ---- */

/* Claims what is due and there is room for, and starts it; sets shard->due_mono_us. */
enum err_code delivery_claim(struct callbacks *callbacks, struct callback_shard *shard,
                             struct call *call, struct err *err) MUST_CHECK;
/* Goes on with one that arrived, or whose time to ask again has come. */
void delivery_go_on(struct delivery *delivery);
/* Records all that ended and frees them. */
enum err_code delivery_record(struct callbacks *callbacks, struct call *call,
                              struct err *err) MUST_CHECK;
/* When the earliest waits no longer; INT64_MAX = none waits. */
int64_t delivery_next_mono_us(const struct callbacks *callbacks);

/* ---- peer.c ---- */

struct callback_peer *peer_get(struct callbacks *callbacks, const char *kind, const char *url);
/* How many more may be sent to it now. */
int64_t peer_room(const struct callbacks *callbacks, const struct callback_peer *peer,
                  int64_t now_mono_us);
void peer_note(struct callback_peer *peer, bool has_failed, int64_t now_mono_us);
/* Forgets it when there is nothing to remember. */
void peer_release(struct callbacks *callbacks, struct callback_peer *peer);
/* Forgets failures of receivers that nothing was sent to for long. Cheap to call often. */
void peers_prune(struct callbacks *callbacks, int64_t now_mono_us);
void peers_fini(struct callbacks *callbacks);

/* ---- callback_metrics.c ---- */

void callback_metrics_sent(bool is_assignment, const char *state, int64_t took_us);
void callback_metrics_counts(int64_t dead, int64_t waiting, int64_t oldest_us);
