#include "write_form.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "engine/instruction.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "jx/jx.h"
#include "message_fields.h"
#include "pbjson/pbjson.h"
#include "svc/mask.h"
#include "svc/wire.h"
#include "twilio_fields.h"

enum { FIELDS_MAX = 16, WORD_SIZE = 64, NAME_MAX_CHARS = 64 };

struct making {
    struct arena *arena;
    const struct write_op *op;
    const ProtobufCMessage *request;
    const ProtobufCMessage *item;
    struct write_form *form;
};

/* ---- values ---- */

static const char *enum_text(struct arena *arena, const ProtobufCFieldDescriptor *field, int value)
{
    char word[WORD_SIZE];
    if (value == 0)
        return "";
    (void)pbjson_enum_short(field->descriptor, value, word, sizeof word);
    for (char *c = word; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return arena_strdup(arena, word);
}

static const char *time_text(struct arena *arena, const ProtobufCMessage *time)
{
    char text[CLOCK_TEXT_SIZE];
    if (time == NULL || time->descriptor != &google__protobuf__timestamp__descriptor)
        return "";
    int64_t at_us = wire_time_us((const Google__Protobuf__Timestamp *)(const void *)time);
    return arena_strdup(arena, clock_format_s(at_us, text));
}

/* As Twilio writes it. NULL when the arena is full. */
static const char *value_text(struct arena *arena, const ProtobufCMessage *message,
                              const ProtobufCFieldDescriptor *field)
{
    const void *value = field_of(message, field);
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return field_text(message, field->name);
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)value != 0 ? "true" : "false";
    case PROTOBUF_C_TYPE_INT32:
        return arena_printf(arena, "%" PRId32, *(const int32_t *)value);
    case PROTOBUF_C_TYPE_INT64:
        return arena_printf(arena, "%" PRId64, *(const int64_t *)value);
    case PROTOBUF_C_TYPE_ENUM:
        return enum_text(arena, field, *(const int *)value);
    case PROTOBUF_C_TYPE_MESSAGE:
        return time_text(arena, *(const ProtobufCMessage *const *)value);
    default:
        INVARIANT(false); /* no table names a field of another type */
        return NULL;
    }
}

/* An instruction's data may have said it already. */
static bool is_there(const struct making *m, const char *name)
{
    for (size_t i = 0; i < m->form->count; i++) {
        if (str_eq_text(m->form->params[i].name, name))
            return true;
    }
    return false;
}

/* Only texts can be cleared by an empty parameter. */
static bool may_be_empty(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING;
}

static enum err_code append(struct making *m, const char *name, struct str value, struct err *err)
{
    if (m->form->count == WRITE_PARAMS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "instruction_data",
                         "at most %d parameters can be sent", WRITE_PARAMS_MAX);
    m->form->params[m->form->count++] = (struct twilio_param){str_from(name), value};
    return ERR_OK;
}

static enum err_code param_put(struct making *m, const struct write_param *param, struct err *err)
{
    if (!write_names(m->op, m->request, param))
        return ERR_OK;
    if (param->how == WRITE_HOW_REFUSED)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "NOT_AT_TWILIO", param->field,
                         "Twilio, which routes this workspace, has nothing like %s; leave it out",
                         param->field);
    if (param->name == NULL || is_there(m, param->name))
        return ERR_OK;
    const ProtobufCMessage *from = write_param_source(m->op, m->request, param);
    const ProtobufCFieldDescriptor *field = field_find(from->descriptor, param->field);
    const char *text = value_text(m->arena, from, field);
    if (text == NULL)
        return call_no_room(err);
    if (text[0] == '\0' && param->empty != NULL)
        text = param->empty;
    if (text[0] == '\0' && !may_be_empty(field))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", param->field,
                         "%s cannot be cleared; give a value", param->field);
    return append(m, param->name, str_from(text), err);
}

/* ---- what is done with it ---- */

static enum err_code words_put(struct making *m, const char *name, const json_t *value,
                               struct err *err)
{
    enum err_code code = ERR_OK;
    size_t i = 0;
    json_t *item = NULL;
    struct str rest = str_from(json_string_value(value));
    while (code == ERR_OK && rest.ptr != NULL) {
        struct str word = str_trim(str_split(&rest, ','));
        if (word.len > 0)
            code = append(m, name, word, err);
    }
    json_array_foreach(value, i, item)
    {
        if (code == ERR_OK && json_is_string(item))
            code = append(m, name, arena_str(m->arena, str_from(json_string_value(item))), err);
    }
    return code;
}

static enum err_code datum_put(struct making *m, const char *name, const json_t *value,
                               struct err *err)
{
    const char *text = NULL;
    if (json_is_string(value))
        text = arena_strdup(m->arena, json_string_value(value));
    else if (json_is_boolean(value))
        text = json_is_true(value) ? "true" : "false";
    else if (json_is_integer(value))
        text = arena_printf(m->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        return ERR_OK; /* null: as good as absent; the rest was refused */
    return text == NULL ? call_no_room(err) : append(m, name, str_from(text), err);
}

static void json_drop(void *json)
{
    json_decref(json);
}

/* The instruction and its parameters, in the form's names whatever they were given in. */
static enum err_code instruction_put(struct making *m, struct err *err)
{
    const char *name = field_text(m->request, "instruction");
    struct str data = str_from(field_text(m->request, "instruction_data"));
    struct instruction instruction;
    enum err_code code = instruction_read(m->arena, str_from(name), data, &instruction, err);
    if (code == ERR_OK)
        code = append(m, m->op->status_param, str_from(name), err);
    json_t *root = NULL;
    if (code == ERR_OK && data.len > 0)
        code = jx_parse_object(data, NULL, &root, err);
    if (code != ERR_OK || root == NULL)
        return code;
    arena_defer(m->arena, json_drop, root);
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(root, key, value)
    {
        bool is_list = false;
        const char *form_name = instruction_form_name(instruction.kind, str_from(key), &is_list);
        if (form_name == NULL || code != ERR_OK)
            continue;
        /* the form's spelling counts where both are there, as instruction_read has it */
        if (strcmp(form_name, key) != 0 && jx_get(root, form_name) != NULL)
            continue;
        code = is_list ? words_put(m, form_name, value, err) : datum_put(m, form_name, value, err);
    }
    return code;
}

static enum err_code status_put(struct making *m, struct err *err)
{
    if (m->op->status_param == NULL)
        return ERR_OK;
    if (m->op->status_value == NULL)
        return instruction_put(m, err);
    enum err_code code = append(m, m->op->status_param, str_from(m->op->status_value), err);
    if (code == ERR_OK && m->op->reason != NULL && field_text(m->request, "reason")[0] == '\0')
        code = append(m, "Reason", str_from(m->op->reason), err);
    return code;
}

/* ---- the path ---- */

/* A unique name is as good for channels; nothing that means something in a path. */
static bool is_name(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || c == '$';
        if (!is_good)
            return false;
    }
    return len > 0 && len <= NAME_MAX_CHARS;
}

static enum err_code sid_check(const char *field, const char *sid, const char *prefix,
                               bool takes_name, struct err *err)
{
    if (parse_is_sid(str_from(sid), prefix) || (takes_name && is_name(sid)))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SID", field,
                     "%s must be a SID: %s and 32 hexadecimal digits%s", field, prefix,
                     takes_name ? ", or a unique name" : "");
}

static enum err_code path_make(struct making *m, const char *parent_sid, struct err *err)
{
    const struct write_op *op = m->op;
    const char *workspace_sid = write_workspace_sid(op, m->request);
    const char *sid = write_sid(op, m->request);
    bool takes_name = op->resource == TWILIO_TASK_CHANNEL || op->resource == TWILIO_WORKER_CHANNEL;
    enum err_code code = ERR_OK;
    if (op->resource != TWILIO_WORKSPACE)
        code = sid_check("workspace_sid", workspace_sid, "WS", false, err);
    if (code == ERR_OK && op->sid != NULL)
        code = sid_check(op->sid, sid, twilio_prefix(op->resource), takes_name, err);
    if (op->resource == TWILIO_WORKER_CHANNEL)
        parent_sid = field_text(m->item, "worker_sid");
    if (code == ERR_OK && op->resource == TWILIO_WORKER_CHANNEL)
        code = sid_check("worker_sid", parent_sid, "WK", false, err);
    if (code != ERR_OK)
        return code;
    m->form->path = twilio_path(m->arena, op->resource, workspace_sid, parent_sid,
                                op->sid == NULL ? NULL : sid);
    return m->form->path == NULL ? call_no_room(err) : ERR_OK;
}

/* ---- in all ---- */

/* What is beside the item may be all there is. */
static enum err_code mask_look(const struct making *m, struct err *err)
{
    const char *allowed[FIELDS_MAX];
    size_t count = 0;
    bool has_beside = false;
    const ProtobufCMessage *mask = field_message(m->request, "update_mask");
    const Google__Protobuf__FieldMask *names = (const void *)mask;
    for (const struct write_param *param = m->op->params;
         param != NULL && param->field != NULL && count < FIELDS_MAX; param++) {
        if (param->how == WRITE_HOW_BESIDE)
            has_beside = has_beside || write_names(m->op, m->request, param);
        else
            allowed[count++] = param->field;
    }
    if (has_beside && (names == NULL || names->n_paths == 0))
        return ERR_OK;
    return mask_check(names, allowed, count, err);
}

enum err_code write_form_make(struct arena *arena, const struct write_op *op,
                              const ProtobufCMessage *request, const char *parent_sid,
                              struct write_form *out, struct err *err)
{
    struct write_form form = {.params = ARENA_ARRAY(arena, struct twilio_param, WRITE_PARAMS_MAX)};
    struct making m = {arena, op, request, write_item(op, request), &form};
    if (form.params == NULL)
        return call_no_room(err);
    if (m.item == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", op->item,
                         "%s is required; give it with its sid", op->item);
    enum err_code code = path_make(&m, parent_sid, err);
    if (code == ERR_OK && op->item != NULL)
        code = mask_look(&m, err);
    if (code == ERR_OK)
        code = status_put(&m, err);
    for (const struct write_param *param = op->params;
         code == ERR_OK && param != NULL && param->field != NULL; param++)
        code = param_put(&m, param, err);
    if (code == ERR_OK && op->kind == WRITE_UPDATE && op->item == NULL && form.count == 0)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EMPTY_UPDATE", "update_mask",
                         "nothing to change; name at least one field");
    if (code == ERR_OK && arena_is_exhausted(arena))
        code = call_no_room(err);
    if (code == ERR_OK)
        *out = form;
    return code;
}

bool write_is_ours(const struct write_op *op, const struct write_form *form)
{
    return op->kind == WRITE_UPDATE && form->count == 0;
}

/* ---- whether it was carried out ---- */

static bool is_same_json(const char *a, const char *b)
{
    AUTO(jx_cleanup) json_t *left = NULL;
    AUTO(jx_cleanup) json_t *right = NULL;
    struct jx_limits limits = {.max_bytes = 2 << 20, .allows_duplicates = true};
    struct err ignored = {0};
    return jx_parse_object(str_from(a), &limits, &left, &ignored) == ERR_OK &&
           jx_parse_object(str_from(b), &limits, &right, &ignored) == ERR_OK &&
           json_equal(left, right) == 1;
}

static bool is_same(const char *wanted, const char *shown)
{
    return wanted != NULL && shown != NULL &&
           (strcmp(wanted, shown) == 0 ||
            (wanted[0] == '{' && shown[0] == '{' && is_same_json(wanted, shown)));
}

static bool param_shows(struct arena *arena, const struct write_op *op,
                        const ProtobufCMessage *request, const struct write_param *param,
                        const ProtobufCMessage *resource)
{
    const ProtobufCMessage *item = write_item(op, request);
    const char *name = param->shown != NULL ? param->shown : param->field;
    const ProtobufCFieldDescriptor *from = field_find(item->descriptor, param->field);
    const ProtobufCFieldDescriptor *to = field_find(resource->descriptor, name);
    if (from == NULL || to == NULL)
        return true; /* nowhere shown */
    const char *wanted = value_text(arena, item, from);
    if (wanted != NULL && wanted[0] == '\0' && param->empty != NULL)
        wanted = param->empty;
    return is_same(wanted, value_text(arena, resource, to)) ||
           (param->other != NULL && is_same(wanted, field_text(resource, param->other)));
}

bool write_shows(struct arena *arena, const struct write_op *op, const ProtobufCMessage *request,
                 const ProtobufCMessage *resource)
{
    if (op->kind == WRITE_ACTION) {
        const ProtobufCFieldDescriptor *field =
            op->status_field == NULL ? NULL : field_find(resource->descriptor, op->status_field);
        return field != NULL && *(const int *)field_of(resource, field) == op->status;
    }
    for (const struct write_param *param = op->params; param != NULL && param->field != NULL;
         param++) {
        bool counts =
            op->kind == WRITE_CREATE
                ? param->is_key && (param->empty != NULL || write_names(op, request, param))
                : param->how == WRITE_HOW_FIELD && param->name != NULL &&
                      write_names(op, request, param);
        if (counts && !param_shows(arena, op, request, param, resource))
            return false;
    }
    return op->kind != WRITE_DELETE;
}

void write_add_ours(struct arena *arena, const struct write_op *op, const ProtobufCMessage *request,
                    ProtobufCMessage *resource)
{
    struct instruction instruction;
    for (const struct write_param *param = op->params; param != NULL && param->field != NULL;
         param++) {
        if (param->how == WRITE_HOW_OURS && write_names(op, request, param))
            field_text_set(resource, param->field,
                           field_text(write_item(op, request), param->field));
    }
    if (op->resource != TWILIO_RESERVATION || field_text(request, "instruction")[0] == '\0')
        return;
    /* As the router records it: known parameters only, and no secrets. */
    bool is_read = instruction_read_done(arena, str_from(field_text(request, "instruction")),
                                         str_from(field_text(request, "instruction_data")),
                                         &instruction, NULL) == ERR_OK;
    const char *data = is_read ? arena_str_dup(arena, instruction.data) : "";
    field_text_set(resource, "instruction", field_text(request, "instruction"));
    field_text_set(resource, "instruction_data", data == NULL ? "" : data);
}

/* ---- refusals ---- */

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The first parameter that the message names. */
static const char *named_field(const struct write_op *op, const char *message)
{
    while (*message != '\0') {
        size_t len = 0;
        while (is_word_char(message[len]))
            len++;
        const char *field = write_field_of(op, (struct str){message, len});
        if (len > 0 && field != NULL)
            return field;
        message += len > 0 ? len : 1;
    }
    return NULL;
}

enum err_code write_refusal(const struct write_op *op, int status, int64_t twilio_code,
                            const char *message, struct err *err)
{
    const char *field = named_field(op, message);
    const char *said = message[0] == '\0' ? "the request was refused without a word" : message;
    enum err_code code = ERR_INVALID_ARGUMENT;
    if (field == NULL && (op->kind == WRITE_ACTION || op->kind == WRITE_DELETE))
        code = ERR_FAILED_PRECONDITION;
    switch (status) {
    case 404:
        return ERR_SET(err, ERR_NOT_FOUND, "UPSTREAM_NOT_FOUND",
                       "Twilio says that it is not there (any more): %s (code %" PRId64 ")", said,
                       twilio_code);
    case 410:
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "RESERVATION_RESCINDED",
                       "Twilio: %s (code %" PRId64 ")", said, twilio_code);
    case 412:
        return ERR_SET(err, ERR_ABORTED, "VERSION_MISMATCH",
                       "it was changed at Twilio meanwhile; read it again: %s (code %" PRId64 ")",
                       said, twilio_code);
    case 409:
        code = op->kind == WRITE_CREATE ? ERR_ALREADY_EXISTS : ERR_FAILED_PRECONDITION;
        break;
    default:
        break;
    }
    if (field != NULL)
        return ERR_FIELD(err, code, "UPSTREAM_REFUSED", field, "Twilio: %s (code %" PRId64 ")",
                         said, twilio_code);
    return ERR_SET(err, code, "UPSTREAM_REFUSED", "Twilio: %s (status %d, code %" PRId64 ")", said,
                   status, twilio_code);
}
