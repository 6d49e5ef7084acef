#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "default_workspace.h"
#include "gateway.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "jx/jx.h"
#include "pbjson/pbjson.h"
#include "rest_int.h"
#include "rpc/pb.h"
#include "svc/check.h"
#include "svc/page.h"

enum { NAME_MAX_BYTES = 64, LIST_MAX_BYTES = 320, KEY_MAX_BYTES = 255 };

static const char *const no_fields[] = {NULL};

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; send a smaller one");
}

/* ---- fields of messages by descriptor ---- */

static void *field_at(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    char *base = (void *)message;
    return base + field->offset;
}

static void presence_set(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    char *base = (void *)message;
    void *quantifier = base + field->quantifier_offset;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        *(uint32_t *)quantifier = field->id;
}

static enum err_code text_set(struct arena *arena, ProtobufCMessage *message,
                              const ProtobufCFieldDescriptor *field, struct str text,
                              struct err *err)
{
    char *copy = arena_str_dup(arena, text);
    if (copy == NULL)
        return no_room(err);
    *(char **)field_at(message, field) = copy;
    presence_set(message, field);
    return ERR_OK;
}

/* What clients write: the REST form, in camelCase and nothing else. */
static struct pbjson_options input_options(void)
{
    struct pbjson_options options = pbjson_rest;
    options.flags |= PBJSON_CAMEL_ONLY;
    return options;
}

/* ---- query ---- */

static void list_add(char list[LIST_MAX_BYTES], const char *name)
{
    size_t len = strlen(list);
    (void)snprintf(list + len, LIST_MAX_BYTES - len, "%s%s", len > 0 ? ", " : "", name);
}

/* Names from outside are NUL-terminated; the error cuts them at its own size. */
static enum err_code fail_parameter(const struct rest_route *row, struct str name, struct err *err)
{
    char list[LIST_MAX_BYTES] = "";
    char camel[NAME_MAX_BYTES];
    for (const char *const *field = row->query; field != NULL && *field != NULL; field++)
        list_add(list, pbjson_camel(*field, camel, sizeof camel));
    if (rest_has_workspace(row))
        list_add(list, "workspaceSid");
    if (list[0] == '\0')
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_UNKNOWN", name.ptr,
                         "%.60s is not known: there are no query parameters here; remove it",
                         name.ptr);
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_UNKNOWN", name.ptr,
                     "%.60s is not a query parameter here; allowed: %s", name.ptr, list);
}

static const ProtobufCFieldDescriptor *query_field(const struct rest_route *row, struct str name)
{
    char camel[NAME_MAX_BYTES];
    for (const char *const *field = row->query; field != NULL && *field != NULL; field++) {
        if (str_eq_text(name, pbjson_camel(*field, camel, sizeof camel)))
            return rest_field(row->request, *field);
    }
    return NULL;
}

/* As the JSON that a body would hold. What cannot be read stays text, which the decoder refuses in
 * its own words. */
static json_t *query_json(const ProtobufCFieldDescriptor *field, struct str text)
{
    int64_t number = 0;
    bool flag = false;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_INT64:
        if (parse_i64(text, INT64_MIN, INT64_MAX, &number))
            return json_integer(number);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        if (parse_bool(text, &flag))
            return json_boolean(flag);
        break;
    default:
        break;
    }
    return json_stringn(text.ptr, text.len);
}

/* "a,b" and the parameter given twice are the same. */
static void query_add_all(json_t *array, const ProtobufCFieldDescriptor *field, struct str text)
{
    struct str rest = text;
    while (rest.ptr != NULL)
        (void)json_array_append_new(array, query_json(field, str_trim(str_split(&rest, ','))));
}

static enum err_code query_read(const struct rest_route *row, const struct http_request *req,
                                json_t *object, struct err *err)
{
    for (size_t i = 0; i < req->query.count; i++) {
        const struct http_param *param = &req->query.items[i];
        if (rest_has_workspace(row) && str_eq_text(param->name, "workspaceSid"))
            continue; /* rest_named_workspace */
        const ProtobufCFieldDescriptor *field = query_field(row, param->name);
        if (field == NULL)
            return fail_parameter(row, param->name, err);
        json_t *earlier = json_object_get(object, param->name.ptr);
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            if (earlier != NULL)
                return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_TWICE", param->name.ptr,
                                 "%s is given twice; keep one of them", param->name.ptr);
            (void)json_object_set_new(object, param->name.ptr, query_json(field, param->value));
            continue;
        }
        if (earlier == NULL) {
            (void)json_object_set_new(object, param->name.ptr, json_array());
            earlier = json_object_get(object, param->name.ptr);
        }
        query_add_all(earlier, field, param->value);
    }
    return ERR_OK;
}

/* The services cut a page that is too large; here it is said. */
static enum err_code page_size_check(const json_t *object, struct err *err)
{
    const json_t *size = json_object_get(object, "pageSize");
    if (!json_is_integer(size) ||
        (json_integer_value(size) >= 1 && json_integer_value(size) <= PAGE_SIZE_MAX))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "pageSize",
                     "pageSize must be 1 to %d", PAGE_SIZE_MAX);
}

static enum err_code list_read(const struct rest_route *row, const struct http_request *req,
                               ProtobufCMessage **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *object = json_object();
    struct pbjson_options options = input_options();
    options.allowed_fields = row->query != NULL ? row->query : no_fields;
    options.json_text_fields = NULL;
    enum err_code code = query_read(row, req, object, err);
    if (code == ERR_OK)
        code = page_size_check(object, err);
    if (code != ERR_OK)
        return code;
    return pbjson_from_json(object, row->request, &options, req->call->arena, out, NULL, err);
}

/* ---- body ---- */

/* Moves what the body says of the request, beside the item, into an object of its own. */
static void more_split(const struct rest_route *row, json_t *root, json_t *more)
{
    char camel[NAME_MAX_BYTES];
    for (const char *const *name = row->body_more; name != NULL && *name != NULL; name++) {
        json_t *value = json_object_get(root, pbjson_camel(*name, camel, sizeof camel));
        if (value == NULL)
            continue;
        (void)json_object_set(more, camel, value);
        (void)json_object_del(root, camel);
    }
}

static enum err_code body_parse(const struct rest_route *row, const struct http_request *req,
                                json_t **out, struct err *err)
{
    bool is_optional = row->kind == REST_ACTION;
    struct jx_limits limits = {.max_bytes = REST_LARGE_BODY_BYTES};
    if (req->body.len > 0)
        return jx_parse_object(req->body, &limits, out, err);
    if (!is_optional)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BODY_REQUIRED",
                       "the body is empty; send a JSON object");
    *out = json_object();
    return ERR_OK;
}

static enum err_code mask_set(struct call *call, ProtobufCMessage *message,
                              const struct pbjson_mask *present, struct err *err)
{
    const ProtobufCFieldDescriptor *field = rest_field(message->descriptor, "update_mask");
    Google__Protobuf__FieldMask *mask = PB_NEW(call->arena, google__protobuf__field_mask);
    char **paths = ARENA_ARRAY(call->arena, char *, present->count);
    if (mask == NULL || paths == NULL)
        return no_room(err);
    for (size_t i = 0; i < present->count; i++) {
        paths[i] = arena_strdup(call->arena, present->paths[i]);
        if (paths[i] == NULL)
            return no_room(err);
    }
    mask->paths = paths;
    mask->n_paths = present->count;
    *(Google__Protobuf__FieldMask **)field_at(message, field) = mask;
    return ERR_OK;
}

static enum err_code fail_empty(const struct rest_route *row, struct err *err)
{
    char list[LIST_MAX_BYTES] = "";
    char camel[NAME_MAX_BYTES];
    for (const char *const *name = row->body; name != NULL && *name != NULL; name++)
        list_add(list, pbjson_camel(*name, camel, sizeof camel));
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "EMPTY_UPDATE",
                   "the body names nothing to change; send one or more of: %s", list);
}

/* The item goes into the request's nested field, the names that were sent into its mask. */
static enum err_code nested_read(const struct rest_route *row, const struct http_request *req,
                                 json_t *root, ProtobufCMessage **out, struct err *err)
{
    struct arena *arena = req->call->arena;
    AUTO(jx_cleanup) json_t *more = json_object();
    struct pbjson_options options = input_options();
    ProtobufCMessage *item = NULL;
    struct pbjson_mask present = {NULL, 0};
    more_split(row, root, more);
    options.allowed_fields = row->body_more != NULL ? row->body_more : no_fields;
    enum err_code code = pbjson_from_json(more, row->request, &options, arena, out, NULL, err);
    options.allowed_fields = row->body;
    if (code == ERR_OK)
        code = pbjson_from_json(root, rest_item_type(row), &options, arena, &item, &present, err);
    if (code != ERR_OK)
        return code;
    if (present.count == 0)
        return fail_empty(row, err);
    *(ProtobufCMessage **)field_at(*out, rest_field(row->request, row->nested)) = item;
    if (row->kind != REST_UPDATE) /* a new item has all its fields */
        return ERR_OK;
    return mask_set(req->call, *out, &present, err);
}

static enum err_code body_read(const struct rest_route *row, const struct http_request *req,
                               ProtobufCMessage **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    struct pbjson_options options = input_options();
    enum err_code code = body_parse(row, req, &root, err);
    if (code != ERR_OK)
        return code;
    if (row->nested != NULL)
        return nested_read(row, req, root, out, err);
    if (row->kind == REST_UPDATE && json_object_size(root) == 0)
        return fail_empty(row, err);
    options.allowed_fields = row->body != NULL ? row->body : no_fields;
    return pbjson_from_json(root, row->request, &options, req->call->arena, out, NULL, err);
}

/* ---- path and headers ---- */

/* The message that has the item's own fields. */
static ProtobufCMessage *item_of(const struct rest_route *row, ProtobufCMessage *message)
{
    if (row->nested == NULL)
        return message;
    return *(ProtobufCMessage **)field_at(message, rest_field(row->request, row->nested));
}

static enum err_code path_read(const struct rest_route *row, const struct http_request *req,
                               ProtobufCMessage *message, struct err *err)
{
    for (size_t i = 0; i < req->path_params.count; i++) {
        const struct http_param *param = &req->path_params.items[i];
        const ProtobufCFieldDescriptor *field = rest_path_field(row, param->name);
        INVARIANT(field != NULL);
        enum err_code code =
            text_set(req->call->arena, item_of(row, message), field, param->value, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* "3", 3 and W/"3" are version 3; * is any, which is what exists at all. */
static enum err_code version_read(const struct http_request *req, ProtobufCMessage *message,
                                  struct err *err)
{
    const ProtobufCFieldDescriptor *field = rest_field(message->descriptor, "expected_version");
    struct str given = str_trim(http_header(req, "If-Match"));
    if (field == NULL || given.ptr == NULL || str_eq_text(given, "*"))
        return ERR_OK;
    struct str text = given;
    if (str_starts_with(text, STR("W/")))
        text = (struct str){text.ptr + 2, text.len - 2};
    if (text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"')
        text = (struct str){text.ptr + 1, text.len - 2};
    int64_t version = 0;
    if (!parse_i64(text, 1, INT64_MAX, &version))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "IF_MATCH_INVALID", "If-Match",
                         "If-Match must be the ETag of the item as you read it, such as \"3\"");
    *(int64_t *)field_at(message, field) = version;
    presence_set(message, field);
    return ERR_OK;
}

static enum err_code idempotency_read(const struct rest_route *row, const struct http_request *req,
                                      ProtobufCMessage *message, struct err *err)
{
    struct str key = http_header(req, "Idempotency-Key");
    if (key.ptr == NULL || (row->kind != REST_CREATE && row->kind != REST_ACTION))
        return ERR_OK;
    const ProtobufCFieldDescriptor *field = rest_field(row->request, "idempotency_key");
    if (field == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_UNSUPPORTED",
                         "Idempotency-Key",
                         "this request cannot be repeated by key; send it without "
                         "Idempotency-Key");
    bool is_good = key.len > 0 && key.len <= KEY_MAX_BYTES;
    for (size_t i = 0; i < key.len && is_good; i++)
        is_good = key.ptr[i] >= 0x20 && key.ptr[i] < 0x7F;
    if (!is_good)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_INVALID", "Idempotency-Key",
                         "Idempotency-Key must have 1 to %d printable ASCII characters",
                         KEY_MAX_BYTES);
    return text_set(req->call->arena, message, field, key, err);
}

/* The router wants a reason where Twilio does; here the action itself is one. */
static enum err_code reason_read(const struct rest_route *row, const struct http_request *req,
                                 ProtobufCMessage *message, struct err *err)
{
    const ProtobufCFieldDescriptor *field = rest_field(row->request, "reason");
    if (row->reason == NULL || field == NULL)
        return ERR_OK;
    const char *given = *(char *const *)field_at(message, field);
    if (given != NULL && given[0] != '\0')
        return ERR_OK;
    return text_set(req->call->arena, message, field, str_from(row->reason), err);
}

/* ---- workspace ---- */

enum err_code rest_named_workspace(const struct http_request *req, const char **out_sid,
                                   struct err *err)
{
    struct str header = http_header(req, "X-Workspace-Sid");
    struct str query = http_query(req, "workspaceSid");
    bool has_header = header.len > 0;
    bool has_query = query.ptr != NULL;
    *out_sid = NULL;
    if (has_header && has_query && !str_eq(header, query))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "WORKSPACE_TWICE", "workspaceSid",
                         "X-Workspace-Sid and workspaceSid name different workspaces; keep one");
    if (!has_header && !has_query)
        return ERR_OK;
    const char *name = has_header ? "X-Workspace-Sid" : "workspaceSid";
    const char *sid = has_header ? header.ptr : query.ptr;
    enum err_code code = check_sid(name, sid, "WS", err);
    if (code == ERR_OK)
        *out_sid = sid;
    return code;
}

static enum err_code workspace_read(struct gateway *gateway, const struct rest_route *row,
                                    struct http_request *req, ProtobufCMessage *message,
                                    const char **out_workspace, struct err *err)
{
    const char *sid = NULL;
    if (!rest_has_workspace(row))
        return ERR_OK;
    enum err_code code = rest_named_workspace(req, &sid, err);
    if (code == ERR_OK && sid == NULL && row->may_lack_workspace)
        sid = req->call->who.workspace_sid;
    if (code == ERR_OK && sid == NULL)
        code = default_workspace_of(gateway->workspaces, req->call, &sid, err);
    if (code != ERR_OK)
        return code;
    ProtobufCMessage *item = item_of(row, message);
    *out_workspace = sid;
    return text_set(req->call->arena, item, rest_field(item->descriptor, "workspace_sid"),
                    str_from(sid), err);
}

enum err_code rest_request_read(struct gateway *gateway, const struct rest_route *row,
                                struct http_request *req, ProtobufCMessage **out_message,
                                const char **out_workspace, struct err *err)
{
    bool has_body = row->kind == REST_CREATE || row->kind == REST_UPDATE ||
                    row->kind == REST_ACTION || row->kind == REST_CHECK;
    AUTO(jx_cleanup) json_t *unused = json_object();
    enum err_code code = ERR_OK;
    if (has_body)
        code = query_read(row, req, unused, err);
    if (code == ERR_OK && has_body)
        code = body_read(row, req, out_message, err);
    else if (code == ERR_OK)
        code = list_read(row, req, out_message, err);
    if (code == ERR_OK)
        code = path_read(row, req, *out_message, err);
    if (code == ERR_OK)
        code = version_read(req, *out_message, err);
    if (code == ERR_OK)
        code = idempotency_read(row, req, *out_message, err);
    if (code == ERR_OK)
        code = reason_read(row, req, *out_message, err);
    if (code == ERR_OK)
        code = workspace_read(gateway, row, req, *out_message, out_workspace, err);
    return code;
}
