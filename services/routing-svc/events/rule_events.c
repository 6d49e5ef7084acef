#include "rule_events.h"

#include "base/buf.h"
#include "routing.h"
#include "rpc/pb.h"
#include "rules/condition.h"
#include "svc/event.h"
#include "svc/wire.h"
#include "taskrouter/events/v1/events.pb-c.h"

enum { FLAT_BYTES = 2 * RULE_MAX_FLAT_BYTES }; /* names in place of short operators */

typedef Taskrouter__Routing__V1__Rule wire_rule;
typedef Taskrouter__Routing__V1__RuleAction wire_action;

_Static_assert((int)RULE_ACTION_CONTINUE ==
                   (int)TASKROUTER__ROUTING__V1__RULE_ACTION_TYPE__RULE_ACTION_TYPE_CONTINUE,
               "the types of actions are those of the wire");

wire_action *rule_action_to_wire(struct arena *arena, const struct rule_action *action,
                                 const char *target_name)
{
    wire_action *wire = PB_NEW(arena, taskrouter__routing__v1__rule_action);
    if (wire == NULL)
        return NULL;
    wire->type = (Taskrouter__Routing__V1__RuleActionType)action->type;
    wire->target = arena_str_dup(arena, action->target);
    if (action->has_priority) {
        wire->_priority_case = TASKROUTER__ROUTING__V1__RULE_ACTION___PRIORITY_PRIORITY;
        wire->priority = action->priority;
    }
    if (action->has_timeout) {
        wire->_timeout_case = TASKROUTER__ROUTING__V1__RULE_ACTION___TIMEOUT_TIMEOUT;
        wire->timeout = action->timeout_s;
    }
    wire->attributes = arena_str_dup(arena, action->attributes);
    wire->message = arena_str_dup(arena, action->message);
    wire->target_name = wire_text(arena, target_name == NULL ? "" : target_name);
    return arena_is_exhausted(arena) ? NULL : wire;
}

/* The flat form, or "". */
static char *flat_of(struct arena *arena, const struct rule *rule)
{
    AUTO(buf_fini) struct buf out = {0};
    buf_init(&out, FLAT_BYTES);
    bool is_flat = rule_flat_read(str_from(rule->conditions), str_from(rule->condition), &out);
    return arena_str_dup(arena, is_flat && !buf_failed(&out) ? buf_str(&out) : STR(""));
}

static bool put_actions(struct arena *arena, const struct rule *rule, wire_rule *wire)
{
    wire->actions = ARENA_ARRAY(arena, wire_action *, rule->action_count);
    if (wire->actions == NULL)
        return false;
    wire->n_actions = rule->action_count;
    for (size_t i = 0; i < rule->action_count; i++)
        wire->actions[i] = rule_action_to_wire(
            arena, &rule->actions[i], rule->target_names == NULL ? "" : rule->target_names[i]);
    return true;
}

static bool put_texts(struct arena *arena, const struct str *texts, size_t count, char ***out)
{
    char **copies = ARENA_ARRAY(arena, char *, count);
    for (size_t i = 0; copies != NULL && i < count; i++)
        copies[i] = arena_str_dup(arena, texts[i]);
    *out = copies;
    return copies != NULL;
}

wire_rule *rule_to_wire(struct arena *arena, const struct rule *rule)
{
    wire_rule *wire = PB_NEW(arena, taskrouter__routing__v1__rule);
    if (wire == NULL || !put_actions(arena, rule, wire) ||
        !put_texts(arena, rule->labels, rule->label_count, &wire->labels))
        return NULL;
    wire->n_labels = rule->label_count;
    wire->sid = wire_text(arena, rule->sid);
    wire->account_sid = wire_text(arena, rule->account_sid);
    wire->workspace_sid = wire_text(arena, rule->workspace_sid);
    wire->name = wire_text(arena, rule->name);
    wire->description = wire_text(arena, rule->description);
    wire->priority = rule->priority;
    wire->enabled = rule->is_enabled;
    wire->condition = wire_text(arena, rule->condition);
    wire->conditions = flat_of(arena, rule);
    wire->valid_from = wire_time(arena, rule->valid_from_us);
    wire->valid_until = wire_time(arena, rule->valid_until_us);
    wire->version = rule->version;
    wire->date_created = wire_time(arena, rule->created_at_us);
    wire->date_updated = wire_time(arena, rule->updated_at_us);
    wire->match_count = rule->match_count;
    wire->date_last_matched = wire_time(arena, rule->last_matched_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

Taskrouter__Routing__V1__Keyword *keyword_to_wire(struct arena *arena,
                                                  const struct keyword *keyword)
{
    Taskrouter__Routing__V1__Keyword *wire = PB_NEW(arena, taskrouter__routing__v1__keyword);
    if (wire == NULL || !put_texts(arena, keyword->phrases, keyword->phrase_count, &wire->phrases))
        return NULL;
    wire->n_phrases = keyword->phrase_count;
    wire->sid = wire_text(arena, keyword->sid);
    wire->account_sid = wire_text(arena, keyword->account_sid);
    wire->workspace_sid = wire_text(arena, keyword->workspace_sid);
    wire->department = wire_text(arena, keyword->department);
    wire->priority = wire_text(arena, keyword->priority);
    wire->confidence = keyword->confidence;
    wire->enabled = keyword->is_enabled;
    wire->description = wire_text(arena, keyword->description);
    wire->version = keyword->version;
    wire->date_created = wire_time(arena, keyword->created_at_us);
    wire->date_updated = wire_time(arena, keyword->updated_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

enum err_code rule_event_append(struct db_conn *conn, struct call *call, const struct rule *rule,
                                const char *type, bool is_deleted, struct err *err)
{
    Taskrouter__Events__V1__RoutingRuleEvent data;
    taskrouter__events__v1__routing_rule_event__init(&data);
    data.rule = rule_to_wire(call->arena, rule);
    data.deleted = is_deleted;
    if (data.rule == NULL)
        return call_no_room(err);
    return svc_event_append(conn, call,
                            &(struct svc_event){
                                .source = ROUTING_SOURCE,
                                .type = type,
                                .workspace_sid = rule->workspace_sid,
                                .account_sid = rule->account_sid,
                                .subject_sid = rule->sid,
                                .version = rule->version,
                                .data = &data.base,
                            },
                            err);
}

enum err_code keyword_event_append(struct db_conn *conn, struct call *call,
                                   const struct keyword *keyword, const char *type, bool is_deleted,
                                   struct err *err)
{
    Taskrouter__Events__V1__KeywordEvent data;
    taskrouter__events__v1__keyword_event__init(&data);
    data.keyword = keyword_to_wire(call->arena, keyword);
    data.deleted = is_deleted;
    if (data.keyword == NULL)
        return call_no_room(err);
    return svc_event_append(conn, call,
                            &(struct svc_event){
                                .source = ROUTING_SOURCE,
                                .type = type,
                                .workspace_sid = keyword->workspace_sid,
                                .account_sid = keyword->account_sid,
                                .subject_sid = keyword->sid,
                                .version = keyword->version,
                                .data = &data.base,
                            },
                            err);
}
