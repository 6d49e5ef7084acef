/* sync-svc: the record of runs. */
#include "suite.h"

static void put_run(const char *sid, const char *workspace_sid, const char *state)
{
    CHECK(cluster_sql(suite_cluster(),
                      suite_text("insert into sync.run (sid, account_sid, workspace_sid, state, "
                                 "kinds, dry_run, started_at, ended_at) values ('%s', '%s', '%s', "
                                 "'%s', '{activities,queues}', true, '2026-01-02T03:04:05Z', "
                                 "case when '%s' <> 'RUNNING' then "
                                 "timestamptz '2026-01-02T03:05:05.25Z' end)",
                                 sid, ACCOUNT, workspace_sid, state, state)));
}

/* Seeing a workspace makes sync-svc ask for it, so that runs may refer to its copy. */
static const char *known_workspace(void)
{
    const char *workspace = suite_workspace();
    (void)suite_ok(&suite_viewer, SUITE_SYNC, "ListRuns", "{'workspaceSid':'%s'}", workspace);
    return workspace;
}

static void test_get(void)
{
    const char *workspace = known_workspace();
    put_run("SY00000000000000000000000000000001", workspace, "PARTIAL");
    const json_t *run =
        suite_ok(&suite_viewer, SUITE_SYNC, "GetRun",
                 "{'workspaceSid':'%s','sid':'SY00000000000000000000000000000001'}", workspace);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_PARTIAL");
    CHECK_TEXT(at(run, "kinds.1"), "queues");
    CHECK_I64(at_i64(run, "dryRun"), 1);
    CHECK_TEXT(at(run, "dateStarted"), "2026-01-02T03:04:05Z");
    CHECK_TEXT(at(run, "dateEnded"), "2026-01-02T03:05:05.250000Z");
    CHECK(suite_refused(&suite_viewer, SUITE_SYNC, "NOT_FOUND RUN_NOT_FOUND sid", "GetRun",
                        "{'workspaceSid':'%s','sid':'SY00000000000000000000000000000009'}",
                        workspace));
    CHECK(suite_refused(
        &suite_viewer, SUITE_SYNC, "INVALID_ARGUMENT INVALID_SID sid : SY", "GetRun",
        "{'workspaceSid':'%s','sid':'WK00000000000000000000000000000009'}", workspace));
    CHECK(suite_refused(
        &suite_stranger, SUITE_SYNC, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid", "GetRun",
        "{'workspaceSid':'%s','sid':'SY00000000000000000000000000000001'}", workspace));
}

static void test_list(void)
{
    const char *workspace = known_workspace();
    for (int i = 1; i <= 5; i++)
        put_run(suite_text("SY1000000000000000000000000000000%d", i), workspace, "CLEAN");
    const json_t *first = suite_ok(&suite_viewer, SUITE_SYNC, "ListRuns",
                                   "{'workspaceSid':'%s','pageSize':3}", workspace);
    CHECK_I64(at_i64(first, "items"), 3);
    CHECK_TEXT(at(first, "items.0.sid"), "SY10000000000000000000000000000005");
    const json_t *second = suite_ok(&suite_viewer, SUITE_SYNC, "ListRuns",
                                    "{'workspaceSid':'%s','pageSize':3,'cursor':'%s'}", workspace,
                                    at(first, "nextCursor"));
    CHECK_I64(at_i64(second, "items"), 2);
    CHECK_TEXT(at(second, "items.1.sid"), "SY10000000000000000000000000000001");
    CHECK_TEXT(at(second, "nextCursor"), "");
    CHECK(suite_refused(&suite_viewer, SUITE_SYNC, "INVALID_ARGUMENT INVALID_CURSOR cursor",
                        "ListRuns", "{'workspaceSid':'%s','cursor':'abc'}", workspace));
}

static bool are_runs_gone(const void *workspace)
{
    return suite_count("select count(*) from sync.run where workspace_sid = '%s'",
                       (const char *)workspace) == 0;
}

static void test_cascade(void)
{
    const char *workspace = known_workspace();
    put_run("SY20000000000000000000000000000001", workspace, "FAILED");
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "DeleteWorkspace", "{'sid':'%s'}", workspace);
    CHECK(suite_until(are_runs_gone, workspace, 10000));
    CHECK(suite_refused(&suite_viewer, SUITE_SYNC, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid",
                        "ListRuns", "{'workspaceSid':'%s'}", workspace));
}

static const struct test_case cases[] = {
    {"a run is read back, by those who may see its workspace", test_get    },
    {"runs are listed newest first, page by page",             test_list   },
    {"a deleted workspace takes its runs with it",             test_cascade},
};

int main(int argc, char **argv)
{
    return suite_main("sync runs", SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_SYNC), cases,
                      ARRAY_LEN(cases), argc, argv);
}
