#include "event_store.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "event_pack.h"
#include "event_record.h"
#include "event_store_sql.h"

enum {
    SCRATCH_BYTES = 512 << 20, /* of one stretch of batches; freed before the next */
    KEYS_MAX = 8,
    AFTER_BATCHES = 8,
    PACKED_BATCHES = 4, /* of a busy router that is thousands of events */
    PACKED_BATCHES_MAX = 64,
    PACKED_FEW = 64,
};

/* How a list goes on: over every batch while that finds enough, then by the index of keys. */
static const int64_t stretches[] = {16, 64, 512};
enum { FIND_BATCHES = 64 };

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; ask for less at once");
}

/* ---- events of a batch ---- */

/* data and extras of an event of ours; one that is mirrored keeps those that it came with. */
static enum err_code make_texts(struct event_writer *writer, const struct packed_event *event,
                                struct event_row *out, struct err *err)
{
    enum err_code code = event_record_text(writer, event->own, out, err);
    if (code != ERR_OK || !event->is_mirrored || event->row.extras.len == 0)
        return code;
    out->extras = arena_str(writer->arena, event->row.extras);
    return out->extras.ptr == NULL ? no_room(err) : ERR_OK;
}

/* The event of the scratch arena as a row in the caller's, with its texts made. */
static enum err_code take_row(struct event_writer *writer, const struct packed_event *event,
                              struct event_row *out, struct err *err)
{
    struct arena *arena = writer->arena;
    *out = event->row;
    const char **texts[] = {&out->sid,        &out->account_sid,   &out->workspace_sid,
                            &out->type,       &out->resource_type, &out->resource_sid,
                            &out->task_sid,   &out->worker_sid,    &out->reservation_sid,
                            &out->queue_sid,  &out->workflow_sid,  &out->actor_sid,
                            &out->request_id, &out->source};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = arena_strdup(arena, *texts[i]);
    if (event->own != NULL)
        return make_texts(writer, event, out, err);
    out->data = arena_str(arena, out->data);
    out->extras = arena_str(arena, out->extras);
    return arena_is_exhausted(arena) ? no_room(err) : ERR_OK;
}

static bool is_or_any(const char *wanted, const char *text)
{
    return wanted == NULL || wanted[0] == '\0' || strcmp(wanted, text) == 0;
}

/* Events of before the log was packed, and of workers: the member that says which channel it is
 * about. A worker's other channels are in a list. */
static bool names_channel(const struct packed_event *event, const char *sid)
{
    char member[sizeof "\"taskChannelSid\":\"" + SID_LEN];
    bool is_worker = strcmp(event->row.resource_type, "worker") == 0;
    struct str data = event->row.data;
    (void)snprintf(member, sizeof member, "\"taskChannelSid\":\"%s", sid);
    if (is_worker) { /* behind the worker, who comes first */
        ptrdiff_t end = str_find(data, STR("]"));
        data = end < 0 ? data : (struct str){data.ptr + end, data.len - (size_t)end};
    }
    return str_find(data, str_from(member)) >= 0;
}

/* About a task on the channel, the channel itself, or a worker's use of it. */
static bool is_on_channel(const struct event_filter *filter, const struct packed_event *event)
{
    const char *sid = filter->channel_sid;
    if (sid == NULL || sid[0] == '\0')
        return true;
    if (event->own != NULL)
        return strcmp(event->own->task->channel_sid.text, sid) == 0;
    return strcmp(event->row.resource_sid, sid) == 0 || names_channel(event, sid);
}

static bool matches(const struct event_filter *filter, const struct packed_event *event)
{
    const struct event_row *row = &event->row;
    return is_on_channel(filter, event) && is_or_any(filter->type, row->type) &&
           is_or_any(filter->task_sid, row->task_sid) &&
           is_or_any(filter->worker_sid, row->worker_sid) &&
           is_or_any(filter->reservation_sid, row->reservation_sid) &&
           is_or_any(filter->queue_sid, row->queue_sid) &&
           is_or_any(filter->workflow_sid, row->workflow_sid) &&
           (filter->start_us == 0 || row->occurred_at_us >= filter->start_us) &&
           (filter->end_us == 0 || row->occurred_at_us <= filter->end_us);
}

/* ---- lists ---- */

/* A list under way. */
struct listing {
    struct call *call;
    struct call scratch; /* the same call with memory of its own */
    const char *workspace_sid;
    const struct event_filter *filter;
    int64_t shard;
    int64_t low; /* seq of what is listed: low < seq < high */
    int64_t high;
    int64_t keys[KEYS_MAX];
    size_t key_count;
    struct event_writer writer;
    struct event_row *rows;
    size_t count;
    size_t limit;
    bool is_done;
};

static void want(struct listing *list, const char *text)
{
    if (text != NULL && text[0] != '\0')
        list->keys[list->key_count++] = event_key(str_from(text));
}

static enum err_code list_bounds(struct listing *list, struct db_pool *pool, int64_t after_seq,
                                 struct err *err)
{
    const struct event_filter *filter = list->filter;
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(
        pool, &list->scratch, &event_bounds,
        DB_PARAMS(db_cstr(list->workspace_sid), db_time_us_or_null(filter->start_us),
                  db_time_us_or_null(filter->end_us), db_i64(event_key(STR(EVENT_KEY_LATE)))),
        &rows, err);
    if (code != ERR_OK)
        return code;
    list->shard = db_get_i64(rows, 0, 0);
    list->low = db_get_i64(rows, 0, 1);
    list->high = db_get_i64(rows, 0, 2) + 1;
    if (!filter->newest_first && after_seq > list->low)
        list->low = after_seq;
    if (filter->newest_first && after_seq != 0 && after_seq < list->high)
        list->high = after_seq;
    return ERR_OK;
}

static enum err_code list_batch(struct listing *list, struct str payload, int64_t first_seq,
                                struct err *err)
{
    struct packed_event *events = NULL;
    size_t count = 0;
    enum err_code code =
        event_unpack(list->scratch.arena, payload, first_seq, &events, &count, err);
    for (size_t i = 0; i < count && code == ERR_OK && list->count < list->limit; i++) {
        const struct packed_event *event = &events[list->filter->newest_first ? count - 1 - i : i];
        if (event->row.seq > list->low && event->row.seq < list->high &&
            strcmp(event->row.workspace_sid, list->workspace_sid) == 0 &&
            matches(list->filter, event))
            code = take_row(&list->writer, event, &list->rows[list->count++], err);
    }
    list->writer.task = NULL; /* the scratch memory is used again */
    return code;
}

/* One stretch; is_done once there is nothing behind it. */
static enum err_code list_stretch(struct listing *list, struct db_pool *pool,
                                  const struct db_stmt *stmt, int64_t batches, struct err *err)
{
    struct arena *arena = list->scratch.arena;
    struct db_result *rows = NULL;
    arena_reset(arena);
    enum err_code code =
        db_pool_query(pool, &list->scratch, stmt,
                      DB_PARAMS(db_i64(list->shard), db_i64(list->low), db_i64(list->high - 1),
                                db_i64(batches), db_i64s(list->keys, list->key_count)),
                      &rows, err);
    int count = code == ERR_OK ? db_row_count(rows) : 0;
    for (int i = 0; i < count && code == ERR_OK && list->count < list->limit; i++) {
        int64_t first_seq = db_get_i64(rows, i, 1);
        struct str payload = {NULL, 0};
        if (!db_is_null(rows, i, 2)) {
            if (!db_get_bytes(rows, i, 2, arena, &payload))
                return no_room(err);
            code = list_batch(list, payload, first_seq, err);
        }
        if (list->filter->newest_first)
            list->high = first_seq;
        else
            list->low = db_get_i64(rows, i, 0);
    }
    list->is_done = count < batches || list->count == list->limit || list->low + 1 >= list->high;
    return code;
}

enum err_code event_store_list(struct db_pool *pool, struct call *call, const char *workspace_sid,
                               int64_t after_seq, size_t limit, const struct event_filter *filter,
                               struct event_row **out, size_t *out_count, struct err *err)
{
    AUTO(arena_cleanup) struct arena *scratch = arena_new(SCRATCH_BYTES);
    struct listing list = {.call = call,
                           .scratch = *call,
                           .workspace_sid = workspace_sid,
                           .filter = filter,
                           .writer = {.arena = call->arena},
                           .rows = ARENA_ARRAY(call->arena, struct event_row, limit),
                           .limit = limit};
    if (list.rows == NULL)
        return no_room(err);
    list.scratch.arena = scratch;
    want(&list, workspace_sid);
    want(&list, filter->type);
    want(&list, filter->task_sid);
    want(&list, filter->worker_sid);
    want(&list, filter->reservation_sid);
    want(&list, filter->queue_sid);
    want(&list, filter->workflow_sid);
    enum err_code code = list_bounds(&list, pool, after_seq, err);
    list.is_done = limit == 0 || list.low + 1 >= list.high;
    for (size_t i = 0; code == ERR_OK && !list.is_done; i++) {
        bool scans = i < ARRAY_LEN(stretches);
        const struct db_stmt *stmt = filter->newest_first
                                         ? (scans ? &event_scan_newest : &event_find_newest)
                                         : (scans ? &event_scan : &event_find);
        code = list_stretch(&list, pool, stmt, scans ? stretches[i] : FIND_BATCHES, err);
    }
    *out = list.rows;
    *out_count = list.count;
    return code;
}

enum err_code event_store_last(struct db_pool *pool, struct call *call, const char *workspace_sid,
                               int64_t *out_seq, struct err *err)
{
    struct event_filter newest = {.newest_first = true};
    struct event_row *row = NULL;
    size_t count = 0;
    enum err_code code =
        event_store_list(pool, call, workspace_sid, 0, 1, &newest, &row, &count, err);
    if (code == ERR_OK)
        *out_seq = count == 0 ? 0 : row->seq;
    return code;
}

/* ---- one event ---- */

/* The milliseconds in a SID; 0 for what is none. */
static int64_t sid_time_us(const char *sid)
{
    int64_t key = event_key(str_from(sid));
    return strlen(sid) == SID_LEN && key > 0 ? (key >> 16) * US_PER_MS : 0;
}

/* Calls back for the event in scratch memory. */
static enum err_code find_event(struct db_pool *pool, struct call *call, struct arena *scratch,
                                const char *sid, const struct packed_event **out, struct err *err)
{
    struct call aside = *call;
    aside.arena = scratch;
    int64_t at_us = sid_time_us(sid);
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, &aside, &event_by_sid,
                                       DB_PARAMS(db_i64(event_key(str_from(sid))),
                                                 db_time_us(at_us), db_time_us(at_us + US_PER_MS)),
                                       &rows, err);
    *out = NULL;
    for (int i = 0; code == ERR_OK && i < db_row_count(rows); i++) {
        struct packed_event *events = NULL;
        size_t count = 0;
        struct str payload;
        if (!db_get_bytes(rows, i, 1, scratch, &payload))
            return no_room(err);
        code = event_unpack(scratch, payload, db_get_i64(rows, i, 0), &events, &count, err);
        for (size_t j = 0; code == ERR_OK && j < count; j++) {
            if (strcmp(events[j].row.sid, sid) == 0) {
                *out = &events[j];
                return ERR_OK;
            }
        }
    }
    return code;
}

enum err_code event_store_one(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const char *sid, const struct event_filter *filter,
                              struct event_row **out, size_t *out_count, struct err *err)
{
    AUTO(arena_cleanup) struct arena *scratch = arena_new(SCRATCH_BYTES);
    const struct packed_event *event = NULL;
    *out_count = 0;
    *out = ARENA_NEW(call->arena, struct event_row);
    if (*out == NULL)
        return no_room(err);
    enum err_code code = find_event(pool, call, scratch, sid, &event, err);
    if (code != ERR_OK || event == NULL || strcmp(event->row.workspace_sid, workspace_sid) != 0 ||
        !matches(filter, event))
        return code;
    struct event_writer writer = {.arena = call->arena};
    *out_count = 1;
    return take_row(&writer, event, *out, err);
}

enum err_code event_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const char *sid, struct event_row *out, struct err *err)
{
    AUTO(arena_cleanup) struct arena *scratch = arena_new(SCRATCH_BYTES);
    const struct packed_event *event = NULL;
    enum err_code code = find_event(pool, call, scratch, sid, &event, err);
    if (code != ERR_OK)
        return code;
    if (event == NULL || strcmp(event->row.workspace_sid, workspace_sid) != 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "EVENT_NOT_FOUND", "sid",
                         "there is no event %s in workspace %s", sid, workspace_sid);
    struct event_writer writer = {.arena = call->arena};
    return take_row(&writer, event, out, err);
}

enum err_code event_store_exists(struct db_pool *pool, struct call *call, const char *sid,
                                 bool *out_exists, struct err *err)
{
    AUTO(arena_cleanup) struct arena *scratch = arena_new(SCRATCH_BYTES);
    const struct packed_event *event = NULL;
    enum err_code code = find_event(pool, call, scratch, sid, &event, err);
    if (code == ERR_OK)
        *out_exists = event != NULL;
    return code;
}

/* ---- consumers ---- */

enum err_code event_store_read(struct call *call, struct str payload, int64_t first_seq,
                               int64_t after_seq, struct event_row *out, size_t room,
                               size_t *out_count, struct err *err)
{
    struct packed_event *events = NULL;
    size_t count = 0;
    struct event_writer writer = {.arena = call->arena};
    enum err_code code = event_unpack(call->arena, payload, first_seq, &events, &count, err);
    size_t taken = 0;
    for (size_t i = 0; i < count && code == ERR_OK && taken < room; i++) {
        if (events[i].row.seq <= after_seq)
            continue;
        struct event_row *row = &out[taken++];
        *row = events[i].row;
        if (events[i].own != NULL)
            code = make_texts(&writer, &events[i], row, err);
    }
    *out_count = taken;
    return code;
}

enum err_code event_store_after(struct db_conn *conn, struct call *call, int shard, int64_t seq,
                                size_t limit, struct event_row **out, size_t *out_count,
                                struct err *err)
{
    struct event_row *items = ARENA_ARRAY(call->arena, struct event_row, limit);
    if (items == NULL)
        return no_room(err);
    size_t taken = 0;
    int count = AFTER_BATCHES;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && count == AFTER_BATCHES && taken < limit) {
        struct db_result *rows = NULL;
        code = db_query(conn, call, &event_after,
                        DB_PARAMS(db_i64(shard), db_i64(seq), db_i64(AFTER_BATCHES)), &rows, err);
        count = code == ERR_OK ? db_row_count(rows) : 0;
        for (int i = 0; i < count && code == ERR_OK && taken < limit; i++) {
            size_t got = 0;
            struct str payload;
            if (!db_get_bytes(rows, i, 1, call->arena, &payload))
                return no_room(err);
            code = event_store_read(call, payload, db_get_i64(rows, i, 0), seq, items + taken,
                                    limit - taken, &got, err);
            taken += got;
            if (got > 0)
                seq = items[taken - 1].seq;
        }
    }
    *out = items;
    *out_count = taken;
    return code;
}

/* Events collected in the arena. */
struct packed_list {
    struct packed_event *items;
    size_t count;
    size_t capacity;
};

/* Those of a block behind *seq, which follows them. */
static enum err_code take_packed(struct call *call, struct str payload, int64_t first_seq,
                                 int64_t *seq, struct packed_list *list, struct err *err)
{
    struct packed_event *events = NULL;
    size_t count = 0;
    enum err_code code = event_unpack(call->arena, payload, first_seq, &events, &count, err);
    if (code != ERR_OK)
        return code;
    if (list->count + count > list->capacity) {
        size_t capacity = 2 * list->capacity + count;
        struct packed_event *items = ARENA_ARRAY(call->arena, struct packed_event, capacity);
        if (items == NULL)
            return no_room(err);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    for (size_t i = 0; i < count; i++) {
        if (events[i].row.seq <= *seq)
            continue;
        list->items[list->count++] = events[i];
        *seq = events[i].row.seq;
    }
    return ERR_OK;
}

enum err_code event_store_packed_after(struct db_conn *conn, struct call *call, int shard,
                                       int64_t seq, size_t limit, struct packed_event **out,
                                       size_t *out_count, struct err *err)
{
    struct packed_list list = {0};
    int64_t batches = limit < PACKED_FEW ? 1 : PACKED_BATCHES;
    int64_t found = batches;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && found == batches && list.count < limit) {
        struct db_result *rows = NULL;
        if (list.count > 0 && list.count < limit / 2 && batches < PACKED_BATCHES_MAX)
            batches *= 2; /* they are small: fewer round trips */
        code = db_query(conn, call, &event_after,
                        DB_PARAMS(db_i64(shard), db_i64(seq), db_i64(batches)), &rows, err);
        found = code == ERR_OK ? db_row_count(rows) : 0;
        for (int i = 0; i < found && code == ERR_OK; i++) {
            struct str payload;
            if (!db_get_bytes(rows, i, 1, call->arena, &payload))
                return no_room(err);
            code = take_packed(call, payload, db_get_i64(rows, i, 0), &seq, &list, err);
        }
    }
    *out = list.items;
    *out_count = list.count;
    return code;
}

enum err_code event_store_merge_keys(struct db_pool *pool, struct call *call, struct err *err)
{
    struct db_result *rows = NULL;
    return db_pool_query(pool, call, &event_merge_keys, DB_NO_PARAMS, &rows, err);
}
