/* Lists by what the indexes know, and the end of history. */
#include "tasks_fixture.h"

enum { WAIT_MS = 20000 };

static int64_t listed(const struct place *place, const char *filter)
{
    return at_i64(suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks", "{'workspaceSid':'%s',%s}",
                           place->workspace, filter),
                  "items");
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

static void test_lists(void)
{
    struct place place = place_new(0);
    const char *worker = place_worker(&place, "one", 2);
    (void)finished_task(&place);
    const json_t *made = suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                                  "{'workspaceSid':'%s','attributes':'{}'}", place.workspace);
    /* the offer that a creation led to comes with its reply */
    CHECK_TEXT(at(made, "reservationSid"),
               reservation_of(&place, "taskSid", at(made, "sid"), "PENDING"));
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", place.workspace, at(made, "reservationSid"));
    (void)task_new(&place, "{}");
    const json_t *waiting = suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                                     "{'workspaceSid':'%s','attributes':'{}'}", place.workspace);
    CHECK_TEXT(at(waiting, "reservationSid"), "");
    CHECK_I64(listed(&place, "'assignmentStatus':['TASK_STATUS_PENDING']"), 1);
    CHECK_I64(listed(&place, "'assignmentStatus':['TASK_STATUS_RESERVED']"), 1);
    CHECK_I64(listed(&place, "'assignmentStatus':['TASK_STATUS_ASSIGNED']"), 1);
    CHECK_I64(listed(&place, "'assignmentStatus':['TASK_STATUS_COMPLETED']"), 1);
    CHECK_I64(listed(&place, "'assignmentStatus':['TASK_STATUS_PENDING','TASK_STATUS_RESERVED']"),
              2);
    CHECK_I64(listed(&place, "'pageSize':50"), 4);
    CHECK_I64(listed(&place, suite_text("'workerSid':'%s'", worker)), 2);
    CHECK_I64(listed(&place, suite_text("'workerSid':'%s','assignmentStatus':"
                                        "['TASK_STATUS_PENDING']",
                                        worker)),
              0);
}

/* A life changes its rows in place: no index but those of new rows is written. */
static void test_hot(void)
{
    CHECK_I64(suite_count("select count(*) from pg_index i join pg_attribute a on a.attrelid = "
                          "i.indrelid and a.attnum = any (i.indkey) where i.indrelid = "
                          "'tasks.task'::regclass and a.attname in ('state', 'worker_sid', "
                          "'version', 'updated_at', 'assigned_at', 'ended_at')"),
              0);
    CHECK_I64(suite_count("select count(*) from pg_index i join pg_attribute a on a.attrelid = "
                          "i.indrelid and a.attnum = any (i.indkey) where i.indrelid = "
                          "'tasks.reservation'::regclass and a.attname in ('state', 'version', "
                          "'updated_at')"),
              0);
}

static bool has_no_old_batches(const void *ctx)
{
    (void)ctx;
    return suite_count("select count(*) from tasks.event_batch where at < now() - interval '35 "
                       "days'") == 0;
}

static bool is_gone(const void *task_sid)
{
    return suite_count("select count(*) from tasks.task where sid = '%s'",
                       (const char *)task_sid) == 0;
}

static bool is_passed(const void *ctx)
{
    (void)ctx;
    return suite_count("select least((select published_seq from tasks.relay_cursor), (select seq "
                       "from tasks.stat_cursor)) - max(last_seq) from tasks.event_batch") == 0;
}

static void test_retention(void)
{
    struct place place = place_new(0);
    (void)place_worker(&place, "one", 5);
    const char *old = finished_task(&place);
    const char *young = finished_task(&place);
    REQUIRE(suite_until(is_passed, NULL, WAIT_MS));
    REQUIRE(cluster_sql(suite_cluster(),
                        suite_text("update tasks.task set purged_at = now() - case sid when '%s' "
                                   "then interval '91 days' else interval '89 days' end where sid "
                                   "in ('%s', '%s');"
                                   "update tasks.event_batch set at = at - interval '36 days'",
                                   old, old, young)));
    int64_t last = log_last();
    REQUIRE(suite_restart(SUITE_TASKS)); /* the job runs at the start */
    CHECK(suite_until(has_no_old_batches, NULL, WAIT_MS));
    CHECK(suite_until(is_gone, old, WAIT_MS));
    CHECK_I64(suite_count("select count(*) from tasks.reservation where task_sid = '%s'", old), 0);
    CHECK_I64(suite_count("select count(*) from tasks.task where sid = '%s'", young), 1);
    CHECK_I64(suite_count("select count(*) from tasks.reservation where task_sid = '%s'", young),
              1);
    /* the numbers go on where they were */
    (void)task_new(&place, "{}");
    CHECK(log_last() > last);
}

/* What a reader has not passed stays, however old it is. */
static void test_unread(void)
{
    struct place place = place_new(0);
    (void)task_new(&place, "{}");
    REQUIRE(suite_until(is_passed, NULL, WAIT_MS));
    REQUIRE(cluster_sql(suite_cluster(),
                        "create function tasks.keep() returns trigger language plpgsql as $$ begin "
                        "return null; end $$;"
                        "create trigger keep before update on tasks.relay_cursor for each row "
                        "execute function tasks.keep()"));
    int64_t cursor = log_last();
    (void)task_new(&place, "{}");
    CHECK(log_last() > cursor);
    REQUIRE(
        cluster_sql(suite_cluster(), "update tasks.event_batch set at = at - interval '36 days'"));
    REQUIRE(suite_restart(SUITE_TASKS));
    CHECK(suite_until(is_passed, NULL, 3000) == false);
    CHECK(suite_count("select count(*) from tasks.event_batch where last_seq > %lld",
                      (long long)cursor) > 0);
    REQUIRE(cluster_sql(suite_cluster(), "drop trigger keep on tasks.relay_cursor;"
                                         "drop function tasks.keep()"));
}

/* What is new in the index of the log's keys is merged without a commit that has to. Asking merges
 * too, so that each look needs a new event and some time for the job. */
static void test_keys(void)
{
    struct place place = place_new(0);
    int64_t left = 1;
    REQUIRE(cluster_sql(suite_cluster(), "alter table tasks.event_batch set (autovacuum_enabled = "
                                         "off)")); /* which would merge them as well */
    for (int tries = 0; tries < 20 && left > 0; tries++) {
        (void)task_new(&place, "{}");
        process_sleep_ms(1500);
        left = suite_count("select gin_clean_pending_list('tasks.event_batch_by_key')");
    }
    CHECK_I64(left, 0);
}

static const struct test_case cases[] = {
    {"lists by status and worker are served",               test_lists    },
    {"no index knows what a life changes",                  test_hot      },
    {"what is too old is deleted, what is not stays",       test_retention},
    {"events that a reader has not passed are kept for it", test_unread   },
    {"keys of the log are merged by a job",                 test_keys     },
};

int main(int argc, char **argv)
{
    return suite_main("tasks history", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
