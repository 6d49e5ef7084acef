/* What the router says about its decisions. */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "engine/explain.h"
#include "testing.h"
#include "world.h"

#define Q1           "\"WQ00000000000000000000000000000001\""
#define Q2           "\"WQ00000000000000000000000000000002\""
#define DOC(f)       "{\"task_routing\":{\"filters\":[" f "]}}"
#define FILTER(e, t) "{\"filter_friendly_name\":\"f\",\"expression\":\"" e "\",\"targets\":[" t "]}"

/* --- why this worker: what is written down with the offer ------------------------------------ */

/* Runs a command and gives the facts of the index-th offer that it made; zeroes when there is none.
 */
static struct engine_offer offer_of(struct world *w, struct engine_command command, int index)
{
    struct engine_offer found = {0};
    CHECK_I64(engine_apply(w->engine, &command, w->now_us, &w->effects, &w->err), ERR_OK);
    for (const struct engine_effect *e = w->effects.first; e != NULL; e = e->next) {
        if (e->kind != ENGINE_EVENT || e->event->type != ENGINE_EVENT_RESERVATION_CREATED ||
            index-- != 0)
            continue;
        if (e->event->offer != NULL)
            found = *e->event->offer;
    }
    found.order_values = arena_str(w->arena, found.order_values);
    found.next_order_values = arena_str(w->arena, found.next_order_values);
    engine_effects_reset(&w->effects);
    return found;
}

static struct engine_command create_task(const char *attributes)
{
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create = (struct engine_create){.workspace_sid = world_sid("WS", 1),
                                            .attributes = str_from(attributes)};
    return command;
}

static void an_offer_tells_who_was_asked_and_who_would_have_been_next(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    for (int i = 1; i <= 6; i++)
        world_worker(&w, i, "{}", i == 6 ? 2 : 1);
    struct engine_offer offer = offer_of(&w, create_task("{}"), 0);
    CHECK_I64(offer.qualified, 6);
    CHECK_I64(offer.free, 5);
    CHECK_I64(offer.waiting, 1);
    CHECK_I64(offer.last_sequence, 0);
    CHECK_I64(world_number(&offer.next_sid), 2);
    CHECK_I64(offer.next_sequence, 0);
    CHECK_STR(offer.order_values, "");
    for (int i = 0; i < 4; i++)
        offer = offer_of(&w, create_task("{}"), 0);
    CHECK_I64(offer.free, 1); /* the last one */
    CHECK_I64(sid_is_set(&offer.next_sid), 0);
    world_fini(&w);
}

static void several_offers_name_each_other_and_the_one_behind_them(void)
{
    struct world w;
    world_init(&w);
    world_queue_with(&w, 1, "1==1", 2, false);
    world_workflow(&w, 1, 1, DOC(FILTER("1==1", "{\"queue\":" Q1 "}")));
    for (int i = 1; i <= 3; i++)
        world_worker(&w, i, "{}", 1);
    struct engine_command create = create_task("{}");
    struct engine_offer second = offer_of(&w, create, 1);
    CHECK_I64(second.rank, 1);
    CHECK_I64(world_number(&second.next_sid), 3);
    world_fini(&w);
    world_init(&w);
    world_queue_with(&w, 1, "1==1", 2, false);
    world_workflow(&w, 1, 1, DOC(FILTER("1==1", "{\"queue\":" Q1 "}")));
    for (int i = 1; i <= 3; i++)
        world_worker(&w, i, "{}", 1);
    struct engine_offer first = offer_of(&w, create, 0);
    CHECK_I64(first.rank, 0);
    CHECK_I64(world_number(&first.next_sid), 2);
    world_fini(&w);
}

static void an_offer_tells_the_values_that_put_him_first(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("1==1", "{\"queue\":" Q1
                                      ",\"order_by\":\"worker.level DESC, worker.age ASC\"}")));
    world_worker(&w, 1, "{\"level\":1}", 1);
    world_worker(&w, 2, "{\"level\":3,\"age\":50}", 1);
    world_worker(&w, 3, "{\"level\":3}", 1);
    struct engine_offer offer = offer_of(&w, create_task("{}"), 0);
    CHECK_STR(offer.order_values, "level=3, age=50");
    CHECK_I64(world_number(&offer.next_sid), 3);
    CHECK_STR(offer.next_order_values, "level=3, age=none");
    world_fini(&w);
}

static void an_offer_remembers_the_one_before_it(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker_with(&w, 1, "{}", 1, 2, false);
    struct sid task = world_create(&w, "{}");
    struct sid before = world_last_offer(&w, &task);
    struct reservation_row row;
    REQUIRE(engine_reservation_get(w.engine, &before, &row));
    int64_t sequence = row.sequence;
    world_reload(&w);
    struct engine_offer offer = offer_of(&w, create_task("{}"), 0);
    CHECK_I64(offer.last_sequence, sequence);
    world_fini(&w);
}

/* --- why nobody: each condition of section 7 alone ------------------------------------------- */

static struct explain_task explain_with(struct world *w, const struct explain_ask *ask)
{
    struct explain_task out = {0};
    struct err err;
    err_clear(&err);
    CHECK_I64(engine_explain_task(w->engine, ask, w->now_us, w->arena, &out, &err), ERR_OK);
    return out;
}

static struct explain_task explain(struct world *w, const struct sid *task)
{
    struct explain_ask ask = {.sid = *task, .workspace_sid = world_sid("WS", 1)};
    return explain_with(w, &ask);
}

static void check_begins(struct str text, const char *want)
{
    if (!str_starts_with(text, str_from(want)))
        CHECK_STR(text, want);
}

static void check_contains(struct str text, const char *want)
{
    if (str_find(text, str_from(want)) < 0)
        CHECK_STR(text, want);
}

/* The listed candidate of that number; zeroes when he is not listed. */
static struct explain_candidate candidate(const struct explain_task *task, int worker)
{
    for (size_t i = 0; i < task->candidate_count; i++) {
        if (world_number(&task->candidates[i].sid) == worker)
            return task->candidates[i];
    }
    return (struct explain_candidate){0};
}

struct obstacle_row {
    const char *attributes;
    int activity;
    int capacity;
    bool is_channel_available;
    enum explain_obstacle obstacle;
    const char *clause; /* "" = none */
    const char *left;
    size_t column;
    const char *summary; /* how it begins */
};

#define GOOD "{\"team\":1,\"langs\":[\"de\"],\"level\":3}"

static const struct obstacle_row obstacle_rows[] = {
    {"{\"team\":2,\"langs\":[\"de\"]}",             1, 1, true,  EXPLAIN_NOT_IN_QUEUE,         "team == 1", "2",      1,
     "No worker qualifies: queue Queue has no members among 1 worker (`team == 1` is false for "
     "1)."                                                                                                                                                      },
    {"{\"team\":1,\"langs\":[\"de\"],\"level\":2}", 1, 1, true,  EXPLAIN_TARGET_EXPRESSION,
     "worker.level >= 3",                                                                                   "2",      31,
     "No worker qualifies: of the 1 worker of queue Queue 1 is not what the target's expression "
     "asks for (`worker.level >= 3` is false for 1)."                                                                                                           },
    {"{\"team\":1,\"langs\":[\"en\"],\"level\":3}", 1, 1, true,  EXPLAIN_TARGET_EXPRESSION,
     "task.lang IN worker.langs",                                                                           "\"de\"", 1,  "No worker qualifies: of the 1 worker"},
    {GOOD,                                          3, 1, true,  EXPLAIN_ACTIVITY_UNAVAILABLE, "",          "",       0,
     "No one is free: 1 worker of queue Queue qualifies, 1 is in an unavailable activity."                                                                      },
    {GOOD,                                          1, 1, false, EXPLAIN_CHANNEL_UNAVAILABLE,  "",          "",       0,
     "No one is free: 1 worker of queue Queue qualifies, 1 is unavailable on this channel."                                                                     },
    {GOOD,                                          1, 0, true,  EXPLAIN_NO_CAPACITY,          "",          "",       0,
     "No one is free: 1 worker of queue Queue qualifies, 1 is without capacity on this channel."                                                                },
};

static void put_worker(struct world *w, int number, const struct obstacle_row *row)
{
    struct engine_worker_channel channel = {world_sid("TC", 1), row->capacity,
                                            row->is_channel_available};
    struct engine_command command = {.kind = ENGINE_PUT_WORKER};
    command.worker = (struct engine_worker){.sid = world_sid("WK", number),
                                            .workspace_sid = world_sid("WS", 1),
                                            .version = w->version++,
                                            .name = STR("Ann"),
                                            .attributes = str_from(row->attributes),
                                            .activity_sid = world_sid("WA", row->activity),
                                            .channels = &channel,
                                            .channel_count = 1};
    CHECK_I64(world_do(w, command), ERR_OK);
}

static void world_step(struct world *w)
{
    world_init(w);
    world_queue(w, 1, "team == 1");
    world_workflow(w, 1, 1,
                   DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"expression\":\"task.lang IN "
                                      "worker.langs AND worker.level >= 3\"}")));
}

static void every_condition_that_stands_in_the_way_is_named(void)
{
    for (size_t i = 0; i < ARRAY_LEN(obstacle_rows); i++) {
        const struct obstacle_row *row = &obstacle_rows[i];
        struct world w;
        world_step(&w);
        put_worker(&w, 1, row);
        struct sid task = world_create(&w, "{\"lang\":\"de\"}");
        CHECK_TEXT(world_task_state(&w, &task), "pending");
        struct explain_task told = explain(&w, &task);
        struct explain_candidate him = candidate(&told, 1);
        CHECK_TEXT(explain_obstacle_name(him.obstacle), explain_obstacle_name(row->obstacle));
        CHECK_I64(told.counts[row->obstacle], 1);
        CHECK_I64(told.looked_at, 1);
        CHECK_STR(him.clause.text, row->clause);
        CHECK_STR(him.clause.left, row->left);
        CHECK_I64(him.clause.column_first, row->column);
        check_begins(told.summary, row->summary);
        world_fini(&w);
    }
}

static void who_is_at_capacity_or_offered_elsewhere_is_told_apart(void)
{
    struct world w;
    world_step(&w);
    put_worker(&w, 1, &(struct obstacle_row){GOOD, 1, 1, true, 0, "", "", 0, ""});
    struct sid first = world_create(&w, "{\"lang\":\"de\"}");
    struct sid second = world_create(&w, "{\"lang\":\"de\"}");
    struct explain_task told = explain(&w, &second);
    CHECK_I64(candidate(&told, 1).obstacle, EXPLAIN_OFFERED_ELSEWHERE);
    CHECK_I64(candidate(&told, 1).pending, 1);
    told = explain(&w, &first);
    CHECK_I64(candidate(&told, 1).obstacle, EXPLAIN_OFFERED);
    check_begins(told.summary, "It is offered to Ann, who may answer for another 2 min.");
    struct sid offer = world_last_offer(&w, &first);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    told = explain(&w, &second);
    CHECK_I64(candidate(&told, 1).obstacle, EXPLAIN_AT_CAPACITY);
    CHECK_I64(candidate(&told, 1).consumed, 1);
    CHECK_I64(told.qualified, 1);
    world_fini(&w);
}

static void single_tasking_workers_are_busy_with_any_channel(void)
{
    struct world w;
    world_init(&w);
    struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
    command.workspace = (struct engine_workspace){.sid = world_sid("WS", 1),
                                                  .account_sid = world_sid("AC", 1),
                                                  .version = w.version++,
                                                  .timeout_activity_sid = world_sid("WA", 2),
                                                  .is_single_tasking = true};
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    (void)world_create(&w, "{}");
    struct engine_create voice = {.channel = STR("voice")};
    struct sid task = world_create_with(&w, &voice);
    struct explain_task told = explain(&w, &task);
    CHECK_I64(candidate(&told, 1).obstacle, EXPLAIN_BUSY);
    world_fini(&w);
}

static void what_he_did_with_an_earlier_offer_is_told(void)
{
    struct world w;
    world_one_queue((world_init(&w), &w));
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    world_wait(&w, 120);
    struct explain_task told = explain(&w, &task);
    CHECK_I64(candidate(&told, 1).obstacle, EXPLAIN_ACTIVITY_UNAVAILABLE);
    CHECK_I64(candidate(&told, 1).earlier, RESERVATION_TIMEOUT);
    check_contains(told.summary, "Before, it was left unanswered 1 time.");
    world_fini(&w);
}

/* --- known workers --------------------------------------------------------------------------- */

struct known_row {
    const char *attributes;
    int code;
    enum explain_obstacle obstacle; /* of worker 1, who is in the queue */
};

static const struct known_row known_rows[] = {
    {"{}",                                               40154, EXPLAIN_KNOWN_WORKER        },
    {"{\"who\":null}",                                   40154, EXPLAIN_KNOWN_WORKER        },
    {"{\"who\":\"WK00000000000000000000000000000009\"}", 40154, EXPLAIN_KNOWN_WORKER        },
    {"{\"who\":\"WK00000000000000000000000000000002\"}", 40152, EXPLAIN_KNOWN_WORKER        },
    {"{\"who\":\"WK00000000000000000000000000000003\"}", 40155, EXPLAIN_KNOWN_WORKER        },
    {"{\"who\":\"WK00000000000000000000000000000001\"}", 0,     EXPLAIN_ACTIVITY_UNAVAILABLE},
};

static void the_debuggers_conditions_of_known_workers_are_named(void)
{
    for (size_t i = 0; i < ARRAY_LEN(known_rows); i++) {
        struct world w;
        world_init(&w);
        world_queue(&w, 1, "team == 1");
        world_workflow(&w, 1, 1,
                       DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"known_worker_sid\":\"task.who\"}")));
        world_worker(&w, 1, "{\"team\":1}", 3);
        world_worker(&w, 2, "{\"team\":2}", 1);
        struct engine_command command = {.kind = ENGINE_PUT_WORKER};
        command.worker = (struct engine_worker){.sid = world_sid("WK", 3),
                                                .workspace_sid = world_sid("WS", 2),
                                                .version = w.version++,
                                                .activity_sid = world_sid("WA", 9)};
        CHECK_I64(world_do(&w, command), ERR_OK);
        struct sid task = world_create(&w, known_rows[i].attributes);
        struct explain_task told = explain(&w, &task);
        CHECK_I64(told.known.code, known_rows[i].code);
        CHECK_I64(candidate(&told, 1).obstacle, known_rows[i].obstacle);
        world_fini(&w);
    }
}

/* However many workers there are beside the one that is named. */
static void a_known_worker_is_found_by_name_without_looking_at_all(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(
        &w, 1, 1,
        DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"known_worker_friendly_name\":\"task.who\"}")));
    for (int i = 1; i <= 3; i++)
        world_worker(&w, i, "{}", 3);
    struct sid task = world_create(&w, "{\"who\":\"WORKER 3\"}");
    struct explain_ask ask = {.sid = task, .workspace_sid = world_sid("WS", 1), .max_workers = 1};
    struct explain_task told;
    CHECK_I64(engine_explain_task(w.engine, &ask, w.now_us, w.arena, &told, &w.err), ERR_OK);
    CHECK_I64(told.known.code, 0);
    CHECK_I64(world_number(&told.known.worker_sid), 3);
    world_fini(&w);
}

/* --- the step -------------------------------------------------------------------------------- */

static void the_step_its_filters_and_its_targets_are_told(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_queue(&w, 2, "1==1");
    world_workflow(&w, 1, 4,
                   DOC(FILTER("tier == 'gold' AND age > 3", "{\"queue\":" Q2 "}") "," FILTER(
                       "1==1", "{\"queue\":" Q1 ",\"timeout\":10},{\"queue\":" Q2
                               ",\"timeout\":20,\"priority\":5,\"skip_if\":\"workers.available == "
                               "0\"}")));
    struct sid task = world_create(&w, "{\"tier\":\"gold\",\"age\":2}");
    world_wait(&w, 3);
    struct explain_task told = explain(&w, &task);
    REQUIRE(told.filter_count == 2);
    CHECK(!told.filters[0].is_match);
    CHECK_STR(told.filters[0].clause.text, "age > 3");
    CHECK_STR(told.filters[0].clause.left, "2");
    CHECK(told.filters[1].is_current);
    REQUIRE(told.target_count == 2);
    CHECK(told.targets[0].is_current);
    CHECK_I64(told.targets[0].deadline_us - told.row.created_at_us, 10 * US_PER_S);
    CHECK_I64(told.targets[1].deadline_us - told.row.created_at_us, 30 * US_PER_S);
    CHECK(told.targets[1].would_skip);
    CHECK_I64(told.targets[1].place.position, 1);
    CHECK_I64(told.row.workflow_version, 4);
    check_contains(told.summary, "It is in target 1 of 2 of filter f of workflow Workflow "
                                 "(document 4); the step ends in 7 s.");
    world_fini(&w);
}

static void ended_and_assigned_tasks_say_how_they_came_there(void)
{
    struct world w;
    world_one_queue((world_init(&w), &w));
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    world_wait(&w, 5);
    CHECK_STR(explain(&w, &task).summary, "It was accepted by Worker 1, assigned 5 s ago.");
    CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &task), ERR_OK);
    world_wait(&w, 60);
    CHECK_STR(explain(&w, &task).summary, "It was completed 60 s ago: test.");
    struct sid none = world_sid("WT", 9);
    struct explain_ask ask = {.sid = none, .workspace_sid = world_sid("WS", 1)};
    struct explain_task out;
    struct err err;
    CHECK_I64(engine_explain_task(w.engine, &ask, w.now_us, w.arena, &out, &err), ERR_NOT_FOUND);
    ask.sid = task;
    ask.workspace_sid = world_sid("WS", 2);
    CHECK_I64(engine_explain_task(w.engine, &ask, w.now_us, w.arena, &out, &err), ERR_NOT_FOUND);
    world_fini(&w);
}

static void direct_tasks_speak_of_their_worker(void)
{
    struct world w;
    world_one_queue((world_init(&w), &w));
    world_worker(&w, 1, "{}", 2);
    world_worker(&w, 2, "{}", 1);
    struct engine_create create = {.routing_target = world_sid("WK", 1),
                                   .has_ignore_capacity = true};
    struct sid task = world_create_with(&w, &create);
    struct explain_task told = explain(&w, &task);
    CHECK_I64(told.candidate_count, 1);
    CHECK_I64(candidate(&told, 1).obstacle, EXPLAIN_ACTIVITY_UNAVAILABLE);
    check_begins(told.summary, "The worker that it is routed to is in an unavailable activity. It "
                               "was routed directly; its life ends in 24 h.");
    world_fini(&w);
}

/* --- place and wait -------------------------------------------------------------------------- */

static void the_place_follows_the_queues_order(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_queue(&w, 2, "1==1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("q == 2", "{\"queue\":" Q2 "}") "," FILTER(
                       "1==1", "{\"queue\":" Q1 ",\"expression\":\"worker.n == task.n\"}")));
    world_worker(&w, 1, "{\"n\":1}", 1);
    (void)world_create(&w, "{\"n\":1}"); /* he has it */
    struct sid old = world_create(&w, "{\"n\":1}");
    struct sid other = world_create(&w, "{\"n\":2}");
    struct sid high = world_create_priority(&w, "{\"n\":1}", 9);
    struct sid elsewhere = world_create_priority(&w, "{\"q\":2}", 5);
    struct explain_task told = explain(&w, &old);
    CHECK_I64(told.same.position, 2);
    CHECK_I64(told.place.position, 2);
    CHECK_I64(told.place.waiting, 3);
    CHECK_I64(told.competing.position, 3); /* high, elsewhere */
    CHECK(told.place.is_exact);
    told = explain(&w, &other);
    CHECK_I64(told.same.position, 1);
    CHECK_I64(told.place.position, 3);
    CHECK_I64(explain(&w, &high).place.position, 1);
    CHECK_I64(explain(&w, &elsewhere).place.waiting, 1);
    world_fini(&w);
}

static void the_wait_follows_the_pace_of_acceptance(void)
{
    struct world w;
    world_one_queue((world_init(&w), &w));
    world_worker(&w, 1, "{}", 1);
    struct sid tasks[8];
    for (int i = 0; i < 8; i++)
        tasks[i] = world_create(&w, "{}");
    CHECK(!explain(&w, &tasks[7]).wait.is_known);
    for (int i = 0; i < 5; i++) { /* one a minute */
        struct sid offer = world_last_offer(&w, &tasks[i]);
        CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
        world_wait(&w, 60);
        CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &tasks[i]), ERR_OK);
    }
    struct explain_task told = explain(&w, &tasks[7]);
    CHECK(told.wait.is_known);
    CHECK_I64(told.wait.accepted, 5);
    CHECK_I64(told.wait.window_s, 300);
    CHECK_I64(told.place.position, 2); /* the sixth is offered */
    CHECK_I64(told.wait.seconds, 120);
    CHECK_I64(told.wait.average_wait_s, 120);
    CHECK_I64(told.wait.trust, EXPLAIN_TRUST_MEDIUM);
    world_wait(&w, 16 * 60); /* nothing since */
    CHECK(!explain(&w, &tasks[7]).wait.is_known);
    world_fini(&w);
}

/* --- bounds ---------------------------------------------------------------------------------- */

static void ten_thousand_workers_are_counted_and_few_are_listed(void)
{
    enum { WORKERS = 10000, MAX_CPU_MS = 20, SANITIZED = 10 };
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "team == 1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"expression\":\"task.lang IN "
                                      "worker.langs AND worker.level >= 3\"}")));
    for (int i = 1; i <= WORKERS; i++) {
        char attributes[96];
        (void)snprintf(attributes, sizeof attributes,
                       "{\"team\":%d,\"langs\":[\"%s\"],\"level\":%d}", i % 2 + 1,
                       i % 3 == 0 ? "de" : "en", i % 5);
        struct engine_command command = {.kind = ENGINE_PUT_WORKER};
        command.worker = (struct engine_worker){.sid = world_sid("WK", i),
                                                .workspace_sid = world_sid("WS", 1),
                                                .version = w.version++,
                                                .attributes = str_from(attributes),
                                                .activity_sid = world_sid("WA", 3)};
        REQUIRE(engine_apply(w.engine, &command, w.now_us, &w.effects, &w.err) == ERR_OK);
        engine_effects_reset(&w.effects);
    }
    struct sid task = world_create(&w, "{\"lang\":\"de\"}");
    clock_t before = clock();
    struct explain_task told = explain(&w, &task);
    clock_t after = clock();
    CHECK((after - before) * 1000 / CLOCKS_PER_SEC < MAX_CPU_MS * SANITIZED);
    (void)printf("explained with %d workers in %.2f ms of processor time\n", WORKERS,
                 (double)(after - before) * 1000 / CLOCKS_PER_SEC);
    CHECK_I64(told.workers, WORKERS);
    CHECK_I64(told.looked_at, WORKERS);
    CHECK_I64(told.candidate_count, 50);
    CHECK_I64(told.counts[EXPLAIN_NOT_IN_QUEUE], WORKERS / 2);
    CHECK_I64(told.counts[EXPLAIN_TARGET_EXPRESSION] + told.qualified, WORKERS / 2);
    CHECK_I64(told.counts[EXPLAIN_ACTIVITY_UNAVAILABLE], told.qualified);
    size_t failed = 0;
    for (size_t i = 0; i < told.clause_count; i++)
        failed += told.clauses[i].workers;
    CHECK_I64(failed, told.looked_at - told.qualified);
    struct explain_ask ask = {.sid = task,
                              .workspace_sid = world_sid("WS", 1),
                              .only = EXPLAIN_TARGET_EXPRESSION,
                              .limit = 3,
                              .max_workers = 1000};
    told = explain_with(&w, &ask);
    CHECK_I64(told.looked_at, 1000);
    CHECK_I64(told.candidate_count, 3);
    CHECK_I64(told.candidates[0].obstacle, EXPLAIN_TARGET_EXPRESSION);
    ask.worker_sid = world_sid("WK", 9999);
    told = explain_with(&w, &ask);
    CHECK_I64(told.candidate_count, 1);
    CHECK_I64(world_number(&told.candidates[0].sid), 9999);
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"an offer tells who was asked and who would have been next",
     an_offer_tells_who_was_asked_and_who_would_have_been_next                                                },
    {"several offers name each other and the one behind them",
     several_offers_name_each_other_and_the_one_behind_them                                                   },
    {"an offer tells the values that put him first",              an_offer_tells_the_values_that_put_him_first},
    {"an offer remembers the one before it",                      an_offer_remembers_the_one_before_it        },
    {"every condition that stands in the way is named",
     every_condition_that_stands_in_the_way_is_named                                                          },
    {"who is at capacity or offered elsewhere is told apart",
     who_is_at_capacity_or_offered_elsewhere_is_told_apart                                                    },
    {"single-tasking workers are busy with any channel",
     single_tasking_workers_are_busy_with_any_channel                                                         },
    {"what he did with an earlier offer is told",                 what_he_did_with_an_earlier_offer_is_told   },
    {"the debugger's conditions of known workers are named",
     the_debuggers_conditions_of_known_workers_are_named                                                      },
    {"a known worker is found by name without looking at all",
     a_known_worker_is_found_by_name_without_looking_at_all                                                   },
    {"the step, its filters and its targets are told",
     the_step_its_filters_and_its_targets_are_told                                                            },
    {"ended and assigned tasks say how they came there",
     ended_and_assigned_tasks_say_how_they_came_there                                                         },
    {"direct tasks speak of their worker",                        direct_tasks_speak_of_their_worker          },
    {"the place follows the queue's order",                       the_place_follows_the_queues_order          },
    {"the wait follows the pace of acceptance",                   the_wait_follows_the_pace_of_acceptance     },
    {"ten thousand workers are counted and few are listed",
     ten_thousand_workers_are_counted_and_few_are_listed                                                      },
};

int main(int argc, char **argv)
{
    return testing_main("engine explain", cases, ARRAY_LEN(cases), argc, argv);
}
