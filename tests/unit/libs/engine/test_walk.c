/*
 * Random walks: the same commands give the same bytes, a reloaded engine goes on identically, and
 * after every step nobody holds too much, nothing is assigned twice and no task is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/stats.h"
#include "testing.h"
#include "world.h"

#define Q(n)         "\"WQ0000000000000000000000000000000" #n "\""
#define FILTER(e, t) "{\"expression\":\"" e "\",\"targets\":[" t "]}"

enum { WORKERS = 8, STEPS = 600, SEEDS = 30 };

struct walk {
    struct world w;
    uint64_t random;
    struct sid tasks[STEPS];
    int task_count;
    int created;
    bool is_single_tasking;
    bool is_deleting; /* what is deleted is not told to the next engine: no comparing then */
    bool counts;      /* statistics are checked after every step too */
    struct arena *scratch;
};

static uint64_t walk_random(struct walk *walk, uint64_t below)
{
    walk->random ^= walk->random << 13;
    walk->random ^= walk->random >> 7;
    walk->random ^= walk->random << 17;
    return (walk->random >> 11) % below;
}

static void walk_worker(struct walk *walk, int worker, int activity)
{
    char attributes[96];
    (void)snprintf(attributes, sizeof attributes,
                   "{\"level\":%d,\"langs\":[\"l%d\",\"l%d\"],\"team\":%d}",
                   (int)walk_random(walk, 5), (int)walk_random(walk, 3), (int)walk_random(walk, 3),
                   (int)walk_random(walk, 2));
    world_worker_with(&walk->w, worker, attributes, activity, (int)walk_random(walk, 4),
                      walk_random(walk, 4) == 0);
}

static void walk_workflow(struct walk *walk, int document, bool re_evaluate)
{
    static const char *const texts[] = {
        "{\"task_routing\":{\"filters\":[" FILTER(
            "kind == 1",
            "{\"queue\":" Q(1) ",\"timeout\":20,\"priority\":5},{\"queue\":" Q(
                2) ",\"timeout\":30,\"expression\":\"task.lang IN worker.langs\"},"
                   "{\"expression\":\"worker.level >= task.level\"}") "," FILTER("kind == 2",
                                                                                 "{\"queue\":" Q(
                                                                                     2) ",\"skip_"
                                                                                        "if\":"
                                                                                        "\"workers."
                                                                                        "available "
                                                                                        "== "
                                                                                        "0\","
                                                                                        "\"order_"
                                                                                        "by\":"
                                                                                        "\"worker."
                                                                                        "level "
                                                                                        "DESC\"},{"
                                                                                        "\"queue\""
                                                                                        ":" Q(
                                                                                            3) ","
                                                                                               "\"t"
                                                                                               "ime"
                                                                                               "out"
                                                                                               "\":"
                                                                                               "60"
                                                                                               "}") "],"
                                                                                                    "\"default_filter\":{\"queue\":" Q(
                                                                                                        3) "}}}",
        "{\"task_routing\":{\"filters\":[" FILTER(
            "kind == 1",
            "{\"queue\":" Q(3) ",\"expression\":\"task.lang IN worker.langs AND worker.team == "
                               "1\"}") "],\"default_filter\":{\"queue\":" Q(1) "}}}",
        "{\"task_routing\":{\"filters\":[" FILTER(
            "level > 2", "{\"queue\":" Q(1) ",\"timeout\":15,\"known_worker_friendly_name\":"
                                            "\"task.agent\"},{\"queue\":" Q(2) "}") "]}}",
    };
    const char *text = texts[document % 3];
    if (re_evaluate)
        world_workflow_again(&walk->w, 1, document, text);
    else
        world_workflow(&walk->w, 1, document, text);
}

static void walk_queue(struct walk *walk, int queue)
{
    static const char *const targets[] = {"1==1",
                                          "team == 1",
                                          "level > 0",
                                          "",
                                          "channel.default.available_capacity_percentage > 40",
                                          "activity_name != 'Break' AND langs HAS 'l1'"};
    struct engine_command command = {.kind = ENGINE_PUT_QUEUE};
    command.queue = (struct engine_queue){
        .sid = world_sid("WQ", queue),
        .workspace_sid = world_sid("WS", 1),
        .version = walk->w.version++,
        .name = STR("Queue"),
        .target_workers = str_from(targets[walk_random(walk, ARRAY_LEN(targets))]),
        .max_reserved_workers = 1 + (int)walk_random(walk, 3),
        .is_lifo = walk_random(walk, 3) == 0,
        .reservation_activity_sid = world_sid("WA", 3),
        .assignment_activity_sid = world_sid("WA", 2)};
    CHECK_I64(world_do(&walk->w, command), ERR_OK);
}

/* News of what seldom changes. */
static void walk_news(struct walk *walk)
{
    struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
    uint64_t choice = walk_random(walk, walk->is_deleting ? 6 : 4);
    if (choice < 2) {
        walk_queue(walk, 1 + (int)walk_random(walk, 3));
        return;
    }
    if (choice == 2) {
        command.workspace = (struct engine_workspace){.sid = world_sid("WS", 1),
                                                      .account_sid = world_sid("AC", 1),
                                                      .version = walk->w.version++,
                                                      .timeout_activity_sid = world_sid("WA", 2),
                                                      .is_lifo_first = walk_random(walk, 2) == 0,
                                                      .is_single_tasking = walk->is_single_tasking};
    } else if (choice == 3) {
        command.kind = ENGINE_PUT_CHANNEL;
        command.channel = (struct engine_channel){.sid = world_sid("TC", 2),
                                                  .workspace_sid = world_sid("WS", 1),
                                                  .version = walk->w.version++,
                                                  .unique_name = STR("voice"),
                                                  .is_optimized = walk_random(walk, 2) == 0};
    } else {
        command.kind = choice == 4 ? ENGINE_DELETE_WORKER : ENGINE_DELETE_QUEUE;
        command.ref.workspace_sid = world_sid("WS", 1);
        command.ref.sid = choice == 4 ? world_sid("WK", 1 + (int)walk_random(walk, WORKERS))
                                      : world_sid("WQ", 1 + (int)walk_random(walk, 3));
    }
    CHECK_I64(world_do(&walk->w, command), ERR_OK);
}

static void walk_start(struct walk *walk, uint64_t seed)
{
    struct engine_config config = {.seed = seed, .max_idle_classes = 3, .terminal_purge_s = 40};
    *walk = (struct walk){.random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1};
    world_init_with(&walk->w, &config);
    walk->w.keeps_dump = true;
    world_queue(&walk->w, 1, "1==1");
    world_queue_with(&walk->w, 2, "team == 1", 3, false);
    world_queue_with(&walk->w, 3, "level > 0", 1, true);
    walk_workflow(walk, 2, false);
    walk->is_single_tasking = seed % 4 == 0;
    if (walk->is_single_tasking) {
        for (int i = 0; i < 8; i++)
            walk_news(walk);
    }
    for (int i = 1; i <= WORKERS; i++)
        walk_worker(walk, i, 1);
}

static void walk_create(struct walk *walk)
{
    char attributes[96];
    struct engine_create create = {.has_priority = true};
    create.priority = (int64_t)walk_random(walk, 3);
    (void)snprintf(attributes, sizeof attributes,
                   "{\"kind\":%d,\"lang\":\"l%d\",\"level\":%d,\"agent\":\"worker %d\"}",
                   (int)walk_random(walk, 4), (int)walk_random(walk, 4), (int)walk_random(walk, 5),
                   (int)walk_random(walk, WORKERS));
    create.attributes = str_from(attributes);
    create.has_timeout = true;
    create.timeout_s = 30 + (int64_t)walk_random(walk, 300);
    if (walk_random(walk, 8) == 0)
        create.routing_target = world_sid("WK", 1 + (int)walk_random(walk, WORKERS));
    else if (walk_random(walk, 8) == 0)
        create.routing_target = world_sid("WQ", 1 + (int)walk_random(walk, 3));
    if (strncmp(create.routing_target.text, "WK", 2) == 0) {
        create.has_ignore_capacity = true;
        create.ignore_capacity = walk->is_deleting && walk_random(walk, 4) == 0;
    }
    if (engine_config_version(walk->w.engine, &create.routing_target) == 0 &&
        sid_is_set(&create.routing_target))
        return; /* deleted */
    if (walk_random(walk, 5) == 0)
        create.channel = STR("voice");
    create.workspace_sid = world_sid("WS", 1);
    struct engine_command command = {.kind = ENGINE_CREATE_TASK, .create = create};
    if (world_do(&walk->w, command) != ERR_OK) {
        CHECK_TEXT(walk->w.err.reason, "NO_TARGET");
        return;
    }
    walk->tasks[walk->task_count++] = walk->w.effects.subject;
    walk->created++;
}

static void walk_reorder(struct walk *walk, const struct sid *task)
{
    struct engine_command command = {.kind = ENGINE_UPDATE_TASK};
    command.update = (struct engine_update){
        .sid = *task,
        .workspace_sid = world_sid("WS", 1),
        .has_priority = walk_random(walk, 2) == 0,
        .priority = (int64_t)walk_random(walk, 9),
        .has_virtual_start = walk_random(walk, 2) == 0,
        .virtual_start_us = walk->w.now_us - (int64_t)walk_random(walk, 99000000),
        .has_channel = walk_random(walk, 2) == 0,
        .channel = walk_random(walk, 2) == 0 ? STR("voice") : STR("default")};
    (void)world_do(&walk->w, command);
}

/* Any command on any task: most are refused, which must change nothing. */
static void walk_act(struct walk *walk)
{
    static const enum engine_command_kind on_task[] = {ENGINE_CANCEL_TASK, ENGINE_WRAP_UP_TASK,
                                                       ENGINE_COMPLETE_TASK, ENGINE_DELETE_TASK};
    static const enum engine_command_kind on_offer[] = {
        ENGINE_ACCEPT_RESERVATION,  ENGINE_ACCEPT_RESERVATION,   ENGINE_REJECT_RESERVATION,
        ENGINE_WRAP_UP_RESERVATION, ENGINE_COMPLETE_RESERVATION, ENGINE_CANCEL_RESERVATION};
    if (walk->task_count == 0)
        return;
    const struct sid *task = &walk->tasks[walk_random(walk, (uint64_t)walk->task_count)];
    struct sid offer = world_last_offer(&walk->w, task);
    uint64_t choice = walk_random(walk, 10);
    if (choice == 0)
        (void)world_update(&walk->w, task,
                           walk_random(walk, 2) == 0 ? "{\"kind\":1,\"lang\":\"l1\"}"
                                                     : "{\"kind\":2,\"level\":3}");
    else if (choice == 1)
        walk_reorder(walk, task);
    else if (choice < 4)
        (void)world_act(&walk->w, on_task[walk_random(walk, ARRAY_LEN(on_task))], task);
    else if (sid_is_set(&offer))
        (void)world_act(&walk->w, on_offer[walk_random(walk, ARRAY_LEN(on_offer))], &offer);
}

static void walk_step(struct walk *walk, int step)
{
    uint64_t choice = walk_random(walk, 100);
    if (choice < 30 && walk->task_count < STEPS)
        walk_create(walk);
    else if (choice < 75)
        walk_act(walk);
    else if (choice < 88)
        world_wait(&walk->w, (int64_t)walk_random(walk, 30));
    else if (choice < 95)
        walk_worker(walk, 1 + (int)walk_random(walk, WORKERS), walk_random(walk, 3) == 0 ? 3 : 1);
    else if (choice < 98)
        walk_news(walk);
    else
        walk_workflow(walk, 3 + step, walk_random(walk, 2) == 0);
}

/* --- what must hold after every step ------------------------------------------------------- */

struct holding {
    int open[3]; /* by channel */
};

struct watch {
    struct walk *walk;
    struct holding workers[WORKERS + 1];
    int accepted; /* of the task being looked at */
    int pending;
};

static bool watch_reservation(void *context, const struct reservation_row *row)
{
    struct watch *watch = context;
    if (!reservation_is_open(row->state))
        return true;
    watch->workers[world_number(&row->worker_sid)].open[world_number(&row->channel_sid)]++;
    if (row->state == RESERVATION_PENDING)
        watch->pending++;
    else
        watch->accepted++;
    return true;
}

static bool watch_task(void *context, const struct task_row *row)
{
    struct watch *watch = context;
    watch->accepted = 0;
    watch->pending = 0;
    engine_task_reservations(watch->walk->w.engine, &row->sid, watch_reservation, watch);
    bool is_held = row->state == TASK_ASSIGNED || row->state == TASK_WRAPPING;
    CHECK_I64(watch->accepted, is_held ? 1 : 0);
    CHECK((watch->pending > 0) == (row->state == TASK_RESERVED));
    return true;
}

/* --- statistics: what is kept up equals what is counted ------------------------------------- */

struct count {
    const char *scope; /* WS, WQ or WW */
    const char *channel;
    size_t by_state[TASK_STATE_COUNT];
    size_t by_priority[10];
    size_t total;
    int64_t oldest; /* sequence of who waits longest; 0 = nobody */
    struct sid oldest_sid;
    int64_t first_us; /* entered the queue */
};

static bool count_task(void *context, const struct task_row *row)
{
    struct count *count = context;
    bool is_in = strcmp(count->scope, row->workspace_sid.text) == 0 ||
                 strcmp(count->scope, row->queue_sid.text) == 0 ||
                 strcmp(count->scope, row->workflow_sid.text) == 0;
    if (!is_in || task_is_terminal(row->state) ||
        (count->channel != NULL && strcmp(count->channel, row->channel_sid.text) != 0))
        return true;
    count->by_state[row->state]++;
    count->by_priority[row->priority]++;
    count->total++;
    if (row->state != TASK_PENDING && row->state != TASK_RESERVED)
        return true;
    if (count->oldest == 0 || row->sequence < count->oldest) {
        count->oldest = row->sequence;
        count->oldest_sid = row->sid;
    }
    if (count->first_us == 0 || row->queue_entered_at_us < count->first_us)
        count->first_us = row->queue_entered_at_us;
    return true;
}

static void check_task_stats(struct walk *walk, const struct sid *scope, const struct sid *channel)
{
    struct count count = {.scope = scope->text, .channel = channel == NULL ? NULL : channel->text};
    struct engine_task_stats stats;
    size_t priorities = 0;
    engine_tasks(walk->w.engine, count_task, &count);
    arena_reset(walk->scratch);
    CHECK(engine_task_stats_get(walk->w.engine, scope, channel, walk->scratch, &stats));
    for (size_t state = 0; state < TASK_STATE_COUNT; state++)
        CHECK_I64(stats.by_state[state], count.by_state[state]);
    CHECK_I64(stats.total, count.total);
    for (size_t i = 0; i < ARRAY_LEN(count.by_priority); i++)
        priorities += count.by_priority[i] > 0 ? 1 : 0;
    CHECK_I64(stats.priority_count, priorities);
    for (size_t i = 0; i < stats.priority_count; i++) {
        CHECK(i == 0 || stats.priorities[i].priority > stats.priorities[i - 1].priority);
        CHECK_I64(stats.priorities[i].tasks, count.by_priority[stats.priorities[i].priority]);
    }
    CHECK_TEXT(stats.longest_sid.text, count.oldest_sid.text);
    struct task_row row;
    if (scope->text[1] != 'Q' || !sid_is_set(&stats.longest_in_queue_sid)) {
        CHECK(scope->text[1] != 'Q' || count.oldest == 0);
        return;
    }
    CHECK_I64(stats.longest_in_queue_since_us, count.first_us);
    CHECK(engine_task_get(walk->w.engine, &stats.longest_in_queue_sid, &row));
    CHECK_I64(row.queue_entered_at_us, count.first_us); /* of several, any */
    CHECK_TEXT(row.queue_sid.text, scope->text);
    CHECK(row.state == TASK_PENDING || row.state == TASK_RESERVED);
}

struct member_count {
    const struct engine *engine;
    size_t workers;
    size_t available;
};

static bool count_member(void *context, const struct sid *sid)
{
    struct member_count *count = context;
    struct engine_worker_view view;
    if (!engine_worker_get(count->engine, sid, &view))
        return true;
    count->workers++;
    count->available += view.is_available ? 1 : 0;
    return true;
}

static void check_worker_stats(struct walk *walk, const struct sid *scope)
{
    struct member_count count = {.engine = walk->w.engine};
    struct engine_worker_stats stats;
    size_t sum = 0;
    for (int i = 1; i <= WORKERS && scope->text[1] == 'S'; i++) {
        struct sid worker = world_sid("WK", i);
        (void)count_member(&count, &worker);
    }
    engine_queue_workers(walk->w.engine, scope, count_member, &count);
    arena_reset(walk->scratch);
    CHECK(engine_worker_stats_get(walk->w.engine, scope, walk->scratch, &stats));
    CHECK_I64(stats.workers, count.workers);
    CHECK_I64(stats.available, count.available);
    CHECK_I64(stats.activity_count, 3);
    for (size_t i = 0; i < stats.activity_count; i++)
        sum += stats.activities[i].workers;
    CHECK_I64(sum, count.workers);
}

static void walk_check_stats(struct walk *walk)
{
    static const char *const prefixes[] = {"WS", "WW", "WQ", "WQ", "WQ"};
    static const int numbers[] = {1, 1, 1, 2, 3};
    if (walk->scratch == NULL)
        walk->scratch = arena_new(1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        struct sid scope = world_sid(prefixes[i], numbers[i]);
        check_task_stats(walk, &scope, NULL);
        for (int channel = 1; channel <= 2; channel++) {
            struct sid channel_sid = world_sid("TC", channel);
            check_task_stats(walk, &scope, &channel_sid);
        }
        if (prefixes[i][1] != 'W')
            check_worker_stats(walk, &scope);
    }
    arena_free(walk->scratch);
    walk->scratch = NULL;
}

static void walk_check(struct walk *walk)
{
    struct watch watch = {.walk = walk};
    if (walk->counts)
        walk_check_stats(walk);
    engine_tasks(walk->w.engine, watch_task, &watch);
    for (int i = 1; i <= WORKERS; i++) {
        struct sid worker = world_sid("WK", i);
        for (int channel = 1; channel <= 2; channel++) {
            struct sid channel_sid = world_sid("TC", channel);
            int32_t capacity = 0;
            int32_t consumed = 0;
            bool is_there =
                engine_worker_capacity(walk->w.engine, &worker, &channel_sid, &capacity, &consumed);
            CHECK(is_there || walk->is_deleting);
            CHECK_I64(consumed, watch.workers[i].open[channel]);
            CHECK(consumed <= 4 || walk->is_deleting); /* lowered under what is there, or forced */
        }
    }
    struct engine_stats stats;
    engine_stats_get(walk->w.engine, &stats);
    CHECK_I64(stats.tasks, walk->w.task_count); /* the rows and the memory agree */
}

static void walk_run(struct walk *walk, int from, int to)
{
    for (int step = from; step < to; step++) {
        walk_step(walk, step);
        walk_check(walk);
    }
}

static void the_same_commands_give_the_same_bytes(void)
{
    static struct walk a;
    static struct walk b;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        walk_start(&a, seed);
        walk_start(&b, seed);
        walk_run(&a, 0, STEPS / 2);
        walk_run(&b, 0, STEPS / 2);
        CHECK(a.w.dump.len > 10000);
        CHECK(str_eq(buf_str(&a.w.dump), buf_str(&b.w.dump)));
        world_fini(&a.w);
        world_fini(&b.w);
    }
}

/* Prints the first line that differs. */
static void check_same_dump(struct str a, struct str b, uint64_t seed)
{
    CHECK(str_eq(a, b));
    while (a.ptr != NULL && b.ptr != NULL) {
        struct str line_a = str_split(&a, '\n');
        struct str line_b = str_split(&b, '\n');
        if (!str_eq(line_a, line_b)) {
            (void)printf("seed %llu\n  %.*s\n  %.*s\n", (unsigned long long)seed, STR_ARG(line_a),
                         STR_ARG(line_b));
            return;
        }
    }
}

static void a_reloaded_engine_goes_on_identically(void)
{
    static struct walk a;
    static struct walk b;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        walk_start(&a, seed);
        walk_start(&b, seed);
        for (int step = 0; step < STEPS / 2; step++) {
            walk_step(&a, step);
            walk_step(&b, step);
            if (step % 7 == 0) {
                world_reload(&b.w);
                walk_check_stats(&b);
            }
        }
        check_same_dump(buf_str(&a.w.dump), buf_str(&b.w.dump), seed);
        world_fini(&a.w);
        world_fini(&b.w);
    }
}

static void no_step_of_a_random_walk_breaks_the_rules(void)
{
    static struct walk walk;
    for (uint64_t seed = 100; seed < 100 + SEEDS; seed++) {
        walk_start(&walk, seed);
        walk.is_deleting = true;
        walk.counts = seed % 3 == 0;
        walk_run(&walk, 0, STEPS);
        /* In the end every task is gone: nothing waits for ever. */
        for (int i = 0; i < 100; i++)
            world_wait(&walk.w, 1000);
        struct engine_stats stats;
        engine_stats_get(walk.w.engine, &stats);
        CHECK_I64(stats.tasks, 0);
        CHECK_I64(stats.reservations_open, 0);
        CHECK_I64(stats.timers, 0);
        CHECK_I64(walk.w.task_count, 0);
        world_fini(&walk.w);
    }
}

static const struct test_case cases[] = {
    {"the same commands give the same bytes",     the_same_commands_give_the_same_bytes    },
    {"a reloaded engine goes on identically",     a_reloaded_engine_goes_on_identically    },
    {"no step of a random walk breaks the rules", no_step_of_a_random_walk_breaks_the_rules},
};

int main(int argc, char **argv)
{
    return testing_main("engine walk", cases, ARRAY_LEN(cases), argc, argv);
}
