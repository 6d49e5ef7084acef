#include "mirror.h"

#include <stddef.h>

#include "message_fields.h"
#include "rpc/client.h"
#include "rpc/pb.h"
#include "svc/wire.h"
#include "taskrouter/queues/v1/mirror.pb-c.h"
#include "taskrouter/routing/v1/mirror.pb-c.h"
#include "taskrouter/tasks/v1/mirror.pb-c.h"
#include "taskrouter/workers/v1/mirror.pb-c.h"

enum { BATCH_MAX = 200 };

typedef Taskrouter__Common__V1__MirrorResult mirror_result;
typedef Taskrouter__Common__V1__MirrorResults mirror_results;

/* How a kind is put, marked and read. */
struct mirror_row {
    enum peer peer;
    const char *put;
    const ProtobufCMessageDescriptor *put_request;
    const char *items; /* the request's field; of the workspace it takes one, not several */
    const char *vanish;
    const ProtobufCMessageDescriptor *vanish_request;
    const char *sids; /* its field */
    const char *get;
    const ProtobufCMessageDescriptor *get_request;
    const char *sid; /* its field that names the resource */
    const ProtobufCMessageDescriptor *type;
};

#define METHOD(area, service, name) ("/taskrouter." #area ".v1." #service "/" name)
#define TYPE(area, name)            (&taskrouter__##area##__v1__##name##__descriptor)

/* clang-format off */
static const struct mirror_row rows[TWILIO_RESOURCE_COUNT] = {
    [TWILIO_WORKSPACE] = {
        PEER_WORKERS, METHOD(workers, Mirror, "PutWorkspace"), TYPE(workers, put_workspace_request), "workspace",
        METHOD(workers, Mirror, "Vanish"), TYPE(workers, vanish_request), "sids",
        METHOD(workers, Workers, "GetWorkspace"), TYPE(workers, get_workspace_request), "sid", TYPE(workers, workspace)},
    [TWILIO_ACTIVITY] = {
        PEER_WORKERS, METHOD(workers, Mirror, "PutActivities"), TYPE(workers, put_activities_request), "items",
        METHOD(workers, Mirror, "Vanish"), TYPE(workers, vanish_request), "sids",
        METHOD(workers, Workers, "GetActivity"), TYPE(workers, get_activity_request), "sid", TYPE(workers, activity)},
    [TWILIO_WORKER] = {
        PEER_WORKERS, METHOD(workers, Mirror, "PutWorkers"), TYPE(workers, put_workers_request), "items",
        METHOD(workers, Mirror, "Vanish"), TYPE(workers, vanish_request), "sids",
        METHOD(workers, Workers, "GetWorker"), TYPE(workers, get_worker_request), "sid", TYPE(workers, worker)},
    [TWILIO_WORKER_CHANNEL] = {
        PEER_WORKERS, METHOD(workers, Mirror, "PutWorkerChannels"), TYPE(workers, put_worker_channels_request), "items",
        NULL, NULL, NULL,
        METHOD(workers, Workers, "GetWorkerChannel"), TYPE(workers, get_worker_channel_request), "channel", TYPE(workers, worker_channel)},
    [TWILIO_TASK_QUEUE] = {
        PEER_QUEUES, METHOD(queues, Mirror, "PutTaskQueues"), TYPE(queues, put_task_queues_request), "items",
        METHOD(queues, Mirror, "Vanish"), TYPE(queues, vanish_request), "sids",
        METHOD(queues, Queues, "GetTaskQueue"), TYPE(queues, get_task_queue_request), "sid", TYPE(queues, task_queue)},
    [TWILIO_TASK_CHANNEL] = {
        PEER_QUEUES, METHOD(queues, Mirror, "PutTaskChannels"), TYPE(queues, put_task_channels_request), "items",
        METHOD(queues, Mirror, "Vanish"), TYPE(queues, vanish_request), "sids",
        METHOD(queues, Queues, "GetTaskChannel"), TYPE(queues, get_task_channel_request), "channel", TYPE(queues, task_channel)},
    [TWILIO_WORKFLOW] = {
        PEER_ROUTING, METHOD(routing, Mirror, "PutWorkflows"), TYPE(routing, put_workflows_request), "items",
        METHOD(routing, Mirror, "Vanish"), TYPE(routing, vanish_request), "sids",
        METHOD(routing, Routing, "GetWorkflow"), TYPE(routing, get_workflow_request), "sid", TYPE(routing, workflow)},
    [TWILIO_TASK] = {
        PEER_TASKS, METHOD(tasks, Mirror, "Apply"), TYPE(tasks, apply_request), "tasks",
        METHOD(tasks, Mirror, "Apply"), TYPE(tasks, apply_request), "vanished_sids",
        METHOD(tasks, Tasks, "GetTask"), TYPE(tasks, get_task_request), "sid", TYPE(tasks, task)},
    [TWILIO_RESERVATION] = {
        PEER_TASKS, METHOD(tasks, Mirror, "Apply"), TYPE(tasks, apply_request), "reservations",
        METHOD(tasks, Mirror, "Apply"), TYPE(tasks, apply_request), "vanished_sids",
        METHOD(tasks, Tasks, "GetReservation"), TYPE(tasks, get_reservation_request), "sid", TYPE(tasks, reservation)},
};
/* clang-format on */

enum peer mirror_owner(enum twilio_resource resource)
{
    return rows[resource].peer;
}

static enum err_code fail_short(enum peer peer, size_t count, size_t got, struct err *err)
{
    return ERR_SET(err, ERR_INTERNAL, "BAD_REPLY",
                   "peer %d answered %zu results for %zu items of a mirrored workspace", (int)peer,
                   got, count);
}

/* What all requests have. */
static ProtobufCMessage *request_new(struct call *call, const ProtobufCMessageDescriptor *type,
                                     const char *workspace_sid, int64_t observed_at_us,
                                     bool is_dry_run)
{
    ProtobufCMessage *request = pb_new(call->arena, type);
    if (request == NULL)
        return NULL;
    field_text_set(request, "workspace_sid", wire_text(call->arena, workspace_sid));
    field_message_set(request, "observed_at", (void *)wire_time(call->arena, observed_at_us));
    field_bool_set(request, "dry_run", is_dry_run);
    return arena_is_exhausted(call->arena) ? NULL : request;
}

static enum err_code send(const struct host *host, struct call *call, enum peer peer,
                          const char *method, const ProtobufCMessage *request, size_t count,
                          mirror_result **out, struct err *err)
{
    mirror_results *reply = NULL;
    enum err_code code = RPC_CALL(host->as_service[peer], call, method, request,
                                  taskrouter__common__v1__mirror_results, &reply, err);
    if (code != ERR_OK)
        return code;
    if (reply->n_items != count)
        return fail_short(peer, count, reply->n_items, err);
    for (size_t i = 0; i < count; i++)
        out[i] = reply->items[i];
    return ERR_OK;
}

static enum err_code put_workspace(const struct host *host, struct call *call,
                                   const struct mirror_batch *batch, ProtobufCMessage *item,
                                   mirror_result **out, struct err *err)
{
    const struct mirror_row *row = &rows[TWILIO_WORKSPACE];
    ProtobufCMessage *request = request_new(call, row->put_request, batch->workspace_sid,
                                            batch->observed_at_us, batch->is_dry_run);
    if (request == NULL)
        return call_no_room(err);
    field_message_set(request, row->items, item);
    return RPC_CALL(host->as_service[row->peer], call, row->put, request,
                    taskrouter__common__v1__mirror_result, out, err);
}

enum err_code mirror_put(const struct host *host, struct call *call,
                         const struct mirror_batch *batch, mirror_result ***out_results,
                         struct err *err)
{
    const struct mirror_row *row = &rows[batch->resource];
    mirror_result **results = ARENA_ARRAY(call->arena, mirror_result *, batch->count);
    ProtobufCMessage **items = ARENA_ARRAY(call->arena, ProtobufCMessage *, batch->count);
    if (results == NULL || items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < batch->count; i++)
        items[i] = batch->items[i];
    enum err_code code = ERR_OK;
    size_t step = batch->resource == TWILIO_WORKSPACE ? 1 : BATCH_MAX;
    for (size_t at = 0; at < batch->count && code == ERR_OK; at += step) {
        size_t count = batch->count - at < step ? batch->count - at : step;
        if (batch->resource == TWILIO_WORKSPACE) {
            code = put_workspace(host, call, batch, items[at], &results[at], err);
            continue;
        }
        ProtobufCMessage *request = request_new(call, row->put_request, batch->workspace_sid,
                                                batch->observed_at_us, batch->is_dry_run);
        if (request == NULL)
            return call_no_room(err);
        field_list_set(request, row->items, items + at, count);
        code = send(host, call, row->peer, row->put, request, count, results + at, err);
    }
    if (code == ERR_OK)
        *out_results = results;
    return code;
}

enum err_code mirror_vanish(const struct host *host, struct call *call,
                            const struct mirror_gone *gone, mirror_result ***out_results,
                            struct err *err)
{
    const struct mirror_row *row = &rows[gone->resource];
    mirror_result **results = ARENA_ARRAY(call->arena, mirror_result *, gone->count);
    char **sids = ARENA_ARRAY(call->arena, char *, gone->count);
    if (results == NULL || sids == NULL)
        return call_no_room(err);
    INVARIANT(row->vanish != NULL);
    for (size_t i = 0; i < gone->count; i++)
        sids[i] = wire_text(call->arena, gone->sids[i]);
    enum err_code code = ERR_OK;
    for (size_t at = 0; at < gone->count && code == ERR_OK; at += BATCH_MAX) {
        size_t count = gone->count - at < BATCH_MAX ? gone->count - at : BATCH_MAX;
        ProtobufCMessage *request = request_new(call, row->vanish_request, gone->workspace_sid,
                                                gone->observed_at_us, gone->is_dry_run);
        if (request == NULL)
            return call_no_room(err);
        field_list_set(request, gone->is_deleted ? "deleted_sids" : row->sids, sids + at, count);
        code = send(host, call, row->peer, row->vanish, request, count, results + at, err);
    }
    if (code == ERR_OK)
        *out_results = results;
    return code;
}

enum err_code mirror_get(struct rpc_client *client, struct call *call,
                         enum twilio_resource resource, const char *workspace_sid,
                         const char *parent_sid, const char *sid, ProtobufCMessage **out_message,
                         struct err *err)
{
    const struct mirror_row *row = &rows[resource];
    ProtobufCMessage *request = pb_new(call->arena, row->get_request);
    if (request == NULL)
        return call_no_room(err);
    field_text_set(request, "workspace_sid", wire_text(call->arena, workspace_sid));
    field_text_set(request, "worker_sid", wire_text(call->arena, parent_sid));
    field_text_set(request, row->sid, wire_text(call->arena, sid));
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return rpc_call(client, call, row->get, request, row->type, out_message, err);
}
