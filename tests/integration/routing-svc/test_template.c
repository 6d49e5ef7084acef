/* The template FIFO: queue and workflow that others make when they hear of a workspace. */
#include <signal.h>

#include "suite.h"

static int64_t count_of(const char *table, const char *workspace)
{
    return suite_count("select count(*) from %s where workspace_sid = '%s'", table, workspace);
}

static void test_fifo(void)
{
    const char *request = "{'friendlyName':'First come','template':'FIFO','idempotencyKey':'f'}";
    const json_t *made = suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorkspace", "%s", request);
    const char *ws = at(made, "sid");
    CHECK_TEXT(at(made, "template"), "FIFO");
    /* with the reply, not some time after it */
    CHECK_I64(count_of("queues.task_queue", ws), 1);
    CHECK_I64(count_of("routing.workflow", ws), 1);
    const json_t *queues =
        suite_ok(&suite_viewer, SUITE_QUEUES, "ListTaskQueues", "{'workspaceSid':'%s'}", ws);
    CHECK_TEXT(at(queues, "items.0.targetWorkers"), "1==1");
    const json_t *flows =
        suite_ok(&suite_viewer, SUITE_ROUTING, "ListWorkflows", "{'workspaceSid':'%s'}", ws);
    CHECK_TEXT(at(flows, "items.0.friendlyName"), "Default Fifo Workflow");
    const char *queue = at(queues, "items.0.sid");
    const json_t *route = suite_ok(&suite_viewer, SUITE_ROUTING, "Route",
                                   "{'workspaceSid':'%s','attributes':'{}'}", ws);
    CHECK_TEXT(at(route, "targets.0.queueSid"), queue);
    CHECK(suite_event("task-queue.created", queue, 0) != NULL);
    CHECK(suite_event("workflow.created", at(flows, "items.0.sid"), 0) != NULL);
    CHECK(
        json_equal(made, suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorkspace", "%s", request)));
    CHECK_I64(count_of("queues.task_queue", ws), 1);
    CHECK_I64(count_of("queues.task_channel", ws), 5);

    const char *plain = at(suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorkspace",
                                    "{'friendlyName':'Plain','template':'NONE'}"),
                           "sid");
    CHECK_I64(at_i64(suite_ok(&suite_viewer, SUITE_QUEUES, "ListTaskQueues",
                              "{'workspaceSid':'%s'}", plain),
                     "items"),
              0);
}

/* What was taken away does not come back with news of the workspace. */
static void test_deleted(void)
{
    const char *ws = at(suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorkspace",
                                 "{'friendlyName':'Emptied','template':'FIFO'}"),
                        "sid");
    const char *flow =
        at(suite_ok(&suite_viewer, SUITE_ROUTING, "ListWorkflows", "{'workspaceSid':'%s'}", ws),
           "items.0.sid");
    const char *queue =
        at(suite_ok(&suite_viewer, SUITE_QUEUES, "ListTaskQueues", "{'workspaceSid':'%s'}", ws),
           "items.0.sid");
    CHECK(suite_refused(&suite_supervisor, SUITE_QUEUES,
                        "FAILED_PRECONDITION QUEUE_IN_WORKFLOW : Default Fifo Workflow",
                        "DeleteTaskQueue", "{'workspaceSid':'%s','sid':'%s'}", ws, queue));
    (void)suite_ok(&suite_supervisor, SUITE_ROUTING, "DeleteWorkflow",
                   "{'workspaceSid':'%s','sid':'%s'}", ws, flow);
    (void)suite_ok(&suite_supervisor, SUITE_QUEUES, "DeleteTaskQueue",
                   "{'workspaceSid':'%s','sid':'%s'}", ws, queue);
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "UpdateWorkspace",
                   "{'workspace':{'sid':'%s','friendlyName':'Renamed'},'updateMask':"
                   "'friendlyName'}",
                   ws);
    CHECK(suite_event("workspace.updated", ws, 0) != NULL);
    const char *next = at(suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorkspace",
                                   "{'friendlyName':'Behind it','template':'FIFO'}"),
                          "sid");
    CHECK_I64(count_of("routing.workflow", next), 1);
    CHECK_I64(count_of("routing.workflow", ws), 0);
    CHECK_I64(count_of("queues.task_queue", ws), 0);
}

static bool is_complete(const void *ctx)
{
    return count_of("queues.task_queue", ctx) == 1 && count_of("routing.workflow", ctx) == 1;
}

/* Owners that are away make their part when they are back. */
static void test_away(void)
{
    process_signal(suite_process(SUITE_ROUTING), SIGKILL);
    CHECK(process_wait_exit(suite_process(SUITE_ROUTING), 10000) != 0);
    const char *ws = at(suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorkspace",
                                 "{'friendlyName':'Half','template':'FIFO'}"),
                        "sid");
    CHECK_I64(count_of("routing.workflow", ws), 0);
    REQUIRE(suite_restart(SUITE_ROUTING));
    CHECK(suite_until(is_complete, ws, 30000));
}

static const struct test_case cases[] = {
    {"a workspace from the template FIFO has a queue and a workflow at once", test_fifo   },
    {"they are made once and not again after they were deleted",              test_deleted},
    {"owners that are away make their part when they are back",               test_away   },
};

int main(int argc, char **argv)
{
    return suite_main("template", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
}
