/*
 * How long tasks-svc takes to load a shard: recovery_bench [tasks [starts]]. One task is created
 * through the services and its row repeated by SQL, so that the rows are as the router writes them;
 * then tasks-svc is killed and started again, and its own line "shard is loaded" gives the time.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "tasks_fixture.h"

enum { MOST_TASKS = 10000000, ROWS_PER_STEP = 50000, ATTRIBUTES_BYTES = 190 };

static int64_t task_count = 100000;
static int64_t starts = 3;

/* Of the newest line about it; -1 when there is none. */
static int64_t loaded_number(const char *field)
{
    FILE *file = fopen(process_log_path(suite_process(SUITE_TASKS)), "r");
    static char line[8192];
    int64_t number = -1;
    while (file != NULL && fgets(line, (int)sizeof line, file) != NULL) {
        const char *found = strstr(line, field);
        if (strstr(line, "shard is loaded") != NULL && found != NULL)
            number = strtoll(found + strlen(field), NULL, 10);
    }
    if (file != NULL)
        (void)fclose(file);
    return number;
}

/* The columns but those the copy has of its own, and generated ones. */
static bool repeat_rows(const char *task, int64_t first, int64_t last)
{
    return cluster_sql(
        suite_cluster(),
        suite_text(
            "do $$ declare names text; begin "
            "select string_agg(quote_ident(column_name), ', ') into names "
            "from information_schema.columns where table_schema = 'tasks' and table_name = 'task' "
            "and column_name not in ('sid', 'sequence') and is_generated = 'NEVER'; "
            "execute format('insert into tasks.task (sid, sequence, %%s) "
            "select ''WT'' || md5(n::text), t.sequence + n, %%s from tasks.task t, "
            "generate_series(%lld, %lld) n where t.sid = ''%s''', names, names); end $$",
            (long long)first, (long long)last, task));
}

/* In steps, each within the time that one may take. */
static bool repeat_row(const char *task)
{
    bool is_good = true;
    for (int64_t first = 1; first < task_count && is_good; first += ROWS_PER_STEP) {
        int64_t last = first + ROWS_PER_STEP - 1;
        is_good = repeat_rows(task, first, last < task_count ? last : task_count - 1);
    }
    return is_good;
}

static void test_load(void)
{
    struct place place = place_new(0);
    const char *task =
        task_new(&place, suite_text("{`language`:`nl`,`skills`:[`billing`,`refunds`],`priority`:3,"
                                    "`customer`:{`name`:`%0*d`,`tier`:`gold`}}",
                                    ATTRIBUTES_BYTES / 2, 7));
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    REQUIRE(repeat_row(task));
    for (int64_t i = 0; i < starts; i++) {
        REQUIRE(suite_restart(SUITE_TASKS));
        int64_t tasks = loaded_number("\"tasks\":");
        int64_t took_ms = loaded_number("\"took_ms\":");
        CHECK_I64(tasks, task_count);
        (void)printf("\n= %lld waiting tasks loaded in %lld ms: %lld tasks/s\n", (long long)tasks,
                     (long long)took_ms, (long long)(tasks * 1000 / (took_ms > 0 ? took_ms : 1)));
        process_signal(suite_process(SUITE_TASKS), SIGKILL);
        (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    }
    REQUIRE(suite_restart(SUITE_TASKS));
}

static const struct test_case cases[] = {
    {"loading a shard", test_load},
};

int main(int argc, char **argv)
{
    int64_t *const numbers[] = {&task_count, &starts};
    for (int i = 1; i < argc; i++) {
        if (i > 2 || !parse_i64(str_from(argv[i]), 1, MOST_TASKS, numbers[i - 1])) {
            (void)fprintf(stderr, "usage: recovery_bench [tasks [starts]]\n");
            return 2;
        }
    }
    return suite_main("recovery", TASKS_SET, cases, ARRAY_LEN(cases), 1, argv);
}
