/* routing-svc: routing rules, their versions, keywords and decisions. */
#include "base/clock.h"
#include "suite.h"

#define R      SUITE_ROUTING
#define NO_ONE "WQ00000000000000000000000000000001"

static const char *ws;
static const char *permits; /* queues */
static const char *urgent;

static const char *make_queue(const char *workspace, const char *name)
{
    return at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                       "{'workspaceSid':'%s','friendlyName':'%s'}", workspace, name),
              "sid");
}

static void make_workspace(void)
{
    ws = suite_workspace();
    permits = make_queue(ws, "Permits");
    urgent = make_queue(ws, "Urgent");
}

/* Single quotes within the condition's text are \\\" in JSON: back quotes. */
static const json_t *make_rule(const char *name, int priority, const char *condition,
                               const char *actions)
{
    return suite_ok(&suite_supervisor, R, "CreateRule",
                    "{'workspaceSid':'%s','name':'%s','priority':%d,'condition':'%s',"
                    "'actions':[%s]}",
                    ws, name, priority, condition, actions);
}

static const json_t *decide(const char *rest)
{
    return suite_ok(&suite_agent, R, "Decide", "{'workspaceSid':'%s',%s}", ws, rest);
}

#define TO_PERMITS "{'type':'RULE_ACTION_TYPE_ROUTE_TO_QUEUE','target':'permits'}"
#define TO_URGENT  "{'type':'RULE_ACTION_TYPE_ROUTE_TO_QUEUE','target':'Urgent','priority':90}"

static void test_create(void)
{
    make_workspace();
    const char *json = suite_text("{'workspaceSid':'%s','name':'Permits','priority':10,'condition':"
                                  "'task.attributes.topic == `permit`','actions':[" TO_PERMITS
                                  "],'labels':['a','b'],"
                                  "'comment':'the first','idempotencyKey':'k'}",
                                  ws);
    const json_t *made = suite_ok(&suite_supervisor, R, "CreateRule", "%s", json);
    const char *sid = at(made, "sid");
    CHECK_TEXT(at(made, "actions.0.target"), permits);
    CHECK_TEXT(at(made, "actions.0.targetName"), "Permits");
    CHECK_I64(at_i64(made, "enabled"), 1);
    CHECK_I64(at_i64(made, "version"), 1);
    CHECK(json_equal(made, suite_ok(&suite_supervisor, R, "CreateRule", "%s", json)));
    const json_t *got =
        suite_ok(&suite_viewer, R, "GetRule", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    CHECK(json_equal(made, got));
    const struct seen_event *event = suite_event("routing-rule.created", sid, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(event->subject, suite_text("taskrouter.%s.routing-rule.created", ws));
    CHECK_TEXT(at(event->payload, "data.rule.name"), "Permits");
    CHECK_TEXT(at(event->payload, "data.rule.actions.0.target"), permits);
    const json_t *versions =
        suite_ok(&suite_viewer, R, "ListRuleVersions", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    CHECK_I64(at_i64(versions, "items"), 1);
    CHECK_TEXT(at(versions, "items.0.comment"), "the first");
    CHECK_TEXT(at(versions, "items.0.rule.name"), "Permits");
}

static void test_refused(void)
{
    make_workspace();
    (void)make_rule("Taken", 1, "", TO_PERMITS);
    static const struct {
        const struct identity *who;
        const char *rest;
        const char *want;
    } rows[] = {
        {&suite_agent,      "'name':'x','actions':[" TO_PERMITS "]",                                "PERMISSION_DENIED ROLE_TOO_LOW"                              },
        {&suite_stranger,   "'name':'x','actions':[" TO_PERMITS "]",                                "NOT_FOUND WORKSPACE_NOT_FOUND"                               },
        {&suite_supervisor, "'name':'','actions':[" TO_PERMITS "]",
         "INVALID_ARGUMENT INVALID_NAME name"                                                                                                                     },
        {&suite_supervisor, "'name':'TAKEN','actions':[" TO_PERMITS "]",
         "ALREADY_EXISTS RULE_NAME_TAKEN name"                                                                                                                    },
        {&suite_supervisor, "'name':'x'",                                                           "INVALID_ARGUMENT ACTIONS_INVALID actions"                    },
        {&suite_supervisor,
         "'name':'x','actions':[{'type':'RULE_ACTION_TYPE_ROUTE_TO_QUEUE','target':'nowhere'}]",    "INVALID_ARGUMENT QUEUE_NOT_FOUND actions[0].target : nowhere"},
        {&suite_supervisor,
         "'name':'x','actions':[{'type':'RULE_ACTION_TYPE_ROUTE_TO_QUEUE','target':'" NO_ONE "'}]",
         "INVALID_ARGUMENT QUEUE_NOT_FOUND actions[0].target : " NO_ONE                                                                                           },
        {&suite_supervisor,
         "'name':'x','actions':[{'type':'RULE_ACTION_TYPE_ROUTE_TO_WORKER','target':'nobody'}]",    "INVALID_ARGUMENT WORKER_NOT_FOUND actions[0].target"         },
        {&suite_supervisor,
         "'name':'x','actions':[{'type':'RULE_ACTION_TYPE_ROUTE_TO_WORKFLOW','target':'none'}]",    "INVALID_ARGUMENT WORKFLOW_NOT_FOUND actions[0].target"       },
        {&suite_supervisor, "'name':'x','condition':'a == 1','actions':[" TO_PERMITS "]",
         "INVALID_ARGUMENT EXPRESSION_INVALID condition"                                                                                                          },
        {&suite_supervisor, "'name':'x','labels':['a','a'],'actions':[" TO_PERMITS "]",
         "INVALID_ARGUMENT LABEL_TWICE labels"                                                                                                                    },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(rows[i].who, R, rows[i].want, "CreateRule", "{'workspaceSid':'%s',%s}",
                            ws, rows[i].rest));
    CHECK(suite_refused(&suite_viewer, R, "PERMISSION_DENIED ROLE_TOO_LOW", "Decide",
                        "{'workspaceSid':'%s'}", ws));
    CHECK(suite_refused(&suite_viewer, R, "NOT_FOUND RULE_NOT_FOUND sid", "GetRule",
                        "{'workspaceSid':'%s','sid':'RR00000000000000000000000000000001'}", ws));
}

static void test_list(void)
{
    make_workspace();
    (void)make_rule("Low", 1, "", TO_PERMITS);
    (void)make_rule("High", 9, "task.attributes.a == 1", TO_URGENT);
    (void)make_rule("Low too", 1, "task.attributes.a == 2", TO_PERMITS);
    const json_t *page =
        suite_ok(&suite_viewer, R, "ListRules", "{'workspaceSid':'%s','pageSize':2}", ws);
    CHECK_I64(at_i64(page, "items"), 2);
    CHECK_TEXT(at(page, "items.0.name"), "High");
    CHECK_TEXT(at(page, "items.1.name"), "Low");
    page = suite_ok(&suite_viewer, R, "ListRules",
                    "{'workspaceSid':'%s','pageSize':2,'cursor':'%s'}", ws, at(page, "nextCursor"));
    CHECK_I64(at_i64(page, "items"), 1);
    CHECK_TEXT(at(page, "items.0.name"), "Low too");
    CHECK_TEXT(at(page, "nextCursor"), "");
    page = suite_ok(&suite_viewer, R, "ListRules", "{'workspaceSid':'%s','taskQueueSid':'%s'}", ws,
                    urgent);
    CHECK_I64(at_i64(page, "items"), 1);
    CHECK_TEXT(at(page, "items.0.name"), "High");
}

static void test_versions(void)
{
    make_workspace();
    const char *sid = at(make_rule("Versions", 1, "", TO_PERMITS), "sid");
    const json_t *now =
        suite_ok(&suite_supervisor, R, "UpdateRule",
                 "{'rule':{'workspaceSid':'%s','sid':'%s','priority':5,'actions':[" TO_URGENT
                 "]},'updateMask':'priority,actions','expectedVersion':1,'comment':'more'}",
                 ws, sid);
    CHECK_I64(at_i64(now, "version"), 2);
    CHECK_TEXT(at(now, "actions.0.target"), urgent);
    CHECK(suite_refused(&suite_supervisor, R, "ABORTED VERSION_MISMATCH", "UpdateRule",
                        "{'rule':{'workspaceSid':'%s','sid':'%s','priority':6},"
                        "'updateMask':'priority','expectedVersion':1}",
                        ws, sid));
    const json_t *diff =
        suite_ok(&suite_viewer, R, "DiffRuleVersions", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    CHECK_I64(at_i64(diff, "fromVersion"), 1);
    CHECK_I64(at_i64(diff, "toVersion"), 2);
    CHECK_TEXT(at(diff, "changes.0.field"), "priority");
    CHECK_TEXT(at(diff, "changes.0.before"), "1");
    CHECK_TEXT(at(diff, "changes.0.after"), "5");
    CHECK_TEXT(at(diff, "changes.1.field"), "actions[0].target");
    CHECK_TEXT(at(diff, "changes.1.after"), suite_text("\"%s\"", urgent));
    (void)suite_ok(&suite_supervisor, R, "DeleteRule", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    const struct seen_event *event = suite_event("routing-rule.deleted", sid, 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.deleted"), 1);
    const json_t *page =
        suite_ok(&suite_viewer, R, "ListRuleVersions", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    CHECK_I64(at_i64(page, "items"), 3);
    CHECK_I64(at_i64(page, "items.0.isDeletion"), 1);
    now = suite_ok(&suite_supervisor, R, "RollBackRule",
                   "{'workspaceSid':'%s','sid':'%s','toVersion':1}", ws, sid);
    CHECK_I64(at_i64(now, "version"), 4);
    CHECK_I64(at_i64(now, "priority"), 1);
    CHECK_TEXT(at(now, "actions.0.target"), permits);
    now = suite_ok(&suite_supervisor, R, "RollBackRule",
                   "{'workspaceSid':'%s','sid':'%s','toVersion':2,'comment':'back'}", ws, sid);
    CHECK_I64(at_i64(now, "version"), 5);
    CHECK_I64(at_i64(now, "priority"), 5);
    CHECK(suite_refused(&suite_supervisor, R, "NOT_FOUND VERSION_NOT_FOUND version : newest is 5",
                        "RollBackRule", "{'workspaceSid':'%s','sid':'%s','toVersion':9}", ws, sid));
}

static bool is_counted(const void *ctx)
{
    return suite_count("select match_count from routing.rule_counter where rule_sid = '%s'",
                       (const char *)ctx) == 2;
}

static void test_decide(void)
{
    make_workspace();
    CHECK_I64(at_i64(decide("'attributes':'{}'"), "hasRules"), 0);
    const char *sid =
        at(make_rule("VIP", 50, "task.attributes.customer_type == `vip`", TO_URGENT), "sid");
    (void)make_rule("Rest", 1, "",
                    TO_PERMITS ",{'type':'RULE_ACTION_TYPE_ADD_ATTRIBUTES','attributes':"
                               "'{`routed`:true}'}");
    const json_t *vip = decide("'attributes':'{`customer_type`:`vip`}'");
    CHECK_TEXT(at(vip, "taskQueueSid"), urgent);
    CHECK_I64(at_i64(vip, "priority"), 90);
    CHECK_I64(at_i64(vip, "hasRules"), 1);
    CHECK_TEXT(at(vip, "rules.0.name"), "VIP");
    CHECK_I64(at_i64(vip, "rules"), 1);
    const json_t *rest = decide("'attributes':'{`a`:1}'");
    CHECK_TEXT(at(rest, "taskQueueSid"), permits);
    CHECK_TEXT(at(rest, "attributes"), "{\"a\":1,\"routed\":true}");
    CHECK_TEXT(at(rest, "hours.timeZone"), "UTC");
    CHECK_I64(at_i64(rest, "hours.isOpen"), 1);
    (void)decide("'attributes':'{`customer_type`:`vip`}'");
    CHECK(suite_until(is_counted, sid, 30000));
    /* a change counts from the reply on */
    (void)suite_ok(&suite_supervisor, R, "UpdateRule",
                   "{'rule':{'workspaceSid':'%s','sid':'%s','enabled':false},"
                   "'updateMask':'enabled'}",
                   ws, sid);
    CHECK_TEXT(at(decide("'attributes':'{`customer_type`:`vip`}'"), "taskQueueSid"), permits);
    CHECK(suite_refused(&suite_agent, R, "INVALID_ARGUMENT JSON_INVALID attributes", "Decide",
                        "{'workspaceSid':'%s','attributes':'{'}", ws));
    CHECK(suite_refused(&suite_stranger, R, "NOT_FOUND WORKSPACE_NOT_FOUND", "Decide",
                        "{'workspaceSid':'%s'}", ws));
}

static void test_workflow_named(void)
{
    make_workspace();
    const char *flow = at(suite_ok(&suite_supervisor, R, "CreateWorkflow",
                                   "{'workspaceSid':'%s','friendlyName':'Flow','configuration':"
                                   "'{`task_routing`:{`default_filter`:{`queue`:`%s`}}}'}",
                                   ws, permits),
                          "sid");
    const json_t *rule = make_rule("Names it", 1, "",
                                   "{'type':'RULE_ACTION_TYPE_ROUTE_TO_WORKFLOW','target':'flow'}");
    CHECK_TEXT(at(rule, "actions.0.target"), flow);
    CHECK(suite_refused(&suite_supervisor, R, "FAILED_PRECONDITION WORKFLOW_IN_RULE : Names it",
                        "DeleteWorkflow", "{'workspaceSid':'%s','sid':'%s'}", ws, flow));
    (void)suite_ok(&suite_supervisor, R, "DeleteRule", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   at(rule, "sid"));
    (void)suite_ok(&suite_supervisor, R, "DeleteWorkflow", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   flow);
}

static void test_dry_run(void)
{
    make_workspace();
    (void)suite_ok(&suite_supervisor, R, "CreateWorkflow",
                   "{'workspaceSid':'%s','friendlyName':'Flow','configuration':"
                   "'{`task_routing`:{`default_filter`:{`queue`:`%s`,`priority`:3}}}'}",
                   ws, permits);
    const char *sid =
        at(make_rule("Early", 9, "time.hour < 8", "{'type':'RULE_ACTION_TYPE_VOICEMAIL'}"), "sid");
    const json_t *run = suite_ok(
        &suite_viewer, R, "DryRun",
        "{'workspaceSid':'%s','task':{'attributes':'{}','at':'2026-11-27T07:59:59Z'}}", ws);
    CHECK_TEXT(at(run, "stored.rules.0.outcome"), "RULE_OUTCOME_MATCHED");
    CHECK_TEXT(at(run, "stored.rules.0.clauses.0.left"), "7");
    CHECK_TEXT(at(run, "stored.decision.voice.0.type"), "RULE_ACTION_TYPE_VOICEMAIL");
    CHECK_TEXT(at(run, "draft.taskQueueSid"), "");
    run = suite_ok(&suite_viewer, R, "DryRun",
                   "{'task':{'workspaceSid':'%s','attributes':'{}','at':'2026-11-27T08:00:00Z'},"
                   "'drafts':[{'sid':'%s','name':'Early','enabled':true,'condition':"
                   "'time.hour < 9','actions':[" TO_URGENT "]}]}",
                   ws, sid);
    CHECK_TEXT(at(run, "stored.rules.0.outcome"), "RULE_OUTCOME_NOT_MATCHED");
    CHECK_TEXT(at(run, "stored.workflow.targets.0.queueSid"), permits);
    CHECK_TEXT(at(run, "stored.taskQueueName"), "Permits");
    CHECK_TEXT(at(run, "draft.taskQueueSid"), urgent);
    CHECK_TEXT(at(run, "draft.taskQueueName"), "Urgent");
    CHECK_I64(at_i64(run, "draft.rules"), 1);
    run = suite_ok(&suite_viewer, R, "DryRun",
                   "{'workspaceSid':'%s','task':{'at':'2026-11-27T07:00:00Z'},"
                   "'withoutRuleSids':['%s']}",
                   ws, sid);
    CHECK_I64(at_i64(run, "draft.rules"), 0);
    CHECK(suite_refused(
        &suite_viewer, R, "INVALID_ARGUMENT EXPRESSION_INVALID drafts[0].condition", "DryRun",
        "{'workspaceSid':'%s','task':{},'drafts':[{'condition':'x y','actions':[" TO_URGENT "]}]}",
        ws));
    CHECK_I64(
        suite_count("select count(*) from routing.rule_counter where workspace_sid = '%s'", ws), 0);
}

static void test_workers(void)
{
    make_workspace();
    const json_t *activities = suite_ok(&suite_viewer, SUITE_WORKERS, "ListActivities",
                                        "{'workspaceSid':'%s','available':true}", ws);
    const char *here = at(activities, "items.0.sid");
    static const int levels[] = {3, 9, 5};
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        (void)suite_ok(&suite_supervisor, SUITE_WORKERS, "CreateWorker",
                       "{'workspaceSid':'%s','friendlyName':'Level %d','activitySid':'%s',"
                       "'attributes':'{`level`:%d}'}",
                       ws, levels[i], here, levels[i]);
    (void)suite_ok(&suite_supervisor, SUITE_WORKERS, "CreateWorker",
                   "{'workspaceSid':'%s','friendlyName':'Away','attributes':'{`level`:9}'}", ws);
    (void)suite_ok(
        &suite_supervisor, R, "CreateWorkflow",
        "{'workspaceSid':'%s','friendlyName':'Flow','configuration':"
        "'{`task_routing`:{`filters`:[{`expression`:`1==1`,`targets`:[{`queue`:`%s`,"
        "`expression`:`worker.level > task.least`,`order_by`:`worker.level DESC`}]}]}}'}",
        ws, permits);
    const json_t *run = suite_ok(&suite_viewer, R, "DryRun",
                                 "{'workspaceSid':'%s','task':{'attributes':'{`least`:4}'}}", ws);
    CHECK_I64(at_i64(run, "stored.workers"), 3);
    CHECK_TEXT(at(run, "stored.workers.0.friendlyName"), "Level 9");
    CHECK_TEXT(at(run, "stored.workers.0.obstacle"), "");
    CHECK_TEXT(at(run, "stored.workers.1.friendlyName"), "Level 5");
    CHECK_TEXT(at(run, "stored.workers.2.obstacle"), "target_expression");
    CHECK_I64(at_i64(run, "stored.notes"), 1); /* no router here to tell loads */
}

static const char *make_worker(const char *name)
{
    const json_t *activities = suite_ok(&suite_viewer, SUITE_WORKERS, "ListActivities",
                                        "{'workspaceSid':'%s','available':true}", ws);
    return at(suite_ok(&suite_supervisor, SUITE_WORKERS, "CreateWorker",
                       "{'workspaceSid':'%s','friendlyName':'%s','activitySid':'%s'}", ws, name,
                       at(activities, "items.0.sid")),
              "sid");
}

static void make_flow(const char *filters)
{
    (void)suite_ok(&suite_supervisor, R, "CreateWorkflow",
                   "{'workspaceSid':'%s','friendlyName':'Flow','configuration':"
                   "'{`task_routing`:{`filters`:[%s],`default_filter`:{`queue`:`%s`}}}'}",
                   ws, filters, permits);
}

static const json_t *dry_run(const char *attributes)
{
    return suite_ok(&suite_viewer, R, "DryRun", "{'workspaceSid':'%s','task':{'attributes':'%s'}}",
                    ws, attributes);
}

#define OWN_FIRST "`expression`:`worker.sid == task.own`,`timeout`:30"

/* A note that says so is in the trace. */
static bool is_noted(const json_t *run, const char *part)
{
    for (int64_t i = 0; i < at_i64(run, "stored.notes"); i++) {
        if (strstr(at(run, suite_text("stored.notes.%d", (int)i)), part) != NULL)
            return true;
    }
    return false;
}

static void test_walk(void)
{
    make_workspace();
    const char *ada = make_worker("Ada");
    (void)make_worker("Bob");
    make_flow(suite_text("{`filter_friendly_name`:`own`,`expression`:`1==1`,`targets`:["
                         "{`queue`:`%s`," OWN_FIRST ",`skip_if`:`1 == 1`},{`queue`:`%s`}]}",
                         urgent, permits));
    const json_t *run = dry_run(suite_text("{`own`:`%s`}", ada));
    CHECK_TEXT(at(run, "stored.taskQueueSid"), urgent);
    CHECK_TEXT(at(run, "stored.workers.0.friendlyName"), "Ada");
    CHECK_TEXT(at(run, "stored.workers.0.obstacle"), "");
    CHECK_TEXT(at(run, "stored.workers.1.obstacle"), "target_expression");
    CHECK(!is_noted(run, "passed over"));
    run = dry_run("{`own`:`WK1`}");
    CHECK_TEXT(at(run, "stored.taskQueueSid"), permits);
    CHECK_TEXT(at(run, "stored.taskQueueName"), "Permits");
    CHECK_I64(at_i64(run, "stored.workers"), 2);
    CHECK_TEXT(at(run, "stored.workers.0.obstacle"), "");
    CHECK_TEXT(at(run, "stored.workers.1.obstacle"), "");
    CHECK(is_noted(run, "target 1 of filter own (queue Urgent) is passed over: no worker there can "
                        "be asked at once, and skip_if is true (1 == 1)"));
}

static void test_walk_stays(void)
{
    make_workspace();
    (void)make_worker("Ada");
    make_flow(suite_text("{`expression`:`a == 1`,`targets`:[{`queue`:`%s`," OWN_FIRST
                         "},{`queue`:`%s`}]}"
                         ",{`expression`:`a == 2`,`targets`:[{`queue`:`%s`," OWN_FIRST
                         ",`skip_if`:`workers.available >= 0`},{`queue`:`%s`}]}",
                         urgent, permits, urgent, permits));
    const json_t *run = dry_run("{`a`:1}"); /* waits for half a minute */
    CHECK_TEXT(at(run, "stored.taskQueueSid"), urgent);
    CHECK_TEXT(at(run, "stored.workers.0.obstacle"), "target_expression");
    CHECK(!is_noted(run, "passed over"));
    run = dry_run("{`a`:2}"); /* no router here to count */
    CHECK_TEXT(at(run, "stored.taskQueueSid"), urgent);
    CHECK(is_noted(run, "skip_if counts as false"));
}

static void test_walk_below(void)
{
    make_workspace();
    (void)make_worker("Ada");
    make_flow(suite_text("{`filter_friendly_name`:`first`,`expression`:`1==1`,`targets`:["
                         "{`queue`:`%s`," OWN_FIRST ",`skip_if`:`1 == 1`}]},"
                         "{`filter_friendly_name`:`next`,`expression`:`a == 1`,`targets`:["
                         "{`queue`:`%s`}]}",
                         urgent, urgent));
    const json_t *run = dry_run("{`a`:1}");
    CHECK_TEXT(at(run, "stored.workflow.filterName"), "next");
    CHECK_TEXT(at(run, "stored.taskQueueSid"), urgent);
    CHECK_TEXT(at(run, "stored.workers.0.obstacle"), "");
    run = dry_run("{`a`:2}");
    CHECK_I64(at_i64(run, "stored.workflow.filterIndex"), -1);
    CHECK_TEXT(at(run, "stored.taskQueueSid"), permits);
    CHECK(is_noted(run, "target 1 of filter first"));
}

static void test_worker_gone(void)
{
    make_workspace();
    const char *ada = make_worker("Ada");
    (void)make_rule("Hers", 1, "",
                    suite_text("{'type':'RULE_ACTION_TYPE_ROUTE_TO_WORKER','target':'%s'}", ada));
    CHECK_TEXT(at(decide("'attributes':'{}'"), "workerSid"), ada);
    CHECK_TEXT(at(dry_run("{}"), "stored.workers.0.workerSid"), ada);
    const json_t *away = suite_ok(&suite_viewer, SUITE_WORKERS, "ListActivities",
                                  "{'workspaceSid':'%s','available':false}", ws);
    (void)suite_ok(&suite_supervisor, SUITE_WORKERS, "UpdateWorker",
                   "{'worker':{'workspaceSid':'%s','sid':'%s','activitySid':'%s'},"
                   "'updateMask':'activitySid'}",
                   ws, ada, at(away, "items.0.sid"));
    (void)suite_ok(&suite_supervisor, SUITE_WORKERS, "DeleteWorker",
                   "{'workspaceSid':'%s','sid':'%s'}", ws, ada);
    CHECK_TEXT(at(decide("'attributes':'{}'"), "workerSid"), "");
    const json_t *run = dry_run("{}");
    CHECK_TEXT(at(run, "stored.decision.workerSid"), "");
    CHECK_I64(at_i64(run, "stored.workers"), 0);
    CHECK(is_noted(run, "the worker whom a rule chose is gone"));
}

/* The zone where no schedule says another. */
static bool is_berlin(const void *ctx)
{
    const json_t *done =
        suite_ok(&suite_agent, R, "Decide", "{'workspaceSid':'%s'}", (const char *)ctx);
    return strcmp(at(done, "hours.timeZone"), "Europe/Berlin") == 0;
}

static void test_hours(void)
{
    make_workspace();
    (void)make_rule("Closed", 9, "hours.open == false", TO_URGENT);
    (void)make_rule("Early", 5, "time.hour < 8", TO_PERMITS);
    const char *night =
        "'attributes':'{}','calledPhone':'+12125550100','at':'2026-06-10T07:00:00Z'";
    CHECK_TEXT(at(decide(night), "rules.0.name"), "Early"); /* of UTC, always open */
    (void)suite_ok(&suite_supervisor, R, "CreateSchedule",
                   "{'workspaceSid':'%s','name':'Line','timeZone':'America/New_York',"
                   "'phoneNumbers':['+12125550100'],'weeklySchedule':{'wednesday':{'isOpen':true,"
                   "'timeSlots':[{'start':'08:00','end':'18:00'}]}}}",
                   ws);
    const json_t *closed = decide(night); /* 3 in the morning there */
    CHECK_TEXT(at(closed, "rules.0.name"), "Closed");
    CHECK_TEXT(at(closed, "hours.scheduleName"), "Line");
    CHECK_TEXT(at(closed, "hours.localTime"), "2026-06-10T03:00:00-04:00");
    CHECK_TEXT(at(closed, "hours.nextOpen"), "2026-06-10T12:00:00Z");
    const json_t *open =
        decide("'attributes':'{}','calledPhone':'+12125550100','at':'2026-06-10T12:00:00Z'");
    CHECK_I64(at_i64(open, "rules"), 0);
    CHECK_I64(at_i64(open, "hours.isOpen"), 1);
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "UpdateWorkspace",
                   "{'workspace':{'sid':'%s','timeZone':'Europe/Berlin'},'updateMask':'timeZone'}",
                   ws);
    CHECK(suite_until(is_berlin, ws, 30000));
}

static void test_keywords(void)
{
    make_workspace();
    const json_t *all =
        suite_ok(&suite_supervisor, R, "CreateDefaultKeywords", "{'workspaceSid':'%s'}", ws);
    CHECK(at_i64(all, "items") >= 6);
    CHECK_I64(
        at_i64(suite_ok(&suite_supervisor, R, "CreateDefaultKeywords", "{'workspaceSid':'%s'}", ws),
               "items"),
        at_i64(all, "items"));
    const json_t *found =
        suite_ok(&suite_viewer, R, "DetectKeywords",
                 "{'workspaceSid':'%s','text':'This is an EMERGENCY, drink coffee'}", ws);
    CHECK_TEXT(at(found, "department"), "emergency");
    CHECK_I64(at_i64(found, "keywords"), 1);
    const json_t *made = suite_ok(&suite_supervisor, R, "CreateKeyword",
                                  "{'workspaceSid':'%s','phrases':['swimming pool'],"
                                  "'department':'permits','priority':'high','confidence':1}",
                                  ws);
    CHECK(suite_event("keyword.created", at(made, "sid"), 0) != NULL);
    (void)make_rule("Emergency", 9, "task.attributes.keywords contains `emergency`", TO_URGENT);
    const json_t *done = decide("'attributes':'{}','text':'An emergency at the swimming pool'");
    CHECK_TEXT(at(done, "taskQueueSid"), urgent);
    CHECK_I64(at_i64(done, "keywords.keywords"), 2);
    (void)suite_ok(&suite_supervisor, R, "UpdateKeyword",
                   "{'keyword':{'workspaceSid':'%s','sid':'%s','enabled':false},"
                   "'updateMask':'enabled'}",
                   ws, at(made, "sid"));
    done = decide("'attributes':'{}','text':'At the swimming pool'");
    CHECK_I64(at_i64(done, "keywords.keywords"), 0);
    (void)suite_ok(&suite_supervisor, R, "DeleteKeyword", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   at(made, "sid"));
    CHECK(suite_refused(&suite_viewer, R, "NOT_FOUND KEYWORD_NOT_FOUND sid", "GetKeyword",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, at(made, "sid")));
    CHECK(suite_refused(&suite_supervisor, R, "INVALID_ARGUMENT PHRASES_INVALID phrases",
                        "CreateKeyword", "{'workspaceSid':'%s','phrases':[],'department':'x'}",
                        ws));
}

static bool is_gone(const void *ctx)
{
    return suite_count("select count(*) from routing.rule where workspace_sid = '%s'",
                       (const char *)ctx) == 0;
}

/* Decides; true once it went on for longer than a snapshot is good without a look at the database.
 */
static bool has_gone_on(const void *ctx)
{
    const int64_t *until_us = ctx;
    CHECK_TEXT(at(decide("'attributes':'{}'"), "taskQueueSid"), permits);
    return clock_mono_us() > *until_us;
}

static bool is_back(const void *ctx)
{
    return suite_call(&suite_supervisor, R, "UpdateRule",
                      "{'rule':{'workspaceSid':'%s','sid':'%s','enabled':false},"
                      "'updateMask':'enabled'}",
                      ws, (const char *)ctx)
               .code == ERR_OK;
}

static void test_database_away(void)
{
    make_workspace();
    const char *sid = at(make_rule("Stays", 1, "", TO_PERMITS), "sid");
    CHECK_TEXT(at(decide("'attributes':'{}'"), "taskQueueSid"), permits);
    cluster_kill(suite_cluster(), CLUSTER_POSTGRES);
    int64_t until_us = clock_mono_us() + 7 * US_PER_S;
    CHECK(suite_until(has_gone_on, &until_us, 60000));
    cluster_restart(suite_cluster(), CLUSTER_POSTGRES);
    CHECK(suite_until(is_back, sid, 60000));
    CHECK_TEXT(at(decide("'attributes':'{}'"), "taskQueueSid"), "");
}

static void test_workspace_deleted(void)
{
    make_workspace();
    (void)make_rule("Gone", 1, "", TO_PERMITS);
    (void)decide("'attributes':'{}'");
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "DeleteWorkspace", "{'sid':'%s'}", ws);
    CHECK(suite_until(is_gone, ws, 30000));
    CHECK_I64(
        suite_count("select count(*) from routing.rule_version where workspace_sid = '%s'", ws), 0);
}

/* ---- age ---- */

static bool are_pruned(const void *sid)
{
    return suite_count("select count(*) from routing.rule_version where rule_sid = '%s'",
                       (const char *)sid) == 1;
}

/* More than one transaction removes; what the rule is at stays, however old. */
static void test_old_versions(void)
{
    static const char *const env[] = {"TASKROUTER_RULE_VERSION_MAX_AGE=30d", NULL};
    const char *http = NULL;
    make_workspace();
    const char *sid = at(make_rule("Old versions", 1, "", TO_PERMITS), "sid");
    CHECK(cluster_sql(suite_cluster(),
                      suite_text("insert into routing.rule_version select 'RRgone' || n, version, "
                                 "workspace_sid, account_sid, name, description, priority, "
                                 "is_enabled, condition, conditions, actions, valid_from, "
                                 "valid_until, labels, rule_created_at, created_at, is_deletion, "
                                 "author_sid, author_type, comment from routing.rule_version, "
                                 "generate_series(1, 2100) n where rule_sid = '%s'",
                                 sid)));
    (void)suite_ok(&suite_supervisor, R, "UpdateRule",
                   "{'rule':{'workspaceSid':'%s','sid':'%s','priority':5},'updateMask':'priority'}",
                   ws, sid);
    CHECK(cluster_sql(suite_cluster(), "update routing.rule_version set created_at = now() - "
                                       "interval '31 days' where rule_sid like 'RR%'"));
    CHECK(cluster_sql(suite_cluster(),
                      "update routing.rule_version set created_at = now() - interval '29 days' "
                      "where rule_sid = 'RRgone1'"));
    struct process *twin = suite_start_twin(R, env, &http);
    CHECK(suite_until(are_pruned, sid, 30000));
    CHECK_I64(suite_count("select version from routing.rule_version where rule_sid = '%s'", sid),
              2);
    CHECK_I64(
        suite_count("select count(*) from routing.rule_version where rule_sid like 'RRgone%%'"), 1);
    const json_t *diff =
        suite_ok(&suite_viewer, R, "DiffRuleVersions", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    CHECK_I64(at_i64(diff, "toVersion"), 2);
    CHECK_I64(process_terminate(twin, 15000), 0);
    process_free(twin);
}

static const struct test_case cases[] = {
    {"a rule is made once, with targets by name, an event and a version",           test_create           },
    {"what is wrong with a rule is refused by its field",                           test_refused          },
    {"rules are listed in the order of evaluation",                                 test_list             },
    {"every save is a version; they are compared, and any comes back",              test_versions         },
    {"the first rule that matches decides, and matches are counted",                test_decide           },
    {"a dry run shows every rule, the step, and drafts side by side",               test_dry_run          },
    {"hours and time are those of the line that was called, else of the workspace", test_hours            },
    {"a dry run names the workers who would get the task now",                      test_workers          },
    {"a dry run passes over a target as the router does",                           test_walk             },
    {"a dry run stays at a target that skip_if does not leave",                     test_walk_stays       },
    {"a dry run goes on below a filter whose last target is passed over",           test_walk_below       },
    {"a worker who is gone is no destination",                                      test_worker_gone      },
    {"keywords are found in texts, and rules see them",                             test_keywords         },
    {"rules go with their workspace",                                               test_workspace_deleted},
    {"decisions go on by the last rules while the database is away",                test_database_away    },
    {"old versions of rules are removed, but not what a rule is at",                test_old_versions     },
    {"a workflow that a rule names is not deleted",                                 test_workflow_named   },
};

int main(int argc, char **argv)
{
    return suite_main("rules", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
}
