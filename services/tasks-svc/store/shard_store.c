#include "shard_store.h"

#include "base/arena.h"
#include "shard_store_sql.h"

enum { PAGE_ROWS = 2000 };

enum err_code shard_store_take(struct db_conn *conn, struct call *call, int shard, int shard_count,
                               const char *owner, const char *address, int64_t ttl_ms,
                               struct shard_lease *out, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &shard_session, DB_PARAMS(db_i64(ttl_ms)), NULL, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &shard_take_lease,
                        DB_PARAMS(db_i64(shard), db_i64(shard_count), db_cstr(owner),
                                  db_cstr(address), db_i64(ttl_ms)),
                        &rows, err);
    if (code != ERR_OK)
        return code;
    *out = (struct shard_lease){
        .epoch = db_get_i64(rows, 0, 0),
        .event_seq = db_get_i64(rows, 0, 1),
        .row_seq = db_get_i64(rows, 0, 2),
    };
    return ERR_OK;
}

enum err_code shard_store_release(struct db_conn *conn, struct call *call, int shard, int64_t epoch,
                                  struct err *err)
{
    return db_query(conn, call, &shard_release, DB_PARAMS(db_i64(shard), db_i64(epoch)), NULL, err);
}

enum err_code shard_store_name_successor(struct db_conn *conn, struct call *call, int shard,
                                         int64_t epoch, const char *successor, struct err *err)
{
    return db_query(conn, call, &shard_name_successor,
                    DB_PARAMS(db_i64(shard), db_i64(epoch), db_cstr(successor)), NULL, err);
}

enum err_code shard_store_warm(struct db_conn *conn, struct call *call, int shard,
                               const char *successor, struct err *err)
{
    return db_query(conn, call, &shard_successor_warm, DB_PARAMS(db_i64(shard), db_cstr(successor)),
                    NULL, err);
}

enum err_code shard_store_is_given(struct db_conn *conn, struct call *call, int shard,
                                   const char *successor, enum shard_given *out, bool *out_is_told,
                                   struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &shard_is_given,
                                  DB_PARAMS(db_i64(shard), db_cstr(successor)), &rows, err);
    if (code != ERR_OK)
        return code;
    *out = db_row_count(rows) == 0   ? SHARD_GIVEN_NONE
           : db_get_bool(rows, 0, 0) ? SHARD_GIVEN_NOW
                                     : SHARD_GIVEN_SOON;
    *out_is_told = db_row_count(rows) > 0 && db_get_bool(rows, 0, 1);
    return ERR_OK;
}

enum err_code shard_store_count(struct db_pool *pool, struct call *call, int64_t *out_count,
                                struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &shard_count_get, DB_NO_PARAMS, &rows, err);
    if (code == ERR_OK)
        *out_count = db_get_i64(rows, 0, 0);
    return code;
}

static struct config_row config_from_row(const struct db_result *rows, int i, enum config_kind kind)
{
    return (struct config_row){
        .kind = kind,
        .sid = sid_from(db_get_str(rows, i, 0)),
        .account_sid = sid_from(db_get_str(rows, i, 1)),
        .workspace_sid = sid_from(db_get_str(rows, i, 2)),
        .is_deleted = db_get_bool(rows, i, 3),
        .document = db_get_str(rows, i, 4),
        .version = db_get_i64(rows, i, 5),
    };
}

enum err_code shard_store_configs(struct db_conn *conn, struct call *call, int shard,
                                  enum config_kind kind, shard_config_fn fn, void *ctx,
                                  struct err *err)
{
    struct sid after = {""};
    int count = PAGE_ROWS;
    while (count == PAGE_ROWS) {
        struct arena_mark mark = arena_mark(call->arena);
        struct db_result *rows = NULL;
        enum err_code code = db_query(conn, call, &shard_load_configs,
                                      DB_PARAMS(db_i64(shard), db_cstr(config_kind_name(kind)),
                                                db_cstr(after.text), db_i64(PAGE_ROWS)),
                                      &rows, err);
        if (code != ERR_OK)
            return code;
        count = db_row_count(rows);
        for (int i = 0; i < count && code == ERR_OK; i++) {
            struct config_row row = config_from_row(rows, i, kind);
            after = row.sid;
            code = fn(ctx, &row, err);
        }
        arena_rewind(call->arena, mark);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err_code shard_store_idle(struct db_conn *conn, struct call *call, int shard, shard_idle_fn fn,
                               void *ctx, struct err *err)
{
    struct sid worker = {""};
    struct sid channel = {""};
    int count = PAGE_ROWS;
    while (count == PAGE_ROWS) {
        struct arena_mark mark = arena_mark(call->arena);
        struct db_result *rows = NULL;
        enum err_code code = db_query(conn, call, &shard_load_idle,
                                      DB_PARAMS(db_i64(shard), db_cstr(worker.text),
                                                db_cstr(channel.text), db_i64(PAGE_ROWS)),
                                      &rows, err);
        if (code != ERR_OK)
            return code;
        count = db_row_count(rows);
        for (int i = 0; i < count && code == ERR_OK; i++) {
            worker = sid_from(db_get_str(rows, i, 0));
            channel = sid_from(db_get_str(rows, i, 1));
            code = fn(ctx, &worker, &channel, db_get_i64(rows, i, 2));
        }
        arena_rewind(call->arena, mark);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err_code shard_store_overrides(struct db_conn *conn, struct call *call, int shard,
                                    shard_override_fn fn, void *ctx, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &shard_load_overrides, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code != ERR_OK)
        return code;
    for (int i = 0; i < db_row_count(rows); i++) {
        struct worker_override_row row = {
            .worker_sid = sid_from(db_get_str(rows, i, 0)),
            .workspace_sid = sid_from(db_get_str(rows, i, 1)),
            .activity_sid = sid_from(db_get_str(rows, i, 2)),
            .worker_version = db_get_i64(rows, i, 3),
            .at_us = db_get_time_us(rows, i, 4),
        };
        fn(ctx, &row);
    }
    return ERR_OK;
}

static void tell_repeat(const struct db_result *rows, int i, shard_repeat_fn fn, void *ctx)
{
    struct repeat_row row = {
        .account_sid = db_get_text(rows, i, 0),
        .method = db_get_text(rows, i, 1),
        .key = db_get_str(rows, i, 2),
        .request_hash = sid_from(db_get_str(rows, i, 3)),
    };
    fn(ctx, &row, db_get_time_us(rows, i, 4));
}

enum err_code shard_store_repeats(struct db_conn *conn, struct call *call, int shard, int64_t limit,
                                  shard_repeat_fn fn, void *ctx, struct err *err)
{
    struct arena_mark mark = arena_mark(call->arena);
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &shard_load_repeats,
                                  DB_PARAMS(db_i64(shard), db_i64(limit)), &rows, err);
    if (code != ERR_OK)
        return code;
    for (int i = db_row_count(rows) - 1; i >= 0; i--) /* oldest first */
        tell_repeat(rows, i, fn, ctx);
    arena_rewind(call->arena, mark);
    return ERR_OK;
}

enum err_code shard_store_repeats_since(struct db_conn *conn, struct call *call, int shard,
                                        int64_t since_us, int64_t limit, shard_repeat_fn fn,
                                        void *ctx, struct err *err)
{
    struct arena_mark mark = arena_mark(call->arena);
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &shard_repeats_since,
                 DB_PARAMS(db_i64(shard), db_time_us(since_us), db_i64(limit)), &rows, err);
    if (code != ERR_OK)
        return code;
    int count = db_row_count(rows);
    for (int i = 0; i < count; i++)
        tell_repeat(rows, i, fn, ctx);
    arena_rewind(call->arena, mark);
    return ERR_OK;
}

/* ---- the log of commits ---- */

enum err_code shard_store_place(struct db_conn *conn, struct call *call, int shard,
                                struct shard_place *out, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &shard_last_event, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code != ERR_OK)
        return code;
    *out = (struct shard_place){0};
    if (db_row_count(rows) > 0)
        *out = (struct shard_place){.event_seq = db_get_i64(rows, 0, 0),
                                    .part = (int)db_get_i64(rows, 0, 1),
                                    .at_us = db_get_time_us(rows, 0, 2)};
    return ERR_OK;
}

enum err_code shard_store_counters(struct db_conn *conn, struct call *call, int shard,
                                   int64_t *out_event_seq, int64_t *out_row_seq, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &shard_counters, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code != ERR_OK)
        return code;
    bool is_found = db_row_count(rows) > 0;
    *out_event_seq = is_found ? db_get_i64(rows, 0, 0) : 0;
    *out_row_seq = is_found ? db_get_i64(rows, 0, 1) : 0;
    return ERR_OK;
}

enum err_code shard_store_commits(struct db_conn *conn, struct call *call, int shard,
                                  const struct shard_place *after, int64_t limit,
                                  struct shard_commit **out, size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(
        conn, call, &shard_commits,
        DB_PARAMS(db_i64(shard), db_i64(after->event_seq), db_i64(after->part), db_i64(limit)),
        &rows, err);
    if (code != ERR_OK)
        return code;
    int count = db_row_count(rows);
    bool has_room = true;
    struct shard_commit *commits = ARENA_ARRAY(call->arena, struct shard_commit, (size_t)count + 1);
    for (int i = 0; commits != NULL && i < count && has_room; i++) {
        commits[i].place = (struct shard_place){.event_seq = db_get_i64(rows, i, 0),
                                                .part = (int)db_get_i64(rows, i, 1),
                                                .at_us = db_get_time_us(rows, i, 3)};
        commits[i].first_seq = db_get_i64(rows, i, 2);
        has_room = db_get_bytes(rows, i, 4, call->arena, &commits[i].payload) &&
                   db_get_bytes(rows, i, 5, call->arena, &commits[i].journal);
    }
    if (commits == NULL || !has_room)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "LOAD_TOO_LARGE",
                       "a page of commits does not fit into memory");
    *out = commits;
    *out_count = (size_t)count;
    return ERR_OK;
}

static enum config_kind config_kind_from(struct str name)
{
    for (int kind = CONFIG_KIND_NONE + 1; kind < CONFIG_KIND_COUNT; kind++) {
        if (str_eq_text(name, config_kind_name((enum config_kind)kind)))
            return (enum config_kind)kind;
    }
    return CONFIG_KIND_NONE;
}

enum err_code shard_store_configs_named(struct db_conn *conn, struct call *call, int shard,
                                        const struct str *sids, size_t count, shard_config_fn fn,
                                        void *ctx, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &shard_configs_named,
                                  DB_PARAMS(db_i64(shard), db_texts(sids, count)), &rows, err);
    for (int i = 0; code == ERR_OK && i < db_row_count(rows); i++) {
        struct config_row row = config_from_row(rows, i, config_kind_from(db_get_str(rows, i, 6)));
        code = fn(ctx, &row, err);
    }
    return code;
}

enum err_code shard_store_repeat(struct db_conn *conn, struct call *call, int shard,
                                 const char *account_sid, const char *method, struct str key,
                                 struct repeat_row *out, bool *out_found, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(
        conn, call, &shard_repeat_get,
        DB_PARAMS(db_i64(shard), db_cstr(account_sid), db_cstr(method), db_text(key)), &rows, err);
    if (code != ERR_OK)
        return code;
    *out_found = db_row_count(rows) > 0;
    if (!*out_found)
        return ERR_OK;
    *out = (struct repeat_row){
        .account_sid = account_sid,
        .method = method,
        .key = key,
        .request_hash = sid_from(db_get_str(rows, 0, 0)),
    };
    if (!db_get_bytes(rows, 0, 1, call->arena, &out->reply))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the first reply needs more memory than one request may use");
    return ERR_OK;
}

enum err_code shard_store_cursor(struct db_conn *conn, struct call *call, int shard,
                                 int64_t *out_seq, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &shard_cursor_get, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code == ERR_OK)
        *out_seq = db_row_count(rows) == 0 ? 0 : db_get_i64(rows, 0, 0);
    return code;
}

enum err_code shard_store_cursor_set(struct db_conn *conn, struct call *call, int shard,
                                     int64_t seq, struct err *err)
{
    return db_query(conn, call, &shard_cursor_set, DB_PARAMS(db_i64(shard), db_i64(seq)), NULL,
                    err);
}
