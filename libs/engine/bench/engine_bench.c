/*
 * The engine alone, on one thread, effects made and thrown away: decisions per second and bytes per
 * worker and waiting task. A life is create -> offer -> accept -> complete; its decisions are the
 * offer and the two answers (creations and all that happens on the way are not counted). Each row
 * is a process of its own. Usage: engine_bench KIND WORKERS WAITING [LIVES]
 */
/* mallinfo2() is glibc's. */
#define _DEFAULT_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "engine/engine.h"

enum {
    BATCH = 64,
    LIVES = 100000,
    DECISIONS_PER_LIFE = 3,
    SKILLS = 50,
    REGIONS = 100,
    PAIR_SKILLS = 1000,
    LEVELS = 1000000,
};

#define QUEUE_1 "\"queue\":\"WQ00000000000000000000000000000001\""
#define ONE_TARGET(rest)                                                                           \
    "{\"task_routing\":{\"filters\":[{\"expression\":\"1==1\",\"targets\":[{" QUEUE_1 rest "}]}]}" \
    "}"
#define FILTER(kind, rest) "{\"expression\":\"kind == " #kind "\",\"targets\":[{" QUEUE_1 rest "}]}"

#define RANGE    ",\"expression\":\"worker.level >= task.level\""
#define PAIR     ",\"expression\":\"task.skill IN worker.skills AND worker.region == task.region\""
#define NOT_LAST ",\"expression\":\"worker.sid != task.last_worker AND worker.level >= task.level\""
#define KNOWN    ",\"known_worker_sid\":\"task.agent\""

struct kind {
    const char *name;
    const char *document;
};

static const struct kind kinds[] = {
    {"plain",              ONE_TARGET("")                                           },
    {"skills",             ONE_TARGET(",\"expression\":\"task.need IN worker.can\"")},
    {"unique",             "{\"task_routing\":{\"filters\":[" FILTER(0,               RANGE) "," FILTER(1, PAIR) "," FILTER(
                   2, NOT_LAST) "," FILTER(3, KNOWN) "]}}"},
    {"range", ONE_TARGET(RANGE)                                   },
    {"pair",                    ONE_TARGET(PAIR)                                                                      },
    {"except",                    ONE_TARGET(NOT_LAST)                                    },
    {"known",                    ONE_TARGET(KNOWN)},
};

struct text {
    char text[192];
};

struct bench {
    struct engine *engine;
    struct engine_effects effects;
    int64_t now_us;
    int in_batch;
    int workers;
    uint64_t random;
    uint64_t answers; /* accepts and completions */
    struct sid workspace;
    struct sid *offers; /* open, taken up in the order in which they were made */
    size_t offer_first;
    size_t offer_count;
    size_t offer_capacity; /* power of two */
    const struct engine_effect *seen;
};

static struct sid bench_sid(const char *prefix, int number)
{
    struct sid sid = {{0}};
    (void)snprintf(sid.text, sizeof sid.text, "%s%032d", prefix, number);
    return sid;
}

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static unsigned bench_random(struct bench *bench, unsigned below)
{
    bench->random++;
    return (unsigned)(mix(bench->random) % below);
}

/* A worker's attributes follow from his number. */
static unsigned worker_trait(int worker, unsigned which, unsigned below)
{
    return (unsigned)(mix((uint64_t)worker * 16 + which) % below);
}

static void bench_do(struct bench *bench, const struct engine_command *command)
{
    struct err err;
    bench->now_us++;
    if (engine_apply(bench->engine, command, bench->now_us, &bench->effects, &err) != ERR_OK) {
        (void)fprintf(stderr, "engine_bench: %s\n", err.detail);
        abort();
    }
}

static void bench_note_offers(struct bench *bench)
{
    const struct engine_effect *effect =
        bench->seen == NULL ? bench->effects.first : bench->seen->next;
    for (; effect != NULL; effect = effect->next) {
        bench->seen = effect;
        if (effect->kind == ENGINE_EVENT && effect->event->type == ENGINE_EVENT_RESERVATION_CREATED)
            bench->offers[(bench->offer_first + bench->offer_count++) &
                          (bench->offer_capacity - 1)] = effect->event->reservation->sid;
    }
}

/* Commands come in batches, as the shell takes them. */
static void bench_end(struct bench *bench)
{
    bench_note_offers(bench);
    if (++bench->in_batch < BATCH)
        return;
    bench->in_batch = 0;
    bench->seen = NULL;
    bench->now_us += 1000;
    engine_effects_reset(&bench->effects);
}

static void bench_config(struct bench *bench, const struct kind *kind)
{
    bench->workspace = bench_sid("WS", 1);
    bench_do(bench,
             &(struct engine_command){
                 .kind = ENGINE_PUT_WORKSPACE,
                 .workspace = {.sid = bench->workspace, .version = 1, .name = STR("bench")}
    });
    bench_do(bench, &(struct engine_command){
                        .kind = ENGINE_PUT_ACTIVITY,
                        .activity = {.sid = bench_sid("WA", 1),
                                     .workspace_sid = bench->workspace,
                                     .version = 1,
                                     .name = STR("Available"),
                                     .is_available = true}
    });
    bench_do(bench, &(struct engine_command){
                        .kind = ENGINE_PUT_CHANNEL,
                        .channel = {.sid = bench_sid("TC", 1),
                                    .workspace_sid = bench->workspace,
                                    .version = 1,
                                    .unique_name = STR("default")}
    });
    bench_do(bench, &(struct engine_command){
                        .kind = ENGINE_PUT_QUEUE,
                        .queue = {.sid = bench_sid("WQ", 1),
                                  .workspace_sid = bench->workspace,
                                  .version = 1,
                                  .name = STR("q"),
                                  .target_workers = STR("level >= 0"),
                                  .max_reserved_workers = 1}
    });
    bench_do(bench, &(struct engine_command){
                        .kind = ENGINE_PUT_WORKFLOW,
                        .workflow = {.sid = bench_sid("WW", 1),
                                     .workspace_sid = bench->workspace,
                                     .version = 1,
                                     .configuration = str_from(kind->document),
                                     .configuration_version = 1}
    });
}

static void bench_worker(struct bench *bench, int worker)
{
    char attributes[160];
    (void)snprintf(
        attributes, sizeof attributes,
        "{\"level\":%u,\"can\":[\"c%u\",\"c%u\"],\"skills\":[\"s%u\",\"s%u\"],\"region\":\"r%u\"}",
        worker_trait(worker, 0, LEVELS), worker_trait(worker, 1, SKILLS),
        worker_trait(worker, 2, SKILLS), worker_trait(worker, 3, PAIR_SKILLS),
        worker_trait(worker, 4, PAIR_SKILLS), worker_trait(worker, 5, REGIONS));
    struct engine_worker_channel channel = {bench_sid("TC", 1), 1, true};
    bench_do(bench, &(struct engine_command){
                        .kind = ENGINE_PUT_WORKER,
                        .worker = {.sid = bench_sid("WK", worker),
                                   .workspace_sid = bench->workspace,
                                   .version = 1,
                                   .name = STR("w"),
                                   .attributes = str_from(attributes),
                                   .activity_sid = bench_sid("WA", 1),
                                   .channels = &channel,
                                   .channel_count = 1}
    });
    bench_end(bench);
}

/* Every task is one that some worker could take. */
static struct text bench_attributes(struct bench *bench)
{
    struct text text;
    int like = 1 + (int)bench_random(bench, (unsigned)bench->workers);
    int last = 1 + (int)bench_random(bench, (unsigned)bench->workers);
    (void)snprintf(text.text, sizeof text.text,
                   "{\"kind\":%u,\"need\":\"c%u\",\"level\":%u,\"skill\":\"s%u\",\"region\":\"r%u\""
                   ",\"agent\":\"WK%032d\",\"last_worker\":\"WK%032d\"}",
                   bench_random(bench, 4), worker_trait(like, 1, SKILLS),
                   bench_random(bench, worker_trait(like, 0, LEVELS) + 1),
                   worker_trait(like, 3, PAIR_SKILLS), worker_trait(like, 5, REGIONS), like, last);
    return text;
}

static void bench_create(struct bench *bench, const struct text *attributes)
{
    bench_do(bench, &(struct engine_command){
                        .kind = ENGINE_CREATE_TASK,
                        .create = {.workspace_sid = bench->workspace,
                                   .attributes = str_from(attributes->text)}
    });
    bench_end(bench);
}

static void bench_answer(struct bench *bench, const struct sid *offer)
{
    struct engine_command command = {
        .kind = ENGINE_ACCEPT_RESERVATION,
        .action = {.sid = *offer, .workspace_sid = bench->workspace}
    };
    bench_do(bench, &command);
    command.kind = ENGINE_COMPLETE_RESERVATION;
    bench_do(bench, &command);
    bench->answers += 2;
    bench_note_offers(bench);
}

/* Offers made and answers taken. */
static uint64_t bench_decisions(const struct bench *bench)
{
    struct engine_stats stats;
    engine_stats_get(bench->engine, &stats);
    return stats.reservations_made + bench->answers;
}

static size_t bench_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Processor time: the machine may have other things to do. */
static double bench_seconds(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* The next open offer; false when nobody has one. */
static bool bench_next_offer(struct bench *bench, struct sid *out_offer)
{
    if (bench->offer_count == 0)
        return false;
    *out_offer = bench->offers[bench->offer_first & (bench->offer_capacity - 1)];
    bench->offer_first++;
    bench->offer_count--;
    return true;
}

/* Seconds that this many lives take. The texts are made before the clock starts. */
static double bench_live(struct bench *bench, int lives)
{
    struct text *texts = calloc((size_t)lives, sizeof *texts);
    for (int i = 0; i < lives; i++)
        texts[i] = bench_attributes(bench);
    double start = bench_seconds();
    for (int i = 0; i < lives; i++) {
        struct sid offer;
        if (bench_next_offer(bench, &offer))
            bench_answer(bench, &offer);
        bench_create(bench, &texts[i]);
    }
    double seconds = bench_seconds() - start;
    free(texts);
    return seconds;
}

static void bench_print(const struct bench *bench, const struct kind *kind, int waiting,
                        const double seconds[3], const size_t bytes[3], uint64_t decisions)
{
    struct engine_stats stats;
    engine_stats_get(bench->engine, &stats);
    (void)printf("%s %d %d %.0f %.0f %.0f %.0f %zu %zu %zu\n", kind->name, bench->workers, waiting,
                 (double)decisions / seconds[2],
                 (double)decisions / DECISIONS_PER_LIFE / seconds[2], bench->workers / seconds[0],
                 (bench->workers + waiting) / seconds[1],
                 (bytes[1] - bytes[0]) / (size_t)bench->workers,
                 (bytes[2] - bytes[1]) / (size_t)(bench->workers + waiting), stats.classes);
}

/* As many tasks as workers are under way, `waiting` more stand in line: every completion finds the
 * next task and every creation joins the line. */
static void bench_run(const struct kind *kind, int workers, int waiting, int lives)
{
    struct bench bench = {
        .now_us = INT64_C(1700000000000000), .workers = workers, .offer_capacity = (size_t)1 << 21};
    struct engine_config config = {.seed = 1, .terminal_purge_s = 1};
    double seconds[3];
    size_t bytes[3];
    bench.offers = calloc(bench.offer_capacity, sizeof *bench.offers);
    bench.engine = engine_new(&config);
    engine_effects_init(&bench.effects);
    bench_config(&bench, kind);
    engine_load_done(bench.engine, bench.now_us, &bench.effects);
    bytes[0] = bench_bytes();
    double start = bench_seconds();
    for (int i = 1; i <= workers; i++)
        bench_worker(&bench, i);
    bytes[1] = bench_bytes();
    seconds[0] = bench_seconds() - start;
    start = bench_seconds();
    for (int i = 0; i < workers + waiting; i++) {
        struct text text = bench_attributes(&bench);
        bench_create(&bench, &text);
    }
    bytes[2] = bench_bytes();
    seconds[1] = bench_seconds() - start;
    (void)bench_live(&bench, lives / 4); /* until it is as warm as it will be */
    uint64_t before = bench_decisions(&bench);
    seconds[2] = bench_live(&bench, lives);
    bench_print(&bench, kind, waiting, seconds, bytes, bench_decisions(&bench) - before);
    engine_free(bench.engine);
    engine_effects_fini(&bench.effects);
    free(bench.offers);
}

int main(int argc, char **argv)
{
    int64_t workers = 0;
    int64_t waiting = 0;
    int64_t lives = LIVES;
    const struct kind *kind = NULL;
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].name, argv[1]) == 0)
            kind = &kinds[i];
    }
    if (argc < 4 || kind == NULL || !parse_i64(str_from(argv[2]), 1, 1000000, &workers) ||
        !parse_i64(str_from(argv[3]), 0, 10000000, &waiting) ||
        (argc > 4 && !parse_i64(str_from(argv[4]), 1, 100000000, &lives))) {
        (void)fprintf(stderr, "usage: engine_bench KIND WORKERS WAITING [LIVES]; kinds:");
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            (void)fprintf(stderr, " %s", kinds[i].name);
        (void)fprintf(stderr, "\n");
        return 2;
    }
    bench_run(kind, (int)workers, (int)waiting, (int)lives);
    return 0;
}
