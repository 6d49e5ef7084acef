#include "shell.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "shard_int.h"

enum { BATCH_ARENA_BYTES = 1 << 30 };

const char *const shell_elsewhere_reasons[] = {SHELL_ELSEWHERE_REASONS, NULL};

bool shell_is_elsewhere(const char *reason)
{
    for (const char *const *each = shell_elsewhere_reasons; *each != NULL; each++) {
        if (reason != NULL && strcmp(*each, reason) == 0)
            return true;
    }
    return false;
}

/* ---- life ---- */

struct shell *shell_open(const struct shell_options *options)
{
    shell_metrics_open();
    struct shell *shell = xcalloc(1, sizeof *shell);
    shell->database_url = xstrdup(options->database_url);
    shell->schema = xstrdup(options->schema);
    shell->service = xstrdup(options->service);
    shell->instance = xstrdup(options->instance);
    shell->shard_count = options->shards;
    shell->batch_max = options->batch_max > SHARD_BATCH_MAX ? SHARD_BATCH_MAX : options->batch_max;
    shell->lease_ms = options->lease_ms;
    shell->task_limit = options->task_limit;
    shell->on_commit = options->on_commit;
    shell->on_events = options->on_events;
    shell->on_places = options->on_places;
    shell->ctx = options->ctx;
    lock_init(&shell->lock, "shell", SHELL_LOCK_RANK);
    cond_init(&shell->committed);
    map_init(&shell->workspaces);
    shell->shards = xcalloc((size_t)options->shards, sizeof *shell->shards);
    for (int i = 0; i < options->shards; i++) {
        struct shard *shard = &shell->shards[i];
        shard->shell = shell;
        shard->index = i;
        shard->state = SHARD_LOADING;
        shard->want = SHARD_WANT_UNKNOWN;
        shard_poke_init(shard);
        shard->queue = queue_new("shard", (size_t)options->queue_depth);
        shard->conn = db_conn_open(&(struct db_options){
            .url = shell->database_url,
            .name = shell->service,
            .schema = shell->schema,
            .avoids_scans = true}); /* plans are kept from when the tables were small */
        shard->arena = arena_new(BATCH_ARENA_BYTES);
        engine_effects_init(&shard->effects);
        event_packer_init(&shard->packer);
        journal_init(&shard->journal, 0);
        map_init(&shard->gaps);
        map_init(&shard->tombs);
        map_init(&shard->heard.map);
        desk_init(&shard->desk);
        int failed = pthread_create(&shard->thread, NULL, shard_main, shard);
        INVARIANT(failed == 0);
    }
    return shell;
}

void shell_join(struct shell *shell, const char *address)
{
    INVARIANT(shell->cluster == NULL);
    shell->cluster = cluster_open(shell, address);
}

void shell_leave(struct shell *shell, int64_t until_mono_us)
{
    cluster_leave(shell->cluster, until_mono_us);
}

void shell_look_again(struct shell *shell)
{
    cluster_look_again(shell->cluster);
}

void shell_stop(struct shell *shell)
{
    lock_take(&shell->lock);
    bool was_stopping = shell->is_stopping;
    shell->is_stopping = true;
    lock_drop(&shell->lock);
    if (was_stopping)
        return;
    for (int i = 0; i < shell->shard_count; i++)
        queue_close(shell->shards[i].queue);
    for (int i = 0; i < shell->shard_count; i++)
        (void)pthread_join(shell->shards[i].thread, NULL);
    cluster_close(TAKE(shell->cluster));
}

void shell_free(struct shell *shell)
{
    if (shell == NULL)
        return;
    shell_stop(shell);
    for (int i = 0; i < shell->shard_count; i++) {
        struct shard *shard = &shell->shards[i];
        db_conn_close(shard->conn);
        queue_free(shard->queue);
        engine_effects_fini(&shard->effects);
        event_packer_fini(&shard->packer);
        journal_fini(&shard->journal);
        map_fini(&shard->gaps);
        map_fini(&shard->tombs);
        heard_clear(&shard->heard);
        desk_fini(&shard->desk);
        arena_free(shard->arena);
    }
    directory_drop(shell, -1);
    map_fini(&shell->workspaces);
    cond_fini(&shell->committed);
    lock_fini(&shell->lock);
    free(shell->shards);
    free(shell->database_url);
    free(shell->schema);
    free(shell->service);
    free(shell->instance);
    free(shell->address);
    free(shell);
}

/* ---- from other threads ---- */

bool shell_is_stopping(struct shell *shell)
{
    lock_take(&shell->lock);
    bool stopping = shell->is_stopping;
    lock_drop(&shell->lock);
    return stopping;
}

int shell_shard_of(const struct shell *shell, const char *workspace_sid)
{
    return (int)(hash_bytes(workspace_sid, strlen(workspace_sid)) % (uint64_t)shell->shard_count);
}

int shell_shard_count(const struct shell *shell)
{
    return shell->shard_count;
}

static enum shard_state state_of(struct shell *shell, int shard)
{
    lock_take(&shell->lock);
    enum shard_state state = shell->shards[shard].state;
    lock_drop(&shell->lock);
    return state;
}

bool shell_is_owner(struct shell *shell, int shard)
{
    return state_of(shell, shard) == SHARD_OWNER;
}

enum shell_place shell_find(struct shell *shell, const char *workspace_sid,
                            char out_address[SHELL_ADDRESS_SIZE])
{
    const struct shard *shard = &shell->shards[shell_shard_of(shell, workspace_sid)];
    enum shell_place place = SHELL_NOWHERE;
    lock_take(&shell->lock);
    if (shard->state == SHARD_OWNER) {
        place = SHELL_HERE;
    } else if (shard->state == SHARD_FAILING) {
        place = SHELL_GONE;
    } else if (shard->state != SHARD_LOADING && shard->owner_address[0] != '\0') {
        memcpy(out_address, shard->owner_address, SHELL_ADDRESS_SIZE);
        place = SHELL_THERE;
    } else if (shell->is_blind) {
        place = SHELL_GONE;
    }
    lock_drop(&shell->lock);
    return place;
}

bool shell_is_ready(struct shell *shell)
{
    for (int i = 0; i < shell->shard_count; i++) {
        enum shard_state state = state_of(shell, i);
        if (state != SHARD_OWNER && state != SHARD_FOREIGN)
            return false;
    }
    return true;
}

void shell_submit(struct shell *shell, struct shard_op *op)
{
    int index = shell_shard_of(shell, op->workspace_sid.text);
    enum shard_state state = state_of(shell, index);
    op->code = ERR_OK;
    op->message = NULL;
    op->unknown = SHARD_UNKNOWN_NONE;
    op->is_refused = false;
    err_clear(&op->err);
    op->queued_mono_us = clock_mono_us();
    if (state != SHARD_OWNER) {
        shard_refuse(op, state);
        return;
    }
    if (!queue_push(shell->shards[index].queue, op))
        shard_answer(op,
                     shell_is_stopping(shell)
                         ? ERR_SET(&op->err, ERR_UNAVAILABLE, "STOPPING",
                                   "the service is stopping; try again")
                         : ERR_SET(&op->err, ERR_RESOURCE_EXHAUSTED, "QUEUE_FULL",
                                   "too many requests wait for the router; try again in a second"));
}

/* shell_run waits here. */
struct waiting_op {
    void (*done)(struct shard_op *op);
    struct lock lock;
    struct cond changed;
    bool is_done;
};

struct run_op {
    struct shard_op op; /* a copy that the shard works on */
    struct waiting_op wait;
};

static void run_done(struct shard_op *op)
{
    struct run_op *run = CONTAINER_OF(op, struct run_op, op);
    lock_take(&run->wait.lock);
    run->wait.is_done = true;
    cond_signal(&run->wait.changed);
    lock_drop(&run->wait.lock);
}

enum err_code shell_run(struct shell *shell, struct shard_op *op, struct err *err)
{
    struct run_op run = {.op = *op};
    run.op.done = run_done;
    lock_init(&run.wait.lock, "shell run", SHELL_LOCK_RANK + 1);
    cond_init(&run.wait.changed);
    shell_submit(shell, &run.op);
    lock_take(&run.wait.lock);
    while (!run.wait.is_done) /* bounded by the commit: the shard answers whatever happens */
        cond_wait(&run.wait.changed, &run.wait.lock);
    lock_drop(&run.wait.lock);
    cond_fini(&run.wait.changed);
    lock_fini(&run.wait.lock);
    void (*done)(struct shard_op *) = op->done;
    *op = run.op;
    op->done = done;
    if (op->code != ERR_OK && err != NULL)
        *err = op->err;
    return op->code;
}

enum shell_knows shell_workspace(struct shell *shell, const char *sid, struct sid *out_account_sid)
{
    int index = shell_shard_of(shell, sid);
    enum shell_knows knows = SHELL_KNOWS_NOT;
    lock_take(&shell->lock);
    const struct known_workspace *known = map_get(&shell->workspaces, str_from(sid));
    if (known != NULL) {
        *out_account_sid = known->account_sid;
        knows = known->is_deleted ? SHELL_KNOWS_DELETED : SHELL_KNOWS_LIVE;
    } else if (shell->shards[index].state != SHARD_OWNER) {
        knows = SHELL_KNOWS_LATER;
    }
    lock_drop(&shell->lock);
    return knows;
}

bool shell_is_mirrored(struct shell *shell, const char *sid)
{
    struct known_workspace known;
    return directory_get(shell, sid, &known) && known.is_mirrored;
}

void shell_wait_commit(struct shell *shell, uint64_t *seen, int64_t until_mono_us)
{
    bool is_in_time = true;
    lock_take(&shell->lock);
    while (shell->commits == *seen && !shell->is_stopping && is_in_time)
        is_in_time = cond_wait_until(&shell->committed, &shell->lock, until_mono_us);
    *seen = shell->commits;
    lock_drop(&shell->lock);
}
