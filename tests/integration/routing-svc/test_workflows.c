/* routing-svc: workflows, their versions, Validate and Route. */
#include "base/buf.h"
#include "suite.h"

#define R      SUITE_ROUTING
#define NO_ONE "WQ00000000000000000000000000000001"

static const char *ws;
static const char *permits; /* queues */
static const char *other;

static void make_workspace(void)
{
    if (ws != NULL)
        return;
    ws = suite_workspace();
    permits = at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                          "{'workspaceSid':'%s','friendlyName':'Permits'}", ws),
                 "sid");
    other = at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                        "{'workspaceSid':'%s','friendlyName':'Other'}", ws),
               "sid");
}

/* A document like the guide's, with one department, as JSON within the request's JSON. */
static const char *document(const char *queue_sid, int priority)
{
    return suite_text(
        "{`task_routing`:{`filters`:[{`filter_friendly_name`:`Permits`,"
        "`expression`:`department == \\\\\\\"permits\\\\\\\"`,`targets`:[{`queue`:`%s`,"
        "`priority`:%d,`timeout`:30}]}],`default_filter`:{`queue`:`%s`}}}",
        queue_sid, priority, other);
}

static const char *workflow(const char *name)
{
    return at(suite_ok(&suite_supervisor, R, "CreateWorkflow",
                       "{'workspaceSid':'%s','friendlyName':'%s','configuration':'%s'}", ws, name,
                       document(permits, 50)),
              "sid");
}

static void test_create(void)
{
    make_workspace();
    const char *json = suite_text("{'workspaceSid':'%s','friendlyName':'Main','configuration':'%s',"
                                  "'assignmentCallbackUrl':'https://a.b/c','idempotencyKey':'f'}",
                                  ws, document(permits, 50));
    const json_t *made = suite_ok(&suite_supervisor, R, "CreateWorkflow", "%s", json);
    const char *sid = at(made, "sid");
    CHECK_I64(at_i64(made, "taskReservationTimeout"), 120);
    CHECK_I64(at_i64(made, "configurationVersion"), 1);
    CHECK(json_equal(made, suite_ok(&suite_supervisor, R, "CreateWorkflow", "%s", json)));
    CHECK(json_equal(made, suite_ok(&suite_viewer, R, "GetWorkflow",
                                    "{'workspaceSid':'%s','sid':'%s'}", ws, sid)));
    const struct seen_event *event = suite_event("workflow.created", sid, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(event->subject, suite_text("taskrouter.%s.workflow.created", ws));
    CHECK_TEXT(event->msg_id, at(event->payload, "id"));
    CHECK_TEXT(at(event->payload, "data.workflow.configuration"), at(made, "configuration"));
    CHECK_I64(suite_event_count("", sid), 1);
}

static void test_refused(void)
{
    make_workspace();
    const char *taken = workflow("Taken");
    const char *good = suite_text("'configuration':'%s'", document(permits, 50));
    const struct {
        const struct identity *who;
        const char *rest;
        const char *want;
    } rows[] = {
        {&suite_viewer,     "'friendlyName':'x'",                                       "PERMISSION_DENIED ROLE_TOO_LOW"                                            },
        {&suite_stranger,   "'friendlyName':'x'",                                       "NOT_FOUND WORKSPACE_NOT_FOUND"                                             },
        {&suite_supervisor, "'friendlyName':'x'",                                       "INVALID_ARGUMENT FIELD_REQUIRED configuration"                             },
        {&suite_supervisor, "'friendlyName':'x','configuration':'{'",
         "INVALID_ARGUMENT BAD_JSON configuration : line 1"                                                                                                         },
        {&suite_supervisor, "'friendlyName':'x','configuration':'{`task_routing`:{}}'",
         "INVALID_ARGUMENT MISSING configuration : task_routing needs"                                                                                              },
        {&suite_supervisor,
         "'friendlyName':'x','configuration':'{`task_routing`:{`default_filter`:{`queue`:`" NO_ONE
         "`}}}'",                                                                       "INVALID_ARGUMENT QUEUE_NOT_FOUND configuration : " NO_ONE                  },
        {&suite_supervisor,
         "'friendlyName':'x','configuration':'{`task_routing`:{`default_filter`:{`queue`:`nonsense"
         "`}}}'",                                                                       "INVALID_ARGUMENT BAD_SID configuration : task_routing.default_filter.queue"},
        {&suite_supervisor,
         "'friendlyName':'x','configuration':'{`task_routing`:{`filters`:[{`expression`:`a ==`,"
         "`targets`:[{`queue`:`" NO_ONE "`}]}]}}'",
         "INVALID_ARGUMENT BAD_EXPRESSION configuration : task_routing.filters[0].expression"                                                                       },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(rows[i].who, R, rows[i].want, "CreateWorkflow",
                            "{'workspaceSid':'%s',%s}", ws, rows[i].rest));
    static const struct {
        const char *rest;
        const char *want;
    } others[] = {
        {"'friendlyName':''",                                 "INVALID_ARGUMENT INVALID_FRIENDLY_NAME friendly_name"},
        {"'friendlyName':'TAKEN'",                            "ALREADY_EXISTS WORKFLOW_NAME_TAKEN friendly_name"    },
        {"'friendlyName':'x','taskReservationTimeout':86401",
         "INVALID_ARGUMENT OUT_OF_RANGE task_reservation_timeout : 86400"                                           },
        {"'friendlyName':'x','assignmentCallbackUrl':'here'",
         "INVALID_ARGUMENT INVALID_URL assignment_callback_url"                                                     },
        {"'friendlyName':'x','idempotencyKey':'f'",           "ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED"               },
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        CHECK(suite_refused(&suite_supervisor, R, others[i].want, "CreateWorkflow",
                            "{'workspaceSid':'%s',%s,%s}", ws, others[i].rest, good));
    CHECK_I64(suite_count("select count(*) from routing.workflow where friendly_name = 'x'"), 0);
    CHECK(suite_refused(&suite_viewer, R, "INVALID_ARGUMENT INVALID_SID sid : WW", "GetWorkflow",
                        "{'workspaceSid':'%s','sid':'" NO_ONE "'}", ws));
    CHECK(suite_refused(&suite_viewer, R, "NOT_FOUND WORKFLOW_NOT_FOUND sid", "GetWorkflow",
                        "{'workspaceSid':'%s','sid':'WW00000000000000000000000000000001'}", ws));
    CHECK(suite_refused(&suite_stranger, R, "NOT_FOUND WORKSPACE_NOT_FOUND", "GetWorkflow",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, taken));
    (void)suite_ok(&suite_viewer, R, "ValidateWorkflow", "{'workspaceSid':'%s',%s}", ws, good);
    CHECK(suite_refused(&suite_viewer, R, "INVALID_ARGUMENT QUEUE_NOT_FOUND configuration",
                        "ValidateWorkflow", "{'workspaceSid':'%s','configuration':'%s'}", ws,
                        document(NO_ONE, 1)));
}

/* Its event would not fit the bus: the request is told, the outbox is never stuck. */
static void test_huge(void)
{
    make_workspace();
    struct buf doc;
    buf_init(&doc, 0);
    buf_text(&doc, "{`task_routing`:{`filters`:[");
    for (int i = 0; i < 800; i++) {
        buf_printf(&doc, "%s{`expression`:`a IN [", i == 0 ? "" : ",");
        for (int j = 0; j < 100; j++)
            buf_printf(&doc, "%s\\\\`x%02d\\\\`", j == 0 ? "" : ",", j);
        buf_printf(&doc, "]`,`targets`:[{`queue`:`%s`}]}", other);
    }
    buf_text(&doc, "]}}");
    const json_t *made =
        suite_ok(&suite_supervisor, R, "CreateWorkflow",
                 "{'workspaceSid':'%s','friendlyName':'Huge','configuration':'%s'}", ws, doc.data);
    buf_fini(&doc);
    const char *sid = at(made, "sid");
    CHECK(strlen(at(made, "configuration")) > 400000);
    const struct seen_event *event = suite_event("workflow.created", sid, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.workflow.friendlyName"), "Huge");
    CHECK_TEXT(at(event->payload, "data.workflow.configuration"), "");
    CHECK_I64(at_i64(event->payload, "data.configurationOmitted"), 1);
    CHECK(json_equal(made, suite_ok(&suite_viewer, R, "GetWorkflow",
                                    "{'workspaceSid':'%s','sid':'%s'}", ws, sid)));
}

static void test_list(void)
{
    make_workspace();
    const char *sid = suite_workspace();
    const char *queue = at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                                    "{'workspaceSid':'%s','friendlyName':'Q'}", sid),
                           "sid");
    for (int i = 0; i < 5; i++)
        (void)suite_ok(&suite_supervisor, R, "CreateWorkflow",
                       "{'workspaceSid':'%s','friendlyName':'F%d','configuration':"
                       "'{`task_routing`:{`default_filter`:{`queue`:`%s`}}}'}",
                       sid, i, queue);
    const json_t *page =
        suite_ok(&suite_viewer, R, "ListWorkflows", "{'workspaceSid':'%s','pageSize':3}", sid);
    CHECK_I64(at_i64(page, "items"), 3);
    page =
        suite_ok(&suite_viewer, R, "ListWorkflows",
                 "{'workspaceSid':'%s','pageSize':3,'cursor':'%s'}", sid, at(page, "nextCursor"));
    CHECK_I64(at_i64(page, "items"), 2);
    CHECK_TEXT(at(page, "items.1.friendlyName"), "F4");
    CHECK_TEXT(at(page, "nextCursor"), "");
    page = suite_ok(&suite_viewer, R, "ListWorkflows", "{'workspaceSid':'%s','friendlyName':'f2'}",
                    sid);
    CHECK_I64(at_i64(page, "items"), 1);
    CHECK(suite_refused(&suite_viewer, R, "INVALID_ARGUMENT FIELD_REQUIRED workflow_sid", "Route",
                        "{'workspaceSid':'%s'}", sid));
}

static void test_versions(void)
{
    make_workspace();
    const char *sid = workflow("Versions");
    for (int i = 2; i <= 4; i++)
        (void)suite_ok(&suite_supervisor, R, "UpdateWorkflow",
                       "{'workflow':{'workspaceSid':'%s','sid':'%s','configuration':'%s'},"
                       "'updateMask':'configuration','reEvaluateTasks':true}",
                       ws, sid, document(permits, i));
    /* the same document again, or another field, is no new document */
    const json_t *now =
        suite_ok(&suite_supervisor, R, "UpdateWorkflow",
                 "{'workflow':{'workspaceSid':'%s','sid':'%s','configuration':'%s',"
                 "'taskReservationTimeout':60},'updateMask':'configuration,taskReservationTimeout',"
                 "'expectedVersion':4}",
                 ws, sid, document(permits, 4));
    CHECK_I64(at_i64(now, "version"), 5);
    CHECK_I64(at_i64(now, "configurationVersion"), 4);
    CHECK_I64(at_i64(now, "taskReservationTimeout"), 60);
    const json_t *page = suite_ok(&suite_viewer, R, "ListWorkflowVersions",
                                  "{'workspaceSid':'%s','sid':'%s','pageSize':3}", ws, sid);
    CHECK_I64(at_i64(page, "items"), 3);
    CHECK_I64(at_i64(page, "items.0.configurationVersion"), 4);
    CHECK_TEXT(at(page, "items.0.authorSid"), suite_supervisor.actor_sid);
    page = suite_ok(&suite_viewer, R, "ListWorkflowVersions",
                    "{'workspaceSid':'%s','sid':'%s','pageSize':3,'cursor':'%s'}", ws, sid,
                    at(page, "nextCursor"));
    CHECK_I64(at_i64(page, "items"), 1);
    CHECK_I64(at_i64(page, "items.0.configurationVersion"), 1);
    const struct seen_event *event = suite_event("workflow.updated", sid, 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.reEvaluateTasks"), 1);
    CHECK(suite_event("workflow.updated", sid, 3) != NULL);

    /* what is refused leaves the document before in force */
    CHECK(suite_refused(&suite_supervisor, R, "INVALID_ARGUMENT QUEUE_NOT_FOUND configuration",
                        "UpdateWorkflow",
                        "{'workflow':{'workspaceSid':'%s','sid':'%s','configuration':'%s'},"
                        "'updateMask':'configuration'}",
                        ws, sid, document(NO_ONE, 4)));
    CHECK(suite_refused(&suite_supervisor, R, "ABORTED VERSION_MISMATCH", "UpdateWorkflow",
                        "{'workflow':{'workspaceSid':'%s','sid':'%s','configuration':'%s'},"
                        "'updateMask':'configuration','expectedVersion':2}",
                        ws, sid, document(permits, 9)));
    CHECK(suite_refused(
        &suite_supervisor, R, "INVALID_ARGUMENT FIELD_NOT_UPDATABLE version", "UpdateWorkflow",
        "{'workflow':{'workspaceSid':'%s','sid':'%s'},'updateMask':'version'}", ws, sid));
    CHECK(json_equal(now, suite_ok(&suite_viewer, R, "GetWorkflow",
                                   "{'workspaceSid':'%s','sid':'%s'}", ws, sid)));
    CHECK_I64(suite_event_count("", sid), 5);

    /* running tasks through the document as it is changes no field */
    const json_t *same = suite_ok(&suite_supervisor, R, "UpdateWorkflow",
                                  "{'workflow':{'workspaceSid':'%s','sid':'%s'},"
                                  "'reEvaluateTasks':true}",
                                  ws, sid);
    CHECK_I64(at_i64(same, "configurationVersion"), 4);
    event = suite_event("workflow.updated", sid, 4);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.reEvaluateTasks"), 1);
}

static void test_route(void)
{
    make_workspace();
    const char *sid = workflow("Route");
    const json_t *route = suite_ok(&suite_viewer, R, "Route",
                                   "{'workspaceSid':'%s','workflowSid':'%s','attributes':"
                                   "'{`department`:`permits`}'}",
                                   ws, sid);
    CHECK_I64(at_i64(route, "filterIndex"), 0);
    CHECK_TEXT(at(route, "filterName"), "Permits");
    CHECK_TEXT(at(route, "targets.0.queueSid"), permits);
    CHECK_I64(at_i64(route, "targets.0.priority"), 50);
    CHECK_I64(at_i64(route, "targets.0.timeoutS"), 30);
    route =
        suite_ok(&suite_viewer, R, "Route", "{'workspaceSid':'%s','workflowSid':'%s'}", ws, sid);
    CHECK_I64(at_i64(route, "filterIndex"), -1);
    CHECK_TEXT(at(route, "targets.0.queueSid"), other);
    CHECK(suite_refused(&suite_viewer, R, "INVALID_ARGUMENT INVALID_ATTRIBUTES attributes", "Route",
                        "{'workspaceSid':'%s','workflowSid':'%s','attributes':'3'}", ws, sid));
    CHECK(suite_refused(&suite_viewer, R, "NOT_FOUND WORKFLOW_NOT_FOUND", "Route",
                        "{'workspaceSid':'%s','workflowSid':'WW00000000000000000000000000000001'}",
                        ws));
    CHECK(suite_refused(&suite_viewer, R, "INVALID_ARGUMENT INVALID_SID workflow_sid", "Route",
                        "{'workspaceSid':'%s','workflowSid':'" NO_ONE "'}", ws));
}

static bool is_queue_gone(const void *queue_sid)
{
    return suite_count("select count(*) from routing.queue_copy where sid = '%s' and is_deleted",
                       (const char *)queue_sid) == 1;
}

static bool is_empty(const void *workspace_sid)
{
    return suite_count("select (select count(*) from routing.workflow where workspace_sid = '%s')"
                       " + (select count(*) from routing.queue_copy where workspace_sid = '%s')",
                       (const char *)workspace_sid, (const char *)workspace_sid) == 0;
}

static void test_delete(void)
{
    make_workspace();
    const char *sid = workflow("Deleted");
    suite_set_busy(true);
    CHECK(suite_refused(&suite_supervisor, R, "FAILED_PRECONDITION IN_USE", "DeleteWorkflow",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, sid));
    suite_set_busy(false);
    CHECK(suite_refused(&suite_supervisor, R, "ABORTED VERSION_MISMATCH", "DeleteWorkflow",
                        "{'workspaceSid':'%s','sid':'%s','expectedVersion':4}", ws, sid));
    (void)suite_ok(&suite_supervisor, R, "DeleteWorkflow", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   sid);
    CHECK(suite_refused(&suite_supervisor, R, "NOT_FOUND WORKFLOW_NOT_FOUND sid", "DeleteWorkflow",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, sid));
    const struct seen_event *event = suite_event("workflow.deleted", sid, 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.deleted"), 1);
}

static void test_events(void)
{
    make_workspace();
    const char *sid = suite_workspace();
    const char *queue = at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                                    "{'workspaceSid':'%s','friendlyName':'Q'}", sid),
                           "sid");
    (void)suite_ok(&suite_supervisor, R, "CreateWorkflow",
                   "{'workspaceSid':'%s','friendlyName':'F','configuration':"
                   "'{`task_routing`:{`default_filter`:{`queue`:`%s`}}}'}",
                   sid, queue);
    /* tasks-svc's events have the same first token and another meaning */
    CHECK(suite_publish("task-queue.entered", sid, "WT00000000000000000000000000000001", 1, 0,
                        "{'task':{'sid':'WT00000000000000000000000000000001'}}"));
    CHECK(suite_publish("workflow.entered", sid, "WT00000000000000000000000000000001", 1, 0,
                        "{'task':{'sid':'WT00000000000000000000000000000001'}}"));
    /* a document may not name a queue that is gone, nor may older news bring it back */
    const char *doomed = at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                                     "{'workspaceSid':'%s','friendlyName':'Doomed'}", sid),
                            "sid");
    (void)suite_ok(&suite_viewer, R, "ValidateWorkflow",
                   "{'workspaceSid':'%s','configuration':"
                   "'{`task_routing`:{`default_filter`:{`queue`:`%s`}}}'}",
                   sid, doomed);
    (void)suite_ok(&suite_admin, SUITE_QUEUES, "DeleteTaskQueue",
                   "{'workspaceSid':'%s','sid':'%s'}", sid, doomed);
    CHECK(suite_until(is_queue_gone, doomed, 10000));
    CHECK(suite_publish("task-queue.created", sid, doomed, 1, 0,
                        "{'taskQueue':{'sid':'%s','workspaceSid':'%s','version':'1'}}", doomed,
                        sid));
    CHECK(suite_refused(&suite_viewer, R, "INVALID_ARGUMENT QUEUE_NOT_FOUND configuration",
                        "ValidateWorkflow",
                        "{'workspaceSid':'%s','configuration':"
                        "'{`task_routing`:{`default_filter`:{`queue`:`%s`}}}'}",
                        sid, doomed));
    /* which queues a document names is known by its last version */
    const char *named = suite_text("'workspaceSid':'%s','taskQueueSid':'%s'", sid, queue);
    const json_t *flow = suite_ok(&suite_viewer, R, "ListWorkflows", "{%s}", named);
    CHECK_I64(at_i64(flow, "items"), 1);
    const char *second = at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                                     "{'workspaceSid':'%s','friendlyName':'Second'}", sid),
                            "sid");
    (void)suite_ok(&suite_supervisor, R, "UpdateWorkflow",
                   "{'workflow':{'workspaceSid':'%s','sid':'%s','configuration':"
                   "'{`task_routing`:{`default_filter`:{`queue`:`%s`}}}'},'updateMask':"
                   "'configuration'}",
                   sid, at(flow, "items.0.sid"), second);
    CHECK_I64(at_i64(suite_ok(&suite_viewer, R, "ListWorkflows", "{%s}", named), "items"), 0);
    CHECK(suite_refused(&suite_admin, SUITE_QUEUES, "FAILED_PRECONDITION QUEUE_IN_WORKFLOW : F",
                        "DeleteTaskQueue", "{'workspaceSid':'%s','sid':'%s'}", sid, second));
    CHECK(suite_refused(&suite_viewer, R, "INVALID_ARGUMENT INVALID_SID task_queue_sid",
                        "ListWorkflows", "{'workspaceSid':'%s','taskQueueSid':'x'}", sid));
    CHECK(suite_uses_index("routing", false, "store/workflow_store.sql", "workflow_list",
                           suite_text("'%s', '', 2, null, '%s'", sid, second), "Index"));
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "DeleteWorkspace", "{'sid':'%s'}", sid);
    CHECK(suite_until(is_empty, sid, 10000));
    /* nothing of all that became a dead letter */
    CHECK(suite_event("task-queue.entered", "WT00000000000000000000000000000001", 0) != NULL);
}

static const struct test_case cases[] = {
    {"a workflow is made, told, read back; a repeated key makes no second", test_create  },
    {"bad requests are refused with code, field and place",                 test_refused },
    {"a document too large for an event is left out of it",                 test_huge    },
    {"workflows are listed by page and name",                               test_list    },
    {"each document is a version; what is refused changes nothing",         test_versions},
    {"Route tells filter and targets",                                      test_route   },
    {"a workflow is deleted when no task is under it",                      test_delete  },
    {"queues and workspaces come and go by events",                         test_events  },
};

int main(int argc, char **argv)
{
    return suite_main("workflows",
                      SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_QUEUES) | SUITE_BIT(SUITE_ROUTING),
                      cases, ARRAY_LEN(cases), argc, argv);
}
