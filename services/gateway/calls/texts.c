#include <string.h>

#include "base/clock.h"
#include "calls_int.h"
#include "calls_tasks.h"
#include "gateway.h"
#include "jx/jx.h"
#include "line_store.h"
#include "log/log.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/routing/v1/hours.pb-c.h"
#include "text_store.h"
#include "twilio/phone.h"

#define CREATE_TASK "/taskrouter.tasks.v1.Tasks/CreateTask"
#define UPDATE_TASK "/taskrouter.tasks.v1.Tasks/UpdateTask"
#define GET_TASK    "/taskrouter.tasks.v1.Tasks/GetTask"
#define GET_HOURS   "/taskrouter.routing.v1.Hours/GetHours"

enum { BODY_SHOWN = 1000 };

typedef Taskrouter__Tasks__V1__Task wire_task;

/* E.164, or the text as it came (short codes, names), cut. */
static const char *number_of(const struct ask *ask, const char *name)
{
    struct phone phone;
    const char *raw = ask_param(ask, name);
    const char *region = ask->calls->gateway->settings->phone_region;
    if (phone_parse(str_from(raw), region, &phone) == PHONE_NUMBER)
        raw = arena_strdup(ask->call->arena, phone.e164);
    return raw != NULL ? raw : "";
}

/* The row stands for the message where decisions want one: numbers, line, workspace. */
static enum err_code row_take(struct ask *ask, struct err *err)
{
    phone_line_defaults(&ask->line);
    ask->row = (struct phone_call){
        .sid = "",
        .account_sid = "",
        .workspace_sid = "",
        .call_sid = "",
        .from_number = number_of(ask, "From"),
        .to_number = number_of(ask, "To"),
        .customer_sid = "",
        .customer_name = "",
    };
    enum err_code code = ERR_OK;
    if (ask->row.to_number[0] != '\0')
        code = line_store_find(ask->calls->gateway->host.pool, ask->call, ask->row.to_number,
                               &ask->line, &ask->has_line, err);
    ask->row.line_sid = ask->line.sid;
    return code;
}

/* ---- the answer ---- */

/* Closed for sure: what cannot be asked is open. */
static bool is_closed(struct ask *ask)
{
    struct arena *arena = ask->call->arena;
    struct call as_service = calls_as_service(ask->call, calls_patience_ms(ask->calls));
    Taskrouter__Routing__V1__GetHoursRequest request;
    Taskrouter__Routing__V1__HoursState *reply = NULL;
    struct err err = {0};
    taskrouter__routing__v1__get_hours_request__init(&request);
    request.workspace_sid = wire_text(arena, ask->line.workspace_sid);
    request.phone_number = wire_text(arena, ask->line.phone_number);
    if (arena_is_exhausted(arena))
        return false;
    enum err_code code =
        RPC_CALL(calls_peer(ask->calls, PEER_ROUTING), &as_service, GET_HOURS, &request.base,
                 taskrouter__routing__v1__hours_state, &reply, &err);
    return code == ERR_OK && !reply->is_open;
}

enum err_code text_answer(struct ask *ask, struct webhook_answer *out, struct err *err)
{
    enum err_code code = row_take(ask, err);
    if (code != ERR_OK)
        return code;
    if (ask->has_line && ask->line.after_hours_message[0] != '\0' &&
        !phone_line_is_sound(str_from(ask->line.after_hours_message)) && is_closed(ask))
        return answer_message(ask, ask->line.after_hours_message, out, err);
    return answer_nothing(ask, out, err);
}

/* ---- the task ---- */

static enum err_code workspace_take(struct ask *ask, struct err *err)
{
    struct workspace_facts facts;
    enum err_code code =
        calls_workspace(ask->calls, ask->call, ask->line.workspace_sid, CONSUMER_MS, &facts, err);
    if (code != ERR_OK)
        return code;
    ask->row.workspace_sid = arena_strdup(ask->call->arena, facts.sid);
    ask->row.account_sid = arena_strdup(ask->call->arena, facts.account_sid);
    return arena_is_exhausted(ask->call->arena) ? call_no_room(err) : ERR_OK;
}

static bool is_open(const wire_task *task)
{
    return task->assignment_status != TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_COMPLETED &&
           task->assignment_status != TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_CANCELED;
}

/* *out NULL: there is none that is open. */
static enum err_code open_task(struct ask *ask, const struct text_conversation *conversation,
                               wire_task **out, struct err *err)
{
    struct call as_service = calls_as_service(ask->call, CONSUMER_MS);
    Taskrouter__Tasks__V1__GetTaskRequest request;
    *out = NULL;
    if (conversation->task_sid[0] == '\0' ||
        strcmp(conversation->workspace_sid, ask->row.workspace_sid) != 0)
        return ERR_OK;
    taskrouter__tasks__v1__get_task_request__init(&request);
    request.workspace_sid = wire_text(ask->call->arena, ask->row.workspace_sid);
    request.sid = wire_text(ask->call->arena, conversation->task_sid);
    if (arena_is_exhausted(ask->call->arena))
        return call_no_room(err);
    enum err_code code = RPC_CALL(calls_peer(ask->calls, PEER_TASKS), &as_service, GET_TASK,
                                  &request.base, taskrouter__tasks__v1__task, out, err);
    if (code == ERR_OK && !is_open(*out))
        *out = NULL;
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* NULL when it is no news, or the arena is full. */
static const char *attributes_with(struct ask *ask, const char *before, const char *message_sid,
                                   const char *body)
{
    AUTO(jx_cleanup) json_t *object = NULL;
    if (jx_parse_object(str_from(before), NULL, &object, NULL) != ERR_OK ||
        strcmp(jx_get_text(object, "message_sid", ""), message_sid) == 0)
        return NULL;
    (void)json_object_set_new(object, "message_sid", json_string(message_sid));
    (void)json_object_set_new(object, "message", json_string(body));
    (void)json_object_set_new(object, "message_count",
                              json_integer(jx_get_i64(object, "message_count", 0) + 1));
    return calls_attributes(ask->call, object);
}

static enum err_code task_add(struct ask *ask, const wire_task *task, const char *message_sid,
                              const char *body, struct err *err)
{
    struct arena *arena = ask->call->arena;
    struct call as_service = calls_as_service(ask->call, CONSUMER_MS);
    static char path[] = "attributes";
    char *paths[] = {path};
    Google__Protobuf__FieldMask mask;
    Taskrouter__Tasks__V1__UpdateTaskRequest request;
    wire_task wanted;
    wire_task *reply = NULL;
    const char *attributes = attributes_with(ask, task->attributes, message_sid, body);
    if (attributes == NULL)
        return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
    google__protobuf__field_mask__init(&mask);
    mask.paths = paths;
    mask.n_paths = 1;
    taskrouter__tasks__v1__task__init(&wanted);
    wanted.workspace_sid = task->workspace_sid;
    wanted.sid = task->sid;
    wanted.attributes = wire_text(arena, attributes);
    taskrouter__tasks__v1__update_task_request__init(&request);
    request.task = &wanted;
    request.update_mask = &mask;
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    return RPC_CALL(calls_peer(ask->calls, PEER_TASKS), &as_service, UPDATE_TASK, &request.base,
                    taskrouter__tasks__v1__task, &reply, err);
}

static const char *with_due(struct ask *ask, const char *attributes, int64_t due_us)
{
    AUTO(jx_cleanup) json_t *object = NULL;
    if (jx_parse_object(str_from(attributes), NULL, &object, NULL) != ERR_OK)
        return attributes;
    (void)json_object_set_new(object, "due_date",
                              json_string(tasks_time_text(ask->call->arena, due_us)));
    const char *made = calls_attributes(ask->call, object);
    return made != NULL ? made : attributes;
}

static enum err_code task_create(struct ask *ask, const struct webhook_due *due,
                                 const struct text_conversation *conversation,
                                 const char *message_sid, const char *body, const char **out_sid,
                                 struct err *err)
{
    struct arena *arena = ask->call->arena;
    struct call as_service = calls_as_service(ask->call, CONSUMER_MS);
    Taskrouter__Tasks__V1__CreateTaskRequest request;
    wire_task *task = NULL;
    struct plan plan;
    const char *channel = NULL;
    int64_t due_us = 0;
    enum err_code code =
        tasks_channel(ask->calls, ask->call, ask->row.workspace_sid, "chat", &channel, err);
    if (code == ERR_OK)
        code = tasks_due(ask->calls, ask->call, &ask->row, TASKS_DUE_TEXT, due->received_at_us,
                         &due_us, err);
    if (code == ERR_OK)
        code = calls_decide_text(ask, channel, conversation->sid, body, &plan, err);
    if (code != ERR_OK)
        return code;
    taskrouter__tasks__v1__create_task_request__init(&request);
    request.workspace_sid = wire_text(arena, ask->row.workspace_sid);
    request.attributes = wire_text(arena, with_due(ask, plan.attributes, due_us));
    request.workflow_sid = wire_text(arena, plan.workflow_sid);
    request.task_queue_sid = wire_text(arena, plan.task_queue_sid);
    request.routing_target = wire_text(arena, plan.worker_sid);
    request.task_channel = wire_text(arena, channel);
    request.idempotency_key = arena_printf(arena, "sms:%s", message_sid);
    if (plan.has_priority) {
        request._priority_case = TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST___PRIORITY_PRIORITY;
        request.priority = plan.priority;
    }
    code = tasks_rules_put(&plan, arena, &request, err);
    if (code == ERR_OK && arena_is_exhausted(arena))
        code = call_no_room(err);
    if (code == ERR_OK)
        code = RPC_CALL(calls_peer(ask->calls, PEER_TASKS), &as_service, CREATE_TASK, &request.base,
                        taskrouter__tasks__v1__task, &task, err);
    if (code == ERR_OK)
        *out_sid = task->sid;
    return code;
}

static enum err_code message_take(struct ask *ask, const struct webhook_due *due,
                                  struct text_conversation *conversation, const char *message_sid,
                                  struct err *err)
{
    wire_task *task = NULL;
    const char *body = tasks_shown(ask->call->arena, ask_param(ask, "Body"), BODY_SHOWN);
    enum err_code code = open_task(ask, conversation, &task, err);
    if (code != ERR_OK)
        return code;
    if (task != NULL)
        return task_add(ask, task, message_sid, body, err);
    code = task_create(ask, due, conversation, message_sid, body, &conversation->task_sid, err);
    conversation->number++;
    return code;
}

enum err_code text_apply(struct ask *ask, const struct webhook_due *due, const char **out_outcome,
                         struct err *err)
{
    struct sid sid = sid_new("CV");
    struct db_pool *pool = ask->calls->gateway->host.pool;
    const char *message_sid = ask_param(ask, "MessageSid");
    *out_outcome = "unknown";
    if (message_sid[0] == '\0')
        return ERR_OK;
    enum err_code code = row_take(ask, err);
    if (code == ERR_OK)
        code = workspace_take(ask, err);
    struct text_conversation conversation = {
        .sid = sid.text,
        .workspace_sid = ask->row.workspace_sid,
        .from_number = ask->row.from_number,
        .to_number = ask->row.to_number,
    };
    if (code == ERR_OK)
        code = text_store_open(pool, ask->call, &conversation, err);
    *out_outcome = "unchanged";
    if (code != ERR_OK || strcmp(conversation.last_message, message_sid) == 0)
        return code;
    code = message_take(ask, due, &conversation, message_sid, err);
    if (code != ERR_OK)
        return code;
    *out_outcome = "updated";
    conversation.workspace_sid = ask->row.workspace_sid;
    conversation.last_message = message_sid;
    return text_store_update(pool, ask->call, &conversation, err);
}
