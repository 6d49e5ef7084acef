/* What is left of a workspace that was deleted: nothing, in small steps, whatever is killed. */
#include <signal.h>

#include "base/clock.h"
#include "tasks_fixture.h"

enum { WAIT_MS = 40000, MANY = 1200 };

/* The tables that hold something of a workspace, and how it is found. */
static const char *const leftovers[] = {
    "task where workspace_sid =",
    "reservation where workspace_sid =",
    "stat_span where workspace_sid =",
    "stat_bucket where workspace_sid =",
    "callback where workspace_sid =",
    "callback_target where workspace_sid =",
    "config_copy where kind <> 'workspace' and workspace_sid =",
    "worker_override where workspace_sid =",
};

static int64_t left(const char *what, const char *key)
{
    return suite_count("select count(*) from tasks.%s '%s'", what, key);
}

static int64_t left_in_all(const struct place *place)
{
    int64_t all = 0;
    for (size_t i = 0; i < ARRAY_LEN(leftovers); i++)
        all += left(leftovers[i], place->workspace);
    return all + suite_count("select count(*) from tasks.workflow_document where workflow_sid = "
                             "'%s'",
                             place->workflow);
}

static bool is_empty(const void *ctx)
{
    return left_in_all(ctx) == 0;
}

static const char *finished_task(const struct place *place)
{
    const char *task = task_new(place, "{}");
    const char *offer = reservation_of(place, "taskSid", task, "PENDING");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", place->workspace, offer);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteTask",
                   "{'workspaceSid':'%s','sid':'%s'}", place->workspace, task);
    return task;
}

static bool has_statistics(const void *ctx)
{
    const struct place *place = ctx;
    return suite_count("select count(*) from tasks.stat_bucket where sid = '%s' and "
                       "tasks_completed > 0",
                       place->workspace) > 0 &&
           suite_count("select count(*) from tasks.stat_span where workspace_sid = '%s'",
                       place->workspace) > 0;
}

/* A workspace with a bit of everything. */
static struct place lived_in(void)
{
    struct place place = place_new(0);
    (void)place_worker(&place, "one", 5);
    (void)finished_task(&place);
    (void)task_new(&place, "{}");
    CHECK(suite_until(has_statistics, &place, WAIT_MS));
    CHECK(cluster_sql(
        suite_cluster(),
        suite_text("insert into tasks.callback (sid, shard, kind, state, account_sid, "
                   "workspace_sid, task_sid, worker_sid, reservation_sid, event_sid, event_type, "
                   "object_key, url, fallback_url, parameters, created_at, expires_at, "
                   "next_attempt_at, ended_at) values ('CB' || substr('%s', 3), 0, 'event', "
                   "'dead', '', '%s', '', '', '', '', '', '', '', '', '{}', now(), now(), now(), "
                   "now())",
                   place.workspace, place.workspace)));
    return place;
}

static void workspace_drop(const struct place *place)
{
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "DeleteWorkspace", "{'sid':'%s'}",
                   place->workspace);
}

static void test_removed(void)
{
    struct place gone = lived_in();
    struct place stays = lived_in();
    for (size_t i = 0; i < ARRAY_LEN(leftovers) - 1; i++)
        CHECK(left(leftovers[i], gone.workspace) > 0);
    int64_t others = left_in_all(&stays);
    workspace_drop(&gone);
    CHECK(suite_until(is_empty, &gone, WAIT_MS));
    CHECK(left_in_all(&stays) >= others);
    CHECK_I64(suite_count("select count(*) from tasks.config_copy where sid = '%s' and is_deleted",
                          gone.workspace),
              1); /* it is not taken for an unknown one */
    CHECK(suite_refused(&suite_supervisor, SUITE_TASKS, "NOT_FOUND WORKSPACE_NOT_FOUND",
                        "CreateTask", "{'workspaceSid':'%s'}", gone.workspace));
    (void)task_new(&stays, "{}");
}

/* A word about a worker that comes when his workspace is gone leaves nothing behind. */
static void test_late_word(void)
{
    struct place place = lived_in();
    workspace_drop(&place);
    CHECK(suite_until(is_empty, &place, WAIT_MS));
    const char *worker = "WK0000000000000000000000000000a11e";
    CHECK(
        suite_publish("worker.created", place.workspace, worker, 1, clock_now_us(),
                      "{'worker':{'sid':'%s','accountSid':'" ACCOUNT "','workspaceSid':'%s',"
                      "'friendlyName':'Late','attributes':'{}','activitySid':'%s','version':'1'}}",
                      worker, place.workspace, place.available));
    struct place other = place_new(0); /* heard of behind it */
    CHECK(place_knows(&other, place_worker(&other, "Next", 1)));
    CHECK_I64(suite_count("select count(*) from tasks.config_copy where sid = '%s'", worker), 0);
}

static bool is_at_it(const void *ctx)
{
    (void)ctx;
    return suite_count("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") > 0;
}

static void test_killed(void)
{
    struct place place = lived_in();
    place_fill(&place, MANY);
    REQUIRE(suite_restart(SUITE_TASKS));
    /* the first step with tasks is under way when the process is killed */
    REQUIRE(cluster_sql(suite_cluster(),
                        "create function tasks.dawdle() returns trigger language plpgsql as $$ "
                        "begin perform pg_sleep(3) where exists (select 1 from tasks.task t where "
                        "t.deleted_at is not null); return null; end $$;"
                        "create trigger dawdle after delete on tasks.task for each statement "
                        "execute function tasks.dawdle()"));
    workspace_drop(&place);
    REQUIRE(suite_until(is_at_it, NULL, WAIT_MS));
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    CHECK(left(leftovers[0], place.workspace) >= MANY);
    REQUIRE(cluster_sql(suite_cluster(), "drop trigger dawdle on tasks.task"));
    REQUIRE(suite_restart(SUITE_TASKS));
    CHECK(suite_until(is_empty, &place, WAIT_MS));
}

static const struct test_case cases[] = {
    {"nothing is left below a deleted workspace",            test_removed  },
    {"what is told late of its worker leaves nothing",       test_late_word},
    {"a removal that is killed half way is done in the end", test_killed   },
};

int main(int argc, char **argv)
{
    return suite_main("removal", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
