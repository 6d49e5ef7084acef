#include "batch_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "batch_store_sql.h"
#include "row_params.h"

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE",
                   "the batch needs too much memory; try again");
}

static struct str sid_text(const struct sid *sid)
{
    return str_from(sid->text);
}

static size_t count_effects(const struct engine_effects *effects, enum engine_effect_kind kind)
{
    size_t count = 0;
    for (const struct engine_effect *e = effects->first; e != NULL; e = e->next)
        count += e->kind == kind ? 1 : 0;
    return count;
}

static size_t count_rows(const struct engine_effects *effects, enum engine_effect_kind kind,
                         bool is_new)
{
    size_t count = 0;
    for (const struct engine_effect *e = effects->first; e != NULL; e = e->next)
        count += e->kind == kind && e->is_new == is_new ? 1 : 0;
    return count;
}

/* ---- tasks and reservations ---- */

static enum err_code add_tasks(struct db_conn *conn, struct call *call, int shard,
                               const struct batch_rows *batch, bool is_new, struct err *err)
{
    size_t n = count_rows(batch->effects, ENGINE_TASK_ROW, is_new);
    if (n == 0)
        return ERR_OK;
    struct db_param fields[TASK_PARAM_COUNT];
    const struct task_row **rows = ARENA_ARRAY(call->arena, const struct task_row *, n);
    if (rows == NULL)
        return no_room(err);
    size_t i = 0;
    for (const struct engine_effect *e = batch->effects->first; e != NULL; e = e->next) {
        if (e->kind == ENGINE_TASK_ROW && e->is_new == is_new)
            rows[i++] = e->task;
    }
    if (!task_params(call->arena, rows, n, is_new, fields))
        return no_room(err);
    return db_pipeline_add(conn, call, is_new ? &batch_tasks : &batch_tasks_changed,
                           DB_PARAMS(db_i64(shard), db_rows(fields, ARRAY_LEN(fields))), err);
}

/* New reservations move their workers to the end of the idle order. */
static enum err_code add_idle(struct db_conn *conn, struct call *call, int shard,
                              const struct batch_rows *batch, size_t room, struct err *err)
{
    struct str *workers = ARENA_ARRAY(call->arena, struct str, room);
    struct str *channels = ARENA_ARRAY(call->arena, struct str, room);
    int64_t *sequences = ARENA_ARRAY(call->arena, int64_t, room);
    if (workers == NULL || channels == NULL || sequences == NULL)
        return no_room(err);
    size_t n = 0;
    for (const struct engine_effect *e = batch->effects->first; e != NULL; e = e->next) {
        if (e->kind != ENGINE_RESERVATION_ROW || !e->is_new)
            continue;
        workers[n] = sid_text(&e->reservation->worker_sid);
        channels[n] = sid_text(&e->reservation->channel_sid);
        sequences[n++] = e->reservation->sequence;
    }
    if (n == 0)
        return ERR_OK;
    return db_pipeline_add(conn, call, &batch_idle,
                           DB_PARAMS(db_i64(shard), db_texts(workers, n), db_texts(channels, n),
                                     db_i64s(sequences, n)),
                           err);
}

static enum err_code add_reservations(struct db_conn *conn, struct call *call, int shard,
                                      const struct batch_rows *batch, bool is_new, struct err *err)
{
    size_t n = count_rows(batch->effects, ENGINE_RESERVATION_ROW, is_new);
    if (n == 0)
        return ERR_OK;
    struct db_param fields[RESERVATION_PARAM_COUNT];
    const struct reservation_row **rows =
        ARENA_ARRAY(call->arena, const struct reservation_row *, n);
    if (rows == NULL)
        return no_room(err);
    size_t i = 0;
    for (const struct engine_effect *e = batch->effects->first; e != NULL; e = e->next) {
        if (e->kind == ENGINE_RESERVATION_ROW && e->is_new == is_new)
            rows[i++] = e->reservation;
    }
    if (!reservation_params(call->arena, rows, n, is_new, fields))
        return no_room(err);
    enum err_code code =
        db_pipeline_add(conn, call, is_new ? &batch_reservations : &batch_reservations_changed,
                        DB_PARAMS(db_i64(shard), db_rows(fields, ARRAY_LEN(fields))), err);
    return code == ERR_OK && is_new ? add_idle(conn, call, shard, batch, n, err) : code;
}

/* ---- purges and overrides ---- */

static enum err_code add_purges(struct db_conn *conn, struct call *call,
                                const struct batch_rows *batch, struct err *err)
{
    size_t n = count_effects(batch->effects, ENGINE_TASK_PURGED);
    if (n == 0)
        return ERR_OK;
    struct str *sids = ARENA_ARRAY(call->arena, struct str, n);
    bool *gone = ARENA_ARRAY(call->arena, bool, n);
    if (sids == NULL || gone == NULL)
        return no_room(err);
    size_t i = 0;
    for (const struct engine_effect *e = batch->effects->first; e != NULL; e = e->next) {
        if (e->kind != ENGINE_TASK_PURGED)
            continue;
        sids[i] = sid_text(e->task_sid);
        gone[i++] = e->is_gone;
    }
    return db_pipeline_add(
        conn, call, &batch_purge,
        DB_PARAMS(db_texts(sids, n), db_time_us(batch->now_us), db_bools(gone, n)), err);
}

/* One by one, in order: they are rare, and a later one replaces an earlier one. */
static enum err_code add_overrides(struct db_conn *conn, struct call *call, int shard,
                                   const struct batch_rows *batch, struct err *err)
{
    enum err_code code = ERR_OK;
    for (const struct engine_effect *e = batch->effects->first; e != NULL && code == ERR_OK;
         e = e->next) {
        if (e->kind != ENGINE_WORKER_OVERRIDE)
            continue;
        const struct worker_override_row *row = e->override;
        if (!sid_is_set(&row->activity_sid))
            code = db_pipeline_add(conn, call, &batch_override_delete,
                                   DB_PARAMS(db_cstr(row->worker_sid.text)), err);
        else
            code = db_pipeline_add(conn, call, &batch_override_put,
                                   DB_PARAMS(db_cstr(row->worker_sid.text), db_i64(shard),
                                             db_cstr(row->workspace_sid.text),
                                             db_cstr(row->activity_sid.text),
                                             db_i64(row->worker_version), db_time_us(row->at_us)),
                                   err);
    }
    return code;
}

/* ---- copies ---- */

enum config_text {
    CONF_T_SID,
    CONF_T_KIND,
    CONF_T_ACCOUNT,
    CONF_T_WORKSPACE,
    CONF_T_NAME,
    CONF_T_DOCUMENT,
    CONF_T_COUNT,
};

static enum err_code add_documents(struct db_conn *conn, struct call *call, int shard,
                                   const struct batch_rows *batch, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < batch->config_count && code == ERR_OK; i++) {
        const struct config_row *row = batch->configs[i];
        if (row->configuration.len > 0)
            code = db_pipeline_add(conn, call, &batch_document,
                                   DB_PARAMS(db_cstr(row->sid.text),
                                             db_i64(row->configuration_version), db_i64(shard),
                                             db_text(row->configuration)),
                                   err);
    }
    return code;
}

/* The rows [from, to): no SID twice, which one statement could not take. */
static enum err_code add_config_run(struct db_conn *conn, struct call *call, int shard,
                                    const struct config_row *const *rows, size_t n, struct err *err)
{
    struct str *t[CONF_T_COUNT];
    int64_t *version[1];
    bool *deleted = ARENA_ARRAY(call->arena, bool, n);
    if (!param_columns(call->arena, n, t, CONF_T_COUNT, version, 1))
        return no_room(err);
    for (size_t i = 0; i < n; i++) {
        t[CONF_T_SID][i] = sid_text(&rows[i]->sid);
        t[CONF_T_KIND][i] = str_from(config_kind_name(rows[i]->kind));
        t[CONF_T_ACCOUNT][i] = sid_text(&rows[i]->account_sid);
        t[CONF_T_WORKSPACE][i] = sid_text(&rows[i]->workspace_sid);
        t[CONF_T_NAME][i] = rows[i]->name.ptr == NULL ? STR("") : rows[i]->name;
        t[CONF_T_DOCUMENT][i] = rows[i]->document;
        version[0][i] = rows[i]->version;
        deleted[i] = rows[i]->is_deleted;
    }
    return db_pipeline_add(conn, call, &batch_configs,
                           DB_PARAMS(db_i64(shard), db_texts(t[CONF_T_SID], n),
                                     db_texts(t[CONF_T_KIND], n), db_texts(t[CONF_T_ACCOUNT], n),
                                     db_texts(t[CONF_T_WORKSPACE], n), db_texts(t[CONF_T_NAME], n),
                                     db_i64s(version[0], n), db_bools(deleted, n),
                                     db_texts(t[CONF_T_DOCUMENT], n)),
                           err);
}

static int compare_sids(const void *a_ptr, const void *b_ptr)
{
    const struct config_row *a = *(const struct config_row *const *)a_ptr;
    const struct config_row *b = *(const struct config_row *const *)b_ptr;
    int order = str_cmp(sid_text(&a->sid), sid_text(&b->sid));
    return order != 0 ? order : (a->version > b->version) - (a->version < b->version);
}

/* Of each resource the newest word only: one statement cannot touch a row twice. */
static enum err_code add_configs(struct db_conn *conn, struct call *call, int shard,
                                 const struct batch_rows *batch, struct err *err)
{
    if (batch->config_count == 0)
        return ERR_OK;
    const struct config_row **rows =
        ARENA_ARRAY(call->arena, const struct config_row *, batch->config_count);
    if (rows == NULL)
        return no_room(err);
    memcpy(rows, batch->configs, batch->config_count * sizeof *rows);
    qsort(rows, batch->config_count, sizeof *rows, compare_sids);
    size_t n = 0;
    for (size_t i = 0; i < batch->config_count; i++) {
        bool is_last = i + 1 == batch->config_count ||
                       !str_eq(sid_text(&rows[i]->sid), sid_text(&rows[i + 1]->sid));
        if (is_last)
            rows[n++] = rows[i];
    }
    enum err_code code = add_config_run(conn, call, shard, rows, n, err);
    return code == ERR_OK ? add_documents(conn, call, shard, batch, err) : code;
}

/* ---- log and keys ---- */

static enum err_code add_events(struct db_conn *conn, struct call *call,
                                const struct batch_guard *guard, const struct batch_rows *batch,
                                struct err *err)
{
    const struct packed_events *events = batch->events;
    if (events->count == 0 && batch->journal.len == 0)
        return ERR_OK;
    int64_t part = events->count > 0 ? 0 : batch->journal_part + 1;
    int64_t first_seq = guard->event_seq - (int64_t)events->count + 1;
    return db_pipeline_add(
        conn, call, &batch_events,
        DB_PARAMS(db_i64(guard->shard), db_i64(guard->event_seq), db_i64(part), db_i64(first_seq),
                  db_time_us(events->at_us), db_time_us(events->oldest_us), db_i64(guard->epoch),
                  db_i64s(events->keys, events->key_count), db_bytes(events->payload),
                  batch->journal.len == 0 ? db_null() : db_bytes(batch->journal)),
        err);
}

static enum err_code add_repeats(struct db_conn *conn, struct call *call, int shard,
                                 const struct batch_rows *batch, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < batch->repeat_count && code == ERR_OK; i++) {
        const struct repeat_row *row = batch->repeats[i];
        code = db_pipeline_add(conn, call, &batch_repeat,
                               DB_PARAMS(db_i64(shard), db_cstr(row->account_sid),
                                         db_cstr(row->method), db_text(row->key),
                                         db_cstr(row->request_hash.text), db_bytes(row->reply)),
                               err);
    }
    return code;
}

static bool has_rows(const struct batch_rows *rows)
{
    return rows->effects->count > 0 || rows->events->count > 0 || rows->journal.len > 0 ||
           rows->config_count > 0 || rows->repeat_count > 0 || rows->mirror != NULL;
}

static enum err_code add_all(struct db_conn *conn, struct call *call,
                             const struct batch_guard *guard, const struct batch_rows *rows,
                             struct err *err)
{
    enum err_code code = db_pipeline_add(conn, call, &db_begin, DB_NO_PARAMS, err);
    if (code == ERR_OK)
        code = db_pipeline_add(conn, call, has_rows(rows) ? &batch_guard : &batch_renew,
                               DB_PARAMS(db_i64(guard->shard), db_i64(guard->epoch),
                                         db_i64(guard->ttl_ms), db_i64(guard->event_seq),
                                         db_i64(guard->row_seq)),
                               err);
    if (code == ERR_OK && rows->is_planned_anew)
        code = db_pipeline_add(conn, call, &batch_replan, DB_NO_PARAMS, err);
    if (code == ERR_OK)
        code = add_configs(conn, call, guard->shard, rows, err);
    for (int is_new = 1; is_new >= 0 && code == ERR_OK; is_new--) {
        code = add_tasks(conn, call, guard->shard, rows, is_new != 0, err);
        if (code == ERR_OK)
            code = add_reservations(conn, call, guard->shard, rows, is_new != 0, err);
    }
    if (code == ERR_OK)
        code = add_purges(conn, call, rows, err);
    if (code == ERR_OK)
        code = add_overrides(conn, call, guard->shard, rows, err);
    if (code == ERR_OK && rows->mirror != NULL)
        code = mirror_store_add(conn, call, guard->shard, rows->mirror, rows->now_us, err);
    if (code == ERR_OK)
        code = add_events(conn, call, guard, rows, err);
    if (code == ERR_OK)
        code = add_repeats(conn, call, guard->shard, rows, err);
    if (code == ERR_OK)
        code = db_pipeline_add(conn, call, &db_commit, DB_NO_PARAMS, err);
    return code;
}

enum err_code batch_store_send(struct db_conn *conn, struct call *call,
                               const struct batch_guard *guard, const struct batch_rows *rows,
                               struct err *err)
{
    enum err_code code = db_pipeline_begin(conn, call, err);
    if (code != ERR_OK)
        return code;
    code = add_all(conn, call, guard, rows, err);
    if (code != ERR_OK) {
        db_pipeline_abort(conn);
        return code;
    }
    return db_pipeline_sync(conn, call, err);
}

enum err_code batch_store_wait(struct db_conn *conn, struct call *call, struct err *err)
{
    return db_pipeline_finish(conn, call, err);
}
