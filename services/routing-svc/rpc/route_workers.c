#include "route_workers.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "expr/expr.h"
#include "jx/writer.h"
#include "rpc/client.h"
#include "rpc/pb.h"
#include "rules/rules.h"
#include "svc/wire.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum {
    LOOKED_AT = 500, /* workers in an available activity; the first by SID */
    PAGE = 100,
    PAGES_MAX = 20, /* a queue's expression leaves pages short */
    LISTED = 20,
    RECORD_BYTES = 64 << 10,
};

typedef Taskrouter__Workers__V1__Worker wire_worker;
typedef Taskrouter__Routing__V1__WorkerCandidate wire_candidate;

const char *route_queue_name(struct routing *routing, struct call *call, const char *workspace_sid,
                             const char *queue_sid)
{
    Taskrouter__Queues__V1__GetTaskQueueRequest request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.sid = arena_strdup(call->arena, queue_sid);
    Taskrouter__Queues__V1__TaskQueue *queue = NULL;
    struct err err = {.code = ERR_OK};
    if (arena_is_exhausted(call->arena) ||
        RPC_CALL(routing->host.as_service[PEER_QUEUES], call,
                 "/taskrouter.queues.v1.Queues/GetTaskQueue", &request.base,
                 taskrouter__queues__v1__task_queue, &queue, &err) != ERR_OK)
        return NULL;
    return queue->friendly_name;
}

void route_note(struct arena *arena, Taskrouter__Routing__V1__RouteTrace *wire, const char *text)
{
    for (size_t i = 0; i < wire->n_notes; i++) {
        if (text == NULL || wire->notes[i] == NULL || strcmp(wire->notes[i], text) == 0)
            return;
    }
    if (wire->n_notes < ROUTE_NOTES_MAX)
        wire->notes[wire->n_notes++] = wire_text(arena, text);
}

/* Who is looked at; the workers and their loads stay for the next step of the same queue. */
struct route_look {
    struct routing *routing;
    struct call *call;
    char *workspace_sid;
    const char *task_channel;
    const char *asked;       /* the SID of the queue or worker whose workers these are */
    const char *queue_name;  /* NULL: not known */
    bool is_known;           /* workers-svc has told */
    bool has_loads;          /* tasks-svc has told */
    bool is_cut;             /* there are more workers than were looked at */
    const char *channel_sid; /* "": not known, nobody counts as full */
    struct expr *expression; /* NULL: none; so the next */
    struct expr_order *order;
    struct expr_record *task;
    wire_worker **workers;
    size_t count;
    Taskrouter__Tasks__V1__WorkerLoad **loads;
    size_t load_count;
};

struct ranked {
    wire_candidate *wire;
    const struct expr_order *order;
    struct expr_order_key key;
    bool has_key;
};

/* ---- asking ---- */

static enum err_code ask_page(struct route_look *look, const char *queue_sid, char **cursor,
                              struct err *err)
{
    Taskrouter__Workers__V1__ListWorkersRequest request;
    taskrouter__workers__v1__list_workers_request__init(&request);
    request.workspace_sid = look->workspace_sid;
    request.task_queue_sid = arena_strdup(look->call->arena, queue_sid);
    request._available_case = TASKROUTER__WORKERS__V1__LIST_WORKERS_REQUEST___AVAILABLE_AVAILABLE;
    request.available = true;
    request.page_size = PAGE;
    request.cursor = *cursor;
    if (arena_is_exhausted(look->call->arena))
        return call_no_room(err);
    Taskrouter__Workers__V1__ListWorkersResponse *reply = NULL;
    enum err_code code = RPC_CALL(look->routing->host.as_service[PEER_WORKERS], look->call,
                                  "/taskrouter.workers.v1.Workers/ListWorkers", &request.base,
                                  taskrouter__workers__v1__list_workers_response, &reply, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < reply->n_items && look->count < LOOKED_AT; i++)
        look->workers[look->count++] = reply->items[i];
    *cursor = reply->next_cursor;
    return ERR_OK;
}

static enum err_code ask_workers(struct route_look *look, const char *queue_sid, struct err *err)
{
    char *cursor = arena_strdup(look->call->arena, "");
    enum err_code code = ERR_OK;
    look->workers = ARENA_ARRAY(look->call->arena, wire_worker *, LOOKED_AT);
    if (look->workers == NULL || cursor == NULL)
        return call_no_room(err);
    for (int i = 0; i < PAGES_MAX && code == ERR_OK && look->count < LOOKED_AT; i++) {
        code = ask_page(look, queue_sid, &cursor, err);
        if (code == ERR_OK && cursor[0] == '\0')
            return ERR_OK;
    }
    look->is_cut = true;
    return code;
}

static enum err_code ask_worker(struct route_look *look, const char *sid, struct err *err)
{
    Taskrouter__Workers__V1__GetWorkerRequest request;
    taskrouter__workers__v1__get_worker_request__init(&request);
    request.workspace_sid = look->workspace_sid;
    request.sid = arena_strdup(look->call->arena, sid);
    look->workers = ARENA_ARRAY(look->call->arena, wire_worker *, 1);
    if (look->workers == NULL)
        return call_no_room(err);
    enum err_code code = RPC_CALL(look->routing->host.as_service[PEER_WORKERS], look->call,
                                  "/taskrouter.workers.v1.Workers/GetWorker", &request.base,
                                  taskrouter__workers__v1__worker, &look->workers[0], err);
    look->count = code == ERR_OK ? 1 : 0;
    return code;
}

static enum err_code ask_loads(struct route_look *look, struct err *err)
{
    const char *task_channel = look->task_channel;
    Taskrouter__Queues__V1__GetTaskChannelRequest channel_request;
    taskrouter__queues__v1__get_task_channel_request__init(&channel_request);
    channel_request.workspace_sid = look->workspace_sid;
    channel_request.channel =
        arena_strdup(look->call->arena, task_channel[0] == '\0' ? "default" : task_channel);
    Taskrouter__Queues__V1__TaskChannel *channel = NULL;
    enum err_code code =
        RPC_CALL(look->routing->host.as_service[PEER_QUEUES], look->call,
                 "/taskrouter.queues.v1.Queues/GetTaskChannel", &channel_request.base,
                 taskrouter__queues__v1__task_channel, &channel, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Tasks__V1__ListWorkerLoadsRequest request;
    taskrouter__tasks__v1__list_worker_loads_request__init(&request);
    request.workspace_sid = look->workspace_sid;
    request.worker_sids = ARENA_ARRAY(look->call->arena, char *, look->count);
    if (request.worker_sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < look->count; i++)
        request.worker_sids[i] = look->workers[i]->sid;
    request.n_worker_sids = look->count;
    Taskrouter__Tasks__V1__ListWorkerLoadsResponse *reply = NULL;
    code = RPC_CALL(look->routing->host.as_service[PEER_TASKS], look->call,
                    "/taskrouter.tasks.v1.Tasks/ListWorkerLoads", &request.base,
                    taskrouter__tasks__v1__list_worker_loads_response, &reply, err);
    if (code != ERR_OK)
        return code;
    look->channel_sid = channel->sid;
    look->loads = reply->items;
    look->load_count = reply->n_items;
    return ERR_OK;
}

/* ---- judging ---- */

static struct expr_record *record_of(const wire_worker *worker)
{
    AUTO(buf_fini) struct buf known = {0};
    AUTO(buf_fini) struct buf all = {0};
    struct jx_writer w;
    struct expr_record *record = NULL;
    struct err err = {.code = ERR_OK};
    buf_init(&known, RECORD_BYTES);
    buf_init(&all, RECORD_BYTES);
    jx_writer_init(&w, &known);
    jx_object_begin(&w);
    jx_put_text(&w, "sid", worker->sid);
    jx_put_text(&w, "friendly_name", worker->friendly_name);
    jx_put_text(&w, "activity_sid", worker->activity_sid);
    jx_put_text(&w, "activity_name", worker->activity_name);
    jx_object_end(&w);
    if (jx_writer_finish(&w, &err) != ERR_OK ||
        rule_attributes_merge(str_from(worker->attributes), buf_str(&known), true, &all, &err) !=
            ERR_OK ||
        expr_record_new(buf_str(&all), &record, &err) != ERR_OK)
        return NULL;
    return record;
}

static bool has_room(const struct route_look *look, const char *worker_sid)
{
    for (size_t i = 0; i < look->load_count; i++) {
        const Taskrouter__Tasks__V1__WorkerLoad *load = look->loads[i];
        if (strcmp(load->worker_sid, worker_sid) == 0 &&
            strcmp(load->task_channel_sid, look->channel_sid) == 0)
            return load->consumed_capacity < load->configured_capacity;
    }
    return true;
}

static void judge(const struct route_look *look, const wire_worker *worker, struct ranked *out)
{
    struct arena *arena = look->call->arena;
    struct expr_record *record = record_of(worker);
    struct expr_env env = {
        .records = {[EXPR_SLOT_TASK] = look->task, [EXPR_SLOT_WORKER] = record}
    };
    wire_candidate *wire = PB_NEW(arena, taskrouter__routing__v1__worker_candidate);
    const char *obstacle = "";
    if (!worker->available)
        obstacle = "activity_unavailable";
    else if (look->expression != NULL && (record == NULL || !expr_eval(look->expression, &env)))
        obstacle = "target_expression";
    else if (!has_room(look, worker->sid))
        obstacle = "at_capacity";
    *out = (struct ranked){.wire = wire, .order = look->order};
    if (look->order != NULL && record != NULL)
        out->has_key = expr_order_key(look->order, &env, &out->key);
    if (wire != NULL) {
        wire->worker_sid = wire_text(arena, worker->sid);
        wire->friendly_name = wire_text(arena, worker->friendly_name);
        wire->is_available = worker->available;
        wire->obstacle = wire_text(arena, obstacle);
    }
    expr_record_free(record);
}

/* Those without obstacle first, then by order_by, then by SID. */
static int compare(const void *left, const void *right)
{
    const struct ranked *a = left;
    const struct ranked *b = right;
    bool is_free_a = a->wire->obstacle[0] == '\0';
    bool is_free_b = b->wire->obstacle[0] == '\0';
    if (is_free_a != is_free_b)
        return is_free_a ? -1 : 1;
    int by_order = a->has_key && b->has_key ? expr_order_compare(a->order, &a->key, &b->key) : 0;
    return by_order != 0 ? by_order : strcmp(a->wire->worker_sid, b->wire->worker_sid);
}

static void put_candidates(const struct route_look *look, Taskrouter__Routing__V1__RouteTrace *wire)
{
    struct ranked *ranked = ARENA_ARRAY(look->call->arena, struct ranked, look->count);
    wire->workers = ARENA_ARRAY(look->call->arena, wire_candidate *, LISTED);
    if (ranked == NULL || wire->workers == NULL)
        return;
    for (size_t i = 0; i < look->count; i++)
        judge(look, look->workers[i], &ranked[i]);
    if (arena_is_exhausted(look->call->arena))
        return;
    if (look->count > 1)
        qsort(ranked, look->count, sizeof *ranked, compare);
    for (size_t i = 0; i < look->count && i < LISTED; i++)
        wire->workers[wire->n_workers++] = ranked[i].wire;
}

/* What the target asks of workers. */
static void compile_target(struct route_look *look,
                           const Taskrouter__Routing__V1__RouteTarget *target,
                           const Taskrouter__Routing__V1__RouteTrace *wire)
{
    struct err err = {.code = ERR_OK};
    look->expression = NULL;
    look->order = NULL;
    look->task = NULL;
    if (target == NULL)
        return;
    if (target->expression[0] != '\0' &&
        expr_compile(str_from(target->expression), &expr_context_target, &look->expression, &err) !=
            ERR_OK)
        look->expression = NULL;
    if (target->order_by[0] != '\0' &&
        expr_order_compile(str_from(target->order_by), &expr_context_target, &look->order, &err) !=
            ERR_OK)
        look->order = NULL;
    if (expr_record_new(str_from(wire->decision->attributes), &look->task, &err) != ERR_OK)
        look->task = NULL;
}

struct route_look *route_look_new(struct routing *routing, struct call *call,
                                  const struct snapshot *snapshot, const char *task_channel)
{
    struct route_look *look = ARENA_NEW(call->arena, struct route_look);
    if (look == NULL)
        return NULL;
    *look = (struct route_look){
        .routing = routing,
        .call = call,
        .workspace_sid = arena_strdup(call->arena, snapshot->workspace_sid),
        .task_channel = task_channel,
        .asked = "",
        .channel_sid = "",
    };
    return look->workspace_sid == NULL ? NULL : look;
}

static void ask_all(struct route_look *look, const char *queue_sid, const char *worker_sid)
{
    struct err err = {.code = ERR_OK};
    bool is_worker = worker_sid[0] != '\0';
    const char *sid = is_worker ? worker_sid : queue_sid;
    if (strcmp(look->asked, sid) == 0)
        return;
    look->asked = arena_strdup(look->call->arena, sid);
    look->asked = look->asked == NULL ? "" : look->asked;
    look->count = 0;
    look->load_count = 0;
    look->is_cut = false;
    look->queue_name = queue_sid[0] == '\0' ? ""
                                            : route_queue_name(look->routing, look->call,
                                                               look->workspace_sid, queue_sid);
    look->is_known = (is_worker ? ask_worker(look, worker_sid, &err)
                                : ask_workers(look, queue_sid, &err)) == ERR_OK;
    look->has_loads = look->is_known && ask_loads(look, &err) == ERR_OK;
}

static void note_unknown(const struct route_look *look, Taskrouter__Routing__V1__RouteTrace *wire)
{
    struct arena *arena = look->call->arena;
    if (look->queue_name == NULL)
        route_note(arena, wire, "queues-svc could not say what the queue is called");
    if (!look->is_known)
        route_note(arena, wire, "workers-svc could not say who is in the queue");
    else if (!look->has_loads)
        route_note(arena, wire,
                   "the router could not say what workers have on this channel; all count as "
                   "free");
    if (look->is_cut)
        route_note(arena, wire, "the queue has more workers than were looked at");
}

bool route_look_at(struct route_look *look, const char *queue_sid,
                   const Taskrouter__Routing__V1__RouteTarget *target,
                   Taskrouter__Routing__V1__RouteTrace *wire)
{
    ask_all(look, queue_sid, wire->decision->worker_sid);
    wire->task_queue_sid = wire_text(look->call->arena, queue_sid);
    wire->task_queue_name =
        wire_text(look->call->arena, look->queue_name == NULL ? "" : look->queue_name);
    wire->n_workers = 0;
    note_unknown(look, wire);
    if (!look->is_known)
        return true;
    compile_target(look, target, wire);
    put_candidates(look, wire);
    expr_free(look->expression);
    expr_order_free(look->order);
    expr_record_free(look->task);
    return look->is_cut || (wire->n_workers > 0 && wire->workers[0]->obstacle[0] == '\0');
}
