#include "twilio_render.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "pbjson/pbjson.h"
#include "svc/wire.h"
#include "twilio_ops.h"
#include "twilio_views.h"

enum { URL_MAX_BYTES = 4096, WORD_MAX_BYTES = 64 };

/* ---- fields ---- */

static const void *at(const ProtobufCMessage *message, unsigned offset)
{
    const char *base = (const void *)message;
    return base + offset;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessage *message, struct str name)
{
    char text[WORD_MAX_BYTES];
    INVARIANT(name.len < sizeof text);
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return twilio_field(message->descriptor, text);
}

static const char *text_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field == NULL || field->type != PROTOBUF_C_TYPE_STRING)
        return "";
    const char *text = *(const char *const *)at(message, field->offset);
    return text == NULL ? "" : text;
}

const char *twilio_text_of(const ProtobufCMessage *message, const char *field)
{
    return message == NULL ? "" : text_at(message, twilio_field(message->descriptor, field));
}

static int64_t int_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *value = field == NULL ? NULL : at(message, field->offset);
    if (value == NULL)
        return 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
        return *(const int64_t *)value;
    case PROTOBUF_C_TYPE_INT32:
        return *(const int32_t *)value;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)value != 0;
    case PROTOBUF_C_TYPE_ENUM:
        return *(const int *)value;
    default:
        return 0;
    }
}

int64_t twilio_version_of(const ProtobufCMessage *message)
{
    return message == NULL ? 0 : int_at(message, twilio_field(message->descriptor, "version"));
}

const char *twilio_word_of(const ProtobufCMessage *message, const char *name,
                           char out[TWILIO_WORD_SIZE])
{
    const ProtobufCFieldDescriptor *field = twilio_field(message->descriptor, name);
    out[0] = '\0';
    if (field == NULL || field->type != PROTOBUF_C_TYPE_ENUM || int_at(message, field) == 0)
        return out;
    return pbjson_enum_short(field->descriptor, (int)int_at(message, field), out, TWILIO_WORD_SIZE);
}

static int64_t time_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field == NULL || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return 0;
    return wire_time_us(*(Google__Protobuf__Timestamp *const *)at(message, field->offset));
}

ProtobufCMessage *const *twilio_items_of(const ProtobufCMessage *reply, size_t *out_count)
{
    const ProtobufCFieldDescriptor *field = twilio_field(reply->descriptor, "items");
    INVARIANT(field != NULL && field->label == PROTOBUF_C_LABEL_REPEATED);
    *out_count = *(const size_t *)at(reply, field->quantifier_offset);
    return *(ProtobufCMessage *const *const *)at(reply, field->offset);
}

void twilio_items_set(ProtobufCMessage *reply, ProtobufCMessage **items, size_t count)
{
    const ProtobufCFieldDescriptor *field = twilio_field(reply->descriptor, "items");
    char *base = (void *)reply;
    void *value = base + field->offset;
    void *quantifier = base + field->quantifier_offset;
    *(ProtobufCMessage ***)value = items;
    *(size_t *)quantifier = count;
}

void twilio_text_share(ProtobufCMessage *to, const ProtobufCMessage *from, const char *field_name)
{
    const ProtobufCFieldDescriptor *field = twilio_field(to->descriptor, field_name);
    INVARIANT(field != NULL && to->descriptor == from->descriptor);
    char *base = (void *)to;
    void *value = base + field->offset;
    *(char **)value = *(char *const *)at(from, field->offset);
}

/* ---- URLs ---- */

/* False when a field of the template is empty. */
static bool path_write(struct buf *out, const char *template, const ProtobufCMessage *message)
{
    struct str rest = str_from(template);
    while (rest.ptr != NULL) {
        buf_str_append(out, str_split(&rest, '{'));
        if (rest.ptr == NULL)
            break;
        const char *text = text_at(message, field_of(message, str_split(&rest, '}')));
        if (text[0] == '\0')
            return false;
        buf_text(out, text);
    }
    return true;
}

static void url_put(struct jx_writer *w, const char *base, const char *template,
                    const ProtobufCMessage *message)
{
    struct buf url;
    buf_init(&url, URL_MAX_BYTES);
    buf_text(&url, base);
    if (path_write(&url, template, message) && !buf_failed(&url))
        jx_str(w, buf_str(&url));
    else
        jx_null(w);
    buf_fini(&url);
}

/* Where resources of a kind are. */
static const struct {
    char prefix[3];
    const char *path; /* behind the workspace's; {} is the SID */
} homes[] = {
    {"WK", "/Workers/"     },
    {"WA", "/Activities/"  },
    {"WQ", "/TaskQueues/"  },
    {"WW", "/Workflows/"   },
    {"WT", "/Tasks/"       },
    {"TC", "/TaskChannels/"},
    {"EV", "/Events/"      },
};

/* The task of a reservation's event is in its data. */
static bool reservation_path(struct buf *out, const ProtobufCMessage *message, const char *sid)
{
    AUTO(jx_cleanup) json_t *data = NULL;
    struct err ignored = {0};
    struct str text = str_from(twilio_text_of(message, "event_data"));
    if (jx_parse_object(text, NULL, &data, &ignored) != ERR_OK)
        return false;
    const char *task = jx_get_text(data, "task_sid", "");
    if (!parse_is_sid(str_from(task), "WT"))
        return false;
    buf_printf(out, "/Tasks/%s/Reservations/%s", task, sid);
    return true;
}

static bool sid_path(struct buf *out, const ProtobufCMessage *message, const char *sid)
{
    const char *workspace = twilio_text_of(message, "workspace_sid");
    if (!parse_is_sid(str_from(sid), NULL) || workspace[0] == '\0')
        return false;
    buf_printf(out, "/Workspaces/%s", workspace);
    if (strncmp(sid, "WS", 2) == 0)
        return strcmp(sid, workspace) == 0;
    if (strncmp(sid, "WR", 2) == 0)
        return reservation_path(out, message, sid);
    for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
        if (strncmp(sid, homes[i].prefix, 2) != 0)
            continue;
        buf_printf(out, "%s%s", homes[i].path, sid);
        return true;
    }
    return false;
}

static void sid_url_put(struct jx_writer *w, const char *base, const ProtobufCMessage *message,
                        const char *sid)
{
    struct buf url;
    buf_init(&url, URL_MAX_BYTES);
    buf_text(&url, base);
    if (sid_path(&url, message, sid) && !buf_failed(&url))
        jx_str(w, buf_str(&url));
    else
        jx_null(w);
    buf_fini(&url);
}

/* ---- members ---- */

static void enum_put(struct jx_writer *w, const ProtobufCMessage *message, const char *field,
                     bool is_upper)
{
    char word[TWILIO_WORD_SIZE];
    (void)twilio_word_of(message, field, word);
    for (char *c = word; is_upper && *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    jx_text(w, word[0] == '\0' ? NULL : word);
}

static void text_put(struct jx_writer *w, const char *text, enum twilio_show show)
{
    bool is_empty = text[0] == '\0';
    if (show == TWILIO_SHOW_OBJECT)
        jx_text(w, is_empty ? "{}" : text);
    else if (show == TWILIO_SHOW_TEXT)
        jx_text(w, text);
    else if (show == TWILIO_SHOW_SID)
        jx_text(w, parse_is_sid(str_from(text), NULL) ? text : NULL);
    else if (show == TWILIO_SHOW_JSON && jx_is_json(str_from(text), JX_MAX_DEPTH))
        jx_raw(w, str_from(text));
    else
        jx_text(w, is_empty ? NULL : text);
}

static void member_put(struct jx_writer *w, const struct twilio_member *member, const char *base,
                       const ProtobufCMessage *message)
{
    bool is_template = member->show == TWILIO_SHOW_URL || member->show == TWILIO_SHOW_CONSTANT;
    const ProtobufCFieldDescriptor *field =
        is_template ? NULL : twilio_field(message->descriptor, member->field);
    int64_t at_us = 0;
    jx_key(w, member->key);
    switch (member->show) {
    case TWILIO_SHOW_URL:
        url_put(w, base, member->field, message);
        break;
    case TWILIO_SHOW_CONSTANT:
        jx_text(w, member->field);
        break;
    case TWILIO_SHOW_SID_URL:
        sid_url_put(w, base, message, text_at(message, field));
        break;
    case TWILIO_SHOW_BOOL:
        jx_bool(w, int_at(message, field) != 0);
        break;
    case TWILIO_SHOW_INT:
        jx_i64(w, int_at(message, field));
        break;
    case TWILIO_SHOW_DATE:
    case TWILIO_SHOW_DATE_MS:
        at_us = time_at(message, field);
        if (at_us == 0)
            jx_null(w);
        else if (member->show == TWILIO_SHOW_DATE)
            jx_time_s(w, at_us);
        else
            jx_i64(w, at_us / US_PER_MS);
        break;
    case TWILIO_SHOW_ENUM:
    case TWILIO_SHOW_ENUM_UPPER:
        enum_put(w, message, member->field, member->show == TWILIO_SHOW_ENUM_UPPER);
        break;
    case TWILIO_SHOW_TEXT:
    case TWILIO_SHOW_OPTIONAL:
    case TWILIO_SHOW_OBJECT:
    case TWILIO_SHOW_SID:
    case TWILIO_SHOW_JSON:
        text_put(w, text_at(message, field), member->show);
        break;
    }
}

void twilio_render_item(struct jx_writer *w, const struct twilio_view *view, const char *base,
                        const ProtobufCMessage *message)
{
    jx_object_begin(w);
    for (const struct twilio_member *member = view->members; member->key != NULL; member++)
        member_put(w, member, base, message);
    if (view->links != NULL) {
        jx_key(w, "links");
        jx_object_begin(w);
        for (const struct twilio_member *link = view->links; link->key != NULL; link++)
            member_put(w, link, base, message);
        jx_object_end(w);
    }
    jx_object_end(w);
}
