/*
 * Evaluations, bindings and record parses per second on one core, for the figures in
 * libs/expr/README.md. Not a test: prints, judges nothing. Argument: seconds per line (default 1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/macros.h"
#include "expr/expr.h"

enum { WORKERS = 64, BATCH = 1 << 16 };

static const char task_json[] =
    "{\"department\":\"permits\",\"language\":\"en\",\"level\":3,\"type\":\"call\"}";

struct bench {
    struct expr_record *workers[WORKERS];
    struct expr_record *task;
    struct expr_field *sid;
    struct buf key;
    int64_t span_us;
    uint64_t sum; /* keeps the work from being optimised away */
};

/* Processor time, not wall time: the figures should not depend on who else is running. */
static int64_t cpu_us(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

static struct expr_record *record_or_die(const char *json)
{
    struct err err = {0};
    struct expr_record *record = NULL;
    if (expr_record_new(str_from(json), &record, &err) != ERR_OK) {
        (void)fprintf(stderr, "%s\n", err.detail);
        abort();
    }
    return record;
}

static struct expr *expr_or_die(const char *text, const struct expr_context *context)
{
    struct err err = {0};
    struct expr *expr = NULL;
    if (expr_compile(str_from(text), context, &expr, &err) != ERR_OK) {
        (void)fprintf(stderr, "%s\n", err.detail);
        abort();
    }
    return expr;
}

static void setup(struct bench *b)
{
    static const char *const departments[] = {"permits", "utilities", "permits", "permits"};
    b->sid = expr_field_new(STR("sid"));
    for (int i = 0; i < WORKERS; i++) {
        char json[256];
        (void)snprintf(json, sizeof json,
                       "{\"department\":\"%s\",\"languages\":[\"es\",\"en\"],\"level\":%d,"
                       "\"skills\":[\"permits\",\"billing\",\"utilities\"],\"site\":{\"city\":"
                       "\"Austin\"},\"contact_uri\":\"client:w%d\"}",
                       departments[i % 4], i % 6, i);
        b->workers[i] = record_or_die(json);
        expr_record_set_str(b->workers[i], b->sid, STR("WK00000000000000000000000000000001"));
    }
    b->task = record_or_die(task_json);
    buf_init(&b->key, 0);
}

static void fini(struct bench *b)
{
    for (int i = 0; i < WORKERS; i++)
        expr_record_free(b->workers[i]);
    expr_record_free(b->task);
    expr_field_free(b->sid);
    buf_fini(&b->key);
}

static void report(const char *what, uint64_t count, int64_t us)
{
    (void)printf("%8.2f M/s  %6.1f ns  %s\n", (double)count / (double)us,
                 (double)us * 1000.0 / (double)count, what);
}

static void bench_eval(struct bench *b, const char *text, const struct expr_context *context)
{
    struct expr *expr = expr_or_die(text, context);
    struct expr_env env = {.records[EXPR_SLOT_TASK] = b->task};
    uint64_t count = 0;
    int64_t from = cpu_us();
    int64_t us = 0;
    do {
        for (int i = 0; i < BATCH; i++) {
            env.records[EXPR_SLOT_WORKER] = b->workers[i % WORKERS];
            b->sum += expr_eval(expr, &env) ? 1 : 0;
        }
        count += BATCH;
        us = cpu_us() - from;
    } while (us < b->span_us);
    report(text, count, us);
    expr_free(expr);
}

static void bench_bind(struct bench *b, const char *text)
{
    struct expr *expr = expr_or_die(text, &expr_context_target);
    const struct expr_env env = {.records[EXPR_SLOT_TASK] = b->task};
    uint64_t count = 0;
    int64_t from = cpu_us();
    int64_t us = 0;
    do {
        for (int i = 0; i < BATCH / 64; i++) {
            buf_clear(&b->key);
            b->sum += (uint64_t)expr_bind(expr, &env, EXPR_BIT(EXPR_SLOT_TASK), &b->key);
            b->sum += b->key.len;
        }
        count += BATCH / 64;
        us = cpu_us() - from;
    } while (us < b->span_us);
    (void)printf("bind: ");
    report(text, count, us);
    expr_free(expr);
}

static void bench_parse(struct bench *b)
{
    uint64_t count = 0;
    int64_t from = cpu_us();
    int64_t us = 0;
    do {
        for (int i = 0; i < BATCH / 64; i++) {
            struct expr_record *record = record_or_die(task_json);
            b->sum += expr_record_bytes(record);
            expr_record_free(record);
        }
        count += BATCH / 64;
        us = cpu_us() - from;
    } while (us < b->span_us);
    (void)printf("record: ");
    report(task_json, count, us);
    (void)printf("a task of %zu bytes is a record of %zu bytes\n", sizeof task_json - 1,
                 expr_record_bytes(b->task));
}

int main(int argc, char **argv)
{
    struct bench b = {.span_us = US_PER_S};
    if (argc > 1)
        b.span_us = (int64_t)(strtod(argv[1], NULL) * (double)US_PER_S);
    setup(&b);
    bench_eval(&b, "department == 'permits' AND skills HAS 'utilities' AND level >= 3",
               &expr_context_queue);
    bench_eval(&b, "level >= 3", &expr_context_queue);
    bench_eval(&b, "site.city == 'Austin' OR contact_uri CONTAINS 'w7'", &expr_context_queue);
    bench_eval(&b, "worker.department == task.department AND task.language IN worker.languages",
               &expr_context_target);
    bench_bind(&b, "worker.department == task.department AND task.language IN worker.languages");
    bench_parse(&b);
    fini(&b);
    return b.sum == 0 ? 1 : 0;
}
