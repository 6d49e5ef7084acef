/*
 * Layout: a byte of version; then entries: a byte of kind, the time as a difference, the fields.
 * Numbers are zigzag varints, least bits first; texts are a length and bytes; a SID is one byte of
 * form and what the form says: nothing, two letters and 16 bytes, or a text. The fields of each
 * command are a table, so that writing and reading cannot differ.
 */
#include "engine/journal.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"

enum { JOURNAL_VERSION = 4, MAX_CHANNELS = 10000, HEX_DIGITS = 32, PREFIX_LEN = 2 };

enum field_type {
    FIELD_NONE,
    FIELD_SID,
    FIELD_STR,
    FIELD_I64,
    FIELD_I32,
    FIELD_BOOL,
    FIELD_CHANNELS, /* of struct engine_worker */
};

struct field {
    enum field_type type;
    size_t offset;  /* in struct engine_command */
    uint64_t since; /* the version it came with; 0: always there */
};

#define F(type, member) F_SINCE(0, type, member)
#define F_SINCE(version, type, member)                                                             \
    {                                                                                              \
        FIELD_##type, offsetof(struct engine_command, member), (version)                           \
    }

/* Each ends with a zero field. */

static const struct field workspace_fields[] = {
    F(SID, workspace.sid),
    F(SID, workspace.account_sid),
    F(I64, workspace.version),
    F(STR, workspace.name),
    F(SID, workspace.default_activity_sid),
    F(SID, workspace.timeout_activity_sid),
    F(BOOL, workspace.is_single_tasking),
    F(BOOL, workspace.is_lifo_first),
    F_SINCE(2, BOOL, workspace.is_mirrored),
    {0},
};

static const struct field activity_fields[] = {
    F(SID, activity.sid),  F(SID, activity.workspace_sid), F(I64, activity.version),
    F(STR, activity.name), F(BOOL, activity.is_available), {0},
};

static const struct field channel_fields[] = {
    F(SID, channel.sid),         F(SID, channel.workspace_sid), F(I64, channel.version),
    F(STR, channel.unique_name), F(BOOL, channel.is_optimized), {0},
};

static const struct field queue_fields[] = {
    F(SID, queue.sid),
    F(SID, queue.workspace_sid),
    F(I64, queue.version),
    F(STR, queue.name),
    F(STR, queue.target_workers),
    F(I32, queue.max_reserved_workers),
    F(BOOL, queue.is_lifo),
    F(SID, queue.reservation_activity_sid),
    F(SID, queue.assignment_activity_sid),
    {0},
};

static const struct field workflow_fields[] = {
    F(SID, workflow.sid),
    F(SID, workflow.workspace_sid),
    F(I64, workflow.version),
    F(STR, workflow.name),
    F(STR, workflow.configuration),
    F(I64, workflow.configuration_version),
    F(I64, workflow.task_reservation_timeout_s),
    F(BOOL, workflow.re_evaluate_tasks),
    {0},
};

static const struct field worker_fields[] = {
    F(SID, worker.sid),
    F(SID, worker.workspace_sid),
    F(I64, worker.version),
    F(STR, worker.name),
    F(STR, worker.attributes),
    F(SID, worker.activity_sid),
    F(BOOL, worker.reject_pending),
    F(CHANNELS, worker),
    F_SINCE(4, I64, worker.status_changed_us),
    {0},
};

static const struct field ref_fields[] = {
    F(SID, ref.sid),
    F(SID, ref.workspace_sid),
    {0},
};

static const struct field create_fields[] = {
    F(SID, create.workspace_sid),        F(STR, create.attributes),
    F(SID, create.workflow_sid),         F(SID, create.queue_sid),
    F(SID, create.routing_target),       F(STR, create.channel),
    F(BOOL, create.has_ignore_capacity), F(BOOL, create.ignore_capacity),
    F(BOOL, create.has_priority),        F(I64, create.priority),
    F(BOOL, create.has_timeout),         F(I64, create.timeout_s),
    F(I64, create.virtual_start_us),     F(STR, create.call_id),
    F_SINCE(3, STR, create.rules),       {0},
};

static const struct field update_fields[] = {
    F(SID, update.sid),
    F(SID, update.workspace_sid),
    F(I64, update.expected_version),
    F(BOOL, update.has_attributes),
    F(STR, update.attributes),
    F(BOOL, update.has_priority),
    F(I64, update.priority),
    F(BOOL, update.has_channel),
    F(STR, update.channel),
    F(BOOL, update.has_virtual_start),
    F(I64, update.virtual_start_us),
    {0},
};

static const struct field cancel_fields[] = {
    F(SID, update.sid),
    F(SID, update.workspace_sid),
    F(I64, update.expected_version),
    F(BOOL, update.has_attributes),
    F(STR, update.attributes),
    F(BOOL, update.has_priority),
    F(I64, update.priority),
    F(BOOL, update.has_channel),
    F(STR, update.channel),
    F(BOOL, update.has_virtual_start),
    F(I64, update.virtual_start_us),
    F(STR, update.reason),
    {0},
};

static const struct field action_fields[] = {
    F(SID, action.sid),
    F(SID, action.workspace_sid),
    F(I64, action.expected_version),
    F(STR, action.reason),
    F(SID, action.activity_sid),
    F(STR, action.instruction),
    F(STR, action.instruction_data),
    F(I64, action.timeout_s),
    {0},
};

static const struct field *const command_fields[ENGINE_COMMAND_COUNT] = {
    [ENGINE_PUT_WORKSPACE] = workspace_fields,     [ENGINE_PUT_ACTIVITY] = activity_fields,
    [ENGINE_PUT_CHANNEL] = channel_fields,         [ENGINE_PUT_QUEUE] = queue_fields,
    [ENGINE_PUT_WORKFLOW] = workflow_fields,       [ENGINE_PUT_WORKER] = worker_fields,
    [ENGINE_DELETE_WORKSPACE] = ref_fields,        [ENGINE_DELETE_ACTIVITY] = ref_fields,
    [ENGINE_DELETE_CHANNEL] = ref_fields,          [ENGINE_DELETE_QUEUE] = ref_fields,
    [ENGINE_DELETE_WORKFLOW] = ref_fields,         [ENGINE_DELETE_WORKER] = ref_fields,
    [ENGINE_CREATE_TASK] = create_fields,          [ENGINE_UPDATE_TASK] = update_fields,
    [ENGINE_CANCEL_TASK] = action_fields,          [ENGINE_WRAP_UP_TASK] = action_fields,
    [ENGINE_COMPLETE_TASK] = action_fields,        [ENGINE_DELETE_TASK] = action_fields,
    [ENGINE_ACCEPT_RESERVATION] = action_fields,   [ENGINE_REJECT_RESERVATION] = action_fields,
    [ENGINE_CANCEL_RESERVATION] = action_fields,   [ENGINE_WRAP_UP_RESERVATION] = action_fields,
    [ENGINE_COMPLETE_RESERVATION] = action_fields, [ENGINE_INSTRUCT_RESERVATION] = action_fields,
    [ENGINE_CANCEL_TASK_WITH] = cancel_fields,
};

/* --- writing ------------------------------------------------------------------------------- */

static void put_u64(struct buf *out, uint64_t value)
{
    char bytes[10];
    size_t count = 0;
    while (value >= 0x80) {
        bytes[count++] = (char)(value | 0x80);
        value >>= 7;
    }
    bytes[count++] = (char)value;
    buf_append(out, bytes, count);
}

static void put_i64(struct buf *out, int64_t value)
{
    put_u64(out, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static void put_str(struct buf *out, struct str text)
{
    put_u64(out, text.len);
    buf_str_append(out, text);
}

enum sid_form { SID_FORM_UNSET, SID_FORM_PACKED, SID_FORM_TEXT };

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool sid_pack(const struct sid *sid, char bytes[HEX_DIGITS / 2])
{
    if (strlen(sid->text) != PREFIX_LEN + HEX_DIGITS)
        return false;
    for (size_t i = 0; i < HEX_DIGITS / 2; i++) {
        int high = hex_value(sid->text[PREFIX_LEN + 2 * i]);
        int low = hex_value(sid->text[PREFIX_LEN + 2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high << 4 | low);
    }
    return true;
}

static void put_sid(struct buf *out, const struct sid *sid)
{
    char bytes[HEX_DIGITS / 2];
    if (!sid_is_set(sid)) {
        put_u64(out, SID_FORM_UNSET);
    } else if (sid_pack(sid, bytes)) {
        put_u64(out, SID_FORM_PACKED);
        buf_append(out, sid->text, PREFIX_LEN);
        buf_append(out, bytes, sizeof bytes);
    } else {
        put_u64(out, SID_FORM_TEXT);
        put_str(out, (struct str){sid->text, strlen(sid->text)});
    }
}

static void put_channels(struct buf *out, const struct engine_worker *worker)
{
    put_u64(out, worker->channel_count);
    for (size_t i = 0; i < worker->channel_count; i++) {
        put_sid(out, &worker->channels[i].channel_sid);
        put_i64(out, worker->channels[i].capacity);
        put_u64(out, worker->channels[i].is_available ? 1 : 0);
    }
}

static void put_field(struct buf *out, const struct engine_command *command,
                      const struct field *field)
{
    const void *at = (const char *)command + field->offset;
    switch (field->type) {
    case FIELD_NONE:
        break;
    case FIELD_SID:
        put_sid(out, at);
        break;
    case FIELD_STR:
        put_str(out, *(const struct str *)at);
        break;
    case FIELD_I64:
        put_i64(out, *(const int64_t *)at);
        break;
    case FIELD_I32:
        put_i64(out, *(const int32_t *)at);
        break;
    case FIELD_BOOL:
        put_u64(out, *(const bool *)at ? 1 : 0);
        break;
    case FIELD_CHANNELS:
        put_channels(out, at);
        break;
    }
}

void journal_init(struct journal *journal, size_t max_bytes)
{
    *journal = (struct journal){0};
    buf_init(&journal->bytes, max_bytes);
}

void journal_fini(struct journal *journal)
{
    buf_fini(&journal->bytes);
}

void journal_clear(struct journal *journal)
{
    buf_clear(&journal->bytes);
    journal->now_us = 0;
}

bool journal_is_empty(const struct journal *journal)
{
    return journal->bytes.len == 0;
}

void journal_put(struct journal *journal, const struct journal_entry *entry)
{
    struct buf *out = &journal->bytes;
    if (out->len == 0)
        put_u64(out, JOURNAL_VERSION);
    put_u64(out, (uint64_t)entry->kind);
    put_i64(out, (int64_t)((uint64_t)entry->now_us - (uint64_t)journal->now_us));
    journal->now_us = entry->now_us;
    if (entry->kind == JOURNAL_LOAD) {
        put_u64(out, entry->seed);
        put_i64(out, entry->event_sequence);
        put_i64(out, entry->row_sequence);
    } else if (entry->kind == JOURNAL_APPLY) {
        const struct engine_command *command = &entry->command;
        INVARIANT(command->kind > ENGINE_COMMAND_NONE && command->kind < ENGINE_COMMAND_COUNT);
        put_u64(out, (uint64_t)command->kind);
        for (const struct field *field = command_fields[command->kind]; field->type != FIELD_NONE;
             field++)
            put_field(out, command, field);
    }
}

/* --- reading ------------------------------------------------------------------------------- */

static enum err_code bad(struct err *err, const char *what)
{
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "JOURNAL_INVALID",
                   "the journal is damaged or from another version: %s", what);
}

/* Every reader below takes from rest, and says false when that is not possible. */

static bool get_u64(struct str *rest, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (rest->len == 0)
            return false;
        uint64_t byte = (unsigned char)rest->ptr[0];
        *rest = (struct str){rest->ptr + 1, rest->len - 1};
        if (shift == 63 && byte > 1)
            return false;
        value |= (byte & 0x7F) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool get_i64(struct str *rest, int64_t *out)
{
    uint64_t value = 0;
    if (!get_u64(rest, &value))
        return false;
    *out = (int64_t)((value >> 1) ^ ((value & 1) != 0 ? UINT64_MAX : 0));
    return true;
}

static bool get_i32(struct str *rest, int32_t *out)
{
    int64_t value = 0;
    if (!get_i64(rest, &value) || value < INT32_MIN || value > INT32_MAX)
        return false;
    *out = (int32_t)value;
    return true;
}

static bool get_bool(struct str *rest, bool *out)
{
    uint64_t value = 0;
    if (!get_u64(rest, &value) || value > 1)
        return false;
    *out = value == 1;
    return true;
}

static bool get_bytes(struct str *rest, size_t len, struct str *out)
{
    if (len > rest->len)
        return false;
    *out = (struct str){rest->ptr, len};
    *rest = (struct str){rest->ptr + len, rest->len - len};
    return true;
}

static bool get_str(struct str *rest, struct str *out)
{
    uint64_t len = 0;
    return get_u64(rest, &len) && len <= rest->len && get_bytes(rest, (size_t)len, out);
}

static bool get_sid(struct str *rest, struct sid *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t form = 0;
    struct str text;
    *out = (struct sid){{0}};
    if (!get_u64(rest, &form))
        return false;
    if (form == SID_FORM_UNSET)
        return true;
    if (form == SID_FORM_TEXT) {
        if (!get_str(rest, &text) || text.len == 0 || text.len > SID_LEN ||
            memchr(text.ptr, '\0', text.len) != NULL)
            return false;
        memcpy(out->text, text.ptr, text.len);
        return true;
    }
    if (form != SID_FORM_PACKED || !get_bytes(rest, PREFIX_LEN + HEX_DIGITS / 2, &text) ||
        memchr(text.ptr, '\0', PREFIX_LEN) != NULL)
        return false;
    memcpy(out->text, text.ptr, PREFIX_LEN);
    for (size_t i = 0; i < HEX_DIGITS; i++) {
        unsigned byte = (unsigned char)text.ptr[PREFIX_LEN + i / 2];
        out->text[PREFIX_LEN + i] = digits[i % 2 == 0 ? byte >> 4 : byte & 0xF];
    }
    return true;
}

/* A channel takes three bytes at least, so a count is bounded by what is there. */
static bool get_channels(struct str *rest, struct arena *arena, struct engine_worker *worker)
{
    uint64_t count = 0;
    if (!get_u64(rest, &count) || count > MAX_CHANNELS || count > rest->len / 3)
        return false;
    struct engine_worker_channel *channels =
        ARENA_ARRAY(arena, struct engine_worker_channel, (size_t)count);
    for (size_t i = 0; i < count && channels != NULL; i++) {
        if (!get_sid(rest, &channels[i].channel_sid) || !get_i32(rest, &channels[i].capacity) ||
            !get_bool(rest, &channels[i].is_available))
            return false;
    }
    worker->channels = channels;
    worker->channel_count = channels == NULL ? 0 : (size_t)count;
    return true;
}

static bool get_field(struct str *rest, struct arena *arena, struct engine_command *command,
                      const struct field *field)
{
    void *at = (char *)command + field->offset;
    switch (field->type) {
    case FIELD_NONE:
        break;
    case FIELD_SID:
        return get_sid(rest, at);
    case FIELD_STR:
        return get_str(rest, at);
    case FIELD_I64:
        return get_i64(rest, at);
    case FIELD_I32:
        return get_i32(rest, at);
    case FIELD_BOOL:
        return get_bool(rest, at);
    case FIELD_CHANNELS:
        return get_channels(rest, arena, at);
    }
    return true;
}

static enum err_code get_command(struct journal_reader *reader, struct arena *arena,
                                 struct engine_command *command, struct err *err)
{
    struct str *rest = &reader->rest;
    uint64_t kind = 0;
    if (!get_u64(rest, &kind) || kind <= ENGINE_COMMAND_NONE || kind >= ENGINE_COMMAND_COUNT)
        return bad(err, "no such command");
    command->kind = (enum engine_command_kind)kind;
    for (const struct field *field = command_fields[kind]; field->type != FIELD_NONE; field++) {
        if (field->since <= reader->version && !get_field(rest, arena, command, field))
            return bad(err, "a field of a command");
    }
    if (arena_is_exhausted(arena))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "JOURNAL_TOO_LARGE",
                       "the journal needs too much memory");
    return ERR_OK;
}

enum err_code journal_open(struct journal_reader *reader, struct str bytes, struct err *err)
{
    *reader = (struct journal_reader){.rest = bytes};
    if (bytes.len == 0)
        return ERR_OK;
    if (!get_u64(&reader->rest, &reader->version) || reader->version == 0 ||
        reader->version > JOURNAL_VERSION)
        return bad(err, "its version");
    return ERR_OK;
}

enum err_code journal_next(struct journal_reader *reader, struct arena *arena,
                           struct journal_entry *out_entry, struct err *err)
{
    uint64_t kind = 0;
    int64_t passed_us = 0;
    *out_entry = (struct journal_entry){0};
    if (reader->rest.len == 0)
        return ERR_OK;
    if (!get_u64(&reader->rest, &kind) || kind <= JOURNAL_NONE || kind >= JOURNAL_KIND_COUNT ||
        !get_i64(&reader->rest, &passed_us))
        return bad(err, "no such entry");
    reader->now_us = (int64_t)((uint64_t)reader->now_us + (uint64_t)passed_us);
    out_entry->kind = (enum journal_kind)kind;
    out_entry->now_us = reader->now_us;
    if (kind == JOURNAL_APPLY)
        return get_command(reader, arena, &out_entry->command, err);
    if (kind == JOURNAL_LOAD && (!get_u64(&reader->rest, &out_entry->seed) ||
                                 !get_i64(&reader->rest, &out_entry->event_sequence) ||
                                 !get_i64(&reader->rest, &out_entry->row_sequence)))
        return bad(err, "a field of a load");
    return ERR_OK;
}
