#include "message_fields.h"
#include "mirror.h"
#include "svc/check.h"
#include "writes_int.h"

static const ProtobufCFieldDescriptor *expected_field(const struct write *w)
{
    const ProtobufCFieldDescriptor *field = field_find(w->request->descriptor, "expected_version");
    return field != NULL && field_is_set(w->request, field) ? field : NULL;
}

bool write_expects(const struct write *w)
{
    return expected_field(w) != NULL;
}

enum err_code write_row(const struct write *w, ProtobufCMessage **out, struct err *err)
{
    enum twilio_resource resource = w->op->resource;
    const char *parent = field_text(w->request, "worker_sid"); /* of a worker channel */
    return mirror_get(w->writes->options.host->as_service[mirror_owner(resource)], w->call,
                      resource, w->workspace_sid, parent, w->sid, out, err);
}

/* Channels go by two names. */
enum err_code write_find_turn(struct write *w, struct err *err)
{
    ProtobufCMessage *row = NULL;
    w->turn_sid = "";
    if (w->op->kind == WRITE_CREATE || w->op->has_etag)
        return ERR_OK;
    w->turn_sid = w->sid;
    if (w->op->resource != TWILIO_TASK_CHANNEL && w->op->resource != TWILIO_WORKER_CHANNEL)
        return ERR_OK;
    enum err_code code = write_row(w, &row, err);
    if (code == ERR_OK)
        w->turn_sid = field_text(row, "sid");
    if (code == ERR_NOT_FOUND) { /* here; Twilio may know it */
        err_clear(err);
        return ERR_OK;
    }
    return code;
}

/* What Twilio has, into our row: if that is news to us, so is it to the caller, whose version is
 * then too old. */
static enum err_code see(struct write *w, struct err *err)
{
    enum err_code code = write_fetch(w, err);
    if (code == ERR_OK && !w->is_gone)
        code = write_keep_seen(w, err);
    return code;
}

/* Our versions are not Twilio's. Where Twilio takes If-Match, its own version of what was seen goes
 * along, so that nothing can come in between; elsewhere only writes of ours wait for each other. */
enum err_code write_check_expected(struct write *w, struct err *err)
{
    ProtobufCMessage *row = NULL;
    const ProtobufCFieldDescriptor *expected = expected_field(w);
    enum err_code code = ERR_OK;
    w->if_match = "";
    if (expected == NULL)
        return ERR_OK;
    if (!write_is_ours(w->op, &w->form)) {
        code = see(w, err);
        bool is_gone = w->is_gone;
        w->resource = NULL; /* it is not the answer yet */
        w->is_gone = false;
        if (code != ERR_OK || is_gone) /* Twilio will say so */
            return code;
        if (w->op->has_etag)
            w->if_match = w->etag;
    }
    code = write_row(w, &row, err);
    if (code != ERR_OK)
        return code;
    const ProtobufCFieldDescriptor *version = field_find(row->descriptor, "version");
    INVARIANT(version != NULL && version->type == PROTOBUF_C_TYPE_INT64);
    return check_version(true, *(const int64_t *)field_of(w->request, expected),
                         *(const int64_t *)field_of(row, version), err);
}
