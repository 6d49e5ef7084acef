#include <string.h>

#include "base/clock.h"
#include "call_store.h"
#include "calls_int.h"
#include "calls_tasks.h"
#include "gateway.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "log/log.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/hours.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

#define CREATE_TASK "/taskrouter.tasks.v1.Tasks/CreateTask"
#define GET_TASK    "/taskrouter.tasks.v1.Tasks/GetTask"
#define CANCEL_TASK "/taskrouter.tasks.v1.Tasks/CancelTask"
#define UPDATE_TASK "/taskrouter.tasks.v1.Tasks/UpdateTask"
#define LIST_TASKS  "/taskrouter.tasks.v1.Tasks/ListTasks"
#define GET_CHANNEL "/taskrouter.queues.v1.Queues/GetTaskChannel"
#define DUE_TIME    "/taskrouter.routing.v1.Hours/GetDueTime"

enum { TRANSCRIPTION_SHOWN = 1000 }; /* characters of it in the task; the call has it whole */

typedef Taskrouter__Tasks__V1__Task wire_task;
typedef Taskrouter__Tasks__V1__CreateTaskRequest create_request;

/* ---- rows ---- */

struct noted {
    const char *task_sid;
    const char *instead_of; /* NULL: of whatever task_sid is there */
    const char *follow_up_task_sid;
    int64_t due_at_us;
};

static bool note(struct phone_call *row, const void *ctx)
{
    const struct noted *noted = ctx;
    bool is_news = false;
    bool is_expected = noted->instead_of == NULL || strcmp(row->task_sid, noted->instead_of) == 0;
    if (noted->task_sid != NULL && strcmp(row->task_sid, noted->task_sid) != 0 && is_expected) {
        row->task_sid = noted->task_sid;
        is_news = true;
    }
    if (noted->follow_up_task_sid != NULL && row->follow_up_task_sid[0] == '\0') {
        row->follow_up_task_sid = noted->follow_up_task_sid;
        row->due_at_us = noted->due_at_us;
        is_news = true;
    }
    return is_news;
}

static enum err_code note_in(struct calls *calls, const struct call *call, struct phone_call *row,
                             const struct noted *noted, struct err *err)
{
    struct call copy = *call;
    return call_store_change(calls->gateway->host.pool, &copy, row->sid, note, noted, row, err);
}

/* ---- the task of a waiting call ---- */

enum err_code tasks_rules_put(const struct plan *plan, struct arena *arena,
                              Taskrouter__Tasks__V1__CreateTaskRequest *request, struct err *err)
{
    request->decided = true;
    request->rules = ARENA_ARRAY(arena, Taskrouter__Routing__V1__AppliedRule *, plan->rule_count);
    if (request->rules == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < plan->rule_count; i++) {
        Taskrouter__Routing__V1__AppliedRule *rule =
            PB_NEW(arena, taskrouter__routing__v1__applied_rule);
        if (rule == NULL)
            return call_no_room(err);
        rule->sid = wire_text(arena, plan->rules[i].sid);
        rule->name = wire_text(arena, plan->rules[i].name);
        rule->version = plan->rules[i].version;
        request->rules[request->n_rules++] = rule;
    }
    return ERR_OK;
}

static enum err_code request_make(const struct phone_call *row, const struct plan *plan,
                                  struct arena *arena, create_request *request, struct err *err)
{
    bool has_worker = plan->worker_sid[0] != '\0';
    taskrouter__tasks__v1__create_task_request__init(request);
    request->workspace_sid = wire_text(arena, row->workspace_sid);
    request->attributes = wire_text(arena, plan->attributes);
    request->workflow_sid = wire_text(arena, plan->workflow_sid);
    request->task_queue_sid = wire_text(arena, plan->task_queue_sid);
    request->routing_target = wire_text(arena, has_worker ? plan->worker_sid : "");
    request->task_channel = wire_text(arena, "voice");
    request->call_id = wire_text(arena, row->sid);
    request->idempotency_key = arena_printf(arena, "call:%s:%d", row->call_sid, (int)row->plan_no);
    if (plan->has_priority) {
        request->_priority_case = TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST___PRIORITY_PRIORITY;
        request->priority = plan->priority;
    }
    if (plan->has_timeout) {
        request->_timeout_case = TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST___TIMEOUT_TIMEOUT;
        request->timeout = plan->timeout_s;
    }
    enum err_code code = tasks_rules_put(plan, arena, request, err);
    return code == ERR_OK && arena_is_exhausted(arena) ? call_no_room(err) : code;
}

enum err_code tasks_begin(struct calls *calls, const struct call *call, struct phone_call *row,
                          const struct plan *plan, int budget_ms, struct err *err)
{
    struct call as_service = calls_as_service(call, budget_ms);
    create_request request;
    wire_task *task = NULL;
    if (row->task_sid[0] != '\0' || plan->step != PLAN_QUEUE || plan->is_twilio)
        return ERR_OK;
    enum err_code code = request_make(row, plan, call->arena, &request, err);
    if (code == ERR_OK)
        code = RPC_CALL(calls_peer(calls, PEER_TASKS), &as_service, CREATE_TASK, &request.base,
                        taskrouter__tasks__v1__task, &task, err);
    if (code != ERR_OK)
        return code;
    return note_in(calls, call, row, &(struct noted){.task_sid = task->sid}, err);
}

static enum err_code task_get(struct calls *calls, const struct call *call,
                              const struct phone_call *row, int budget_ms, wire_task **out,
                              struct err *err)
{
    struct call as_service = calls_as_service(call, budget_ms);
    Taskrouter__Tasks__V1__GetTaskRequest request;
    taskrouter__tasks__v1__get_task_request__init(&request);
    request.workspace_sid = wire_text(call->arena, row->workspace_sid);
    request.sid = wire_text(call->arena, row->task_sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return RPC_CALL(calls_peer(calls, PEER_TASKS), &as_service, GET_TASK, &request.base,
                    taskrouter__tasks__v1__task, out, err);
}

/* The request of the task before, as that has become since. */
static void request_renew(struct arena *arena, const struct phone_call *row,
                          const wire_task *before, const char *worker_sid, create_request *request)
{
    request->attributes = before->attributes;
    request->virtual_start_time =
        before->virtual_start_time != NULL ? before->virtual_start_time : before->date_created;
    request->_priority_case = TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST___PRIORITY_PRIORITY;
    request->priority = before->priority;
    request->idempotency_key = arena_printf(arena, "call:%s:after:%s", row->call_sid, before->sid);
    if (strcmp(request->routing_target, worker_sid) == 0)
        request->routing_target = wire_text(arena, "");
}

enum err_code tasks_again(struct calls *calls, const struct call *call, struct phone_call *row,
                          const char *worker_sid, int budget_ms, bool *out_was_assigned,
                          struct err *err)
{
    struct call as_service = calls_as_service(call, budget_ms);
    create_request request;
    struct plan plan;
    wire_task *before = NULL;
    wire_task *task = NULL;
    *out_was_assigned = false;
    enum err_code code = task_get(calls, call, row, budget_ms, &before, err);
    if (code == ERR_NOT_FOUND) {
        err_clear(err);
        return ERR_OK;
    }
    if (code != ERR_OK || before == NULL ||
        before->assignment_status != TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_ASSIGNED)
        return code;
    code = plan_read(row->plan, call->arena, &plan, err);
    if (code == ERR_OK)
        code = request_make(row, &plan, call->arena, &request, err);
    if (code != ERR_OK)
        return code;
    request_renew(call->arena, row, before, worker_sid, &request);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    code = RPC_CALL(calls_peer(calls, PEER_TASKS), &as_service, CREATE_TASK, &request.base,
                    taskrouter__tasks__v1__task, &task, err);
    if (code != ERR_OK)
        return code;
    *out_was_assigned = true;
    return note_in(calls, call, row,
                   &(struct noted){.task_sid = task->sid, .instead_of = before->sid}, err);
}

enum err_code tasks_cancel(struct calls *calls, const struct call *call,
                           const struct phone_call *row, const char *reason, struct err *err)
{
    struct arena *arena = call->arena;
    struct call as_service = calls_as_service(call, CONSUMER_MS);
    Taskrouter__Tasks__V1__TaskActionRequest request;
    wire_task *task = NULL;
    if (row->task_sid[0] == '\0')
        return ERR_OK;
    taskrouter__tasks__v1__task_action_request__init(&request);
    request.workspace_sid = wire_text(arena, row->workspace_sid);
    request.sid = wire_text(arena, row->task_sid);
    request.reason = wire_text(arena, reason);
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    enum err_code code = RPC_CALL(calls_peer(calls, PEER_TASKS), &as_service, CANCEL_TASK,
                                  &request.base, taskrouter__tasks__v1__task, &task, err);
    /* assigned, over, or deleted: there is nothing to cancel any more */
    return code == ERR_FAILED_PRECONDITION || code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* ---- in a workspace that Twilio routes ---- */

enum err_code tasks_find(struct calls *calls, const struct call *call, struct phone_call *row,
                         bool *out_was_assigned, const char **out_worker_sid, struct err *err)
{
    struct arena *arena = call->arena;
    struct call as_service = calls_as_service(call, CONSUMER_MS);
    Taskrouter__Tasks__V1__ListTasksRequest request;
    Taskrouter__Tasks__V1__ListTasksResponse *reply = NULL;
    *out_was_assigned = false;
    *out_worker_sid = "";
    taskrouter__tasks__v1__list_tasks_request__init(&request);
    request.workspace_sid = wire_text(arena, row->workspace_sid);
    request.evaluate_task_attributes = arena_printf(arena, "callId == '%s'", row->sid);
    request.ordering = wire_text(arena, "DateCreated:desc");
    request.page_size = 1;
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    enum err_code code =
        RPC_CALL(calls_peer(calls, PEER_TASKS), &as_service, LIST_TASKS, &request.base,
                 taskrouter__tasks__v1__list_tasks_response, &reply, err);
    if (code != ERR_OK || reply->n_items == 0)
        return code;
    const wire_task *task = reply->items[0];
    *out_was_assigned =
        task->assignment_status == TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_ASSIGNED ||
        task->assignment_status == TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_WRAPPING ||
        task->assignment_status == TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_COMPLETED;
    *out_worker_sid = task->worker_sid;
    return note_in(calls, call, row, &(struct noted){.task_sid = task->sid}, err);
}

/* ---- follow-up ---- */

enum err_code tasks_due(struct calls *calls, const struct call *call, const struct phone_call *row,
                        enum tasks_due_kind kind, int64_t at_us, int64_t *out_due_us,
                        struct err *err)
{
    static const struct {
        int wire;
        int64_t otherwise_s;
    } kinds[TASKS_DUE_COUNT] = {
        [TASKS_DUE_VOICEMAIL] = {TASKROUTER__ROUTING__V1__DUE_KIND__DUE_KIND_VOICEMAIL,
                                 INT64_C(24) * 3600                                           },
        [TASKS_DUE_CALLBACK] = {TASKROUTER__ROUTING__V1__DUE_KIND__DUE_KIND_MISSED_CALL, 3600},
        [TASKS_DUE_TEXT] = {TASKROUTER__ROUTING__V1__DUE_KIND__DUE_KIND_TEXT,        1800},
    };
    struct arena *arena = call->arena;
    struct call as_service = calls_as_service(call, CONSUMER_MS);
    Taskrouter__Routing__V1__GetDueTimeRequest request;
    Taskrouter__Routing__V1__DueTime *reply = NULL;
    taskrouter__routing__v1__get_due_time_request__init(&request);
    request.workspace_sid = wire_text(arena, row->workspace_sid);
    request.phone_number = wire_text(arena, row->to_number[0] == '+' ? row->to_number : "");
    request.at = wire_time(arena, at_us);
    request.kind = (Taskrouter__Routing__V1__DueKind)kinds[kind].wire;
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    enum err_code code = RPC_CALL(calls_peer(calls, PEER_ROUTING), &as_service, DUE_TIME,
                                  &request.base, taskrouter__routing__v1__due_time, &reply, err);
    if (code == ERR_UNIMPLEMENTED || code == ERR_FAILED_PRECONDITION) { /* it never opens */
        *out_due_us = at_us + kinds[kind].otherwise_s * US_PER_S;
        return ERR_OK;
    }
    if (code == ERR_OK)
        *out_due_us = wire_time_us(reply->due);
    return code;
}

enum err_code tasks_channel(struct calls *calls, const struct call *call, const char *workspace_sid,
                            const char *wanted, const char **out, struct err *err)
{
    struct call as_service = calls_as_service(call, CONSUMER_MS);
    Taskrouter__Queues__V1__GetTaskChannelRequest request;
    Taskrouter__Queues__V1__TaskChannel *reply = NULL;
    taskrouter__queues__v1__get_task_channel_request__init(&request);
    request.workspace_sid = wire_text(call->arena, workspace_sid);
    request.channel = wire_text(call->arena, wanted);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    enum err_code code = RPC_CALL(calls_peer(calls, PEER_QUEUES), &as_service, GET_CHANNEL,
                                  &request.base, taskrouter__queues__v1__task_channel, &reply, err);
    *out = code == ERR_OK ? wanted : "default";
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static void put_if(json_t *object, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0')
        (void)json_object_set_new(object, key, json_string(value));
}

const char *tasks_shown(struct arena *arena, const char *text, size_t max_chars)
{
    size_t bytes = 0;
    for (size_t chars = 0; text[bytes] != '\0'; bytes++)
        if (((unsigned char)text[bytes] & 0xC0U) != 0x80U && chars++ == max_chars)
            break;
    const char *copy = arena_str_dup(arena, (struct str){text, bytes});
    return copy != NULL ? copy : "";
}

const char *tasks_time_text(struct arena *arena, int64_t at_us)
{
    struct buf text;
    struct jx_writer w;
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_time_s(&w, at_us); /* with quotes */
    const char *made = jx_writer_finish(&w, NULL) == ERR_OK && text.len > 2
                           ? arena_str_dup(arena, (struct str){text.data + 1, text.len - 2})
                           : NULL;
    buf_fini(&text);
    return made != NULL ? made : "";
}

/* Those of the call's task, as it has become a message or a call to return. */
static const char *follow_up_attributes(const struct call *call, const struct phone_call *row,
                                        const struct plan *plan, int64_t due_at_us)
{
    AUTO(jx_cleanup) json_t *object = NULL;
    bool is_message = row->status == PHONE_CALL_VOICEMAIL;
    if (jx_parse_object(str_from(plan->attributes), NULL, &object, NULL) != ERR_OK)
        object = json_object();
    (void)json_object_set_new(object, "type", json_string(is_message ? "voicemail" : "callback"));
    put_if(object, "callId", row->sid);
    put_if(object, "call_sid", row->call_sid);
    put_if(object, "customer_phone", row->from_number);
    put_if(object, "from", row->from_number);
    put_if(object, "to", row->to_number);
    if (is_message) {
        put_if(object, "recording_url", row->recording_url);
        put_if(object, "recording_sid", row->recording_sid);
        (void)json_object_set_new(object, "recording_duration",
                                  json_integer(row->recording_duration_s));
        put_if(object, "transcription",
               tasks_shown(call->arena, row->transcription, TRANSCRIPTION_SHOWN));
    }
    put_if(object, "due_date", tasks_time_text(call->arena, due_at_us));
    return calls_attributes(call, object);
}

static enum err_code follow_up_create(struct calls *calls, struct call *call,
                                      struct phone_call *row, const struct plan *plan,
                                      struct err *err)
{
    struct arena *arena = call->arena;
    struct call as_service = calls_as_service(call, CONSUMER_MS);
    create_request request;
    wire_task *task = NULL;
    int64_t due_at_us = 0;
    const char *channel = NULL;
    const char *attributes = NULL;
    struct said said;
    enum err_code code =
        tasks_due(calls, call, row,
                  row->status == PHONE_CALL_VOICEMAIL ? TASKS_DUE_VOICEMAIL : TASKS_DUE_CALLBACK,
                  row->ended_at_us != 0 ? row->ended_at_us : row->started_at_us, &due_at_us, err);
    if (code == ERR_OK)
        code = tasks_channel(calls, call, row->workspace_sid, "voicemail", &channel, err);
    if (code != ERR_OK)
        return code;
    attributes = follow_up_attributes(call, row, plan, due_at_us);
    if (attributes == NULL)
        return call_no_room(err);
    code = tasks_said(calls, call, row, channel, &attributes, &said, err);
    if (code != ERR_OK)
        return code;
    bool is_routed = said.workflow_sid[0] != '\0' || said.task_queue_sid[0] != '\0';
    taskrouter__tasks__v1__create_task_request__init(&request);
    request.workspace_sid = wire_text(arena, row->workspace_sid);
    request.attributes = wire_text(arena, attributes);
    request.workflow_sid = wire_text(arena, is_routed ? said.workflow_sid : plan->workflow_sid);
    if (!plan->is_twilio)
        request.task_queue_sid =
            wire_text(arena, is_routed ? said.task_queue_sid : plan->task_queue_sid);
    if (said.has_priority) {
        request._priority_case = TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST___PRIORITY_PRIORITY;
        request.priority = said.priority;
    }
    request.task_channel = wire_text(arena, channel);
    request.call_id = wire_text(arena, row->sid);
    request.idempotency_key = arena_printf(arena, "follow-up:%s", row->call_sid);
    code =
        arena_is_exhausted(arena) ? call_no_room(err) : tasks_rules_put(plan, arena, &request, err);
    if (code == ERR_OK)
        code = RPC_CALL(calls_peer(calls, PEER_TASKS), &as_service, CREATE_TASK, &request.base,
                        taskrouter__tasks__v1__task, &task, err);
    if (code != ERR_OK)
        return code;
    return note_in(calls, call, row,
                   &(struct noted){.follow_up_task_sid = task->sid, .due_at_us = due_at_us}, err);
}

static enum err_code follow_up_update(struct calls *calls, struct call *call,
                                      const struct phone_call *row, const struct plan *plan,
                                      struct err *err)
{
    struct arena *arena = call->arena;
    struct call as_service = calls_as_service(call, CONSUMER_MS);
    static char attributes_path[] = "attributes";
    static char priority_path[] = "priority";
    char *paths[] = {attributes_path, priority_path};
    Google__Protobuf__FieldMask mask;
    Taskrouter__Tasks__V1__UpdateTaskRequest request;
    wire_task wanted;
    wire_task *task = NULL;
    struct said said;
    const char *attributes = follow_up_attributes(call, row, plan, row->due_at_us);
    if (attributes == NULL)
        return call_no_room(err);
    enum err_code code = tasks_said(calls, call, row, "voicemail", &attributes, &said, err);
    if (code != ERR_OK)
        return code;
    google__protobuf__field_mask__init(&mask);
    mask.paths = paths;
    mask.n_paths = said.has_priority ? 2 : 1;
    taskrouter__tasks__v1__task__init(&wanted);
    wanted.workspace_sid = wire_text(arena, row->workspace_sid);
    wanted.sid = wire_text(arena, row->follow_up_task_sid);
    wanted.attributes = wire_text(arena, attributes);
    wanted.priority = said.priority;
    taskrouter__tasks__v1__update_task_request__init(&request);
    request.task = &wanted;
    request.update_mask = &mask;
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    code = RPC_CALL(calls_peer(calls, PEER_TASKS), &as_service, UPDATE_TASK, &request.base,
                    taskrouter__tasks__v1__task, &task, err);
    return code == ERR_FAILED_PRECONDITION || code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code tasks_follow_up(struct calls *calls, struct call *call, struct phone_call *row,
                              bool is_news, struct err *err)
{
    struct plan plan;
    plan_init(&plan, PLAN_VOICEMAIL);
    plan.attributes = "{}";
    enum err_code code =
        row->plan[0] != '\0' ? plan_read(row->plan, call->arena, &plan, err) : ERR_OK;
    if (code != ERR_OK)
        return code;
    if (row->follow_up_task_sid[0] == '\0')
        return follow_up_create(calls, call, row, &plan, err);
    return is_news ? follow_up_update(calls, call, row, &plan, err) : ERR_OK;
}
