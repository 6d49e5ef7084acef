#include "expr/expr.h"

#include <stdint.h>
#include <stdio.h>

#include "base/macros.h"
#include "testing.h"

enum { ROUNDS = 20000 };

/* A small deterministic generator, so that a failure can be repeated. */
static uint64_t seed;

static unsigned pick(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % below;
}

static const char *const scalars[] = {"1",    "2",    "'1'", "'a'",   "'ab'",
                                      "null", "true", "2.5", "'2.5'", "-1"};

static void put_operand(struct buf *out, unsigned depth)
{
    static const char *const names[] = {"task.a",   "task.b",   "task.c[0]", "worker.a",
                                        "worker.b", "worker.c", "worker.d.e"};
    unsigned kind = pick(depth > 1 ? 10 : 12);
    if (kind < 6) {
        buf_text(out, names[pick(ARRAY_LEN(names))]);
    } else if (kind < 10) {
        buf_text(out, scalars[pick(ARRAY_LEN(scalars))]);
    } else {
        buf_char(out, '[');
        for (unsigned left = pick(4); left > 0; left--) {
            put_operand(out, depth + 1);
            if (left > 1)
                buf_char(out, ',');
        }
        buf_char(out, ']');
    }
}

static void put_expr(struct buf *out, unsigned depth)
{
    static const char *const ops[] = {
        "==", "!=", "<", "<=", ">", ">=", "HAS", "IN", "NOT IN", "CONTAINS", "=="};
    unsigned kind = pick(depth > 4 ? 4 : 9);
    if (kind < 4) {
        put_operand(out, 0);
        buf_printf(out, " %s ", ops[pick(ARRAY_LEN(ops))]);
        put_operand(out, 0);
    } else if (kind < 5) {
        buf_text(out, "NOT (");
        put_expr(out, depth + 1);
        buf_char(out, ')');
    } else {
        buf_char(out, '(');
        put_expr(out, depth + 1);
        buf_text(out, kind < 7 ? ") AND (" : ") OR (");
        put_expr(out, depth + 1);
        buf_char(out, ')');
    }
}

static void put_json_value(struct buf *out, unsigned depth)
{
    static const char *const values[] = {"1",    "2",    "\"1\"", "\"a\"",   "\"ab\"",
                                         "null", "true", "2.5",   "\"2.5\"", "-1"};
    if (depth < 2 && pick(3) == 0) {
        buf_char(out, '[');
        for (unsigned left = pick(4); left > 0; left--) {
            put_json_value(out, depth + 1);
            if (left > 1)
                buf_char(out, ',');
        }
        buf_char(out, ']');
    } else if (depth < 2 && pick(8) == 0) {
        buf_text(out, "{\"e\":1}");
    } else {
        buf_text(out, values[pick(ARRAY_LEN(values))]);
    }
}

static struct expr_record *random_record(void)
{
    static const char keys[] = "abcd";
    struct err err = {0};
    struct expr_record *record = NULL;
    struct buf json;
    bool is_first = true;
    buf_init(&json, 0);
    buf_char(&json, '{');
    for (size_t i = 0; i < 4; i++) {
        if (pick(4) == 0)
            continue;
        buf_printf(&json, "%s\"%c\":", is_first ? "" : ",", keys[i]);
        put_json_value(&json, 0);
        is_first = false;
    }
    buf_char(&json, '}');
    INVARIANT(expr_record_new(buf_str(&json), &record, &err) == ERR_OK);
    buf_fini(&json);
    return record;
}

/* Three ways to the same answer, in both readings of CONTAINS. */
static bool check_round(const struct expr_context *context, struct buf *text)
{
    struct err err = {0};
    struct expr *expr = NULL;
    struct buf key;
    struct buf again;
    INVARIANT(expr_compile(buf_str(text), context, &expr, &err) == ERR_OK);
    struct expr_record *task = random_record();
    struct expr_env env = {.records[EXPR_SLOT_TASK] = task};
    buf_init(&key, 0);
    buf_init(&again, 0);
    enum expr_verdict verdict = expr_bind(expr, &env, EXPR_BIT(EXPR_SLOT_TASK), &key);
    struct expr *residual = verdict == EXPR_OPEN ? expr_residual_new(buf_str(&key)) : NULL;
    bool is_right = (verdict == EXPR_OPEN) == (residual != NULL) && !buf_failed(&key) &&
                    (verdict == EXPR_OPEN || key.len == 0);
    if (residual != NULL) {
        is_right = is_right && !expr_uses(residual, EXPR_SLOT_TASK) &&
                   expr_bind(residual, NULL, 0, &again) == EXPR_OPEN &&
                   str_eq(buf_str(&key), buf_str(&again));
    }
    for (int i = 0; i < 4 && is_right; i++) {
        struct expr_record *worker = random_record();
        struct arena *arena = arena_new(1 << 20);
        struct expr_trace trace = {0};
        env.records[EXPR_SLOT_WORKER] = worker;
        bool want = expr_eval(expr, &env);
        bool bound = residual != NULL ? expr_eval(residual, &env) : verdict == EXPR_TRUE;
        is_right = bound == want && expr_trace(expr, &env, arena, &trace, &err) == ERR_OK &&
                   trace.is_true == want;
        if (!is_right)
            (void)printf("\n    %s\n    task %s worker %s: %d, bound %d, traced %d\n", text->data,
                         expr_record_json(task).ptr, expr_record_json(worker).ptr, want, bound,
                         trace.is_true);
        arena_free(arena);
        expr_record_free(worker);
    }
    expr_free(residual);
    expr_free(expr);
    expr_record_free(task);
    buf_fini(&key);
    buf_fini(&again);
    return is_right;
}

static void binding_changes_no_answer(void)
{
    struct buf text;
    struct expr_context members = expr_context_target;
    members.flags = EXPR_CONTAINS_MEMBER;
    buf_init(&text, 0);
    seed = 20261122;
    for (int i = 0; i < ROUNDS; i++) {
        buf_clear(&text);
        put_expr(&text, 0);
        if (!CHECK(check_round(i % 2 == 0 ? &expr_context_target : &members, &text))) {
            (void)printf("\n    round %d: %s\n", i, text.data);
            break;
        }
    }
    buf_fini(&text);
}

/* The key of a text bound to a task; empty when constant. */
static enum expr_verdict key_of(const char *text, const char *task_json, struct buf *key)
{
    struct err err = {0};
    struct expr *expr = NULL;
    struct expr_record *task = NULL;
    INVARIANT(expr_compile(str_from(text), &expr_context_target, &expr, &err) == ERR_OK);
    INVARIANT(expr_record_new(str_from(task_json), &task, &err) == ERR_OK);
    const struct expr_env env = {.records[EXPR_SLOT_TASK] = task};
    buf_init(key, 0);
    enum expr_verdict verdict = expr_bind(expr, &env, EXPR_BIT(EXPR_SLOT_TASK), key);
    expr_record_free(task);
    expr_free(expr);
    return verdict;
}

static void equal_residuals_have_equal_keys(void)
{
    static const struct {
        const char *a_text, *a_task, *b_text, *b_task;
        bool is_same;
    } rows[] = {
        {"worker.l == task.l",                   "{\"l\":\"en\",\"id\":1}", "worker.l == task.l",
         "{\"l\":\"en\",\"id\":2}",                                                                                                            true },
        {"worker.l == task.l",                   "{\"l\":\"en\"}",          "worker.l == task.l",                           "{\"l\":\"es\"}",  false},
        {"worker.l == task.l",                   "{\"l\":\"1\"}",           "worker.l == task.l",                           "{\"l\":1}",       false},
        {"worker.l == task.l",                   "{\"l\":1.0}",             "worker.l == task.l",                           "{\"l\":1}",       true },
        {"worker.l == task.l",                   "{\"l\":1}",               "task.l == worker.l",                           "{\"l\":1}",       true },
        {"worker.l > task.l",                    "{\"l\":1}",               "task.l < worker.l",                            "{\"l\":1}",       true },
        {"worker.l IN task.l",                   "{\"l\":[1,2]}",           "worker.l IN task.l",                           "{\"l\":[2,1,2]}", true },
        {"worker.l IN task.l",                   "{\"l\":[2]}",             "worker.l == 2",                                "{}",              true },
        {"worker.l HAS 'x'",                     "{}",                      "'x' IN worker.l",                              "{}",              true },
        {"worker.l NOT IN task.l",               "{\"l\":[1,2]}",           "NOT (worker.l IN task.l)",                     "{\"l\":[1,2]}",
         true                                                                                                                                       },
        {"worker.a == 1 AND worker.b == 2",      "{}",                      "worker.b == 2 AND (worker.a == 1 AND 1 == 1)",
         "{}",                                                                                                                                 true },
        {"NOT (worker.a == 1 OR worker.b == 2)", "{}",
         "NOT worker.b == 2 AND NOT worker.a == 1 AND NOT worker.a == 1",                                                   "{}",              true },
        {"worker.a == 1 OR task.x == 1",         "{\"x\":0}",               "worker.a == 1",                                "{}",              true },
        {"worker.a == 1 AND worker.b == 1",      "{}",                      "worker.a == 1 OR worker.b == 1",               "{}",              false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf a;
        struct buf b;
        CHECK_I64(key_of(rows[i].a_text, rows[i].a_task, &a), EXPR_OPEN);
        CHECK_I64(key_of(rows[i].b_text, rows[i].b_task, &b), EXPR_OPEN);
        if (!CHECK(str_eq(buf_str(&a), buf_str(&b)) == rows[i].is_same))
            (void)printf("\n    row %zu", i);
        buf_fini(&a);
        buf_fini(&b);
    }
}

static void constant_residuals_are_told(void)
{
    static const struct {
        const char *text, *task;
        enum expr_verdict want;
    } rows[] = {
        {"1==1",                                        "{}",          EXPR_TRUE },
        {"task.x == 1 OR worker.y == 2",                "{\"x\":1}",   EXPR_TRUE },
        {"task.x == 1 AND worker.y == 2",               "{\"x\":2}",   EXPR_FALSE},
        {"worker.y HAS task.x",                         "{\"x\":[1]}", EXPR_FALSE},
        {"worker.y IN task.x",                          "{}",          EXPR_FALSE},
        {"worker.y IN task.x",                          "{\"x\":[]}",  EXPR_FALSE},
        {"worker.y NOT IN task.x",                      "{\"x\":[]}",  EXPR_TRUE },
        {"worker.y > task.x",                           "{}",          EXPR_FALSE},
        {"NOT (worker.y > task.x) AND NOT 1 == task.x", "{}",          EXPR_TRUE },
        {"worker.y == task.x",                          "{\"x\":{}}",  EXPR_FALSE},
        {"worker.y == task.x",                          "{}",          EXPR_OPEN },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf key;
        if (!CHECK_I64(key_of(rows[i].text, rows[i].task, &key), rows[i].want))
            (void)printf("\n    %s", rows[i].text);
        CHECK((key.len == 0) == (rows[i].want != EXPR_OPEN));
        buf_fini(&key);
    }
}

static void a_key_that_does_not_fit_fails_its_buffer(void)
{
    struct err err = {0};
    struct expr *expr = NULL;
    const char *text = "worker.a IN ['x', 'y'] AND (worker.b == 1 OR worker.c == 2)";
    REQUIRE(expr_compile(str_from(text), &expr_context_target, &expr, &err) == ERR_OK);
    size_t needed = 0;
    for (size_t room = 1; room < 400; room++) {
        struct buf key;
        buf_init(&key, room);
        CHECK_I64(expr_bind(expr, NULL, 0, &key), EXPR_OPEN);
        if (!buf_failed(&key) && needed == 0)
            needed = key.len;
        buf_fini(&key);
    }
    CHECK(needed > 40);
    expr_free(expr);
}

static void foreign_bytes_are_no_residual(void)
{
    struct buf key;
    REQUIRE(key_of("worker.a IN ['x', 'y'] AND (worker.b == 1.5 OR worker.c[1].d == null)", "{}",
                   &key) == EXPR_OPEN);
    for (size_t len = 0; len < key.len; len++)
        CHECK(expr_residual_new((struct str){.ptr = key.data, .len = len}) == NULL);
    for (size_t i = 0; i < key.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            const struct expr_env env = {0};
            key.data[i] = (char)(key.data[i] ^ (1 << bit));
            struct expr *expr = expr_residual_new(buf_str(&key));
            if (expr != NULL)
                (void)expr_eval(expr, &env);
            expr_free(expr);
            key.data[i] = (char)(key.data[i] ^ (1 << bit));
        }
    }
    buf_fini(&key);
}

static const struct test_case cases[] = {
    {"binding changes no answer",                binding_changes_no_answer               },
    {"equal residuals have equal keys",          equal_residuals_have_equal_keys         },
    {"constant residuals are told",              constant_residuals_are_told             },
    {"a key that does not fit fails its buffer", a_key_that_does_not_fit_fails_its_buffer},
    {"foreign bytes are no residual",            foreign_bytes_are_no_residual           },
};

int main(int argc, char **argv)
{
    return testing_main("expr bind", cases, ARRAY_LEN(cases), argc, argv);
}
