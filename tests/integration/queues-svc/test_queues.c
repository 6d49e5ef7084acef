/* queues-svc: task queues, task channels, and what workspaces bring and take. */
#include "suite.h"

#define Q SUITE_QUEUES

static const char *ws;

static const char *workspace(void)
{
    if (ws == NULL)
        ws = suite_workspace();
    return ws;
}

static const char *queue(const char *workspace_sid, const char *name)
{
    return at(suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                       "{'workspaceSid':'%s','friendlyName':'%s'}", workspace_sid, name),
              "sid");
}

static void test_create(void)
{
    const json_t *plain = suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                                   "{'workspaceSid':'%s','friendlyName':'Plain'}", workspace());
    CHECK_TEXT(at(plain, "targetWorkers"), "1==1");
    CHECK_I64(at_i64(plain, "maxReservedWorkers"), 1);
    CHECK_TEXT(at(plain, "taskOrder"), "TASK_ORDER_FIFO");
    CHECK_TEXT(at(plain, "accountSid"), ACCOUNT);
    const char *json =
        suite_text("{'workspaceSid':'%s','friendlyName':'Full','targetWorkers':'skills HAS "
                   "`permits`','maxReservedWorkers':3,'taskOrder':'TASK_ORDER_LIFO',"
                   "'idempotencyKey':'q'}",
                   workspace());
    const json_t *made = suite_ok(&suite_supervisor, Q, "CreateTaskQueue", "%s", json);
    const char *sid = at(made, "sid");
    CHECK_TEXT(at(made, "targetWorkers"), "skills HAS \"permits\"");
    CHECK(json_equal(made, suite_ok(&suite_supervisor, Q, "CreateTaskQueue", "%s", json)));
    CHECK(json_equal(made, suite_ok(&suite_viewer, Q, "GetTaskQueue",
                                    "{'workspaceSid':'%s','sid':'%s'}", workspace(), sid)));
    const struct seen_event *event = suite_event("task-queue.created", sid, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(event->subject, suite_text("taskrouter.%s.task-queue.created", workspace()));
    CHECK_TEXT(event->msg_id, at(event->payload, "id"));
    CHECK_TEXT(at(event->payload, "source"), "/queues-svc");
    CHECK_TEXT(at(event->payload, "data.taskQueue.taskOrder"), "TASK_ORDER_LIFO");
    CHECK_I64(suite_event_count("", sid), 1);
    const json_t *nobody =
        suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                 "{'workspaceSid':'%s','friendlyName':'Nobody','targetWorkers':''}", workspace());
    CHECK_TEXT(at(nobody, "targetWorkers"), "");
}

static void test_refused(void)
{
    const char *taken = queue(workspace(), "Taken");
    const char *by_sid = suite_text("'sid':'%s'", taken);
    const char *stale = suite_text("'sid':'%s','expectedVersion':9", taken);
    const struct {
        const struct identity *who;
        const char *method;
        const char *rest;
        const char *want;
    } rows[] = {
        {&suite_viewer,     "CreateTaskQueue",   "'friendlyName':'x'",                         "PERMISSION_DENIED ROLE_TOO_LOW"                      },
        {&suite_stranger,   "CreateTaskQueue",   "'friendlyName':'x'",
         "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid"                                                                                               },
        {&suite_supervisor, "CreateTaskQueue",   "'friendlyName':' '",
         "INVALID_ARGUMENT INVALID_FRIENDLY_NAME friendly_name"                                                                                      },
        {&suite_supervisor, "CreateTaskQueue",   "'friendlyName':'TAKEN'",
         "ALREADY_EXISTS QUEUE_NAME_TAKEN friendly_name"                                                                                             },
        {&suite_supervisor, "CreateTaskQueue",   "'friendlyName':'x','targetWorkers':'a == '",
         "INVALID_ARGUMENT EXPRESSION_INVALID target_workers : column"                                                                               },
        {&suite_supervisor, "CreateTaskQueue",   "'friendlyName':'x','targetWorkers':'(1==1'",
         "INVALID_ARGUMENT EXPRESSION_INVALID target_workers : column 6"                                                                             },
        {&suite_supervisor, "CreateTaskQueue",   "'friendlyName':'x','maxReservedWorkers':51",
         "INVALID_ARGUMENT OUT_OF_RANGE max_reserved_workers : 50"                                                                                   },
        {&suite_supervisor, "CreateTaskQueue",   "'friendlyName':'x','maxReservedWorkers':-1",
         "INVALID_ARGUMENT OUT_OF_RANGE max_reserved_workers"                                                                                        },
        {&suite_supervisor, "CreateTaskQueue",
         "'friendlyName':'x','assignmentActivitySid':'WQ00000000000000000000000000000001'",    "INVALID_ARGUMENT INVALID_SID assignment_activity_sid"},
        {&suite_supervisor, "CreateTaskQueue",   "'friendlyName':'x','idempotencyKey':'q'",
         "ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED idempotency_key"                                                                                     },
        {&suite_viewer,     "GetTaskQueue",      "'sid':'WQ00000000000000000000000000000001'",
         "NOT_FOUND QUEUE_NOT_FOUND sid"                                                                                                             },
        {&suite_viewer,     "GetTaskQueue",      "'sid':'WW00000000000000000000000000000001'",
         "INVALID_ARGUMENT INVALID_SID sid : WQ"                                                                                                     },
        {&suite_stranger,   "GetTaskQueue",      by_sid,                                       "NOT_FOUND WORKSPACE_NOT_FOUND"                       },
        {&suite_viewer,     "ListTaskQueues",    "'cursor':'d2s6YQ'",                          "INVALID_ARGUMENT INVALID_CURSOR"                     },
        {&suite_viewer,     "ListTaskQueues",    "'evaluateWorkerAttributes':'7'",
         "INVALID_ARGUMENT INVALID_ATTRIBUTES evaluate_worker_attributes"                                                                            },
        {&suite_viewer,     "DeleteTaskQueue",   by_sid,                                       "PERMISSION_DENIED ROLE_TOO_LOW"                      },
        {&suite_supervisor, "DeleteTaskQueue",   stale,                                        "ABORTED VERSION_MISMATCH"                            },
        {&suite_supervisor, "DeleteTaskQueue",   "'sid':'WQ00000000000000000000000000000001'",
         "NOT_FOUND QUEUE_NOT_FOUND"                                                                                                                 },
        {&suite_supervisor, "CreateTaskChannel", "'friendlyName':'x','uniqueName':'x'",
         "PERMISSION_DENIED ROLE_TOO_LOW"                                                                                                            },
        {&suite_admin,      "CreateTaskChannel", "'friendlyName':'x','uniqueName':'voice'",
         "ALREADY_EXISTS CHANNEL_NAME_TAKEN unique_name"                                                                                             },
        {&suite_admin,      "CreateTaskChannel", "'friendlyName':'x-y','uniqueName':'x'",
         "INVALID_ARGUMENT INVALID_FRIENDLY_NAME friendly_name : hyphen"                                                                             },
        {&suite_admin,      "CreateTaskChannel", "'friendlyName':'x','uniqueName':'1x'",
         "INVALID_ARGUMENT INVALID_UNIQUE_NAME unique_name"                                                                                          },
        {&suite_viewer,     "GetTaskChannel",    "'channel':'pigeon'",
         "NOT_FOUND CHANNEL_NOT_FOUND channel"                                                                                                       },
        {&suite_viewer,     "GetTaskChannel",    "'channel':''",
         "INVALID_ARGUMENT FIELD_REQUIRED channel"                                                                                                   },
        {&suite_admin,      "DeleteTaskChannel", "'channel':'voice'",
         "FAILED_PRECONDITION DEFAULT_CHANNEL"                                                                                                       },
    };
    (void)suite_ok(&suite_viewer, Q, "ListTaskChannels", "{'workspaceSid':'%s'}", workspace());
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(rows[i].who, Q, rows[i].want, rows[i].method,
                            "{'workspaceSid':'%s',%s}", workspace(), rows[i].rest));
    CHECK_I64(suite_count("select count(*) from queues.task_queue where friendly_name = 'x'"), 0);
    CHECK(suite_refused(&suite_viewer, Q, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid",
                        "ListTaskQueues", "{'workspaceSid':'WS00000000000000000000000000000001'}"));
}

static void test_list(void)
{
    const char *sid = suite_workspace();
    for (int i = 0; i < 7; i++)
        (void)suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                       "{'workspaceSid':'%s','friendlyName':'L%d','targetWorkers':'level > %d'}",
                       sid, i, i);
    int seen = 0;
    const char *cursor = "";
    for (int pages = 0; pages < 4; pages++) {
        const json_t *page =
            suite_ok(&suite_viewer, Q, "ListTaskQueues",
                     "{'workspaceSid':'%s','pageSize':3,'cursor':'%s'}", sid, cursor);
        for (int i = 0; i < at_i64(page, "items"); i++)
            CHECK_TEXT(at(page, suite_text("items.%d.friendlyName", i)), suite_text("L%d", seen++));
        cursor = at(page, "nextCursor");
        if (cursor[0] == '\0')
            break;
    }
    CHECK_I64(seen, 7);
    const json_t *found = suite_ok(&suite_viewer, Q, "ListTaskQueues",
                                   "{'workspaceSid':'%s','friendlyName':'l4'}", sid);
    CHECK_I64(at_i64(found, "items"), 1);
    found = suite_ok(&suite_viewer, Q, "ListTaskQueues",
                     "{'workspaceSid':'%s','evaluateWorkerAttributes':'{`level`:3}'}", sid);
    CHECK_I64(at_i64(found, "items"), 3);
}

static void test_update(void)
{
    const char *sid = queue(workspace(), "Updated");
    const json_t *now =
        suite_ok(&suite_supervisor, Q, "UpdateTaskQueue",
                 "{'taskQueue':{'workspaceSid':'%s','sid':'%s','targetWorkers':'a == 1',"
                 "'friendlyName':'not in the mask'},'updateMask':'targetWorkers',"
                 "'expectedVersion':1}",
                 workspace(), sid);
    CHECK_TEXT(at(now, "targetWorkers"), "a == 1");
    CHECK_TEXT(at(now, "friendlyName"), "Updated");
    CHECK_I64(at_i64(now, "version"), 2);
    CHECK(suite_event("task-queue.expression.updated", sid, 0) != NULL);
    static const struct {
        const char *rest;
        const char *want;
    } rows[] = {
        {"},'updateMask':'taskOrder','expectedVersion':1",       "ABORTED VERSION_MISMATCH"                        },
        {"},'updateMask':'taskOrder'",                           "INVALID_ARGUMENT INVALID_TASK_ORDER task_order"  },
        {"},'updateMask':'maxReservedWorkers'",                  "INVALID_ARGUMENT OUT_OF_RANGE"                   },
        {"},'updateMask':'accountSid'",                          "INVALID_ARGUMENT FIELD_NOT_UPDATABLE account_sid"},
        {"}",                                                    "INVALID_ARGUMENT EMPTY_UPDATE update_mask"       },
        {",'targetWorkers':'=='},'updateMask':'targetWorkers'",
         "INVALID_ARGUMENT EXPRESSION_INVALID target_workers : column 1"                                           },
        {",'friendlyName':'taken'},'updateMask':'friendlyName'",
         "ALREADY_EXISTS QUEUE_NAME_TAKEN friendly_name"                                                           },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(&suite_supervisor, Q, rows[i].want, "UpdateTaskQueue",
                            "{'taskQueue':{'workspaceSid':'%s','sid':'%s'%s}", workspace(), sid,
                            rows[i].rest));
    CHECK(suite_refused(&suite_supervisor, Q, "INVALID_ARGUMENT FIELD_REQUIRED task_queue",
                        "UpdateTaskQueue", "{}"));
    CHECK_I64(suite_event_count("", sid), 2);
}

static void test_delete(void)
{
    const char *sid = queue(workspace(), "Deleted");
    suite_set_busy(true);
    CHECK(suite_refused(&suite_supervisor, Q, "FAILED_PRECONDITION IN_USE", "DeleteTaskQueue",
                        "{'workspaceSid':'%s','sid':'%s'}", workspace(), sid));
    suite_set_busy(false);
    (void)suite_ok(&suite_supervisor, Q, "DeleteTaskQueue",
                   "{'workspaceSid':'%s','sid':'%s','expectedVersion':1}", workspace(), sid);
    CHECK(suite_refused(&suite_supervisor, Q, "NOT_FOUND QUEUE_NOT_FOUND sid", "DeleteTaskQueue",
                        "{'workspaceSid':'%s','sid':'%s'}", workspace(), sid));
    const struct seen_event *event = suite_event("task-queue.deleted", sid, 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.deleted"), 1);
    CHECK_TEXT(at(event->payload, "data.taskQueue.version"), "2");
    CHECK_I64(suite_event_count("", sid), 2);
}

static void test_channels(void)
{
    const char *sid = suite_workspace();
    const json_t *list =
        suite_ok(&suite_viewer, Q, "ListTaskChannels", "{'workspaceSid':'%s','pageSize':4}", sid);
    CHECK_I64(at_i64(list, "items"), 4);
    list =
        suite_ok(&suite_viewer, Q, "ListTaskChannels",
                 "{'workspaceSid':'%s','pageSize':4,'cursor':'%s'}", sid, at(list, "nextCursor"));
    CHECK_I64(at_i64(list, "items"), 1);
    static const char *const names[] = {"default", "voice", "chat", "sms", "video"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const json_t *channel = suite_ok(&suite_viewer, Q, "GetTaskChannel",
                                         "{'workspaceSid':'%s','channel':'%s'}", sid, names[i]);
        CHECK(json_equal(channel, suite_ok(&suite_viewer, Q, "GetTaskChannel",
                                           "{'workspaceSid':'%s','channel':'%s'}", sid,
                                           at(channel, "sid"))));
        CHECK(suite_event("task-channel.created", at(channel, "sid"), 0) != NULL);
        CHECK_I64(suite_event_count("", at(channel, "sid")), 1);
    }
    const char *json = suite_text("{'workspaceSid':'%s','friendlyName':'Fax machine',"
                                  "'uniqueName':'fax','idempotencyKey':'c'}",
                                  sid);
    const json_t *made = suite_ok(&suite_admin, Q, "CreateTaskChannel", "%s", json);
    CHECK(json_equal(made, suite_ok(&suite_admin, Q, "CreateTaskChannel", "%s", json)));
    const json_t *now = suite_ok(&suite_admin, Q, "UpdateTaskChannel",
                                 "{'taskChannel':{'workspaceSid':'%s','sid':'fax','friendlyName':"
                                 "'Telefax','channelOptimizedRouting':true},'updateMask':"
                                 "'friendlyName,channelOptimizedRouting','expectedVersion':1}",
                                 sid);
    CHECK_TEXT(at(now, "friendlyName"), "Telefax");
    CHECK_I64(at_i64(now, "channelOptimizedRouting"), 1);
    CHECK(suite_refused(&suite_admin, Q, "INVALID_ARGUMENT FIELD_NOT_UPDATABLE unique_name",
                        "UpdateTaskChannel",
                        "{'taskChannel':{'workspaceSid':'%s','sid':'fax','uniqueName':'x'},"
                        "'updateMask':'uniqueName'}",
                        sid));
    CHECK(suite_refused(&suite_admin, Q, "ABORTED VERSION_MISMATCH", "DeleteTaskChannel",
                        "{'workspaceSid':'%s','channel':'fax','expectedVersion':1}", sid));
    (void)suite_ok(&suite_admin, Q, "DeleteTaskChannel", "{'workspaceSid':'%s','channel':'fax'}",
                   sid);
    CHECK(suite_event("task-channel.deleted", at(made, "sid"), 0) != NULL);
    CHECK_I64(suite_event_count("", at(made, "sid")), 3);
}

static bool is_empty(const void *workspace_sid)
{
    return suite_count("select (select count(*) from queues.task_queue where workspace_sid = '%s')"
                       " + (select count(*) from queues.task_channel where workspace_sid = '%s')",
                       (const char *)workspace_sid, (const char *)workspace_sid) == 0;
}

static bool has_copy(const void *workspace_sid)
{
    return suite_count("select count(*) from queues.task_channel where workspace_sid = '%s'",
                       (const char *)workspace_sid) == 5;
}

static void test_workspaces(void)
{
    const char *untouched = suite_workspace(); /* nobody asks: the event alone brings it */
    CHECK(suite_until(has_copy, untouched, 10000));
    const char *sid = suite_workspace();
    (void)queue(sid, "Gone");
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "DeleteWorkspace", "{'sid':'%s'}", sid);
    CHECK(suite_until(is_empty, sid, 10000));
    CHECK(suite_refused(&suite_supervisor, Q, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid",
                        "CreateTaskQueue", "{'workspaceSid':'%s','friendlyName':'x'}", sid));
    /* older words about it, again and again, do not bring it back */
    for (int version = 1; version <= 2; version++)
        CHECK(suite_publish("workspace.updated", sid, sid, version, 0,
                            "{'workspace':{'sid':'%s','accountSid':'%s','friendlyName':'x',"
                            "'version':'%d'}}",
                            sid, ACCOUNT, version));
    const char *next = suite_workspace();
    CHECK(suite_until(has_copy, next, 10000)); /* in order: those were handled before */
    CHECK(is_empty(sid));
    CHECK(suite_refused(&suite_viewer, Q, "NOT_FOUND WORKSPACE_NOT_FOUND", "ListTaskQueues",
                        "{'workspaceSid':'%s'}", sid));
}

static const struct test_case cases[] = {
    {"a queue is made, told, read back; a repeated key makes no second", test_create    },
    {"bad requests are refused with code and field, nothing is stored",  test_refused   },
    {"queues are listed by page, name and a worker's attributes",        test_list      },
    {"an update changes what the mask names and tells it",               test_update    },
    {"a queue is deleted when no task waits in it",                      test_delete    },
    {"a workspace has five channels at once; more come and go",          test_channels  },
    {"a workspace's end takes queues and channels with it, for good",    test_workspaces},
};

int main(int argc, char **argv)
{
    return suite_main("queues", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
}
