/*
 * The durable shell around the engine. Each shard is one thread that owns an engine and a database
 * connection: it takes all operations that wait, lets the engine decide, writes what follows in one
 * transaction under its lease, and only then answers. A commit that fails drops the memory, and the
 * shard loads again. Refuses work it could not make durable: while a shard is loading, or run by
 * another process, operations are turned away at once, surely not executed.
 *
 * The shards are divided among all processes of the service (share.h). A thread (cluster.c) says
 * that we live, looks at the leases, and tells the shards which to take and which to hand over.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/err.h"
#include "base/ids.h"
#include "config_change.h"
#include "engine/command.h"

struct engine;
struct mirror_apply;
struct shell;
struct shard_op;

struct shell_options {
    const char *database_url;
    const char *schema;
    const char *service;  /* for application_name and logs */
    const char *instance; /* who we are among replicas: unique per process start */
    int shards;
    int queue_depth;                         /* operations waiting per shard */
    int batch_max;                           /* operations in one transaction */
    int64_t lease_ms;                        /* how long a lease lasts without a commit */
    int64_t task_limit;                      /* tasks of a workspace; 0: any number */
    void (*on_commit)(void *ctx, int shard); /* after each commit, on the shard's thread */
    /* Before on_commit: the events of the commit, the first of which has that number. */
    void (*on_events)(void *ctx, int shard, int64_t first_seq, const struct packed_events *events);
    void (*on_places)(void *ctx); /* who runs what may have changed; must not block */
    void *ctx;                    /* of all three */
};

#define SHELL_ADDRESS_SIZE 256

/* Starts the threads, which wait for shell_join. Never NULL. Texts are copied. */
struct shell *shell_open(const struct shell_options *options);

/* From now on we are one of the processes that divide the shards; address: where the others reach
 * our gRPC server. */
void shell_join(struct shell *shell, const char *address);

/* Takes no more shards and hands ours over, if there is another process; waits until that is done
 * or the monotonic time has come. Goes on serving what is still ours. */
void shell_leave(struct shell *shell, int64_t until_mono_us);

/* Takes nothing new, finishes what waits, releases the leases, ends the threads. */
void shell_stop(struct shell *shell);
void shell_free(struct shell *shell); /* stops first; NULL is allowed */

/* ---- Operations ---- */

enum shard_reply {
    SHARD_REPLY_NONE,
    SHARD_REPLY_TASK,
    SHARD_REPLY_RESERVATION,
};

/* What a create names that the shard does not know; the caller may fetch it and try again. Facts
 * name such things, too. */
enum shard_unknown {
    SHARD_UNKNOWN_NONE = 0,
    SHARD_UNKNOWN_WORKSPACE = 1 << 0,
    SHARD_UNKNOWN_WORKFLOW = 1 << 1,
    SHARD_UNKNOWN_QUEUE = 1 << 2,
    SHARD_UNKNOWN_CHANNEL = 1 << 3,
    SHARD_UNKNOWN_WORKER = 1 << 4,
    SHARD_UNKNOWN_DOCUMENT_QUEUES = 1 << 5, /* in missing_queues */
    SHARD_UNKNOWN_ACTIVITY = 1 << 6,        /* of a worker who was told of */
};

/*
 * One piece of work. The caller fills the first part and keeps it, and all it points to, alive
 * until done is called, exactly once, on the shard's thread (or inside shell_submit when it is
 * refused at once). Until then the shard alone uses call->arena.
 */
struct shard_op {
    struct call *call;             /* who asks, until when, and the memory of the reply */
    struct sid workspace_sid;      /* decides the shard */
    struct engine_command command; /* kind NONE: only changes */
    enum shard_reply reply;
    bool is_own_only;   /* an agent: only what is offered to its own worker */
    const char *method; /* idempotency: key empty = none */
    struct str key;
    struct sid request_hash;
    const struct config_change *changes; /* facts of other services, applied in order */
    size_t change_count;
    bool may_fetch; /* report what is unknown instead of refusing */
    void (*done)(struct shard_op *op);

    /* With command kind NONE: what was observed in a workspace that Twilio routes, one after the
     * other. The reply is MirrorResults of the only one, or ApplyManyResponse with is_many.
     * Errors: FAILED_PRECONDITION NOT_MIRRORED. NULL: none. */
    const struct mirror_apply *mirror;
    size_t mirror_count;
    bool is_many;

    /* With command kind NONE: a look at the engine on the shard's thread, which waits meanwhile. It
     * allocates in call->arena, and sets message or what look_ctx points to. Answered after the
     * commit of the batch that it saw, so nobody sees what is not on disk. NULL: none. */
    enum err_code (*look)(struct shard_op *op, struct engine *engine, int64_t now_us,
                          struct err *err);
    void *look_ctx;

    /* The outcome. */
    enum err_code code;
    struct err err;
    ProtobufCMessage *message;  /* in call->arena; NULL for SHARD_REPLY_NONE */
    unsigned unknown;           /* enum shard_unknown; with may_fetch only */
    struct sid *missing_queues; /* in call->arena */
    size_t missing_queue_count;

    /* The shard's own. */
    int64_t queued_mono_us;
    const struct str *packed;
    bool is_refused;
};

/* Queues it. When that is not possible, done is called before this returns, with
 * RESOURCE_EXHAUSTED QUEUE_FULL, or UNAVAILABLE ROUTER_LOADING, ROUTER_ELSEWHERE or
 * ROUTER_WITHOUT_DATABASE. Threads: any. */
void shell_submit(struct shell *shell, struct shard_op *op);

/* The same, waiting for the outcome (up to the call's deadline and what the commit takes). */
enum err_code shell_run(struct shell *shell, struct shard_op *op, struct err *err) MUST_CHECK;

/* ---- What is known, for checks before queueing. Threads: any ---- */

enum shell_knows {
    SHELL_KNOWS_NOT, /* never heard of: the owner may know it */
    SHELL_KNOWS_LIVE,
    SHELL_KNOWS_DELETED,
    SHELL_KNOWS_LATER, /* its shard is loading or elsewhere: nobody can tell now */
};

/* out_account_sid is filled for SHELL_KNOWS_LIVE. */
enum shell_knows shell_workspace(struct shell *shell, const char *sid, struct sid *out_account_sid);

/* Known, and Twilio routes it. */
bool shell_is_mirrored(struct shell *shell, const char *sid);

int shell_shard_of(const struct shell *shell, const char *workspace_sid);
bool shell_is_owner(struct shell *shell, int shard);
int shell_shard_count(const struct shell *shell);

enum shell_place {
    SHELL_NOWHERE, /* nobody can serve it just now */
    SHELL_HERE,
    SHELL_THERE, /* another process; out_address is filled */
    SHELL_GONE,  /* nobody can, and waiting will not help: the database is away */
};

/* Who serves a workspace, as far as we know. Threads: any. */
enum shell_place shell_find(struct shell *shell, const char *workspace_sid,
                            char out_address[SHELL_ADDRESS_SIZE]);

/* The reasons of refusals after which the operation surely was not executed and another process, or
 * we in a moment, may execute it; ends with NULL. */
#define SHELL_ELSEWHERE_REASONS "ROUTER_ELSEWHERE", "ROUTER_LOADING", "STOPPING"
extern const char *const shell_elsewhere_reasons[];
bool shell_is_elsewhere(const char *reason); /* NULL is allowed */

/* What shell_find said was wrong: look again soon. Threads: any. */
void shell_look_again(struct shell *shell);

/* True when every shard that can be ours is loaded; for readiness. Shards of other processes do not
 * count against us. */
bool shell_is_ready(struct shell *shell);

/* Waits until a commit after *seen, ours or (a little later) another process's,
 * or until the monotonic time; *seen is brought up to date. */
void shell_wait_commit(struct shell *shell, uint64_t *seen, int64_t until_mono_us);
