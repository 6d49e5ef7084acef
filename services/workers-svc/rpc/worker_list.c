/* Lists of workers: by page, filter, ordering, and expressions over their attributes. */
#include <string.h>

#include "access.h"
#include "base/ids.h"
#include "queue_peer.h"
#include "svc/check.h"
#include "svc/match.h"
#include "svc/order.h"
#include "svc/page.h"
#include "worker_events.h"
#include "worker_rpc.h"
#include "worker_store.h"
#include "workers.h"

#define LIST_TAG "wk"

typedef Taskrouter__Workers__V1__ListWorkersRequest list_request;
typedef Taskrouter__Workers__V1__ListWorkersResponse list_response;

static const char *const ordering_names[] = {"DateStatusChanged"};

enum builtin { BUILTIN_SID, BUILTIN_NAME, BUILTIN_ACTIVITY_SID, BUILTIN_ACTIVITY_NAME };

static const char *const builtin_names[] = {
    [BUILTIN_SID] = "sid",
    [BUILTIN_NAME] = "friendly_name",
    [BUILTIN_ACTIVITY_SID] = "activity_sid",
    [BUILTIN_ACTIVITY_NAME] = "activity_name",
};

/* A list under way. */
struct listing {
    struct call *call;
    struct db_conn *conn;
    struct order order;
    struct worker_filter filter;
    const char *only_sid; /* what the expressions allow; "" = any */
    struct match match;
    struct sid after; /* what filter.after points to: rows are forgotten again */
    struct worker *kept;
    size_t kept_count;
    size_t page_size;
};

static char *cursor_behind(struct listing *list, const char *sid, int64_t status_us)
{
    size_t numbers = list->order.count;
    char *key = order_key(list->call->arena, &status_us, numbers, sid);
    return key == NULL ? NULL : page_cursor(list->call->arena, list->order.tag, key);
}

/* One item more than the page tells that there is a next page; is_stopped: the rows behind the
 * place where reading stopped are the next page. */
static enum err_code fill_list(struct listing *list, bool is_stopped, list_response **out_reply,
                               struct err *err)
{
    struct arena *arena = list->call->arena;
    list_response *reply = PB_NEW(arena, taskrouter__workers__v1__list_workers_response);
    Taskrouter__Workers__V1__Worker **wires =
        ARENA_ARRAY(arena, Taskrouter__Workers__V1__Worker *, list->kept_count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (list->kept_count > list->page_size) {
        list->kept_count = list->page_size;
        const struct worker *last = &list->kept[list->kept_count - 1];
        reply->next_cursor = cursor_behind(list, last->sid, last->status_changed_at_us);
    } else if (is_stopped) {
        reply->next_cursor = cursor_behind(list, list->after.text, list->filter.after_status_us);
    }
    for (size_t i = 0; i < list->kept_count; i++)
        wires[i] = worker_to_wire(arena, &list->kept[i], NULL, 0);
    reply->items = wires;
    reply->n_items = list->kept_count;
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

/* ---- expressions ---- */

static bool is_match(const struct listing *list, const struct worker *worker)
{
    const char *values[] = {
        [BUILTIN_SID] = worker->sid,
        [BUILTIN_NAME] = worker->friendly_name,
        [BUILTIN_ACTIVITY_SID] = worker->activity_sid,
        [BUILTIN_ACTIVITY_NAME] = worker->activity_name,
    };
    return match_row(&list->match, str_from(worker->attributes), values);
}

/* Reads one batch and keeps what matches; the others are forgotten again. */
static enum err_code read_batch(struct listing *list, size_t *out_count, struct err *err)
{
    struct arena_mark mark = arena_mark(list->call->arena);
    size_t kept_before = list->kept_count;
    struct worker *rows = NULL;
    enum err_code code =
        worker_store_list(list->conn, list->call, &list->filter, &rows, out_count, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < *out_count && list->kept_count <= list->page_size; i++) {
        list->after = sid_from(str_from(rows[i].sid));
        list->filter.after_status_us = rows[i].status_changed_at_us;
        if (is_match(list, &rows[i]))
            list->kept[list->kept_count++] = rows[i];
    }
    list->filter.after = list->after.text;
    if (list->filter.order == WORKER_ORDER_SID)
        list->filter.after_status_us = 0;
    if (list->kept_count == kept_before)
        arena_rewind(list->call->arena, mark);
    return ERR_OK;
}

static enum err_code find(struct listing *list, struct match_scan *scan, struct err *err)
{
    struct str *sids = NULL;
    size_t count = 0;
    const struct db_param keys[] = {match_key_param(&list->match, 0),
                                    match_key_param(&list->match, 1)};
    enum err_code code = worker_store_find(list->conn, list->call, &list->filter, list->only_sid,
                                           keys, MATCH_FOUND_MAX + 1, &sids, &count, err);
    if (code == ERR_OK && match_found(scan, count)) {
        list->filter.among = sids;
        list->filter.among_count = count;
    }
    return code;
}

/* What the expressions say of built-in fields narrows the filter, where it says nothing yet. */
static void narrow(struct listing *list)
{
    const struct match *match = &list->match;
    struct worker_filter *filter = &list->filter;
    list->only_sid = match->equals[BUILTIN_SID];
    if (filter->friendly_name[0] == '\0')
        filter->friendly_name = match->equals[BUILTIN_NAME];
    if (filter->activity_sid[0] == '\0')
        filter->activity_sid = match->equals[BUILTIN_ACTIVITY_SID];
    if (filter->activity_name[0] == '\0')
        filter->activity_name = match->equals[BUILTIN_ACTIVITY_NAME];
}

static enum err_code list_matching(struct listing *list, list_response **out_reply, struct err *err)
{
    narrow(list);
    const struct worker_filter *filter = &list->filter;
    struct match_scan scan = {
        .page_size = list->page_size,
        .can_find = list->match.key_count > 0 || list->only_sid[0] != '\0' ||
                    filter->friendly_name[0] != '\0' || filter->activity_sid[0] != '\0' ||
                    filter->activity_name[0] != '\0' || filter->available != NULL ||
                    filter->user_sid[0] != '\0',
    };
    list->kept = ARENA_ARRAY(list->call->arena, struct worker, list->page_size + 1);
    if (list->kept == NULL)
        return call_no_room(err);
    list->filter.limit = MATCH_BATCH;
    enum err_code code = ERR_OK;
    enum match_step step = list->match.is_never ? MATCH_DONE : MATCH_GO_ON;
    while (code == ERR_OK && (step == MATCH_GO_ON || step == MATCH_FIND)) {
        size_t count = 0;
        if (step == MATCH_FIND)
            code = find(list, &scan, err);
        if (code == ERR_OK)
            code = read_batch(list, &count, err);
        step = match_next(&scan, MATCH_BATCH, count, list->kept_count);
    }
    return code == ERR_OK ? fill_list(list, step == MATCH_STOP, out_reply, err) : code;
}

/* ---- the request ---- */

static enum err_code filter_from(struct listing *list, const list_request *request,
                                 const bool *available, struct err *err)
{
    struct page page;
    enum err_code code = order_parse(request->ordering, LIST_TAG, ordering_names,
                                     ARRAY_LEN(ordering_names), &list->order, err);
    if (code == ERR_OK)
        code = page_from(list->call->arena, list->order.tag, request->page_size, request->cursor,
                         &page, err);
    if (code == ERR_OK)
        code = check_optional_sid("activity_sid", request->activity_sid, "WA", err);
    if (code == ERR_OK)
        code = check_optional_sid("user_sid", request->user_sid, "US", err);
    if (code == ERR_OK)
        code = check_optional_sid("task_queue_sid", request->task_queue_sid, "WQ", err);
    if (code != ERR_OK)
        return code;
    list->page_size = (size_t)page.size;
    list->filter = (struct worker_filter){
        .friendly_name = request->friendly_name,
        .activity_sid = request->activity_sid,
        .activity_name = request->activity_name,
        .user_sid = request->user_sid,
        .available = request->_available_case != 0 ? available : NULL,
        .after = page.after,
        .limit = list->page_size + 1,
    };
    if (list->order.count > 0)
        list->filter.order =
            list->order.clauses[0].is_desc ? WORKER_ORDER_STATUS_DESC : WORKER_ORDER_STATUS;
    if (page.after[0] != '\0' && !order_key_read(page.after, &list->filter.after_status_us,
                                                 list->order.count, &list->filter.after))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_CURSOR", "cursor",
                         "cursor is not one that this list gave out; begin again without it");
    list->after = sid_from(str_from(list->filter.after));
    return ERR_OK;
}

/* The expressions of the request: its own and that of a queue. */
static enum err_code add_expressions(struct workers *workers, struct listing *list,
                                     const list_request *request, struct err *err)
{
    enum err_code code = ERR_OK;
    if (request->target_workers_expression[0] != '\0')
        code = match_add(&list->match, "target_workers_expression", "TargetWorkersExpression",
                         request->target_workers_expression, err);
    if (code != ERR_OK ||
        (request->task_queue_sid[0] == '\0' && request->task_queue_name[0] == '\0'))
        return code;
    const char *target = NULL;
    code = queue_peer_target(workers, list->call, request->workspace_sid, request->task_queue_sid,
                             request->task_queue_name, &target, err);
    if (code != ERR_OK)
        return code;
    if (str_trim(str_from(target)).len == 0) { /* no such queue, or one for nobody */
        list->match.is_never = true;
        return ERR_OK;
    }
    return match_add(&list->match, "task_queue_sid", "the queue's TargetWorkers", target, err);
}

static enum err_code list_plain(struct listing *list, list_response **out_reply, struct err *err)
{
    enum err_code code = worker_store_list(list->conn, list->call, &list->filter, &list->kept,
                                           &list->kept_count, err);
    return code == ERR_OK ? fill_list(list, false, out_reply, err) : code;
}

static enum err_code run(struct workers *workers, struct listing *list, const list_request *request,
                         list_response **out_reply, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    enum err_code code = db_acquire(workers->host.pool, list->call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, list->call, request->workspace_sid, &workspace, err);
    if (code != ERR_OK)
        return code;
    list->conn = conn;
    list->filter.workspace_sid = workspace.sid;
    if (list->match.expr_count > 0 || list->match.is_never)
        return list_matching(list, out_reply, err);
    return list_plain(list, out_reply, err);
}

enum err_code worker_rpc_list(void *app, struct call *call, const list_request *request,
                              list_response **out_reply, struct err *err)
{
    struct workers *workers = app;
    bool available = request->available;
    struct listing list = {.call = call};
    enum err_code code = filter_from(&list, request, &available, err);
    if (code != ERR_OK)
        return code;
    match_init(&list.match, call->arena, &expr_context_queue, builtin_names,
               ARRAY_LEN(builtin_names));
    /* others are asked while no connection is held: they may ask us in turn */
    code = add_expressions(workers, &list, request, err);
    if (code == ERR_OK)
        code = run(workers, &list, request, out_reply, err);
    match_fini(&list.match);
    return code;
}
