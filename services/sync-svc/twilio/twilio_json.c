#include "twilio_json.h"

#include <string.h>

#include "base/call.h"
#include "base/parse.h"
#include "jx/jx.h"
#include "message_fields.h"
#include "rpc/pb.h"
#include "svc/wire.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "twilio_fields.h"

enum {
    BODY_BYTES_MAX = 17 << 20, /* a little above what the way to Twilio lets through */
    DEPTH_MAX = 16,
    ITEMS_MAX = 1000,       /* of a page: the largest page size there is */
    QUERY_BYTES_MAX = 7500, /* page tokens may have all pages before in them */
    ENUM_NAME_SIZE = 64,
};

const char *twilio_noun(enum twilio_resource resource)
{
    return twilio_tables[resource].noun;
}

const char *twilio_prefix(enum twilio_resource resource)
{
    return twilio_tables[resource].prefix;
}

const char *twilio_path(struct arena *arena, enum twilio_resource resource,
                        const char *workspace_sid, const char *parent_sid, const char *sid)
{
    const struct twilio_table *table = &twilio_tables[resource];
    const char *slash = sid == NULL ? "" : "/";
    const char *end = sid == NULL ? "" : sid;
    if (table->segment == NULL)
        return arena_printf(arena, "/v1/Workspaces%s%s", slash, end);
    if (table->parent == NULL)
        return arena_printf(arena, "/v1/Workspaces/%s/%s%s%s", workspace_sid, table->segment, slash,
                            end);
    return arena_printf(arena, "/v1/Workspaces/%s/%s/%s/%s%s%s", workspace_sid, table->parent,
                        parent_sid, table->segment, slash, end);
}

/* ---- refusals ---- */

static enum err_code fail_garbled(struct err *err)
{
    return ERR_SET(err, ERR_UNAVAILABLE, "UPSTREAM_GARBLED",
                   "Twilio's answer came cut or broken; try again later");
}

static enum err_code fail_not_twilio(struct err *err)
{
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_NOT_TWILIO",
                   "what answers at TASKROUTER_TWILIO_URL is no TaskRouter API; check the address");
}

/* sid: "" where it is not known. */
static enum err_code fail_member(const struct twilio_table *table, const char *sid,
                                 const struct twilio_field *field, const char *is, struct err *err)
{
    return ERR_FIELD(err, ERR_FAILED_PRECONDITION, "UPSTREAM_UNEXPECTED", field->key,
                     "Twilio's %s%s%s is not as documented: %s is %s", table->noun,
                     sid[0] == '\0' ? "" : " ", sid, field->key, is);
}

/* ---- values into fields ---- */

/* One member on its way into the message. */
struct put {
    struct arena *arena;
    const struct twilio_table *table;
    const struct twilio_field *field;
    const ProtobufCFieldDescriptor *to;
    ProtobufCMessage *message;
    const char *sid; /* of the resource, for refusals */
};

static void put_bytes(const struct put *put, const void *bytes, size_t size)
{
    memcpy((char *)put->message + put->to->offset, bytes, size);
    if ((put->to->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) /* a proto3 optional: it is there */
        memcpy((char *)put->message + put->to->quantifier_offset, &put->to->id, sizeof put->to->id);
}

static enum err_code put_text(const struct put *put, const char *text, struct err *err)
{
    char *copy = arena_strdup(put->arena, text);
    if (copy == NULL)
        return call_no_room(err);
    memcpy((char *)put->message + put->to->offset, &copy, sizeof copy);
    return ERR_OK;
}

static enum err_code take_sid(const struct put *put, const char *text, struct err *err)
{
    if (text[0] == '\0' && !put->field->is_needed)
        return ERR_OK;
    if (!parse_is_sid(str_from(text), put->field->hint))
        return fail_member(put->table, put->sid, put->field, "no SID of its kind", err);
    return put_text(put, text, err);
}

static enum err_code take_object(const struct put *put, const char *text, struct err *err)
{
    struct err why = {0};
    if (text[0] == '\0')
        return put_text(put, "{}", err);
    if (jx_check_object_text(str_from(text), (size_t)put->field->max, put->field->key, &why) !=
        ERR_OK)
        return fail_member(put->table, put->sid, put->field, "no JSON object that can be stored",
                           err);
    return put_text(put, text, err);
}

static enum err_code take_date(const struct put *put, const char *text, struct err *err)
{
    int64_t at_us = 0;
    if (!parse_time(str_from(text), &at_us))
        return fail_member(put->table, put->sid, put->field, "no ISO 8601 time", err);
    field_message_set(put->message, put->field->name, (void *)wire_time(put->arena, at_us));
    return ERR_OK;
}

static const char small_letters[] = "abcdefghijklmnopqrstuvwxyz";
static const char large_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static enum err_code take_enum(const struct put *put, const char *text, struct err *err)
{
    char name[ENUM_NAME_SIZE];
    size_t before = strlen(put->field->hint);
    size_t len = strlen(text);
    if (before + len >= sizeof name)
        return fail_member(put->table, put->sid, put->field, "a value that we do not know", err);
    memcpy(name, put->field->hint, before);
    for (size_t i = 0; i <= len; i++) { /* with the NUL */
        const char *small = text[i] == '\0' ? NULL : strchr(small_letters, text[i]);
        name[before + i] = text[i];
        if (small != NULL)
            name[before + i] = large_letters[small - small_letters];
    }
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name(put->to->descriptor, name);
    if (value == NULL || value->value == 0)
        return fail_member(put->table, put->sid, put->field, "a value that we do not know", err);
    put_bytes(put, &value->value, sizeof value->value);
    return ERR_OK;
}

static enum err_code take_text(const struct put *put, const char *text, struct err *err)
{
    struct str view = str_from(text);
    if (put->field->is_needed && view.len == 0)
        return fail_member(put->table, put->sid, put->field, "empty", err);
    if (view.len > (size_t)put->field->max && str_utf8_count(view) > (size_t)put->field->max)
        return fail_member(put->table, put->sid, put->field, "too long", err);
    return put_text(put, text, err);
}

static enum err_code take_string(const struct put *put, const json_t *value, struct err *err)
{
    if (!json_is_string(value))
        return fail_member(put->table, put->sid, put->field, jx_type_name(value), err);
    const char *text = json_string_value(value);
    switch (put->field->type) {
    case TWILIO_TYPE_SID:
        return take_sid(put, text, err);
    case TWILIO_TYPE_OBJECT:
        return take_object(put, text, err);
    case TWILIO_TYPE_DATE:
        return take_date(put, text, err);
    case TWILIO_TYPE_ENUM:
        return take_enum(put, text, err);
    case TWILIO_TYPE_TEXT:
    case TWILIO_TYPE_BOOL:
    case TWILIO_TYPE_INT:
        break;
    }
    return take_text(put, text, err);
}

static enum err_code take_int(const struct put *put, const json_t *value, struct err *err)
{
    if (!json_is_integer(value))
        return fail_member(put->table, put->sid, put->field, jx_type_name(value), err);
    int64_t number = (int64_t)json_integer_value(value);
    if (number < put->field->min || number > put->field->max)
        return fail_member(put->table, put->sid, put->field, "out of its range", err);
    int32_t narrow = (int32_t)number; /* the tables' bounds fit the fields */
    if (put->to->type == PROTOBUF_C_TYPE_INT32)
        put_bytes(put, &narrow, sizeof narrow);
    else
        put_bytes(put, &number, sizeof number);
    return ERR_OK;
}

static enum err_code take_bool(const struct put *put, const json_t *value, struct err *err)
{
    if (!json_is_boolean(value))
        return fail_member(put->table, put->sid, put->field, jx_type_name(value), err);
    protobuf_c_boolean is_true = json_is_true(value);
    put_bytes(put, &is_true, sizeof is_true);
    return ERR_OK;
}

static enum err_code take(const struct put *put, const json_t *value, struct err *err)
{
    if (value == NULL || json_is_null(value)) {
        if (put->field->is_needed)
            return fail_member(put->table, put->sid, put->field, "missing", err);
        return put->field->type == TWILIO_TYPE_OBJECT ? put_text(put, "{}", err) : ERR_OK;
    }
    if (put->field->type == TWILIO_TYPE_INT)
        return take_int(put, value, err);
    if (put->field->type == TWILIO_TYPE_BOOL)
        return take_bool(put, value, err);
    return take_string(put, value, err);
}

/* ---- one resource ---- */

/* Its SID when that is well-formed, else "". */
static const char *sid_of(const struct twilio_table *table, const json_t *value)
{
    const char *sid = jx_get_text(value, "sid", "");
    return parse_is_sid(str_from(sid), table->prefix) ? sid : "";
}

static void mark_provider(ProtobufCMessage *message)
{
    if (message->descriptor != &taskrouter__workers__v1__workspace__descriptor)
        return;
    Taskrouter__Workers__V1__Workspace *workspace = (void *)message;
    workspace->provider = TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_TWILIO;
}

enum err_code twilio_read_value(struct arena *arena, enum twilio_resource resource,
                                const json_t *value, ProtobufCMessage **out_message,
                                struct err *err)
{
    const struct twilio_table *table = &twilio_tables[resource];
    if (!json_is_object(value) || json_object_get(value, "sid") == NULL)
        return fail_not_twilio(err);
    struct put put = {.arena = arena, .table = table, .sid = sid_of(table, value)};
    put.message = pb_new(arena, table->message);
    enum err_code code = put.message == NULL ? call_no_room(err) : ERR_OK;
    for (put.field = table->fields; code == ERR_OK && put.field->key != NULL; put.field++) {
        put.to = protobuf_c_message_descriptor_get_field_by_name(table->message, put.field->name);
        INVARIANT(put.to != NULL);
        code = take(&put, json_object_get(value, put.field->key), err);
    }
    if (code != ERR_OK)
        return code;
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    mark_provider(put.message);
    *out_message = put.message;
    return ERR_OK;
}

/* ---- bodies ---- */

static enum err_code parse(struct str body, json_t **out, struct err *err)
{
    struct err why = {0};
    struct jx_limits limits = {.max_bytes = BODY_BYTES_MAX, .max_depth = DEPTH_MAX};
    struct str text = str_trim(body);
    if (jx_parse_object(text, &limits, out, &why) == ERR_OK)
        return ERR_OK;
    bool may_be_cut = text.len == 0 || text.ptr[0] == '{';
    return may_be_cut && strcmp(why.reason, "JSON_INVALID") == 0 ? fail_garbled(err)
                                                                 : fail_not_twilio(err);
}

enum err_code twilio_read(struct arena *arena, enum twilio_resource resource, struct str body,
                          ProtobufCMessage **out_message, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    enum err_code code = parse(body, &root, err);
    return code == ERR_OK ? twilio_read_value(arena, resource, root, out_message, err) : code;
}

static const struct twilio_field next_page_field = {.key = "next_page_url"};
static const struct twilio_field sid_field = {.key = "sid"};

static enum err_code read_next(struct arena *arena, const struct twilio_table *table,
                               const json_t *meta, const char **out, struct err *err)
{
    const json_t *next = json_object_get(meta, "next_page_url");
    *out = "";
    if (next == NULL || json_is_null(next))
        return ERR_OK;
    const char *url = json_string_value(next);
    const char *mark = url == NULL ? NULL : strchr(url, '?');
    size_t len = mark == NULL ? 0 : strlen(mark + 1);
    bool is_good = len > 0 && len <= QUERY_BYTES_MAX;
    for (size_t i = 0; i < len && is_good; i++)
        is_good = mark[i + 1] > ' ' && mark[i + 1] <= '~' && mark[i + 1] != '#';
    if (!is_good)
        return fail_member(table, "", &next_page_field, "no URL with a query", err);
    *out = arena_strdup(arena, mark + 1);
    return *out == NULL ? call_no_room(err) : ERR_OK;
}

static enum err_code read_item(struct arena *arena, enum twilio_resource resource,
                               const json_t *value, struct twilio_item *out, struct err *err)
{
    const struct twilio_table *table = &twilio_tables[resource];
    struct err why = {0};
    const char *sid = sid_of(table, value);
    if (sid[0] == '\0')
        return fail_member(table, "", &sid_field, "no SID of its kind", err);
    *out = (struct twilio_item){.sid = arena_strdup(arena, sid), .detail = ""};
    if (twilio_read_value(arena, resource, value, &out->message, &why) != ERR_OK)
        out->detail = arena_strdup(arena, why.detail);
    return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}

enum err_code twilio_read_page(struct arena *arena, enum twilio_resource resource, struct str body,
                               struct twilio_page *out, struct err *err)
{
    const struct twilio_table *table = &twilio_tables[resource];
    AUTO(jx_cleanup) json_t *root = NULL;
    struct twilio_page page = {.next_query = ""};
    enum err_code code = parse(body, &root, err);
    if (code != ERR_OK)
        return code;
    const json_t *meta = jx_get(root, "meta");
    const json_t *list = jx_get(root, table->list_key);
    if (!json_is_object(meta) || !json_is_array(list) || json_array_size(list) > ITEMS_MAX ||
        strcmp(jx_get_text(meta, "key", ""), table->list_key) != 0)
        return fail_not_twilio(err);
    page.items = ARENA_ARRAY(arena, struct twilio_item, json_array_size(list));
    if (page.items == NULL)
        return call_no_room(err);
    code = read_next(arena, table, meta, &page.next_query, err);
    for (size_t i = 0; i < json_array_size(list) && code == ERR_OK; i++)
        code = read_item(arena, resource, json_array_get(list, i), &page.items[page.count++], err);
    if (code == ERR_OK)
        *out = page;
    return code;
}
