#include <string.h>

#include "caller.h"
#include "calls_int.h"
#include "calls_tasks.h"
#include "gateway.h"
#include "jx/jx.h"
#include "log/log.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

#define DECIDE         "/taskrouter.routing.v1.Rules/Decide"
#define LIST_WORKFLOWS "/taskrouter.routing.v1.Routing/ListWorkflows"

enum { PHONE_MAX = 64 }; /* characters that rules are told of a number that is none */

typedef Taskrouter__Routing__V1__Decision wire_decision;

/* ---- attributes ---- */

static void put_if(json_t *object, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0')
        (void)json_object_set_new(object, key, json_string(value));
}

/* What a menu's option adds; the members of its attributes, and its department. */
static void option_put(json_t *object, const struct line_option *option)
{
    AUTO(jx_cleanup) json_t *more = NULL;
    put_if(object, "menu_choice", option->digit);
    put_if(object, "menu_label", option->label);
    if (option->attributes[0] != '\0' &&
        jx_parse_object(str_from(option->attributes), NULL, &more, NULL) == ERR_OK)
        (void)json_object_update(object, more);
    put_if(object, "department", option->department);
}

static json_t *attributes_make(const struct ask *ask, const struct caller *caller,
                               const struct line_option *option)
{
    const struct phone_call *row = &ask->row;
    const struct customer *customer = caller->customer;
    json_t *object = json_object();
    put_if(object, "type", "voice");
    put_if(object, "direction", "inbound");
    put_if(object, "call_sid", row->call_sid);
    put_if(object, "callId", row->sid);
    put_if(object, "customer_phone", row->from_number);
    put_if(object, "from", row->from_number);
    put_if(object, "to", row->to_number);
    put_if(object, "caller", row->from_number);
    put_if(object, "called", row->to_number);
    if (customer != NULL) {
        put_if(object, "customer_name", customer->name);
        put_if(object, "customer_id",
               customer->external_id[0] != '\0' ? customer->external_id : customer->sid);
        put_if(object, "customer_type", customer->customer_type);
        put_if(object, "project_status", customer->project_status);
        put_if(object, "organization", customer->organization);
        put_if(object, "department", customer->department);
    }
    put_if(object, "preferred_worker_sid", caller->coordinator_sid);
    put_if(object, "department", ask->line.department);
    if (option != NULL)
        option_put(object, option);
    return object;
}

/* The queue that rules chose goes to Twilio's workflow by what it may look at. */
static void twilio_put(json_t *object, const struct plan *plan, const char *queue_name)
{
    static const char *const departments[] = {"permits",   "utilities", "scheduling",
                                              "emergency", "billing",   "support"};
    json_t *rules = json_array();
    put_if(object, "task_queue_sid", plan->task_queue_sid);
    put_if(object, "preferred_worker_sid", plan->worker_sid);
    for (size_t i = 0; i < ARRAY_LEN(departments); i++) {
        size_t len = strlen(departments[i]);
        struct str head = {queue_name, len};
        if (strlen(queue_name) >= len && str_eq_nocase(head, str_from(departments[i])))
            put_if(object, "department", departments[i]);
    }
    for (size_t i = 0; i < plan->rule_count; i++)
        (void)json_array_append_new(rules, json_string(plan->rules[i].sid));
    if (json_array_size(rules) > 0)
        (void)json_object_set(object, "routing_rules", rules);
    json_decref(rules);
}

/* ---- what the rules say ---- */

struct question {
    const char *channel;
    const char *text;
    const char *attributes;
    const char *facts; /* caller.* */
};

static enum err_code rules_ask(struct ask *ask, const struct question *question,
                               wire_decision **out, struct err *err)
{
    struct arena *arena = ask->call->arena;
    struct call as_service = calls_as_service(ask->call, calls_patience_ms(ask->calls));
    Taskrouter__Routing__V1__DecideRequest request;
    taskrouter__routing__v1__decide_request__init(&request);
    request.workspace_sid = arena_strdup(arena, ask->row.workspace_sid);
    request.attributes = arena_strdup(arena, question->attributes);
    request.task_channel = arena_strdup(arena, question->channel);
    request.text = arena_strdup(arena, question->text);
    request.caller_phone = wire_text(arena, tasks_shown(arena, ask->row.from_number, PHONE_MAX));
    request.called_phone = wire_text(arena, tasks_shown(arena, ask->row.to_number, PHONE_MAX));
    request.caller = arena_strdup(arena, question->facts);
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    return RPC_CALL(calls_peer(ask->calls, PEER_ROUTING), &as_service, DECIDE, &request.base,
                    taskrouter__routing__v1__decision, out, err);
}

static void message_add(struct plan *plan, const char *text)
{
    if (text[0] != '\0' && plan->message_count < PLAN_MESSAGES_MAX)
        plan->messages[plan->message_count++] = text;
}

/* True when the call is not to wait: a final one of the voice actions. */
static bool voice_take(const wire_decision *decision, struct plan *plan)
{
    for (size_t i = 0; i < decision->n_voice; i++) {
        const Taskrouter__Routing__V1__RuleAction *action = decision->voice[i];
        switch (action->type) {
        case TASKROUTER__ROUTING__V1__RULE_ACTION_TYPE__RULE_ACTION_TYPE_PLAY_MESSAGE:
            message_add(plan, action->message);
            break;
        case TASKROUTER__ROUTING__V1__RULE_ACTION_TYPE__RULE_ACTION_TYPE_VOICEMAIL:
            plan->step = PLAN_VOICEMAIL;
            plan->last_words = action->message;
            return true;
        case TASKROUTER__ROUTING__V1__RULE_ACTION_TYPE__RULE_ACTION_TYPE_HANG_UP:
            plan->step = PLAN_HANG_UP;
            plan->last_words = action->message;
            return true;
        case TASKROUTER__ROUTING__V1__RULE_ACTION_TYPE__RULE_ACTION_TYPE_TRANSFER:
            message_add(plan, action->message);
            if (!phone_line_is_target(str_from(action->target)))
                break;
            plan->step = PLAN_TRANSFER;
            plan->target = action->target;
            return true;
        default: /* peers may be newer */
            break;
        }
    }
    return false;
}

static void rules_take(const wire_decision *decision, struct plan *plan,
                       const char **out_queue_name)
{
    plan->workflow_sid = decision->workflow_sid;
    plan->task_queue_sid = decision->task_queue_sid;
    plan->worker_sid = decision->worker_sid;
    plan->has_priority = decision->_priority_case != 0;
    plan->priority = plan->has_priority ? decision->priority : 0;
    plan->has_timeout = decision->_timeout_case != 0;
    plan->timeout_s = plan->has_timeout ? decision->timeout : 0;
    for (size_t i = 0; i < decision->n_rules && i < PLAN_RULES_MAX; i++) {
        const Taskrouter__Routing__V1__AppliedRule *rule = decision->rules[i];
        plan->rules[plan->rule_count++] = (struct plan_rule){rule->sid, rule->name, rule->version};
        for (size_t a = 0; a < rule->n_actions; a++)
            if (rule->actions[a]->type ==
                TASKROUTER__ROUTING__V1__RULE_ACTION_TYPE__RULE_ACTION_TYPE_ROUTE_TO_QUEUE)
                *out_queue_name = rule->actions[a]->target_name;
    }
}

/* ---- without a rule ---- */

static void doing_take(struct plan *plan, enum line_doing doing, const char *target,
                       const char *message, const struct phone_line *line)
{
    switch (doing) {
    case LINE_VOICEMAIL:
        plan->step = PLAN_VOICEMAIL;
        plan->last_words = message[0] != '\0' ? message : line->voicemail_greeting;
        break;
    case LINE_TRANSFER:
        plan->step = PLAN_TRANSFER;
        plan->target = target;
        message_add(plan, message);
        break;
    case LINE_HANG_UP:
        plan->step = PLAN_HANG_UP;
        plan->last_words = message;
        break;
    case LINE_ENQUEUE:
    case LINE_REPEAT:
    case LINE_NOTHING:
    case LINE_DOING_COUNT:
        plan->step = PLAN_QUEUE;
        message_add(plan, message);
        break;
    }
}

static bool is_closed(const wire_decision *decision)
{
    bool is_chosen = decision != NULL &&
                     (decision->workflow_sid[0] != '\0' || decision->task_queue_sid[0] != '\0' ||
                      decision->worker_sid[0] != '\0');
    return decision != NULL && decision->hours != NULL && !decision->hours->is_open && !is_chosen;
}

static void step_take(const struct ask *ask, const wire_decision *decision, bool after_menu,
                      const struct line_option *option, struct plan *plan)
{
    const struct phone_line *line = &ask->line;
    if (!after_menu)
        message_add(plan, line->greeting);
    if (decision != NULL && voice_take(decision, plan))
        return;
    if (option != NULL && option->action != LINE_ENQUEUE)
        doing_take(plan, option->action, option->target, "", line);
    else if (is_closed(decision))
        doing_take(plan, line->after_hours, line->after_hours_target, line->after_hours_message,
                   line);
    else
        plan->step = !after_menu && line->menu.option_count > 0 ? PLAN_MENU : PLAN_QUEUE;
}

/* ---- the workflow ---- */

/* "": none is named, and there is not exactly one. */
static const char *only_workflow(struct ask *ask)
{
    struct arena *arena = ask->call->arena;
    struct call as_service = calls_as_service(ask->call, calls_patience_ms(ask->calls));
    Taskrouter__Routing__V1__ListWorkflowsRequest request;
    Taskrouter__Routing__V1__ListWorkflowsResponse *reply = NULL;
    struct err err = {0};
    taskrouter__routing__v1__list_workflows_request__init(&request);
    request.workspace_sid = arena_strdup(arena, ask->row.workspace_sid);
    request.page_size = 2;
    if (request.workspace_sid == NULL)
        return "";
    enum err_code code =
        RPC_CALL(calls_peer(ask->calls, PEER_ROUTING), &as_service, LIST_WORKFLOWS, &request.base,
                 taskrouter__routing__v1__list_workflows_response, &reply, &err);
    if (code != ERR_OK)
        LOG_WARN(ask->call, "no workflow can be found for a call", LOG_ERR(&err));
    return code == ERR_OK && reply->n_items == 1 ? reply->items[0]->sid : "";
}

static void workflow_take(struct ask *ask, struct plan *plan)
{
    const struct gateway_settings *settings = ask->calls->gateway->settings;
    bool is_default = settings->default_workspace == NULL ||
                      strcmp(settings->default_workspace, ask->row.workspace_sid) == 0;
    bool has_place = plan->task_queue_sid[0] != '\0' || plan->worker_sid[0] != '\0';
    if (plan->workflow_sid[0] != '\0' || (has_place && !plan->is_twilio))
        return;
    if (ask->line.workflow_sid[0] != '\0')
        plan->workflow_sid = ask->line.workflow_sid;
    else if (settings->default_workflow != NULL && is_default)
        plan->workflow_sid = settings->default_workflow;
    else if (plan->is_twilio) /* tasks-svc finds it itself */
        plan->workflow_sid = only_workflow(ask);
}

/* ---- deciding ---- */

/* Texts stay in the call's arena. False: nobody knows what kind of workspace it is. */
static bool workspace_take(struct ask *ask, struct plan *plan)
{
    struct workspace_facts facts;
    struct err err = {0};
    const char *named = ask->has_line ? ask->line.workspace_sid : ask->row.workspace_sid;
    enum err_code code =
        calls_workspace(ask->calls, ask->call, named, calls_patience_ms(ask->calls), &facts, &err);
    if (code != ERR_OK) {
        LOG_ERROR(ask->call, "a call's workspace is not known, it is asked for a message",
                  LOG_STR("phone_call", ask->row.sid), LOG_ERR(&err));
        return false;
    }
    plan->is_twilio = facts.is_twilio;
    ask->row.workspace_sid = arena_strdup(ask->call->arena, facts.sid);
    ask->row.account_sid = arena_strdup(ask->call->arena, facts.account_sid);
    return ask->row.workspace_sid != NULL && ask->row.account_sid != NULL;
}

static void caller_note(struct ask *ask, const struct caller *caller)
{
    if (caller->customer == NULL)
        return;
    ask->row.customer_sid = caller->customer->sid;
    ask->row.customer_name = caller->customer->name;
}

static void line_take(const struct ask *ask, struct plan *plan)
{
    const char *music = ask->calls->gateway->settings->wait_music_url;
    plan->language = ask->line.language;
    plan->music = ask->line.wait_music_url[0] != '\0' ? ask->line.wait_music_url
                  : music != NULL                     ? music
                                                      : "";
    plan->announces = ask->line.announce_position;
    plan->records = ask->line.record_calls;
}

/* own: what the task has without rules. */
static enum err_code attributes_take(struct ask *ask, const struct plan *before,
                                     const wire_decision *decision, const char *own,
                                     const char *queue_name, const char **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *object = NULL;
    bool is_decided = decision != NULL && decision->attributes[0] != '\0';
    *out = is_decided ? decision->attributes : own;
    if (jx_parse_object(str_from(*out), NULL, &object, NULL) != ERR_OK) {
        *out = own;
        return ERR_OK;
    }
    /* what the call is found again by is not for rules to change */
    put_if(object, "callId", ask->row.sid);
    put_if(object, "call_sid", ask->row.call_sid);
    if (before->is_twilio)
        twilio_put(object, before, queue_name);
    *out = calls_attributes(ask->call, object);
    return *out == NULL ? call_no_room(err) : ERR_OK;
}

enum err_code calls_decide(struct ask *ask, bool after_menu, const struct line_option *option,
                           struct plan *out, struct err *err)
{
    struct caller caller;
    wire_decision *decision = NULL;
    struct err away = {0};
    const char *queue_name = "";
    plan_init(out, PLAN_VOICEMAIL);
    out->last_words = ask->line.voicemail_greeting;
    out->attributes = "{}";
    line_take(ask, out);
    if (!workspace_take(ask, out))
        return arena_is_exhausted(ask->call->arena) ? call_no_room(err) : ERR_OK;
    caller_find(ask, &caller);
    caller_note(ask, &caller);
    AUTO(jx_cleanup) json_t *object = attributes_make(ask, &caller, option);
    const char *own = calls_attributes(ask->call, object);
    if (own == NULL)
        return call_no_room(err);
    struct question question = {"voice", option != NULL ? option->label : "", own, caller.facts};
    if (rules_ask(ask, &question, &decision, &away) != ERR_OK)
        LOG_WARN(ask->call, "the rules cannot be asked, the call goes on without them",
                 LOG_STR("phone_call", ask->row.sid), LOG_ERR(&away));
    out->last_words = "";
    if (decision != NULL)
        rules_take(decision, out, &queue_name);
    step_take(ask, decision, after_menu, option, out);
    workflow_take(ask, out);
    if (out->step == PLAN_QUEUE && out->is_twilio && out->workflow_sid[0] == '\0') {
        out->step = PLAN_VOICEMAIL; /* nowhere to wait: the caller is not lost */
        out->last_words = ask->line.voicemail_greeting;
    }
    return attributes_take(ask, out, decision, own, queue_name, &out->attributes, err);
}

/* ---- text messages ---- */

static json_t *text_attributes(const struct ask *ask, const struct caller *caller,
                               const char *conversation_sid, const char *body)
{
    json_t *object = attributes_make(ask, caller, NULL);
    put_if(object, "type", "sms");
    put_if(object, "channel", "sms");
    put_if(object, "conversation_sid", conversation_sid);
    put_if(object, "message_sid", ask_param(ask, "MessageSid"));
    put_if(object, "message", body);
    (void)json_object_set_new(object, "message_count", json_integer(1));
    return object;
}

enum err_code calls_decide_text(struct ask *ask, const char *channel, const char *conversation_sid,
                                const char *body, struct plan *out, struct err *err)
{
    struct caller caller;
    wire_decision *decision = NULL;
    const char *queue_name = "";
    plan_init(out, PLAN_QUEUE);
    caller_find(ask, &caller);
    AUTO(jx_cleanup) json_t *object = text_attributes(ask, &caller, conversation_sid, body);
    const char *own = calls_attributes(ask->call, object);
    if (own == NULL)
        return call_no_room(err);
    struct question question = {channel, ask_param(ask, "Body"), own, caller.facts};
    struct err away = {0};
    if (rules_ask(ask, &question, &decision, &away) != ERR_OK)
        LOG_WARN(ask->call, "the rules cannot be asked, the message goes on without them",
                 LOG_ERR(&away));
    if (decision != NULL)
        rules_take(decision, out, &queue_name);
    workflow_take(ask, out);
    return attributes_take(ask, out, decision, own, queue_name, &out->attributes, err);
}
