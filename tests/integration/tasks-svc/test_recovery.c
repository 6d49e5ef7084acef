/* tasks-svc: what a router that died in the middle of something still knows afterwards. */
#include <signal.h>

#include "tasks_fixture.h"

struct wish {
    const struct place *place;
    const char *task;
};

/* Calls fail fast until the client has found the new process. */
static bool is_canceled(const void *ctx)
{
    const struct wish *wish = ctx;
    return suite_call(&suite_supervisor, SUITE_TASKS, "CancelTask",
                      "{'workspaceSid':'%s','sid':'%s','reason':'never mind'}",
                      wish->place->workspace, wish->task)
               .code == ERR_OK;
}

struct whereabouts {
    const char *worker;
    const char *activity;
};

static bool is_worker_in(const void *ctx)
{
    const struct whereabouts *where = ctx;
    return suite_count("select count(*) from workers.worker where sid = '%s' and activity_sid = "
                       "'%s'",
                       where->worker, where->activity) == 1;
}

static const char *wanted_activity(const char *type, const char *reservation)
{
    const struct seen_event *event = suite_event(type, reservation, 0);
    return event == NULL ? "" : at(event->payload, "data.workerActivitySid");
}

static void crash(void)
{
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    REQUIRE(suite_restart(SUITE_TASKS));
}

/* One task at a time, and an offer moves its worker to the activity "Ringing". */
static struct place ringing_place(const char **out_ringing)
{
    const json_t *workspace = suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorkspace",
                                       "{'friendlyName':'One at a time','multiTaskEnabled':false}");
    struct place place = place_in(at(workspace, "sid"), 0);
    const json_t *ringing =
        suite_ok(&suite_admin, SUITE_WORKERS, "CreateActivity",
                 "{'workspaceSid':'%s','friendlyName':'Ringing'}", place.workspace);
    (void)place_heard(ringing);
    *out_ringing = at(ringing, "sid");
    (void)place_heard(suite_ok(&suite_admin, SUITE_QUEUES, "UpdateTaskQueue",
                               "{'taskQueue':{'sid':'%s','workspaceSid':'%s',"
                               "'reservationActivitySid':'%s'},'updateMask':"
                               "'reservationActivitySid'}",
                               place.queue, place.workspace, *out_ringing));
    return place;
}

static void test_previous_activity(void)
{
    const char *ringing = "";
    struct place place = ringing_place(&ringing);
    const char *worker = place_worker(&place, "ada", 1);
    struct wish wish = {&place, task_new(&place, "{}")};
    const char *offer = reservation_of(&place, "taskSid", wish.task, "PENDING");
    CHECK_TEXT(wanted_activity("reservation.created", offer), ringing);
    struct whereabouts offered = {worker, ringing};
    struct whereabouts before = {worker, place.available};
    CHECK(suite_until(is_worker_in, &offered, 10000));
    crash();
    CHECK(suite_until(is_canceled, &wish, 10000));
    CHECK_TEXT(wanted_activity("reservation.canceled", offer), place.available);
    CHECK(suite_until(is_worker_in, &before, 10000));
    CHECK(is_log_whole());
}

static bool is_deleted(const void *ctx)
{
    return suite_count("select count(*) from tasks.config_copy where sid = '%s' and is_deleted",
                       (const char *)ctx) == 1;
}

static bool is_offered(const void *ctx)
{
    const struct wish *wish = ctx;
    return suite_count("select count(*) from tasks.reservation where task_sid = '%s'", wish->task) >
           0;
}

/* Words of the owners, who would refuse it by themselves while it is in use. */
static void delete_in_use(const struct place *place)
{
    CHECK(suite_publish("workflow.deleted", place->workspace, place->workflow, 9, 0,
                        "{'workflow':{'sid':'%s','workspaceSid':'%s','friendlyName':'All',"
                        "'configuration':'{`task_routing`:{`default_filter`:{`queue`:`%s`}}}',"
                        "'configurationVersion':'2','version':'9'},'deleted':true}",
                        place->workflow, place->workspace, place->queue));
    CHECK(suite_publish("activity.deleted", place->workspace, place->available, 9, 0,
                        "{'activity':{'sid':'%s','workspaceSid':'%s','friendlyName':'On call',"
                        "'available':true,'version':'9'},'deleted':true}",
                        place->available, place->workspace));
    CHECK(suite_until(is_deleted, place->workflow, 10000));
    CHECK(suite_until(is_deleted, place->available, 10000));
}

static void test_deleted_in_use(void)
{
    struct place place = place_new(0);
    struct wish waiting = {&place, task_new(&place, "{}")};
    (void)place_heard(suite_ok(&suite_admin, SUITE_ROUTING, "UpdateWorkflow",
                               "{'workflow':{'sid':'%s','workspaceSid':'%s','configuration':"
                               "'{`task_routing`:{`default_filter`:{`queue`:`%s`,`priority`:7}}}'},"
                               "'updateMask':'configuration'}",
                               place.workflow, place.workspace, place.queue));
    delete_in_use(&place);
    crash();
    /* Still in the document that it entered. */
    CHECK_I64(suite_count("select workflow_version from tasks.task where sid = '%s'", waiting.task),
              1);
    /* And a worker in the activity is still asked. */
    (void)place_worker(&place, "ada", 1);
    CHECK(suite_until(is_offered, &waiting, 10000));
    CHECK_I64(suite_count("select workflow_version from tasks.task where sid = '%s'", waiting.task),
              1);
    CHECK_I64(suite_count("select priority from tasks.task where sid = '%s'", waiting.task), 0);
}

/* ---- many rows ---- */

enum { PAGE_ROWS = 64, PATIENCE_MS = 60000 }; /* a page of tasks in builds with sanitizers */

static int64_t live_count(void)
{
    return suite_count("select count(*) from tasks.task where purged_at is null");
}

/* What the router routes is what its table says. */
static void check_loaded(const struct place *place)
{
    const json_t *now = suite_ok(&suite_viewer, SUITE_TASKS, "GetWorkspaceStatistics",
                                 "{'workspaceSid':'%s'}", place->workspace);
    CHECK_I64(at_i64(now, "realtime.totalTasks"),
              suite_count("select count(*) from tasks.task where purged_at is null and "
                          "workspace_sid = '%s'",
                          place->workspace));
}

static void test_pages(void)
{
    struct place place = place_new(0);
    int64_t filled = live_count() + 1; /* and the one that is filled after */
    place_fill(&place, 3 * PAGE_ROWS - (int)(filled % PAGE_ROWS));
    CHECK_I64(live_count() % PAGE_ROWS, 0);
    crash();
    check_loaded(&place);
    const char *task = task_new(&place, "{}"); /* a last page of one */
    CHECK_I64(live_count() % PAGE_ROWS, 1);
    crash();
    check_loaded(&place);
    CHECK_TEXT(task_status(&place, task), "PENDING");
}

static void change_workflow(const struct place *place, int priority)
{
    (void)place_heard(suite_ok(&suite_admin, SUITE_ROUTING, "UpdateWorkflow",
                               "{'workflow':{'sid':'%s','workspaceSid':'%s','configuration':"
                               "'{`task_routing`:{`default_filter`:{`queue`:`%s`,`priority`:%d}}}'}"
                               ",'updateMask':'configuration'}",
                               place->workflow, place->workspace, place->queue, priority));
}

static int64_t count_in(const struct place *place, int version)
{
    return suite_count("select count(*) from tasks.task where workspace_sid = '%s' and "
                       "workflow_version = %d",
                       place->workspace, version);
}

/* A document that only a later page names is there before its tasks. */
static void test_documents(void)
{
    struct place place = place_new(0);
    place_fill(&place, 2 * PAGE_ROWS);
    crash();
    change_workflow(&place, 3);
    struct wish later = {&place, task_new(&place, "{}")};
    change_workflow(&place, 5);
    CHECK_I64(count_in(&place, 1), 2 * PAGE_ROWS + 1);
    CHECK_I64(count_in(&place, 2), 1);
    crash();
    check_loaded(&place);
    CHECK_I64(count_in(&place, 1), 2 * PAGE_ROWS + 1);
    CHECK_I64(count_in(&place, 2), 1);
    (void)place_worker(&place, "ada", 1); /* priority 3 goes before all that are older */
    CHECK(suite_until(is_offered, &later, 10000));
    CHECK_I64(suite_count("select priority from tasks.task where sid = '%s'", later.task), 3);
    CHECK_I64(count_in(&place, 2), 1);
}

/* ---- while it loads ---- */

/* In a session of its own, which ends with its query. */
static struct process *hold(const char *table)
{
    const char *sql = suite_text("begin; lock table tasks.%s in access exclusive mode; "
                                 "select pg_sleep(600)",
                                 table);
    const char *args[] = {"-X", "-q", "-c", sql, cluster_db_url(suite_cluster(), "postgres"), NULL};
    return process_start(&(struct process_options){.program = "psql", .args = args});
}

static bool is_held(const void *ctx)
{
    return suite_count("select count(*) from pg_locks where granted and mode = "
                       "'AccessExclusiveLock' and relation = 'tasks.%s'::regclass",
                       (const char *)ctx) == 1;
}

/* The loading session waits for the table: after a first page when that is of reservations. */
struct stop {
    const char *table;
    int64_t pid; /* not this one */
};

static int64_t waiting_pid(const struct stop *stop)
{
    return suite_count("select coalesce(max(pid), 0) from pg_stat_activity where "
                       "wait_event_type = 'Lock' and query like '%%from %s%%order by sequence%%' "
                       "and usename = 'taskrouter_tasks' and pid <> %lld",
                       stop->table, (long long)stop->pid);
}

static bool is_stopped(const void *ctx)
{
    return waiting_pid(ctx) > 0;
}

static bool is_serving(const void *ctx)
{
    const struct place *place = ctx;
    return suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask", "{'workspaceSid':'%s'}",
                      place->workspace)
               .code == ERR_OK;
}

/* Of several pages, a later one with a task that was offered once; its load stops at the table. */
static struct process *stopped_load(struct place *place, struct stop *stop)
{
    *place = place_new(0);
    place_fill(place, 2 * PAGE_ROWS);
    CHECK_I64(suite_count("with offered as (update tasks.task set assignment_count = 1 where "
                          "sequence = (select max(sequence) from tasks.task) returning 1) "
                          "select count(*) from offered"),
              1);
    struct process *holder = hold(stop->table);
    CHECK(suite_until(is_held, stop->table, PATIENCE_MS));
    CHECK_I64(suite_count("with lost as (update tasks.shard_lease set epoch = epoch + 1 returning "
                          "1) select count(*) from lost"),
              1);
    CHECK(!is_serving(place)); /* finds that it lost the shard, and loads it again */
    CHECK(suite_until(is_stopped, stop, PATIENCE_MS));
    return holder;
}

static bool is_free(const void *ctx)
{
    (void)suite_count("select count(pg_terminate_backend(pid)) from pg_stat_activity where "
                      "query like '%%pg_sleep(600)' and pid <> pg_backend_pid()");
    return !is_held(ctx);
}

/* Its session goes on after its client. */
static void end_holder(struct process *holder, const char *table)
{
    process_signal(holder, SIGKILL);
    (void)process_wait_exit(holder, PATIENCE_MS);
    process_free(holder);
    CHECK(suite_until(is_free, table, PATIENCE_MS));
}

static void check_breaks(const char *table)
{
    struct place place;
    struct stop stop = {.table = table};
    struct process *holder = stopped_load(&place, &stop);
    for (int i = 0; i < 2; i++) {
        stop.pid = waiting_pid(&stop);
        CHECK_I64(suite_count("select pg_terminate_backend(%lld)::integer", (long long)stop.pid),
                  1);
        CHECK(suite_until(is_stopped, &stop, PATIENCE_MS)); /* it is loaded again */
    }
    end_holder(holder, stop.table);
    CHECK(suite_until(is_serving, &place, PATIENCE_MS));
    check_loaded(&place);
    CHECK(is_log_whole());
}

static void test_break(void)
{
    check_breaks("task");
    check_breaks("reservation");
}

static void test_postgres_killed(void)
{
    struct place place;
    struct stop stop = {.table = "reservation"};
    struct process *holder = stopped_load(&place, &stop);
    cluster_kill(suite_cluster(), CLUSTER_POSTGRES);
    cluster_restart(suite_cluster(), CLUSTER_POSTGRES);
    end_holder(holder, stop.table);
    CHECK(suite_until(is_serving, &place, PATIENCE_MS));
    check_loaded(&place);
    CHECK(is_log_whole());
}

static const struct test_case cases[] = {
    {"after a crash a withdrawn offer returns its worker to where he was", test_previous_activity},
    {"after a crash what is deleted serves on where it is in use",         test_deleted_in_use   },
    {"a shard of several full pages is loaded whole",                      test_pages            },
    {"tasks of every page find the document that they entered",            test_documents        },
    {"a load whose connection breaks is begun anew",                       test_break            },
    {"a load goes on when PostgreSQL was killed meanwhile",                test_postgres_killed  },
};

int main(int argc, char **argv)
{
    return suite_main("tasks recovery", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
