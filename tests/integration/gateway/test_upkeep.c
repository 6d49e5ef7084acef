/* What does not stay for ever: calls, conversations, lines of workspaces that are gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

enum { PATIENCE_MS = 90000, LINES = 105 };

static const char *const env[] = {"TASKROUTER_CALL_MAX_AGE=30d", NULL};

static long long count(const char *sql)
{
    char value[32] = "";
    CHECK(cluster_sql_value(cluster, sql, value, sizeof value));
    return strtoll(value, NULL, 10);
}

struct wanted {
    const char *sql;
    long long count;
};

static bool is_so(void *ctx)
{
    const struct wanted *wanted = ctx;
    return count(wanted->sql) == wanted->count;
}

static bool counts(const char *sql, long long wanted_count)
{
    struct wanted wanted = {sql, wanted_count};
    return until(is_so, &wanted, PATIENCE_MS);
}

/* More than one transaction removes. */
static void test_old_ones(void)
{
    CHECK(cluster_sql(
        cluster,
        "insert into gateway.phone_call (sid, account_sid, workspace_sid, call_sid, direction, "
        "status, from_number, to_number, customer_sid, customer_name, task_sid, worker_sid, "
        "line_sid, started_at, duration_s, recording_url, recording_sid, recording_duration_s, "
        "transcription, follow_up_task_sid, menu_path, plan, plan_no, version, created_at, "
        "updated_at) select 'CL' || n, '', '', 'CA' || n, 'inbound', 'missed', '', '', '', '', '', "
        "'', '', t, 0, '', '', 0, '', '', '', '', 0, 1, t, t from generate_series(1, 2100) n, "
        "lateral (select now() - make_interval(days => case when n <= 3 then 29 else 31 end) as t) "
        "as age"));
    CHECK(cluster_sql(
        cluster, "insert into gateway.text_conversation (sid, workspace_sid, from_number, "
                 "to_number, number, task_sid, message_sids, updated_at) select 'TX' || n, '', "
                 "'from' || n, '', 1, '', '{}', now() - make_interval(days => case when n <= 2 "
                 "then 29 else 31 end) from generate_series(1, 1500) n"));
    CHECK_I64(count("select count(*) from gateway.phone_call"), 2100);
    program_kill(PROGRAM_GATEWAY);
    program_start(PROGRAM_GATEWAY);
    CHECK(counts("select count(*) from gateway.phone_call", 3));
    CHECK(counts("select count(*) from gateway.text_conversation", 2));
    CHECK_I64(count("select count(*) from gateway.phone_call where sid in ('CL1', 'CL2', 'CL3')"),
              3);
}

static struct reply line_new(const char *workspace, int number)
{
    return ask(BOOTSTRAP, "POST", "/lines", text("X-Workspace-Sid: %s\r\n", workspace),
               text("{'phoneNumber':'+1512555%04d','friendlyName':'Line %d'}", number, number));
}

/* The numbers are free for others then. */
static void test_workspace_deleted(void)
{
    const char *gone = text("%s", workspace_new());
    const char *other = text("%s", workspace_new());
    CHECK_I64(line_new(other, 999).status, 201);
    for (int i = 1; i <= LINES; i++)
        CHECK_I64(line_new(gone, i).status, 201);
    struct reply taken = line_new(other, 1);
    CHECK(is_problem(&taken, 409, "PHONE_NUMBER_TAKEN", "phoneNumber"));
    CHECK_I64(ask(BOOTSTRAP, "DELETE", text("/workspaces/%s", gone), NULL, NULL).status, 204);
    program_kill(PROGRAM_GATEWAY);
    program_start(PROGRAM_GATEWAY);
    CHECK(counts(text("select count(*) from gateway.phone_line where workspace_sid = '%s'", gone),
                 0));
    CHECK_I64(line_new(other, 1).status, 201);
    CHECK_I64(
        count(text("select count(*) from gateway.phone_line where workspace_sid = '%s'", other)),
        2);
}

static const struct test_case cases[] = {
    {"a workspace's lines go with it",                        test_workspace_deleted},
    {"calls and conversations are removed when they are old", test_old_ones         },
};

int main(int argc, char **argv)
{
    program_env_set(PROGRAM_GATEWAY, env);
    return fixture_main("gateway upkeep", cases, ARRAY_LEN(cases), argc, argv);
}
