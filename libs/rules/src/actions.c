/* What of a rule's actions is wrong in itself. */
#include "rules/rules.h"

enum err_code rule_actions_check(const struct rule_action *actions, size_t count, struct err *err)
{
    (void)actions;
    if (count == 0 || count > RULE_MAX_ACTIONS)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ACTIONS_INVALID", "actions",
                         "A rule has 1 to %d actions.", RULE_MAX_ACTIONS);
    return ERR_OK;
}
