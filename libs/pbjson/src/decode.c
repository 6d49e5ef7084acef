#include "pbjson/pbjson.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "crypt/crypt.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "names_int.h"

enum { PATH_MAX_BYTES = 128, LIST_MAX_BYTES = 320 };

/* Integers that a double holds exactly. */
#define EXACT_DOUBLE 9007199254740992.0

struct decoder {
    const struct pbjson_options *options;
    struct arena *arena;
    struct err *err;
    size_t path_len;
    char path[PATH_MAX_BYTES]; /* where we are, as the client wrote it; cut when longer */
};

static enum err_code decode_message(struct decoder *d, json_t *value,
                                    const ProtobufCMessageDescriptor *type, bool is_top,
                                    ProtobufCMessage **out, struct pbjson_mask *mask);

/* After an append of n bytes that may have been cut, perhaps within a character. */
static void path_settle(struct decoder *d, int n)
{
    d->path_len += n < 0 ? 0 : (size_t)n;
    if (d->path_len >= sizeof d->path)
        d->path_len = sizeof d->path - 1;
    while (!str_is_utf8((struct str){d->path, d->path_len}))
        d->path_len--;
    d->path[d->path_len] = '\0';
}

/* Appends to the path; returns the length to hand to path_pop. */
static size_t path_push_name(struct decoder *d, const char *name)
{
    size_t before = d->path_len;
    const char *dot = before > 0 ? "." : "";
    path_settle(d, snprintf(d->path + before, sizeof d->path - before, "%s%.60s", dot, name));
    return before;
}

static size_t path_push_index(struct decoder *d, size_t index)
{
    size_t before = d->path_len;
    path_settle(d, snprintf(d->path + before, sizeof d->path - before, "[%zu]", index));
    return before;
}

static void path_pop(struct decoder *d, size_t before)
{
    d->path_len = before;
    d->path[before] = '\0';
}

static const char *path_or_body(const struct decoder *d)
{
    return d->path_len == 0 ? "the request body" : d->path;
}

static enum err_code fail(struct decoder *d, const char *reason, const char *must)
{
    return ERR_FIELD(d->err, ERR_INVALID_ARGUMENT, reason, d->path, "%s %s", path_or_body(d), must);
}

static enum err_code fail_type(struct decoder *d, const char *wanted, const json_t *value)
{
    return ERR_FIELD(d->err, ERR_INVALID_ARGUMENT, "FIELD_TYPE", d->path, "%s must be %s, not %s",
                     path_or_body(d), wanted, jx_type_name(value));
}

static enum err_code fail_memory(struct decoder *d)
{
    return ERR_SET(d->err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs more memory than one request may use; send less at a time");
}

/* Comma-separated names, cut with "..." when they do not fit. */
static void list_add(char list[LIST_MAX_BYTES], const char *name)
{
    size_t len = strlen(list);
    size_t room = LIST_MAX_BYTES - len - sizeof ", ...";
    if (len > 3 && strcmp(list + len - 3, "...") == 0)
        return;
    if (strlen(name) + 2 > room)
        name = "...";
    (void)snprintf(list + len, LIST_MAX_BYTES - len, "%s%s", len > 0 ? ", " : "", name);
}

static bool is_allowed(const struct decoder *d, bool is_top, const char *proto_name)
{
    return !is_top || d->options->allowed_fields == NULL ||
           names_has(d->options->allowed_fields, proto_name);
}

static enum err_code fail_unknown(struct decoder *d, const ProtobufCMessageDescriptor *type,
                                  bool is_top)
{
    char list[LIST_MAX_BYTES] = "";
    char camel[NAMES_MAX];
    for (unsigned i = 0; i < type->n_fields; i++) {
        const char *name = type->fields[i].name;
        if (is_allowed(d, is_top, name))
            list_add(list, (d->options->flags & PBJSON_SNAKE_CASE) != 0
                               ? name
                               : pbjson_camel(name, camel, sizeof camel));
    }
    if (list[0] == '\0')
        return ERR_FIELD(d->err, ERR_INVALID_ARGUMENT, "FIELD_UNKNOWN", d->path,
                         "%s is not a field that can be set here; send none", d->path);
    return ERR_FIELD(d->err, ERR_INVALID_ARGUMENT, "FIELD_UNKNOWN", d->path,
                     "%s is not a field that can be set here; allowed: %s", d->path, list);
}

static struct str text_of(const json_t *value)
{
    return (struct str){json_string_value(value), json_string_length(value)};
}

/* Whole numbers as number or, where int64 travels as text, as string. */
static enum err_code read_i64(struct decoder *d, const json_t *value, int64_t min, int64_t max,
                              int64_t *out)
{
    int64_t number = 0;
    bool is_in_range = true;
    bool takes_text = (d->options->flags & PBJSON_INT64_NUMBER) == 0;
    if (json_is_integer(value)) {
        number = (int64_t)json_integer_value(value);
    } else if (json_is_real(value)) {
        double real = json_real_value(value);
        if (real != floor(real))
            return fail(d, "FIELD_TYPE", "must be a whole number");
        is_in_range = fabs(real) <= EXACT_DOUBLE;
        number = is_in_range ? (int64_t)real : 0;
    } else if (takes_text && json_is_string(value)) {
        if (!parse_i64(text_of(value), INT64_MIN, INT64_MAX, &number))
            return fail(d, "FIELD_TYPE", "must be a whole number");
    } else {
        return fail_type(d, "a whole number", value);
    }
    if (!is_in_range || number < min || number > max)
        return ERR_FIELD(d->err, ERR_INVALID_ARGUMENT, "FIELD_RANGE", d->path,
                         "%s must be from %" PRId64 " to %" PRId64, d->path, min, max);
    *out = number;
    return ERR_OK;
}

static enum err_code read_u64(struct decoder *d, const json_t *value, uint64_t *out)
{
    int64_t number = 0;
    /* Above INT64_MAX only as text: jansson's integers are signed. */
    if (json_is_string(value) && (d->options->flags & PBJSON_INT64_NUMBER) == 0) {
        if (!parse_u64(text_of(value), UINT64_MAX, out))
            return fail(d, "FIELD_TYPE", "must be a whole number from 0 on");
        return ERR_OK;
    }
    enum err_code code = read_i64(d, value, 0, INT64_MAX, &number);
    if (code == ERR_OK)
        *out = (uint64_t)number;
    return code;
}

static enum err_code read_double(struct decoder *d, const json_t *value, double *out)
{
    if (json_is_number(value))
        *out = json_number_value(value);
    else if (json_is_string(value) && str_eq_text(text_of(value), "NaN"))
        *out = (double)NAN;
    else if (json_is_string(value) && str_eq_text(text_of(value), "Infinity"))
        *out = (double)INFINITY;
    else if (json_is_string(value) && str_eq_text(text_of(value), "-Infinity"))
        *out = -(double)INFINITY;
    else if (!json_is_string(value) || !parse_double(text_of(value), out))
        return fail_type(d, "a number", value);
    return ERR_OK;
}

static enum err_code fail_enum(struct decoder *d, const ProtobufCEnumDescriptor *type)
{
    char list[LIST_MAX_BYTES] = "";
    char name[NAMES_MAX];
    bool is_short = (d->options->flags & PBJSON_ENUM_SHORT) != 0;
    for (unsigned i = 0; i < type->n_values; i++) {
        names_enum_short(type, &type->values[i], name, sizeof name);
        if (strcmp(name, "unspecified") != 0) /* null says that */
            list_add(list, is_short ? name : type->values[i].name);
    }
    return ERR_FIELD(d->err, ERR_INVALID_ARGUMENT, "FIELD_VALUE", d->path, "%s must be one of: %s",
                     d->path, list);
}

static enum err_code read_enum(struct decoder *d, const json_t *value,
                               const ProtobufCEnumDescriptor *type, int32_t *out)
{
    int number = 0;
    bool takes_number = (d->options->flags & PBJSON_ENUM_SHORT) == 0;
    if (json_is_integer(value) && takes_number) { /* proto3 enums are open */
        int64_t wide = 0;
        enum err_code code = read_i64(d, value, INT32_MIN, INT32_MAX, &wide);
        if (code == ERR_OK)
            *out = (int32_t)wide;
        return code;
    }
    if (json_is_string(value) && pbjson_enum_from(type, text_of(value), &number)) {
        *out = number;
        return ERR_OK;
    }
    if (json_is_string(value) && (d->options->flags & PBJSON_IGNORE_UNKNOWN) != 0) {
        *out = 0;
        return ERR_OK;
    }
    return fail_enum(d, type);
}

static enum err_code read_string(struct decoder *d, json_t *value,
                                 const ProtobufCFieldDescriptor *field, char **out)
{
    bool is_array = pbjson_is_json_array(d->options, field);
    if (json_is_string(value)) {
        *out = arena_str_dup(d->arena, text_of(value));
        return *out == NULL ? fail_memory(d) : ERR_OK;
    }
    if (!is_array && !pbjson_is_json_text(d->options, field))
        return fail_type(d, "a string", value);
    if (is_array && !json_is_array(value))
        return fail_type(d, "an array, or a string that holds one", value);
    if (!is_array && !json_is_object(value))
        return fail_type(d, "an object, or a string that holds one", value);
    struct buf text;
    struct jx_writer w;
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_value(&w, value);
    enum err_code code = jx_writer_finish(&w, d->err);
    if (code == ERR_OK) {
        *out = arena_str_dup(d->arena, buf_str(&text));
        code = *out == NULL ? fail_memory(d) : ERR_OK;
    }
    buf_fini(&text);
    return code;
}

static enum err_code read_bytes(struct decoder *d, const json_t *value, ProtobufCBinaryData *out)
{
    if (!json_is_string(value))
        return fail_type(d, "a base64 string", value);
    struct buf bytes;
    buf_init(&bytes, 0);
    enum err_code code = crypt_base64_decode(text_of(value), &bytes, NULL);
    if (code != ERR_OK) {
        buf_fini(&bytes);
        return fail(d, "FIELD_VALUE", "must be valid base64");
    }
    struct str copy = arena_str(d->arena, buf_str(&bytes));
    buf_fini(&bytes);
    if (copy.ptr == NULL)
        return fail_memory(d);
    *out = (ProtobufCBinaryData){.len = copy.len};
    memcpy(&out->data, &copy.ptr, sizeof out->data); /* ours, so not const */
    return ERR_OK;
}

static enum err_code read_timestamp(struct decoder *d, const json_t *value, ProtobufCMessage **out)
{
    static const char *const wanted = "must be a time such as \"2026-11-22T20:27:00Z\"";
    int64_t at_us = 0;
    if (!json_is_string(value))
        return fail_type(d, "a time such as \"2026-11-22T20:27:00Z\"", value);
    if (!parse_time(text_of(value), &at_us))
        return fail(d, "FIELD_VALUE", wanted);
    int64_t fraction_us = at_us % US_PER_S;
    if (fraction_us < 0)
        fraction_us += US_PER_S;
    int64_t seconds = (at_us - fraction_us) / US_PER_S;
    if (seconds < TIMESTAMP_MIN_S || seconds > TIMESTAMP_MAX_S)
        return fail(d, "FIELD_RANGE", "must be a time in the years 1 to 9999");
    Google__Protobuf__Timestamp *time = ARENA_NEW(d->arena, Google__Protobuf__Timestamp);
    if (time == NULL)
        return fail_memory(d);
    google__protobuf__timestamp__init(time);
    time->seconds = seconds;
    time->nanos = (int32_t)(fraction_us * 1000);
    *out = &time->base;
    return ERR_OK;
}

static enum err_code read_field_mask(struct decoder *d, const json_t *value, ProtobufCMessage **out)
{
    if (!json_is_string(value))
        return fail_type(d, "a comma-separated string of field names", value);
    struct str rest = text_of(value);
    size_t count = rest.len == 0 ? 0 : 1;
    for (size_t i = 0; i < rest.len; i++)
        count += rest.ptr[i] == ',';
    Google__Protobuf__FieldMask *mask = ARENA_NEW(d->arena, Google__Protobuf__FieldMask);
    char **paths = ARENA_ARRAY(d->arena, char *, count);
    if (mask == NULL || paths == NULL)
        return fail_memory(d);
    google__protobuf__field_mask__init(mask);
    mask->paths = paths;
    for (; mask->n_paths < count; mask->n_paths++) {
        char snake[256]; /* a path of a few names */
        struct str path = str_trim(str_split(&rest, ','));
        if (path.len == 0 || !names_snake(path, snake, sizeof snake))
            return fail(d, "FIELD_VALUE", "must be field names in camelCase, with commas between");
        paths[mask->n_paths] = arena_strdup(d->arena, snake);
        if (paths[mask->n_paths] == NULL)
            return fail_memory(d);
    }
    *out = &mask->base;
    return ERR_OK;
}

static enum err_code read_message(struct decoder *d, json_t *value,
                                  const ProtobufCMessageDescriptor *type, ProtobufCMessage **out)
{
    if (type == &google__protobuf__timestamp__descriptor)
        return read_timestamp(d, value, out);
    if (type == &google__protobuf__field_mask__descriptor)
        return read_field_mask(d, value, out);
    return decode_message(d, value, type, false, out, NULL);
}

/* at: where the value goes, aligned for its type. */
static enum err_code read_value(struct decoder *d, json_t *value,
                                const ProtobufCFieldDescriptor *field, void *at)
{
    int64_t number = 0;
    double real = 0;
    enum err_code code = ERR_OK;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        code = read_i64(d, value, INT32_MIN, INT32_MAX, &number);
        *(int32_t *)at = (int32_t)number;
        return code;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        code = read_i64(d, value, 0, UINT32_MAX, &number);
        *(uint32_t *)at = (uint32_t)number;
        return code;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return read_i64(d, value, INT64_MIN, INT64_MAX, at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return read_u64(d, value, at);
    case PROTOBUF_C_TYPE_FLOAT:
        code = read_double(d, value, &real);
        *(float *)at = (float)real;
        return code;
    case PROTOBUF_C_TYPE_DOUBLE:
        return read_double(d, value, at);
    case PROTOBUF_C_TYPE_BOOL:
        if (!json_is_boolean(value))
            return fail_type(d, "true or false", value);
        *(protobuf_c_boolean *)at = json_is_true(value);
        return ERR_OK;
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(d, value, field->descriptor, at);
    case PROTOBUF_C_TYPE_STRING:
        return read_string(d, value, field, at);
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(d, value, at);
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_message(d, value, field->descriptor, at);
    }
    return fail(d, "FIELD_TYPE", "cannot be sent as JSON");
}

static enum err_code read_repeated(struct decoder *d, json_t *value,
                                   const ProtobufCFieldDescriptor *field, char *base)
{
    void *member = base + field->offset;
    void *quantifier = base + field->quantifier_offset;
    size_t size = names_element_size(field);
    if (!json_is_array(value))
        return fail_type(d, "an array", value);
    size_t count = json_array_size(value);
    char *items = arena_calloc(d->arena, count, size);
    if (items == NULL)
        return fail_memory(d);
    for (size_t i = 0; i < count; i++) {
        size_t before = path_push_index(d, i);
        enum err_code code = read_value(d, json_array_get(value, i), field, items + i * size);
        if (code != ERR_OK)
            return code;
        path_pop(d, before);
    }
    *(char **)member = items;
    *(size_t *)quantifier = count;
    return ERR_OK;
}

static enum err_code read_field(struct decoder *d, json_t *value,
                                const ProtobufCFieldDescriptor *field, char *base)
{
    void *at = base + field->offset;
    void *quantifier = base + field->quantifier_offset;
    if (json_is_null(value))
        return ERR_OK;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_repeated(d, value, field, base);
    enum err_code code = read_value(d, value, field, at);
    if (code == ERR_OK && (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        *(uint32_t *)quantifier = field->id;
    return code;
}

static const ProtobufCFieldDescriptor *
find_field(const struct decoder *d, const ProtobufCMessageDescriptor *type, const char *key)
{
    if ((d->options->flags & PBJSON_CAMEL_ONLY) != 0 && strchr(key, '_') != NULL)
        return NULL;
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (names_match(type->fields[i].name, key))
            return &type->fields[i];
    }
    return NULL;
}

/* Recursion is bounded by our protos, which do not nest in themselves. */
static enum err_code decode_message(struct decoder *d, json_t *value,
                                    const ProtobufCMessageDescriptor *type, bool is_top,
                                    ProtobufCMessage **out, struct pbjson_mask *mask)
{
    if (!json_is_object(value))
        return fail_type(d, "an object", value);
    ProtobufCMessage *msg = arena_alloc(d->arena, type->sizeof_message);
    bool *is_seen = ARENA_ARRAY(d->arena, bool, type->n_fields);
    const char **paths = ARENA_ARRAY(d->arena, const char *, type->n_fields);
    if (msg == NULL || is_seen == NULL || paths == NULL)
        return fail_memory(d);
    type->message_init(msg);
    char *base = (void *)msg;
    size_t count = 0;
    const char *key = NULL;
    json_t *item = NULL;
    json_object_foreach(value, key, item)
    {
        size_t before = path_push_name(d, key);
        const ProtobufCFieldDescriptor *field = find_field(d, type, key);
        if (field == NULL || !is_allowed(d, is_top, field->name)) {
            if ((d->options->flags & PBJSON_IGNORE_UNKNOWN) == 0)
                return fail_unknown(d, type, is_top);
            path_pop(d, before);
            continue;
        }
        bool *is_this_seen = &is_seen[field - type->fields];
        if (*is_this_seen)
            return fail(d, "FIELD_TWICE", "is given twice, in two spellings; keep one of them");
        *is_this_seen = true;
        enum err_code code = read_field(d, item, field, base);
        if (code != ERR_OK)
            return code;
        paths[count++] = field->name;
        path_pop(d, before);
    }
    if (mask != NULL)
        *mask = (struct pbjson_mask){paths, count};
    *out = msg;
    return ERR_OK;
}

enum err_code pbjson_from_json(json_t *object, const ProtobufCMessageDescriptor *type,
                               const struct pbjson_options *options, struct arena *arena,
                               ProtobufCMessage **out_msg, struct pbjson_mask *out_mask,
                               struct err *err)
{
    struct decoder d = {.options = options, .arena = arena, .err = err};
    return decode_message(&d, object, type, true, out_msg, out_mask);
}

enum err_code pbjson_decode(struct str text, const ProtobufCMessageDescriptor *type,
                            const struct pbjson_options *options, struct arena *arena,
                            ProtobufCMessage **out_msg, struct pbjson_mask *out_mask,
                            struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    struct jx_limits limits = {.max_bytes = options->max_bytes, .max_depth = options->max_depth};
    enum err_code code = jx_parse(text, &limits, &root, err);
    if (code != ERR_OK)
        return code;
    return pbjson_from_json(root, type, options, arena, out_msg, out_mask, err);
}
