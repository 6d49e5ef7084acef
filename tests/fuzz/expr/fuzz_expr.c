/*
 * Input: a line with an expression, a line with a task, the rest a worker (both JSON). Whatever
 * compiles is evaluated, traced, bound and evaluated again; all answers must agree. The first line
 * is also read as an order, as a name and as the key of a residual.
 */
#include "expr/expr.h"

#include <string.h>

#include "base/macros.h"
#include "fuzz.h"

static void check(const struct expr *expr, struct expr_env *env)
{
    struct err err = {0};
    struct expr_trace trace = {0};
    struct buf key;
    struct buf again;
    buf_init(&key, 1 << 22);
    buf_init(&again, 1 << 22);
    struct arena *arena = arena_new((size_t)1 << 24);
    bool want = expr_eval(expr, env);
    if (expr_trace(expr, env, arena, &trace, &err) == ERR_OK)
        INVARIANT(trace.is_true == want);
    enum expr_verdict verdict = expr_bind(expr, env, EXPR_BIT(EXPR_SLOT_TASK), &key);
    if (verdict == EXPR_OPEN && !buf_failed(&key)) {
        struct expr *residual = expr_residual_new(buf_str(&key));
        INVARIANT(residual != NULL);
        INVARIANT(expr_eval(residual, env) == want);
        INVARIANT(expr_bind(residual, NULL, 0, &again) == EXPR_OPEN);
        INVARIANT(str_eq(buf_str(&key), buf_str(&again)));
        expr_free(residual);
    } else if (verdict != EXPR_OPEN) {
        INVARIANT((verdict == EXPR_TRUE) == want);
    }
    arena_free(arena);
    buf_fini(&key);
    buf_fini(&again);
}

static void try_context(struct str text, const struct expr_context *context, struct expr_env *env)
{
    struct err err = {0};
    struct expr *expr = NULL;
    struct expr_order *order = NULL;
    struct expr_path *path = NULL;
    struct expr_order_key place;
    if (expr_compile(text, context, &expr, &err) == ERR_OK)
        check(expr, env);
    else
        INVARIANT(err.code == ERR_INVALID_ARGUMENT && err.detail[0] != '\0');
    if (expr_order_compile(text, context, &order, &err) == ERR_OK &&
        expr_order_key(order, env, &place))
        INVARIANT(expr_order_compare(order, &place, &place) == 0);
    if (expr_path_compile(text, context, &path, &err) == ERR_OK)
        (void)expr_path_get(path, env);
    expr_free(expr);
    expr_order_free(order);
    expr_path_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct expr_context *const contexts[] = {&expr_context_queue, &expr_context_target,
                                                          &expr_context_rule};
    struct err err = {0};
    struct str rest = {.ptr = size == 0 ? "" : (const char *)data, .len = size};
    struct str text = str_split(&rest, '\n');
    struct expr_record *task = NULL;
    struct expr_record *worker = NULL;
    if (expr_record_new(str_split(&rest, '\n'), &task, &err) != ERR_OK)
        task = NULL;
    if (expr_record_new(rest, &worker, &err) != ERR_OK)
        worker = NULL;
    struct expr_env env = {.records[EXPR_SLOT_TASK] = task, .records[EXPR_SLOT_WORKER] = worker};
    for (size_t i = 0; i < ARRAY_LEN(contexts); i++)
        try_context(text, contexts[i], &env);
    struct expr *foreign = expr_residual_new((struct str){.ptr = (const char *)data, .len = size});
    if (foreign != NULL)
        (void)expr_eval(foreign, &env);
    expr_free(foreign);
    expr_record_free(task);
    expr_record_free(worker);
    return 0;
}
