#include "change_rpc.h"

#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "db/idempotency.h"
#include "deciding.h"
#include "fetcher.h"
#include "log/log.h"
#include "mirror_apply.h"
#include "shell.h"
#include "svc/check.h"
#include "svc/decide.h"
#include "svc/mask.h"
#include "svc/wire.h"
#include "task_access.h"

#define CHANGE_MAGIC UINT32_C(0x54434847)

enum { APPLY_MANY_MAX = 256 };

/* One call under way; lives in the call's arena until it is answered. */
struct change {
    uint32_t magic;
    struct tasks *tasks;
    struct rpc_reply *reply;
    struct shard_op op;
    struct fetch_job fetch;
    struct decide_job decide; /* request NULL: rules have no say */
    bool is_decided;          /* rules were asked; where it goes may be their word */
};

/* ---- the way of a call ---- */

static void fail(struct change *change, const struct err *err)
{
    struct rpc_reply *reply = change->reply;
    struct err copy = *err; /* the call's memory ends with the answer */
    rpc_reply_fail(reply, &copy);
}

static void on_done(struct shard_op *op);
static void go_on(struct change *change);

static void on_fetched(struct fetch_job *job, enum err_code code, const struct err *err)
{
    struct change *change = CONTAINER_OF(job, struct change, fetch);
    INVARIANT(change->magic == CHANGE_MAGIC);
    /* Without the queues of a document the task waits in them until they are known. */
    if (code != ERR_OK && job->unknown != SHARD_UNKNOWN_DOCUMENT_QUEUES) {
        fail(change, err);
        return;
    }
    struct err refusal;
    err_clear(&refusal);
    enum access_answer answer =
        access_try(change->tasks, change->op.call, change->op.workspace_sid.text, &refusal);
    if (answer == ACCESS_UNKNOWN)
        (void)ERR_FIELD(&refusal, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid",
                        "there is no workspace %s", change->op.workspace_sid.text);
    if (answer != ACCESS_GRANTED) {
        fail(change, &refusal);
        return;
    }
    /* A workspace that was fetched came with everything; what else is missing was asked for. */
    change->op.may_fetch = false;
    go_on(change);
}

static void start_fetch(struct change *change, unsigned unknown)
{
    const struct shard_op *op = &change->op;
    change->fetch = (struct fetch_job){
        .workspace_sid = op->workspace_sid,
        .unknown = unknown,
        .resume = on_fetched,
    };
    if (op->command.kind == ENGINE_CREATE_TASK) {
        const struct engine_create *create = &op->command.create;
        change->fetch.workflow_sid = create->workflow_sid;
        change->fetch.worker_sid = create->routing_target;
        if (strncmp(create->routing_target.text, "WW", 2) == 0)
            change->fetch.workflow_sid = create->routing_target;
    }
    struct err err;
    if (!fetcher_push(change->tasks->fetcher, &change->fetch)) {
        (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "QUEUE_FULL",
                      "too many requests wait for the router; try again in a second");
        fail(change, &err);
    }
}

/* ---- rules ---- */

static enum err_code fill_create(struct change *change,
                                 const Taskrouter__Tasks__V1__CreateTaskRequest *request,
                                 struct err *err);

static void on_decided(struct decide_job *job, enum err_code code, const struct err *err)
{
    struct change *change = CONTAINER_OF(job, struct change, decide);
    struct err why = *err;
    INVARIANT(change->magic == CHANGE_MAGIC);
    if (code == ERR_OK)
        code = fill_create(change, job->request, &why);
    if (code == ERR_OK)
        shell_submit(change->tasks->shell, &change->op);
    else
        fail(change, &why);
}

/* Who may do this is settled: rules have their say if they are to, then the shard. */
static void go_on(struct change *change)
{
    const char *workspace_sid = change->op.workspace_sid.text;
    struct decide_job *job = &change->decide;
    struct err err;
    bool is_open = job->request != NULL && !change->is_decided;
    /* Of a workspace that Twilio routes sync-svc asks, before Twilio hears of the task. */
    if (!is_open || shell_is_mirrored(change->tasks->shell, workspace_sid) ||
        !deciding_has_to(change->tasks->deciding, workspace_sid)) {
        shell_submit(change->tasks->shell, &change->op);
        return;
    }
    change->is_decided = true;
    if (deciding_push(change->tasks->deciding, job))
        return;
    (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "QUEUE_FULL",
                  "too many requests wait for routing rules; try again in a second");
    fail(change, &err);
}

/* What a rule sends to was deleted meanwhile: the task goes on as if none had said where. */
static bool is_undecided(struct change *change)
{
    struct shard_op *op = &change->op;
    struct engine_create *create = &op->command.create;
    if (!change->is_decided || op->code != ERR_NOT_FOUND ||
        !(sid_is_set(&create->workflow_sid) || sid_is_set(&create->routing_target)))
        return false;
    LOG_WARN(op->call, "routing rules send a task to what is not there, it goes on without",
             LOG_ERR(&op->err));
    create->workflow_sid = create->routing_target = (struct sid){{0}};
    return true;
}

/* On the shard's thread, after the commit. */
static void on_done(struct shard_op *op)
{
    struct change *change = CONTAINER_OF(op, struct change, op);
    INVARIANT(change->magic == CHANGE_MAGIC);
    if (op->code == ERR_OK)
        rpc_reply_finish(change->reply, op->message);
    else if (is_undecided(change))
        shell_submit(change->tasks->shell, op);
    else if (op->unknown != SHARD_UNKNOWN_NONE && op->may_fetch)
        start_fetch(change, op->unknown);
    else
        fail(change, &op->err);
}

/* NULL when the call was refused already. */
static struct change *change_new(void *app, struct call *call, const char *workspace_sid,
                                 struct rpc_reply *reply)
{
    struct change *change = ARENA_NEW(call->arena, struct change);
    if (change == NULL) {
        struct err err;
        (void)rpc_no_room(&err);
        rpc_reply_fail(reply, &err);
        return NULL;
    }
    *change = (struct change){
        .magic = CHANGE_MAGIC,
        .tasks = app,
        .reply = reply,
        .op = {.call = call, .workspace_sid = sid_from(str_from(workspace_sid)), .done = on_done},
    };
    return change;
}

static void submit(struct change *change)
{
    struct err err;
    err_clear(&err);
    switch (access_try(change->tasks, change->op.call, change->op.workspace_sid.text, &err)) {
    case ACCESS_GRANTED:
        go_on(change);
        return;
    case ACCESS_UNKNOWN:
        start_fetch(change, SHARD_UNKNOWN_WORKSPACE);
        return;
    case ACCESS_REFUSED:
        break;
    }
    fail(change, &err);
}

static enum err_code use_key(struct change *change, const char *method, const char *key,
                             const ProtobufCMessage *request, struct err *err)
{
    struct shard_op *op = &change->op;
    op->method = method;
    op->key = str_from(key);
    if (op->key.len == 0)
        return ERR_OK;
    if (op->key.len > IDEMPOTENCY_KEY_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_INVALID", "idempotency_key",
                         "the idempotency key must be text of at most %d bytes",
                         IDEMPOTENCY_KEY_MAX);
    size_t size = protobuf_c_message_get_packed_size(request);
    uint8_t *bytes = arena_alloc(op->call->arena, size);
    if (bytes == NULL)
        return rpc_no_room(err);
    (void)protobuf_c_message_pack(request, bytes);
    op->request_hash = sid_derive("RH", str_from(method), (struct str){(const char *)bytes, size});
    return ERR_OK;
}

/* ---- tasks ---- */

static enum err_code fill_create(struct change *change,
                                 const Taskrouter__Tasks__V1__CreateTaskRequest *request,
                                 struct err *err)
{
    const char *rules = decide_rules_text(change->op.call->arena, request->rules, request->n_rules);
    enum err_code code = check_optional_sid("workflow_sid", request->workflow_sid, "WW", err);
    if (code == ERR_OK)
        code = check_optional_sid("task_queue_sid", request->task_queue_sid, "WQ", err);
    if (code == ERR_OK && strlen(request->routing_target) > SID_LEN)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SID", "routing_target",
                         "routing_target must be the SID of a worker, queue or workflow");
    if (code == ERR_OK)
        code = check_text("call_id", request->call_id, 0, 255, err);
    if (code != ERR_OK)
        return code;
    change->op.command.kind = ENGINE_CREATE_TASK;
    change->op.command.create = (struct engine_create){
        .workspace_sid = change->op.workspace_sid,
        .attributes = str_from(request->attributes),
        .workflow_sid = sid_from(str_from(request->workflow_sid)),
        .queue_sid = sid_from(str_from(request->task_queue_sid)),
        .routing_target = sid_from(str_from(request->routing_target)),
        .channel = str_from(request->task_channel),
        .has_ignore_capacity = request->_ignore_capacity_case != 0,
        .ignore_capacity = request->ignore_capacity,
        .has_priority = request->_priority_case != 0,
        .priority = request->priority,
        .has_timeout = request->_timeout_case != 0,
        .timeout_s = request->timeout,
        .virtual_start_us = wire_time_us(request->virtual_start_time),
        .call_id = str_from(request->call_id),
        .rules = str_from(rules),
    };
    change->op.reply = SHARD_REPLY_TASK;
    change->op.may_fetch = true;
    return rules == NULL ? rpc_no_room(err) : ERR_OK;
}

CHANGE_RPC(change_rpc_create, CreateTaskRequest)
{
    struct change *change = change_new(app, call, request->workspace_sid, reply);
    if (change == NULL)
        return;
    /* The request is the call's own copy: what rules decide is laid over it. */
    union {
        const Taskrouter__Tasks__V1__CreateTaskRequest *shared;
        Taskrouter__Tasks__V1__CreateTaskRequest *own;
    } as = {.shared = request};
    struct err err;
    err_clear(&err);
    if (decide_is_open(request))
        change->decide = (struct decide_job){.call = call, .request = as.own, .resume = on_decided};
    /* The key is that of the request as it came: rules may say something else the next time. */
    if (decide_check(call, request, &err) == ERR_OK &&
        fill_create(change, request, &err) == ERR_OK &&
        use_key(change, "CreateTask", request->idempotency_key, &request->base, &err) == ERR_OK)
        submit(change);
    else
        fail(change, &err);
}

static const char *const updatable[] = {
    "attributes", "priority", "task_channel_sid", "task_channel_unique_name", "virtual_start_time",
};

static struct engine_update changes_of(const Taskrouter__Tasks__V1__Task *task,
                                       const Google__Protobuf__FieldMask *mask)
{
    bool by_sid = mask_has(mask, "task_channel_sid");
    return (struct engine_update){
        .has_attributes = mask_has(mask, "attributes"),
        .attributes = str_from(task->attributes),
        .has_priority = mask_has(mask, "priority"),
        .priority = task->priority,
        .has_channel = by_sid || mask_has(mask, "task_channel_unique_name"),
        .channel = str_from(by_sid ? task->task_channel_sid : task->task_channel_unique_name),
        .has_virtual_start = mask_has(mask, "virtual_start_time"),
        .virtual_start_us = wire_time_us(task->virtual_start_time),
    };
}

static enum err_code fill_update(struct change *change,
                                 const Taskrouter__Tasks__V1__UpdateTaskRequest *request,
                                 struct err *err)
{
    const Taskrouter__Tasks__V1__Task *task = request->task;
    enum err_code code = check_sid("sid", task->sid, "WT", err);
    if (code == ERR_OK)
        code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    if (code != ERR_OK)
        return code;
    change->op.command.kind = ENGINE_UPDATE_TASK;
    change->op.command.update = changes_of(task, request->update_mask);
    change->op.command.update.sid = sid_from(str_from(task->sid));
    change->op.command.update.workspace_sid = change->op.workspace_sid;
    change->op.command.update.expected_version =
        request->_expected_version_case != 0 ? request->expected_version : 0;
    change->op.reply = SHARD_REPLY_TASK;
    return ERR_OK;
}

CHANGE_RPC(change_rpc_update, UpdateTaskRequest)
{
    struct err err;
    err_clear(&err);
    if (request->task == NULL) {
        (void)ERR_FIELD(&err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "task",
                        "task is required; give it with workspace_sid and sid");
        rpc_reply_fail(reply, &err);
        return;
    }
    struct change *change = change_new(app, call, request->task->workspace_sid, reply);
    if (change == NULL)
        return;
    if (fill_update(change, request, &err) == ERR_OK)
        submit(change);
    else
        fail(change, &err);
}

CHANGE_RPC(change_rpc_delete, DeleteTaskRequest)
{
    struct change *change = change_new(app, call, request->workspace_sid, reply);
    if (change == NULL)
        return;
    struct err err;
    err_clear(&err);
    if (check_sid("sid", request->sid, "WT", &err) != ERR_OK) {
        fail(change, &err);
        return;
    }
    change->op.command.kind = ENGINE_DELETE_TASK;
    change->op.command.action = (struct engine_action){
        .sid = sid_from(str_from(request->sid)),
        .workspace_sid = change->op.workspace_sid,
        .expected_version = request->_expected_version_case != 0 ? request->expected_version : 0,
    };
    submit(change);
}

/* What differs between the actions on a task. */
struct task_action {
    const char *method;
    enum engine_command_kind kind;
    const char *reason; /* recorded when the caller gives none; NULL where none is recorded */
};

/* How long a wrap-up may last: what the call says, else the setting. */
static int64_t wrap_up_timeout(const struct change *change, bool is_given, int64_t given_s)
{
    enum engine_command_kind kind = change->op.command.kind;
    if (kind != ENGINE_WRAP_UP_TASK && kind != ENGINE_WRAP_UP_RESERVATION)
        return 0;
    return is_given ? given_s : change->tasks->wrap_up_timeout_s;
}

/* Canceled as it changes: one step, of which all or nothing happens. */
static enum err_code fill_cancel_with(struct change *change,
                                      const Taskrouter__Tasks__V1__TaskActionRequest *request,
                                      struct err *err)
{
    const struct engine_action action = change->op.command.action;
    if (change->op.command.kind != ENGINE_CANCEL_TASK_WITH)
        return ERR_OK;
    enum err_code code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    if (code != ERR_OK)
        return code;
    struct engine_update *update = &change->op.command.update;
    *update = changes_of(request->task, request->update_mask);
    update->sid = action.sid;
    update->workspace_sid = action.workspace_sid;
    update->expected_version = action.expected_version;
    update->reason = action.reason;
    return ERR_OK;
}

static void act_on_task(void *app, struct call *call,
                        const Taskrouter__Tasks__V1__TaskActionRequest *request,
                        struct rpc_reply *reply, const struct task_action *action)
{
    struct change *change = change_new(app, call, request->workspace_sid, reply);
    if (change == NULL)
        return;
    struct err err;
    err_clear(&err);
    change->op.reply = SHARD_REPLY_TASK;
    change->op.is_own_only = access_is_own_only(call);
    change->op.command.kind = action->kind;
    change->op.command.action = (struct engine_action){
        .sid = sid_from(str_from(request->sid)),
        .workspace_sid = change->op.workspace_sid,
        .expected_version = request->_expected_version_case != 0 ? request->expected_version : 0,
        .reason = str_from(request->reason[0] == '\0' ? action->reason : request->reason),
    };
    change->op.command.action.timeout_s =
        wrap_up_timeout(change, request->_timeout_case != 0, request->timeout);
    if (check_sid("sid", request->sid, "WT", &err) == ERR_OK &&
        check_text("reason", request->reason, 0, 4096, &err) == ERR_OK &&
        fill_cancel_with(change, request, &err) == ERR_OK &&
        use_key(change, action->method, request->idempotency_key, &request->base, &err) == ERR_OK)
        submit(change);
    else
        fail(change, &err);
}

CHANGE_RPC(change_rpc_cancel, TaskActionRequest)
{
    static const struct task_action action = {"CancelTask", ENGINE_CANCEL_TASK, "canceled"};
    static const struct task_action changing = {"CancelTask", ENGINE_CANCEL_TASK_WITH, "canceled"};
    bool is_changing = request->task != NULL && request->update_mask != NULL;
    act_on_task(app, call, request, reply, is_changing ? &changing : &action);
}

CHANGE_RPC(change_rpc_wrap_up, TaskActionRequest)
{
    static const struct task_action action = {"WrapUpTask", ENGINE_WRAP_UP_TASK, NULL};
    act_on_task(app, call, request, reply, &action);
}

CHANGE_RPC(change_rpc_complete, TaskActionRequest)
{
    static const struct task_action action = {"CompleteTask", ENGINE_COMPLETE_TASK, "completed"};
    act_on_task(app, call, request, reply, &action);
}

/* ---- reservations ---- */

static enum err_code
fill_reservation(struct change *change,
                 const Taskrouter__Tasks__V1__ReservationActionRequest *request,
                 const struct task_action *action, struct err *err)
{
    enum err_code code = check_sid("sid", request->sid, "WR", err);
    if (code == ERR_OK)
        code = check_optional_sid("worker_activity_sid", request->worker_activity_sid, "WA", err);
    if (code == ERR_OK)
        code = check_text("instruction", request->instruction, 0, 64, err);
    if (code == ERR_OK)
        code = check_text("reason", request->reason, 0, 4096, err);
    if (code == ERR_OK && strlen(request->instruction_data) > 16384)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LENGTH", "instruction_data",
                         "instruction_data may have at most 16384 bytes");
    if (code != ERR_OK)
        return code;
    change->op.reply = SHARD_REPLY_RESERVATION;
    change->op.is_own_only = access_is_own_only(change->op.call);
    change->op.command.kind = action->kind;
    change->op.command.action = (struct engine_action){
        .sid = sid_from(str_from(request->sid)),
        .workspace_sid = change->op.workspace_sid,
        .expected_version = request->_expected_version_case != 0 ? request->expected_version : 0,
        .reason = str_from(request->reason[0] == '\0' ? action->reason : request->reason),
        .activity_sid = sid_from(str_from(request->worker_activity_sid)),
        .instruction = str_from(request->instruction),
        .instruction_data = str_from(request->instruction_data),
    };
    change->op.command.action.timeout_s =
        wrap_up_timeout(change, request->_timeout_case != 0, request->timeout);
    return use_key(change, action->method, request->idempotency_key, &request->base, err);
}

static void act_on_reservation(void *app, struct call *call,
                               const Taskrouter__Tasks__V1__ReservationActionRequest *request,
                               struct rpc_reply *reply, const struct task_action *action)
{
    struct change *change = change_new(app, call, request->workspace_sid, reply);
    if (change == NULL)
        return;
    struct err err;
    err_clear(&err);
    if (fill_reservation(change, request, action, &err) == ERR_OK)
        submit(change);
    else
        fail(change, &err);
}

CHANGE_RPC(change_rpc_accept_reservation, ReservationActionRequest)
{
    static const struct task_action action = {"AcceptReservation", ENGINE_ACCEPT_RESERVATION, NULL};
    act_on_reservation(app, call, request, reply, &action);
}

CHANGE_RPC(change_rpc_reject_reservation, ReservationActionRequest)
{
    static const struct task_action action = {"RejectReservation", ENGINE_REJECT_RESERVATION, NULL};
    act_on_reservation(app, call, request, reply, &action);
}

CHANGE_RPC(change_rpc_wrap_up_reservation, ReservationActionRequest)
{
    static const struct task_action action = {"WrapUpReservation", ENGINE_WRAP_UP_RESERVATION,
                                              NULL};
    act_on_reservation(app, call, request, reply, &action);
}

CHANGE_RPC(change_rpc_complete_reservation, ReservationActionRequest)
{
    static const struct task_action action = {"CompleteReservation", ENGINE_COMPLETE_RESERVATION,
                                              NULL};
    act_on_reservation(app, call, request, reply, &action);
}

CHANGE_RPC(change_rpc_cancel_reservation, ReservationActionRequest)
{
    static const struct task_action action = {"CancelReservation", ENGINE_CANCEL_RESERVATION,
                                              "Reservation canceled"};
    act_on_reservation(app, call, request, reply, &action);
}

CHANGE_RPC(change_rpc_instruct_reservation, ReservationActionRequest)
{
    static const struct task_action action = {"InstructReservation", ENGINE_INSTRUCT_RESERVATION,
                                              NULL};
    act_on_reservation(app, call, request, reply, &action);
}

/* ---- what Twilio did ---- */

static void apply_submit(struct change *change, struct mirror_apply *items, size_t count)
{
    change->op.mirror = items;
    change->op.mirror_count = count;
    change->op.may_fetch = true;
    submit(change);
}

CHANGE_RPC(change_rpc_apply, ApplyRequest)
{
    struct change *change = change_new(app, call, request->workspace_sid, reply);
    if (change == NULL)
        return;
    struct err err;
    err_clear(&err);
    struct mirror_apply *apply = ARENA_NEW(call->arena, struct mirror_apply);
    if (apply == NULL)
        (void)rpc_no_room(&err);
    if (apply != NULL && mirror_apply_read(call->arena, request, apply, &err) == ERR_OK)
        apply_submit(change, apply, 1);
    else
        fail(change, &err);
}

/* What is wrong with one of many is its own outcome, but for a want of memory. */
static enum err_code read_one_of_many(struct call *call, const char *workspace_sid,
                                      const Taskrouter__Tasks__V1__ApplyRequest *request,
                                      struct mirror_apply *out, struct err *err)
{
    struct err why;
    err_clear(&why);
    enum err_code code = ERR_OK;
    if (strcmp(request->workspace_sid, workspace_sid) != 0)
        code = ERR_FIELD(&why, ERR_INVALID_ARGUMENT, "OTHER_WORKSPACE", "workspace_sid",
                         "all items must be of workspace %s", workspace_sid);
    if (code == ERR_OK)
        code = mirror_apply_read(call->arena, request, out, &why);
    if (code == ERR_OK)
        return code;
    struct err *refusal = ARENA_NEW(call->arena, struct err);
    if (refusal == NULL || arena_is_exhausted(call->arena))
        return rpc_no_room(err);
    *refusal = why;
    *out = (struct mirror_apply){.refusal = refusal};
    return ERR_OK;
}

static enum err_code read_many(struct call *call,
                               const Taskrouter__Tasks__V1__ApplyManyRequest *request,
                               struct mirror_apply **out, struct err *err)
{
    if (request->n_items == 0 || request->n_items > APPLY_MANY_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_COUNT", "items",
                         "there must be 1 to %d items", APPLY_MANY_MAX);
    struct mirror_apply *items = ARENA_ARRAY(call->arena, struct mirror_apply, request->n_items);
    if (items == NULL)
        return rpc_no_room(err);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < request->n_items && code == ERR_OK; i++)
        code = read_one_of_many(call, request->workspace_sid, request->items[i], &items[i], err);
    *out = items;
    return code;
}

CHANGE_RPC(change_rpc_apply_many, ApplyManyRequest)
{
    struct change *change = change_new(app, call, request->workspace_sid, reply);
    if (change == NULL)
        return;
    struct err err;
    err_clear(&err);
    struct mirror_apply *items = NULL;
    if (read_many(call, request, &items, &err) != ERR_OK) {
        fail(change, &err);
        return;
    }
    change->op.is_many = true;
    apply_submit(change, items, request->n_items);
}
