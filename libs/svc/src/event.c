#include "svc/event.h"

#include "outbox/outbox.h"
#include "pbjson/pbjson.h"

static enum err_code row_from(struct call *call, const struct svc_event *event,
                              struct outbox_event *out_row, struct err *err)
{
    *out_row = (struct outbox_event){
        .source = event->source,
        .type = event->type,
        .workspace_sid = event->workspace_sid,
        .account_sid = event->account_sid,
        .subject_sid = event->subject_sid,
        .version = event->version,
    };
    return pbjson_text(event->data, &pbjson_canonical, call->arena, &out_row->data_json, err);
}

enum err_code svc_event_append(struct db_conn *conn, struct call *call,
                               const struct svc_event *event, struct err *err)
{
    struct outbox_event row;
    enum err_code code = row_from(call, event, &row, err);
    return code == ERR_OK ? outbox_append(conn, call, &row, err) : code;
}

enum err_code svc_events_append(struct db_conn *conn, struct call *call,
                                const struct svc_event *events, size_t count, struct err *err)
{
    struct outbox_event *rows = ARENA_ARRAY(call->arena, struct outbox_event, count);
    enum err_code code = rows == NULL ? call_no_room(err) : ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = row_from(call, &events[i], &rows[i], err);
    return code == ERR_OK ? outbox_append_many(conn, call, rows, count, err) : code;
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
