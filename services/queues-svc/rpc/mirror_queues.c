/* Task queues from Twilio. */
#include <string.h>

#include "mirror_rpc.h"
#include "outbox/outbox.h"
#include "queue_events.h"
#include "queue_store.h"
#include "queues.h"
#include "svc/mirror.h"
#include "svc/wire.h"

typedef Taskrouter__Queues__V1__PutTaskQueuesRequest put_request;
typedef Taskrouter__Queues__V1__TaskQueue wire_queue;

static const struct mirror_kind kind = {"WQ", "task queue"};

/* A Put under way; arrays of count, in the order of the request. */
struct put {
    const put_request *request;
    const struct workspace_copy *workspace;
    int64_t observed_at_us;
    size_t count;
    struct task_queue *theirs;
    struct mirror_item *items;
    Taskrouter__Common__V1__MirrorResults *reply;
};

static enum task_order order_from_wire(Taskrouter__Queues__V1__TaskOrder order)
{
    return order == TASKROUTER__QUEUES__V1__TASK_ORDER__TASK_ORDER_LIFO ? TASK_ORDER_LIFO
                                                                        : TASK_ORDER_FIFO;
}

static struct task_queue from_wire(const struct put *put, const wire_queue *wire)
{
    return (struct task_queue){
        .sid = wire->sid,
        .account_sid = put->workspace->account_sid,
        .workspace_sid = put->workspace->sid,
        .friendly_name = wire->friendly_name,
        .target_workers = wire->target_workers,
        .max_reserved_workers = wire->max_reserved_workers == 0 ? 1 : wire->max_reserved_workers,
        .task_order = order_from_wire(wire->task_order),
        .reservation_activity_sid = wire->reservation_activity_sid,
        .assignment_activity_sid = wire->assignment_activity_sid,
        .reservation_activity_name = wire->reservation_activity_name,
        .assignment_activity_name = wire->assignment_activity_name,
        .version = 1,
        .created_at_us = wire_time_us(wire->date_created),
        .updated_at_us = wire_time_us(wire->date_updated),
        .observed_at_us = put->observed_at_us,
    };
}

static enum err_code take_in(struct put *put, struct call *call, struct err *err)
{
    put->count = put->request->n_items;
    put->theirs = ARENA_ARRAY(call->arena, struct task_queue, put->count);
    put->items = ARENA_ARRAY(call->arena, struct mirror_item, put->count);
    if (put->theirs == NULL || put->items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        const wire_queue *wire = put->request->items[i];
        put->theirs[i] = from_wire(put, wire);
        put->items[i] = (struct mirror_item){
            .sid = wire->sid,
            .friendly_name = wire->friendly_name,
            .account_sid = wire->account_sid,
            .workspace_sid = wire->workspace_sid,
            .name = wire->friendly_name,
            .name_now = "",
        };
        mirror_diff_init(&put->items[i].diff, call->arena);
        struct err wrong = {.code = ERR_OK};
        if (task_queue_check_mirrored(&put->theirs[i], &wrong) != ERR_OK)
            put->items[i].problem = arena_strdup(call->arena, wrong.detail);
    }
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

static void compare(struct mirror_diff *diff, const struct task_queue *ours,
                    const struct task_queue *theirs)
{
    mirror_diff_text(diff, "friendly_name", ours->friendly_name, theirs->friendly_name);
    mirror_diff_text(diff, "target_workers", ours->target_workers, theirs->target_workers);
    mirror_diff_i64(diff, "max_reserved_workers", ours->max_reserved_workers,
                    theirs->max_reserved_workers);
    mirror_diff_text(diff, "task_order", task_order_name(ours->task_order),
                     task_order_name(theirs->task_order));
    mirror_diff_text(diff, "reservation_activity_sid", ours->reservation_activity_sid,
                     theirs->reservation_activity_sid);
    mirror_diff_text(diff, "assignment_activity_sid", ours->assignment_activity_sid,
                     theirs->assignment_activity_sid);
}

static void match(struct put *put, const struct task_queue *ours, const char *key)
{
    bool is_here = strcmp(ours->workspace_sid, put->workspace->sid) == 0;
    for (size_t i = 0; i < put->count; i++) {
        struct mirror_item *item = &put->items[i];
        struct task_queue *theirs = &put->theirs[i];
        if (strcmp(item->sid, ours->sid) != 0)
            continue;
        item->row = (struct mirror_row){true, ours->is_vanished, ours->observed_at_us};
        item->row_workspace_sid = ours->workspace_sid;
        if (!is_here)
            continue;
        item->name_now = key;
        theirs->version = ours->version + 1;
        if (theirs->created_at_us == 0)
            theirs->created_at_us = ours->created_at_us;
        compare(&item->diff, ours, theirs);
    }
}

/* What we have under these SIDs and names. */
static enum err_code look_up(struct put *put, struct db_conn *conn, struct call *call,
                             struct err *err)
{
    struct str *texts = ARENA_ARRAY(call->arena, struct str, put->count);
    struct task_queue *rows = NULL;
    const char **keys = NULL;
    const char **holders = NULL;
    size_t count = 0;
    if (texts == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++)
        texts[i] = str_from(put->items[i].sid);
    enum err_code code =
        queue_store_mirror_find(conn, call, texts, put->count, &rows, &keys, &count, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        match(put, &rows[i], keys[i]);
    if (code == ERR_OK)
        code = mirror_gone_find(conn, call, put->items, put->count, err);
    for (size_t i = 0; i < put->count; i++)
        texts[i] = str_from(put->theirs[i].friendly_name);
    if (code == ERR_OK)
        code = queue_store_mirror_names(conn, call, put->workspace->sid, texts, put->count, &keys,
                                        &holders, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++) {
        put->items[i].name_wanted = keys[i];
        put->items[i].name_holder = holders[i];
    }
    return code;
}

/* Names are taken away first: some may be swapped. */
static enum err_code park(const struct put *put, struct db_conn *conn, struct call *call,
                          struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, put->count);
    size_t count = 0;
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        const struct mirror_item *item = &put->items[i];
        if (mirror_item_is_written(item) && item->name_now[0] != '\0' &&
            strcmp(item->name_now, item->name_wanted) != 0)
            sids[count++] = str_from(item->sid);
    }
    return count == 0 ? ERR_OK : queue_store_mirror_park(conn, call, sids, count, err);
}

static enum err_code put_row(struct db_conn *conn, struct call *call, struct task_queue *queue,
                             bool is_created, struct err *err)
{
    if (queue->created_at_us == 0)
        queue->created_at_us = queue->observed_at_us;
    if (queue->updated_at_us == 0)
        queue->updated_at_us = queue->observed_at_us;
    enum err_code code = queue_store_mirror_put(conn, call, queue, err);
    if (code != ERR_OK)
        return code;
    return queue_event_append(conn, call,
                              is_created ? "task-queue.created" : "task-queue.expression.updated",
                              queue, false, err);
}

static enum err_code write(struct put *put, struct db_conn *conn, struct call *call,
                           struct err *err)
{
    struct task_queue *same = ARENA_ARRAY(call->arena, struct task_queue, put->count);
    size_t same_count = 0;
    if (same == NULL)
        return call_no_room(err);
    enum err_code code = park(put, conn, call, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++) {
        const struct mirror_item *item = &put->items[i];
        if (mirror_item_is_written(item))
            code = put_row(conn, call, &put->theirs[i], item->outcome == MIRROR_CREATED, err);
        else if (item->outcome == MIRROR_UNCHANGED)
            same[same_count++] = put->theirs[i];
    }
    if (code == ERR_OK && same_count > 0)
        code = queue_store_mirror_observe(conn, call, same, same_count, put->observed_at_us, err);
    return code;
}

static enum err_code put_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct put *put = ctx;
    enum err_code code = workspaces_lock(conn, call, put->workspace->sid, err);
    if (code == ERR_OK)
        code = take_in(put, call, err);
    if (code == ERR_OK)
        code = look_up(put, conn, call, err);
    if (code == ERR_OK)
        code = mirror_items_settle(call, put->workspace, &kind, put->observed_at_us, put->items,
                                   put->count, err);
    if (code == ERR_OK && !put->request->dry_run)
        code = write(put, conn, call, err);
    if (code != ERR_OK)
        return code;
    put->reply = mirror_items_results(call->arena, put->items, put->count);
    return put->reply == NULL ? call_no_room(err) : ERR_OK;
}

enum err_code mirror_rpc_put_queues(void *app, struct call *call, const put_request *request,
                                    Taskrouter__Common__V1__MirrorResults **out_reply,
                                    struct err *err)
{
    struct queues *queues = app;
    struct workspace_copy workspace;
    struct put put = {.request = request, .workspace = &workspace};
    enum err_code code =
        mirror_require_mirrored(&queues->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code =
            mirror_check_request(request->n_items, request->observed_at, &put.observed_at_us, err);
    if (code == ERR_OK)
        code = db_tx_run(queues->host.pool, call, put_tx, &put, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(queues->host.outbox);
    *out_reply = put.reply;
    return ERR_OK;
}
