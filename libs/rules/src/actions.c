/* What of a rule's actions is wrong in itself. */
#include "rules/rules.h"

#include <stdio.h>
#include <string.h>

#include "jx/jx.h"
#include "rules_int.h"

enum needs { NOT_ALLOWED, ALLOWED, REQUIRED };

/* What an action of each type has beside the fields that any may carry. */
static const struct {
    enum needs target;
    enum needs message;
    enum needs priority;
    enum needs timeout;
    enum needs attributes;
} shapes[RULE_ACTION_COUNT] = {
    [RULE_ACTION_NONE] = {NOT_ALLOWED, NOT_ALLOWED, ALLOWED,  ALLOWED,  ALLOWED },
    [RULE_ACTION_ROUTE_TO_QUEUE] = {REQUIRED,    NOT_ALLOWED, ALLOWED,  ALLOWED,  ALLOWED },
    [RULE_ACTION_ROUTE_TO_WORKER] = {REQUIRED,    NOT_ALLOWED, ALLOWED,  ALLOWED,  ALLOWED },
    [RULE_ACTION_ROUTE_TO_WORKFLOW] = {REQUIRED,    NOT_ALLOWED, ALLOWED,  ALLOWED,  ALLOWED },
    [RULE_ACTION_SET_PRIORITY] = {NOT_ALLOWED, NOT_ALLOWED, REQUIRED, ALLOWED,  ALLOWED },
    [RULE_ACTION_ADD_ATTRIBUTES] = {NOT_ALLOWED, NOT_ALLOWED, ALLOWED,  ALLOWED,  REQUIRED},
    [RULE_ACTION_SET_TIMEOUT] = {NOT_ALLOWED, NOT_ALLOWED, ALLOWED,  REQUIRED, ALLOWED },
    [RULE_ACTION_VOICEMAIL] = {NOT_ALLOWED, ALLOWED,     ALLOWED,  ALLOWED,  ALLOWED },
    [RULE_ACTION_PLAY_MESSAGE] = {NOT_ALLOWED, REQUIRED,    ALLOWED,  ALLOWED,  ALLOWED },
    [RULE_ACTION_TRANSFER] = {REQUIRED,    NOT_ALLOWED, ALLOWED,  ALLOWED,  ALLOWED },
    [RULE_ACTION_HANG_UP] = {NOT_ALLOWED, ALLOWED,     ALLOWED,  ALLOWED,  ALLOWED },
    [RULE_ACTION_CONTINUE] = {NOT_ALLOWED, NOT_ALLOWED, ALLOWED,  ALLOWED,  ALLOWED },
};

/* One action on its way. */
struct subject {
    const struct rule_action *action;
    size_t index;
    struct err *err;
};

static enum err_code refuse(const struct subject *s, const char *reason, const char *member,
                            const char *why)
{
    char field[64];
    (void)snprintf(field, sizeof field, "actions[%zu]%s%s", s->index, member[0] == '\0' ? "" : ".",
                   member);
    return ERR_FIELD(s->err, ERR_INVALID_ARGUMENT, reason, field, "Action %zu (%s) %s.",
                     s->index + 1, rule_action_name(s->action->type), why);
}

static enum err_code check_presence(const struct subject *s, enum needs needs, bool is_there,
                                    const char *member)
{
    char why[64];
    if (needs == REQUIRED && !is_there) {
        (void)snprintf(why, sizeof why, "needs %s", member);
        return refuse(s, "ACTION_INCOMPLETE", member, why);
    }
    if (needs == NOT_ALLOWED && is_there) {
        (void)snprintf(why, sizeof why, "has no %s", member);
        return refuse(s, "ACTION_INVALID", member, why);
    }
    return ERR_OK;
}

/* Of messages line breaks and tabs are taken; the others cannot be spoken or written as XML. */
static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7F)
            return true;
    }
    return false;
}

static enum err_code check_text(const struct subject *s, struct str text, size_t max_chars,
                                const char *member)
{
    char why[64];
    if (has_control(text)) {
        (void)snprintf(why, sizeof why, "has a control character in its %s", member);
        return refuse(s, "ACTION_INVALID", member, why);
    }
    if (str_is_utf8(text) && str_utf8_count(text) <= max_chars)
        return ERR_OK;
    (void)snprintf(why, sizeof why, "has a %s of more than %zu characters", member, max_chars);
    return refuse(s, "ACTION_INVALID", member, why);
}

/* E.164, or a SIP address without white space. */
static bool is_dialable(struct str target)
{
    if (str_starts_with(target, STR("sip:")) || str_starts_with(target, STR("sips:"))) {
        for (size_t i = 0; i < target.len; i++) {
            if ((unsigned char)target.ptr[i] <= ' ' || (unsigned char)target.ptr[i] == 0x7F)
                return false;
        }
        ptrdiff_t at = str_find(target, STR("@"));
        return at > 4 && (size_t)at + 1 < target.len;
    }
    if (target.len < 3 || target.len > 16 || target.ptr[0] != '+' || target.ptr[1] == '0')
        return false;
    for (size_t i = 1; i < target.len; i++) {
        if (target.ptr[i] < '0' || target.ptr[i] > '9')
            return false;
    }
    return true;
}

static enum err_code check_attributes(const struct subject *s)
{
    struct err why = {0};
    AUTO(jx_cleanup) json_t *object = NULL;
    if (s->action->attributes.len == 0)
        return ERR_OK;
    enum err_code code =
        jx_check_object_text(s->action->attributes, RULE_MAX_ATTRIBUTES_CHARS, "attributes", &why);
    if (code != ERR_OK) {
        char field[64];
        (void)snprintf(field, sizeof field, "actions[%zu].attributes", s->index);
        return ERR_FIELD(s->err, code, why.reason, field, "%s", why.detail);
    }
    code = jx_parse_object(s->action->attributes, NULL, &object, &why);
    if (code == ERR_OK && json_object_size(object) == 0)
        return refuse(s, "ACTION_WITHOUT_EFFECT", "attributes", "adds no attribute");
    return code;
}

static enum err_code check_values(const struct subject *s)
{
    const struct rule_action *action = s->action;
    if (action->has_priority && (action->priority < 0 || action->priority > RULE_MAX_TASK_PRIORITY))
        return refuse(s, "ACTION_INVALID", "priority", "has a priority outside 0 to 2147483647");
    if (action->has_timeout && (action->timeout_s < 1 || action->timeout_s > RULE_MAX_TIMEOUT_S))
        return refuse(s, "ACTION_INVALID", "timeout",
                      "has a timeout outside 1 to 1209600 seconds (two weeks)");
    if (action->type == RULE_ACTION_TRANSFER && !is_dialable(action->target))
        return refuse(s, "ACTION_INVALID", "target",
                      "needs a number such as +15125550100 or an address such as "
                      "sip:desk@example.com");
    return check_attributes(s);
}

static enum err_code check_action(const struct subject *s)
{
    const struct rule_action *action = s->action;
    if (action->type <= RULE_ACTION_NONE || action->type >= RULE_ACTION_COUNT)
        return refuse(s, "ACTION_INVALID", "type", "has a type that does not exist");
    enum err_code code =
        check_presence(s, shapes[action->type].target, action->target.len > 0, "target");
    if (code == ERR_OK)
        code = check_presence(s, shapes[action->type].message, action->message.len > 0, "message");
    if (code == ERR_OK)
        code = check_presence(s, shapes[action->type].priority, action->has_priority, "priority");
    if (code == ERR_OK)
        code = check_presence(s, shapes[action->type].timeout, action->has_timeout, "timeout");
    if (code == ERR_OK)
        code = check_presence(s, shapes[action->type].attributes, action->attributes.len > 0,
                              "attributes");
    if (code == ERR_OK)
        code = check_text(s, action->target, RULE_MAX_TARGET_CHARS, "target");
    if (code == ERR_OK)
        code = check_text(s, action->message, RULE_MAX_MESSAGE_CHARS, "message");
    return code == ERR_OK ? check_values(s) : code;
}

/* What the action sets itself, apart from what it may carry beside. */
static bool has_own_effect(const struct rule_action *actions, size_t index)
{
    const struct rule_action *action = &actions[index];
    for (size_t i = 0; i < index; i++) {
        if (action->type == RULE_ACTION_CONTINUE && actions[i].type == RULE_ACTION_CONTINUE)
            return false;
        if (action->type == RULE_ACTION_SET_PRIORITY && actions[i].has_priority)
            return false;
        if (action->type == RULE_ACTION_SET_TIMEOUT && actions[i].has_timeout)
            return false;
    }
    return true;
}

/* The actions are made to decide something alone: which of them did nothing? */
static enum err_code check_effects(const struct rule_action *actions, size_t count, struct err *err)
{
    const struct rule_def def = {.is_enabled = true, .actions = actions, .action_count = count};
    const struct rule_facts facts = {0};
    struct rule_outcome out;
    struct rule_set *set = NULL;
    AUTO(arena_cleanup) struct arena *arena = arena_new((size_t)1 << 20);
    enum err_code code = rule_set_new(&def, 1, &set, err);
    if (code == ERR_OK)
        code = rule_set_decide(set, &facts, arena, &out, err);
    uint32_t mask = code == ERR_OK ? out.rules[0].action_mask : 0;
    bool is_all_continue = true;
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        struct subject s = {.action = &actions[i], .index = i, .err = err};
        bool is_bare = actions[i].type == RULE_ACTION_CONTINUE && !actions[i].has_priority &&
                       !actions[i].has_timeout && actions[i].attributes.len == 0;
        is_all_continue = is_all_continue && is_bare;
        if ((mask & UINT32_C(1) << i) == 0 || !has_own_effect(actions, i))
            code = refuse(&s, "ACTION_WITHOUT_EFFECT", "",
                          "has no effect: an earlier action of the rule sets the same");
    }
    if (code == ERR_OK && is_all_continue)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ACTION_WITHOUT_EFFECT", "actions",
                         "The rule does nothing but let others continue; give it an action.");
    rule_set_free(set);
    return code;
}

enum err_code rule_actions_check(const struct rule_action *actions, size_t count, struct err *err)
{
    if (count == 0 || count > RULE_MAX_ACTIONS)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ACTIONS_INVALID", "actions",
                         "A rule has 1 to %d actions.", RULE_MAX_ACTIONS);
    for (size_t i = 0; i < count; i++) {
        struct subject s = {.action = &actions[i], .index = i, .err = err};
        enum err_code code = check_action(&s);
        if (code != ERR_OK)
            return code;
    }
    return check_effects(actions, count, err);
}
