/* Lists of queues: by page, filter and ordering, and those that a worker is or would be in. */
#include <string.h>

#include "base/ids.h"
#include "expr/expr.h"
#include "queue_events.h"
#include "queue_rpc.h"
#include "queue_store.h"
#include "queues.h"
#include "rpc/client.h"
#include "svc/check.h"
#include "svc/match.h"
#include "svc/order.h"
#include "svc/page.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

#define LIST_TAG "tq"

typedef Taskrouter__Queues__V1__ListTaskQueuesRequest list_request;
typedef Taskrouter__Queues__V1__ListTaskQueuesResponse list_response;

static const char *const ordering_names[] = {"DateUpdated"};

enum { WORKERS_MAX = 2 }; /* whose queues are asked for: a real one and one of given attributes */

/* A list under way. */
struct listing {
    struct call *call;
    struct db_conn *conn;
    struct order order;
    struct queue_filter filter;
    struct expr_record *workers[WORKERS_MAX]; /* all must be in a queue */
    size_t worker_count;
    bool is_never; /* there is no such worker */
    struct sid after;
    struct task_queue *kept;
    size_t kept_count;
    size_t page_size;
};

static char *cursor_behind(struct listing *list, const char *sid, int64_t updated_us)
{
    char *key = order_key(list->call->arena, &updated_us, list->order.count, sid);
    return key == NULL ? NULL : page_cursor(list->call->arena, list->order.tag, key);
}

static enum err_code fill_list(struct listing *list, bool is_stopped, list_response **out_reply,
                               struct err *err)
{
    struct arena *arena = list->call->arena;
    list_response *reply = PB_NEW(arena, taskrouter__queues__v1__list_task_queues_response);
    Taskrouter__Queues__V1__TaskQueue **wires =
        ARENA_ARRAY(arena, Taskrouter__Queues__V1__TaskQueue *, list->kept_count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (list->kept_count > list->page_size) {
        list->kept_count = list->page_size;
        const struct task_queue *last = &list->kept[list->kept_count - 1];
        reply->next_cursor = cursor_behind(list, last->sid, last->updated_at_us);
    } else if (is_stopped) {
        reply->next_cursor = cursor_behind(list, list->after.text, list->filter.after_updated_us);
    }
    for (size_t i = 0; i < list->kept_count; i++)
        wires[i] = queue_to_wire(arena, &list->kept[i]);
    reply->items = wires;
    reply->n_items = list->kept_count;
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

/* ---- the queues of a worker: there are a few thousand at most, whose expressions are tested ----
 */

static bool is_match(const struct listing *list, const struct task_queue *queue)
{
    struct expr *expr = NULL;
    if (str_trim(str_from(queue->target_workers)).len == 0 ||
        expr_compile(str_from(queue->target_workers), &expr_context_queue, &expr, NULL) != ERR_OK)
        return false;
    bool is_in_all = true;
    for (size_t i = 0; i < list->worker_count && is_in_all; i++) {
        struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = list->workers[i]}};
        is_in_all = expr_eval(expr, &env);
    }
    expr_free(expr);
    return is_in_all;
}

static enum err_code read_batch(struct listing *list, size_t *out_count, struct err *err)
{
    struct arena_mark mark = arena_mark(list->call->arena);
    size_t kept_before = list->kept_count;
    struct task_queue *rows = NULL;
    enum err_code code =
        queue_store_list(list->conn, list->call, &list->filter, &rows, out_count, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < *out_count && list->kept_count <= list->page_size; i++) {
        list->after = sid_from(str_from(rows[i].sid));
        if (list->filter.order != QUEUE_ORDER_SID)
            list->filter.after_updated_us = rows[i].updated_at_us;
        if (is_match(list, &rows[i]))
            list->kept[list->kept_count++] = rows[i];
    }
    list->filter.after = list->after.text;
    if (list->kept_count == kept_before)
        arena_rewind(list->call->arena, mark);
    return ERR_OK;
}

static enum err_code list_matching(struct listing *list, list_response **out_reply, struct err *err)
{
    struct match_scan scan = {.page_size = list->page_size};
    list->kept = ARENA_ARRAY(list->call->arena, struct task_queue, list->page_size + 1);
    if (list->kept == NULL)
        return call_no_room(err);
    list->filter.limit = MATCH_BATCH;
    enum err_code code = ERR_OK;
    enum match_step step = list->is_never ? MATCH_DONE : MATCH_GO_ON;
    while (code == ERR_OK && step == MATCH_GO_ON) {
        size_t count = 0;
        code = read_batch(list, &count, err);
        step = match_next(&scan, MATCH_BATCH, count, list->kept_count);
    }
    return code == ERR_OK ? fill_list(list, step == MATCH_STOP, out_reply, err) : code;
}

/* ---- workers ---- */

/* Built-in fields hide attributes of the same name, as in the router. */
static const char *const builtin_names[] = {"sid", "friendly_name", "activity_sid",
                                            "activity_name"};

struct builtins {
    struct expr_field *fields[ARRAY_LEN(builtin_names)];
};

static enum err_code add_given(struct listing *list, const char *attributes, struct err *err)
{
    if (attributes[0] == '\0')
        return ERR_OK;
    struct expr_record *worker = NULL;
    if (expr_record_new(str_from(attributes), &worker, NULL) != ERR_OK)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_ATTRIBUTES",
                         "evaluate_worker_attributes",
                         "evaluateWorkerAttributes must be a JSON object of worker attributes");
    list->workers[list->worker_count++] = worker;
    return ERR_OK;
}

static enum err_code ask_worker(struct queues *queues, struct call *call, const char *workspace_sid,
                                const char *sid, Taskrouter__Workers__V1__Worker **out,
                                struct err *err)
{
    Taskrouter__Workers__V1__GetWorkerRequest request;
    taskrouter__workers__v1__get_worker_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.sid = arena_strdup(call->arena, sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return RPC_CALL(queues->host.as_service[PEER_WORKERS], call,
                    "/taskrouter.workers.v1.Workers/GetWorker", &request.base,
                    taskrouter__workers__v1__worker, out, err);
}

static enum err_code add_real(struct queues *queues, struct listing *list, const char *sid,
                              struct builtins *builtins, struct err *err)
{
    Taskrouter__Workers__V1__Worker *worker = NULL;
    struct expr_record *record = NULL;
    if (sid[0] == '\0')
        return ERR_OK;
    enum err_code code =
        ask_worker(queues, list->call, list->filter.workspace_sid, sid, &worker, err);
    list->is_never = code == ERR_NOT_FOUND;
    if (list->is_never)
        err_clear(err);
    if (code != ERR_OK)
        return list->is_never ? ERR_OK : code;
    code = expr_record_new(str_from(worker->attributes), &record, err);
    if (code != ERR_OK)
        return code;
    const char *values[] = {worker->sid, worker->friendly_name, worker->activity_sid,
                            worker->activity_name};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        builtins->fields[i] = expr_field_new(str_from(builtin_names[i]));
        expr_record_set_str(record, builtins->fields[i], str_from(values[i]));
    }
    list->workers[list->worker_count++] = record;
    return ERR_OK;
}

static void drop_workers(struct listing *list, struct builtins *builtins)
{
    for (size_t i = 0; i < list->worker_count; i++)
        expr_record_free(list->workers[i]);
    for (size_t i = 0; i < ARRAY_LEN(builtins->fields); i++)
        expr_field_free(builtins->fields[i]);
}

/* ---- the request ---- */

static enum err_code filter_from(struct listing *list, const list_request *request,
                                 const char *workspace_sid, struct err *err)
{
    struct page page;
    enum err_code code = order_parse(request->ordering, LIST_TAG, ordering_names,
                                     ARRAY_LEN(ordering_names), &list->order, err);
    if (code == ERR_OK)
        code = page_from(list->call->arena, list->order.tag, request->page_size, request->cursor,
                         &page, err);
    if (code == ERR_OK)
        code = check_optional_sid("worker_sid", request->worker_sid, "WK", err);
    if (code == ERR_OK)
        code = check_optional_sid("activity_sid", request->activity_sid, "WA", err);
    if (code != ERR_OK)
        return code;
    list->page_size = (size_t)page.size;
    list->filter = (struct queue_filter){
        .workspace_sid = workspace_sid,
        .friendly_name = request->friendly_name,
        .activity_sid = request->activity_sid,
        .after = page.after,
        .limit = list->page_size + 1, /* one more tells whether there is a next page */
    };
    if (list->order.count > 0)
        list->filter.order =
            list->order.clauses[0].is_desc ? QUEUE_ORDER_UPDATED_DESC : QUEUE_ORDER_UPDATED;
    if (page.after[0] != '\0' && !order_key_read(page.after, &list->filter.after_updated_us,
                                                 list->order.count, &list->filter.after))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_CURSOR", "cursor",
                         "cursor is not one that this list gave out; begin again without it");
    list->after = sid_from(str_from(list->filter.after));
    return ERR_OK;
}

static enum err_code run(struct queues *queues, struct listing *list, list_response **out_reply,
                         struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    enum err_code code = db_acquire(queues->host.pool, list->call, &conn, err);
    if (code != ERR_OK)
        return code;
    list->conn = conn;
    if (list->worker_count > 0 || list->is_never)
        return list_matching(list, out_reply, err);
    code = queue_store_list(conn, list->call, &list->filter, &list->kept, &list->kept_count, err);
    return code == ERR_OK ? fill_list(list, false, out_reply, err) : code;
}

enum err_code queue_rpc_list(void *app, struct call *call, const list_request *request,
                             list_response **out_reply, struct err *err)
{
    struct queues *queues = app;
    struct workspace_copy workspace;
    struct listing list = {.call = call};
    struct builtins builtins = {{NULL}};
    enum err_code code =
        workspaces_require(&queues->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = filter_from(&list, request, workspace.sid, err);
    if (code == ERR_OK)
        code = add_given(&list, request->evaluate_worker_attributes, err);
    if (code == ERR_OK) /* no connection is held: workers-svc may ask us in turn */
        code = add_real(queues, &list, request->worker_sid, &builtins, err);
    if (code == ERR_OK)
        code = run(queues, &list, out_reply, err);
    drop_workers(&list, &builtins);
    return code;
}
