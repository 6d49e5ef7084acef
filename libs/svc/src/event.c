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
