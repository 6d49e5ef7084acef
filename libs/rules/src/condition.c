/* Conditions as text. */
#include "rules/condition.h"

#include "expr/expr.h"

enum err_code rule_condition_check(struct str text, struct err *err)
{
    struct expr *expr = NULL;
    struct err why = {0};
    if (str_trim(text).len == 0)
        return ERR_OK;
    enum err_code code = expr_compile(text, &expr_context_rule, &expr, &why);
    expr_free(expr);
    if (code == ERR_OK)
        return ERR_OK;
    return ERR_FIELD(err, code, why.reason, "condition", "%s", why.detail);
}
