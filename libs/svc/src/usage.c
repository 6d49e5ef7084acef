#include "svc/usage.h"

#include "rpc/client.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

enum err_code usage_check_tasks(struct rpc_client *tasks, struct call *call,
                                const char *workspace_sid, const char *queue_sid,
                                const char *workflow_sid, struct err *err)
{
    static Taskrouter__Tasks__V1__TaskStatus waiting[] = {
        TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_PENDING,
        TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_RESERVED,
    };
    Taskrouter__Tasks__V1__ListTasksRequest request;
    taskrouter__tasks__v1__list_tasks_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.task_queue_sid = arena_strdup(call->arena, queue_sid);
    request.workflow_sid = arena_strdup(call->arena, workflow_sid);
    request.assignment_status = waiting;
    request.n_assignment_status = ARRAY_LEN(waiting);
    request.page_size = 1;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    Taskrouter__Tasks__V1__ListTasksResponse *reply = NULL;
    enum err_code code =
        RPC_CALL(tasks, call, "/taskrouter.tasks.v1.Tasks/ListTasks", &request.base,
                 taskrouter__tasks__v1__list_tasks_response, &reply, err);
    if (code != ERR_OK || reply->n_items == 0)
        return code;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "IN_USE",
                   "%s is still needed by waiting tasks such as %s; complete or cancel them first",
                   queue_sid[0] != '\0' ? queue_sid : workflow_sid, reply->items[0]->sid);
}
