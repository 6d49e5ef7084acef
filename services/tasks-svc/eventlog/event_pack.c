#include "event_pack.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "event_record.h"
#include "jx/jx.h"

/*
 * A block: version, number of texts, the texts, records. A number is seven bits per byte, the
 * lowest first; signed ones are folded (0, -1, 1, -2, ...). A text is twice its length and its
 * bytes, or 1, two letters and 16 bytes for a SID. A record is its kind, its length and its fields,
 * where a text is its place in the table, from 1, and 0 is "".
 */
enum {
    BLOCK_JSON = '[', /* of before the log was packed: see migration 0002 */
    BLOCK_PACKED = 1,
    BLOCK_MAX_BYTES = 256 << 20,
    RECORD_FIELDS_MAX = 64,
    NUMBER_BYTES = 10,
    SID_PACKED_BYTES = 18,
};

enum record_kind {
    RECORD_NONE,
    RECORD_TASK = 1,    /* a task as of then; events name it by its number, from 1 */
    RECORD_WORKER = 2,  /* likewise */
    RECORD_OWN = 3,     /* an event of ours */
    RECORD_FOREIGN = 4, /* of another service */
};

/* ---- numbers and texts ---- */

struct record {
    unsigned char bytes[RECORD_FIELDS_MAX * NUMBER_BYTES];
    size_t len;
};

static size_t number_put(unsigned char *at, uint64_t value)
{
    size_t len = 0;
    while (value >= 0x80) {
        at[len++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    at[len++] = (unsigned char)value;
    return len;
}

static void put(struct record *record, uint64_t value)
{
    record->len += number_put(record->bytes + record->len, value);
}

static void put_signed(struct record *record, int64_t value)
{
    put(record, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static void put_number(struct buf *buf, uint64_t value)
{
    unsigned char bytes[NUMBER_BYTES];
    buf_append(buf, bytes, number_put(bytes, value));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False for what is no SID in our way of writing. */
static bool sid_pack(struct str text, unsigned char out[SID_PACKED_BYTES])
{
    if (text.len != SID_LEN || text.ptr[0] < 'A' || text.ptr[0] > 'Z' || text.ptr[1] < 'A' ||
        text.ptr[1] > 'Z')
        return false;
    out[0] = (unsigned char)text.ptr[0];
    out[1] = (unsigned char)text.ptr[1];
    for (size_t i = 0; i < 16; i++) {
        int high = hex_digit(text.ptr[2 + 2 * i]);
        int low = hex_digit(text.ptr[3 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        out[2 + i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static void sid_unpack(const unsigned char *in, char out[SID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    out[0] = (char)in[0];
    out[1] = (char)in[1];
    for (size_t i = 0; i < 16; i++) {
        out[2 + 2 * i] = digits[in[2 + i] >> 4];
        out[3 + 2 * i] = digits[in[2 + i] & 0xF];
    }
    out[SID_LEN] = '\0';
}

int64_t event_key(struct str text)
{
    unsigned char sid[SID_PACKED_BYTES];
    uint64_t key = UINT64_C(14695981039346656037);
    if (sid_pack(text, sid)) {
        key = 0;
        for (size_t i = 0; i < 8; i++)
            key = key << 8 | sid[2 + i];
    } else {
        for (size_t i = 0; i < text.len; i++)
            key = (key ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    }
    int64_t folded = 0;
    memcpy(&folded, &key, sizeof folded);
    return folded;
}

/* ---- packing ---- */

void event_packer_init(struct event_packer *packer)
{
    *packer = (struct event_packer){0};
    map_init(&packer->places);
    buf_init(&packer->texts, BLOCK_MAX_BYTES);
    buf_init(&packer->records, BLOCK_MAX_BYTES);
    buf_init(&packer->block, BLOCK_MAX_BYTES);
}

void event_packer_fini(struct event_packer *packer)
{
    map_fini(&packer->places);
    buf_fini(&packer->texts);
    buf_fini(&packer->records);
    buf_fini(&packer->block);
    free(packer->is_keyed);
    free(packer->keys);
    packer->is_keyed = NULL;
    packer->keys = NULL;
}

void event_pack_begin(struct event_packer *packer, int64_t base_us)
{
    map_clear(&packer->places);
    buf_clear(&packer->texts);
    buf_clear(&packer->records);
    packer->text_count = 0;
    packer->key_count = 0;
    packer->task = NULL;
    packer->worker = NULL;
    packer->task_count = 0;
    packer->worker_count = 0;
    packer->base_us = base_us;
    packer->oldest_us = INT64_MAX;
    packer->newest_us = 0;
    packer->count = 0;
}

static uint64_t text_place(struct event_packer *packer, struct str text)
{
    if (text.len == 0)
        return 0;
    uint64_t place = (uint64_t)(uintptr_t)map_get(&packer->places, text);
    if (place != 0)
        return place;
    place = ++packer->text_count;
    (void)map_put(&packer->places, text, (void *)(uintptr_t)place);
    unsigned char sid[1 + SID_PACKED_BYTES] = {1};
    if (sid_pack(text, sid + 1)) {
        buf_append(&packer->texts, sid, sizeof sid);
    } else {
        put_number(&packer->texts, (uint64_t)text.len << 1);
        buf_str_append(&packer->texts, text);
    }
    if (packer->text_count >= packer->keyed_capacity) {
        packer->keyed_capacity = packer->keyed_capacity == 0 ? 256 : packer->keyed_capacity * 2;
        packer->is_keyed = xrealloc(packer->is_keyed, packer->keyed_capacity, 1);
    }
    packer->is_keyed[place] = 0;
    return place;
}

static void add_key(struct event_packer *packer, struct str text)
{
    if (packer->key_count == packer->key_capacity) {
        packer->key_capacity = packer->key_capacity == 0 ? 256 : packer->key_capacity * 2;
        packer->keys = xrealloc(packer->keys, packer->key_capacity, sizeof *packer->keys);
    }
    packer->keys[packer->key_count++] = event_key(text);
}

/* The text's place; it becomes a key of the block. */
static uint64_t keyed(struct event_packer *packer, struct str text)
{
    uint64_t place = text_place(packer, text);
    if (place != 0 && packer->is_keyed[place] == 0) {
        packer->is_keyed[place] = 1;
        add_key(packer, text);
    }
    return place;
}

static uint64_t sid_place(struct event_packer *packer, const struct sid *sid)
{
    return text_place(packer, str_from(sid->text));
}

static uint64_t sid_keyed(struct event_packer *packer, const struct sid *sid)
{
    return keyed(packer, str_from(sid->text));
}

/* Near the batch's time most take few bytes; 0 = never. */
static void put_time(const struct event_packer *packer, struct record *record, int64_t at_us)
{
    if (at_us == 0)
        put(record, 0);
    else {
        int64_t delta = (int64_t)((uint64_t)at_us - (uint64_t)packer->base_us);
        put(record, 1);
        put_signed(record, delta);
    }
}

static void record_end(struct event_packer *packer, enum record_kind kind,
                       const struct record *record)
{
    buf_char(&packer->records, (char)kind);
    put_number(&packer->records, record->len);
    buf_append(&packer->records, record->bytes, record->len);
}

static uint64_t task_number(struct event_packer *packer, const struct task_row *task)
{
    if (packer->task == task)
        return packer->task_count;
    struct record r = {.len = 0};
    put(&r, sid_keyed(packer, &task->sid));
    put(&r, sid_place(packer, &task->account_sid));
    put(&r, sid_keyed(packer, &task->workspace_sid));
    put(&r, (uint64_t)task->state);
    put_signed(&r, task->version);
    put(&r, text_place(packer, task->attributes));
    put_signed(&r, task->priority);
    put(&r, text_place(packer, task->reason));
    put_signed(&r, task->timeout_s);
    put(&r, sid_keyed(packer, &task->queue_sid));
    put(&r, text_place(packer, task->queue_name));
    put(&r, sid_place(packer, &task->channel_sid));
    put(&r, text_place(packer, task->channel_name));
    put(&r, sid_keyed(packer, &task->workflow_sid));
    put(&r, text_place(packer, task->workflow_name));
    put(&r, task->ignore_capacity ? 1 : 0);
    put(&r, sid_place(packer, &task->routing_target));
    put(&r, sid_keyed(packer, &task->worker_sid));
    put(&r, text_place(packer, task->call_id));
    put_time(packer, &r, task->created_at_us);
    put_time(packer, &r, task->updated_at_us);
    put_time(packer, &r, task->virtual_start_us);
    put_time(packer, &r, task->queue_entered_at_us);
    put_signed(&r, task->workflow_version);
    record_end(packer, RECORD_TASK, &r);
    packer->task = task;
    return ++packer->task_count;
}

static uint64_t worker_number(struct event_packer *packer, const struct engine_worker_ref *worker)
{
    if (worker == NULL)
        return 0;
    if (packer->worker == worker)
        return packer->worker_count;
    struct record r = {.len = 0};
    put(&r, sid_keyed(packer, &worker->sid));
    put_signed(&r, worker->version);
    put(&r, text_place(packer, worker->name));
    put(&r, text_place(packer, worker->attributes));
    put(&r, sid_place(packer, &worker->activity_sid));
    put(&r, text_place(packer, worker->activity_name));
    put_signed(&r, worker->channel_capacity);
    put_signed(&r, worker->channel_consumed);
    record_end(packer, RECORD_WORKER, &r);
    packer->worker = worker;
    return ++packer->worker_count;
}

static void put_reservation(struct event_packer *packer, struct record *record,
                            const struct reservation_row *row)
{
    put(record, sid_keyed(packer, &row->sid));
    put(record, sid_keyed(packer, &row->worker_sid));
    put(record, text_place(packer, row->worker_name));
    put(record, (uint64_t)row->state);
    put_signed(record, row->version);
    put_signed(record, row->timeout_s);
    put(record, sid_place(packer, &row->queue_sid));
    put(record, sid_place(packer, &row->workflow_sid));
    put_time(packer, record, row->created_at_us);
    put_time(packer, record, row->updated_at_us);
    put(record, text_place(packer, row->instruction));
    put(record, text_place(packer, row->instruction_data));
}

static void put_offer(struct event_packer *packer, struct record *record,
                      const struct engine_offer *offer)
{
    put_signed(record, offer->qualified);
    put_signed(record, offer->free);
    put_signed(record, offer->waiting);
    put_signed(record, offer->rank);
    put(record, (offer->is_lifo ? 1U : 0U) | (offer->is_channel_clock ? 2U : 0U));
    put_signed(record, offer->last_sequence);
    put(record, text_place(packer, offer->order_values));
    put(record, sid_place(packer, &offer->next_sid));
    put_signed(record, offer->next_sequence);
    put(record, text_place(packer, offer->next_order_values));
}

static void note_time(struct event_packer *packer, int64_t at_us)
{
    if (at_us < packer->oldest_us)
        packer->oldest_us = at_us;
    packer->count++;
}

/* origin NULL: our engine decided it. */
static void pack_event(struct event_packer *packer, const struct engine_event *event,
                       const char *actor_sid, const char *request_id,
                       const struct event_origin *origin)
{
    const char *type = origin == NULL ? engine_event_name(event->type) : origin->type;
    const struct engine_event_more *more = engine_event_more(event);
    uint64_t task = task_number(packer, event->task);
    uint64_t worker = worker_number(packer, event->worker);
    struct record r = {.len = 0};
    put(&r, origin == NULL ? sid_place(packer, &event->sid) : sid_keyed(packer, &event->sid));
    put(&r, keyed(packer, str_from(type)));
    put_time(packer, &r, event->at_us);
    put(&r, task);
    put(&r, worker);
    put(&r, text_place(packer, str_from(actor_sid)));
    put(&r, text_place(packer, str_from(request_id)));
    put(&r, text_place(packer, event->queue_expression));
    put(&r, sid_place(packer, &more->previous_queue_sid));
    put(&r, text_place(packer, more->previous_queue_name));
    put(&r, text_place(packer, more->filter_name));
    put(&r, text_place(packer, more->filter_expression));
    put(&r, text_place(packer, more->target_expression));
    put(&r, sid_place(packer, &more->known_worker_sid));
    put(&r, text_place(packer, event->reason));
    put(&r, text_place(packer, more->instruction));
    put(&r, text_place(packer, more->instruction_data));
    put(&r, sid_place(packer, &more->wanted_activity_sid));
    put(&r, event->reservation != NULL ? 1 : 0);
    if (event->reservation != NULL)
        put_reservation(packer, &r, event->reservation);
    put(&r, event->offer != NULL ? 1 : 0);
    if (event->offer != NULL)
        put_offer(packer, &r, event->offer);
    if (origin != NULL || more->rules.len > 0) {
        put(&r, text_place(packer, origin == NULL ? STR("") : str_from(origin->source)));
        put(&r, text_place(packer, origin == NULL ? STR("") : origin->extras));
        put(&r, text_place(packer, more->rules));
    }
    record_end(packer, RECORD_OWN, &r);
    note_time(packer, event->at_us);
}

void event_pack_own(struct event_packer *packer, const struct engine_event *event,
                    const char *actor_sid, const char *request_id)
{
    pack_event(packer, event, actor_sid, request_id, NULL);
    if (event->at_us > packer->newest_us)
        packer->newest_us = event->at_us;
}

void event_pack_mirrored(struct event_packer *packer, const struct engine_event *event,
                         const char *actor_sid, const char *request_id,
                         const struct event_origin *origin)
{
    pack_event(packer, event, actor_sid, request_id, origin);
}

void event_pack_foreign(struct event_packer *packer, const struct event_row *row)
{
    struct record r = {.len = 0};
    put(&r, keyed(packer, str_from(row->sid)));
    put(&r, text_place(packer, str_from(row->account_sid)));
    put(&r, keyed(packer, str_from(row->workspace_sid)));
    put(&r, keyed(packer, str_from(row->type)));
    put(&r, text_place(packer, str_from(row->resource_type)));
    put(&r, text_place(packer, str_from(row->resource_sid)));
    put_signed(&r, row->resource_version);
    put(&r, keyed(packer, str_from(row->task_sid)));
    put(&r, keyed(packer, str_from(row->worker_sid)));
    put(&r, keyed(packer, str_from(row->reservation_sid)));
    put(&r, keyed(packer, str_from(row->queue_sid)));
    put(&r, keyed(packer, str_from(row->workflow_sid)));
    put_time(packer, &r, row->occurred_at_us);
    put(&r, text_place(packer, str_from(row->actor_sid)));
    put(&r, text_place(packer, str_from(row->request_id)));
    put(&r, text_place(packer, str_from(row->source)));
    put(&r, text_place(packer, row->data));
    put(&r, text_place(packer, row->extras));
    record_end(packer, RECORD_FOREIGN, &r);
    note_time(packer, row->occurred_at_us);
}

enum err_code event_pack_end(struct event_packer *packer, struct packed_events *out,
                             struct err *err)
{
    int64_t at_us = packer->newest_us > packer->base_us ? packer->newest_us : packer->base_us;
    if (packer->count > 0 && packer->oldest_us < at_us - EVENT_LATE_US)
        add_key(packer, STR(EVENT_KEY_LATE));
    /* The table stands first in a block, but is whole only now. */
    struct buf *block = &packer->block;
    buf_clear(block);
    buf_char(block, BLOCK_PACKED);
    put_number(block, packer->text_count);
    put_number(block, (uint64_t)packer->base_us);
    buf_str_append(block, buf_str(&packer->texts));
    buf_str_append(block, buf_str(&packer->records));
    if (buf_failed(block) || buf_failed(&packer->texts) || buf_failed(&packer->records))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE",
                       "the events of a batch need too much memory; try again");
    *out = (struct packed_events){
        .payload = buf_str(block),
        .keys = packer->keys,
        .key_count = packer->key_count,
        .count = packer->count,
        .at_us = at_us,
        .oldest_us = packer->count == 0 ? at_us : packer->oldest_us,
    };
    return ERR_OK;
}

/* ---- unpacking ---- */

/* Reads past the end give zeroes, which is what a field means that was not written yet. */
struct reader {
    const unsigned char *at;
    const unsigned char *end;
    bool is_damaged;
};

struct block {
    struct arena *arena;
    struct str *texts; /* by place; [0] is "" */
    uint64_t text_count;
    int64_t base_us;
    const struct task_row **tasks; /* by number; [0] is NULL */
    size_t task_count;
    const struct engine_worker_ref **workers;
    size_t worker_count;
    struct packed_event *events;
    size_t event_count;
    size_t capacity; /* of tasks, workers and events: every record takes three bytes at least */
};

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; ask for less at once");
}

static enum err_code damaged(struct err *err)
{
    return ERR_SET(err, ERR_INTERNAL, "LOG_DAMAGED", "a block of the event log is not readable");
}

static uint64_t get(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; reader->at < reader->end && shift < 64; shift += 7) {
        unsigned char byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
        reader->is_damaged = reader->is_damaged || reader->at == reader->end;
    }
    return value;
}

static int64_t get_signed(struct reader *reader)
{
    uint64_t folded = get(reader);
    uint64_t value = (folded >> 1) ^ (UINT64_C(0) - (folded & 1));
    int64_t out = 0;
    memcpy(&out, &value, sizeof out);
    return out;
}

static struct str get_text(const struct block *block, struct reader *reader)
{
    uint64_t place = get(reader);
    if (place > block->text_count) {
        reader->is_damaged = true;
        place = 0;
    }
    return block->texts[place];
}

static struct sid get_sid(const struct block *block, struct reader *reader)
{
    return sid_from(get_text(block, reader));
}

static int64_t get_time(const struct block *block, struct reader *reader)
{
    if (get(reader) == 0)
        return 0;
    return (int64_t)((uint64_t)block->base_us + (uint64_t)get_signed(reader));
}

/* The table; false when it is damaged or does not fit (then the arena is exhausted). */
static bool read_texts(struct block *block, struct reader *reader)
{
    block->text_count = get(reader);
    block->base_us = (int64_t)get(reader);
    if (block->text_count > (uint64_t)(reader->end - reader->at))
        return false;
    block->texts = ARENA_ARRAY(block->arena, struct str, block->text_count + 1);
    if (block->texts == NULL)
        return false;
    block->texts[0] = STR("");
    for (uint64_t i = 1; i <= block->text_count; i++) {
        uint64_t head = get(reader);
        size_t left = (size_t)(reader->end - reader->at);
        bool is_sid = (head & 1) != 0;
        size_t len = is_sid ? SID_PACKED_BYTES : (size_t)(head >> 1);
        if (len > left)
            return false;
        char *text = is_sid
                         ? arena_alloc(block->arena, SID_SIZE)
                         : arena_str_dup(block->arena, (struct str){(const char *)reader->at, len});
        if (text == NULL)
            return false;
        if (is_sid)
            sid_unpack(reader->at, text);
        block->texts[i] = (struct str){text, is_sid ? SID_LEN : len};
        reader->at += len;
    }
    return true;
}

static void read_task(struct block *block, struct reader *r)
{
    struct task_row *task = ARENA_NEW(block->arena, struct task_row);
    if (task == NULL)
        return;
    task->sid = get_sid(block, r);
    task->account_sid = get_sid(block, r);
    task->workspace_sid = get_sid(block, r);
    uint64_t state = get(r);
    task->state = state < TASK_STATE_COUNT ? (enum task_state)state : TASK_NONE;
    task->version = get_signed(r);
    task->attributes = get_text(block, r);
    task->priority = get_signed(r);
    task->reason = get_text(block, r);
    task->timeout_s = get_signed(r);
    task->queue_sid = get_sid(block, r);
    task->queue_name = get_text(block, r);
    task->channel_sid = get_sid(block, r);
    task->channel_name = get_text(block, r);
    task->workflow_sid = get_sid(block, r);
    task->workflow_name = get_text(block, r);
    task->ignore_capacity = get(r) != 0;
    task->routing_target = get_sid(block, r);
    task->worker_sid = get_sid(block, r);
    task->call_id = get_text(block, r);
    task->created_at_us = get_time(block, r);
    task->updated_at_us = get_time(block, r);
    task->virtual_start_us = get_time(block, r);
    task->queue_entered_at_us = get_time(block, r);
    task->workflow_version = get_signed(r);
    block->tasks[++block->task_count] = task;
}

static void read_worker(struct block *block, struct reader *r)
{
    struct engine_worker_ref *worker = ARENA_NEW(block->arena, struct engine_worker_ref);
    if (worker == NULL)
        return;
    worker->sid = get_sid(block, r);
    worker->version = get_signed(r);
    worker->name = get_text(block, r);
    worker->attributes = get_text(block, r);
    worker->activity_sid = get_sid(block, r);
    worker->activity_name = get_text(block, r);
    worker->channel_capacity = (int32_t)get_signed(r);
    worker->channel_consumed = (int32_t)get_signed(r);
    block->workers[++block->worker_count] = worker;
}

static enum engine_event_type type_from(struct str name)
{
    for (int type = ENGINE_EVENT_NONE + 1; type < ENGINE_EVENT_COUNT; type++) {
        if (str_eq_text(name, engine_event_name((enum engine_event_type)type)))
            return (enum engine_event_type)type;
    }
    return ENGINE_EVENT_NONE;
}

static struct reservation_row *read_reservation(const struct block *block, struct reader *r,
                                                const struct task_row *task)
{
    struct reservation_row *row = ARENA_NEW(block->arena, struct reservation_row);
    if (row == NULL)
        return NULL;
    row->account_sid = task->account_sid;
    row->workspace_sid = task->workspace_sid;
    row->task_sid = task->sid;
    row->channel_sid = task->channel_sid;
    row->sid = get_sid(block, r);
    row->worker_sid = get_sid(block, r);
    row->worker_name = get_text(block, r);
    uint64_t state = get(r);
    row->state = state < RESERVATION_STATE_COUNT ? (enum reservation_state)state : RESERVATION_NONE;
    row->version = get_signed(r);
    row->timeout_s = get_signed(r);
    row->queue_sid = get_sid(block, r);
    row->workflow_sid = get_sid(block, r);
    row->created_at_us = get_time(block, r);
    row->updated_at_us = get_time(block, r);
    row->instruction = get_text(block, r);
    row->instruction_data = get_text(block, r);
    return row;
}

static struct engine_offer *read_offer(const struct block *block, struct reader *r)
{
    struct engine_offer *offer = ARENA_NEW(block->arena, struct engine_offer);
    if (offer == NULL)
        return NULL;
    offer->qualified = get_signed(r);
    offer->free = get_signed(r);
    offer->waiting = get_signed(r);
    offer->rank = (int32_t)get_signed(r);
    uint64_t flags = get(r);
    offer->is_lifo = (flags & 1) != 0;
    offer->is_channel_clock = (flags & 2) != 0;
    offer->last_sequence = get_signed(r);
    offer->order_values = get_text(block, r);
    offer->next_sid = get_sid(block, r);
    offer->next_sequence = get_signed(r);
    offer->next_order_values = get_text(block, r);
    return offer;
}

static void read_own(struct block *block, struct reader *r)
{
    struct engine_event *event = ARENA_NEW(block->arena, struct engine_event);
    struct engine_event_more *more = ARENA_NEW(block->arena, struct engine_event_more);
    if (event == NULL || more == NULL)
        return;
    event->more = more;
    event->sid = get_sid(block, r);
    struct str type = get_text(block, r);
    event->type = type_from(type);
    event->at_us = get_time(block, r);
    uint64_t task = get(r);
    uint64_t worker = get(r);
    struct str actor_sid = get_text(block, r);
    struct str request_id = get_text(block, r);
    if (task == 0 || task > block->task_count || worker > block->worker_count) {
        r->is_damaged = true;
        return;
    }
    event->task = block->tasks[task];
    event->worker = worker == 0 ? NULL : block->workers[worker];
    event->queue_expression = get_text(block, r);
    more->previous_queue_sid = get_sid(block, r);
    more->previous_queue_name = get_text(block, r);
    more->filter_name = get_text(block, r);
    more->filter_expression = get_text(block, r);
    more->target_expression = get_text(block, r);
    more->known_worker_sid = get_sid(block, r);
    event->reason = get_text(block, r);
    more->instruction = get_text(block, r);
    more->instruction_data = get_text(block, r);
    more->wanted_activity_sid = get_sid(block, r);
    if (get(r) != 0) {
        event->reservation = read_reservation(block, r, event->task);
        if (event->reservation == NULL)
            return;
    }
    if (get(r) != 0)
        event->offer = read_offer(block, r);
    struct packed_event *out = &block->events[block->event_count++];
    event_record_head(event, &out->row);
    out->row.type = type.ptr; /* also one that we do not know any more */
    out->row.actor_sid = actor_sid.ptr;
    out->row.request_id = request_id.ptr;
    out->own = event;
    struct str source = get_text(block, r);
    struct str extras = get_text(block, r);
    more->rules = get_text(block, r);
    if (source.len == 0)
        return;
    out->is_mirrored = true;
    out->row.source = source.ptr;
    out->row.extras = extras;
}

static void read_foreign(struct block *block, struct reader *r)
{
    struct packed_event *out = &block->events[block->event_count++];
    struct event_row *row = &out->row;
    row->sid = get_text(block, r).ptr;
    row->account_sid = get_text(block, r).ptr;
    row->workspace_sid = get_text(block, r).ptr;
    row->type = get_text(block, r).ptr;
    row->resource_type = get_text(block, r).ptr;
    row->resource_sid = get_text(block, r).ptr;
    row->resource_version = get_signed(r);
    row->task_sid = get_text(block, r).ptr;
    row->worker_sid = get_text(block, r).ptr;
    row->reservation_sid = get_text(block, r).ptr;
    row->queue_sid = get_text(block, r).ptr;
    row->workflow_sid = get_text(block, r).ptr;
    row->occurred_at_us = get_time(block, r);
    row->actor_sid = get_text(block, r).ptr;
    row->request_id = get_text(block, r).ptr;
    row->source = get_text(block, r).ptr;
    row->data = get_text(block, r);
    row->extras = get_text(block, r);
    if (row->extras.len == 0)
        row->extras = STR("{}");
}

static void read_record(struct block *block, uint64_t kind, struct reader *record)
{
    switch (kind) {
    case RECORD_TASK:
        read_task(block, record);
        break;
    case RECORD_WORKER:
        read_worker(block, record);
        break;
    case RECORD_OWN:
        read_own(block, record);
        break;
    case RECORD_FOREIGN:
        read_foreign(block, record);
        break;
    default: /* a newer writer's */
        break;
    }
}

static enum err_code unpack_block(struct block *block, struct reader *reader, struct err *err)
{
    if (!read_texts(block, reader))
        return arena_is_exhausted(block->arena) ? no_room(err) : damaged(err);
    block->capacity = (size_t)(reader->end - reader->at) / 3 + 1;
    block->tasks = ARENA_ARRAY(block->arena, const struct task_row *, block->capacity + 1);
    block->workers =
        ARENA_ARRAY(block->arena, const struct engine_worker_ref *, block->capacity + 1);
    size_t events = 0;
    for (struct reader count = *reader; count.at < count.end;) { /* records of events */
        uint64_t kind = get(&count);
        uint64_t len = get(&count);
        if (len > (uint64_t)(count.end - count.at))
            return damaged(err);
        events += kind == RECORD_OWN || kind == RECORD_FOREIGN ? 1 : 0;
        count.at += len;
    }
    block->events = ARENA_ARRAY(block->arena, struct packed_event, events);
    if (arena_is_exhausted(block->arena))
        return no_room(err);
    while (reader->at < reader->end) {
        uint64_t kind = get(reader);
        uint64_t len = get(reader);
        struct reader record = {.at = reader->at, .end = reader->at + len};
        read_record(block, kind, &record);
        if (arena_is_exhausted(block->arena))
            return no_room(err);
        if (record.is_damaged)
            return damaged(err);
        reader->at += len;
    }
    return block->event_count == events ? ERR_OK : damaged(err);
}

/* ---- blocks of before ---- */

static const char *json_text(struct arena *arena, const json_t *row, size_t i)
{
    const char *text = json_string_value(json_array_get(row, i));
    return arena_strdup(arena, text == NULL ? "" : text);
}

static void read_json_row(struct arena *arena, const json_t *row, struct event_row *out)
{
    *out = (struct event_row){
        .sid = json_text(arena, row, 0),
        .account_sid = json_text(arena, row, 1),
        .workspace_sid = json_text(arena, row, 2),
        .type = json_text(arena, row, 3),
        .resource_type = json_text(arena, row, 4),
        .resource_sid = json_text(arena, row, 5),
        .resource_version = json_integer_value(json_array_get(row, 6)),
        .task_sid = json_text(arena, row, 7),
        .worker_sid = json_text(arena, row, 8),
        .reservation_sid = json_text(arena, row, 9),
        .queue_sid = json_text(arena, row, 10),
        .workflow_sid = json_text(arena, row, 11),
        .occurred_at_us = json_integer_value(json_array_get(row, 12)),
        .actor_sid = json_text(arena, row, 13),
        .request_id = json_text(arena, row, 14),
        .source = json_text(arena, row, 15),
        .data = str_from(json_text(arena, row, 16)),
        .extras = str_from(json_text(arena, row, 17)),
    };
}

static enum err_code unpack_json(struct block *block, struct str payload, struct err *err)
{
    AUTO(jx_cleanup) json_t *rows = NULL;
    struct jx_limits limits = {.max_bytes = BLOCK_MAX_BYTES};
    if (jx_parse(payload, &limits, &rows, NULL) != ERR_OK || !json_is_array(rows))
        return damaged(err);
    block->event_count = json_array_size(rows);
    block->events = ARENA_ARRAY(block->arena, struct packed_event, block->event_count);
    for (size_t i = 0; block->events != NULL && i < block->event_count; i++)
        read_json_row(block->arena, json_array_get(rows, i), &block->events[i].row);
    return arena_is_exhausted(block->arena) ? no_room(err) : ERR_OK;
}

enum err_code event_unpack(struct arena *arena, struct str payload, int64_t first_seq,
                           struct packed_event **out, size_t *out_count, struct err *err)
{
    struct block block = {.arena = arena};
    struct reader reader = {.at = (const unsigned char *)payload.ptr,
                            .end = (const unsigned char *)payload.ptr + payload.len};
    enum err_code code = ERR_OK;
    if (payload.len > 0 && payload.ptr[0] == BLOCK_JSON) {
        code = unpack_json(&block, payload, err);
    } else if (payload.len > 0) {
        if (get(&reader) != BLOCK_PACKED)
            return damaged(err);
        code = unpack_block(&block, &reader, err);
    }
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < block.event_count; i++)
        block.events[i].row.seq = first_seq + (int64_t)i;
    *out = block.events;
    *out_count = block.event_count;
    return ERR_OK;
}
