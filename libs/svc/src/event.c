#include "svc/event.h"

#include "outbox/outbox.h"
#include "pbjson/pbjson.h"

enum err_code svc_event_append(struct db_conn *conn, struct call *call,
                               const struct svc_event *event, struct err *err)
{
    struct outbox_event row = {
        .source = event->source,
        .type = event->type,
        .workspace_sid = event->workspace_sid,
        .account_sid = event->account_sid,
        .subject_sid = event->subject_sid,
        .version = event->version,
    };
    enum err_code code =
        pbjson_text(event->data, &pbjson_canonical, call->arena, &row.data_json, err);
    if (code != ERR_OK)
        return code;
    return outbox_append(conn, call, &row, err);
}

enum err_code svc_event_read(struct call *call, const struct bus_msg *msg,
                             const ProtobufCMessageDescriptor *type, struct bus_event *out_envelope,
                             ProtobufCMessage **out_event, struct err *err)
{
    enum err_code code = bus_event_parse(call->arena, msg->payload, out_envelope, err);
    if (code != ERR_OK)
        return code;
    return pbjson_decode(out_envelope->data, type, &pbjson_event, call->arena, out_event, NULL,
                         err);
}

enum err_code svc_event_empty(const struct bus_msg *msg, struct err *err)
{
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID",
                   "the event %.*s has no resource in its data", STR_ARG(msg->subject));
}
