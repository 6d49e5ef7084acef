#include "load_rpc.h"

#include <string.h>

#include "base/arena.h"
#include "engine/engine.h"
#include "mirror_store.h"
#include "rpc/pb.h"
#include "shell.h"
#include "svc/check.h"
#include "svc/wire.h"
#include "task_access.h"
#include "task_wire.h"

typedef Taskrouter__Tasks__V1__WorkerLoad wire_load;

enum { WORKERS_MAX = 1000, FIRST_ROOM = 16, PERCENT = 100 };

/* The rows of a reply under way. */
struct loads {
    struct arena *arena;
    const struct sid *workspace_sid;
    size_t first; /* of the worker looked at */
    wire_load **items;
    size_t count;
    size_t room;
};

static wire_load *load_of(struct loads *loads, const struct reservation_row *row)
{
    for (size_t i = loads->first; i < loads->count; i++) {
        if (strcmp(loads->items[i]->task_channel_sid, row->channel_sid.text) == 0)
            return loads->items[i];
    }
    if (loads->count == loads->room) {
        size_t room = loads->room == 0 ? FIRST_ROOM : 2 * loads->room;
        wire_load **items = ARENA_ARRAY(loads->arena, wire_load *, room);
        if (items == NULL)
            return NULL;
        if (loads->count > 0)
            memcpy(items, loads->items, loads->count * sizeof *items);
        loads->items = items;
        loads->room = room;
    }
    wire_load *load = PB_NEW(loads->arena, taskrouter__tasks__v1__worker_load);
    if (load == NULL)
        return NULL;
    load->worker_sid = wire_text(loads->arena, row->worker_sid.text);
    load->task_channel_sid = wire_text(loads->arena, row->channel_sid.text);
    loads->items[loads->count++] = load;
    return load;
}

/* Each open one consumes; only accepted ones are tasks that he has. */
static bool count_reservation(void *context, const struct reservation_row *row)
{
    struct loads *loads = context;
    if (strcmp(row->workspace_sid.text, loads->workspace_sid->text) != 0)
        return false; /* another workspace's worker */
    wire_load *load = load_of(loads, row);
    if (load == NULL)
        return false;
    load->assigned_tasks += row->state == RESERVATION_ACCEPTED ? 1 : 0;
    load->consumed_capacity++;
    return true;
}

static void put_capacities(const struct engine *engine, const struct sid *worker_sid,
                           struct loads *loads)
{
    for (size_t i = loads->first; i < loads->count; i++) {
        wire_load *load = loads->items[i];
        struct sid channel_sid = sid_from(str_from(load->task_channel_sid));
        int32_t capacity = 0;
        int32_t consumed = 0;
        if (!engine_worker_capacity(engine, worker_sid, &channel_sid, &capacity, &consumed))
            continue;
        load->configured_capacity = capacity;
        load->consumed_capacity = consumed;
        if (capacity > consumed)
            load->available_capacity_percentage = (capacity - consumed) * PERCENT / capacity;
    }
}

static enum err_code look(struct shard_op *op, struct engine *engine, int64_t now_us,
                          struct err *err)
{
    (void)now_us;
    const Taskrouter__Tasks__V1__ListWorkerLoadsRequest *request = op->look_ctx;
    Taskrouter__Tasks__V1__ListWorkerLoadsResponse *reply =
        PB_NEW(op->call->arena, taskrouter__tasks__v1__list_worker_loads_response);
    struct loads loads = {.arena = op->call->arena, .workspace_sid = &op->workspace_sid};
    for (size_t i = 0; i < request->n_worker_sids; i++) {
        struct sid worker_sid = sid_from(str_from(request->worker_sids[i]));
        loads.first = loads.count;
        engine_worker_reservations(engine, &worker_sid, count_reservation, &loads);
        put_capacities(engine, &worker_sid, &loads);
    }
    if (reply == NULL || arena_is_exhausted(op->call->arena))
        return rpc_no_room(err);
    reply->items = loads.items;
    reply->n_items = loads.count;
    op->message = &reply->base;
    return ERR_OK;
}

/* In a workspace that Twilio routes: by the rows. */
static enum err_code loads_of_rows(struct tasks *tasks, struct call *call,
                                   const Taskrouter__Tasks__V1__ListWorkerLoadsRequest *request,
                                   Taskrouter__Tasks__V1__ListWorkerLoadsResponse **out_reply,
                                   struct err *err)
{
    struct mirror_load *rows = NULL;
    size_t count = 0;
    struct str *workers = ARENA_ARRAY(call->arena, struct str, request->n_worker_sids);
    for (size_t i = 0; workers != NULL && i < request->n_worker_sids; i++)
        workers[i] = str_from(request->worker_sids[i]);
    enum err_code code =
        workers == NULL ? rpc_no_room(err)
                        : mirror_store_loads(tasks->host.pool, call, request->workspace_sid,
                                             workers, request->n_worker_sids, &rows, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Tasks__V1__ListWorkerLoadsResponse *reply =
        PB_NEW(call->arena, taskrouter__tasks__v1__list_worker_loads_response);
    wire_load **items = ARENA_ARRAY(call->arena, wire_load *, count);
    for (size_t i = 0; items != NULL && i < count; i++) {
        wire_load *load = PB_NEW(call->arena, taskrouter__tasks__v1__worker_load);
        if (load == NULL)
            return rpc_no_room(err);
        load->worker_sid = wire_text(call->arena, rows[i].worker_sid);
        load->task_channel_sid = wire_text(call->arena, rows[i].channel_sid);
        load->configured_capacity = (int32_t)rows[i].capacity;
        load->assigned_tasks = (int32_t)rows[i].accepted;
        load->consumed_capacity = (int32_t)rows[i].open;
        if (rows[i].capacity > rows[i].open)
            load->available_capacity_percentage =
                (int32_t)((rows[i].capacity - rows[i].open) * PERCENT / rows[i].capacity);
        items[i] = load;
    }
    if (reply == NULL || arena_is_exhausted(call->arena))
        return rpc_no_room(err);
    reply->items = items;
    reply->n_items = count;
    *out_reply = reply;
    return ERR_OK;
}

enum err_code load_rpc_workers(void *app, struct call *call,
                               const Taskrouter__Tasks__V1__ListWorkerLoadsRequest *request,
                               Taskrouter__Tasks__V1__ListWorkerLoadsResponse **out_reply,
                               struct err *err)
{
    struct tasks *tasks = app;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = check_range("worker_sids", (int64_t)request->n_worker_sids, 0, WORKERS_MAX, err);
    for (size_t i = 0; code == ERR_OK && i < request->n_worker_sids; i++)
        code = check_sid("worker_sids", request->worker_sids[i], "WK", err);
    bool is_mirrored = false;
    if (code == ERR_OK)
        code = access_is_mirrored(tasks, call, request->workspace_sid, &is_mirrored, err);
    if (code != ERR_OK)
        return code;
    if (is_mirrored)
        return loads_of_rows(tasks, call, request, out_reply, err);
    struct shard_op op = {
        .call = call,
        .workspace_sid = sid_from(str_from(request->workspace_sid)),
        .look = look,
    };
    memcpy(&op.look_ctx, &request, sizeof request); /* read only */
    code = shell_run(tasks->shell, &op, err);
    if (code == ERR_OK)
        *out_reply = (Taskrouter__Tasks__V1__ListWorkerLoadsResponse *)op.message;
    return code;
}
