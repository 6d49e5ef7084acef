#include "stat_store.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "stat_store_sql.h"

enum {
    WAIT_COLUMNS = 3 * WAIT_KIND_COUNT,
    PRUNE_ROWS = 5000, /* as in the statements */
};

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; ask for less at once");
}

static struct str sid_text(const struct sid *sid)
{
    return str_from(sid->text);
}

/* ---- cursor ---- */

enum err_code stat_store_lock_cursor(struct db_conn *conn, struct call *call, int shard,
                                     int64_t *out_seq, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &stat_cursor_make, DB_PARAMS(db_i64(shard)), NULL, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &stat_cursor_lock, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code == ERR_OK)
        *out_seq = db_get_i64(rows, 0, 0);
    return code;
}

enum err_code stat_store_set_cursor(struct db_conn *conn, struct call *call, int shard, int64_t seq,
                                    struct err *err)
{
    return db_query(conn, call, &stat_cursor_set, DB_PARAMS(db_i64(shard), db_i64(seq)), NULL, err);
}

/* ---- buckets ---- */

/* Figures from column first on. */
static bool figures_from(const struct db_result *rows, int i, int first, struct arena *arena,
                         struct figures *out)
{
    *out = (struct figures){0};
    for (int f = 0; f < FIGURE_COUNT; f++)
        out->counts[f] = db_get_i64(rows, i, first++);
    for (int w = 0; w < WAIT_KIND_COUNT; w++) {
        out->waits[w].sum_ms = db_get_i64(rows, i, first++);
        out->waits[w].min_ms = db_get_i64(rows, i, first++);
        out->waits[w].max_ms = db_get_i64(rows, i, first++);
    }
    return wait_counts_decode(db_get_str(rows, i, first), arena, &out->accepted) &&
           wait_counts_decode(db_get_str(rows, i, first + 1), arena, &out->canceled);
}

static enum err_code bad_bucket(struct err *err)
{
    return ERR_SET(err, ERR_INTERNAL, "BAD_ROW", "waits of a bucket cannot be read");
}

/* The columns of buckets, for unnest. */
struct bucket_columns {
    struct str *sids;
    struct str *workspaces;
    struct str *channels;
    int64_t *levels;
    int64_t *ats;
    int64_t *numbers[FIGURE_COUNT + WAIT_COLUMNS];
    struct str *accepted;
    struct str *canceled;
};

static bool columns_make(struct arena *arena, const struct stat_bucket *buckets, size_t count,
                         struct bucket_columns *out)
{
    out->sids = ARENA_ARRAY(arena, struct str, count);
    out->workspaces = ARENA_ARRAY(arena, struct str, count);
    out->channels = ARENA_ARRAY(arena, struct str, count);
    out->levels = ARENA_ARRAY(arena, int64_t, count);
    out->ats = ARENA_ARRAY(arena, int64_t, count);
    if (arena_is_exhausted(arena))
        return false;
    for (size_t i = 0; i < count; i++) {
        out->sids[i] = sid_text(&buckets[i].sid);
        out->workspaces[i] = sid_text(&buckets[i].workspace_sid);
        out->channels[i] = sid_text(&buckets[i].channel_sid);
        out->levels[i] = buckets[i].level;
        out->ats[i] = buckets[i].at_us;
    }
    return true;
}

static bool columns_fill(struct arena *arena, const struct stat_bucket *buckets, size_t count,
                         struct bucket_columns *out)
{
    bool is_done = true;
    for (size_t n = 0; n < ARRAY_LEN(out->numbers); n++)
        out->numbers[n] = ARENA_ARRAY(arena, int64_t, count);
    out->accepted = ARENA_ARRAY(arena, struct str, count);
    out->canceled = ARENA_ARRAY(arena, struct str, count);
    if (arena_is_exhausted(arena))
        return false;
    for (size_t i = 0; i < count && is_done; i++) {
        const struct figures *figures = &buckets[i].figures;
        for (size_t f = 0; f < FIGURE_COUNT; f++)
            out->numbers[f][i] = figures->counts[f];
        for (size_t w = 0; w < WAIT_KIND_COUNT; w++) {
            out->numbers[FIGURE_COUNT + 3 * w][i] = figures->waits[w].sum_ms;
            out->numbers[FIGURE_COUNT + 3 * w + 1][i] = figures->waits[w].min_ms;
            out->numbers[FIGURE_COUNT + 3 * w + 2][i] = figures->waits[w].max_ms;
        }
        is_done = wait_counts_encode(&figures->accepted, arena, &out->accepted[i]) &&
                  wait_counts_encode(&figures->canceled, arena, &out->canceled[i]);
    }
    return is_done;
}

static enum err_code add_stored(struct db_conn *conn, struct call *call,
                                struct stat_bucket *buckets, size_t count,
                                const struct bucket_columns *columns, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &stat_buckets_of,
                 DB_PARAMS(db_texts(columns->sids, count), db_i64s(columns->levels, count),
                           db_times_us(columns->ats, count), db_texts(columns->channels, count)),
                 &rows, err);
    for (int i = 0; code == ERR_OK && i < db_row_count(rows); i++) {
        struct figures stored;
        size_t place = (size_t)db_get_i64(rows, i, 0) - 1;
        INVARIANT(place < count);
        if (!figures_from(rows, i, 1, call->arena, &stored))
            return bad_bucket(err);
        figures_add(&buckets[place].figures, call->arena, &stored, true);
    }
    return code;
}

enum err_code stat_store_add(struct db_conn *conn, struct call *call, struct stat_bucket *buckets,
                             size_t count, struct err *err)
{
    struct bucket_columns columns;
    struct db_param params[5 + ARRAY_LEN(columns.numbers) + 2];
    if (count == 0)
        return ERR_OK;
    if (!columns_make(call->arena, buckets, count, &columns))
        return no_room(err);
    enum err_code code = add_stored(conn, call, buckets, count, &columns, err);
    if (code != ERR_OK)
        return code;
    if (!columns_fill(call->arena, buckets, count, &columns))
        return no_room(err);
    size_t at = 0;
    params[at++] = db_texts(columns.sids, count);
    params[at++] = db_i64s(columns.levels, count);
    params[at++] = db_times_us(columns.ats, count);
    params[at++] = db_texts(columns.channels, count);
    params[at++] = db_texts(columns.workspaces, count);
    for (size_t n = 0; n < ARRAY_LEN(columns.numbers); n++)
        params[at++] = db_i64s(columns.numbers[n], count);
    params[at++] = db_texts(columns.accepted, count);
    params[at++] = db_texts(columns.canceled, count);
    return db_query(conn, call, &stat_buckets_put, params, at, NULL, err);
}

/* ---- spans ---- */

enum err_code stat_store_last_spans(struct db_conn *conn, struct call *call, const struct sid *sids,
                                    size_t count, struct stat_span **out, size_t *out_count,
                                    struct err *err)
{
    struct db_result *rows = NULL;
    struct str *texts = ARENA_ARRAY(call->arena, struct str, count);
    *out_count = 0;
    if (count == 0)
        return ERR_OK;
    if (texts == NULL)
        return no_room(err);
    for (size_t i = 0; i < count; i++)
        texts[i] = sid_text(&sids[i]);
    enum err_code code =
        db_query(conn, call, &stat_spans_last, DB_PARAMS(db_texts(texts, count)), &rows, err);
    if (code != ERR_OK)
        return code;
    size_t found = (size_t)db_row_count(rows);
    struct stat_span *spans = ARENA_ARRAY(call->arena, struct stat_span, found);
    if (spans == NULL)
        return no_room(err);
    for (size_t i = 0; i < found; i++) {
        spans[i] = (struct stat_span){
            .worker_sid = sid_from(db_get_str(rows, (int)i, 0)),
            .from_us = db_get_time_us(rows, (int)i, 1),
            .to_us = db_get_time_us(rows, (int)i, 2),
            .workspace_sid = sid_from(db_get_str(rows, (int)i, 3)),
            .activity_sid = sid_from(db_get_str(rows, (int)i, 4)),
            .worker_version = db_get_i64(rows, (int)i, 5),
        };
    }
    *out = spans;
    *out_count = found;
    return ERR_OK;
}

/* An end at midnight belongs to the day before. */
static bool is_within_day(const struct stat_span *span)
{
    int64_t day_us = stat_level_us(STAT_DAY);
    return span->to_us != 0 &&
           stat_floor(span->from_us, day_us) == stat_floor(span->to_us - 1, day_us);
}

static enum err_code add_stays(struct db_conn *conn, struct call *call,
                               const struct stat_span *spans, const bool *has_ended, size_t count,
                               struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, 2 * count);
    struct str *activities = ARENA_ARRAY(call->arena, struct str, 2 * count);
    int64_t *days = ARENA_ARRAY(call->arena, int64_t, 2 * count);
    int64_t *lengths = ARENA_ARRAY(call->arena, int64_t, 2 * count);
    size_t made = 0;
    if (sids == NULL || activities == NULL || days == NULL || lengths == NULL)
        return no_room(err);
    for (size_t i = 0; i < count; i++) {
        if (!has_ended[i] || !is_within_day(&spans[i]))
            continue;
        for (int of = 0; of < 2; of++) {
            sids[made] = sid_text(of == 0 ? &spans[i].worker_sid : &spans[i].workspace_sid);
            activities[made] = sid_text(&spans[i].activity_sid);
            days[made] = stat_floor(spans[i].from_us, stat_level_us(STAT_DAY));
            lengths[made++] = (spans[i].to_us - spans[i].from_us) / US_PER_MS;
        }
    }
    if (made == 0)
        return ERR_OK;
    return db_query(conn, call, &stat_stays_add,
                    DB_PARAMS(db_texts(sids, made), db_times_us(days, made),
                              db_texts(activities, made), db_i64s(lengths, made)),
                    NULL, err);
}

enum err_code stat_store_put_spans(struct db_conn *conn, struct call *call,
                                   const struct stat_span *spans, const bool *has_ended,
                                   size_t count, struct err *err)
{
    struct str *workers = ARENA_ARRAY(call->arena, struct str, count);
    struct str *workspaces = ARENA_ARRAY(call->arena, struct str, count);
    struct str *activities = ARENA_ARRAY(call->arena, struct str, count);
    int64_t *froms = ARENA_ARRAY(call->arena, int64_t, count);
    int64_t *tos = ARENA_ARRAY(call->arena, int64_t, count);
    int64_t *versions = ARENA_ARRAY(call->arena, int64_t, count);
    bool *longs = ARENA_ARRAY(call->arena, bool, count);
    if (count == 0)
        return ERR_OK;
    if (arena_is_exhausted(call->arena))
        return no_room(err);
    for (size_t i = 0; i < count; i++) {
        workers[i] = sid_text(&spans[i].worker_sid);
        workspaces[i] = sid_text(&spans[i].workspace_sid);
        activities[i] = sid_text(&spans[i].activity_sid);
        froms[i] = spans[i].from_us;
        tos[i] = spans[i].to_us;
        versions[i] = spans[i].worker_version;
        longs[i] = !is_within_day(&spans[i]);
    }
    enum err_code code = db_query(conn, call, &stat_spans_put,
                                  DB_PARAMS(db_texts(workers, count), db_times_us(froms, count),
                                            db_times_us(tos, count), db_texts(workspaces, count),
                                            db_texts(activities, count), db_i64s(versions, count),
                                            db_bools(longs, count)),
                                  NULL, err);
    return code == ERR_OK ? add_stays(conn, call, spans, has_ended, count, err) : code;
}

/* ---- reads ---- */

enum err_code stat_store_read(struct db_pool *pool, struct call *call,
                              const struct stat_query *query, stat_row_fn fn, void *ctx,
                              struct err *err)
{
    struct db_result *rows = NULL;
    int64_t levels[STAT_PIECES_MAX];
    int64_t froms[STAT_PIECES_MAX];
    int64_t tos[STAT_PIECES_MAX];
    if (query->sid_count == 0 || query->piece_count == 0)
        return ERR_OK;
    for (size_t i = 0; i < query->piece_count; i++) {
        levels[i] = query->pieces[i].level;
        froms[i] = query->pieces[i].from_us;
        tos[i] = query->pieces[i].to_us;
    }
    enum err_code code = db_pool_query(
        pool, call, &stat_buckets_read,
        DB_PARAMS(db_texts(query->sids, query->sid_count), db_i64s(levels, query->piece_count),
                  db_times_us(froms, query->piece_count), db_times_us(tos, query->piece_count),
                  db_cstr(query->channel_sid), db_bool(query->with_lengths)),
        &rows, err);
    for (int i = 0; code == ERR_OK && i < db_row_count(rows); i++) {
        struct figures figures;
        if (!figures_from(rows, i, 2, call->arena, &figures))
            return bad_bucket(err);
        fn(ctx, db_get_text(rows, i, 0), db_get_time_us(rows, i, 1), &figures);
    }
    return code == ERR_OK && arena_is_exhausted(call->arena) ? no_room(err) : code;
}

enum err_code stat_store_durations(struct db_pool *pool, struct call *call,
                                   const char *workspace_sid, const struct str *sids, size_t count,
                                   int64_t start_us, int64_t end_us, struct stat_duration **out,
                                   size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    int64_t first_us = stat_ceil(start_us, stat_level_us(STAT_DAY));
    int64_t last_us = stat_floor(end_us, stat_level_us(STAT_DAY));
    if (first_us >= last_us) {
        first_us = end_us;
        last_us = end_us;
    }
    enum err_code code = db_pool_query(
        pool, call, sids == NULL ? &stat_durations_of_workspace : &stat_durations_of_workers,
        DB_PARAMS(sids == NULL ? db_cstr(workspace_sid) : db_texts(sids, count),
                  db_time_us(start_us), db_time_us(end_us), db_time_us(first_us),
                  db_time_us(last_us)),
        &rows, err);
    if (code != ERR_OK)
        return code;
    *out_count = (size_t)db_row_count(rows);
    *out = ARENA_ARRAY(call->arena, struct stat_duration, *out_count);
    if (*out == NULL)
        return no_room(err);
    for (int i = 0; i < db_row_count(rows); i++)
        (*out)[i] = (struct stat_duration){
            .activity_sid = db_get_text(rows, i, 0),
            .spans = db_get_i64(rows, i, 1),
            .total_ms = db_get_i64(rows, i, 2),
            .min_ms = db_get_i64(rows, i, 3),
            .max_ms = db_get_i64(rows, i, 4),
        };
    return ERR_OK;
}

static enum err_code names_from(struct call *call, const struct db_result *rows,
                                struct stat_name **out, size_t *out_count, struct err *err)
{
    *out_count = (size_t)db_row_count(rows);
    *out = ARENA_ARRAY(call->arena, struct stat_name, *out_count);
    if (*out == NULL)
        return no_room(err);
    for (int i = 0; i < db_row_count(rows); i++)
        (*out)[i] = (struct stat_name){db_get_text(rows, i, 0), db_get_text(rows, i, 1)};
    return ERR_OK;
}

enum err_code stat_store_activities(struct db_pool *pool, struct call *call,
                                    const char *workspace_sid, struct stat_name **out,
                                    size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &stat_activities, DB_PARAMS(db_cstr(workspace_sid)), &rows, err);
    return code == ERR_OK ? names_from(call, rows, out, out_count, err) : code;
}

enum err_code stat_store_queues(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                const char *after, size_t limit, const char *name,
                                struct stat_name **out, size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &stat_queues,
                      DB_PARAMS(db_cstr(workspace_sid), db_cstr(after), db_i64((int64_t)limit),
                                db_text_or_null(str_from(name))),
                      &rows, err);
    return code == ERR_OK ? names_from(call, rows, out, out_count, err) : code;
}

enum err_code stat_store_exists(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                const char *kind, const char *sid, bool *out_exists,
                                struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &stat_resource,
                                       DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &rows, err);
    if (code == ERR_OK)
        *out_exists = db_row_count(rows) > 0 && strcmp(db_get_text(rows, 0, 0), kind) == 0;
    return code;
}

static enum err_code sids_from(struct call *call, const struct db_result *rows, struct str **out,
                               size_t *out_count, struct err *err)
{
    *out_count = (size_t)db_row_count(rows);
    *out = ARENA_ARRAY(call->arena, struct str, *out_count);
    if (*out == NULL)
        return no_room(err);
    for (int i = 0; i < db_row_count(rows); i++)
        (*out)[i] = db_get_str(rows, i, 0);
    return ERR_OK;
}

enum err_code stat_store_queues_among(struct db_pool *pool, struct call *call,
                                      const char *workspace_sid, const struct str *sids,
                                      size_t count, struct str **out, size_t *out_count,
                                      struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &stat_queues_among,
                      DB_PARAMS(db_cstr(workspace_sid), db_texts(sids, count)), &rows, err);
    return code == ERR_OK ? sids_from(call, rows, out, out_count, err) : code;
}

enum err_code stat_store_named(struct db_pool *pool, struct call *call, const char *workspace_sid,
                               const char *kind, const char *name, struct str **out,
                               size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &stat_resource_named,
                      DB_PARAMS(db_cstr(workspace_sid), db_cstr(kind), db_cstr(name)), &rows, err);
    return code == ERR_OK ? sids_from(call, rows, out, out_count, err) : code;
}

/* ---- retention ---- */

enum err_code stat_store_prune(struct db_pool *pool, struct call *call, int64_t minutes_us,
                               int64_t all_us, bool *out_more, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = ERR_OK;
    *out_more = false;
    for (int64_t level = STAT_MINUTE; level <= STAT_DAY && code == ERR_OK; level++) {
        code = db_pool_query(
            pool, call, &stat_buckets_prune,
            DB_PARAMS(db_i64(level), db_time_us(level == STAT_MINUTE ? minutes_us : all_us)),
            &result, err);
        *out_more = *out_more || (code == ERR_OK && db_affected(result) == PRUNE_ROWS);
    }
    if (code == ERR_OK)
        code = db_pool_query(pool, call, &stat_spans_prune,
                             DB_PARAMS(db_time_us(minutes_us), db_time_us(all_us)), &result, err);
    *out_more = *out_more || (code == ERR_OK && db_affected(result) == PRUNE_ROWS);
    if (code == ERR_OK)
        code = db_pool_query(pool, call, &stat_stays_prune, DB_PARAMS(db_time_us(all_us)), &result,
                             err);
    *out_more = *out_more || (code == ERR_OK && db_affected(result) == PRUNE_ROWS);
    return code;
}
