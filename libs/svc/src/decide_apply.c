/* A decision laid over a request, and what is kept of it for whoever asks why. */
#include <string.h>

#include "base/macros.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "pbjson/pbjson.h"
#include "rpc/pb.h"
#include "svc/decide.h"

enum { RULES_BYTES_MAX = 4096 };

static bool is_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* ---- over the request ---- */

/* A queue as a target, too: what wins beside a workflow, which others fill in, is then sure. */
static void apply_destination(const Taskrouter__Routing__V1__Decision *decision,
                              Taskrouter__Tasks__V1__CreateTaskRequest *request)
{
    if (is_text(decision->worker_sid))
        request->routing_target = decision->worker_sid;
    else if (is_text(decision->task_queue_sid))
        request->routing_target = decision->task_queue_sid;
    else if (is_text(decision->workflow_sid))
        request->workflow_sid = decision->workflow_sid;
}

enum err_code decide_apply(struct call *call, const Taskrouter__Routing__V1__Decision *decision,
                           Taskrouter__Tasks__V1__CreateTaskRequest *request, struct err *err)
{
    struct err why = {.code = ERR_OK};
    apply_destination(decision, request);
    if (is_text(decision->attributes) &&
        jx_check_object_text(str_from(decision->attributes), JX_ATTRIBUTES_CHARS, "attributes",
                             &why) == ERR_OK)
        request->attributes = decision->attributes;
    if (request->_priority_case == 0 && decision->_priority_case != 0) {
        request->_priority_case = TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST___PRIORITY_PRIORITY;
        request->priority = decision->priority;
    }
    if (request->_timeout_case == 0 && decision->_timeout_case != 0) {
        request->_timeout_case = TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST___TIMEOUT_TIMEOUT;
        request->timeout = decision->timeout;
    }
    request->decided = true;
    request->rules = decision->rules;
    request->n_rules = decision->n_rules;
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

enum err_code decide_check(const struct call *call,
                           const Taskrouter__Tasks__V1__CreateTaskRequest *request, struct err *err)
{
    if (call->who.role == ROLE_SERVICE || (!request->decided && request->n_rules == 0))
        return ERR_OK;
    return ERR_FIELD(err, ERR_PERMISSION_DENIED, "SERVICES_ONLY", "decided",
                     "only our own services may say that rules have decided; leave it out");
}

/* ---- for the explanation ---- */

static json_t *rule_sids(const Taskrouter__Tasks__V1__CreateTaskRequest *request)
{
    json_t *sids = json_array();
    for (size_t i = 0; i < request->n_rules; i++)
        (void)json_array_append_new(sids, json_string(request->rules[i]->sid));
    return sids;
}

enum err_code decide_mark(struct call *call, Taskrouter__Tasks__V1__CreateTaskRequest *request,
                          struct err *err)
{
    AUTO(jx_cleanup) json_t *attributes = NULL;
    const char *before = is_text(request->attributes) ? request->attributes : "{}";
    struct buf text;
    struct jx_writer w;
    size_t count = request->n_rules;
    if (count == 0 || jx_parse_object(str_from(before), NULL, &attributes, NULL) != ERR_OK)
        return ERR_OK;
    (void)json_object_set_new(attributes, DECIDE_RULES_ATTRIBUTE, rule_sids(request));
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_value(&w, attributes);
    request->n_rules = 0;
    if (jx_writer_finish(&w, NULL) == ERR_OK &&
        jx_check_object_text(buf_str(&text), JX_ATTRIBUTES_CHARS, "attributes", NULL) == ERR_OK)
        request->attributes = arena_str_dup(call->arena, buf_str(&text));
    buf_fini(&text);
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

/* Without what may be long. */
static Taskrouter__Routing__V1__RuleAction *
shorten_action(struct arena *arena, const Taskrouter__Routing__V1__RuleAction *action)
{
    Taskrouter__Routing__V1__RuleAction *out = PB_NEW(arena, taskrouter__routing__v1__rule_action);
    if (out == NULL)
        return NULL;
    out->type = action->type;
    out->target = action->target;
    out->target_name = action->target_name;
    out->_priority_case = action->_priority_case;
    out->priority = action->priority;
    out->_timeout_case = action->_timeout_case;
    out->timeout = action->timeout;
    return out;
}

static bool put_rule(struct arena *arena, const Taskrouter__Routing__V1__AppliedRule *rule,
                     struct jx_writer *w)
{
    Taskrouter__Routing__V1__AppliedRule *out =
        PB_NEW(arena, taskrouter__routing__v1__applied_rule);
    if (out == NULL)
        return false;
    out->sid = rule->sid;
    out->name = rule->name;
    out->version = rule->version;
    out->actions = ARENA_ARRAY(arena, Taskrouter__Routing__V1__RuleAction *, rule->n_actions + 1);
    for (size_t i = 0; out->actions != NULL && i < rule->n_actions; i++)
        out->actions[out->n_actions++] = shorten_action(arena, rule->actions[i]);
    if (!arena_is_exhausted(arena))
        pbjson_write(w, &out->base, &pbjson_canonical);
    return !arena_is_exhausted(arena);
}

/* NULL: no room, or longer than an event may have of it. */
static char *rules_text(struct arena *arena, Taskrouter__Routing__V1__AppliedRule *const *rules,
                        size_t count)
{
    struct buf text;
    struct jx_writer w;
    buf_init(&text, RULES_BYTES_MAX);
    jx_writer_init(&w, &text);
    jx_array_begin(&w);
    bool is_good = true;
    for (size_t i = 0; i < count && is_good; i++)
        is_good = put_rule(arena, rules[i], &w);
    jx_array_end(&w);
    is_good = is_good && jx_writer_finish(&w, NULL) == ERR_OK;
    char *out = is_good ? arena_str_dup(arena, buf_str(&text)) : NULL;
    buf_fini(&text);
    return out;
}

const char *decide_rules_text(struct arena *arena,
                              Taskrouter__Routing__V1__AppliedRule *const *rules, size_t count)
{
    for (; count > 0 && !arena_is_exhausted(arena); count--) {
        const char *text = rules_text(arena, rules, count);
        if (text != NULL)
            return text;
    }
    return arena_strdup(arena, "");
}

bool decide_rules_read(struct arena *arena, struct str text,
                       Taskrouter__Routing__V1__AppliedRule ***out_rules, size_t *out_count)
{
    AUTO(jx_cleanup) json_t *array = NULL;
    if (text.len == 0 || jx_parse(text, NULL, &array, NULL) != ERR_OK || !json_is_array(array))
        return false;
    size_t count = json_array_size(array);
    Taskrouter__Routing__V1__AppliedRule **rules =
        ARENA_ARRAY(arena, Taskrouter__Routing__V1__AppliedRule *, count + 1);
    for (size_t i = 0; rules != NULL && i < count; i++) {
        ProtobufCMessage *rule = NULL;
        if (pbjson_from_json(json_array_get(array, i),
                             &taskrouter__routing__v1__applied_rule__descriptor, &pbjson_event,
                             arena, &rule, NULL, NULL) != ERR_OK)
            return false;
        rules[i] = (void *)rule;
    }
    *out_rules = rules;
    *out_count = count;
    return rules != NULL;
}
