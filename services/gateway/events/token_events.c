#include "token_events.h"

#include <string.h>

#include "gateway.h"
#include "svc/event.h"
#include "svc/wire.h"
#include "taskrouter/events/v1/events.pb-c.h"

enum err_code token_event_append(struct db_conn *conn, struct call *call, const char *type,
                                 const char *token_sid, const char *account_sid, int64_t version,
                                 struct err *err)
{
    bool is_revoked = strcmp(type, "token.revoked") == 0;
    Taskrouter__Events__V1__TokenEvent data;
    taskrouter__events__v1__token_event__init(&data);
    data.token_sid = wire_text(call->arena, token_sid);
    data.revoked = is_revoked;
    if (data.token_sid == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the request needs too much memory; ask for less at once");
    return svc_event_append(conn, call,
                            &(struct svc_event){
                                .source = GATEWAY_SOURCE,
                                .type = type,
                                .workspace_sid = "",
                                .account_sid = account_sid,
                                .subject_sid = token_sid,
                                .version = version,
                                .data = &data.base,
                            },
                            err);
}
