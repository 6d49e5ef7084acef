/* The rules in the order in which they are looked at, and the whole check. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check_int.h"

enum { OUT_MAX_BYTES = 1 << 20 };

#define ARENA_MAX_BYTES                                                                            \
    (SIZE_MAX / 2) /* as much as there is: a run of days has a large history                       \
                    */

const struct rule check_rules[] = {
    {"readable",      "every line can be read, every call ends at most once",       false, NULL              },
    {"complete",      "the run came to its end and read what is left",              false, NULL              },
    {"log-order",     "the log has no gap and holds each event once",               true,  rule_log_order    },
    {"states",        "tasks and reservations follow the tables of states",         true,  rule_states       },
    {"versions",      "the versions of each resource grow without a gap",           true,  rule_versions     },
    {"one-worker",    "no task is assigned twice, by the log",                      true,  rule_one_worker   },
    {"accepts",       "no task is assigned twice, by what agents were told",        false, rule_accepts      },
    {"capacity",      "no worker holds more than the capacity of his channel",      true,  rule_capacity     },
    {"acknowledged",  "what was acknowledged is in the log under its request id",   true,
     rule_acknowledged                                                                                       },
    {"once",          "one key makes one task, and the same answer each time",      true,  rule_once         },
    {"refused",       "what was refused has had no effect",                         true,  rule_refused      },
    {"one-effect",    "one call has one effect at most, and each effect its call",  true,
     rule_one_effect                                                                                         },
    {"real-time",     "what was acknowledged comes before what began afterwards",   true,  rule_real_time    },
    {"reads",         "what was acknowledged is seen by who reads afterwards",      true,  rule_reads        },
    {"bus-complete",  "JetStream has every event of the log",                       true,  rule_bus_complete },
    {"bus-order",     "JetStream has the events in the order of the log",           false, rule_bus_order    },
    {"bus-committed", "JetStream has no event that is not in the log",              true,  rule_bus_committed},
    {"watch",         "WatchEvents with resume tells the log",                      true,  rule_watch        },
    {"config-heard",  "what other services told is in the log",                     true,  rule_config_heard },
    {"left",          "what is left is what the log tells, and nothing is missing", true,  rule_left         },
    {"ended",         "with the faults over, every task ends",                      true,  rule_ended        },
    {"alive",         "no process ends but by the hand of the nemesis",             false, rule_alive        },
};

const size_t check_rule_count = ARRAY_LEN(check_rules);

static void run_rules(struct checker *checker)
{
    checker->rule = &check_rules[0];
    history_load(checker);
    checker->rule = &check_rules[1];
    checker->broken_here = 0;
    if (!checker->is_complete)
        blame(checker, checker->line_count, 0,
              "there is no phase \"end\": rules about the log are not looked at");
    for (size_t i = 2; i < check_rule_count; i++) {
        checker->rule = &check_rules[i];
        checker->broken_here = 0;
        if (checker->is_complete || !checker->rule->needs_end)
            checker->rule->run(checker);
        if (checker->broken_here > 1)
            buf_printf(checker->out, "  and %zu more\n", checker->broken_here - 1);
    }
}

static void checker_fini(struct checker *checker)
{
    for (size_t i = 0; i < checker->ops.count; i++)
        vec_fini(&((struct op_rec *)checker->ops.items[i])->calls);
    for (size_t i = 0; i < checker->things.count; i++) {
        struct thing *thing = checker->things.entries[i].value;
        vec_fini(&thing->ops);
        vec_fini(&thing->reads);
    }
    struct vec *vecs[] = {&checker->calls,  &checker->ends,  &checker->ops,  &checker->log,
                          &checker->watch,  &checker->live,  &checker->left, &checker->durable,
                          &checker->faults, &checker->deaths};
    for (size_t i = 0; i < ARRAY_LEN(vecs); i++)
        vec_fini(vecs[i]);
    map_fini(&checker->calls_by_id);
    map_fini(&checker->calls_by_rid);
    map_fini(&checker->log_by_sid);
    map_fini(&checker->others);
    map_fini(&checker->things);
    free(checker->lines);
    arena_free(checker->arena);
}

bool history_check(struct str history, struct buf *out, const char **out_broken)
{
    struct checker checker = {
        .arena = arena_new(ARENA_MAX_BYTES),
        .text = history,
        .out = out,
        .first_broken = "",
    };
    map_init(&checker.calls_by_id);
    map_init(&checker.calls_by_rid);
    map_init(&checker.log_by_sid);
    map_init(&checker.others);
    map_init(&checker.things);
    run_rules(&checker);
    report_figures(&checker);
    buf_printf(out, "%s\n", checker.broken == 0 ? "nothing lost, nothing double" : "BROKEN");
    bool is_good = checker.broken == 0;
    if (out_broken != NULL)
        *out_broken = checker.first_broken;
    checker_fini(&checker);
    return is_good;
}

bool history_check_file(const char *path, FILE *out)
{
    FILE *file = fopen(path, "rb");
    struct buf text;
    struct buf verdict;
    char chunk[65536];
    size_t got = 0;
    if (file == NULL) {
        (void)fprintf(out, "%s cannot be read\n", path);
        return false;
    }
    buf_init(&text, SIZE_MAX / 2);
    buf_init(&verdict, OUT_MAX_BYTES);
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_append(&text, chunk, got);
    (void)fclose(file);
    bool is_good = history_check(buf_str(&text), &verdict, NULL);
    if (!buf_failed(&verdict) && verdict.data != NULL)
        (void)fputs(verdict.data, out);
    buf_fini(&verdict);
    buf_fini(&text);
    return is_good;
}
