/* Insides of the shell: one shard, its batch, and the directory all shards share. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/map.h"
#include "base/queue.h"
#include "batch_store.h"
#include "db/db.h"
#include "engine/engine.h"
#include "engine/journal.h"
#include "event_pack.h"
#include "mirror_store.h"
#include "shell.h"

struct shard_lease;

enum {
    SHELL_LOCK_RANK = 300,
    SHARD_BATCH_MAX = 1024,
    SHARD_KEYS_MAX = 200000,        /* keys remembered per shard */
    SHARD_REPLIES_BYTES = 64 << 20, /* of their replies; older ones are in the database only */
};

/* What the shard is doing; guarded by the shell's lock. */
enum shard_state {
    SHARD_NONE,
    SHARD_LOADING, /* taking the lease, reading rows */
    SHARD_FAILING, /* the database is away, or something cannot be loaded */
    SHARD_FOREIGN, /* another process holds the lease */
    SHARD_OWNER,   /* serving */
    SHARD_ENDED,
};

/* What the cluster's thread wants of the shard's; guarded by the shell's lock. */
enum shard_want {
    SHARD_WANT_UNKNOWN, /* the leases were not seen yet */
    SHARD_WANT_NONE,    /* stand by */
    SHARD_WANT_WARM,    /* it will be handed to us: be ready */
    SHARD_WANT_OWN,
};

#define INSTANCE_SIZE 40

/* A workspace as the directory knows it. */
struct known_workspace {
    struct sid sid;
    struct sid account_sid;
    bool is_deleted;
    bool is_mirrored; /* Twilio routes it */
    int shard;
};

/* A used key in memory. */
struct known_key {
    char *id; /* "account\1method\1key", the map's key */
    struct sid request_hash;
    char *reply; /* packed; NULL = in the database only */
    size_t reply_len;
};

struct known_keys {
    struct map map;
    struct known_key **ring; /* oldest first, for forgetting */
    size_t head;
    size_t count;
    size_t bare;        /* of the oldest, so many surely have no reply in memory */
    size_t reply_bytes; /* of all others */
    bool is_complete;   /* what is not here was never used (or is forgotten by the database too) */
};

/* A deleted resource: an older word about it that comes late does not bring it back. */
struct tomb {
    struct sid sid;
    int64_t version;
};

/* The newest events of other services in the log, so that one which comes twice at once (to two
 * processes, from the bus and from a peer) is logged once. Older ones are found in the log. */
enum { HEARD_MAX = 4096 };

struct heard_events {
    struct map map;
    struct sid *ring; /* HEARD_MAX; NULL before the first */
    size_t count;     /* of all so far */
};

/* Queues that a workflow's document names and that nobody told us of yet. */
struct workflow_gap {
    struct sid workflow_sid;
    struct sid workspace_sid;
    struct sid *queue_sids;
    size_t queue_count;
};

/* Grows in the batch's arena. */
struct sid_list {
    struct sid *items;
    size_t count;
    size_t capacity;
};

/* Rows of mirrored workspaces that the batch under way is about, as it leaves them. */
struct mirror_desk {
    struct map tasks;        /* by SID -> struct desk_task */
    struct map reservations; /* by SID -> struct desk_reservation */
    struct map events;       /* SIDs of Twilio's events that were applied */
    bool is_read;
    struct err failure; /* of the reading */
    bool has_news;      /* something is to be written */
    struct sid_list new_events;
};

struct shard {
    struct shell *shell;
    int index;
    struct queue *queue;
    pthread_t thread;

    /* shell->lock */
    enum shard_state state;
    enum shard_want want;
    char heir[INSTANCE_SIZE]; /* whom to hand it over to; "" = nobody */
    bool is_heir_warm;
    int64_t heir_mono_us;                   /* since when */
    char owner_address[SHELL_ADDRESS_SIZE]; /* of another process; "" = nobody, or us */
    int64_t taken_epoch;                    /* ours; looks at older leases tell nothing */
    int64_t given_epoch;                    /* the last one that we gave back */
    int64_t foreign_seq;                    /* the last event of another owner that we saw */
    struct shard_op poke;                   /* wakes the thread; is_poked: it is in the queue */
    bool is_poked;
    bool needs_poke; /* something of the above changed */

    /* The thread's own. */
    struct db_conn *conn;
    struct engine *engine; /* NULL while not loaded */
    struct engine_effects effects;
    struct arena *arena;        /* of the batch */
    struct event_packer packer; /* of the batch */
    struct known_keys keys;
    struct map gaps;  /* by workflow SID -> struct workflow_gap */
    struct map tombs; /* by SID -> struct tomb */
    struct heard_events heard;
    struct mirror_desk desk;
    struct warm *warm; /* what is prepared while another process owns the shard; NULL: nothing */
    int64_t epoch;     /* of our lease; 0 = it is not ours */
    uint64_t session;  /* of the connection that took the lease, as db_conn_epoch counts */
    int64_t event_seq;
    int64_t row_seq;
    struct journal journal; /* what the engine is told in the batch in hand */
    int64_t now_us;         /* of the last batch: time does not go back within a process */
    int journal_part;       /* commits with a journal and no event since the last with one */
    int64_t renew_mono_us;  /* when the lease wants a commit even with nothing to write */
    int64_t replan_mono_us; /* when the session's plans are too old */
    char named_heir[INSTANCE_SIZE]; /* as the lease has it; "" = nobody */
    int64_t named_mono_us;          /* when */
    int64_t busy_mono_us; /* since when the lease cannot be taken because its row is locked; 0 */
    int backoff_ms;
    int solo_left; /* batches of one after a commit that some operation made impossible */
};

struct shell {
    char *database_url;
    char *schema;
    char *service;
    char *instance;
    char *address; /* where the others reach us; set before a shard is taken */
    int shard_count;
    int batch_max;
    int64_t lease_ms;
    int64_t task_limit;
    void (*on_commit)(void *ctx, int shard);
    void (*on_events)(void *ctx, int shard, int64_t first_seq, const struct packed_events *events);
    void (*on_places)(void *ctx);
    void *ctx;
    struct shard *shards;
    struct cluster *cluster; /* NULL before shell_join */

    struct lock lock; /* guards what follows */
    struct cond committed;
    uint64_t commits;
    struct map workspaces; /* SID -> struct known_workspace */
    bool is_blind;         /* the leases cannot be read: the database is away */
    bool is_stopping;
};

/* One batch under way; lives on the thread's stack. */
struct batch {
    struct shard *shard;
    struct call call; /* of the commit */
    int64_t now_us;
    struct shard_op **ops;
    size_t op_count;
    struct engine_effect *last;  /* the last effect already put into the log */
    struct packed_events events; /* once it is sent, as journal */
    struct str journal;          /* empty: nothing that replay needs */
    int64_t sent_mono_us;
    const struct config_row **configs;
    size_t config_count;
    size_t config_capacity;
    const struct repeat_row **repeats;
    size_t repeat_count;
    size_t repeat_capacity;
    int64_t row_seq;
    bool is_load;       /* the engine was loaded: to be told even when nothing came due */
    struct err failure; /* building it failed: nothing is written */
};

/* --- batch.c: applying operations, and making the batch durable --------------------------- */

void batch_begin(struct batch *batch, struct shard *shard, struct shard_op **ops, size_t count);
/* Instead of the tick that begins a batch: the engine is loaded. */
void batch_note_load(struct batch *batch, int64_t now_us, uint64_t seed);
void batch_apply(struct batch *batch, struct shard_op *op, size_t index);
/* Turns new effects into rows of the log; op NULL: nobody asked (timers). */
void batch_collect(struct batch *batch);
bool batch_is_empty(const struct batch *batch);
/* The highest number of any row in the effects, at least that one. */
int64_t shard_row_sequence(const struct engine_effects *effects, int64_t least);
enum err_code batch_commit(struct batch *batch, struct err *err) MUST_CHECK;
/* After the commit: memory that follows the disk (directory, keys). */
void batch_remember(struct batch *batch);

/* --- mirror.c, desk.c: workspaces that Twilio routes --------------------------------------- */

void desk_init(struct mirror_desk *desk);
void desk_fini(struct mirror_desk *desk);
void desk_clear(struct mirror_desk *desk); /* a batch begins */

/* op->mirror; sets op->message. */
enum err_code mirror_apply_op(struct batch *batch, struct shard_op *op) MUST_CHECK;
/* The own-worker rule of a write that goes on to Twilio, by the rows. */
enum err_code mirror_check_own(struct batch *batch, struct shard_op *op) MUST_CHECK;
/* What the batch has to write; false when the arena is exhausted. */
bool mirror_rows_of(struct batch *batch, struct mirror_rows *out);

/* --- shell.c ------------------------------------------------------------------------------- */

bool shell_is_stopping(struct shell *shell);

/* --- shard.c ------------------------------------------------------------------------------- */

void *shard_main(void *shard); /* the thread */

enum shard_want shard_wanted(struct shard *shard);
/* Waits, refusing whoever comes, until something else is wanted or the time (0: for ever) has
 * passed. */
void shard_wait(struct shard *shard, enum shard_want want, int64_t until_mono_us,
                enum shard_state state);

void shard_answer(struct shard_op *op, enum err_code code);
/* Surely not executed: somebody else runs the shard, or we may in a moment, or nobody can. */
void shard_refuse(struct shard_op *op, enum shard_state state);

void shard_poke_init(struct shard *shard);

/* The shard's thread looks at what is wanted, if that changed. Threads: any. */
void shard_poke(struct shard *shard);

/* --- cluster.c ----------------------------------------------------------------------------- */

struct cluster;

struct cluster *cluster_open(struct shell *shell, const char *address);
void cluster_look_again(struct cluster *cluster);
void cluster_leave(struct cluster *cluster, int64_t until_mono_us);
void cluster_close(struct cluster *cluster); /* NULL is allowed */

/* --- recovery.c ---------------------------------------------------------------------------- */

enum shard_taken {
    SHARD_TAKEN_NOT,  /* it is another's */
    SHARD_TAKEN_BUSY, /* somebody has its lease locked just now */
    SHARD_TAKEN,
};

/* Takes the lease and loads, or goes on with what was prepared. */
enum err_code shard_recover(struct shard *shard, enum shard_taken *out_taken,
                            struct err *err) MUST_CHECK;
void shard_drop(struct shard *shard);

/* Of its engine, the same for every load: SIDs come from it. */
uint64_t shard_seed(const struct shard *shard);

/* What loading found, beside what is in the shard by then. */
struct shard_loaded {
    int64_t configs[CONFIG_KIND_COUNT];
    int64_t tasks;
    int64_t reservations;
    int64_t config_us; /* how long each part took */
    int64_t tasks_us;
    int64_t rest_us;
    int64_t newest_key_us; /* the database's time */
    struct known_workspace *workspaces;
    size_t workspace_count;
    size_t workspace_capacity;
};

/* Fills a dropped shard, whose counters are set, from the rows, up to engine_load_done.
 * goes_on: asked now and then, NULL: always. Errors: CANCELLED NOT_WANTED when it says no. */
enum err_code shard_load(struct shard *shard, struct call *call, int64_t now_us,
                         bool (*goes_on)(struct shard *shard), struct shard_loaded *loaded,
                         struct err *err) MUST_CHECK;
void shard_loaded_fini(struct shard_loaded *loaded);

/* The workspaces that were loaded, into the directory: once the shard is ours. */
void shard_publish_workspaces(struct shard *shard, const struct shard_loaded *loaded);
/* Keys that were used since. */
enum err_code shard_load_keys(struct shard *shard, struct call *call, struct shard_loaded *loaded,
                              struct err *err) MUST_CHECK;

/* A shard_config_fn: a copy that changed since, for all but the engine. */
struct shard_noting {
    struct shard *shard;
    struct call *call;
};
enum err_code shard_note_config(void *noting, const struct config_row *row,
                                struct err *err) MUST_CHECK;

/* --- warm.c -------------------------------------------------------------------------------- */

/* Prepares the shard while another process hands it over to us, until that has happened or
 * something else is wanted. */
void warm_stand_by(struct shard *shard);
/* The lease is ours: goes on from where the owner before ended. Errors: FAILED_PRECONDITION when
 * what was prepared cannot be used. */
enum err_code warm_take_over(struct shard *shard, struct call *call,
                             const struct shard_lease *lease, struct err *err) MUST_CHECK;
void warm_drop(struct shard *shard); /* nothing prepared: nothing happens */

/* --- known.c ------------------------------------------------------------------------------- */

void keys_init(struct known_keys *keys);
void keys_fini(struct known_keys *keys);
struct known_key *keys_get(const struct known_keys *keys, const char *account_sid,
                           const char *method, struct str key);
void keys_put(struct known_keys *keys, const char *account_sid, const char *method, struct str key,
              const struct sid *request_hash, struct str reply);

void gaps_clear(struct shard *shard);
/* Notes which of the queues that a workflow names are unknown; forgets it when none is. */
void gaps_note(struct shard *shard, const struct config_change *change);
/* The queues still missing for a create, in arena; 0 when none. */
size_t gaps_missing(struct shard *shard, const struct engine_create *create, struct arena *arena,
                    struct sid **out_sids);

/* Notes the event; true when it was there already. */
bool heard_before(struct heard_events *heard, const char *event_sid);
void heard_clear(struct heard_events *heard);

void tombs_clear(struct shard *shard);
void tombs_put(struct shard *shard, const struct sid *sid, int64_t version);
bool tombs_hold(const struct shard *shard, const struct sid *sid, int64_t version);

/* The workspace's shard is known->shard. */
void directory_put(struct shell *shell, const struct known_workspace *known);
/* A copy of what is known of a workspace that a shard of ours has; false: nothing. */
bool directory_get(struct shell *shell, const char *sid, struct known_workspace *out);
void directory_drop(struct shell *shell, int shard);

/* --- shell_metrics.c ----------------------------------------------------------------------- */

/* The parts of an operation's time on the shard. */
enum shell_phase {
    SHELL_PHASE_WAIT,   /* of each operation, until its batch began */
    SHELL_PHASE_DECIDE, /* the engine, replies and the log of a batch */
    SHELL_PHASE_SEND,   /* its rows, to the database's socket */
    SHELL_PHASE_COMMIT, /* until the database has it on disk */
    SHELL_PHASE_ANSWER, /* everybody */
    SHELL_PHASE_COUNT,
};

void shell_metrics_open(void);
void shell_metrics_phase(enum shell_phase phase, int64_t took_us);
void shell_metrics_event(const struct engine_event *event);
void shell_metrics_batch(size_t ops, int64_t commit_us);
void shell_metrics_failed(const char *reason);
void shell_metrics_state(int shard, bool is_owner);
void shell_metrics_recovered(int shard, bool is_warm, int64_t took_us);
void shell_metrics_depth(int shard, size_t depth);
