#include "routing_events.h"

#include <string.h>

#include "routing.h"
#include "rpc/pb.h"
#include "svc/event.h"
#include "svc/wire.h"
#include "taskrouter/events/v1/events.pb-c.h"

enum { EVENT_TEXT_MAX = 256 << 10 }; /* bytes of a document: a longer one is asked for */

Taskrouter__Routing__V1__Workflow *workflow_to_wire(struct arena *arena,
                                                    const struct workflow *workflow)
{
    Taskrouter__Routing__V1__Workflow *wire = PB_NEW(arena, taskrouter__routing__v1__workflow);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, workflow->sid);
    wire->account_sid = wire_text(arena, workflow->account_sid);
    wire->workspace_sid = wire_text(arena, workflow->workspace_sid);
    wire->friendly_name = wire_text(arena, workflow->friendly_name);
    wire->configuration = wire_text(arena, workflow->configuration);
    wire->configuration_version = workflow->configuration_version;
    wire->assignment_callback_url = wire_text(arena, workflow->assignment_callback_url);
    wire->fallback_assignment_callback_url =
        wire_text(arena, workflow->fallback_assignment_callback_url);
    wire->task_reservation_timeout = workflow->task_reservation_timeout_s;
    wire->version = workflow->version;
    wire->date_created = wire_time(arena, workflow->created_at_us);
    wire->date_updated = wire_time(arena, workflow->updated_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

enum err_code workflow_event_append(struct db_conn *conn, struct call *call,
                                    const struct workflow *workflow,
                                    const struct workflow_change *change, struct err *err)
{
    Taskrouter__Events__V1__WorkflowEvent data;
    taskrouter__events__v1__workflow_event__init(&data);
    data.workflow = workflow_to_wire(call->arena, workflow);
    data.deleted = change->is_deleted;
    data.re_evaluate_tasks = change->re_evaluate_tasks;
    if (data.workflow == NULL)
        return call_no_room(err);
    if (strlen(workflow->configuration) > EVENT_TEXT_MAX) {
        data.configuration_omitted = true;
        data.workflow->configuration = wire_text(call->arena, "");
    }
    return svc_event_append(conn, call,
                            &(struct svc_event){
                                .source = ROUTING_SOURCE,
                                .type = change->type,
                                .workspace_sid = workflow->workspace_sid,
                                .account_sid = workflow->account_sid,
                                .subject_sid = workflow->sid,
                                .version = workflow->version,
                                .data = &data.base,
                            },
                            err);
}
