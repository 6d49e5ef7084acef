#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "callers.h"
#include "check.h"
#include "dump.h"
#include "faults.h"
#include "heir.h"
#include "process.h"
#include "random.h"
#include "replay.h"
#include "store.h"
#include "world.h"

#define START_US INT64_C(1700000000000000)

enum {
    DAY_S = 86400,
    MAX_OPS = 5,
    MAX_REQUESTS = 4096,
    TRACE_LINES = 24,
    SHADOW_STEPS = 12,
    HEIR_COMMITS = 12,
    REPLAY_EVERY = 3, /* seeds */
    LAST_DAYS = 16,   /* longer than any task lives */
};

/* A caller's request: asked again with the same key until it is answered. */
struct request {
    uint64_t key;
    struct engine_command command;
    int tries;
    bool is_answered;
    int made; /* tasks that were created for it */
    struct sid subject;
};

struct op {
    struct request *request; /* or NULL: a word of the bus */
    struct world_word word;
    bool is_repeat;
    struct sid subject; /* of the answer */
    size_t call;        /* its index in the batch, unless a repeat */
};

struct sim {
    const struct sim_options *options;
    struct sim_result *result;
    struct sim_random random;
    struct arena *arena;
    struct store store;
    struct check check;
    struct world world;
    int64_t now_us; /* the wall clock */
    int step;
    struct process *owner;
    struct process *zombie; /* lost its lease and does not know */
    struct engine *shadow;  /* loaded from the rows, asked the same */
    struct engine_effects shadow_effects;
    int shadow_left;
    struct heir heir;     /* loaded from the rows, follows the journals, and takes over */
    struct replay replay; /* a fresh engine, fed with the journals of what was committed */
    bool is_replayed;
    struct request *requests[MAX_REQUESTS];
    size_t request_count;
    int64_t heard; /* the consumer's last event */
    struct buf trace[TRACE_LINES];
    size_t trace_next;
};

/* --- the trace ----------------------------------------------------------------------------- */

static struct buf *trace_line(struct sim *sim)
{
    struct buf *line = &sim->trace[sim->trace_next++ % TRACE_LINES];
    buf_clear(line);
    buf_printf(line, "%4d %+.3f ", sim->step, (double)(sim->now_us - START_US) / 1e6);
    return line;
}

static void trace_end(const struct sim *sim, const struct buf *line)
{
    if (!sim->options->is_traced)
        return;
    (void)printf("%s\n", line->data);
    (void)fflush(stdout);
}

static void trace_text(struct sim *sim, const char *text)
{
    struct buf *line = trace_line(sim);
    buf_text(line, text);
    trace_end(sim, line);
}

static void trace_command(struct sim *sim, const struct engine_command *command)
{
    struct buf *line = trace_line(sim);
    dump_command(line, command);
    trace_end(sim, line);
}

static void trace_effects(const struct sim *sim, const struct process *process)
{
    if (!sim->options->is_traced)
        return;
    struct buf out;
    buf_init(&out, 0);
    dump_effects(&out, &process->effects, NULL);
    (void)printf("%.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
}

/* --- the shadow: an engine loaded from the rows must go on like the one that wrote them ------ */

static void shadow_drop(struct sim *sim)
{
    if (sim->shadow == NULL)
        return;
    engine_free(sim->shadow);
    engine_effects_fini(&sim->shadow_effects);
    sim->shadow = NULL;
}

static void shadow_start(struct sim *sim)
{
    shadow_drop(sim);
    sim->shadow =
        process_load(&sim->store, &sim->check.config, sim->owner->now_us, &sim->shadow_effects);
    sim->shadow_left = SHADOW_STEPS;
    sim->result->shadows++;
    if (sim->shadow_effects.count > 0)
        check_fail(&sim->check, "reload: loading changes something");
}

/* store: see dump_effects. */
static void compare(struct sim *sim, const char *what, const struct engine_effects *own_effects,
                    const struct engine_effects *other_effects, const struct store *store)
{
    struct buf own;
    struct buf other;
    buf_init(&own, 0);
    buf_init(&other, 0);
    dump_effects(&own, own_effects, store);
    dump_effects(&other, other_effects, store);
    struct str a = buf_str(&own);
    struct str b = buf_str(&other);
    while (a.len > 0 || b.len > 0) {
        struct str a_line = str_split(&a, '\n');
        struct str b_line = str_split(&b, '\n');
        if (str_eq(a_line, b_line))
            continue;
        check_fail(&sim->check, "%s", what);
        buf_printf(&sim->check.failure, "\n  first: %.*s\n  then:  %.*s", STR_ARG(a_line),
                   STR_ARG(b_line));
        break;
    }
    buf_fini(&own);
    buf_fini(&other);
}

/* Before the owner's batch is committed: the same calls, then the same effects. */
static void shadow_follow(struct sim *sim)
{
    if (sim->shadow == NULL)
        return;
    struct err err = {0};
    const struct process *owner = sim->owner;
    engine_effects_reset(&sim->shadow_effects);
    for (size_t i = 0; i < owner->call_count; i++) {
        const struct sim_call *call = &owner->calls[i];
        if (call->command.kind == ENGINE_COMMAND_NONE)
            engine_tick(sim->shadow, call->now_us, &sim->shadow_effects);
        else if (call->is_passed_on && engine_apply(sim->shadow, &call->command, call->now_us,
                                                    &sim->shadow_effects, &err) != call->code)
            check_fail(&sim->check, "reload: a loaded engine answers otherwise");
    }
    compare(sim, "reload: a loaded engine decides otherwise", &owner->effects, &sim->shadow_effects,
            &sim->store);
    if (--sim->shadow_left == 0)
        shadow_drop(sim);
}

static void replay_follow(struct sim *sim, const struct process *process)
{
    struct err err = {0};
    if (!sim->is_replayed || check_has_failed(&sim->check))
        return;
    sim->result->replayed++;
    if (replay_batch(&sim->replay, buf_str(&process->journal.bytes), &err) != ERR_OK)
        check_fail(&sim->check, "replay: %s", err.detail);
    else
        compare(sim, "replay: the journal gives other decisions", &process->effects,
                &sim->replay.effects, NULL);
}

/* --- processes ----------------------------------------------------------------------------- */

static void owner_start(struct sim *sim)
{
    shadow_drop(sim);
    heir_drop(&sim->heir);
    trace_text(sim, "-- a process takes the shard and loads");
    sim->owner = process_new(&sim->store, &sim->check, sim->now_us);
    replay_follow(sim, sim->owner);
    sim->result->loads++;
    trace_effects(sim, sim->owner);
}

static void owner_crash(struct sim *sim)
{
    process_free(sim->owner);
    sim->owner = NULL;
}

/* --- a successor that prepares while the owner goes on ---------------------------------------- */

static void heir_begin(struct sim *sim)
{
    int commits = 1 + sim_below(&sim->random, HEIR_COMMITS);
    if (heir_start(&sim->heir, &sim->store, &sim->check.config, sim->owner->now_us, commits))
        trace_text(sim, "-- a successor has loaded and follows");
}

/* It has what was committed last: the owner stops, at a moment of its own choice. */
static void heir_takes_over(struct sim *sim)
{
    int64_t last_us = sim->owner->now_us;
    struct process *before = sim->owner;
    shadow_drop(sim);
    trace_text(sim, "-- the successor takes over");
    sim->owner =
        process_take_over(&sim->store, &sim->check, TAKE(sim->heir.engine), &sim->heir.effects,
                          sim->now_us > last_us ? sim->now_us : last_us);
    replay_follow(sim, sim->owner);
    sim->result->heirs++;
    trace_effects(sim, sim->owner);
    bool is_slow = sim->zombie == NULL && sim_chance(&sim->random, 30); /* to see that it lost it */
    if (is_slow)
        sim->zombie = before;
    else
        process_free(before);
}

/* After a commit of the owner, who lives. */
static void heir_goes_on(struct sim *sim)
{
    if (sim->heir.engine == NULL || !heir_follow(&sim->heir, sim->owner))
        return;
    if (!FAULT(FAULT_MISSED_COMMIT)) /* the bug is not to see it */
        compare(sim, "hand-over: a successor decides otherwise", &sim->owner->effects,
                &sim->heir.effects, &sim->store);
    if (--sim->heir.left == 0 && !check_has_failed(&sim->check))
        heir_takes_over(sim);
}

/* --- operations ---------------------------------------------------------------------------- */

static struct request *request_new(struct sim *sim)
{
    if (sim->request_count == MAX_REQUESTS)
        return NULL;
    struct request *request = ARENA_NEW(sim->arena, struct request);
    struct engine_command command = callers_choose(&sim->store, &sim->world, sim->now_us);
    request->command = store_keep(sim->arena, &command);
    request->key = sim_chance(&sim->random, 80) ? sim_next(&sim->random) | 1 : 0;
    sim->requests[sim->request_count++] = request;
    return request;
}

/* One that was not answered, or was and is sent again by a confused caller. */
static struct request *request_again(struct sim *sim)
{
    if (sim->request_count == 0)
        return NULL;
    size_t window = sim->request_count < 12 ? sim->request_count : 12;
    size_t back = 1 + (size_t)sim_below(&sim->random, window);
    struct request *request = sim->requests[sim->request_count - back];
    return request->key == 0 ? NULL : request;
}

static bool op_choose(struct sim *sim, struct op *op)
{
    *op = (struct op){0};
    int what = sim_below(&sim->random, 100);
    if (what < 55) {
        op->request = request_new(sim);
    } else if (what < 68) {
        op->request = request_again(sim);
    } else {
        if (what < 85)
            world_change(&sim->world);
        const struct world_word *word = world_deliver(&sim->world);
        if (word == NULL)
            return false;
        op->word = *word;
        return true;
    }
    return op->request != NULL;
}

static void op_apply(struct sim *sim, struct process *process, struct op *op)
{
    const struct engine_command *command =
        op->request != NULL ? &op->request->command : &op->word.command;
    trace_command(sim, command);
    op->is_repeat = !process_apply(process, &sim->store, command, op->word.version,
                                   op->request == NULL ? 0 : op->request->key, &op->subject);
    if (op->request != NULL)
        op->request->tries++;
    if (op->is_repeat)
        return;
    op->call = process->call_count - 1;
    op->subject = process->calls[op->call].subject;
    if (process->calls[op->call].code != ERR_OK) {
        struct buf *line = &sim->trace[(sim->trace_next - 1) % TRACE_LINES];
        buf_printf(line, " -> %s", process->calls[op->call].reason);
        if (sim->options->is_traced)
            (void)printf("     refused: %s\n", process->calls[op->call].reason);
        sim->result->refused++;
    }
}

/* What was written counts, answered or not. */
static void op_written(struct sim *sim, const struct process *process, const struct op *op)
{
    if (op->request == NULL || op->is_repeat || op->request->command.kind != ENGINE_CREATE_TASK ||
        process->calls[op->call].code != ERR_OK)
        return;
    op->request->made++;
    sim->result->tasks++;
    if (op->request->made > 1 && op->request->key != 0)
        check_fail(&sim->check, "idempotency: one key created two tasks");
}

static void op_answer(struct sim *sim, const struct process *process, const struct op *op)
{
    if (op->request == NULL) {
        if (!sim_chance(&sim->random, 12)) /* else it will be delivered again */
            world_ack(&sim->world, &op->word.command, op->word.version);
        return;
    }
    struct request *request = op->request;
    bool is_ok = op->is_repeat || process->calls[op->call].code == ERR_OK;
    if (!is_ok)
        return;
    if (request->is_answered && memcmp(&request->subject, &op->subject, sizeof op->subject) != 0)
        check_fail(&sim->check, "idempotency: a repeat is answered differently");
    request->is_answered = true;
    request->subject = op->subject;
    if (request->command.kind == ENGINE_CREATE_TASK &&
        store_task(&sim->store, &op->subject) == NULL)
        check_fail(&sim->check, "conservation: the acknowledged task %s is not there",
                   op->subject.text);
}

/* --- the relay and its consumer ------------------------------------------------------------- */

static void relay(struct sim *sim)
{
    struct store *store = &sim->store;
    int64_t from = store->published;
    int64_t last = (int64_t)store->event_count;
    int64_t to = from + sim_below(&sim->random, 40);
    to = to > last ? last : to;
    for (int64_t at = from; at < to; at++) {
        const struct store_event *event = &store->events[at];
        if (event->sequence != at + 1)
            check_fail(&sim->check, "log: event %lld is at place %lld", (long long)event->sequence,
                       (long long)at + 1);
        if (event->sequence <= sim->heard)
            continue; /* a duplicate, told by its number */
        if (event->sequence != sim->heard + 1)
            check_fail(&sim->check, "log: a consumer misses event %lld", (long long)sim->heard + 1);
        sim->heard = event->sequence;
        world_hear(&sim->world, event);
    }
    if (!sim_chance(&sim->random, 10)) /* else it dies before it notes how far it got */
        store->published = to;
}

/* --- time ---------------------------------------------------------------------------------- */

static void time_passes(struct sim *sim)
{
    int what = sim_below(&sim->random, 1000);
    int64_t us = 0;
    if (what < 450)
        us = sim_below(&sim->random, 1000) * US_PER_MS;
    else if (what < 800)
        us = sim_below(&sim->random, 8000) * US_PER_MS;
    else if (what < 940)
        us = sim_below(&sim->random, 90) * US_PER_S;
    else if (what < 960)
        us = sim_below(&sim->random, 3600) * US_PER_S;
    else if (what < 965)
        us = sim_below(&sim->random, DAY_S + DAY_S) * US_PER_S;
    else if (what < 985)
        us = -sim_below(&sim->random, 40) * US_PER_S;
    sim->now_us += us;
    if (sim->now_us < START_US)
        sim->now_us = START_US;
    sim->world.now_us = sim->now_us;
}

/* --- one batch ----------------------------------------------------------------------------- */

enum ending { ENDS_WELL, ENDS_BEFORE_COMMIT, ENDS_BEFORE_ANSWER };

static void zombie_drop(struct sim *sim)
{
    process_free(sim->zombie);
    sim->zombie = NULL;
}

/* A process that lost its lease decides and must not be able to write it. */
static void zombie_batch(struct sim *sim)
{
    struct op op;
    trace_text(sim, "-- the old owner goes on");
    process_begin(sim->zombie, sim->now_us);
    for (int i = sim_below(&sim->random, 3); i >= 0; i--) {
        if (op_choose(sim, &op))
            op_apply(sim, sim->zombie, &op);
    }
    sim->result->zombies++;
    bool has_decided = sim->zombie->effects.count > 0;
    if (has_decided && sim_chance(&sim->random, 80) &&
        process_commit(sim->zombie, &sim->store, &sim->check))
        check_fail(&sim->check, "fence: an owner without lease has written");
    if (has_decided || sim_chance(&sim->random, 50))
        zombie_drop(sim); /* refused, or dead: what it decided is nowhere */
}

static void owner_batch(struct sim *sim, enum ending ending)
{
    struct op ops[MAX_OPS];
    struct process *owner = sim->owner;
    int count = sim_chance(&sim->random, 60) ? 1 : sim_below(&sim->random, MAX_OPS + 1);
    int taken = 0;
    trace_text(sim, "-- a batch");
    process_begin(owner, sim->now_us);
    for (int i = 0; i < count; i++) {
        if (!op_choose(sim, &ops[taken]))
            continue;
        op_apply(sim, owner, &ops[taken++]);
    }
    trace_effects(sim, owner);
    sim->result->calls += owner->call_count;
    sim->result->events += owner->effects.event_count;
    if (ending == ENDS_BEFORE_COMMIT) {
        trace_text(sim, "-- it dies before the commit");
        owner_crash(sim);
        return;
    }
    shadow_follow(sim);
    bool is_written = process_commit(owner, &sim->store, &sim->check);
    INVARIANT(is_written);
    replay_follow(sim, owner);
    for (int i = 0; i < taken; i++)
        op_written(sim, owner, &ops[i]);
    if (ending == ENDS_BEFORE_ANSWER) {
        trace_text(sim, "-- it dies before it answers");
        owner_crash(sim);
        return;
    }
    for (int i = 0; i < taken; i++)
        op_answer(sim, owner, &ops[i]);
    heir_goes_on(sim);
}

static void sim_step(struct sim *sim)
{
    time_passes(sim);
    int fate = sim_below(&sim->random, 1000);
    enum ending ending = fate < 25   ? ENDS_BEFORE_COMMIT
                         : fate < 50 ? ENDS_BEFORE_ANSWER
                                     : ENDS_WELL;
    if (fate >= 50 && fate < 70 && sim->zombie == NULL) {
        sim->zombie = sim->owner; /* paused, cut off: another takes over */
        owner_start(sim);
    }
    if (sim->zombie != NULL && sim_chance(&sim->random, 50))
        zombie_batch(sim);
    if (!check_has_failed(&sim->check))
        owner_batch(sim, ending);
    if (check_has_failed(&sim->check))
        return;
    if (sim->owner == NULL)
        owner_start(sim);
    if (sim_chance(&sim->random, 60))
        relay(sim);
    if (!check_has_failed(&sim->check) && sim->shadow == NULL && sim_chance(&sim->random, 4))
        shadow_start(sim);
    if (!check_has_failed(&sim->check) && sim->heir.engine == NULL && sim_chance(&sim->random, 6))
        heir_begin(sim);
}

/* Most of the world is known before the first task comes. */
static void sim_begin(struct sim *sim)
{
    size_t count = sim->world.word_count;
    owner_start(sim);
    process_begin(sim->owner, sim->now_us);
    for (size_t i = 0; i < count; i++) {
        struct op op = {.word = sim->world.words[0]};
        world_ack(&sim->world, &op.word.command, op.word.version);
        if (sim_chance(&sim->random, 95))
            op_apply(sim, sim->owner, &op);
        else
            world_again(&sim->world, &op.word);
    }
    bool is_written = process_commit(sim->owner, &sim->store, &sim->check);
    INVARIANT(is_written);
    replay_follow(sim, sim->owner);
}

/* In the end nothing stays behind. */
static void sim_end(struct sim *sim)
{
    shadow_drop(sim);
    heir_drop(&sim->heir);
    trace_text(sim, "-- nobody comes any more");
    for (int day = 0; day < LAST_DAYS && !check_has_failed(&sim->check); day++) {
        sim->now_us += DAY_S * US_PER_S;
        process_begin(sim->owner, sim->now_us);
        bool is_written = process_commit(sim->owner, &sim->store, &sim->check);
        INVARIANT(is_written);
        replay_follow(sim, sim->owner);
    }
    struct engine_stats stats;
    engine_stats_get(sim->owner->engine, &stats);
    if (stats.tasks != 0 || stats.reservations_open != 0 || stats.timers != 0)
        check_fail(&sim->check, "conservation: %zu tasks, %zu offers, %zu timers never end",
                   stats.tasks, stats.reservations_open, stats.timers);
}

/* --- a run --------------------------------------------------------------------------------- */

static struct engine_config random_config(struct sim_random *random)
{
    struct engine_config config = {
        .seed = sim_next(random),
        .default_task_timeout_s = sim_chance(random, 50) ? DAY_S : 200,
        .assigned_cleanup_s = sim_chance(random, 50) ? DAY_S : 600,
        .terminal_purge_s = sim_chance(random, 50) ? 300 : 40,
        .max_assignment_count = sim_chance(random, 70) ? 1000 : 3,
        .max_idle_classes = sim_chance(random, 50) ? 4096 : 2,
    };
    return config;
}

static void sim_report(struct sim *sim)
{
    struct sim_result *result = sim->result;
    result->has_failed = true;
    result->step = sim->step;
    buf_printf(&result->report, "seed %llu, step %d: %s\n", (unsigned long long)sim->options->seed,
               sim->step, sim->check.failure.data);
    buf_text(&result->report, "what happened last:\n");
    size_t from = sim->trace_next > TRACE_LINES ? sim->trace_next - TRACE_LINES : 0;
    for (size_t i = from; i < sim->trace_next; i++)
        buf_printf(&result->report, "  %s\n", sim->trace[i % TRACE_LINES].data);
}

void sim_run(const struct sim_options *options, struct sim_result *out_result)
{
    struct sim *sim = xcalloc(1, sizeof *sim);
    *out_result = (struct sim_result){0};
    buf_init(&out_result->report, 0);
    sim->options = options;
    sim->result = out_result;
    sim->random.state = options->seed * UINT64_C(0xD1B54A32D192ED03) + 1;
    sim->now_us = START_US;
    sim->arena = arena_new((size_t)1 << 30);
    for (size_t i = 0; i < TRACE_LINES; i++)
        buf_init(&sim->trace[i], 0);
    store_init(&sim->store);
    struct engine_config config = random_config(&sim->random);
    check_init(&sim->check, &sim->store, &config);
    replay_init(&sim->replay, &config);
    heir_init(&sim->heir);
    sim->is_replayed = options->seed % REPLAY_EVERY == 0;
    world_init(&sim->world, &sim->random, sim->arena);
    sim_begin(sim);
    for (sim->step = 1; sim->step <= options->steps && !check_has_failed(&sim->check); sim->step++)
        sim_step(sim);
    if (!check_has_failed(&sim->check))
        sim_end(sim);
    out_result->offers = sim->check.offers;
    if (check_has_failed(&sim->check))
        sim_report(sim);
    shadow_drop(sim);
    process_free(sim->owner);
    process_free(sim->zombie);
    world_fini(&sim->world);
    replay_fini(&sim->replay);
    heir_fini(&sim->heir);
    check_fini(&sim->check);
    store_fini(&sim->store);
    for (size_t i = 0; i < TRACE_LINES; i++)
        buf_fini(&sim->trace[i]);
    arena_free(sim->arena);
    free(sim);
}

void sim_result_fini(struct sim_result *result)
{
    buf_fini(&result->report);
}
