/* chaos: a long run under faults and its verdict; tools/chaos builds and starts it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/parse.h"
#include "chaos.h"
#include "history_check.h"
#include "suite.h"

#define TASKS_SET                                                                                  \
    (SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_QUEUES) | SUITE_BIT(SUITE_ROUTING) |               \
     SUITE_BIT(SUITE_TASKS))

static bool is_interrupted;

static void on_signal(int number)
{
    (void)number;
    __atomic_store_n(&is_interrupted, true, __ATOMIC_SEQ_CST);
}

struct settings {
    int64_t seconds;
    int64_t replicas;
    int64_t shards;
    int64_t seed;
    int64_t creators;
    int64_t fault_every_ms;
    const char *history;
    bool is_kept;
};

static struct settings settings;
static bool has_run;
static FILE *out; /* ours; what the helpers print goes to stderr */

static const char usage[] =
    "chaos [--seconds N] [--replicas N] [--shards N] [--seed N] [--creators N] [--fault-every MS]\n"
    "      [--history FILE] [--keep]\n"
    "Runs the services under faults and checks the history from outside. Exit status: 0 nothing\n"
    "found, 1 something found, 2 the run itself did not work.\n";

static bool read_settings(int argc, char **argv)
{
    const struct {
        const char *name;
        int64_t min;
        int64_t max;
        int64_t *value;
    } numbers[] = {
        {"--seconds",     1,  INT64_C(604800), &settings.seconds       },
        {"--replicas",    1,  5,               &settings.replicas      },
        {"--shards",      1,  8,               &settings.shards        },
        {"--seed",        0,  INT64_MAX,       &settings.seed          },
        {"--creators",    1,  32,              &settings.creators      },
        {"--fault-every", 50, 3600000,         &settings.fault_every_ms},
    };
    for (int i = 1; i < argc; i++) {
        bool is_taken = strcmp(argv[i], "--keep") == 0;
        settings.is_kept = settings.is_kept || is_taken;
        if (strcmp(argv[i], "--history") == 0 && i + 1 < argc) {
            settings.history = argv[++i];
            is_taken = true;
        }
        for (size_t n = 0; n < ARRAY_LEN(numbers) && !is_taken && i + 1 < argc; n++) {
            if (strcmp(argv[i], numbers[n].name) == 0)
                is_taken = parse_i64(str_from(argv[++i]), numbers[n].min, numbers[n].max,
                                     numbers[n].value);
        }
        if (!is_taken)
            return false;
    }
    return true;
}

static struct chaos_options options_of(void)
{
    return (struct chaos_options){
        .history_path = settings.history,
        .seed = (uint64_t)settings.seed,
        .replicas = (int)settings.replicas,
        .shards = (int)settings.shards,
        .load_ms = (int)(settings.seconds * 1000),
        .creators = (int)settings.creators,
        .agents = 10,
        .workers = 12,
        .create_pause_ms = 100,
        .fault_every_ms = (int)settings.fault_every_ms,
        .faults = FAULT_ALL,
        .progress = out,
        .is_over = &is_interrupted,
    };
}

static void test_chaos(void)
{
    struct chaos_options options = options_of();
    has_run = chaos_run(&options);
}

/* The verdict on each shard's history; those in which something was found are kept. */
static bool check_all(void)
{
    struct chaos_options options = options_of();
    bool is_all_good = true;
    for (int i = 0; i < options.shards; i++) {
        char path[512];
        bool is_good = history_check_file(chaos_history_path(&options, i, path, sizeof path), out);
        is_all_good = is_all_good && is_good;
        if (is_good && !settings.is_kept)
            (void)unlink(path);
        else
            (void)fprintf(out, "history: %s\n", path);
    }
    return is_all_good;
}

/* The suite's helpers want a CUnit run around them. */
static const struct test_case cases[] = {
    {"a run under faults", test_chaos},
};

int main(int argc, char **argv)
{
    static char path[128];
    uint32_t random = 0;
    random_bytes(&random, sizeof random);
    settings = (struct settings){.seconds = 60,
                                 .replicas = 1,
                                 .shards = 1,
                                 .seed = random,
                                 .creators = 6,
                                 .fault_every_ms = 3000};
    if (!read_settings(argc, argv)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    (void)snprintf(path, sizeof path, "/tmp/chaos-%lld-%d.jsonl", (long long)settings.seed,
                   (int)getpid());
    if (settings.history == NULL)
        settings.history = path;
    out = fdopen(dup(STDOUT_FILENO), "w");
    if (out == NULL || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return 2;
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)fprintf(out, "seed %lld, %lld replicas, %lld shards, %lld s\n", (long long)settings.seed,
                  (long long)settings.replicas, (long long)settings.shards,
                  (long long)settings.seconds);
    (void)fflush(out);
    char shards[8];
    (void)snprintf(shards, sizeof shards, "%d", (int)settings.shards);
    (void)setenv("TASKROUTER_TASKS_SHARDS", shards, 1); /* NOLINT(concurrency-mt-unsafe) */
    struct suite *running = suite_start(TASKS_SET);
    (void)testing_main("chaos", cases, ARRAY_LEN(cases), 1, argv);
    bool is_run = suite_stop(running) && has_run;
    if (!is_run)
        (void)fprintf(out, "history: %s\n", settings.history);
    int status = !is_run ? 2 : check_all() ? 0 : 1;
    return fclose(out) == 0 ? status : 2;
}
