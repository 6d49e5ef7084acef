#include "openapi.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "jx/writer.h"
#include "pbjson/pbjson.h"
#include "routes.h"
#include "svc/page.h"

enum { NAME_MAX_BYTES = 64, REF_SIZE = 128, TYPES_MAX = 512, ENUM_MAX_BYTES = 64 };

/* Messages that are described under components, in the order met. */
struct types {
    const ProtobufCMessageDescriptor *items[TYPES_MAX];
    size_t count;
};

static void types_add(struct types *types, const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < types->count; i++) {
        if (types->items[i] == type)
            return;
    }
    INVARIANT(types->count < TYPES_MAX);
    types->items[types->count++] = type;
}

static void ref_write(struct jx_writer *w, const char *name)
{
    char ref[REF_SIZE + sizeof "#/components/"];
    (void)snprintf(ref, sizeof ref, "#/components/%s", name);
    jx_object_begin(w);
    jx_put_text(w, "$ref", ref);
    jx_object_end(w);
}

static void schema_ref(struct jx_writer *w, struct types *types,
                       const ProtobufCMessageDescriptor *type)
{
    char name[REF_SIZE];
    types_add(types, type);
    (void)snprintf(name, sizeof name, "schemas/%s", type->short_name);
    ref_write(w, name);
}

/* ---- schemas ---- */

/* Written alone, or with "null" beside it. */
static void type_write(struct jx_writer *w, const char *type, bool is_nullable)
{
    jx_key(w, "type");
    if (!is_nullable) {
        jx_text(w, type);
        return;
    }
    jx_array_begin(w);
    jx_text(w, type);
    jx_text(w, "null");
    jx_array_end(w);
}

static void enum_write(struct jx_writer *w, const ProtobufCFieldDescriptor *field, bool is_nullable)
{
    char text[ENUM_MAX_BYTES];
    const ProtobufCEnumDescriptor *type = field->descriptor;
    type_write(w, "string", is_nullable);
    jx_key(w, "enum");
    jx_array_begin(w);
    for (unsigned i = 0; i < type->n_values; i++) {
        (void)pbjson_enum_text(&pbjson_rest, field, type->values[i].value, text, sizeof text);
        if (strcmp(text, "unspecified") != 0 && strcmp(text, "UNSPECIFIED") != 0)
            jx_text(w, text);
    }
    if (is_nullable)
        jx_null(w);
    jx_array_end(w);
}

/* Members of the schema of one value. is_input: what may be sent, else what comes. */
static void value_members(struct jx_writer *w, const ProtobufCFieldDescriptor *field, bool is_input)
{
    bool is_optional = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    bool is_nullable = is_input ? field->label != PROTOBUF_C_LABEL_REPEATED : is_optional;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_INT64:
        type_write(w, "integer", is_nullable);
        jx_put_text(w, "format", field->type == PROTOBUF_C_TYPE_INT32 ? "int32" : "int64");
        break;
    case PROTOBUF_C_TYPE_BOOL:
        type_write(w, "boolean", is_nullable);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        type_write(w, "number", is_nullable);
        jx_put_text(w, "format", "double");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        enum_write(w, field, is_nullable || field->label == PROTOBUF_C_LABEL_NONE);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        if (field->descriptor == &google__protobuf__timestamp__descriptor) {
            type_write(w, "string", true);
            jx_put_text(w, "format", "date-time");
        }
        break;
    default:
        if (pbjson_is_json_array(&pbjson_rest, field))
            type_write(w, "array", true);
        else if (pbjson_is_json_text(&pbjson_rest, field))
            type_write(w, "object", true);
        else
            type_write(w, "string", is_nullable);
        break;
    }
}

static bool is_message_ref(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE &&
           field->descriptor != &google__protobuf__timestamp__descriptor;
}

static void value_write(struct jx_writer *w, struct types *types,
                        const ProtobufCFieldDescriptor *field, bool is_input)
{
    if (is_message_ref(field)) {
        schema_ref(w, types, field->descriptor);
        return;
    }
    jx_object_begin(w);
    value_members(w, field, is_input);
    jx_object_end(w);
}

/* A part that an answer may leave out. */
static void nullable_ref(struct jx_writer *w, struct types *types,
                         const ProtobufCMessageDescriptor *type)
{
    jx_object_begin(w);
    jx_key(w, "anyOf");
    jx_array_begin(w);
    schema_ref(w, types, type);
    jx_object_begin(w);
    jx_put_text(w, "type", "null");
    jx_object_end(w);
    jx_array_end(w);
    jx_object_end(w);
}

static void field_write(struct jx_writer *w, struct types *types,
                        const ProtobufCFieldDescriptor *field, bool is_input)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED && is_message_ref(field) && !is_input) {
        nullable_ref(w, types, field->descriptor);
        return;
    }
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        value_write(w, types, field, is_input);
        return;
    }
    jx_object_begin(w);
    jx_put_text(w, "type", "array");
    jx_key(w, "items");
    value_write(w, types, field, is_input);
    jx_object_end(w);
}

/* Replies have every field. */
static void reply_schema(struct jx_writer *w, struct types *types,
                         const ProtobufCMessageDescriptor *type)
{
    char camel[NAME_MAX_BYTES];
    jx_object_begin(w);
    jx_put_text(w, "type", "object");
    jx_key(w, "properties");
    jx_object_begin(w);
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (pbjson_is_hidden(&pbjson_rest, type, &type->fields[i]))
            continue;
        jx_key(w, pbjson_camel(type->fields[i].name, camel, sizeof camel));
        field_write(w, types, &type->fields[i], false);
    }
    jx_object_end(w);
    jx_key(w, "required");
    jx_array_begin(w);
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (!pbjson_is_hidden(&pbjson_rest, type, &type->fields[i]))
            jx_text(w, pbjson_camel(type->fields[i].name, camel, sizeof camel));
    }
    jx_array_end(w);
    jx_put_bool(w, "additionalProperties", false);
    jx_object_end(w);
}

/* NewActivity: the only message that is sent nested. */
static bool is_input_only(const ProtobufCMessageDescriptor *type)
{
    return strcmp(type->short_name, "NewActivity") == 0;
}

static void input_properties(struct jx_writer *w, struct types *types,
                             const ProtobufCMessageDescriptor *type, const char *const *names)
{
    char camel[NAME_MAX_BYTES];
    for (; names != NULL && *names != NULL; names++) {
        const ProtobufCFieldDescriptor *field = rest_field(type, *names);
        INVARIANT(field != NULL);
        jx_key(w, pbjson_camel(*names, camel, sizeof camel));
        field_write(w, types, field, true);
    }
}

/* Twilio adds parameters as it likes. */
static void webhook_body(struct jx_writer *w)
{
    jx_put_raw(w, "requestBody",
               STR("{\"required\":true,\"content\":{\"application/x-www-form-urlencoded\":{"
                   "\"schema\":{\"type\":\"object\"}},\"application/json\":{\"schema\":{"
                   "\"type\":\"object\"}}}}"));
}

static void body_write(struct jx_writer *w, struct types *types, const struct rest_route *row)
{
    jx_key(w, "requestBody");
    jx_object_begin(w);
    jx_put_bool(w, "required", row->kind != REST_ACTION);
    jx_key(w, "content");
    jx_object_begin(w);
    jx_key(w, "application/json");
    jx_object_begin(w);
    jx_key(w, "schema");
    jx_object_begin(w);
    jx_put_text(w, "type", "object");
    jx_key(w, "properties");
    jx_object_begin(w);
    input_properties(w, types, rest_item_type(row), row->body);
    input_properties(w, types, row->request, row->body_more);
    jx_object_end(w);
    if (row->kind == REST_UPDATE)
        jx_put_i64(w, "minProperties", 1);
    jx_put_bool(w, "additionalProperties", false);
    jx_object_end(w);
    jx_object_end(w);
    jx_object_end(w);
    jx_object_end(w);
}

static void problem_schema(struct jx_writer *w)
{
    static const struct {
        const char *name;
        const char *type;
        const char *text;
        bool is_required;
    } members[] = {
        {"type",      "string",  "urn:taskrouter:problem:<reason>",                  true },
        {"title",     "string",  "The status in words",                              true },
        {"status",    "integer", "The HTTP status",                                  true },
        {"detail",    "string",  "One sentence that says what to change",            true },
        {"reason",    "string",  "Stable token for programs",                        true },
        {"field",     "string",  "The field, parameter or header that is concerned", false},
        {"requestId", "string",  "Quote it when asking for help",                    true },
    };
    jx_key(w, "Problem");
    jx_object_begin(w);
    jx_put_text(w, "type", "object");
    jx_put_text(w, "description", "RFC 9457 problem document");
    jx_key(w, "properties");
    jx_object_begin(w);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        jx_key(w, members[i].name);
        jx_object_begin(w);
        jx_put_text(w, "type", members[i].type);
        jx_put_text(w, "description", members[i].text);
        jx_object_end(w);
    }
    jx_object_end(w);
    jx_key(w, "required");
    jx_array_begin(w);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (members[i].is_required)
            jx_text(w, members[i].name);
    }
    jx_array_end(w);
    jx_object_end(w);
}

/* ---- parameters ---- */

static void parameter_begin(struct jx_writer *w, const char *name, const char *where,
                            bool is_required)
{
    jx_object_begin(w);
    jx_put_text(w, "name", name);
    jx_put_text(w, "in", where);
    jx_put_bool(w, "required", is_required);
}

static void text_parameter(struct jx_writer *w, const char *name, const char *where,
                           bool is_required, const char *description)
{
    parameter_begin(w, name, where, is_required);
    if (description != NULL)
        jx_put_text(w, "description", description);
    jx_key(w, "schema");
    jx_object_begin(w);
    jx_put_text(w, "type", "string");
    jx_object_end(w);
    jx_object_end(w);
}

static void path_parameters(struct jx_writer *w, const char *pattern)
{
    struct str rest = str_from(pattern);
    while (rest.ptr != NULL) {
        char name[NAME_MAX_BYTES];
        struct str part = str_split(&rest, '/');
        if (part.len < 3 || part.ptr[0] != '{')
            continue;
        (void)snprintf(name, sizeof name, "%.*s", (int)(part.len - 2), part.ptr + 1);
        text_parameter(w, name, "path", true, NULL);
    }
}

static void page_size_write(struct jx_writer *w)
{
    jx_object_begin(w);
    jx_put_text(w, "type", "integer");
    jx_put_i64(w, "minimum", 1);
    jx_put_i64(w, "maximum", PAGE_SIZE_MAX);
    jx_put_i64(w, "default", PAGE_SIZE_DEFAULT);
    jx_object_end(w);
}

static void query_parameters(struct jx_writer *w, struct types *types, const struct rest_route *row)
{
    char camel[NAME_MAX_BYTES];
    for (const char *const *name = row->query; name != NULL && *name != NULL; name++) {
        const ProtobufCFieldDescriptor *field = rest_field(row->request, *name);
        INVARIANT(field != NULL);
        parameter_begin(w, pbjson_camel(*name, camel, sizeof camel), "query", false);
        jx_key(w, "schema");
        if (strcmp(*name, "page_size") == 0)
            page_size_write(w);
        else
            field_write(w, types, field, true);
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            jx_put_text(w, "style", "form");
            jx_put_bool(w, "explode", false);
        }
        jx_object_end(w);
    }
}

static void parameters_write(struct jx_writer *w, struct types *types, const struct rest_route *row)
{
    jx_key(w, "parameters");
    jx_array_begin(w);
    path_parameters(w, row->pattern);
    query_parameters(w, types, row);
    if (rest_has_workspace(row) || row->kind == REST_STREAM) {
        ref_write(w, "parameters/WorkspaceHeader");
        ref_write(w, "parameters/WorkspaceQuery");
    }
    if (rest_field(row->request, "expected_version") != NULL)
        ref_write(w, "parameters/IfMatch");
    if (rest_field(row->request, "idempotency_key") != NULL)
        ref_write(w, "parameters/IdempotencyKey");
    if (row->kind == REST_STREAM) {
        text_parameter(w, "types", "query", false,
                       "Event types, separated by commas; \"task.*\" stands for all of a resource");
        text_parameter(w, "lastEventId", "query", false, "As Last-Event-ID");
        text_parameter(w, "Last-Event-ID", "header", false, "Go on behind this event");
    }
    jx_array_end(w);
}

static void shared_parameters(struct jx_writer *w)
{
    static const struct {
        const char *key;
        const char *name;
        const char *where;
        const char *text;
    } rows[] = {
        {"WorkspaceHeader", "X-Workspace-Sid", "header",
         "The workspace; default: the token's, else the account's only one"  },
        {"WorkspaceQuery",  "workspaceSid",    "query",  "As X-Workspace-Sid"},
        {"IfMatch",         "If-Match",        "header",
         "ETag of the item as read; refused with 412 when it has "
         "changed since"                                                     },
        {"IdempotencyKey",  "Idempotency-Key", "header",
         "A repeat with the same key within a day returns the first reply"   },
    };
    jx_key(w, "parameters");
    jx_object_begin(w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jx_key(w, rows[i].key);
        text_parameter(w, rows[i].name, rows[i].where, false, rows[i].text);
    }
    jx_object_end(w);
}

/* ---- replies ---- */

static void list_schema(struct jx_writer *w, struct types *types, const struct rest_route *row)
{
    const ProtobufCFieldDescriptor *items = rest_field(row->reply, "items");
    INVARIANT(items != NULL);
    jx_object_begin(w);
    jx_put_text(w, "type", "object");
    jx_key(w, "properties");
    jx_object_begin(w);
    jx_key(w, "items");
    field_write(w, types, items, false);
    jx_key(w, "nextCursor");
    jx_object_begin(w);
    type_write(w, "string", true);
    jx_object_end(w);
    jx_object_end(w);
    jx_put_raw(w, "required", STR("[\"items\",\"nextCursor\"]"));
    jx_put_bool(w, "additionalProperties", false);
    jx_object_end(w);
}

static void header_write(struct jx_writer *w, const char *name, const char *text)
{
    jx_key(w, name);
    jx_object_begin(w);
    jx_put_text(w, "description", text);
    jx_put_raw(w, "schema", STR("{\"type\":\"string\"}"));
    jx_object_end(w);
}

static void reply_headers(struct jx_writer *w, const struct rest_route *row)
{
    bool has_version = rest_field(row->reply, "version") != NULL;
    if (!has_version && row->kind != REST_CREATE)
        return;
    jx_key(w, "headers");
    jx_object_begin(w);
    if (has_version)
        header_write(w, "ETag", "The item's version, for If-Match");
    if (row->kind == REST_CREATE)
        header_write(w, "Location", "Path of the new item");
    jx_object_end(w);
}

static void reply_write(struct jx_writer *w, struct types *types, const struct rest_route *row)
{
    const char *type = row->kind == REST_STREAM ? "text/event-stream" : "application/json";
    bool is_empty = row->rpc != NULL && row->reply == NULL;
    jx_key(w, is_empty ? "204" : row->kind == REST_CREATE ? "201" : "200");
    jx_object_begin(w);
    jx_put_text(w, "description", is_empty ? "Done; nothing comes back" : "Done");
    if (!is_empty) {
        reply_headers(w, row);
        jx_key(w, "content");
        jx_object_begin(w);
        jx_key(w, type);
        jx_object_begin(w);
        jx_key(w, "schema");
        if (row->kind == REST_LIST)
            list_schema(w, types, row);
        else if (row->reply != NULL)
            schema_ref(w, types, row->reply);
        else
            jx_raw(w, row->kind == REST_STREAM ? STR("{\"type\":\"string\"}")
                                               : STR("{\"type\":\"object\"}"));
        jx_object_end(w);
        jx_object_end(w);
    }
    jx_object_end(w);
}

/* What each kind is answered with: webhooks/webhooks.c. */
static void webhook_reply(struct jx_writer *w, const struct rest_route *row)
{
    bool is_xml = row->webhook == WEBHOOK_VOICE || row->webhook == WEBHOOK_SMS;
    if (is_xml)
        jx_put_raw(w, "200",
                   STR("{\"description\":\"Stored; TwiML\",\"content\":{\"text/xml\":{"
                       "\"schema\":{\"type\":\"string\"}}}}"));
    else if (row->webhook == WEBHOOK_ASSIGNMENT)
        jx_put_raw(w, "200",
                   STR("{\"description\":\"Stored; the configured instruction, or nothing\","
                       "\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\"}}}}"));
    else
        jx_put_raw(w, "204", STR("{\"description\":\"Stored\"}"));
}

#define WEBHOOK_DESCRIPTION                                                                        \
    "Called by Twilio. Not for API tokens: the request proves itself by the header "               \
    "X-Twilio-Signature, made with the auth token over the public URL and the parameters (a body " \
    "that is no form: over the URL with bodySHA256); refused with 403 otherwise. A repeat gets "   \
    "the first answer."

/* "GetWorker" is getWorker. */
static void operation_id_write(struct jx_writer *w, const struct rest_route *row)
{
    char id[NAME_MAX_BYTES];
    const char *name = row->operation != NULL ? row->operation : strrchr(row->rpc, '/') + 1;
    (void)snprintf(id, sizeof id, "%s", name);
    if (id[0] >= 'A' && id[0] <= 'Z')
        id[0] = (char)(id[0] - 'A' + 'a');
    jx_put_text(w, "operationId", id);
}

static void operation_write(struct jx_writer *w, struct types *types, const struct rest_route *row)
{
    static const char *const methods[HTTP_METHOD_COUNT] = {
        [HTTP_GET] = "get",     [HTTP_POST] = "post",     [HTTP_PUT] = "put",
        [HTTP_PATCH] = "patch", [HTTP_DELETE] = "delete",
    };
    jx_key(w, methods[row->method]);
    jx_object_begin(w);
    jx_key(w, "tags");
    jx_array_begin(w);
    jx_text(w, row->tag);
    jx_array_end(w);
    operation_id_write(w, row);
    jx_put_text(w, "summary", row->summary);
    if (row->role == ROLE_NONE)
        jx_put_raw(w, "security", STR("[]"));
    else
        jx_put_text(w, "x-role", role_name(row->role));
    if (row->kind == REST_WEBHOOK)
        jx_put_text(w, "description", WEBHOOK_DESCRIPTION);
    parameters_write(w, types, row);
    if (row->kind == REST_WEBHOOK)
        webhook_body(w);
    else if (row->method == HTTP_POST || row->method == HTTP_PATCH)
        body_write(w, types, row);
    jx_key(w, "responses");
    jx_object_begin(w);
    if (row->kind == REST_WEBHOOK)
        webhook_reply(w, row);
    else
        reply_write(w, types, row);
    jx_key(w, "default");
    ref_write(w, "responses/Problem");
    jx_object_end(w);
    jx_object_end(w);
}

/* Rows of one path need not be neighbours: each path is written where it first appears. */
static void paths_write(struct jx_writer *w, struct types *types)
{
    jx_key(w, "paths");
    jx_object_begin(w);
    for (size_t i = 0; i < rest_route_count(); i++) {
        const char *pattern = rest_route_at(i)->pattern;
        bool is_written = false;
        for (size_t k = 0; k < i && !is_written; k++)
            is_written = strcmp(rest_route_at(k)->pattern, pattern) == 0;
        if (is_written)
            continue;
        jx_key(w, pattern);
        jx_object_begin(w);
        for (size_t k = i; k < rest_route_count(); k++) {
            if (strcmp(rest_route_at(k)->pattern, pattern) == 0)
                operation_write(w, types, rest_route_at(k));
        }
        jx_object_end(w);
    }
    jx_object_end(w);
}

static void input_schema(struct jx_writer *w, struct types *types,
                         const ProtobufCMessageDescriptor *type)
{
    char camel[NAME_MAX_BYTES];
    jx_object_begin(w);
    jx_put_text(w, "type", "object");
    jx_key(w, "properties");
    jx_object_begin(w);
    for (unsigned i = 0; i < type->n_fields; i++) {
        jx_key(w, pbjson_camel(type->fields[i].name, camel, sizeof camel));
        field_write(w, types, &type->fields[i], true);
    }
    jx_object_end(w);
    jx_put_bool(w, "additionalProperties", false);
    jx_object_end(w);
}

static void components_write(struct jx_writer *w, struct types *types)
{
    jx_key(w, "components");
    jx_object_begin(w);
    jx_put_raw(w, "securitySchemes",
               STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"An API "
                   "token\"},\"account\":{\"type\":\"http\",\"scheme\":\"basic\",\"description\":"
                   "\"The account SID and its auth token\"}}"));
    shared_parameters(w);
    jx_put_raw(w, "responses",
               STR("{\"Problem\":{\"description\":\"Refused or failed\",\"content\":{"
                   "\"application/problem+json\":{\"schema\":{\"$ref\":"
                   "\"#/components/schemas/Problem\"}}}}}"));
    jx_key(w, "schemas");
    jx_object_begin(w);
    problem_schema(w);
    for (size_t i = 0; i < types->count; i++) { /* grows while types are described */
        const ProtobufCMessageDescriptor *type = types->items[i];
        jx_key(w, type->short_name);
        if (is_input_only(type))
            input_schema(w, types, type);
        else
            reply_schema(w, types, type);
    }
    jx_object_end(w);
    jx_object_end(w);
}

void openapi_write(struct buf *out)
{
    struct types types = {.count = 0};
    struct jx_writer w;
    struct err err = {0};
    jx_writer_init(&w, out);
    jx_object_begin(&w);
    jx_put_text(&w, "openapi", "3.1.0");
    jx_put_raw(&w, "info",
               STR("{\"title\":\"TaskRouter\",\"version\":\"1\",\"description\":\"Workspaces, "
                   "workers, queues, workflows, tasks and their reservations.\"}"));
    jx_put_raw(&w, "security", STR("[{\"bearer\":[]},{\"account\":[]}]"));
    paths_write(&w, &types);
    components_write(&w, &types);
    jx_object_end(&w);
    enum err_code code = jx_writer_finish(&w, &err);
    INVARIANT(code == ERR_OK);
}
