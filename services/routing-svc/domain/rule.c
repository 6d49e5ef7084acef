#include "rule.h"

#include "base/name.h"

static enum err_code check_labels(const struct rule *rule, struct err *err)
{
    if (rule->label_count > RULE_LABELS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "labels",
                         "labels has %zu entries; it may have at most %d", rule->label_count,
                         RULE_LABELS_MAX);
    for (size_t i = 0; i < rule->label_count; i++) {
        if (!name_is_good(rule->labels[i], RULE_LABEL_MAX))
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LABEL", "labels",
                             "labels[%zu] must have 1 to %d characters, not all of them spaces, "
                             "none a control character",
                             i, RULE_LABEL_MAX);
        for (size_t k = 0; k < i; k++) {
            if (str_eq(rule->labels[i], rule->labels[k]))
                return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "LABEL_TWICE", "labels",
                                 "labels has \"%.*s\" twice; keep one of them",
                                 STR_ARG(rule->labels[i]));
        }
    }
    return ERR_OK;
}

enum err_code rule_check_fields(const struct rule *rule, struct err *err)
{
    if (!name_is_good(str_from(rule->name), RULE_NAME_MAX))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_NAME", "name",
                         "name must have 1 to %d characters, not all of them spaces, none a "
                         "control character",
                         RULE_NAME_MAX);
    size_t chars = str_utf8_count(str_from(rule->description));
    if (chars > RULE_DESCRIPTION_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_LONG", "description",
                         "description has %zu characters; it may have at most %d", chars,
                         RULE_DESCRIPTION_MAX);
    return check_labels(rule, err);
}

struct rule_def rule_to_def(const struct rule *rule)
{
    return (struct rule_def){
        .sid = str_from(rule->sid),
        .name = str_from(rule->name),
        .version = rule->version,
        .priority = rule->priority,
        .created_at_us = rule->created_at_us,
        .is_enabled = rule->is_enabled,
        .condition = str_from(rule->condition),
        .valid_from_us = rule->valid_from_us,
        .valid_until_us = rule->valid_until_us,
        .actions = rule->actions,
        .action_count = rule->action_count,
    };
}

bool rule_action_has_our_target(enum rule_action_type type)
{
    return type == RULE_ACTION_ROUTE_TO_QUEUE || type == RULE_ACTION_ROUTE_TO_WORKER ||
           type == RULE_ACTION_ROUTE_TO_WORKFLOW;
}

const char *rule_action_prefix(enum rule_action_type type)
{
    if (type == RULE_ACTION_ROUTE_TO_QUEUE)
        return "WQ";
    return type == RULE_ACTION_ROUTE_TO_WORKER ? "WK" : "WW";
}
