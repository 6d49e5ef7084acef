#include "progress_store.h"

#include <string.h>

#include "base/macros.h"
#include "progress_store_sql.h"

enum kind_column {
    KIND_COL_RUN_SID,
    KIND_COL_KIND,
    KIND_COL_STATE,
    KIND_COL_SEEN,
    KIND_COL_TOTAL,
    KIND_COL_CREATED,
    KIND_COL_UPDATED,
    KIND_COL_UNCHANGED,
    KIND_COL_VANISHED,
    KIND_COL_CONFLICTING,
    KIND_COL_LINKED,
    KIND_COL_ERROR,
    KIND_COL_CURSOR,
    KIND_COL_STARTED_AT,
    KIND_COL_ENDED_AT,
};

/* ---- reading progress ---- */

static struct run_kind kind_from_row(const struct db_result *result, int row)
{
    return (struct run_kind){
        .kind = kind_from(db_get_str(result, row, KIND_COL_KIND)),
        .state = kind_state_from(db_get_str(result, row, KIND_COL_STATE)),
        .counts = {.seen = db_get_i64(result, row, KIND_COL_SEEN),
                   .created = db_get_i64(result, row, KIND_COL_CREATED),
                   .updated = db_get_i64(result, row, KIND_COL_UPDATED),
                   .unchanged = db_get_i64(result, row, KIND_COL_UNCHANGED),
                   .vanished = db_get_i64(result, row, KIND_COL_VANISHED),
                   .conflicting = db_get_i64(result, row, KIND_COL_CONFLICTING),
                   .linked = db_get_i64(result, row, KIND_COL_LINKED)},
        .total =
            db_is_null(result, row, KIND_COL_TOTAL) ? -1 : db_get_i64(result, row, KIND_COL_TOTAL),
        .error = db_get_text(result, row, KIND_COL_ERROR),
        .cursor = db_get_text(result, row, KIND_COL_CURSOR),
        .started_at_us = db_get_time_us(result, row, KIND_COL_STARTED_AT),
        .ended_at_us = db_get_time_us(result, row, KIND_COL_ENDED_AT),
    };
}

static struct run *run_named(struct run *runs, size_t count, const char *sid)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(runs[i].sid, sid) == 0)
            return &runs[i];
    }
    return NULL;
}

enum err_code progress_store_fill(struct db_conn *conn, struct call *call, struct run *runs,
                                  size_t count, struct err *err)
{
    struct db_result *result = NULL;
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count);
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        sids[i] = str_from(runs[i].sid);
    enum err_code code =
        db_query(conn, call, &run_kinds, DB_PARAMS(db_texts(sids, count)), &result, err);
    if (code != ERR_OK)
        return code;
    int rows = db_row_count(result);
    struct run_kind *kinds = ARENA_ARRAY(call->arena, struct run_kind, (size_t)rows);
    if (kinds == NULL)
        return call_no_room(err);
    struct run *run = NULL;
    for (int row = 0; row < rows; row++) {
        const char *sid = db_get_text(result, row, KIND_COL_RUN_SID);
        if (run == NULL || strcmp(run->sid, sid) != 0) {
            run = run_named(runs, count, sid);
            run->progress = &kinds[row];
        }
        kinds[row] = kind_from_row(result, row);
        run->progress_count++;
    }
    return ERR_OK;
}

enum err_code progress_store_insert(struct db_conn *conn, struct call *call, const char *run_sid,
                                    const struct str *kinds, size_t count, struct err *err)
{
    return db_query(conn, call, &run_insert_kinds,
                    DB_PARAMS(db_cstr(run_sid), db_texts(kinds, count)), NULL, err);
}

enum err_code progress_store_forget(struct db_conn *conn, struct call *call, const char *run_sid,
                                    struct err *err)
{
    return db_query(conn, call, &run_forget_seen, DB_PARAMS(db_cstr(run_sid)), NULL, err);
}

/* ---- writing progress ---- */

/* The first statement of a writer's transaction. */
static enum err_code touch(struct db_conn *conn, struct call *call,
                           const struct progress_writer *writer, bool *out_is_cancel_asked,
                           struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &run_touch,
        DB_PARAMS(db_cstr(writer->run_sid), db_i64(writer->epoch), db_i64(writer->lease_ms)),
        &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_SET(err, ERR_ABORTED, "LEASE_LOST", "sync run %s is no longer this process's",
                       writer->run_sid);
    *out_is_cancel_asked = db_get_bool(result, 0, 0);
    return ERR_OK;
}

struct state_context {
    const struct progress_writer *writer;
    enum kind kind;
    const char *error; /* NULL: it begins */
};

static enum err_code state_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct state_context *change = ctx;
    const char *sid = change->writer->run_sid;
    bool is_cancel_asked = false;
    enum err_code code = touch(conn, call, change->writer, &is_cancel_asked, err);
    if (code != ERR_OK)
        return code;
    if (change->error == NULL)
        return db_query(conn, call, &run_kind_begin,
                        DB_PARAMS(db_cstr(sid), db_cstr(kind_name(change->kind))), NULL, err);
    enum kind_state state = change->error[0] == '\0' ? KIND_STATE_DONE : KIND_STATE_FAILED;
    return db_query(conn, call, &run_kind_end,
                    DB_PARAMS(db_cstr(sid), db_cstr(kind_name(change->kind)),
                              db_cstr(kind_state_name(state)), db_cstr(change->error)),
                    NULL, err);
}

enum err_code progress_store_begin(const struct progress_writer *writer, struct call *call,
                                   enum kind kind, struct err *err)
{
    struct state_context change = {writer, kind, NULL};
    return db_tx_run(writer->pool, call, state_tx, &change, err);
}

enum err_code progress_store_finish(const struct progress_writer *writer, struct call *call,
                                    enum kind kind, const char *error, struct err *err)
{
    struct state_context change = {writer, kind, error};
    return db_tx_run(writer->pool, call, state_tx, &change, err);
}

static enum err_code add_items(struct db_conn *conn, struct call *call, const char *run_sid,
                               const struct progress_step *step, struct err *err)
{
    size_t count = step->item_count;
    struct str *texts = ARENA_ARRAY(call->arena, struct str, 5 * count);
    if (texts == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        const struct run_item *item = &step->items[i];
        texts[i] = str_from(item->sid);
        texts[count + i] = str_from(item->friendly_name);
        texts[2 * count + i] = str_from(outcome_name(item->outcome));
        texts[3 * count + i] = str_from(item->fields);
        texts[4 * count + i] = str_from(item->detail);
    }
    return db_query(
        conn, call, &run_add_items,
        DB_PARAMS(db_cstr(run_sid), db_cstr(kind_name(step->kind)), db_texts(texts, count),
                  db_texts(texts + count, count), db_texts(texts + 2 * count, count),
                  db_jsons(texts + 3 * count, count), db_texts(texts + 4 * count, count)),
        NULL, err);
}

static enum err_code settle_items(struct db_conn *conn, struct call *call, const char *run_sid,
                                  const struct progress_step *step, struct err *err)
{
    size_t count = step->settled_count;
    struct str *texts = ARENA_ARRAY(call->arena, struct str, 4 * count);
    if (texts == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        const struct run_item *item = &step->settled[i];
        texts[i] = str_from(item->sid);
        texts[count + i] = str_from(outcome_name(item->outcome));
        texts[2 * count + i] = str_from(item->fields);
        texts[3 * count + i] = str_from(item->detail);
    }
    return db_query(conn, call, &run_settle,
                    DB_PARAMS(db_cstr(run_sid), db_cstr(kind_name(step->kind)),
                              db_texts(texts, count), db_texts(texts + count, count),
                              db_jsons(texts + 2 * count, count),
                              db_texts(texts + 3 * count, count)),
                    NULL, err);
}

struct step_context {
    const struct progress_writer *writer;
    const struct progress_step *step;
    bool is_cancel_asked;
};

static enum err_code step_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct step_context *context = ctx;
    const struct progress_step *step = context->step;
    const struct kind_counts *more = &step->counts;
    const char *sid = context->writer->run_sid;
    const char *kind = kind_name(step->kind);
    enum err_code code = touch(conn, call, context->writer, &context->is_cancel_asked, err);
    if (code == ERR_OK)
        code = db_query(
            conn, call, &run_kind_step,
            DB_PARAMS(db_cstr(sid), db_cstr(kind), db_i64(more->seen), db_i64(more->created),
                      db_i64(more->updated), db_i64(more->unchanged), db_i64(more->vanished),
                      db_i64(more->conflicting), db_i64(more->linked),
                      step->total < 0 ? db_null() : db_i64(step->total), db_cstr(step->cursor)),
            NULL, err);
    if (code == ERR_OK && step->seen_count > 0)
        code =
            db_query(conn, call, &run_add_seen,
                     DB_PARAMS(db_cstr(sid), db_cstr(kind), db_texts(step->seen, step->seen_count)),
                     NULL, err);
    if (code == ERR_OK && step->item_count > 0)
        code = add_items(conn, call, sid, step, err);
    if (code == ERR_OK && step->settled_count > 0)
        code = settle_items(conn, call, sid, step, err);
    return code;
}

enum err_code progress_store_step(const struct progress_writer *writer, struct call *call,
                                  const struct progress_step *step, bool *out_is_cancel_asked,
                                  struct err *err)
{
    struct step_context context = {.writer = writer, .step = step};
    enum err_code code = db_tx_run(writer->pool, call, step_tx, &context, err);
    if (code == ERR_OK)
        *out_is_cancel_asked = context.is_cancel_asked;
    return code;
}

/* ---- what was met ---- */

enum err_code progress_store_unseen(struct db_pool *pool, struct call *call, const char *run_sid,
                                    enum kind kind, const struct str *sids, size_t count,
                                    size_t **out, size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &run_unseen,
        DB_PARAMS(db_cstr(run_sid), db_cstr(kind_name(kind)), db_texts(sids, count)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t rows = (size_t)db_row_count(result);
    size_t *indexes = ARENA_ARRAY(call->arena, size_t, rows);
    if (indexes == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < rows; i++)
        indexes[i] = (size_t)db_get_i64(result, (int)i, 0);
    *out = indexes;
    *out_count = rows;
    return ERR_OK;
}

enum err_code progress_store_seen(struct db_pool *pool, struct call *call, const char *run_sid,
                                  enum kind kind, const char *after, size_t limit,
                                  const char ***out, size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &run_seen_after,
                                       DB_PARAMS(db_cstr(run_sid), db_cstr(kind_name(kind)),
                                                 db_cstr(after), db_i64((int64_t)limit)),
                                       &result, err);
    if (code != ERR_OK)
        return code;
    size_t rows = (size_t)db_row_count(result);
    const char **sids = ARENA_ARRAY(call->arena, const char *, rows);
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < rows; i++)
        sids[i] = db_get_text(result, (int)i, 0);
    *out = sids;
    *out_count = rows;
    return ERR_OK;
}

enum err_code progress_store_seen_count(struct db_pool *pool, struct call *call,
                                        const char *run_sid, enum kind kind, int64_t *out,
                                        struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &run_seen_count,
                      DB_PARAMS(db_cstr(run_sid), db_cstr(kind_name(kind))), &result, err);
    if (code == ERR_OK)
        *out = db_get_i64(result, 0, 0);
    return code;
}

static enum err_code mark_listed(struct db_pool *pool, struct call *call,
                                 const struct db_stmt *stmt, const char *run_sid,
                                 const struct str *sids, size_t count, bool *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, stmt, DB_PARAMS(db_cstr(run_sid), db_texts(sids, count)), &result, err);
    if (code != ERR_OK)
        return code;
    for (int row = 0; row < db_row_count(result); row++)
        out[db_get_i64(result, row, 0)] = true;
    return ERR_OK;
}

enum err_code progress_store_created(struct db_pool *pool, struct call *call, const char *run_sid,
                                     const struct str *sids, size_t count, bool *out,
                                     struct err *err)
{
    return mark_listed(pool, call, &run_created, run_sid, sids, count, out, err);
}

enum err_code progress_store_vanished(struct db_pool *pool, struct call *call, const char *run_sid,
                                      const struct str *sids, size_t count, bool *out,
                                      struct err *err)
{
    return mark_listed(pool, call, &run_vanished, run_sid, sids, count, out, err);
}

enum err_code progress_store_unsettled(struct db_pool *pool, struct call *call, const char *run_sid,
                                       enum kind kind, bool with_renamed, size_t limit,
                                       struct run_item **out, size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &run_unsettled,
                                       DB_PARAMS(db_cstr(run_sid), db_cstr(kind_name(kind)),
                                                 db_bool(with_renamed), db_i64((int64_t)limit)),
                                       &result, err);
    if (code != ERR_OK)
        return code;
    size_t rows = (size_t)db_row_count(result);
    struct run_item *items = ARENA_ARRAY(call->arena, struct run_item, rows);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < rows; i++)
        items[i] = (struct run_item){.kind = kind,
                                     .sid = db_get_text(result, (int)i, 0),
                                     .outcome = outcome_from(db_get_str(result, (int)i, 1))};
    *out = items;
    *out_count = rows;
    return ERR_OK;
}

enum err_code progress_store_last_checked(struct db_pool *pool, struct call *call,
                                          const char *workspace_sid, enum kind kind,
                                          int64_t *out_at_us, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &run_last_checked,
                      DB_PARAMS(db_cstr(workspace_sid), db_cstr(kind_name(kind))), &result, err);
    if (code == ERR_OK)
        *out_at_us = db_get_time_us(result, 0, 0);
    return code;
}

/* ---- items ---- */

enum err_code progress_store_count_items(struct db_pool *pool, struct call *call,
                                         const char *run_sid, int64_t *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &run_count_items, DB_PARAMS(db_cstr(run_sid)), &result, err);
    if (code == ERR_OK)
        *out = db_get_i64(result, 0, 0);
    return code;
}

enum err_code progress_store_items(struct db_conn *conn, struct call *call, const char *run_sid,
                                   int64_t after, enum kind kind, enum outcome outcome,
                                   size_t limit, struct run_item **out, size_t *out_count,
                                   struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &run_items,
        DB_PARAMS(db_cstr(run_sid), db_i64(after), db_text_or_null(str_from(kind_name(kind))),
                  db_text_or_null(str_from(outcome_name(outcome))), db_i64((int64_t)limit)),
        &result, err);
    if (code != ERR_OK)
        return code;
    size_t rows = (size_t)db_row_count(result);
    struct run_item *items = ARENA_ARRAY(call->arena, struct run_item, rows);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < rows; i++)
        items[i] = (struct run_item){
            .kind = kind_from(db_get_str(result, (int)i, 0)),
            .sid = db_get_text(result, (int)i, 1),
            .friendly_name = db_get_text(result, (int)i, 2),
            .outcome = outcome_from(db_get_str(result, (int)i, 3)),
            .fields = db_get_text(result, (int)i, 4),
            .detail = db_get_text(result, (int)i, 5),
            .seq = db_get_i64(result, (int)i, 6),
        };
    *out = items;
    *out_count = rows;
    return ERR_OK;
}
