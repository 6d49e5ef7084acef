/* What was said in a message, once it is written down: keywords and rules see it as they would see
 * a text message. */
#include <string.h>

#include "calls_tasks.h"
#include "gateway.h"
#include "jx/jx.h"
#include "log/log.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

#define DECIDE "/taskrouter.routing.v1.Rules/Decide"

enum { SAID_MAX = 4000, PHONE_MAX = 64 }; /* characters */

/* A later word of the same thing counts, not what was found before. */
static enum err_code forget_keywords(const struct call *call, const char *attributes,
                                     const char **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *object = NULL;
    enum err_code code = jx_parse_object(str_from(attributes), NULL, &object, err);
    if (code != ERR_OK)
        return code;
    (void)json_object_del(object, "keywords");
    (void)json_object_del(object, "confidence");
    *out = calls_attributes(call, object);
    return *out == NULL ? call_no_room(err) : ERR_OK;
}

static enum err_code rules_ask(struct calls *calls, const struct call *call,
                               const struct phone_call *row, const char *channel,
                               const char *attributes,
                               Taskrouter__Routing__V1__Decision **out_decision, struct err *err)
{
    struct arena *arena = call->arena;
    struct call as_service = calls_as_service(call, CONSUMER_MS);
    Taskrouter__Routing__V1__DecideRequest request;
    taskrouter__routing__v1__decide_request__init(&request);
    request.workspace_sid = wire_text(arena, row->workspace_sid);
    request.attributes = wire_text(arena, attributes);
    request.task_channel = wire_text(arena, channel);
    request.text = wire_text(arena, tasks_shown(arena, row->transcription, SAID_MAX));
    request.caller_phone = wire_text(arena, tasks_shown(arena, row->from_number, PHONE_MAX));
    request.called_phone = wire_text(arena, tasks_shown(arena, row->to_number, PHONE_MAX));
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    return RPC_CALL(calls_peer(calls, PEER_ROUTING), &as_service, DECIDE, &request.base,
                    taskrouter__routing__v1__decision, out_decision, err);
}

enum err_code tasks_said(struct calls *calls, const struct call *call, const struct phone_call *row,
                         const char *channel, const char **attributes, struct said *out,
                         struct err *err)
{
    Taskrouter__Routing__V1__Decision *decision = NULL;
    const char *before = NULL;
    *out = (struct said){.workflow_sid = "", .task_queue_sid = ""};
    if (row->transcription[0] == '\0' || row->status != PHONE_CALL_VOICEMAIL)
        return ERR_OK;
    enum err_code code = forget_keywords(call, *attributes, &before, err);
    if (code == ERR_OK)
        code = rules_ask(calls, call, row, channel, before, &decision, err);
    if (code == ERR_INVALID_ARGUMENT || code == ERR_FAILED_PRECONDITION || code == ERR_NOT_FOUND) {
        LOG_WARN(call, "the rules do not take what was said, the message goes on without them",
                 LOG_STR("phone_call", row->sid), LOG_ERR(err));
        err_clear(err);
        return ERR_OK;
    }
    if (code != ERR_OK || decision == NULL)
        return code;
    if (decision->attributes[0] != '\0')
        *attributes = decision->attributes;
    out->has_priority = decision->_priority_case != 0;
    out->priority = out->has_priority ? decision->priority : 0;
    out->workflow_sid = decision->workflow_sid;
    out->task_queue_sid = decision->task_queue_sid;
    return ERR_OK;
}
