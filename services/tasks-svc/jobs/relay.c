#include "relay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/macros.h"
#include "bus/bus.h"
#include "db/db.h"
#include "event_pack.h"
#include "event_record.h"
#include "event_store.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "outbox/outbox.h"
#include "shard_store.h"
#include "shell.h"
#include "task_wire.h"

enum {
    RELAY_LOCK_RANK = 520, /* taken by the shard's thread after a commit, with nothing held */
    ROUND_ROWS = 1024,
    LOG_ROWS = 256,        /* of these when they are read from the log */
    FEED_BYTES = 64 << 20, /* committed and not yet published, in memory; more is read again */
    MARK_MS = 200,         /* how often the cursor is stored while there is more to publish */
    ROUND_ARENA_BYTES = 256 << 20,
    ROUND_TEXT_BYTES = 256 << 20,
    KEPT_TEXT_BYTES = 8 << 20, /* more is freed after the round */
    ROUND_BUDGET_MS = 15000,
    POLL_MS = 1000,
    FIRST_BACKOFF_MS = 100,
    MAX_BACKOFF_MS = 3000,
};

enum round_end {
    ROUND_EMPTY,
    ROUND_MORE,
    ROUND_FAILED,
};

/* The events of a commit, handed over by the shard. */
struct feed_block {
    struct feed_block *next;
    int64_t first_seq;
    int64_t last_seq;
    size_t len;
    char payload[];
};

struct relay_shard {
    struct relay *relay;
    int index;
    pthread_t thread;
    struct db_conn *conn;
    struct bus_publisher *publisher;
    struct arena *arena;
    struct buf text;               /* subjects and payloads of a round, kept for the next */
    bool knows_cursor;             /* false: read it again (after standing by, or an error) */
    int64_t cursor;                /* published up to here */
    int64_t marked;                /* as stored */
    int64_t mark_mono_us;          /* when it was */
    struct feed_block *taken;      /* of the feed, oldest first: the thread's own */
    struct feed_block *feed_first; /* relay->lock */
    struct feed_block *feed_last;  /* relay->lock */
    size_t feed_bytes;             /* relay->lock: of taken ones too */
    int64_t fed_seq;      /* relay->lock: of the newest event that was fed, kept or not; 0 = none */
    int64_t look_mono_us; /* when the log is asked even if the feed says that nothing is new */
    int backoff_ms;
    int round_rows; /* fewer after a round that did not fit into memory */
    bool is_woken;  /* relay->lock */
    bool is_empty;  /* relay->lock: the last round found nothing */
};

struct relay {
    struct shell *shell;
    int shard_count;
    struct relay_shard *shards;
    struct lock lock;
    struct cond changed;
    bool is_closing;
};

static const struct metric_def metric_defs[] = {
    {.name = "taskrouter_events_published_total",
     .kind = METRIC_COUNTER,
     .unit = "",
     .help = "Events of the log that JetStream has stored"                        },
    {.name = "taskrouter_events_publish_failures_total",
     .kind = METRIC_COUNTER,
     .unit = "",
     .help = "Rounds of the relay that failed and were tried again"               },
    {.name = "taskrouter_events_lag",
     .kind = METRIC_GAUGE,
     .unit = "",
     .help = "Events read in the last round of the relay; a full round means more"},
};

/* ---- one round ---- */

/* Where a message stands in the round's text; views come when that moves no more. */
struct place {
    size_t row;
    size_t subject_at;
    size_t payload_at;
    size_t end;
};

/* Appends subject and payload to the text; on failure nothing of use. */
static bool put_message(struct event_writer *writer, const struct packed_event *packed,
                        struct buf *text, struct place *out)
{
    const struct event_row *row = &packed->row;
    struct outbox_event event = {
        .event_sid = sid_from(str_from(row->sid)),
        .source = row->source,
        .type = row->type,
        .workspace_sid = row->workspace_sid,
        .account_sid = row->account_sid,
        .subject_sid = row->resource_sid,
        .version = row->resource_version,
        .sequence = row->seq,
        .at_us = row->occurred_at_us,
        .request_id = row->request_id,
        .actor_sid = row->actor_sid,
    };
    out->subject_at = text->len;
    bool is_made = outbox_event_subject(&event, text);
    out->payload_at = text->len;
    is_made = is_made && outbox_event_open(&event, NULL, text);
    if (is_made && packed->own != NULL)
        is_made = event_data_put(writer, packed->own, text);
    else if (is_made)
        buf_str_append(text, row->data.len == 0 ? STR("{}") : row->data);
    buf_char(text, '}');
    out->end = text->len;
    return is_made && !buf_failed(text) && out->end - out->payload_at <= BUS_MAX_PAYLOAD_BYTES;
}

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE", "the round is too large");
}

/* Whether the event moves its worker to another activity, which workers-svc has to know. */
static bool is_move(const struct packed_event *packed)
{
    if (packed->own == NULL) /* of before the log was packed */
        return str_find(packed->row.data, STR("\"workerActivitySid\"")) >= 0;
    return packed->own->reservation != NULL &&
           sid_is_set(&engine_event_more(packed->own)->wanted_activity_sid);
}

/*
 * Moves go to workers-svc on a subject of their own too: three reservation events come for every
 * task and few move anybody, so that reading all of them cost the bus and workers-svc far more
 * than the moves. They go first: an event that is published has told its move.
 */
static enum err_code publish_moves(struct relay_shard *shard, struct call *call,
                                   const struct packed_event *rows, const struct place *places,
                                   const struct bus_message *messages, size_t count,
                                   struct err *err)
{
    size_t moves = 0;
    for (size_t i = 0; i < count; i++)
        moves += is_move(&rows[places[i].row]);
    if (moves == 0)
        return ERR_OK;
    struct bus_message *copies = ARENA_ARRAY(call->arena, struct bus_message, moves);
    for (size_t i = 0, at = 0; i < count && copies != NULL; i++) {
        const struct packed_event *packed = &rows[places[i].row];
        if (!is_move(packed))
            continue;
        copies[at] = messages[i];
        copies[at++].subject = str_from(
            arena_printf(call->arena, BUS_TO_SUBJECT ".workers-svc.%s", packed->row.workspace_sid));
    }
    if (arena_is_exhausted(call->arena))
        return no_room(err);
    size_t stored = 0;
    return bus_publish_batch(shard->publisher, call, copies, moves, &stored, err);
}

/* The messages of the rows that are ours, in order. */
static size_t put_messages(struct arena *arena, const struct packed_event *rows, size_t count,
                           struct buf *text, struct place *out)
{
    struct event_writer writer = {.arena = arena};
    size_t made = 0;
    for (size_t i = 0; i < count && !buf_failed(text); i++) {
        if (!rows[i].is_mirrored && strcmp(rows[i].row.source, TASKS_SOURCE) != 0)
            continue;
        size_t before = text->len;
        out[made].row = i;
        if (put_message(&writer, &rows[i], text, &out[made])) {
            made++;
            continue;
        }
        if (arena_is_exhausted(arena) || buf_failed(text))
            break;
        text->len = before;
        LOG_ERROR(NULL, "an event cannot be published, it stays in the log only",
                  LOG_STR("event_sid", rows[i].row.sid), LOG_STR("type", rows[i].row.type));
    }
    return made;
}

static void view_messages(const struct packed_event *rows, const struct buf *text,
                          const struct place *places, size_t count, struct bus_message *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct place *at = &places[i];
        out[i] = (struct bus_message){
            .msg_id = str_from(rows[at->row].row.sid),
            .subject = {text->data + at->subject_at, at->payload_at - at->subject_at},
            .payload = {text->data + at->payload_at, at->end - at->payload_at       },
        };
    }
}

static enum err_code publish(struct relay_shard *shard, struct call *call,
                             const struct packed_event *rows, size_t count, int64_t *out_done_seq,
                             struct err *err)
{
    struct bus_message *messages = ARENA_ARRAY(call->arena, struct bus_message, count);
    struct place *places = ARENA_ARRAY(call->arena, struct place, count);
    if (messages == NULL || places == NULL)
        return no_room(err);
    buf_clear(&shard->text);
    size_t made = put_messages(call->arena, rows, count, &shard->text, places);
    /* Some are missing: none may be passed over. */
    if (arena_is_exhausted(call->arena) || buf_failed(&shard->text))
        return no_room(err);
    view_messages(rows, &shard->text, places, made, messages);
    size_t stored = 0;
    enum err_code code = publish_moves(shard, call, rows, places, messages, made, err);
    if (code == ERR_OK && made > 0)
        code = bus_publish_batch(shard->publisher, call, messages, made, &stored, err);
    if (stored == made && code == ERR_OK)
        *out_done_seq = rows[count - 1].row.seq;
    else if (stored > 0)
        *out_done_seq = rows[places[stored - 1].row].row.seq;
    metric_add(metric_single(&metric_defs[0]), (int64_t)stored);
    if (shard->text.capacity > KEPT_TEXT_BYTES)
        buf_fini(&shard->text);
    return code;
}

static enum err_code read_cursor(struct relay_shard *shard, struct call *call, struct err *err)
{
    if (shard->knows_cursor)
        return ERR_OK;
    enum err_code code = shard_store_cursor(shard->conn, call, shard->index, &shard->cursor, err);
    shard->knows_cursor = code == ERR_OK;
    shard->marked = shard->cursor;
    return code;
}

/* Stored seldom: after a crash the last part is published again, and dropped by its ids. */
static enum err_code mark(struct relay_shard *shard, struct call *call, bool is_due,
                          struct err *err)
{
    if (shard->cursor == shard->marked ||
        (!is_due && clock_mono_us() < shard->mark_mono_us + MARK_MS * US_PER_MS))
        return ERR_OK;
    int64_t cursor = shard->cursor;
    enum err_code code = shard_store_cursor_set(shard->conn, call, shard->index, cursor, err);
    if (code == ERR_OK)
        shard->marked = cursor;
    shard->mark_mono_us = clock_mono_us();
    return code;
}

/* ---- what the shard hands over ---- */

static void drop_first(struct relay_shard *shard)
{
    struct feed_block *block = shard->taken;
    shard->taken = block->next;
    lock_take(&shard->relay->lock);
    shard->feed_bytes -= block->len;
    lock_drop(&shard->relay->lock);
    free(block);
}

static void drop_feed(struct relay_shard *shard)
{
    lock_take(&shard->relay->lock);
    struct feed_block *block = shard->feed_first;
    shard->feed_first = NULL;
    shard->feed_last = NULL;
    shard->fed_seq = 0;
    lock_drop(&shard->relay->lock);
    struct feed_block **end = &shard->taken;
    while (*end != NULL)
        end = &(*end)->next;
    *end = block;
    while (shard->taken != NULL)
        drop_first(shard);
}

/* Moves what came to the thread's own list, and forgets what is published already. */
static void take_feed(struct relay_shard *shard)
{
    if (shard->taken == NULL) {
        lock_take(&shard->relay->lock);
        shard->taken = shard->feed_first;
        shard->feed_first = NULL;
        shard->feed_last = NULL;
        lock_drop(&shard->relay->lock);
    }
    while (shard->taken != NULL && shard->taken->last_seq <= shard->cursor)
        drop_first(shard);
}

/* True when all that was committed has passed through the feed and is published. */
static bool is_up_to_date(struct relay_shard *shard)
{
    int64_t now = clock_mono_us();
    lock_take(&shard->relay->lock);
    bool is_fed = shard->fed_seq != 0 && shard->fed_seq <= shard->cursor;
    lock_drop(&shard->relay->lock);
    if (is_fed && now < shard->look_mono_us)
        return true;
    shard->look_mono_us = now + POLL_MS * US_PER_MS; /* now and then the log itself is asked */
    return false;
}

/* From memory: the blocks that follow the cursor without a hole. */
static enum err_code fed_rows(const struct relay_shard *shard, struct call *call, size_t room,
                              struct packed_event **out, size_t *out_count, struct err *err)
{
    size_t known = 0; /* the arena clears what it gives: no more than is needed */
    for (const struct feed_block *block = shard->taken; block != NULL && known < room;
         block = block->next)
        known += (size_t)(block->last_seq - block->first_seq + 1);
    room = known < room ? known : room;
    struct packed_event *rows = ARENA_ARRAY(call->arena, struct packed_event, room);
    if (rows == NULL)
        return no_room(err);
    size_t count = 0;
    int64_t after = shard->cursor;
    for (const struct feed_block *block = shard->taken;
         block != NULL && block->first_seq <= after + 1 && count < room; block = block->next) {
        struct packed_event *events = NULL;
        size_t got = 0;
        enum err_code code = event_unpack(call->arena, (struct str){block->payload, block->len},
                                          block->first_seq, &events, &got, err);
        if (code != ERR_OK)
            return code;
        for (size_t i = 0; i < got && count < room; i++) {
            if (events[i].row.seq <= after)
                continue;
            rows[count++] = events[i];
            after = events[i].row.seq;
        }
    }
    *out = rows;
    *out_count = count;
    return ERR_OK;
}

/* Events behind the cursor: from memory when they are there, else from the log. */
static enum err_code next_rows(struct relay_shard *shard, struct call *call,
                               struct packed_event **out, size_t *out_count, struct err *err)
{
    size_t room = (size_t)shard->round_rows;
    take_feed(shard);
    if (shard->taken != NULL && shard->taken->first_seq <= shard->cursor + 1)
        return fed_rows(shard, call, room, out, out_count, err);
    if (shard->taken == NULL && is_up_to_date(shard))
        return ERR_OK;
    return event_store_packed_after(shard->conn, call, shard->index, shard->cursor,
                                    room < LOG_ROWS ? room : LOG_ROWS, out, out_count, err);
}

static enum err_code run_round(struct relay_shard *shard, enum round_end *out_end, struct err *err)
{
    struct call call;
    arena_reset(shard->arena);
    call_init(&call, shard->arena, "relay", ROUND_BUDGET_MS * US_PER_MS);
    enum err_code code = read_cursor(shard, &call, err);
    struct packed_event *rows = NULL;
    size_t count = 0;
    if (code == ERR_OK)
        code = next_rows(shard, &call, &rows, &count, err);
    if (code != ERR_OK)
        return code;
    metric_set(metric_single(&metric_defs[2]), (int64_t)count);
    *out_end = count == 0 ? ROUND_EMPTY : ROUND_MORE;
    if (count == 0)
        return mark(shard, &call, true, err);
    int64_t done_seq = 0;
    code = publish(shard, &call, rows, count, &done_seq, err);
    if (done_seq != 0)
        shard->cursor = done_seq;
    /* A time of its own: what was published should not be published again for want of time. */
    call.deadline_mono_us = clock_mono_us() + ROUND_BUDGET_MS * US_PER_MS;
    enum err_code marked = mark(shard, &call, code != ERR_OK, code == ERR_OK ? err : NULL);
    return code == ERR_OK ? marked : code;
}

/* ---- the thread ---- */

static void note_end(struct relay_shard *shard, enum round_end end, const struct err *err)
{
    if (end == ROUND_FAILED) {
        metric_inc(metric_single(&metric_defs[1]));
        if (shard->backoff_ms == 0)
            LOG_WARN(NULL, "events cannot be published, trying again",
                     LOG_I64("shard", shard->index), LOG_ERR(err));
        shard->knows_cursor = false;
        shard->backoff_ms = shard->backoff_ms == 0 ? FIRST_BACKOFF_MS : shard->backoff_ms * 2;
        if (shard->backoff_ms > MAX_BACKOFF_MS)
            shard->backoff_ms = MAX_BACKOFF_MS;
        return;
    }
    if (shard->backoff_ms != 0)
        LOG_INFO(NULL, "events are published again", LOG_I64("shard", shard->index));
    shard->backoff_ms = 0;
}

/* False when closing. */
static bool wait_for_work(struct relay_shard *shard, enum round_end end)
{
    struct relay *relay = shard->relay;
    int64_t wait_ms = end == ROUND_FAILED ? shard->backoff_ms : end == ROUND_MORE ? 0 : POLL_MS;
    int64_t until = clock_mono_us() + wait_ms * US_PER_MS;
    bool is_in_time = wait_ms > 0;
    lock_take(&relay->lock);
    if (end == ROUND_EMPTY && !shard->is_woken)
        shard->is_empty = true;
    cond_broadcast(&relay->changed);
    while (is_in_time && !relay->is_closing && (end == ROUND_FAILED || !shard->is_woken))
        is_in_time = cond_wait_until(&relay->changed, &relay->lock, until);
    shard->is_woken = false;
    bool goes_on = !relay->is_closing;
    lock_drop(&relay->lock);
    return goes_on;
}

static void *relay_main(void *ctx)
{
    struct relay_shard *shard = ctx;
    enum round_end end = ROUND_MORE;
    while (wait_for_work(shard, end)) {
        struct err err;
        err_clear(&err);
        end = ROUND_EMPTY;
        if (!shell_is_owner(shard->relay->shell, shard->index)) {
            shard->knows_cursor = false;
            drop_feed(shard);
            continue;
        }
        enum err_code code = run_round(shard, &end, &err);
        if (code != ERR_OK)
            end = ROUND_FAILED;
        /* Large events, such as workflow documents, must not stop it for ever. */
        if (code == ERR_OK)
            shard->round_rows = ROUND_ROWS;
        else if (code == ERR_RESOURCE_EXHAUSTED && shard->round_rows > 1)
            shard->round_rows /= 2;
        note_end(shard, end, &err);
    }
    return NULL;
}

/* ---- public ---- */

struct relay *relay_open(const struct relay_options *options)
{
    struct relay *relay = xcalloc(1, sizeof *relay);
    relay->shell = options->shell;
    relay->shard_count = options->shards;
    lock_init(&relay->lock, "relay", RELAY_LOCK_RANK);
    cond_init(&relay->changed);
    relay->shards = xcalloc((size_t)options->shards, sizeof *relay->shards);
    for (int i = 0; i < options->shards; i++) {
        struct relay_shard *shard = &relay->shards[i];
        shard->relay = relay;
        shard->index = i;
        shard->conn = db_conn_open(&(struct db_options){
            .url = options->database_url, .name = options->service, .schema = options->schema});
        shard->publisher = bus_publisher_new(options->bus);
        shard->arena = arena_new(ROUND_ARENA_BYTES);
        shard->round_rows = ROUND_ROWS;
        buf_init(&shard->text, ROUND_TEXT_BYTES);
        int failed = pthread_create(&shard->thread, NULL, relay_main, shard);
        INVARIANT(failed == 0);
    }
    return relay;
}

void relay_wake(struct relay *relay, int shard)
{
    lock_take(&relay->lock);
    relay->shards[shard].is_woken = true;
    relay->shards[shard].is_empty = false;
    cond_broadcast(&relay->changed);
    lock_drop(&relay->lock);
}

void relay_feed(struct relay *relay, int shard_index, int64_t first_seq, struct str payload,
                size_t count)
{
    struct relay_shard *shard = &relay->shards[shard_index];
    struct feed_block *block = xcalloc(1, sizeof *block + payload.len);
    *block = (struct feed_block){
        .first_seq = first_seq, .last_seq = first_seq + (int64_t)count - 1, .len = payload.len};
    memcpy(block->payload, payload.ptr, payload.len);
    lock_take(&relay->lock);
    shard->fed_seq = block->last_seq;
    bool has_room = shard->feed_bytes + block->len <= FEED_BYTES;
    if (has_room) {
        if (shard->feed_last == NULL)
            shard->feed_first = block;
        else
            shard->feed_last->next = block;
        shard->feed_last = block;
        shard->feed_bytes += block->len;
    }
    lock_drop(&relay->lock);
    if (!has_room) /* a hole in the feed: what is behind it is read from the log */
        free(block);
}

void relay_drain(struct relay *relay, int drain_ms)
{
    int64_t until = clock_mono_us() + drain_ms * US_PER_MS;
    lock_take(&relay->lock);
    for (int i = 0; i < relay->shard_count; i++) {
        bool is_in_time = true;
        while (!relay->shards[i].is_empty && is_in_time)
            is_in_time = cond_wait_until(&relay->changed, &relay->lock, until);
    }
    lock_drop(&relay->lock);
}

void relay_close(struct relay *relay)
{
    if (relay == NULL)
        return;
    lock_take(&relay->lock);
    relay->is_closing = true;
    cond_broadcast(&relay->changed);
    lock_drop(&relay->lock);
    for (int i = 0; i < relay->shard_count; i++) {
        struct relay_shard *shard = &relay->shards[i];
        (void)pthread_join(shard->thread, NULL);
        drop_feed(shard);
        bus_publisher_free(shard->publisher);
        db_conn_close(shard->conn);
        arena_free(shard->arena);
        buf_fini(&shard->text);
    }
    cond_fini(&relay->changed);
    lock_fini(&relay->lock);
    free(relay->shards);
    free(relay);
}
