#include "activity_check.h"

#include "queue_store.h"
#include "queues.h"
#include "rpc/client.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

static enum err_code keep(struct queues *queues, struct call *call,
                          const Taskrouter__Workers__V1__Activity *activity, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    enum err_code code = db_acquire(queues->host.pool, call, &conn, err);
    if (code != ERR_OK)
        return code;
    return activity_copy_store_put(conn, call,
                                   &(struct activity_copy){
                                       .sid = activity->sid,
                                       .workspace_sid = activity->workspace_sid,
                                       .friendly_name = activity->friendly_name,
                                       .version = activity->version,
                                   },
                                   err);
}

static enum err_code ask(struct queues *queues, struct call *call, const char *workspace_sid,
                         const char *field, const char *shown, const char *sid,
                         const char **out_name, struct err *err)
{
    if (sid[0] == '\0') {
        *out_name = "";
        return ERR_OK;
    }
    Taskrouter__Workers__V1__GetActivityRequest request;
    taskrouter__workers__v1__get_activity_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.sid = arena_strdup(call->arena, sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    Taskrouter__Workers__V1__Activity *activity = NULL;
    enum err_code code = RPC_CALL(queues->host.as_service[PEER_WORKERS], call,
                                  "/taskrouter.workers.v1.Workers/GetActivity", &request.base,
                                  taskrouter__workers__v1__activity, &activity, err);
    if (code == ERR_NOT_FOUND)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ACTIVITY_NOT_FOUND", field,
                         "%s: there is no activity %s in workspace %s; list its activities", shown,
                         sid, workspace_sid);
    if (code != ERR_OK)
        return code;
    *out_name = activity->friendly_name;
    return keep(queues, call, activity, err);
}

enum err_code activity_check_named(struct queues *queues, struct call *call,
                                   struct task_queue *queue, struct err *err)
{
    enum err_code code = ask(queues, call, queue->workspace_sid, "reservation_activity_sid",
                             "reservationActivitySid", queue->reservation_activity_sid,
                             &queue->reservation_activity_name, err);
    if (code == ERR_OK)
        code = ask(queues, call, queue->workspace_sid, "assignment_activity_sid",
                   "assignmentActivitySid", queue->assignment_activity_sid,
                   &queue->assignment_activity_name, err);
    return code;
}

enum err_code activity_check_required(struct queues *queues, struct call *call,
                                      const struct task_queue *queue, struct err *err)
{
    if (queue->reservation_activity_sid[0] != '\0' && queue->assignment_activity_sid[0] != '\0')
        return ERR_OK;
    Taskrouter__Workers__V1__GetWorkspaceRequest request;
    taskrouter__workers__v1__get_workspace_request__init(&request);
    request.sid = arena_strdup(call->arena, queue->workspace_sid);
    if (request.sid == NULL)
        return call_no_room(err);
    Taskrouter__Workers__V1__Workspace *workspace = NULL;
    enum err_code code = RPC_CALL(queues->host.as_service[PEER_WORKERS], call,
                                  "/taskrouter.workers.v1.Workers/GetWorkspace", &request.base,
                                  taskrouter__workers__v1__workspace, &workspace, err);
    if (code == ERR_UNAVAILABLE || code == ERR_DEADLINE_EXCEEDED) {
        err_clear(err); /* nearly all have multitasking: better made than refused */
        return ERR_OK;
    }
    if (code != ERR_OK || workspace->multi_task_enabled)
        return code;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ACTIVITY_REQUIRED",
                     queue->reservation_activity_sid[0] == '\0' ? "reservation_activity_sid"
                                                                : "assignment_activity_sid",
                     "Activity Sids cannot be empty: the workspace has no multitasking, so a queue "
                     "needs reservationActivitySid and assignmentActivitySid");
}
