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

static const struct test_case cases[] = {
    {"after a crash a withdrawn offer returns its worker to where he was", test_previous_activity},
    {"after a crash what is deleted serves on where it is in use",         test_deleted_in_use   },
};

int main(int argc, char **argv)
{
    return suite_main("tasks recovery", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
