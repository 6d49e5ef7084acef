#include "twilio_params.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/parse.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "jx/jx.h"
#include "pbjson/pbjson.h"
#include "rpc/pb.h"
#include "twilio_ops.h"

enum {
    DATE_MAX_BYTES = 40,
    MASK_MAX_FIELDS = 32,
    LIST_MAX_VALUES = 100,
    DATA_MAX_BYTES = 64 << 10,
    BULK_MAX_SIDS = 50,
};

/* The JSON forms of the messages, and what of the item was named. */
struct reading {
    const struct twilio_op *op;
    const struct http_params *given;
    struct arena *arena;
    json_t *sets[TWILIO_TARGET_COUNT];
    const char *fields[MASK_MAX_FIELDS];
    size_t field_count;
    const char *first_item_param;
    const struct twilio_action *action;
};

static void json_drop(void *json)
{
    json_decref(json);
}

/* Released with the arena. */
static json_t *object_new(struct arena *arena)
{
    json_t *object = json_object();
    INVARIANT(object != NULL);
    arena_defer(arena, json_drop, object);
    return object;
}

/* ---- values ---- */

static enum err_code invalid(const struct twilio_op_param *param, const char *wanted,
                             struct err *err)
{
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_INVALID", param->name,
                     "Invalid parameter %s: it must be %s", param->name, wanted);
}

struct str twilio_given(const struct http_params *given, const char *name)
{
    for (size_t i = given->count; i > 0; i--) {
        if (str_eq_text(given->items[i - 1].name, name))
            return given->items[i - 1].value;
    }
    return (struct str){NULL, 0};
}

/* The years 1 to 9999, which the wire's timestamps have. */
#define FIRST_US (INT64_C(-62135596800) * US_PER_S)
#define LAST_US  (INT64_C(253402300800) * US_PER_S - 1)

bool twilio_date(struct str text, int64_t *out_at_us)
{
    static const char *const endings[] = {"", "Z", "T00:00:00Z"};
    char whole[DATE_MAX_BYTES + 16];
    struct str date = str_trim(text);
    if (date.len == 0 || date.len > DATE_MAX_BYTES)
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        (void)snprintf(whole, sizeof whole, "%.*s%s", STR_ARG(date), endings[i]);
        int64_t at_us = 0;
        if (!parse_time(str_from(whole), &at_us))
            continue;
        if (at_us < FIRST_US || at_us > LAST_US)
            return false;
        *out_at_us = at_us;
        return true;
    }
    return false;
}

static enum err_code date_value(const struct twilio_op_param *param, struct str text, json_t **out,
                                struct err *err)
{
    int64_t at_us = 0;
    char date[CLOCK_TEXT_SIZE];
    if (!twilio_date(text, &at_us))
        return invalid(param, "a date and time in ISO 8601, such as 2026-11-22T20:27:00Z", err);
    *out = json_string(clock_format_us(at_us, date));
    return ERR_OK;
}

static enum err_code int_value(const struct twilio_op_param *param,
                               const ProtobufCFieldDescriptor *field, struct str text, json_t **out,
                               struct err *err)
{
    char wanted[64];
    bool is_small = field == NULL || field->type == PROTOBUF_C_TYPE_INT32;
    int64_t min = is_small ? INT32_MIN : INT64_MIN;
    int64_t max = is_small ? INT32_MAX : INT64_MAX;
    int64_t value = 0;
    if (param->min != 0 || param->max != 0) {
        min = param->min;
        max = param->max;
        (void)snprintf(wanted, sizeof wanted, "an integer from %lld to %lld", (long long)min,
                       (long long)max);
    } else {
        (void)snprintf(wanted, sizeof wanted, "an integer");
    }
    if (!parse_i64(str_trim(text), min, max, &value))
        return invalid(param, wanted, err);
    *out = json_integer(value);
    return ERR_OK;
}

static enum err_code sid_value(const struct twilio_op_param *param, struct str text, json_t **out,
                               struct err *err)
{
    struct str rest = str_from(param->words);
    char prefix[3] = "";
    while (rest.ptr != NULL) {
        struct str word = str_split(&rest, ',');
        memcpy(prefix, word.ptr, 2);
        if (parse_is_sid(text, prefix)) {
            *out = json_stringn(text.ptr, text.len);
            return ERR_OK;
        }
    }
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_INVALID", param->name,
                     "Invalid parameter %s: it must be a SID, %s and 32 hexadecimal digits",
                     param->name, param->words);
}

static enum err_code word_check(const struct twilio_op_param *param,
                                const ProtobufCFieldDescriptor *field, struct str word,
                                struct err *err)
{
    int value = 0;
    bool is_known = field == NULL || field->type != PROTOBUF_C_TYPE_ENUM
                        ? twilio_words_have(param->words, word)
                        : pbjson_enum_from(field->descriptor, word, &value) && value != 0;
    if (is_known)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_INVALID", param->name,
                     "Invalid parameter %s: it must be one of %s", param->name, param->words);
}

static json_t *bool_value(struct str text)
{
    return json_boolean(str_eq_nocase(text, STR("true")) || str_eq_text(text, "1") ||
                        str_eq_nocase(text, STR("yes")));
}

/* One value, which is not empty unless it is a text or a SID. */
static enum err_code value_read(const struct twilio_op_param *param,
                                const ProtobufCFieldDescriptor *field, struct str text,
                                json_t **out, struct err *err)
{
    enum err_code code = ERR_OK;
    switch (param->type) {
    case TWILIO_INT:
    case TWILIO_INTS:
        return int_value(param, field, text, out, err);
    case TWILIO_BOOL:
        *out = bool_value(text);
        return ERR_OK;
    case TWILIO_DATE:
        return date_value(param, text, out, err);
    case TWILIO_SID:
        if (text.len > 0)
            return sid_value(param, text, out, err);
        break;
    case TWILIO_ENUM:
    case TWILIO_ENUMS:
    case TWILIO_CHOICE:
    case TWILIO_CHOICES:
        code = word_check(param, field, text, err);
        break;
    case TWILIO_TEXT:
    case TWILIO_WORD:
    case TWILIO_TYPE_COUNT:
        break;
    }
    if (code == ERR_OK)
        *out = json_stringn(text.ptr, text.len);
    return code;
}

/* Repeated parameters and commas within one are the same. */
static enum err_code values_read(const struct twilio_op_param *param,
                                 const ProtobufCFieldDescriptor *field,
                                 const struct http_params *given, json_t *array, struct err *err)
{
    size_t pos = 0;
    struct str text = {NULL, 0};
    while (http_params_next(given, param->name, &pos, &text)) {
        struct str rest = text;
        while (rest.ptr != NULL) {
            json_t *value = NULL;
            struct str part = str_trim(str_split(&rest, ','));
            if (part.len == 0)
                continue;
            enum err_code code = value_read(param, field, part, &value, err);
            if (code != ERR_OK)
                return code;
            (void)json_array_append_new(array, value);
            if (json_array_size(array) > LIST_MAX_VALUES)
                return invalid(param, "a list of at most 100 values", err);
        }
    }
    return ERR_OK;
}

/* Of instruction data: the words with commas. */
static json_t *joined(const json_t *array)
{
    struct buf text;
    buf_init(&text, DATA_MAX_BYTES);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            buf_char(&text, ',');
        buf_text(&text, json_string_value(json_array_get(array, i)));
    }
    json_t *value = json_stringn(text.len == 0 ? "" : text.data, text.len);
    buf_fini(&text);
    return value;
}

/* ---- parameters ---- */

/* The message type that a target's fields are of; NULL for none. */
static const ProtobufCMessageDescriptor *target_type(const struct reading *r,
                                                     enum twilio_target target)
{
    if (target == TWILIO_OF_ITEM)
        return twilio_item_type(r->op);
    if (target == TWILIO_OF_REQUEST)
        return r->op->call.request;
    return target == TWILIO_OF_ACTION && r->action != NULL ? r->action->call.request : NULL;
}

static bool is_many(const struct twilio_op_param *param)
{
    return param->type == TWILIO_ENUMS || param->type == TWILIO_INTS ||
           param->type == TWILIO_CHOICES;
}

/* An empty value clears what can be empty, in an update; elsewhere it is as good as absent. */
static bool counts(const struct reading *r, const struct twilio_op_param *param, struct str text)
{
    if (text.ptr == NULL)
        return false;
    if (text.len > 0 || (param->type == TWILIO_TEXT && param->target != TWILIO_OF_DATA))
        return true;
    return param->type == TWILIO_SID && param->target == TWILIO_OF_ITEM &&
           r->op->kind == TWILIO_UPDATE;
}

static void note_item_field(struct reading *r, const struct twilio_op_param *param)
{
    if (param->target != TWILIO_OF_ITEM)
        return;
    if (r->first_item_param == NULL)
        r->first_item_param = param->name;
    INVARIANT(r->field_count < MASK_MAX_FIELDS);
    r->fields[r->field_count++] = param->field;
}

static struct str text_of(const struct reading *r, const struct twilio_op_param *param)
{
    struct str text = twilio_given(r->given, param->name);
    bool is_excused = param->unless != NULL && twilio_given(r->given, param->unless).len > 0;
    if (text.len == 0 && param->otherwise != NULL && !is_excused)
        return str_from(param->otherwise);
    return text;
}

static enum err_code param_read(struct reading *r, const struct twilio_op_param *param,
                                struct err *err)
{
    struct str text = text_of(r, param);
    const ProtobufCFieldDescriptor *field =
        param->field == NULL ? NULL : twilio_field(target_type(r, param->target), param->field);
    json_t *value = NULL;
    enum err_code code = ERR_OK;
    bool is_idle =
        (param->target == TWILIO_OF_ACTION && field == NULL) ||
        (param->target == TWILIO_OF_DATA && (r->action == NULL || r->action->value != NULL));
    if (param->is_required && text.len == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_MISSING", param->name,
                         "Missing required parameter %s in the post body", param->name);
    if (param->type == TWILIO_WORD || !counts(r, param, text))
        return ERR_OK;
    if (is_many(param)) {
        value = json_array();
        code = values_read(param, field, r->given, value, err);
        if (code == ERR_OK && param->target == TWILIO_OF_DATA) {
            json_t *text_value = joined(value);
            json_decref(value);
            value = text_value;
        }
    } else {
        code = value_read(param, field, text, &value, err);
    }
    if (code != ERR_OK || is_idle) { /* checked all the same */
        json_decref(value);
        return code;
    }
    note_item_field(r, param);
    const char *key = param->target == TWILIO_OF_DATA ? param->name : param->field;
    (void)json_object_set_new(r->sets[param->target], key, value);
    return ERR_OK;
}

/* ---- actions ---- */

static enum err_code no_action(const struct twilio_op *op, const char *param, struct err *err)
{
    char list[256] = "";
    for (const struct twilio_action *action = op->actions; action->param != NULL; action++) {
        size_t len = strlen(list);
        if (strcmp(action->param, param) == 0)
            (void)snprintf(list + len, sizeof list - len, "%s%s", len > 0 ? ", " : "",
                           action->value);
    }
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_INVALID", param,
                     "Invalid parameter %s: it can be updated to one of %s", param, list);
}

static enum err_code action_choose(struct reading *r, struct err *err)
{
    const char *chosen = NULL;
    const char *refused = NULL;
    for (const struct twilio_action *action = r->op->actions;
         action != NULL && action->param != NULL; action++) {
        struct str text = twilio_given(r->given, action->param);
        if (text.len == 0)
            continue;
        if (chosen != NULL && strcmp(chosen, action->param) != 0)
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_INVALID", action->param,
                             "%s and %s cannot be updated in one request; send one of them", chosen,
                             action->param);
        chosen = action->param;
        if (action->value == NULL || str_eq_text(text, action->value)) {
            r->action = action;
            refused = NULL;
        } else if (r->action == NULL) {
            refused = action->param;
        }
    }
    return refused == NULL ? ERR_OK : no_action(r->op, refused, err);
}

static enum err_code action_check(const struct reading *r, struct err *err)
{
    const struct twilio_action *action = r->action;
    if (action == NULL)
        return ERR_OK;
    if (action->needs != NULL && twilio_given(r->given, action->needs).len == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_MISSING", action->needs,
                         "Missing required parameter %s in the post body: %s %s needs it",
                         action->needs, action->param, action->value);
    if (action->is_alone && r->first_item_param != NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_INVALID", r->first_item_param,
                         "%s cannot be updated together with %s %s; send two requests",
                         r->first_item_param, action->param, action->value);
    return ERR_OK;
}

/* ---- messages ---- */

static void *field_at(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    char *base = (void *)message;
    return base + field->offset;
}

static enum err_code message_make(json_t *object, const ProtobufCMessageDescriptor *type,
                                  struct arena *arena, ProtobufCMessage **out, struct err *err)
{
    static const struct pbjson_options options = {
        .flags = PBJSON_SNAKE_CASE | PBJSON_INT64_NUMBER | PBJSON_ENUM_SHORT,
    };
    return pbjson_from_json(object, type, &options, arena, out, NULL, err);
}

/* Path parameters that are fields of the type. */
static void path_put(const struct twilio_op *op, const struct http_params *path, json_t *object,
                     const ProtobufCMessageDescriptor *type)
{
    struct str workspace = http_params_get(path, "WorkspaceSid");
    if (workspace.ptr != NULL && twilio_field(type, "workspace_sid") != NULL)
        (void)json_object_set_new(object, "workspace_sid",
                                  json_stringn(workspace.ptr, workspace.len));
    for (const struct twilio_path *part = op->path; part != NULL && part->name != NULL; part++) {
        struct str value = http_params_get(path, part->name);
        if (part->field != NULL)
            (void)json_object_set_new(object, part->field, json_stringn(value.ptr, value.len));
    }
}

static enum err_code path_check(const struct twilio_op *op, const struct http_params *path,
                                struct err *err)
{
    struct str workspace = http_params_get(path, "WorkspaceSid");
    bool is_good = workspace.ptr == NULL || parse_is_sid(workspace, "WS");
    for (const struct twilio_path *part = op->path; part != NULL && part->name != NULL; part++) {
        if (part->prefix != NULL)
            is_good = is_good && parse_is_sid(http_params_get(path, part->name), part->prefix);
    }
    return is_good ? ERR_OK : ERR_SET(err, ERR_NOT_FOUND, "NOT_FOUND", "there is no such resource");
}

void twilio_expect_version(ProtobufCMessage *message, int64_t version)
{
    const ProtobufCFieldDescriptor *field = twilio_field(message->descriptor, "expected_version");
    if (field == NULL)
        return;
    char *base = (void *)message;
    void *quantifier = base + field->quantifier_offset;
    *(int64_t *)field_at(message, field) = version;
    *(uint32_t *)quantifier = field->id;
}

static void carry(ProtobufCMessage *to, const ProtobufCMessage *from, const char *name)
{
    const ProtobufCFieldDescriptor *source = twilio_field(from->descriptor, name);
    const ProtobufCFieldDescriptor *target = twilio_field(to->descriptor, name);
    INVARIANT(source != NULL && target != NULL && source->descriptor == target->descriptor);
    memcpy((char *)to + target->offset, (const char *)from + source->offset, sizeof(void *));
}

void twilio_carry_item(ProtobufCMessage *action, const ProtobufCMessage *update, const char *item)
{
    carry(action, update, item);
    carry(action, update, "update_mask");
}

static enum err_code mask_put(const struct reading *r, ProtobufCMessage *message, struct err *err)
{
    const ProtobufCFieldDescriptor *field = twilio_field(message->descriptor, "update_mask");
    if (field == NULL)
        return ERR_OK;
    Google__Protobuf__FieldMask *mask = PB_NEW(r->arena, google__protobuf__field_mask);
    char **paths = ARENA_ARRAY(r->arena, char *, r->field_count);
    if (mask == NULL || paths == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < r->field_count; i++) {
        paths[i] = arena_strdup(r->arena, r->fields[i]);
        if (paths[i] == NULL)
            return call_no_room(err);
    }
    mask->paths = paths;
    mask->n_paths = r->field_count;
    *(Google__Protobuf__FieldMask **)field_at(message, field) = mask;
    return ERR_OK;
}

static enum err_code main_make(struct reading *r, const struct twilio_input *input,
                               ProtobufCMessage **out, struct err *err)
{
    const struct twilio_op *op = r->op;
    json_t *item = r->sets[TWILIO_OF_ITEM];
    json_t *request = r->sets[TWILIO_OF_REQUEST];
    bool is_change = r->field_count > 0 || (op->beside_suffices && json_object_size(request) > 0);
    if (op->call.rpc == NULL || (op->kind == TWILIO_UPDATE && !is_change))
        return ERR_OK;
    path_put(op, input->path, item, twilio_item_type(op));
    if (op->nested == NULL)
        (void)json_object_update(request, item);
    else
        (void)json_object_set(request, op->nested, item);
    if (op->kind == TWILIO_LIST) {
        (void)json_object_set_new(request, "page_size", json_integer(input->page_size));
        (void)json_object_set_new(request, "cursor", json_string(input->cursor));
    }
    if (op->newest_first)
        (void)json_object_set_new(request, "newest_first", json_true());
    enum err_code code = message_make(request, op->call.request, r->arena, out, err);
    if (code == ERR_OK && op->nested != NULL)
        code = mask_put(r, *out, err);
    if (code == ERR_OK && input->has_version)
        twilio_expect_version(*out, input->version);
    const ProtobufCFieldDescriptor *part = twilio_field(op->call.request, "part");
    if (code == ERR_OK && part != NULL)
        *(int *)field_at(*out, part) = op->part;
    return code;
}

static enum err_code action_make(struct reading *r, const struct twilio_input *input,
                                 ProtobufCMessage **out, struct err *err)
{
    json_t *object = r->sets[TWILIO_OF_ACTION];
    json_t *data = r->sets[TWILIO_OF_DATA];
    const struct twilio_action *action = r->action;
    if (action == NULL)
        return ERR_OK;
    path_put(r->op, input->path, object, action->call.request);
    if (action->field != NULL) {
        struct str text = twilio_given(r->given, action->param);
        (void)json_object_set_new(object, action->field, json_stringn(text.ptr, text.len));
    }
    if (json_object_size(data) > 0) {
        char *text = json_dumps(data, JSON_COMPACT);
        (void)json_object_set_new(object, "instruction_data", json_string(text));
        free(text);
    }
    enum err_code code = message_make(object, action->call.request, r->arena, out, err);
    if (code == ERR_OK && input->has_version)
        twilio_expect_version(*out, input->version);
    return code;
}

/* ---- the bulk statistics' body ---- */

static enum err_code bulk_invalid(struct err *err)
{
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_INVALID", "QueueSids",
                     "Invalid parameter QueueSids: send a JSON object with 1 to %d task queue SIDs "
                     "in the array queueSids",
                     BULK_MAX_SIDS);
}

static enum err_code bulk_read(struct reading *r, struct str body, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    struct err ignored = {0};
    if (jx_parse_object(body, NULL, &root, &ignored) != ERR_OK)
        return bulk_invalid(err);
    json_t *sids = json_object_get(root, "queueSids");
    if (sids == NULL)
        sids = json_object_get(root, "QueueSids");
    size_t count = json_array_size(sids);
    if (count == 0 || count > BULK_MAX_SIDS)
        return bulk_invalid(err);
    for (size_t i = 0; i < count; i++) {
        if (!parse_is_sid(str_from(json_string_value(json_array_get(sids, i))), "WQ"))
            return bulk_invalid(err);
    }
    (void)json_object_set(r->sets[TWILIO_OF_REQUEST], "task_queue_sids", sids);
    return ERR_OK;
}

/* ---- in all ---- */

enum err_code twilio_request_read(const struct twilio_op *op, const struct twilio_input *input,
                                  struct arena *arena, struct twilio_request *out, struct err *err)
{
    struct reading r = {.op = op, .given = input->given, .arena = arena};
    struct twilio_request request = {NULL, NULL, NULL};
    for (int i = 0; i < TWILIO_TARGET_COUNT; i++)
        r.sets[i] = object_new(arena);
    enum err_code code = path_check(op, input->path, err);
    if (code == ERR_OK)
        code = action_choose(&r, err);
    for (const struct twilio_op_param *param = op->params;
         code == ERR_OK && param != NULL && param->name != NULL; param++)
        code = param_read(&r, param, err);
    if (code == ERR_OK && op->kind == TWILIO_BULK)
        code = bulk_read(&r, input->body, err);
    if (code == ERR_OK)
        code = action_check(&r, err);
    if (code == ERR_OK)
        code = main_make(&r, input, &request.main, err);
    if (code == ERR_OK)
        code = action_make(&r, input, &request.action_request, err);
    request.action = r.action;
    if (code == ERR_OK)
        *out = request;
    return code;
}

enum err_code twilio_parent_read(const struct twilio_op *op, const struct http_params *path,
                                 struct arena *arena, ProtobufCMessage **out, struct err *err)
{
    json_t *object = object_new(arena);
    struct str workspace = http_params_get(path, "WorkspaceSid");
    struct str sid = http_params_get(path, op->path[0].name);
    (void)json_object_set_new(object, "workspace_sid", json_stringn(workspace.ptr, workspace.len));
    (void)json_object_set_new(object, op->parent_field, json_stringn(sid.ptr, sid.len));
    return message_make(object, op->parent->request, arena, out, err);
}
