#include "sync_fixture.h"

#include <stdio.h>

enum { READY_MS = 60000, RUN_MS = 120000, STOP_MS = 30000 };

static int world_port;
static int workspace_number;

#define DATES "'date_created':'2026-01-02T03:04:05Z','date_updated':'2026-01-02T03:04:05Z'"

int sync_main(const char *name, const struct test_case *cases, size_t count, int argc, char **argv)
{
    world_port = world_start();
    world_credentials(ACCOUNT, TOKEN);
    int status = suite_main(name, SUITE_ALL | SUITE_BIT(SUITE_TASKS), cases, count, argc, argv);
    world_stop();
    return status;
}

struct process *sync_start(const char *const *more)
{
    const char *env[24];
    const char *http = NULL;
    size_t count = 0;
    for (; more != NULL && *more != NULL; more++)
        env[count++] = *more;
    env[count++] = suite_text("TASKROUTER_TWILIO_URL=http://127.0.0.1:%d", world_port);
    env[count++] = "TWILIO_ACCOUNT_SID=" ACCOUNT;
    env[count++] = "TWILIO_AUTH_TOKEN=" TOKEN;
    env[count++] = "TASKROUTER_TWILIO_RATE=10000";
    env[count++] = "TASKROUTER_TWILIO_BURST=10000";
    env[count++] = "TASKROUTER_TWILIO_CONCURRENCY=24";
    env[count++] = "TASKROUTER_SYNC_RECONCILE=0";
    env[count++] = "TASKROUTER_SYNC_WEEKLY=0";
    env[count++] = NULL;
    INVARIANT(count <= ARRAY_LEN(env));
    struct process *process = suite_start_twin(SUITE_SYNC, env, &http);
    CHECK(process_wait_ready(process, http, READY_MS));
    suite_direct(SUITE_SYNC, suite_twin_grpc());
    return process;
}

void sync_stop(struct process *process)
{
    suite_direct(SUITE_SYNC, NULL);
    int status = process_terminate(process, STOP_MS);
    CHECK_I64(status, 0);
    if (status != 0)
        process_print_tail(process, 8000);
    process_free(process);
}

void sync_kill(struct process *process)
{
    suite_direct(SUITE_SYNC, NULL);
    process_signal(process, 9);
    (void)process_wait_exit(process, STOP_MS);
    process_free(process);
}

/* ---- the world ---- */

const char *sid_of(const char *prefix, int n)
{
    return suite_text("%s%08x%024x", prefix, (unsigned)workspace_number, (unsigned)n);
}

const char *list_of(const char *name)
{
    return suite_text("/v1/Workspaces/%s/%s", sid_of("WS", 0), name);
}

#define HEAD                 "{'sid':'%s','account_sid':'" ACCOUNT "','workspace_sid':'%s'," DATES ","
#define HEAD_ARGS(prefix, n) sid_of((prefix), (n)), sid_of("WS", 0)

void put_worker(int n, const char *friendly_name, const char *attributes)
{
    put_worker_of(n, friendly_name, attributes, 2);
}

void put_activity(int n, const char *friendly_name, bool is_available)
{
    world_put(list_of("Activities"), HEAD "'friendly_name':'%s','available':%s}",
              HEAD_ARGS("WA", n), friendly_name, is_available ? "true" : "false");
}

void put_worker_of(int n, const char *friendly_name, const char *attributes, int activity)
{
    world_put(list_of("Workers"),
              HEAD "'friendly_name':'%s','attributes':'%s','activity_sid':'%s','activity_name':"
                   "'','available':true,'date_status_changed':'2026-01-02T03:04:05Z'}",
              HEAD_ARGS("WK", n), friendly_name, attributes, sid_of("WA", activity));
    for (int i = 1; i <= 2; i++)
        world_put(list_of(suite_text("Workers/%s/Channels", sid_of("WK", n))),
                  HEAD "'worker_sid':'%s','task_channel_sid':'%s','task_channel_unique_name':'%s',"
                       "'configured_capacity':%d,'assigned_tasks':0,'available':true,"
                       "'available_capacity_percentage':100}",
                  HEAD_ARGS("WC", n * 10 + i), sid_of("WK", n), sid_of("TC", i),
                  i == 1 ? "default" : "voice", i);
}

void put_task(int n, const char *status)
{
    world_put(list_of("Tasks"),
              HEAD "'age':5,'assignment_status':'%s','attributes':'{}','addons':'{}','priority':%d,"
                   "'reason':null,'timeout':86400,'task_queue_sid':'%s','task_queue_friendly_name':"
                   "'Queue 1','task_channel_sid':'%s','task_channel_unique_name':'default',"
                   "'workflow_sid':'%s','workflow_friendly_name':'Flow','ignore_capacity':false,"
                   "'routing_target':null,'task_queue_entered_date':'2026-01-02T03:04:05Z',"
                   "'virtual_start_time':'2026-01-02T03:04:05Z'}",
              HEAD_ARGS("WT", n), status, n, sid_of("WQ", 1), sid_of("TC", 1), sid_of("WW", 1));
}

void put_reservation(int n, int task, const char *status)
{
    world_put(list_of(suite_text("Tasks/%s/Reservations", sid_of("WT", task))),
              HEAD "'task_sid':'%s','worker_sid':'%s','worker_name':'Worker 1',"
                   "'reservation_status':'%s'}",
              HEAD_ARGS("WR", n), sid_of("WT", task), sid_of("WK", 1), status);
}

static void put_configuration(void)
{
    static const char *const activities[] = {"Offline", "Available", "Break"};
    for (int i = 0; i < 3; i++)
        put_activity(i + 1, activities[i], i == 1);
    for (int i = 1; i <= 2; i++) {
        world_put(list_of("TaskChannels"),
                  HEAD "'friendly_name':'Channel %d','unique_name':'%s',"
                       "'channel_optimized_routing':false}",
                  HEAD_ARGS("TC", i), i, i == 1 ? "default" : "voice");
        world_put(list_of("TaskQueues"),
                  HEAD "'friendly_name':'Queue %d','target_workers':'1==1','task_order':'FIFO',"
                       "'max_reserved_workers':1,'reservation_activity_sid':null,"
                       "'assignment_activity_sid':null}",
                  HEAD_ARGS("WQ", i), i);
    }
    world_put(list_of("Workflows"),
              HEAD "'friendly_name':'Flow','configuration':'{`task_routing`:{"
                   "`default_filter`:{`queue`:`%s`}}}',"
                   "'assignment_callback_url':null,'fallback_assignment_callback_url':null,"
                   "'document_content_type':'application/json','task_reservation_timeout':120}",
              HEAD_ARGS("WW", 1), sid_of("WQ", 1));
}

const char *world_workspace(int workers)
{
    workspace_number++;
    world_clear();
    world_put("/v1/Workspaces",
              "{'sid':'%s','account_sid':'" ACCOUNT "','friendly_name':'World %d'," DATES
              ",'default_activity_sid':'%s','default_activity_name':'Offline',"
              "'timeout_activity_sid':'%s','timeout_activity_name':'Offline',"
              "'event_callback_url':null,'events_filter':null,'multi_task_enabled':true,"
              "'prioritize_queue_order':'FIFO'}",
              sid_of("WS", 0), workspace_number, sid_of("WA", 1), sid_of("WA", 1));
    put_configuration();
    for (int i = 1; i <= workers; i++)
        put_worker(i, suite_text("Worker %d", i), "{}");
    put_task(1, "pending");
    put_task(2, "assigned");
    put_task(3, "completed");
    put_reservation(1, 2, "accepted");
    put_reservation(2, 3, "completed");
    return sid_of("WS", 0);
}

/* ---- runs ---- */

const char *run_begin(const char *workspace, const char *more)
{
    return at(
        suite_ok(&suite_supervisor, S, "StartRun", "{'workspaceSid':'%s'%s}", workspace, more),
        "sid");
}

struct awaited {
    const char *workspace;
    const char *sid;
    const json_t *run;
};

static bool has_ended(const void *ctx)
{
    struct awaited *awaited = *(struct awaited *const *)ctx;
    struct answer answer =
        suite_call(&suite_viewer, S, "GetRun", "{'workspaceSid':'%s','sid':'%s'}",
                   awaited->workspace, awaited->sid);
    awaited->run = answer.body;
    return answer.code == ERR_OK && strcmp(at(answer.body, "state"), "RUN_STATE_RUNNING") != 0;
}

const json_t *run_ended(const char *workspace, const char *sid)
{
    struct awaited awaited = {workspace, sid, NULL};
    struct awaited *pointer = &awaited;
    bool is_there = suite_until(has_ended, &pointer, RUN_MS);
    CHECK(is_there);
    if (!is_there && awaited.run != NULL)
        (void)fprintf(stderr, "%s\n", json_dumps(awaited.run, JSON_INDENT(1)));
    return is_there ? awaited.run : NULL;
}

const json_t *run_now(const char *workspace, const char *more)
{
    return run_ended(workspace, run_begin(workspace, more));
}

const json_t *kind_of(const json_t *run, const char *kind)
{
    for (size_t i = 0; i < json_array_size(json_object_get(run, "progress")); i++) {
        const json_t *row = json_array_get(json_object_get(run, "progress"), i);
        if (strcmp(at(row, "kind"), kind) == 0)
            return row;
    }
    return NULL;
}

const char *counts_of(const json_t *run, const char *kind)
{
    const json_t *row = kind_of(run, kind);
    return suite_text("%d %d %d %d %d %d", (int)at_i64(row, "seen"), (int)at_i64(row, "created"),
                      (int)at_i64(row, "updated"), (int)at_i64(row, "unchanged"),
                      (int)at_i64(row, "vanished"), (int)at_i64(row, "conflicting"));
}

const json_t *items_of(const char *workspace, const char *sid, const char *kind,
                       const char *outcome)
{
    const json_t *reply = suite_ok(
        &suite_viewer, S, "ListRunItems",
        "{'workspaceSid':'%s','sid':'%s','kind':'%s','pageSize':1000%s}", workspace, sid, kind,
        outcome[0] == '\0' ? "" : suite_text(",'outcome':'MIRROR_OUTCOME_%s'", outcome));
    CHECK_TEXT(at(reply, "nextCursor"), "");
    return json_object_get(reply, "items");
}

/* Without what ended tasks leave the lists by: they do so in the midst of any test. */
static const char *rows_of(const char *table)
{
    char sum[64] = "";
    CHECK(cluster_sql_value(
        suite_cluster(),
        suite_text("select md5(coalesce(string_agg(row, ',' order by row), '')) from (select "
                   "(to_jsonb(t) - 'purged_at' - 'mirror_purge_at')::text as row from %s t) r",
                   table),
        sum, sizeof sum));
    return suite_text("%s %s", table, sum);
}

const char *rows_now(void)
{
    static const char *const tables[] = {
        "workers.workspace",   "workers.activity", "workers.worker", "queues.task_queue",
        "queues.task_channel", "routing.workflow", "tasks.task",     "tasks.reservation",
    };
    const char *all = "";
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        all = suite_text("%s %s", all, rows_of(tables[i]));
    return all;
}
