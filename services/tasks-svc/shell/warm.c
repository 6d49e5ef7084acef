/*
 * Becoming the owner without a pause. While another process hands the shard over to us and goes on
 * serving it, its rows are loaded from one snapshot, and the engine follows the commits behind that
 * by their journals: the same commands at the same times give the same decisions. Each commit is
 * compared with what its owner wrote (event_agree.h). Nothing of it is trusted beyond the lease:
 * once that is ours nobody else writes, so what is left of the log is followed to its very end, or
 * else everything is dropped and loaded as after a crash.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "engine/follow.h"
#include "event_agree.h"
#include "log/log.h"
#include "shard_int.h"
#include "shard_store.h"

enum {
    LOOK_MS = 3, /* how often is looked whether the shard is given, and at what was committed */
    RETRY_MS = 100,
    ATTEMPTS = 3, /* then we are ready without */
    LOAD_BUDGET_S = 600,
    LOAD_ARENA_BYTES = 1 << 30,
    STEP_BUDGET_S = 10,
    PAGE_COMMITS = 64,
};

struct warm {
    struct shard_place place;
    struct shard_loaded loaded;
    int64_t load_us;    /* what loading took */
    struct map touched; /* by SID: what was told that is kept beside the engine, too */
    int64_t commits;    /* followed since */
    int64_t events;
    bool has_refused; /* a command that the owner's engine took */
};

/* ---- what was told ---- */

static void touch(struct warm *warm, const struct sid *sid)
{
    if (map_get(&warm->touched, str_from(sid->text)) != NULL)
        return;
    struct sid *copy = xcalloc(1, sizeof *copy);
    *copy = *sid;
    (void)map_put(&warm->touched, str_from(copy->text), copy);
}

static void note_told(void *ctx, const struct engine_command *command, bool is_taken)
{
    struct warm *warm = ctx;
    bool is_config = command->kind < ENGINE_CREATE_TASK;
    if (command->kind == ENGINE_PUT_WORKSPACE)
        touch(warm, &command->workspace.sid);
    else if (command->kind == ENGINE_PUT_WORKFLOW)
        touch(warm, &command->workflow.sid);
    else if (is_config && command->kind >= ENGINE_DELETE_WORKSPACE)
        touch(warm, &command->ref.sid);
    warm->has_refused = warm->has_refused || (!is_config && !is_taken);
}

void warm_drop(struct shard *shard)
{
    struct warm *warm = TAKE(shard->warm);
    if (warm == NULL)
        return;
    for (size_t i = 0; i < warm->touched.count; i++)
        free(warm->touched.entries[i].value);
    map_fini(&warm->touched);
    shard_loaded_fini(&warm->loaded);
    free(warm);
}

/* ---- loading ---- */

static bool is_wanted(struct shard *shard)
{
    return shard_wanted(shard) == SHARD_WANT_WARM && !shell_is_stopping(shard->shell);
}

/* Within the snapshot; may run again from its start. */
static enum err_code load_snapshot(struct db_conn *conn, struct call *call, void *ctx,
                                   struct err *err)
{
    struct shard *shard = ctx;
    struct shard_place place;
    int64_t event_seq = 0;
    int64_t row_seq = 0;
    shard_drop(shard);
    enum err_code code = shard_store_counters(conn, call, shard->index, &event_seq, &row_seq, err);
    if (code == ERR_OK)
        code = shard_store_place(conn, call, shard->index, &place, err);
    if (code != ERR_OK)
        return code;
    if (place.at_us == 0 || place.event_seq != event_seq)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "WARM_NO_PLACE",
                       "the log does not say where it ends");
    shard->warm = xcalloc(1, sizeof *shard->warm);
    shard->warm->place = place;
    map_init(&shard->warm->touched);
    shard->event_seq = event_seq;
    shard->row_seq = row_seq;
    return shard_load(shard, call, place.at_us, is_wanted, &shard->warm->loaded, err);
}

static enum err_code load(struct shard *shard, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(LOAD_ARENA_BYTES);
    struct call call;
    int64_t started = clock_mono_us();
    call_init(&call, arena, "warm", LOAD_BUDGET_S * US_PER_S);
    enum err_code code =
        db_conn_tx_run(shard->conn, &call, DB_SNAPSHOT_READ_ONLY, load_snapshot, shard, err);
    if (code != ERR_OK)
        return code;
    engine_effects_reset(&shard->effects);
    engine_load_done(shard->engine, shard->warm->place.at_us, &shard->effects);
    if (shard->effects.count > 0) /* its owner has not come to it yet, or never will */
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "WARM_UNSETTLED",
                       "there is something to do where the snapshot was taken");
    shard->warm->load_us = clock_mono_us() - started;
    return ERR_OK;
}

/* ---- following ---- */

static enum err_code gap(struct err *err)
{
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "WARM_GAP", "the log has a gap");
}

static enum err_code follow_commit(struct shard *shard, struct call *call,
                                   const struct shard_commit *commit, struct err *err)
{
    struct warm *warm = shard->warm;
    const struct shard_place *place = &commit->place;
    bool has_events = place->part == 0;
    int64_t count = has_events ? place->event_seq - warm->place.event_seq : 0;
    bool is_next = has_events ? commit->first_seq == warm->place.event_seq + 1
                              : place->event_seq == warm->place.event_seq &&
                                    place->part == warm->place.part + 1;
    if (!is_next || commit->journal.len == 0)
        return gap(err);
    engine_effects_reset(&shard->effects);
    enum err_code code = engine_follow(shard->engine, commit->journal, call->arena, note_told, warm,
                                       &shard->effects, err);
    if (code == ERR_OK && warm->has_refused)
        code = ERR_SET(err, ERR_FAILED_PRECONDITION, "FOLLOW_DIVERGED",
                       "a command was refused that its owner took");
    if (code == ERR_OK)
        code = event_agree(call->arena, has_events ? commit->payload : (struct str){0}, count,
                           &shard->effects, err);
    warm->place = *place;
    warm->commits++;
    warm->events += count;
    shard->event_seq = place->event_seq;
    shard->row_seq = shard_row_sequence(&shard->effects, shard->row_seq);
    return code;
}

/* As far as the log goes. */
static enum err_code follow(struct shard *shard, struct call *call, struct err *err)
{
    size_t count = PAGE_COMMITS;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && count == PAGE_COMMITS) {
        struct arena_mark mark = arena_mark(call->arena);
        struct shard_commit *commits = NULL;
        code = shard_store_commits(shard->conn, call, shard->index, &shard->warm->place,
                                   PAGE_COMMITS, &commits, &count, err);
        for (size_t i = 0; i < count && code == ERR_OK; i++)
            code = follow_commit(shard, call, &commits[i], err);
        arena_rewind(call->arena, mark);
    }
    return code;
}

/* ---- standing by ---- */

struct standing {
    int attempts;
    bool is_ready;
    enum shard_given given;
};

static void note_failure(struct shard *shard, const struct standing *standing,
                         const struct err *why)
{
    if (is_wanted(shard))
        LOG_INFO(NULL, "a shard could not be prepared", LOG_I64("shard", shard->index),
                 LOG_I64("attempt", standing->attempts), LOG_ERR(why));
    shard_drop(shard);
}

/* Tells the owner when we are ready, and sees whether the shard is ours to take. */
static enum err_code look(struct shard *shard, struct standing *standing, struct call *call,
                          struct err *err)
{
    bool is_told = false;
    const char *self = shard->shell->instance;
    enum err_code code = shard_store_is_given(shard->conn, call, shard->index, self,
                                              &standing->given, &is_told, err);
    if (code != ERR_OK || standing->given != SHARD_GIVEN_SOON || is_told || !standing->is_ready)
        return code;
    if (shard->warm != NULL) /* those of the time that loading took: few are left for later */
        code = shard_load_keys(shard, call, &shard->warm->loaded, err);
    if (code == ERR_OK)
        code = shard_store_warm(shard->conn, call, shard->index, self, err);
    return code;
}

/* One look of many; what cannot be prepared is handed over all the same, and loaded then. */
static enum err_code step(struct shard *shard, struct standing *standing, struct err *err)
{
    struct call call;
    enum err_code code = ERR_OK;
    if (shard->warm == NULL && standing->attempts < ATTEMPTS) {
        standing->attempts++;
        code = load(shard, err);
    }
    arena_reset(shard->arena);
    call_init(&call, shard->arena, "heir", STEP_BUDGET_S * US_PER_S);
    if (code == ERR_OK && shard->warm != NULL)
        code = follow(shard, &call, err);
    if (code != ERR_OK)
        note_failure(shard, standing, err);
    standing->is_ready = code == ERR_OK;
    enum err_code looked = look(shard, standing, &call, err);
    return code == ERR_OK ? looked : code;
}

void warm_stand_by(struct shard *shard)
{
    struct shell *shell = shard->shell;
    struct standing standing = {.given = SHARD_GIVEN_SOON};
    while (standing.given == SHARD_GIVEN_SOON && is_wanted(shard)) {
        struct err err;
        err_clear(&err);
        int64_t pause_ms = step(shard, &standing, &err) == ERR_OK ? LOOK_MS : RETRY_MS;
        if (standing.given == SHARD_GIVEN_SOON)
            shard_wait(shard, SHARD_WANT_WARM, clock_mono_us() + pause_ms * US_PER_MS,
                       SHARD_FOREIGN);
    }
    lock_take(&shell->lock);
    if (shard->want == SHARD_WANT_WARM)
        shard->want = standing.given == SHARD_GIVEN_NOW ? SHARD_WANT_OWN : SHARD_WANT_NONE;
    lock_drop(&shell->lock);
}

/* ---- taking over ---- */

/* What the shard keeps beside the engine, as it is by now. */
static enum err_code catch_up_beside(struct shard *shard, struct call *call, struct err *err)
{
    struct warm *warm = shard->warm;
    shard_publish_workspaces(shard, &warm->loaded);
    struct str *sids = ARENA_ARRAY(call->arena, struct str, warm->touched.count + 1);
    if (sids == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "LOAD_TOO_LARGE", "too much was told");
    for (size_t i = 0; i < warm->touched.count; i++)
        sids[i] = str_from(((const struct sid *)warm->touched.entries[i].value)->text);
    enum err_code code = ERR_OK;
    if (warm->touched.count > 0)
        code =
            shard_store_configs_named(shard->conn, call, shard->index, sids, warm->touched.count,
                                      shard_note_config, &(struct shard_noting){shard, call}, err);
    return code == ERR_OK ? shard_load_keys(shard, call, &warm->loaded, err) : code;
}

/* What came due meanwhile, and the lease's first commit. In the journal it is a load: a replay,
 * too, goes on from the rows there, and counts events from the log's last number. */
static enum err_code go_on(struct shard *shard, struct err *err)
{
    struct batch batch;
    engine_effects_reset(&shard->effects);
    if (shard->now_us < shard->warm->place.at_us)
        shard->now_us = shard->warm->place.at_us;
    batch_begin(&batch, shard, NULL, 0);
    batch_note_load(&batch, batch.now_us, shard_seed(shard));
    engine_follow_end(shard->engine);
    engine_load_counters(shard->engine, shard->event_seq, shard->row_seq);
    engine_tick(shard->engine, batch.now_us, &shard->effects);
    batch_collect(&batch);
    return batch_commit(&batch, err);
}

enum err_code warm_take_over(struct shard *shard, struct call *call,
                             const struct shard_lease *lease, struct err *err)
{
    struct warm *warm = shard->warm;
    int64_t started = clock_mono_us();
    int64_t before = warm->commits;
    enum err_code code = follow(shard, call, err);
    if (code != ERR_OK)
        return code;
    if (shard->event_seq != lease->event_seq || shard->row_seq != lease->row_seq)
        return gap(err);
    shard->epoch = lease->epoch;
    shard->session = db_conn_epoch(shard->conn);
    shard->journal_part = warm->place.part;
    code = catch_up_beside(shard, call, err);
    int64_t caught_up = clock_mono_us();
    if (code == ERR_OK)
        code = go_on(shard, err);
    if (code != ERR_OK)
        return code;
    struct engine_stats stats;
    engine_stats_get(shard->engine, &stats);
    LOG_INFO(NULL, "shard is taken over", LOG_I64("shard", shard->index),
             LOG_I64("epoch", shard->epoch),
             LOG_I64("took_ms", (clock_mono_us() - started) / US_PER_MS),
             LOG_I64("caught_up_ms", (caught_up - started) / US_PER_MS),
             LOG_I64("commits_left", warm->commits - before), LOG_I64("commits", warm->commits),
             LOG_I64("events", warm->events), LOG_I64("loaded_ms", warm->load_us / US_PER_MS),
             LOG_I64("tasks", (int64_t)stats.tasks), LOG_I64("event_seq", shard->event_seq));
    warm_drop(shard);
    return ERR_OK;
}
