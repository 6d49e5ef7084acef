#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jx/writer.h"
#include "pbjson/pbjson.h"
#include "rest_int.h"

enum { ETAG_SIZE = 24, /* quotes, 20 digits, NUL */ LOCATION_SIZE = 192 };

static const void *value_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *base = (const void *)message;
    return base + field->offset;
}

static const char *text_of(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        message == NULL ? NULL : rest_field(message->descriptor, name);
    if (field == NULL || field->type != PROTOBUF_C_TYPE_STRING ||
        field->label == PROTOBUF_C_LABEL_REPEATED)
        return "";
    const char *text = *(const char *const *)value_of(message, field);
    return text == NULL ? "" : text;
}

/* A token's reply has the item one level down, beside its secret. */
const char *rest_reply_sid(const ProtobufCMessage *reply)
{
    const char *sid = text_of(reply, "sid");
    if (reply == NULL || sid[0] != '\0')
        return sid;
    for (unsigned i = 0; i < reply->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &reply->descriptor->fields[i];
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED)
            return text_of(*(ProtobufCMessage *const *)value_of(reply, field), "sid");
    }
    return "";
}

static enum err_code list_write(const ProtobufCMessage *reply, struct buf *out, struct err *err)
{
    const ProtobufCFieldDescriptor *field = rest_field(reply->descriptor, "items");
    INVARIANT(field != NULL && field->label == PROTOBUF_C_LABEL_REPEATED);
    const char *base = (const void *)reply;
    const void *quantifier = base + field->quantifier_offset;
    size_t count = *(const size_t *)quantifier;
    ProtobufCMessage *const *items = *(ProtobufCMessage *const *const *)value_of(reply, field);
    const char *cursor = text_of(reply, "next_cursor");
    struct jx_writer w;
    jx_writer_init(&w, out);
    jx_object_begin(&w);
    jx_key(&w, "items");
    jx_array_begin(&w);
    for (size_t i = 0; i < count; i++)
        pbjson_write(&w, items[i], &pbjson_rest);
    jx_array_end(&w);
    jx_put_text(&w, "nextCursor", cursor[0] == '\0' ? NULL : cursor);
    jx_object_end(&w);
    return jx_writer_finish(&w, err);
}

/* False when the item has no version. */
static bool etag_of(const ProtobufCMessage *reply, char etag[ETAG_SIZE])
{
    const ProtobufCFieldDescriptor *field = rest_field(reply->descriptor, "version");
    if (field == NULL || field->type != PROTOBUF_C_TYPE_INT64)
        return false;
    (void)snprintf(etag, ETAG_SIZE, "\"%" PRId64 "\"", *(const int64_t *)value_of(reply, field));
    return true;
}

enum err_code rest_reply_write(const struct rest_route *row, const struct http_request *req,
                               const ProtobufCMessage *reply, struct http_response *res,
                               struct err *err)
{
    char etag[ETAG_SIZE];
    if (row->reply == NULL || reply == NULL) {
        http_no_content(res);
        return ERR_OK;
    }
    if (row->kind == REST_LIST) {
        enum err_code code = list_write(reply, &res->body, err);
        http_json_body(res, 200);
        return code;
    }
    if (etag_of(reply, etag)) {
        http_set_header(res, "ETag", etag);
        if (row->kind == REST_GET && http_etag_matches(req, "If-None-Match", etag)) {
            res->status = 304;
            return ERR_OK;
        }
    }
    if (row->kind == REST_CREATE) {
        char location[LOCATION_SIZE];
        (void)snprintf(location, sizeof location, "%s/%s", row->pattern, rest_reply_sid(reply));
        http_set_header(res, "Location", location);
    }
    enum err_code code = pbjson_encode(reply, &pbjson_rest, &res->body, err);
    http_json_body(res, row->kind == REST_CREATE ? 201 : 200);
    return code;
}
