/*
 * Classes against a naive matcher: random worlds with odd values, and after every step each waiting
 * task is compared with each free worker by evaluating the target's own expression over both.
 */
#include <stdio.h>
#include <stdlib.h>

#include "expr/expr.h"
#include "testing.h"
#include "world.h"

#define QUEUE "\"WQ00000000000000000000000000000001\""

enum { WORKERS = 10, STEPS = 100, SEEDS = 4 };

static const char *const expressions[] = {
    "task.skill IN worker.skills",
    "task.skill IN worker.skills AND worker.region == task.region",
    "worker.region IN task.list",
    "worker.region NOT IN task.list",
    "worker.level >= task.level",
    "worker.level < task.level AND worker.region == task.region",
    "worker.level > task.level AND worker.level <= task.most",
    "worker.sid != task.last",
    "worker.sid == task.last",
    "NOT (worker.region == task.region)",
    "NOT (worker.level >= task.level OR worker.region == task.region)",
    "worker.region == task.nothing",
    "worker.region != task.region OR worker.level > task.level",
    "worker.skills HAS task.skill AND worker.skills HAS task.region AND worker.level >= task.level",
    "worker.region == task.region OR task.skill IN worker.skills",
    "worker.in.ner == task.skill",
    "worker.skills HAS task.skill AND worker.activity_name == task.mood",
    "worker.level >= 3 AND worker.region CONTAINS task.region",
    "worker.skills[0] == task.region AND task.level != 2",
    "worker.level == task.level AND worker.channel.default.assigned_tasks == 0",
    "worker.region IN ['a', task.region, 6] AND worker.skills HAS 'a'",
};

static const char *const values[] = {"\"a\"", "\"b\"",   "\"6\"", "6",    "6.0", "\"6.0\"", "null",
                                     "true",  "[\"a\"]", "\"\"",  "1e16", "-1",  "\"c\""};

struct naive {
    struct world w;
    uint64_t random;
    int64_t newest; /* sequence of the offers seen */
    int offers;
    const char *expression;
    struct expr *compiled;
    struct expr_field *sid_field;
    struct expr_field *activity_field;
    struct expr_field *assigned_field;
    struct expr_record *workers[WORKERS + 1];
};

static uint64_t naive_random(struct naive *naive, uint64_t below)
{
    naive->random ^= naive->random << 13;
    naive->random ^= naive->random >> 7;
    naive->random ^= naive->random << 17;
    return (naive->random >> 11) % below;
}

static const char *naive_value(struct naive *naive)
{
    return values[naive_random(naive, ARRAY_LEN(values))];
}

static const char *naive_level(struct naive *naive)
{
    static const char *const levels[] = {
        "1",  "2",     "3",     "3.5",  "4",       "9007199254740993",
        "-7", "\"3\"", "\"x\"", "null", "\"2.5\"", "9007199254740992"};
    return levels[naive_random(naive, ARRAY_LEN(levels))];
}

static void naive_worker(struct naive *naive, int worker)
{
    struct buf text;
    struct err err;
    buf_init(&text, 0);
    buf_printf(&text, "{\"level\":%s,\"region\":%s,\"in\":{\"ner\":%s},\"skills\":[",
               naive_level(naive), naive_value(naive), naive_value(naive));
    /* Now and then more than an index takes. */
    uint64_t count = naive_random(naive, 12) == 0 ? 70 : naive_random(naive, 4);
    for (uint64_t i = 0; i < count; i++)
        buf_printf(&text, "%s%s", i == 0 ? "" : ",", naive_value(naive));
    buf_text(&text, "]}");
    expr_record_free(naive->workers[worker]);
    naive->workers[worker] = NULL;
    CHECK_I64(expr_record_new(buf_str(&text), &naive->workers[worker], &err), ERR_OK);
    world_worker(&naive->w, worker, text.data, naive_random(naive, 4) == 0 ? 3 : 1);
    buf_fini(&text);
}

static void naive_task(struct naive *naive)
{
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text,
               "{\"skill\":%s,\"region\":%s,\"level\":%s,\"most\":%s,\"mood\":\"Break\","
               "\"last\":\"WK%032d\",\"list\":[%s,%s,%s]}",
               naive_value(naive), naive_value(naive), naive_level(naive), naive_level(naive),
               1 + (int)naive_random(naive, WORKERS), naive_value(naive), naive_value(naive),
               naive_value(naive));
    (void)world_create_priority(&naive->w, text.data, (int64_t)naive_random(naive, 3));
    buf_fini(&text);
}

static void naive_answer(struct naive *naive)
{
    if (naive->w.reservation_count == 0)
        return;
    const struct reservation_row *row =
        naive->w.reservations[naive_random(naive, naive->w.reservation_count)];
    struct sid sid = row->sid;
    static const enum engine_command_kind kinds[] = {
        ENGINE_ACCEPT_RESERVATION, ENGINE_COMPLETE_RESERVATION, ENGINE_COMPLETE_RESERVATION,
        ENGINE_REJECT_RESERVATION};
    (void)world_act(&naive->w, kinds[naive_random(naive, ARRAY_LEN(kinds))], &sid);
}

static bool naive_fits(struct naive *naive, const struct task_row *row, int worker, int assigned)
{
    struct expr_record *task = NULL;
    struct err err;
    struct sid sid = world_sid("WK", worker);
    struct engine_worker_view view;
    if (expr_record_new(row->attributes, &task, &err) != ERR_OK ||
        !engine_worker_get(naive->w.engine, &sid, &view))
        abort();
    expr_record_set_str(naive->workers[worker], naive->sid_field, str_from(sid.text));
    expr_record_set_str(naive->workers[worker], naive->activity_field,
                        world_number(&view.activity_sid) == 3   ? STR("Break")
                        : world_number(&view.activity_sid) == 2 ? STR("Offline")
                                                                : STR("Available"));
    expr_record_set_i64(naive->workers[worker], naive->assigned_field, assigned);
    struct expr_env env = {
        .records = {[EXPR_SLOT_TASK] = task, [EXPR_SLOT_WORKER] = naive->workers[worker]}
    };
    bool fits = expr_eval(naive->compiled, &env);
    expr_record_free(task);
    return fits;
}

struct naive_look {
    struct naive *naive;
    int waiting;
};

static bool look_at_task(void *context, const struct task_row *row)
{
    struct naive_look *look = context;
    struct naive *naive = look->naive;
    for (int i = 1; i <= WORKERS && row->state == TASK_PENDING; i++) {
        struct sid sid = world_sid("WK", i);
        struct engine_worker_view view;
        if (!engine_worker_get(naive->w.engine, &sid, &view) || !view.is_available ||
            view.open_reservations > 0)
            continue;
        bool fits = naive_fits(naive, row, i, 0);
        if (fits)
            (void)printf("%s: %s waits, worker %d is free\n  %.*s\n  %.*s\n", naive->expression,
                         row->sid.text, i, STR_ARG(row->attributes),
                         STR_ARG(expr_record_json(naive->workers[i])));
        if (fits)
            CHECK(!"a task waits");
        look->waiting++;
    }
    return true;
}

/* Offers made since the last step go to workers who fit. */
static void naive_check(struct naive *naive)
{
    struct naive_look look = {.naive = naive};
    int64_t newest = naive->newest;
    for (size_t i = 0; i < naive->w.reservation_count; i++) {
        const struct reservation_row *row = naive->w.reservations[i];
        if (row->sequence <= naive->newest)
            continue;
        newest = row->sequence > newest ? row->sequence : newest;
        struct task_row task = world_task(&naive->w, &row->task_sid);
        CHECK(naive_fits(naive, &task, world_number(&row->worker_sid), 0));
        naive->offers++;
    }
    naive->newest = newest;
    engine_tasks(naive->w.engine, look_at_task, &look);
}

static void naive_start(struct naive *naive, size_t index, uint64_t seed)
{
    static char document[600];
    struct err err;
    naive->random = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15) + index;
    naive->expression = expressions[index];
    naive->newest = 0;
    (void)snprintf(document, sizeof document,
                   "{\"task_routing\":{\"filters\":[{\"expression\":\"1==1\",\"targets\":[{"
                   "\"queue\":" QUEUE ",\"expression\":\"%s\"%s}]}]}}",
                   expressions[index], seed % 2 == 0 ? "" : ",\"order_by\":\"worker.level DESC\"");
    world_init(&naive->w);
    CHECK_I64(
        expr_compile(str_from(expressions[index]), &expr_context_target, &naive->compiled, &err),
        ERR_OK);
    naive->sid_field = expr_field_new(STR("sid"));
    naive->activity_field = expr_field_new(STR("activity_name"));
    naive->assigned_field = expr_field_new(STR("channel.default.assigned_tasks"));
    for (int i = 1; i <= WORKERS; i++)
        naive->workers[i] = NULL;
    world_queue_with(&naive->w, 1, "1==1", seed % 3 == 0 ? 2 : 1, seed % 4 == 3);
    world_workflow(&naive->w, 1, 1, document);
    for (int i = 1; i <= WORKERS; i++)
        naive_worker(naive, i);
}

static void naive_end(struct naive *naive)
{
    world_fini(&naive->w);
    expr_free(naive->compiled);
    for (int i = 1; i <= WORKERS; i++)
        expr_record_free(naive->workers[i]);
    expr_field_free(naive->sid_field);
    expr_field_free(naive->activity_field);
    expr_field_free(naive->assigned_field);
}

static void nobody_waits_for_a_free_worker_who_fits_and_nobody_else_is_asked(void)
{
    static struct naive naive;
    for (size_t index = 0; index < ARRAY_LEN(expressions); index++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            naive_start(&naive, index, seed);
            for (int step = 0; step < STEPS; step++) {
                uint64_t choice = naive_random(&naive, 10);
                if (choice < 4)
                    naive_task(&naive);
                else if (choice < 8)
                    naive_answer(&naive);
                else
                    naive_worker(&naive, 1 + (int)naive_random(&naive, WORKERS));
                naive_check(&naive);
                if (step % 50 == 49)
                    world_reload(&naive.w);
            }
            naive_end(&naive);
        }
    }
    CHECK(naive.offers > 1000);
}

/* --- what keeps the cost flat -------------------------------------------------------------- */

static size_t class_count(struct world *w)
{
    struct engine_stats stats;
    engine_stats_get(w->engine, &stats);
    return stats.classes;
}

static void route_by(struct world *w, const char *target)
{
    char document[400];
    (void)snprintf(document, sizeof document,
                   "{\"task_routing\":{\"filters\":[{\"expression\":\"1==1\",\"targets\":[{"
                   "\"queue\":" QUEUE ",%s}]}]}}",
                   target);
    world_queue(w, 1, "1==1");
    world_workflow(w, 1, 1, document);
}

static void ranges_of_all_tasks_are_one_class(void)
{
    struct world w;
    world_init(&w);
    route_by(&w, "\"expression\":\"worker.level >= task.level AND worker.sid != task.last\"");
    world_worker(&w, 1, "{\"level\":5}", 3);
    for (int i = 0; i < 100; i++) {
        char attributes[64];
        (void)snprintf(attributes, sizeof attributes, "{\"level\":%d,\"last\":\"WK%032d\"}",
                       100 - i, i);
        (void)world_create(&w, attributes);
    }
    CHECK_I64(class_count(&w), 1);
    world_worker(&w, 1, "{\"level\":7}", 1); /* the oldest whose level he reaches */
    struct sid offer = w.reservations[0]->sid;
    CHECK_I64(w.reservation_count, 1);
    CHECK(str_starts_with(world_task(&w, &w.reservations[0]->task_sid).attributes,
                          STR("{\"level\":7,")));
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    world_fini(&w);
}

static void a_name_is_looked_up_and_may_be_taken_later(void)
{
    struct world w;
    world_init(&w);
    route_by(&w, "\"known_worker_friendly_name\":\"task.agent\"");
    world_worker(&w, 1, "{}", 1);
    struct sid first = world_create(&w, "{\"agent\":\"WORKER 1\"}");
    struct sid second = world_create(&w, "{\"agent\":\"worker 2\"}");
    CHECK_I64(world_offered_to(&w, &first), 1);
    CHECK_I64(world_offered_to(&w, &second), 0);
    world_worker(&w, 2, "{}", 1);
    CHECK_I64(world_offered_to(&w, &second), 2);
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"nobody waits for a free worker who fits, and nobody else is asked",
     nobody_waits_for_a_free_worker_who_fits_and_nobody_else_is_asked                                               },
    {"ranges of all tasks are one class",                                 ranges_of_all_tasks_are_one_class         },
    {"a name is looked up and may be taken later",                        a_name_is_looked_up_and_may_be_taken_later},
};

int main(int argc, char **argv)
{
    return testing_main("engine classes", cases, ARRAY_LEN(cases), argc, argv);
}
