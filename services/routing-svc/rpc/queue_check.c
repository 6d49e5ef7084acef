#include "queue_check.h"

#include "pbjson/pbjson.h"
#include "queue_copy_store.h"
#include "rpc/client.h"
#include "taskrouter/queues/v1/queues.pb-c.h"

static enum err_code ask(struct routing *routing, struct call *call, const char *workspace_sid,
                         const char *field, const char *sid, struct err *err)
{
    Taskrouter__Queues__V1__GetTaskQueueRequest request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.sid = arena_strdup(call->arena, sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    Taskrouter__Queues__V1__TaskQueue *queue = NULL;
    char camel[32];
    enum err_code code = RPC_CALL(routing->host.as_service[PEER_QUEUES], call,
                                  "/taskrouter.queues.v1.Queues/GetTaskQueue", &request.base,
                                  taskrouter__queues__v1__task_queue, &queue, err);
    if (code == ERR_NOT_FOUND || code == ERR_INVALID_ARGUMENT)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "QUEUE_NOT_FOUND", field,
                         "%s names queue %s, which does not exist in this workspace; create it "
                         "first or name another",
                         pbjson_camel(field, camel, sizeof camel), sid);
    if (code != ERR_OK)
        return code;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    code = db_acquire(routing->host.pool, call, &conn, err);
    if (code != ERR_OK)
        return code;
    return queue_copy_store_put(conn, call, queue->sid, queue->workspace_sid, queue->version, false,
                                err);
}

static enum err_code find_missing(struct routing *routing, struct call *call,
                                  const char *workspace_sid, const struct str *sids, size_t wanted,
                                  const char ***out, size_t *out_count, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    enum err_code code = db_acquire(routing->host.pool, call, &conn, err);
    if (code != ERR_OK)
        return code;
    return queue_copy_store_missing(conn, call, workspace_sid, sids, wanted, out, out_count, err);
}

enum err_code queue_check_sids(struct routing *routing, struct call *call,
                               const char *workspace_sid, const char *field, const struct str *sids,
                               size_t count, struct err *err)
{
    const char **missing = NULL;
    size_t missing_count = 0;
    enum err_code code =
        find_missing(routing, call, workspace_sid, sids, count, &missing, &missing_count, err);
    for (size_t i = 0; i < missing_count && code == ERR_OK; i++)
        code = ask(routing, call, workspace_sid, field, missing[i], err);
    return code;
}

enum err_code queue_check(struct routing *routing, struct call *call, const char *workspace_sid,
                          const struct workflow_doc *doc, struct err *err)
{
    return queue_check_sids(routing, call, workspace_sid, "configuration", doc->queues,
                            doc->queue_count, err);
}
