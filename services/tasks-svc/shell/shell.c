#include "shell.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "log/log.h"
#include "shard_int.h"
#include "shard_store.h"

enum {
    BATCH_ARENA_BYTES = 1 << 30,
    FIRST_BACKOFF_MS = 50,
    MAX_BACKOFF_MS = 2000,
    FOREIGN_LOOK_MS = 500, /* how often a shard of another process is looked at */
    SOLO_BATCHES = 256,
};

/* ---- outcome ---- */

static void answer(struct shard_op *op, enum err_code code)
{
    op->code = code;
    op->done(op);
}

static void refuse_loading(struct shard_op *op, bool is_foreign)
{
    if (is_foreign)
        answer(op, ERR_SET(&op->err, ERR_UNAVAILABLE, "ROUTER_ELSEWHERE",
                           "another process routes this workspace just now; try again"));
    else
        answer(op, ERR_SET(&op->err, ERR_UNAVAILABLE, "ROUTER_LOADING",
                           "the router cannot store changes just now; try again shortly"));
}

static void refuse_waiting(struct shard *shard, bool is_foreign)
{
    void *ops[64];
    size_t count = 0;
    while ((count = queue_drain(shard->queue, ops, ARRAY_LEN(ops))) > 0) {
        for (size_t i = 0; i < count; i++)
            refuse_loading(ops[i], is_foreign);
    }
}

static void set_state(struct shard *shard, enum shard_state state)
{
    lock_take(&shard->shell->lock);
    shard->state = state;
    lock_drop(&shard->shell->lock);
}

static bool is_stopping(struct shell *shell)
{
    lock_take(&shell->lock);
    bool stopping = shell->is_stopping;
    lock_drop(&shell->lock);
    return stopping;
}

/* ---- one batch ---- */

static void note_commit(struct shard *shard)
{
    struct shell *shell = shard->shell;
    lock_take(&shell->lock);
    shell->commits++;
    cond_broadcast(&shell->committed);
    lock_drop(&shell->lock);
    if (shell->on_commit != NULL)
        shell->on_commit(shell->on_commit_ctx, shard->index);
}

/* Nobody knows whether it was stored: whoever asked has to ask again (with the same key). */
static void fail_batch(struct shard *shard, struct shard_op **ops, size_t count,
                       const struct err *why)
{
    bool is_our_mistake = why->code == ERR_INTERNAL || why->code == ERR_INVALID_ARGUMENT ||
                          why->code == ERR_ALREADY_EXISTS;
    LOG_WARN(NULL, "a batch could not be stored, loading again", LOG_I64("shard", shard->index),
             LOG_I64("operations", (int64_t)count), LOG_ERR(why));
    shell_metrics_failed(why->reason);
    if (is_our_mistake) /* one of them cannot be stored: find it by going one by one */
        shard->solo_left = SOLO_BATCHES;
    set_state(shard, SHARD_LOADING);
    shard_drop(shard);
    refuse_waiting(shard, false);
    for (size_t i = 0; i < count; i++) {
        ops[i]->message = NULL;
        ops[i]->unknown = SHARD_UNKNOWN_NONE;
        if (is_our_mistake && count == 1)
            answer(ops[i], ERR_SET(&ops[i]->err, ERR_INTERNAL, "NOT_STORABLE",
                                   "the change cannot be stored"));
        else
            answer(ops[i], ERR_SET(&ops[i]->err, ERR_UNAVAILABLE, "COMMIT_FAILED",
                                   "the change could not be stored; try again"));
    }
}

/* True when the shard still runs afterwards. */
static bool run_batch(struct shard *shard, struct shard_op **ops, size_t count)
{
    struct batch batch;
    engine_effects_reset(&shard->effects);
    batch_begin(&batch, shard, ops, count);
    engine_tick(shard->engine, batch.now_us, &shard->effects);
    batch_collect(&batch);
    for (size_t i = 0; i < count; i++)
        batch_apply(&batch, ops[i], i);
    bool renews = clock_mono_us() >= shard->renew_mono_us;
    if (!batch_is_empty(&batch) || renews) {
        struct err err;
        err_clear(&err);
        if (batch_commit(&batch, &err) != ERR_OK) {
            fail_batch(shard, ops, count, &err);
            return false;
        }
        if (batch.events.count > 0)
            note_commit(shard);
    }
    for (size_t i = 0; i < count; i++)
        ops[i]->done(ops[i]);
    return true;
}

/* ---- the thread ---- */

/* When the thread must look up even if nobody comes: the next timer, or the lease. */
static int64_t wake_mono_us(const struct shard *shard)
{
    int64_t timer_us = engine_next_timer_us(shard->engine);
    if (timer_us == INT64_MAX)
        return shard->renew_mono_us;
    int64_t left_us = timer_us - clock_now_us();
    int64_t at = clock_mono_us() + (left_us > 0 ? left_us : 0);
    return at < shard->renew_mono_us ? at : shard->renew_mono_us;
}

static void serve(struct shard *shard)
{
    void *ops[SHARD_BATCH_MAX];
    bool goes_on = true;
    while (goes_on) {
        void *first = queue_pop(shard->queue, wake_mono_us(shard));
        size_t count = 0;
        if (first != NULL) {
            size_t room = (size_t)shard->shell->batch_max - 1;
            if (shard->solo_left > 0) {
                shard->solo_left--;
                room = 0;
            }
            ops[count++] = first;
            count += queue_drain(shard->queue, ops + 1, room);
        } else if (is_stopping(shard->shell)) {
            return;
        }
        shell_metrics_depth(shard->index, queue_depth(shard->queue));
        struct shard_op *batch_ops[SHARD_BATCH_MAX];
        for (size_t i = 0; i < count; i++)
            batch_ops[i] = ops[i];
        goes_on = run_batch(shard, batch_ops, count);
    }
}

/* Waits, refusing whoever comes; false when the shell stops. */
static bool wait_refusing(struct shard *shard, int ms, bool is_foreign)
{
    int64_t until = clock_mono_us() + ms * US_PER_MS;
    while (clock_mono_us() < until) {
        struct shard_op *op = queue_pop(shard->queue, until);
        if (op != NULL)
            refuse_loading(op, is_foreign);
        else if (is_stopping(shard->shell))
            return false;
    }
    return !is_stopping(shard->shell);
}

static void back_off(struct shard *shard)
{
    shard->backoff_ms = shard->backoff_ms == 0 ? FIRST_BACKOFF_MS : shard->backoff_ms * 2;
    if (shard->backoff_ms > MAX_BACKOFF_MS)
        shard->backoff_ms = MAX_BACKOFF_MS;
}

static void release_lease(struct shard *shard)
{
    struct call call;
    arena_reset(shard->arena);
    call_init(&call, shard->arena, "release", US_PER_S);
    struct err err;
    err_clear(&err);
    if (shard_store_release(shard->conn, &call, shard->index, shard->epoch, &err) != ERR_OK)
        LOG_INFO(NULL, "a lease could not be given back, it ends by itself",
                 LOG_I64("shard", shard->index), LOG_ERR(&err));
}

static void *shard_main(void *ctx)
{
    struct shard *shard = ctx;
    bool was_foreign = false;
    bool goes_on = true;
    while (goes_on && !is_stopping(shard->shell)) {
        struct err err;
        bool is_owner = false;
        err_clear(&err);
        enum err_code code = shard_recover(shard, &is_owner, &err);
        if (is_owner) {
            shard->backoff_ms = 0;
            was_foreign = false;
            set_state(shard, SHARD_OWNER);
            note_commit(shard);
            serve(shard);
            continue;
        }
        if (code != ERR_OK) {
            if (shard->backoff_ms == 0)
                LOG_WARN(NULL, "a shard cannot be loaded, trying again",
                         LOG_I64("shard", shard->index), LOG_ERR(&err));
            back_off(shard);
            set_state(shard, SHARD_LOADING);
            goes_on = wait_refusing(shard, shard->backoff_ms, false);
            continue;
        }
        if (!was_foreign)
            LOG_INFO(NULL, "another process runs the shard, standing by",
                     LOG_I64("shard", shard->index));
        was_foreign = true;
        set_state(shard, SHARD_FOREIGN);
        goes_on = wait_refusing(shard, FOREIGN_LOOK_MS, true);
    }
    set_state(shard, SHARD_ENDED);
    /* Whoever saw the state before must not leave an operation that nobody takes any more. */
    queue_close(shard->queue);
    refuse_waiting(shard, false);
    if (shard->engine != NULL) {
        release_lease(shard);
        shard_drop(shard);
    }
    return NULL;
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
    shell->on_commit = options->on_commit;
    shell->on_events = options->on_events;
    shell->on_commit_ctx = options->on_commit_ctx;
    lock_init(&shell->lock, "shell", SHELL_LOCK_RANK);
    cond_init(&shell->committed);
    map_init(&shell->workspaces);
    shell->shards = xcalloc((size_t)options->shards, sizeof *shell->shards);
    for (int i = 0; i < options->shards; i++) {
        struct shard *shard = &shell->shards[i];
        shard->shell = shell;
        shard->index = i;
        shard->state = SHARD_LOADING;
        shard->queue = queue_new("shard", (size_t)options->queue_depth);
        shard->conn = db_conn_open(&(struct db_options){
            .url = shell->database_url, .name = shell->service, .schema = shell->schema});
        shard->arena = arena_new(BATCH_ARENA_BYTES);
        engine_effects_init(&shard->effects);
        event_packer_init(&shard->packer);
        journal_init(&shard->journal, 0);
        map_init(&shard->gaps);
        map_init(&shard->tombs);
        int failed = pthread_create(&shard->thread, NULL, shard_main, shard);
        INVARIANT(failed == 0);
    }
    return shell;
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
    free(shell);
}

/* ---- from other threads ---- */

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
    if (state != SHARD_OWNER) {
        refuse_loading(op, state == SHARD_FOREIGN);
        return;
    }
    if (!queue_push(shell->shards[index].queue, op))
        answer(op, is_stopping(shell)
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

void shell_wait_commit(struct shell *shell, uint64_t *seen, int64_t until_mono_us)
{
    bool is_in_time = true;
    lock_take(&shell->lock);
    while (shell->commits == *seen && !shell->is_stopping && is_in_time)
        is_in_time = cond_wait_until(&shell->committed, &shell->lock, until_mono_us);
    *seen = shell->commits;
    lock_drop(&shell->lock);
}
