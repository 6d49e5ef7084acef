/* Task queues from Twilio. */
#include "mirror_keepers.h"
#include "mirror_rpc.h"
#include "queue_events.h"
#include "queue_store.h"
#include "queues.h"
#include "svc/wire.h"

typedef Taskrouter__Queues__V1__PutTaskQueuesRequest put_request;
typedef Taskrouter__Queues__V1__TaskQueue wire_queue;

/* Of a Put; rows in the order of the request. */
struct queue_put {
    const put_request *request;
    struct task_queue *rows;
};

static enum task_order order_from_wire(Taskrouter__Queues__V1__TaskOrder order)
{
    return order == TASKROUTER__QUEUES__V1__TASK_ORDER__TASK_ORDER_LIFO ? TASK_ORDER_LIFO
                                                                        : TASK_ORDER_FIFO;
}

static struct task_queue from_wire(const struct mirror_put *put, const wire_queue *wire)
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

static enum err_code take_in(struct mirror_put *put, struct call *call, struct err *err)
{
    struct queue_put *own = put->own;
    own->rows = ARENA_ARRAY(call->arena, struct task_queue, put->count);
    if (own->rows == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        const wire_queue *wire = own->request->items[i];
        struct err wrong = {.code = ERR_OK};
        own->rows[i] = from_wire(put, wire);
        bool is_fit = task_queue_check_mirrored(&own->rows[i], &wrong) == ERR_OK;
        mirror_put_item(put, call, i,
                        &(struct mirror_said){
                            .sid = wire->sid,
                            .friendly_name = wire->friendly_name,
                            .account_sid = wire->account_sid,
                            .workspace_sid = wire->workspace_sid,
                            .name = wire->friendly_name,
                            .problem = is_fit ? NULL : arena_strdup(call->arena, wrong.detail),
                        });
    }
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code find(struct db_conn *conn, struct call *call, const struct str *sids,
                          size_t count, struct mirror_stored **out, size_t *out_count,
                          struct err *err)
{
    struct task_queue *rows = NULL;
    const char **keys = NULL;
    enum err_code code =
        queue_store_mirror_find(conn, call, sids, count, &rows, &keys, out_count, err);
    if (code != ERR_OK)
        return code;
    *out = ARENA_ARRAY(call->arena, struct mirror_stored, *out_count);
    if (*out == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < *out_count; i++)
        (*out)[i] = (struct mirror_stored){
            .row = &rows[i],
            .sid = rows[i].sid,
            .workspace_sid = rows[i].workspace_sid,
            .friendly_name = rows[i].friendly_name,
            .name_key = keys[i],
            .is_vanished = rows[i].is_vanished,
            .observed_at_us = rows[i].observed_at_us,
        };
    return ERR_OK;
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

static void meet(struct mirror_put *put, size_t index, const void *row)
{
    struct queue_put *own = put->own;
    struct task_queue *theirs = &own->rows[index];
    const struct task_queue *ours = row;
    theirs->version = ours->version + 1;
    if (theirs->created_at_us == 0)
        theirs->created_at_us = ours->created_at_us;
    compare(&put->items[index].diff, ours, theirs);
}

static enum err_code write_one(struct mirror_put *put, struct db_conn *conn, struct call *call,
                               size_t index, struct err *err)
{
    struct queue_put *own = put->own;
    struct task_queue *queue = &own->rows[index];
    bool is_created = put->items[index].outcome == MIRROR_CREATED;
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

static enum err_code observe(struct mirror_put *put, struct db_conn *conn, struct call *call,
                             const size_t *indexes, size_t count, struct err *err)
{
    struct queue_put *own = put->own;
    struct task_queue *same = ARENA_ARRAY(call->arena, struct task_queue, count);
    if (same == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        same[i] = own->rows[indexes[i]];
    return queue_store_mirror_observe(conn, call, same, count, put->observed_at_us, err);
}

static enum err_code vanish(struct db_conn *conn, struct call *call, void *row,
                            int64_t observed_at_us, struct err *err)
{
    struct task_queue *queue = row;
    enum err_code code = queue_store_mirror_vanish(conn, call, queue, observed_at_us, err);
    return code == ERR_OK ? queue_event_append(conn, call, "task-queue.deleted", queue, true, err)
                          : code;
}

const struct mirror_keeper queue_keeper = {
    .kind = {"WQ", "task queue"},
    .take_in = take_in,
    .find = find,
    .meet = meet,
    .names = queue_store_mirror_names,
    .park = queue_store_mirror_park,
    .write = write_one,
    .observe = observe,
    .vanish = vanish,
};

enum err_code mirror_rpc_put_queues(void *app, struct call *call, const put_request *request,
                                    Taskrouter__Common__V1__MirrorResults **out_reply,
                                    struct err *err)
{
    struct queues *queues = app;
    struct queue_put own = {.request = request};
    struct mirror_put put = {
        .keeper = &queue_keeper,
        .workspace_sid = request->workspace_sid,
        .observed_at = request->observed_at,
        .is_dry_run = request->dry_run,
        .count = request->n_items,
        .own = &own,
    };
    return mirror_put_run(&queues->host, &queues->workspaces, call, &put, out_reply, err);
}
