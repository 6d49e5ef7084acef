#include "pbjson/pbjson.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "crypt/crypt.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "names_int.h"

static const char *const rest_json_text_fields[] = {
    "attributes",       "configuration", "event_data", "addons",
    "instruction_data", "parameters",    "caller",     NULL,
};

static const char *const rest_json_array_fields[] = {"conditions", NULL};

static const char *const rest_upper_enum_fields[] = {"task_order", "prioritize_queue_order", NULL};

/* Filled in events and exports only; elsewhere they would say that there are none. */
static const char *const rest_hidden_fields[] = {"Worker.channels", NULL};

const struct pbjson_options pbjson_canonical = {.flags = PBJSON_NONE};
const struct pbjson_options pbjson_event = {.flags = PBJSON_IGNORE_UNKNOWN};
const struct pbjson_options pbjson_rest = {
    .flags = PBJSON_INT64_NUMBER | PBJSON_ENUM_SHORT | PBJSON_EMIT_DEFAULTS,
    .json_text_fields = rest_json_text_fields,
    .json_array_fields = rest_json_array_fields,
    .upper_enum_fields = rest_upper_enum_fields,
    .hidden_fields = rest_hidden_fields,
};

bool pbjson_is_json_text(const struct pbjson_options *options,
                         const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING &&
           names_has(options->json_text_fields, field->name);
}

bool pbjson_is_json_array(const struct pbjson_options *options,
                          const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING &&
           names_has(options->json_array_fields, field->name);
}

bool pbjson_is_hidden(const struct pbjson_options *options, const ProtobufCMessageDescriptor *type,
                      const ProtobufCFieldDescriptor *field)
{
    char name[2 * NAMES_MAX];
    if (options->hidden_fields == NULL)
        return false;
    (void)snprintf(name, sizeof name, "%s.%s", type->short_name, field->name);
    return names_has(options->hidden_fields, name);
}

char *pbjson_enum_text(const struct pbjson_options *options, const ProtobufCFieldDescriptor *field,
                       int value, char *out, size_t out_size)
{
    (void)pbjson_enum_short(field->descriptor, value, out, out_size);
    for (char *c = out; names_has(options->upper_enum_fields, field->name) && *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
    return out;
}

static void write_timestamp(struct jx_writer *w, const Google__Protobuf__Timestamp *time)
{
    if (time->seconds < TIMESTAMP_MIN_S || time->seconds > TIMESTAMP_MAX_S || time->nanos < 0 ||
        time->nanos > 999999999) {
        jx_writer_fail(w);
        return;
    }
    if (time->nanos == 0)
        jx_time_s(w, time->seconds * US_PER_S);
    else
        jx_time_us(w, time->seconds * US_PER_S + time->nanos / 1000);
}

static void write_field_mask(struct jx_writer *w, const Google__Protobuf__FieldMask *mask)
{
    struct buf text;
    buf_init(&text, 0);
    for (size_t i = 0; i < mask->n_paths; i++) {
        char camel[256]; /* a path of a few names */
        if (i > 0)
            buf_char(&text, ',');
        buf_text(&text, pbjson_camel(mask->paths[i], camel, sizeof camel));
    }
    jx_str(w, buf_str(&text));
    buf_fini(&text);
}

static void write_double(struct jx_writer *w, double value)
{
    if (isnan(value))
        jx_text(w, "NaN");
    else if (isinf(value))
        jx_text(w, value > 0 ? "Infinity" : "-Infinity");
    else
        jx_double(w, value);
}

static void write_i64(struct jx_writer *w, int64_t value, unsigned flags)
{
    char text[24]; /* sign, 19 digits, NUL */
    if ((flags & PBJSON_INT64_NUMBER) != 0) {
        jx_i64(w, value);
        return;
    }
    size_t at = sizeof text - 1;
    uint64_t left = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    text[at] = '\0';
    do {
        text[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        text[--at] = '-';
    jx_text(w, text + at);
}

static void write_u64(struct jx_writer *w, uint64_t value, unsigned flags)
{
    char text[24]; /* 20 digits, NUL */
    if ((flags & PBJSON_INT64_NUMBER) != 0) {
        jx_u64(w, value);
        return;
    }
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    jx_text(w, text);
}

/* In short form null stands for "unspecified", except where null would mean no value at all. */
static void write_enum(struct jx_writer *w, const ProtobufCFieldDescriptor *field, int value,
                       const struct pbjson_options *options)
{
    char text[NAMES_MAX];
    unsigned flags = options->flags;
    const ProtobufCEnumDescriptor *type = field->descriptor;
    bool takes_null =
        field->label == PROTOBUF_C_LABEL_NONE && (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0;
    const ProtobufCEnumValue *known = names_enum_value(type, value);
    if (known == NULL) { /* from a newer peer */
        jx_i64(w, value);
    } else if ((flags & PBJSON_ENUM_SHORT) != 0) {
        names_enum_short(type, known, text, sizeof text);
        if (takes_null && strcmp(text, "unspecified") == 0)
            jx_null(w);
        else
            jx_text(w, pbjson_enum_text(options, field, value, text, sizeof text));
    } else {
        jx_text(w, known->name);
    }
}

/* opening: "{" or "[" of a text that holds JSON, "" for a plain one. */
static void write_string(struct jx_writer *w, const char *text, struct str opening)
{
    struct str view = text == NULL ? STR("") : str_from(text);
    bool is_json = opening.len > 0;
    if (is_json && view.len == 0)
        jx_null(w);
    else if (is_json && str_starts_with(str_trim(view), opening) && jx_is_json(view, 0))
        jx_raw(w, view);
    else
        jx_str(w, view);
}

static void write_bytes(struct jx_writer *w, const ProtobufCBinaryData *bytes)
{
    struct buf text;
    buf_init(&text, 0);
    crypt_base64(&text, bytes->data, bytes->len);
    if (buf_failed(&text))
        jx_writer_fail(w);
    jx_str(w, buf_str(&text));
    buf_fini(&text);
}

static struct str opening_of(const struct pbjson_options *options,
                             const ProtobufCFieldDescriptor *field)
{
    if (pbjson_is_json_array(options, field))
        return STR("[");
    return pbjson_is_json_text(options, field) ? STR("{") : STR("");
}

/* at: the value in memory, aligned for its type as protobuf-c laid it out. */
static void write_value(struct jx_writer *w, const ProtobufCFieldDescriptor *field, const void *at,
                        const struct pbjson_options *options)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        jx_i64(w, *(const int32_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        jx_u64(w, *(const uint32_t *)at);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        write_i64(w, *(const int64_t *)at, options->flags);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        write_u64(w, *(const uint64_t *)at, options->flags);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        write_double(w, (double)*(const float *)at);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        write_double(w, *(const double *)at);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        jx_bool(w, *(const protobuf_c_boolean *)at != 0);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(w, field, *(const int32_t *)at, options);
        break;
    case PROTOBUF_C_TYPE_STRING:
        write_string(w, *(const char *const *)at, opening_of(options, field));
        break;
    case PROTOBUF_C_TYPE_BYTES:
        write_bytes(w, at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        pbjson_write(w, *(const ProtobufCMessage *const *)at, options);
        break;
    }
}

static bool is_zero(const ProtobufCFieldDescriptor *field, const void *at)
{
    static const unsigned char zeros[8];
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return *(const char *const *)at == NULL || **(const char *const *)at == '\0';
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)at)->len == 0;
    default:
        return memcmp(at, zeros, names_element_size(field)) == 0;
    }
}

/* Whether a field with presence is set; *out_has_presence false when the type has none. */
static bool is_set(const ProtobufCFieldDescriptor *field, const char *base, const void *at,
                   bool *out_has_presence)
{
    const void *quantifier = base + field->quantifier_offset;
    *out_has_presence = true;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return *(const uint32_t *)quantifier == field->id;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(const void *const *)at != NULL;
    *out_has_presence = false;
    return !is_zero(field, at);
}

static void write_key(struct jx_writer *w, const ProtobufCFieldDescriptor *field, unsigned flags)
{
    char camel[NAMES_MAX];
    if ((flags & PBJSON_SNAKE_CASE) != 0)
        jx_key(w, field->name);
    else
        jx_key(w, pbjson_camel(field->name, camel, sizeof camel));
}

static void write_repeated(struct jx_writer *w, const ProtobufCFieldDescriptor *field,
                           const char *base, const void *at, const struct pbjson_options *options)
{
    const void *quantifier = base + field->quantifier_offset;
    size_t count = *(const size_t *)quantifier;
    size_t size = names_element_size(field);
    if (count == 0 && (options->flags & PBJSON_EMIT_DEFAULTS) == 0)
        return;
    write_key(w, field, options->flags);
    jx_array_begin(w);
    const char *item = *(const char *const *)at;
    for (size_t i = 0; i < count; i++, item += size)
        write_value(w, field, item, options);
    jx_array_end(w);
}

static void write_field(struct jx_writer *w, const ProtobufCFieldDescriptor *field,
                        const char *base, const struct pbjson_options *options)
{
    const void *at = base + field->offset;
    bool has_presence = false;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        write_repeated(w, field, base, at, options);
        return;
    }
    bool is_present = is_set(field, base, at, &has_presence);
    if (!is_present && (options->flags & PBJSON_EMIT_DEFAULTS) == 0)
        return;
    write_key(w, field, options->flags);
    if (!is_present && has_presence)
        jx_null(w);
    else
        write_value(w, field, at, options);
}

/* Recursion is bounded by our protos, which do not nest in themselves. */
void pbjson_write(struct jx_writer *w, const ProtobufCMessage *msg,
                  const struct pbjson_options *options)
{
    if (msg == NULL) {
        jx_null(w);
        return;
    }
    const void *body = msg;
    if (msg->descriptor == &google__protobuf__timestamp__descriptor) {
        write_timestamp(w, body);
        return;
    }
    if (msg->descriptor == &google__protobuf__field_mask__descriptor) {
        write_field_mask(w, body);
        return;
    }
    jx_object_begin(w);
    for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &msg->descriptor->fields[i];
        if (!pbjson_is_hidden(options, msg->descriptor, field))
            write_field(w, field, body, options);
    }
    jx_object_end(w);
}

enum err_code pbjson_encode(const ProtobufCMessage *msg, const struct pbjson_options *options,
                            struct buf *out, struct err *err)
{
    struct jx_writer w;
    jx_writer_init(&w, out);
    pbjson_write(&w, msg, options);
    return jx_writer_finish(&w, err);
}

enum err_code pbjson_text(const ProtobufCMessage *msg, const struct pbjson_options *options,
                          struct arena *arena, struct str *out, struct err *err)
{
    struct buf text;
    buf_init(&text, 0);
    enum err_code code = pbjson_encode(msg, options, &text, err);
    if (code == ERR_OK) {
        struct str copy = arena_str(arena, buf_str(&text));
        if (copy.ptr == NULL)
            code = ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                           "the request needs more memory than one request may use");
        else
            *out = copy;
    }
    buf_fini(&text);
    return code;
}

static bool is_bad_text(const ProtobufCFieldDescriptor *field, const void *at)
{
    return field->type == PROTOBUF_C_TYPE_STRING &&
           !str_is_utf8(str_from(*(const char *const *)at));
}

/* Path of the first bad string below msg into *path; false when all are well-formed. */
static bool find_bad_text(const ProtobufCMessage *msg, struct buf *path)
{
    const char *base = (const void *)msg;
    for (unsigned i = 0; msg != NULL && i < msg->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &msg->descriptor->fields[i];
        const void *quantifier = base + field->quantifier_offset;
        const char *at = base + field->offset;
        size_t count = 1;
        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
            *(const uint32_t *)quantifier != field->id)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            const void *items = at;
            count = *(const size_t *)quantifier;
            at = *(const char *const *)items;
        }
        size_t len = path->len;
        buf_printf(path, "%s%s", len > 0 ? "." : "", field->name);
        for (size_t k = 0; k < count; k++) {
            const void *item = at + k * sizeof(void *);
            if (is_bad_text(field, item) ||
                (field->type == PROTOBUF_C_TYPE_MESSAGE &&
                 find_bad_text(*(const ProtobufCMessage *const *)item, path)))
                return true;
        }
        path->len = len;
        path->data[len] = '\0';
    }
    return false;
}

enum err_code pbjson_check_text(const ProtobufCMessage *msg, struct err *err)
{
    struct buf path;
    buf_init(&path, 0);
    enum err_code code = ERR_OK;
    if (find_bad_text(msg, &path))
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TEXT_NOT_UTF8", path.data,
                         "%s holds bytes that are not UTF-8; send UTF-8 text", path.data);
    buf_fini(&path);
    return code;
}
