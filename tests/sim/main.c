/* tools/sim: runs seeds, or one of them again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "mutations.h"
#include "sim.h"

enum { MAX_JOBS = 64, DEFAULT_STEPS = 150, DEFAULT_SEEDS = 1000, PROGRESS_S = 10 };

struct options {
    int64_t first;
    int64_t seeds;
    int64_t jobs;
    int64_t minutes; /* 0: as many as seeds says */
    int64_t steps;
    bool has_seed; /* one seed alone, in this process */
    bool is_traced;
    bool is_quiet;
    bool wants_mutations;
};

/* What a child says; small enough to be written whole. */
struct word {
    int job;
    bool is_done; /* else: begun */
    bool has_failed;
    uint64_t seed;
    uint64_t calls, events, offers, tasks, loads, zombies, shadows, heirs, replayed;
};

struct totals {
    uint64_t seeds, failed, calls, events, offers, tasks, loads, zombies, shadows, heirs, replayed;
};

static void print_help(void)
{
    (void)printf(
        "Usage: tools/sim [--seeds N] [--first K] [--jobs J] [--minutes M] [--steps S] [--quiet]\n"
        "       tools/sim --seed N [--steps S] [--trace]\n"
        "       tools/sim --mutations\n"
        "Runs the real engine in random worlds with a model of its durable shell, and checks\n"
        "after every step what must always hold. A seed that fails is printed, and runs alone\n"
        "with --seed. Exit status 1 when one failed.\n"
        "  --seeds N    how many seeds (default %d), from --first K (default 1)\n"
        "  --jobs J     processes (default: one per core)\n"
        "  --minutes M  go on from --first for so long instead\n"
        "  --steps S    steps of a seed (default %d)\n"
        "  --quiet      no progress, only the result\n"
        "  --seed N     this seed alone; --trace prints all that happens\n"
        "  --mutations  shows that each deliberate bug of tests/sim/README.md is found\n",
        DEFAULT_SEEDS, DEFAULT_STEPS);
}

static bool parse_options(int argc, char **argv, struct options *out)
{
    struct {
        const char *name;
        int64_t *value;
        int64_t max;
    } numbers[] = {
        {"--seeds",   &out->seeds,   INT64_MAX / 2},
        {"--first",   &out->first,   INT64_MAX / 2},
        {"--seed",    &out->first,   INT64_MAX / 2},
        {"--jobs",    &out->jobs,    MAX_JOBS     },
        {"--minutes", &out->minutes, 1000000      },
        {"--steps",   &out->steps,   3000         },
    };
    for (int i = 1; i < argc; i++) {
        bool is_known = false;
        for (size_t n = 0; n < ARRAY_LEN(numbers) && i + 1 < argc && !is_known; n++) {
            if (strcmp(argv[i], numbers[n].name) != 0)
                continue;
            is_known = true;
            out->has_seed = out->has_seed || strcmp(argv[i], "--seed") == 0;
            if (!parse_i64(str_from(argv[++i]), 1, numbers[n].max, numbers[n].value)) {
                (void)fprintf(stderr, "sim: %s wants a number from 1 to %lld, not %s\n",
                              numbers[n].name, (long long)numbers[n].max, argv[i]);
                return false;
            }
        }
        if (!is_known && strcmp(argv[i], "--trace") == 0)
            is_known = out->is_traced = true;
        if (!is_known && strcmp(argv[i], "--quiet") == 0)
            is_known = out->is_quiet = true;
        if (!is_known && strcmp(argv[i], "--mutations") == 0)
            is_known = out->wants_mutations = true;
        if (!is_known) {
            (void)fprintf(stderr, "sim: there is no option %s here; see --help\n", argv[i]);
            return false;
        }
    }
    return true;
}

/* --- children ------------------------------------------------------------------------------ */

static void say(int out, const struct word *word)
{
    ssize_t written = write(out, word, sizeof *word);
    INVARIANT(written == (ssize_t)sizeof *word);
}

static int job_main(const struct options *options, int job, int out)
{
    int64_t until = clock_mono_us() + options->minutes * 60 * US_PER_S;
    for (int64_t i = job; options->minutes > 0 || i < options->seeds; i += options->jobs) {
        if (options->minutes > 0 && clock_mono_us() > until)
            break;
        struct sim_options run = {.seed = (uint64_t)(options->first + i),
                                  .steps = (int)options->steps};
        struct sim_result result;
        struct word word = {.job = job, .seed = run.seed};
        say(out, &word);
        sim_run(&run, &result);
        word = (struct word){.job = job,
                             .is_done = true,
                             .has_failed = result.has_failed,
                             .seed = run.seed,
                             .calls = result.calls,
                             .events = result.events,
                             .offers = result.offers,
                             .tasks = result.tasks,
                             .loads = result.loads,
                             .zombies = result.zombies,
                             .shadows = result.shadows,
                             .heirs = result.heirs,
                             .replayed = result.replayed};
        if (result.has_failed) {
            (void)printf("%s", result.report.data);
            (void)fflush(stdout);
        }
        sim_result_fini(&result);
        say(out, &word);
        if (word.has_failed)
            return 1;
    }
    return 0;
}

static void print_totals(const struct totals *totals, int64_t took_us)
{
    (void)printf("%llu seeds, %llu failed; %llu calls, %llu events, %llu offers, %llu tasks, "
                 "%llu loads, %llu stale owners, %llu shadows, %llu heirs, "
                 "%llu batches replayed; %.1f s\n",
                 (unsigned long long)totals->seeds, (unsigned long long)totals->failed,
                 (unsigned long long)totals->calls, (unsigned long long)totals->events,
                 (unsigned long long)totals->offers, (unsigned long long)totals->tasks,
                 (unsigned long long)totals->loads, (unsigned long long)totals->zombies,
                 (unsigned long long)totals->shadows, (unsigned long long)totals->heirs,
                 (unsigned long long)totals->replayed, (double)took_us / 1e6);
}

static void add_word(struct totals *totals, const struct word *word)
{
    totals->seeds++;
    totals->failed += word->has_failed ? 1 : 0;
    totals->calls += word->calls;
    totals->events += word->events;
    totals->offers += word->offers;
    totals->tasks += word->tasks;
    totals->loads += word->loads;
    totals->zombies += word->zombies;
    totals->shadows += word->shadows;
    totals->heirs += word->heirs;
    totals->replayed += word->replayed;
}

static void print_progress(const struct options *options, const struct totals *totals,
                           int64_t started)
{
    double took_s = (double)(clock_mono_us() - started) / 1e6;
    double rate = (double)totals->seeds / took_s;
    if (options->minutes > 0)
        (void)printf("%llu seeds, %.0f/s, %.0f s remain\n", (unsigned long long)totals->seeds, rate,
                     (double)options->minutes * 60 - took_s);
    else
        (void)printf("%llu of %lld seeds, %.0f/s, %.0f s remain\n",
                     (unsigned long long)totals->seeds, (long long)options->seeds, rate,
                     rate > 0 ? (double)((uint64_t)options->seeds - totals->seeds) / rate : 0);
    (void)fflush(stdout);
}

/* Reads what the children say until all have ended. running: each job's seed, 0 = none. */
static void follow(const struct options *options, int in, uint64_t *running, struct totals *totals)
{
    int64_t started = clock_mono_us();
    int64_t shown = started;
    struct pollfd wait = {.fd = in, .events = POLLIN};
    for (;;) {
        int ready = poll(&wait, 1, 1000);
        struct word word;
        if (ready > 0) {
            ssize_t got = read(in, &word, sizeof word);
            if (got != (ssize_t)sizeof word)
                break;
            running[word.job] = word.is_done ? 0 : word.seed;
            if (word.is_done)
                add_word(totals, &word);
        } else if (ready < 0 && errno != EINTR) {
            break;
        }
        if (!options->is_quiet && clock_mono_us() - shown > PROGRESS_S * US_PER_S) {
            shown = clock_mono_us();
            print_progress(options, totals, started);
        }
    }
    print_totals(totals, clock_mono_us() - started);
}

static int run_many(const struct options *options)
{
    int ends[2];
    pid_t children[MAX_JOBS];
    uint64_t running[MAX_JOBS] = {0};
    struct totals totals = {0};
    if (pipe(ends) != 0) {
        perror("sim: pipe");
        return 1;
    }
    for (int job = 0; job < options->jobs; job++) {
        children[job] = fork();
        if (children[job] == 0) {
            (void)close(ends[0]);
            int status = job_main(options, job, ends[1]);
            (void)fflush(stdout);
            _exit(status);
        }
        INVARIANT(children[job] > 0);
    }
    (void)close(ends[1]);
    follow(options, ends[0], running, &totals);
    (void)close(ends[0]);
    bool is_clean = totals.failed == 0;
    for (int job = 0; job < options->jobs; job++) {
        int status = 0;
        (void)waitpid(children[job], &status, 0);
        if (running[job] != 0) {
            (void)printf("seed %llu: the engine gave up; see --seed %llu --trace\n",
                         (unsigned long long)running[job], (unsigned long long)running[job]);
            is_clean = false;
        }
        is_clean = is_clean && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return is_clean ? 0 : 1;
}

static int run_one(const struct options *options)
{
    struct sim_options run = {.seed = (uint64_t)options->first,
                              .steps = (int)options->steps,
                              .is_traced = options->is_traced};
    struct sim_result result;
    sim_run(&run, &result);
    (void)printf("%s", result.has_failed ? result.report.data : "");
    if (!result.has_failed)
        (void)printf("seed %lld: nothing is wrong; %llu calls, %llu events, %llu offers\n",
                     (long long)options->first, (unsigned long long)result.calls,
                     (unsigned long long)result.events, (unsigned long long)result.offers);
    bool has_failed = result.has_failed;
    sim_result_fini(&result);
    return has_failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct options options = {.first = 1, .seeds = DEFAULT_SEEDS, .steps = DEFAULT_STEPS};
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return 0;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    options.jobs = cores < 1 ? 1 : cores > MAX_JOBS ? MAX_JOBS : cores;
    if (!parse_options(argc, argv, &options))
        return 2;
    if (options.wants_mutations)
        return mutations_run();
    return options.has_seed ? run_one(&options) : run_many(&options);
}
