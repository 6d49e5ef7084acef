/* The task of a call that was put through tells which call the worker's is, as Twilio's do. */
#include <stdlib.h>
#include <string.h>

#include "bridge_int.h"
#include "calls_int.h"
#include "gateway.h"
#include "jx/jx.h"
#include "log/log.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

#define GET_TASK    "/taskrouter.tasks.v1.Tasks/GetTask"
#define UPDATE_TASK "/taskrouter.tasks.v1.Tasks/UpdateTask"

enum { TRIES = 4 }; /* when others change the task at once */

typedef Taskrouter__Tasks__V1__Task wire_task;

enum err_code bridge_task_get(struct bridge *bridge, struct call *call,
                              const struct bridge_leg *leg, wire_task **out, struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_ASK_MS);
    Taskrouter__Tasks__V1__GetTaskRequest request;
    taskrouter__tasks__v1__get_task_request__init(&request);
    request.workspace_sid = wire_text(call->arena, leg->workspace_sid);
    request.sid = wire_text(call->arena, leg->task_sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return RPC_CALL(bridge->gateway->host.as_service[PEER_TASKS], &as_service, GET_TASK,
                    &request.base, taskrouter__tasks__v1__task, out, err);
}

/* NULL: nothing is to be changed. A task that is not assigned would be routed anew by it. */
static const char *attributes_with(struct call *call, const struct bridge_leg *leg,
                                   const wire_task *task)
{
    AUTO(jx_cleanup) json_t *object = NULL;
    if (task->assignment_status != TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_ASSIGNED ||
        jx_parse_object(str_from(task->attributes), NULL, &object, NULL) != ERR_OK ||
        strcmp(jx_get_text(object, "worker_call_sid", ""), leg->provider_call_sid) == 0)
        return NULL;
    (void)json_object_set_new(object, "worker_call_sid", json_string(leg->provider_call_sid));
    char *text = json_dumps(object, JSON_COMPACT);
    bool is_good = text != NULL && str_utf8_count(str_from(text)) <= JX_ATTRIBUTES_CHARS;
    const char *made = is_good ? arena_strdup(call->arena, text) : NULL;
    free(text);
    return made;
}

static enum err_code task_update(struct bridge *bridge, struct call *call, wire_task *task,
                                 const char *attributes, struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_ASK_MS);
    static char path[] = "attributes";
    char *paths[] = {path};
    Google__Protobuf__FieldMask mask;
    Taskrouter__Tasks__V1__UpdateTaskRequest request;
    wire_task *reply = NULL;
    google__protobuf__field_mask__init(&mask);
    mask.paths = paths;
    mask.n_paths = 1;
    taskrouter__tasks__v1__update_task_request__init(&request);
    request._expected_version_case =
        TASKROUTER__TASKS__V1__UPDATE_TASK_REQUEST___EXPECTED_VERSION_EXPECTED_VERSION;
    request.expected_version = task->version;
    task->attributes = wire_text(call->arena, attributes);
    request.task = task;
    request.update_mask = &mask;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return RPC_CALL(bridge->gateway->host.as_service[PEER_TASKS], &as_service, UPDATE_TASK,
                    &request.base, taskrouter__tasks__v1__task, &reply, err);
}

void bridge_note_worker_call(struct bridge *bridge, struct call *call, const struct bridge_leg *leg)
{
    struct err err;
    enum err_code code = ERR_ABORTED;
    err_clear(&err);
    if (leg->is_conference || leg->provider_call_sid[0] == '\0')
        return;
    for (int i = 0; i < TRIES && code == ERR_ABORTED; i++) {
        wire_task *task = NULL;
        err_clear(&err);
        code = bridge_task_get(bridge, call, leg, &task, &err);
        const char *attributes =
            code == ERR_OK && task != NULL ? attributes_with(call, leg, task) : NULL;
        if (attributes != NULL)
            code = task_update(bridge, call, task, attributes, &err);
    }
    if (code != ERR_OK && code != ERR_NOT_FOUND && code != ERR_FAILED_PRECONDITION)
        LOG_WARN(call, "a task is not told of the worker's call",
                 LOG_STR("reservation", leg->reservation_sid), LOG_ERR(&err));
}
