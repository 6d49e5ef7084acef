/* The thread of one shard: taking it, serving batches, handing it over. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "cluster_store.h"
#include "log/log.h"
#include "shard_int.h"
#include "shard_store.h"

enum {
    FIRST_BACKOFF_MS = 50,
    MAX_BACKOFF_MS = 500,
    BUSY_LOOK_MS = 20,
    EVICT_MS = 500, /* an ended lease whose row is locked for so long: its owner hangs */
    SOLO_BATCHES = 256,
};

/* ---- outcome ---- */

void shard_answer(struct shard_op *op, enum err_code code)
{
    op->code = code;
    op->done(op);
}

void shard_refuse(struct shard_op *op, enum shard_state state)
{
    if (state == SHARD_FAILING)
        shard_answer(op, ERR_SET(&op->err, ERR_UNAVAILABLE, "ROUTER_WITHOUT_DATABASE",
                                 "the router cannot store changes just now; try again shortly"));
    else if (state == SHARD_LOADING)
        shard_answer(op, ERR_SET(&op->err, ERR_UNAVAILABLE, "ROUTER_LOADING",
                                 "the router is loading this workspace; try again in a second"));
    else
        shard_answer(op, ERR_SET(&op->err, ERR_UNAVAILABLE, "ROUTER_ELSEWHERE",
                                 "another process routes this workspace just now; try again"));
}

static void refuse_waiting(struct shard *shard, enum shard_state state)
{
    void *ops[64];
    size_t count = 0;
    while ((count = queue_drain(shard->queue, ops, ARRAY_LEN(ops))) > 0) {
        for (size_t i = 0; i < count; i++)
            shard_refuse(ops[i], state);
    }
}

static void set_state(struct shard *shard, enum shard_state state)
{
    lock_take(&shard->shell->lock);
    shard->state = state;
    lock_drop(&shard->shell->lock);
}

/* We do not own the shard any more, whatever a look under way may say. */
static void lose(struct shard *shard, int64_t epoch)
{
    lock_take(&shard->shell->lock);
    shard->want = SHARD_WANT_NONE;
    shard->given_epoch = epoch;
    shard->heir[0] = '\0';
    shard->is_heir_warm = false;
    lock_drop(&shard->shell->lock);
}

enum shard_want shard_wanted(struct shard *shard)
{
    lock_take(&shard->shell->lock);
    enum shard_want want = shard->want;
    lock_drop(&shard->shell->lock);
    return want;
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
        shell->on_commit(shell->ctx, shard->index);
}

/* Nobody knows whether it was stored: whoever asked has to ask again (with the same key). Only when
 * the lease was another's already it surely was not. */
static void fail_batch(struct shard *shard, struct shard_op **ops, size_t count,
                       const struct err *why)
{
    bool is_our_mistake = why->code == ERR_INTERNAL || why->code == ERR_INVALID_ARGUMENT ||
                          why->code == ERR_ALREADY_EXISTS;
    bool is_lost = why->reason != NULL && strcmp(why->reason, "GUARD_FAILED") == 0;
    if (is_lost)
        LOG_WARN(NULL, "another process has taken the shard, standing by",
                 LOG_I64("shard", shard->index), LOG_I64("epoch", shard->epoch), LOG_ERR(why));
    else
        LOG_WARN(NULL, "a batch could not be stored, loading again", LOG_I64("shard", shard->index),
                 LOG_I64("operations", (int64_t)count), LOG_ERR(why));
    shell_metrics_failed(why->reason);
    if (is_our_mistake) /* one of them cannot be stored: find it by going one by one */
        shard->solo_left = SOLO_BATCHES;
    set_state(shard, is_lost ? SHARD_FOREIGN : SHARD_LOADING);
    if (is_lost)
        lose(shard, shard->epoch);
    refuse_waiting(shard, is_lost ? SHARD_FOREIGN : SHARD_LOADING);
    for (size_t i = 0; i < count; i++) {
        ops[i]->message = NULL;
        ops[i]->unknown = SHARD_UNKNOWN_NONE;
        if (is_lost)
            shard_refuse(ops[i], SHARD_FOREIGN);
        else if (is_our_mistake && count == 1)
            shard_answer(ops[i], ERR_SET(&ops[i]->err, ERR_INTERNAL, "NOT_STORABLE",
                                         "the change cannot be stored"));
        else
            shard_answer(ops[i], ERR_SET(&ops[i]->err, ERR_UNAVAILABLE, "COMMIT_FAILED",
                                         "the change could not be stored; try again"));
    }
    shard_drop(shard);
}

/* What the lease's lock hangs on. Without it another process may run the shard at once, however
 * long the lease would last: then nothing is answered from memory without asking the guard. */
static bool has_session(const struct shard *shard)
{
    return db_conn_epoch(shard->conn) == shard->session && db_conn_is_alive(shard->conn);
}

/* True when the shard still runs afterwards. */
static bool run_batch(struct shard *shard, struct shard_op **ops, size_t count)
{
    struct batch batch;
    int64_t began = clock_mono_us();
    for (size_t i = 0; i < count; i++)
        shell_metrics_phase(SHELL_PHASE_WAIT, began - ops[i]->queued_mono_us);
    engine_effects_reset(&shard->effects);
    batch_begin(&batch, shard, ops, count);
    engine_tick(shard->engine, batch.now_us, &shard->effects);
    batch_collect(&batch);
    for (size_t i = 0; i < count; i++)
        batch_apply(&batch, ops[i], i);
    int64_t decided = clock_mono_us();
    if (count > 0)
        shell_metrics_phase(SHELL_PHASE_DECIDE, decided - began);
    bool renews = decided >= shard->renew_mono_us || !has_session(shard);
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
    int64_t stored = clock_mono_us();
    for (size_t i = 0; i < count; i++)
        ops[i]->done(ops[i]);
    if (count > 0)
        shell_metrics_phase(SHELL_PHASE_ANSWER, clock_mono_us() - stored);
    return true;
}

/* ---- handing over ---- */

void shard_wait(struct shard *shard, enum shard_want want, int64_t until_mono_us,
                enum shard_state state)
{
    while (shard_wanted(shard) == want && !shell_is_stopping(shard->shell) &&
           (until_mono_us == 0 || clock_mono_us() < until_mono_us)) {
        struct shard_op *op = queue_pop(shard->queue, until_mono_us);
        if (op != NULL)
            shard_refuse(op, state);
    }
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

/* Tells the lease who follows. A failure is no matter: the next look tries again. */
static void name_heir(struct shard *shard, const char *heir)
{
    struct call call;
    struct err err;
    err_clear(&err);
    arena_reset(shard->arena);
    call_init(&call, shard->arena, "hand over", US_PER_S);
    if (shard_store_name_successor(shard->conn, &call, shard->index, shard->epoch, heir, &err) !=
        ERR_OK) {
        LOG_WARN(NULL, "a successor could not be named", LOG_I64("shard", shard->index),
                 LOG_ERR(&err));
        return;
    }
    (void)snprintf(shard->named_heir, sizeof shard->named_heir, "%s", heir);
    shard->named_mono_us = clock_mono_us();
    if (heir[0] != '\0')
        LOG_INFO(NULL, "handing a shard over", LOG_I64("shard", shard->index), LOG_STR("to", heir));
}

/* The heir is ready: from here to its first commit nobody routes. */
static void give(struct shard *shard)
{
    int64_t began = clock_mono_us();
    set_state(shard, SHARD_FOREIGN);
    lose(shard, shard->epoch);
    release_lease(shard);
    refuse_waiting(shard, SHARD_FOREIGN);
    LOG_INFO(NULL, "a shard is handed over", LOG_I64("shard", shard->index),
             LOG_I64("epoch", shard->epoch),
             LOG_I64("prepared_ms", (began - shard->named_mono_us) / US_PER_MS));
    shard->named_heir[0] = '\0';
    shard_drop(shard);
}

/* Between batches. True when the shard is not ours any more. */
static bool hand_over(struct shard *shard)
{
    char heir[INSTANCE_SIZE];
    lock_take(&shard->shell->lock);
    memcpy(heir, shard->heir, sizeof heir);
    bool is_warm = shard->is_heir_warm;
    lock_drop(&shard->shell->lock);
    if (strcmp(heir, shard->named_heir) != 0)
        name_heir(shard, heir);
    else if (heir[0] != '\0' && is_warm) {
        give(shard);
        return true;
    }
    return false;
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

/* Takes what waits, up to a batch. False when the shell stops and nothing is left. */
static bool take_ops(struct shard *shard, struct shard_op **out_ops, size_t *out_count)
{
    void *ops[SHARD_BATCH_MAX];
    *out_count = 0;
    void *first = queue_pop(shard->queue, wake_mono_us(shard));
    if (first == NULL)
        return !shell_is_stopping(shard->shell);
    size_t room = (size_t)shard->shell->batch_max - 1;
    if (shard->solo_left > 0) {
        shard->solo_left--;
        room = 0;
    }
    ops[0] = first;
    size_t count = 1 + queue_drain(shard->queue, ops + 1, room);
    for (size_t i = 0; i < count; i++) {
        struct shard_op *op = ops[i];
        if (op == &shard->poke)
            op->done(op);
        else
            out_ops[(*out_count)++] = op;
    }
    return true;
}

/* Until the shard is lost, handed over, or the shell stops. */
static void serve(struct shard *shard)
{
    struct shard_op *ops[SHARD_BATCH_MAX];
    size_t count = 0;
    bool goes_on = true;
    while (goes_on) {
        if (!take_ops(shard, ops, &count))
            return;
        shell_metrics_depth(shard->index, queue_depth(shard->queue));
        if (shard_wanted(shard) != SHARD_WANT_OWN) /* the lease seems to be another's: see */
            shard->renew_mono_us = 0;
        goes_on = run_batch(shard, ops, count) && !hand_over(shard);
    }
}

static void back_off(struct shard *shard)
{
    shard->backoff_ms = shard->backoff_ms == 0 ? FIRST_BACKOFF_MS : shard->backoff_ms * 2;
    if (shard->backoff_ms > MAX_BACKOFF_MS)
        shard->backoff_ms = MAX_BACKOFF_MS;
    shard_wait(shard, SHARD_WANT_OWN, clock_mono_us() + shard->backoff_ms * US_PER_MS,
               SHARD_FAILING);
}

/* ---- taking ---- */

/* Its row is locked: by a commit that takes its time, or by an owner that hangs in the middle of
 * one. The latter's session is ended, and with it the lock. */
static void wait_for_row(struct shard *shard)
{
    int64_t now = clock_mono_us();
    if (shard->busy_mono_us == 0) {
        shard->busy_mono_us = now;
    } else if (now - shard->busy_mono_us > EVICT_MS * US_PER_MS) {
        struct call call;
        struct err err;
        err_clear(&err);
        arena_reset(shard->arena);
        call_init(&call, shard->arena, "evict", US_PER_S);
        LOG_WARN(NULL, "the lease of a shard is over but stays locked, ending that session",
                 LOG_I64("shard", shard->index));
        if (cluster_store_evict(shard->conn, &call, shard->index, &err) != ERR_OK)
            LOG_WARN(NULL, "the session could not be ended, trying again", LOG_ERR(&err));
        shard->busy_mono_us = now;
    }
    shard_wait(shard, SHARD_WANT_OWN, now + BUSY_LOOK_MS * US_PER_MS, SHARD_LOADING);
}

static void on_places(struct shell *shell)
{
    if (shell->on_places != NULL)
        shell->on_places(shell->ctx);
}

static void own(struct shard *shard)
{
    struct err err;
    enum shard_taken taken = SHARD_TAKEN_NOT;
    err_clear(&err);
    if (shard->backoff_ms == 0)
        set_state(shard, SHARD_LOADING);
    enum err_code code = shard_recover(shard, &taken, &err);
    if (code != ERR_OK) {
        if (shard->backoff_ms == 0)
            LOG_WARN(NULL, "a shard cannot be loaded, trying again", LOG_I64("shard", shard->index),
                     LOG_ERR(&err));
        set_state(shard, SHARD_FAILING);
        on_places(shard->shell); /* nobody need wait for it */
        back_off(shard);
        return;
    }
    shard->backoff_ms = 0;
    if (taken == SHARD_TAKEN_BUSY) {
        wait_for_row(shard);
        return;
    }
    shard->busy_mono_us = 0;
    if (taken == SHARD_TAKEN_NOT) {
        lock_take(&shard->shell->lock);
        shard->want = SHARD_WANT_NONE;
        lock_drop(&shard->shell->lock);
        return;
    }
    shard->named_heir[0] = '\0';
    set_state(shard, SHARD_OWNER);
    note_commit(shard);
    on_places(shard->shell);
    serve(shard);
}

void *shard_main(void *ctx)
{
    struct shard *shard = ctx;
    bool has_stood_by = false;
    shard_wait(shard, SHARD_WANT_UNKNOWN, 0, SHARD_LOADING);
    while (!shell_is_stopping(shard->shell)) {
        switch (shard_wanted(shard)) {
        case SHARD_WANT_UNKNOWN:
        case SHARD_WANT_NONE:
            if (!has_stood_by)
                LOG_INFO(NULL, "another process runs the shard, standing by",
                         LOG_I64("shard", shard->index));
            has_stood_by = true;
            set_state(shard, SHARD_FOREIGN);
            if (shard->warm != NULL)
                shard_drop(shard);
            shard_wait(shard, SHARD_WANT_NONE, 0, SHARD_FOREIGN);
            break;
        case SHARD_WANT_WARM:
            set_state(shard, SHARD_FOREIGN);
            warm_stand_by(shard);
            break;
        case SHARD_WANT_OWN:
            has_stood_by = false;
            own(shard);
            break;
        }
    }
    set_state(shard, SHARD_ENDED);
    /* Whoever saw the state before must not leave an operation that nobody takes any more. */
    queue_close(shard->queue);
    refuse_waiting(shard, SHARD_FOREIGN);
    if (shard->epoch != 0)
        release_lease(shard);
    shard_drop(shard);
    return NULL;
}

/* ---- what the cluster's thread does to a shard ---- */

static void poke_done(struct shard_op *op)
{
    struct shard *shard = CONTAINER_OF(op, struct shard, poke);
    lock_take(&shard->shell->lock);
    shard->is_poked = false;
    lock_drop(&shard->shell->lock);
}

void shard_poke_init(struct shard *shard)
{
    shard->poke.done = poke_done;
}

void shard_poke(struct shard *shard)
{
    struct shell *shell = shard->shell;
    lock_take(&shell->lock);
    bool is_new = shard->needs_poke && !shard->is_poked;
    if (is_new) {
        shard->is_poked = true;
        shard->needs_poke = false;
    }
    lock_drop(&shell->lock);
    if (is_new && !queue_push(shard->queue, &shard->poke))
        poke_done(&shard->poke); /* it is full: the thread comes by anyway */
}
