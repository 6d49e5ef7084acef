/* Taking a shard and coming back from its rows. */
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
    RECOVERY_BUDGET_S = 600, /* a million tasks on a slow disk */
    RECOVERY_ARENA_BYTES = 1 << 30,
    TASKS_PER_LOOK = 1000,
};

struct loading {
    struct shard *shard;
    struct call *call;
    struct shard_loaded *loaded;
    bool (*goes_on)(struct shard *shard); /* NULL: always */
    int64_t now_us;
    struct removal *removals; /* what is deleted again when all else is there */
};

struct removal {
    struct removal *next;
    struct engine_command command;
};

void shard_drop(struct shard *shard)
{
    warm_drop(shard);
    engine_free(shard->engine);
    shard->engine = NULL;
    engine_effects_reset(&shard->effects);
    keys_fini(&shard->keys);
    gaps_clear(shard);
    tombs_clear(shard);
    heard_clear(&shard->heard);
    directory_drop(shard->shell, shard->index);
    shard->epoch = 0;
    shard->named_heir[0] = '\0';
    shell_metrics_state(shard->index, false);
}

static void apply(struct loading *loading, const struct engine_command *command)
{
    struct err err;
    err_clear(&err);
    if (engine_apply(loading->shard->engine, command, loading->now_us, &loading->shard->effects,
                     &err) != ERR_OK)
        LOG_WARN(NULL, "a stored copy is not understood, going on without it",
                 LOG_STR("workspace_sid", command->ref.workspace_sid.text), LOG_ERR(&err));
}

static enum engine_command_kind removal_kind(enum config_kind kind)
{
    switch (kind) {
    case CONFIG_KIND_ACTIVITY:
        return ENGINE_DELETE_ACTIVITY;
    case CONFIG_KIND_CHANNEL:
        return ENGINE_DELETE_CHANNEL;
    case CONFIG_KIND_QUEUE:
        return ENGINE_DELETE_QUEUE;
    case CONFIG_KIND_WORKFLOW:
        return ENGINE_DELETE_WORKFLOW;
    default:
        return ENGINE_COMMAND_NONE;
    }
}

/* On the heap: the arena is rewound after each page of rows. */
static void note_removal(struct loading *loading, const struct config_row *row)
{
    struct removal *removal = xcalloc(1, sizeof *removal);
    removal->command = (struct engine_command){
        .kind = removal_kind(row->kind),
        .ref = {.sid = row->sid, .workspace_sid = row->workspace_sid},
    };
    removal->next = loading->removals;
    loading->removals = removal;
}

/* Applies them, unless loading failed, and forgets them. */
static void end_removals(struct loading *loading, bool is_applied)
{
    while (loading->removals != NULL) {
        struct removal *removal = loading->removals;
        loading->removals = removal->next;
        if (is_applied)
            apply(loading, &removal->command);
        free(removal);
    }
}

/* ---- what the shard keeps beside the engine ---- */

static void keep_workspace(struct shard_loaded *loaded, const struct shard *shard,
                           const struct config_row *row)
{
    if (loaded->workspace_count == loaded->workspace_capacity) {
        loaded->workspace_capacity = loaded->workspace_capacity * 2 + 16;
        loaded->workspaces =
            xrealloc(loaded->workspaces, loaded->workspace_capacity, sizeof *loaded->workspaces);
    }
    loaded->workspaces[loaded->workspace_count++] =
        (struct known_workspace){.sid = row->sid,
                                 .account_sid = row->account_sid,
                                 .is_deleted = row->is_deleted,
                                 .is_mirrored = row->is_mirrored,
                                 .shard = shard->index};
}

void shard_publish_workspaces(struct shard *shard, const struct shard_loaded *loaded)
{
    for (size_t i = 0; i < loaded->workspace_count; i++)
        directory_put(shard->shell, &loaded->workspaces[i]);
}

void shard_loaded_fini(struct shard_loaded *loaded)
{
    free(loaded->workspaces);
    *loaded = (struct shard_loaded){0};
}

enum err_code shard_note_config(void *ctx, const struct config_row *row, struct err *err)
{
    const struct shard_noting *noting = ctx;
    struct shard *shard = noting->shard;
    struct config_change change;
    bool is_workspace = row->kind == CONFIG_KIND_WORKSPACE;
    if (row->is_deleted)
        tombs_put(shard, &row->sid, row->version);
    if (!is_workspace && (row->is_deleted || row->kind != CONFIG_KIND_WORKFLOW))
        return ERR_OK;
    enum err_code code = config_change_load(noting->call->arena, row, &change, err);
    if (code == ERR_OK && !is_workspace)
        gaps_note(shard, &change);
    if (is_workspace)
        directory_put(shard->shell, &(struct known_workspace){
                                        .sid = row->sid,
                                        .account_sid = row->account_sid,
                                        .is_deleted = row->is_deleted,
                                        .is_mirrored = code == ERR_OK && change.row.is_mirrored,
                                        .shard = shard->index,
                                    });
    return code == ERR_RESOURCE_EXHAUSTED ? code : ERR_OK;
}

static void note_key(struct shard *shard, struct shard_loaded *loaded, const struct repeat_row *row,
                     int64_t at_us)
{
    if (at_us > loaded->newest_key_us)
        loaded->newest_key_us = at_us;
    keys_put(&shard->keys, row->account_sid, row->method, row->key, &row->request_hash,
             (struct str){NULL, 0});
}

struct key_loading {
    struct shard *shard;
    struct shard_loaded *loaded;
    int64_t count;
};

static void note_later_key(void *ctx, const struct repeat_row *row, int64_t at_us)
{
    struct key_loading *keys = ctx;
    keys->count++;
    if (keys_get(&keys->shard->keys, row->account_sid, row->method, row->key) == NULL)
        note_key(keys->shard, keys->loaded, row, at_us);
}

/* A shard's commits follow each other, so by the server's clock none is older than what was seen.
 * Should that clock go back: a key that is missed here is unique in the table. */
enum err_code shard_load_keys(struct shard *shard, struct call *call, struct shard_loaded *loaded,
                              struct err *err)
{
    struct key_loading keys = {.shard = shard, .loaded = loaded};
    enum err_code code =
        shard_store_repeats_since(shard->conn, call, shard->index, loaded->newest_key_us,
                                  SHARD_KEYS_MAX, note_later_key, &keys, err);
    if (keys.count >= SHARD_KEYS_MAX)
        shard->keys.is_complete = false;
    return code;
}

/* ---- rows ---- */

static enum err_code load_change(struct loading *loading, const struct config_row *row,
                                 struct err *err)
{
    struct config_change change;
    enum err_code code = config_change_load(loading->call->arena, row, &change, err);
    if (row->kind == CONFIG_KIND_WORKSPACE) {
        struct config_row known = *row;
        known.is_mirrored = code == ERR_OK && change.row.is_mirrored;
        keep_workspace(loading->loaded, loading->shard, &known);
    }
    if (code == ERR_RESOURCE_EXHAUSTED)
        return code;
    if (code != ERR_OK) {
        LOG_WARN(NULL, "a stored copy cannot be read, going on without it",
                 LOG_STR("sid", row->sid.text), LOG_ERR(err));
        return ERR_OK;
    }
    bool is_gone = row->is_deleted && removal_kind(row->kind) == ENGINE_COMMAND_NONE;
    if (!is_gone)
        apply(loading, &change.command);
    if (!row->is_deleted && row->kind == CONFIG_KIND_WORKFLOW)
        gaps_note(loading->shard, &change);
    return ERR_OK;
}

/* Deleted ones are put and deleted again, so that tasks and workers that name them find them as
 * they were. Nothing in a workspace that Twilio routes is kept in memory: workspaces come first, so
 * that it is known. */
static enum err_code load_config(void *ctx, const struct config_row *row, struct err *err)
{
    struct loading *loading = ctx;
    bool is_workspace = row->kind == CONFIG_KIND_WORKSPACE;
    loading->loaded->configs[row->kind]++;
    if (!is_workspace && engine_is_mirrored(loading->shard->engine, &row->workspace_sid))
        return ERR_OK;
    if (row->is_deleted)
        tombs_put(loading->shard, &row->sid, row->version);
    if (row->is_deleted && !is_workspace && removal_kind(row->kind) == ENGINE_COMMAND_NONE)
        return ERR_OK;
    if (row->is_deleted && removal_kind(row->kind) != ENGINE_COMMAND_NONE)
        note_removal(loading, row);
    struct arena_mark mark = arena_mark(loading->call->arena);
    enum err_code code = load_change(loading, row, err);
    arena_rewind(loading->call->arena, mark);
    return code;
}

/* Of tasks that come next: version 0, so that nothing but the document is taken, also by a workflow
 * that is deleted. */
static enum err_code load_document(void *ctx, const struct sid *workflow_sid, int64_t version,
                                   struct str configuration, struct err *err)
{
    (void)err;
    struct loading *loading = ctx;
    if (!engine_has_workflow(loading->shard->engine, workflow_sid))
        return ERR_OK; /* its copy could not be read */
    struct engine_command command = {
        .kind = ENGINE_PUT_WORKFLOW,
        .workflow = {.sid = *workflow_sid,
                     .configuration = configuration,
                     .configuration_version = version},
    };
    apply(loading, &command);
    return ERR_OK;
}

static void announce_task(void *ctx, const struct sid *sid)
{
    const struct loading *loading = ctx;
    engine_load_task_ahead(loading->shard->engine, sid);
}

static enum err_code load_task(void *ctx, const struct task_row *row, struct err *err)
{
    struct loading *loading = ctx;
    bool is_looked_at = loading->loaded->tasks++ % TASKS_PER_LOOK == 0;
    if (is_looked_at && loading->goes_on != NULL && !loading->goes_on(loading->shard))
        return ERR_SET(err, ERR_CANCELLED, "NOT_WANTED", "the shard is not wanted any more");
    return engine_load_task(loading->shard->engine, row, err);
}

static enum err_code load_reservation(void *ctx, const struct reservation_row *row, struct err *err)
{
    struct loading *loading = ctx;
    loading->loaded->reservations++;
    return engine_load_reservation(loading->shard->engine, row, err);
}

static const struct shard_task_fns task_fns = {
    .document = load_document,
    .task_ahead = announce_task,
    .task = load_task,
    .reservation = load_reservation,
};

static enum err_code load_idle(void *ctx, const struct sid *worker_sid,
                               const struct sid *channel_sid, int64_t sequence)
{
    const struct loading *loading = ctx;
    engine_load_worker_idle(loading->shard->engine, worker_sid, channel_sid, sequence);
    return ERR_OK;
}

static void load_override(void *ctx, const struct worker_override_row *row)
{
    const struct loading *loading = ctx;
    engine_load_worker_override(loading->shard->engine, row);
}

static void load_key(void *ctx, const struct repeat_row *row, int64_t at_us)
{
    const struct loading *loading = ctx;
    note_key(loading->shard, loading->loaded, row, at_us);
}

static enum err_code load_rows(struct loading *loading, struct err *err)
{
    struct shard *shard = loading->shard;
    struct db_conn *conn = shard->conn;
    struct call *call = loading->call;
    struct shard_loaded *loaded = loading->loaded;
    enum err_code code = ERR_OK;
    int64_t began = clock_mono_us();
    for (int kind = CONFIG_KIND_NONE + 1; kind < CONFIG_KIND_COUNT && code == ERR_OK; kind++)
        code = shard_store_configs(conn, call, shard->index, (enum config_kind)kind, load_config,
                                   loading, err);
    end_removals(loading, code == ERR_OK);
    int64_t configured = clock_mono_us();
    if (code == ERR_OK)
        code = shard_store_tasks(conn, call, shard->index, &task_fns, loading, err);
    int64_t filled = clock_mono_us();
    if (code == ERR_OK)
        code = shard_store_idle(conn, call, shard->index, load_idle, loading, err);
    if (code == ERR_OK)
        code = shard_store_overrides(conn, call, shard->index, load_override, loading, err);
    if (code == ERR_OK)
        code =
            shard_store_repeats(conn, call, shard->index, SHARD_KEYS_MAX, load_key, loading, err);
    if (code == ERR_OK)
        shard->keys.is_complete = shard->keys.count < SHARD_KEYS_MAX;
    loaded->config_us = configured - began;
    loaded->tasks_us = filled - configured;
    loaded->rest_us = clock_mono_us() - filled;
    return code;
}

uint64_t shard_seed(const struct shard *shard)
{
    return hash_bytes(&shard->index, sizeof shard->index);
}

enum err_code shard_load(struct shard *shard, struct call *call, int64_t now_us,
                         bool (*goes_on)(struct shard *shard), struct shard_loaded *loaded,
                         struct err *err)
{
    struct loading loading = {
        .shard = shard, .call = call, .loaded = loaded, .goes_on = goes_on, .now_us = now_us};
    shard->engine = engine_new(&(struct engine_config){.seed = shard_seed(shard)});
    keys_init(&shard->keys);
    engine_load_counters(shard->engine, shard->event_seq, shard->row_seq);
    return load_rows(&loading, err);
}

/* What came due while nobody routed, and matching that can go on, is a batch of its own. */
static enum err_code resume(struct shard *shard, int64_t now_us, struct err *err)
{
    struct batch batch;
    engine_effects_reset(&shard->effects);
    batch_begin(&batch, shard, NULL, 0);
    batch_note_load(&batch, now_us, shard_seed(shard));
    engine_load_done(shard->engine, now_us, &shard->effects);
    batch_collect(&batch);
    return batch_commit(&batch, err);
}

static enum err_code take(struct shard *shard, struct call *call, struct shard_lease *out,
                          struct err *err)
{
    const struct shell *shell = shard->shell;
    return shard_store_take(shard->conn, call, shard->index, shell->shard_count, shell->instance,
                            shell->address, shell->lease_ms, out, err);
}

static void log_recovery(const struct shard *shard, const struct shard_loaded *loaded,
                         int64_t took_us, int64_t resume_us)
{
    LOG_INFO(NULL, "shard is loaded", LOG_I64("shard", shard->index),
             LOG_I64("epoch", shard->epoch), LOG_I64("took_ms", took_us / US_PER_MS),
             LOG_I64("config_ms", loaded->config_us / US_PER_MS),
             LOG_I64("tasks_ms", loaded->tasks_us / US_PER_MS),
             LOG_I64("rest_ms", loaded->rest_us / US_PER_MS),
             LOG_I64("resume_ms", resume_us / US_PER_MS),
             LOG_I64("workspaces", loaded->configs[CONFIG_KIND_WORKSPACE]),
             LOG_I64("workers", loaded->configs[CONFIG_KIND_WORKER]),
             LOG_I64("queues", loaded->configs[CONFIG_KIND_QUEUE]),
             LOG_I64("workflows", loaded->configs[CONFIG_KIND_WORKFLOW]),
             LOG_I64("tasks", loaded->tasks), LOG_I64("reservations", loaded->reservations),
             LOG_I64("event_seq", shard->event_seq));
}

/* A load may take longer than the lease lasts; whoever took it meanwhile is found by the guard. */
static enum err_code load_cold(struct shard *shard, struct call *call,
                               const struct shard_lease *lease, struct err *err)
{
    int64_t started = clock_mono_us();
    int64_t now_us = clock_now_us();
    struct shard_loaded loaded = {0};
    struct shard_place place = {0};
    shard->epoch = lease->epoch;
    shard->session = db_conn_epoch(shard->conn);
    shard->event_seq = lease->event_seq;
    shard->row_seq = lease->row_seq;
    enum err_code code = shard_store_place(shard->conn, call, shard->index, &place, err);
    if (place.event_seq > shard->event_seq)
        shard->event_seq = place.event_seq;
    shard->journal_part = place.part;
    if (code == ERR_OK)
        code = shard_load(shard, call, now_us, NULL, &loaded, err);
    if (code == ERR_OK)
        shard_publish_workspaces(shard, &loaded);
    int64_t filled = clock_mono_us();
    if (code == ERR_OK)
        code = resume(shard, now_us, err);
    int64_t ended = clock_mono_us();
    if (code == ERR_OK)
        log_recovery(shard, &loaded, ended - started, ended - filled);
    shard_loaded_fini(&loaded);
    return code;
}

/* What was prepared, if it was and can be used. */
static enum err_code load(struct shard *shard, struct call *call, const struct shard_lease *lease,
                          bool *out_is_warm, struct err *err)
{
    enum err_code code = ERR_OK;
    *out_is_warm = shard->warm != NULL;
    if (*out_is_warm)
        code = warm_take_over(shard, call, lease, err);
    if (code == ERR_FAILED_PRECONDITION) {
        LOG_WARN(NULL, "what was prepared of a shard cannot be used, loading it",
                 LOG_I64("shard", shard->index), LOG_ERR(err));
        shard_drop(shard);
        err_clear(err);
        code = ERR_OK;
        *out_is_warm = false;
    }
    return *out_is_warm || code != ERR_OK ? code : load_cold(shard, call, lease, err);
}

enum err_code shard_recover(struct shard *shard, enum shard_taken *out_taken, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(RECOVERY_ARENA_BYTES);
    struct call call;
    call_init(&call, arena, "recovery", RECOVERY_BUDGET_S * US_PER_S);
    int64_t started = clock_mono_us();
    struct shard_lease lease;
    bool is_warm = false;
    *out_taken = SHARD_TAKEN_NOT;
    enum err_code code = take(shard, &call, &lease, err);
    if (code != ERR_OK)
        return code;
    if (lease.epoch <= 0) {
        *out_taken = lease.epoch < 0 ? SHARD_TAKEN_BUSY : SHARD_TAKEN_NOT;
        return ERR_OK;
    }
    lock_take(&shard->shell->lock);
    shard->taken_epoch = lease.epoch;
    lock_drop(&shard->shell->lock);
    code = load(shard, &call, &lease, &is_warm, err);
    if (code != ERR_OK) {
        shard_drop(shard);
        return code;
    }
    shell_metrics_recovered(shard->index, is_warm, clock_mono_us() - started);
    shell_metrics_state(shard->index, true);
    *out_taken = SHARD_TAKEN;
    return ERR_OK;
}
