#include "random_message.h"

#include <string.h>

#include "base/buf.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "jx/writer.h"

uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static size_t pick(uint64_t *state, size_t count)
{
    return (size_t)(random_next(state) >> 33) % count;
}

static char *random_text(struct arena *arena, uint64_t *state)
{
    static const char *const pieces[] = {
        "a",  "Z",    "0",    " ",    "\"",       "\\",           "/",
        "\n", "\t",   "\x01", "\x7f", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        "{",  "null",
    };
    struct buf text;
    buf_init(&text, 0);
    buf_text(&text, "");
    for (size_t n = pick(state, 12); n > 0; n--)
        buf_text(&text, pieces[pick(state, ARRAY_LEN(pieces))]);
    char *copy = arena_str_dup(arena, buf_str(&text));
    buf_fini(&text);
    return copy;
}

static char *random_object_text(struct arena *arena, uint64_t *state)
{
    struct buf text;
    struct jx_writer w;
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_object_begin(&w);
    jx_put_text(&w, "z", random_text(arena, state));
    jx_put_i64(&w, "a", (int64_t)random_next(state));
    jx_key(&w, "list");
    jx_array_begin(&w);
    jx_double(&w, (double)pick(state, 1000) / 7);
    jx_null(&w);
    jx_bool(&w, true);
    jx_array_end(&w);
    jx_object_end(&w);
    char *copy = arena_str_dup(arena, buf_str(&text));
    buf_fini(&text);
    return copy;
}

static ProtobufCMessage *random_timestamp(struct arena *arena, uint64_t *state)
{
    static const int64_t seconds[] = {-62135596800, -1, 0, 1795379220, 951782400, 253402300799};
    Google__Protobuf__Timestamp *time = ARENA_NEW(arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(time);
    time->seconds = seconds[pick(state, ARRAY_LEN(seconds))];
    time->nanos = (int32_t)pick(state, 2) * (int32_t)pick(state, 1000000) * 1000;
    return &time->base;
}

static ProtobufCMessage *random_field_mask(struct arena *arena, uint64_t *state)
{
    static const char *const paths[] = {"friendly_name", "attributes", "task.task_queue_sid"};
    Google__Protobuf__FieldMask *mask = ARENA_NEW(arena, Google__Protobuf__FieldMask);
    google__protobuf__field_mask__init(mask);
    mask->n_paths = pick(state, 4);
    mask->paths = ARENA_ARRAY(arena, char *, mask->n_paths);
    for (size_t i = 0; i < mask->n_paths; i++)
        mask->paths[i] = arena_strdup(arena, paths[pick(state, ARRAY_LEN(paths))]);
    return &mask->base;
}

static bool holds_json(const char *name)
{
    return strcmp(name, "attributes") == 0 || strcmp(name, "configuration") == 0 ||
           strcmp(name, "event_data") == 0 || strcmp(name, "addons") == 0 ||
           strcmp(name, "instruction_data") == 0 || strcmp(name, "parameters") == 0;
}

static ProtobufCBinaryData random_bytes_of(struct arena *arena, uint64_t *state)
{
    size_t len = pick(state, 40);
    ProtobufCBinaryData bytes = {.len = len, .data = len == 0 ? NULL : arena_alloc(arena, len)};
    for (size_t i = 0; i < len; i++)
        bytes.data[i] = (uint8_t)pick(state, 256);
    return bytes;
}

/* Writes one value at its place; returns its size. */
static size_t fill_value(struct arena *arena, const ProtobufCFieldDescriptor *field, void *at,
                         uint64_t *state)
{
    const ProtobufCEnumDescriptor *values = field->descriptor;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        *(int32_t *)at = (int32_t)(uint32_t)random_next(state);
        return sizeof(int32_t);
    case PROTOBUF_C_TYPE_INT64:
        *(int64_t *)at = (int64_t)random_next(state);
        return sizeof(int64_t);
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = pick(state, 2) == 1;
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_ENUM:
        *(int32_t *)at = values->values[pick(state, values->n_values)].value;
        return sizeof(int32_t);
    case PROTOBUF_C_TYPE_DOUBLE: /* thousandths: not all are exact in binary */
        *(double *)at = (double)(int64_t)pick(state, 2000000000) / 1000.0 - 1000000.0;
        return sizeof(double);
    case PROTOBUF_C_TYPE_BYTES:
        *(ProtobufCBinaryData *)at = random_bytes_of(arena, state);
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
        *(char **)at =
            holds_json(field->name) ? random_object_text(arena, state) : random_text(arena, state);
        return sizeof(char *);
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)at = random_message(arena, field->descriptor, state);
        return sizeof(void *);
    default: /* no proto of ours uses it: let the test that counts set fields say so */
        INVARIANT(field->type == PROTOBUF_C_TYPE_STRING);
        return 0;
    }
}

ProtobufCMessage *random_message(struct arena *arena, const ProtobufCMessageDescriptor *type,
                                 uint64_t *state)
{
    if (type == &google__protobuf__timestamp__descriptor)
        return random_timestamp(arena, state);
    if (type == &google__protobuf__field_mask__descriptor)
        return random_field_mask(arena, state);
    ProtobufCMessage *msg = arena_alloc(arena, type->sizeof_message);
    type->message_init(msg);
    char *base = (void *)msg;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        void *at = base + field->offset;
        void *quantifier = base + field->quantifier_offset;
        if (pick(state, 2) == 0)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = pick(state, 4);
            char *item = arena_calloc(arena, count, 16); /* 16: no element is larger */
            *(char **)at = item;
            *(size_t *)quantifier = count;
            for (size_t k = 0; k < count; k++)
                item += fill_value(arena, field, item, state);
            continue;
        }
        (void)fill_value(arena, field, at, state);
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
            *(uint32_t *)quantifier = field->id;
    }
    return msg;
}
