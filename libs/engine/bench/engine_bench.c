/*
 * Decisions per second of the engine alone, on one thread, effects made and thrown away. A life is
 * create -> reserve -> accept -> complete (three commands, one decision of whom to offer to).
 * Usage: engine_bench [workers tasks]...
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "engine/engine.h"

enum { QUEUES = 4, BATCH = 64, MEASURED = 200000 };

struct bench {
    struct engine *engine;
    struct engine_effects effects;
    int64_t now_us;
    int in_batch;
};

static struct sid bench_sid(const char *prefix, int number)
{
    struct sid sid = {{0}};
    (void)snprintf(sid.text, sizeof sid.text, "%s%032d", prefix, number);
    return sid;
}

static struct sid bench_do(struct bench *bench, struct engine_command command)
{
    struct err err;
    bench->now_us++;
    if (engine_apply(bench->engine, &command, bench->now_us, &bench->effects, &err) != ERR_OK) {
        (void)fprintf(stderr, "engine_bench: %s\n", err.detail);
        abort();
    }
    return bench->effects.subject;
}

static void bench_end_command(struct bench *bench)
{
    if (++bench->in_batch < BATCH)
        return;
    bench->in_batch = 0;
    engine_effects_reset(&bench->effects);
}

static void bench_config(struct bench *bench)
{
    struct sid workspace = bench_sid("WS", 1);
    bench_do(bench, (struct engine_command){
                        .kind = ENGINE_PUT_WORKSPACE,
                        .workspace = {.sid = workspace, .version = 1, .name = STR("bench")}
    });
    bench_do(bench, (struct engine_command){
                        .kind = ENGINE_PUT_ACTIVITY,
                        .activity = {.sid = bench_sid("WA", 1),
                                     .workspace_sid = workspace,
                                     .version = 1,
                                     .name = STR("Available"),
                                     .is_available = true}
    });
    bench_do(bench, (struct engine_command){
                        .kind = ENGINE_PUT_CHANNEL,
                        .channel = {.sid = bench_sid("TC", 1),
                                    .workspace_sid = workspace,
                                    .version = 1,
                                    .unique_name = STR("default")}
    });
    for (int i = 1; i <= QUEUES; i++)
        bench_do(bench, (struct engine_command){
                            .kind = ENGINE_PUT_QUEUE,
                            .queue = {.sid = bench_sid("WQ", i),
                                      .workspace_sid = workspace,
                                      .version = 1,
                                      .name = STR("q"),
                                      .target_workers = STR("level >= 0"),
                                      .max_reserved_workers = 1}
        });
    struct str document = STR(
        "{\"task_routing\":{\"filters\":["
        "{\"expression\":\"kind == 1\",\"targets\":[{\"queue\":"
        "\"WQ00000000000000000000000000000001\"}]},"
        "{\"expression\":\"kind == 2\",\"targets\":[{\"queue\":"
        "\"WQ00000000000000000000000000000002\",\"priority\":5}]},"
        "{\"expression\":\"kind == 3\",\"targets\":[{\"queue\":"
        "\"WQ00000000000000000000000000000003\",\"expression\":\"task.lang IN worker.langs\"}]}],"
        "\"default_filter\":{\"queue\":\"WQ00000000000000000000000000000004\"}}}");
    bench_do(bench, (struct engine_command){
                        .kind = ENGINE_PUT_WORKFLOW,
                        .workflow = {.sid = bench_sid("WW", 1),
                                     .workspace_sid = workspace,
                                     .version = 1,
                                     .configuration = document,
                                     .configuration_version = 1}
    });
}

static void bench_worker(struct bench *bench, int worker)
{
    char attributes[96];
    (void)snprintf(attributes, sizeof attributes, "{\"level\":%d,\"langs\":[\"l%d\",\"l%d\"]}",
                   worker % 10, worker % 7, worker % 5);
    struct engine_worker_channel channel = {bench_sid("TC", 1), 1, true};
    bench_do(bench, (struct engine_command){
                        .kind = ENGINE_PUT_WORKER,
                        .worker = {.sid = bench_sid("WK", worker),
                                   .workspace_sid = bench_sid("WS", 1),
                                   .version = 1,
                                   .name = STR("w"),
                                   .attributes = str_from(attributes),
                                   .activity_sid = bench_sid("WA", 1),
                                   .channels = &channel,
                                   .channel_count = 1}
    });
    bench_end_command(bench);
}

static struct sid bench_create(struct bench *bench, int i)
{
    char attributes[64];
    (void)snprintf(attributes, sizeof attributes, "{\"kind\":%d,\"lang\":\"l%d\"}", i % 4,
                   i * 7 % 5);
    struct sid task = bench_do(bench, (struct engine_command){
                                          .kind = ENGINE_CREATE_TASK,
                                          .create = {.workspace_sid = bench_sid("WS", 1),
                                                     .attributes = str_from(attributes)}
    });
    return task;
}

static void bench_act(struct bench *bench, enum engine_command_kind kind, const struct sid *sid)
{
    bench_do(
        bench,
        (struct engine_command){
            .kind = kind,
            .action = {.sid = *sid, .workspace_sid = bench_sid("WS", 1), .reason = STR("done")}
    });
}

/* Open offers, taken up in the order in which they were made. */
struct offers {
    struct sid *sids;
    size_t first;
    size_t count;
    size_t capacity; /* power of two */
};

static void offers_note(struct offers *offers, const struct engine_effects *effects,
                        const struct engine_effect **seen)
{
    const struct engine_effect *effect = *seen == NULL ? effects->first : (*seen)->next;
    for (; effect != NULL; effect = effect->next) {
        *seen = effect;
        if (effect->kind == ENGINE_EVENT && effect->event->type == ENGINE_EVENT_RESERVATION_CREATED)
            offers->sids[(offers->first + offers->count++) & (offers->capacity - 1)] =
                effect->event->reservation->sid;
    }
}

static int64_t bench_memory_kb(void)
{
    int64_t kb = 0;
    char line[128];
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        struct str rest = str_from(line);
        if (str_starts_with(rest, STR("VmRSS:"))) {
            rest = str_trim((struct str){rest.ptr + 6, rest.len - 6});
            (void)parse_i64(str_split(&rest, ' '), 0, INT64_MAX, &kb);
        }
    }
    if (file != NULL)
        (void)fclose(file);
    return kb;
}

/*
 * `waiting` more tasks than workers: every completion finds the next task, every creation joins the
 * end of the line. With waiting = 0 every creation finds a worker.
 */
static void bench_run(int workers, int waiting)
{
    struct bench bench = {.now_us = INT64_C(1700000000000000)};
    struct engine_config config = {.seed = 1, .terminal_purge_s = 1};
    struct offers offers = {.capacity = (size_t)1 << 20};
    const struct engine_effect *seen = NULL;
    offers.sids = calloc(offers.capacity, sizeof *offers.sids);
    int64_t before_kb = bench_memory_kb();
    bench.engine = engine_new(&config);
    engine_effects_init(&bench.effects);
    bench_config(&bench);
    engine_load_done(bench.engine, bench.now_us, &bench.effects);
    for (int i = 1; i <= workers; i++)
        bench_worker(&bench, i);
    engine_effects_reset(&bench.effects);
    int64_t workers_kb = bench_memory_kb();
    int fill = waiting == 0 ? workers / 2 : workers + waiting;
    for (int i = 0; i < fill; i++) {
        (void)bench_create(&bench, i);
        offers_note(&offers, &bench.effects, &seen);
        if (i % BATCH == BATCH - 1) {
            engine_effects_reset(&bench.effects);
            seen = NULL;
        }
    }
    engine_effects_reset(&bench.effects);
    seen = NULL;
    int64_t tasks_kb = bench_memory_kb();
    struct engine_stats stats;
    engine_stats_get(bench.engine, &stats);
    uint64_t made_before = stats.reservations_made;
    int64_t start_us = clock_mono_us();
    for (int i = 0; i < MEASURED; i++) {
        struct sid offer = offers.sids[offers.first & (offers.capacity - 1)];
        offers.first++;
        offers.count--;
        bench_act(&bench, ENGINE_ACCEPT_RESERVATION, &offer);
        bench_act(&bench, ENGINE_COMPLETE_RESERVATION, &offer);
        (void)bench_create(&bench, i);
        offers_note(&offers, &bench.effects, &seen);
        if (i % BATCH == BATCH - 1) {
            engine_effects_reset(&bench.effects);
            seen = NULL;
            bench.now_us += 1000;
        }
    }
    int64_t took_us = clock_mono_us() - start_us;
    engine_stats_get(bench.engine, &stats);
    double seconds = (double)took_us / 1e6;
    (void)printf("%8d workers %8d waiting: %9.0f lives/s %9.0f commands/s %9.0f decisions/s  "
                 "%6lld bytes/worker %6lld bytes/task\n",
                 workers, waiting, MEASURED / seconds, 3 * MEASURED / seconds,
                 (double)(stats.reservations_made - made_before) / seconds,
                 (long long)((workers_kb - before_kb) * 1024 / workers),
                 (long long)(fill == 0 ? 0 : (tasks_kb - workers_kb) * 1024 / fill));
    engine_free(bench.engine);
    engine_effects_fini(&bench.effects);
    free(offers.sids);
}

int main(int argc, char **argv)
{
    static const int rows[][2] = {
        {1000,   0     },
        {1000,   1000  },
        {1000,   100000},
        {10000,  0     },
        {100000, 0     },
        {100000, 100000}
    };
    if (argc < 3) {
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
            bench_run(rows[i][0], rows[i][1]);
        return 0;
    }
    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t workers;
        int64_t waiting;
        if (!parse_i64(str_from(argv[i]), 1, 1000000, &workers) ||
            !parse_i64(str_from(argv[i + 1]), 0, 10000000, &waiting)) {
            (void)fprintf(stderr, "usage: engine_bench [workers waiting]...\n");
            return 2;
        }
        bench_run((int)workers, (int)waiting);
    }
    return 0;
}
