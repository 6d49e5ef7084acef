#include "mutations.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "faults.h"
#include "sim.h"

#ifdef ENGINE_MUTATIONS

enum { MAX_SEEDS = 400, STEPS = 150, MAX_S = 120 };

int engine_mutation;

struct mutation {
    int number;
    const char *what;
};

/* README.md has the same list. */
static const struct mutation mutations[] = {
    {1,                   "a worker may hold one more than his capacity"         },
    {2,                   "the losers of a task are not rescinded"               },
    {3,                   "a slot is freed twice"                                },
    {4,                   "an offer does not restart the idle clock"             },
    {5,                   "priority is ignored"                                  },
    {6,                   "the offer's timer goes on after an accept"            },
    {7,                   "a LIFO queue is FIFO"                                 },
    {8,                   "a reserved task has no time to live"                  },
    {9,                   "new attributes do not move a worker between classes"  },
    {10,                  "a task whose step is over is forgotten"               },
    {11,                  "who becomes free first takes what others go first for"},
    {12,                  "a step that ends at another time is not written"      },
    {FAULT_NO_FENCE,      "a stale epoch may commit"                             },
    {FAULT_LOST_OVERRIDE, "recovery forgets where the router moved workers"      },
    {FAULT_EVENTS_AGAIN,  "recovery uses the last event's number again"          },
    {FAULT_LOST_KEY,      "the idempotency key is not in the batch's transaction"},
    {FAULT_MISSED_COMMIT, "a successor that prepares misses the last commit"     },
};

/* What a child says: the seed that it begins, or what it found. */
struct word {
    bool has_failed;
    int seed;
    char text[200];
};

static void say(int out, const struct word *word)
{
    ssize_t written = write(out, word, sizeof *word);
    INVARIANT(written == (ssize_t)sizeof *word);
}

static void child_main(int number, int out)
{
    engine_mutation = number;
    (void)close(STDERR_FILENO); /* it may well give up */
    (void)alarm(MAX_S);         /* or never end */
    for (int seed = 1; seed <= MAX_SEEDS; seed++) {
        struct sim_options options = {.seed = (uint64_t)seed, .steps = STEPS};
        struct sim_result result;
        struct word word = {.seed = seed};
        say(out, &word);
        sim_run(&options, &result);
        word.has_failed = result.has_failed;
        if (result.has_failed) {
            struct str report = buf_str(&result.report);
            struct str line = str_split(&report, '\n');
            (void)snprintf(word.text, sizeof word.text, "%.*s", STR_ARG(line));
        }
        sim_result_fini(&result);
        if (!word.has_failed)
            continue;
        say(out, &word);
        _exit(1);
    }
    _exit(0);
}

/* True when some seed found it. */
static bool mutation_run(const struct mutation *mutation)
{
    int ends[2];
    struct word word = {0};
    struct word last = {0};
    int64_t started = clock_mono_us();
    int piped = pipe(ends);
    INVARIANT(piped == 0);
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        child_main(mutation->number, ends[1]);
    }
    INVARIANT(child > 0);
    (void)close(ends[1]);
    while (read(ends[0], &word, sizeof word) == (ssize_t)sizeof word)
        last = word;
    (void)close(ends[0]);
    int status = 0;
    (void)waitpid(child, &status, 0);
    bool has_given_up = WIFSIGNALED(status) && !last.has_failed;
    bool is_found = last.has_failed || (has_given_up && WTERMSIG(status) != SIGALRM);
    if (has_given_up)
        (void)snprintf(last.text, sizeof last.text, "seed %d: the engine gives up (signal %d)",
                       last.seed, WTERMSIG(status));
    (void)printf("%2d %-56s %s after %d seeds, %.1f s\n", mutation->number, mutation->what,
                 is_found ? "found" : "NOT FOUND", last.seed,
                 (double)(clock_mono_us() - started) / 1e6);
    if (is_found)
        (void)printf("   %s\n", last.text);
    (void)fflush(stdout);
    return is_found;
}

int mutations_run(void)
{
    size_t found = 0;
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++)
        found += mutation_run(&mutations[i]) ? 1 : 0;
    (void)printf("%zu of %zu deliberate bugs were found\n", found, ARRAY_LEN(mutations));
    return found == ARRAY_LEN(mutations) ? 0 : 1;
}

#else

int mutations_run(void)
{
    (void)fprintf(stderr, "sim: this program has no deliberate bugs inside\n");
    return 2;
}

#endif
