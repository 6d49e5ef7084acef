/* workers-svc: workspaces and their activities. */
#include "suite.h"

#define W SUITE_WORKERS

static const char *const no_workspace = "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid";
static const char *const not_allowed = "PERMISSION_DENIED ROLE_TOO_LOW";

static void test_birth(void)
{
    const json_t *made = suite_ok(&suite_admin, W, "CreateWorkspace",
                                  "{'friendlyName':'Birth','eventCallbackUrl':'https://a.b/c',"
                                  "'eventsFilter':'task.created','timeZone':'America/New_York',"
                                  "'prioritizeQueueOrder':'QUEUE_ORDER_LIFO'}");
    const char *sid = at(made, "sid");
    CHECK(strncmp(sid, "WS", 2) == 0);
    CHECK_TEXT(at(made, "accountSid"), ACCOUNT);
    CHECK_TEXT(at(made, "provider"), "PROVIDER_LOCAL");
    CHECK_TEXT(at(made, "defaultActivityName"), "Offline");
    CHECK_TEXT(at(made, "timeoutActivityName"), "Offline");
    CHECK_TEXT(at(made, "timeZone"), "America/New_York");
    CHECK_I64(at_i64(made, "multiTaskEnabled"), 1);
    CHECK_I64(at_i64(made, "version"), 1);
    const json_t *got = suite_ok(&suite_viewer, W, "GetWorkspace", "{'sid':'%s'}", sid);
    CHECK(json_equal(made, got));
    const json_t *list = suite_ok(&suite_viewer, W, "ListActivities", "{'workspaceSid':'%s'}", sid);
    CHECK_I64(at_i64(list, "items"), 3);

    const struct seen_event *event = suite_event("workspace.created", sid, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(event->subject, suite_text("taskrouter.%s.workspace.created", sid));
    CHECK_TEXT(event->msg_id, at(event->payload, "id"));
    CHECK_TEXT(at(event->payload, "specversion"), "1.0");
    CHECK_TEXT(at(event->payload, "source"), "/workers-svc");
    CHECK_TEXT(at(event->payload, "workspacesid"), sid);
    CHECK_TEXT(at(event->payload, "accountsid"), ACCOUNT);
    CHECK_TEXT(at(event->payload, "actorsid"), suite_admin.actor_sid);
    CHECK_TEXT(at(event->payload, "data.workspace.friendlyName"), "Birth");
    CHECK_TEXT(at(event->payload, "data.workspace.version"), "1");
    for (int i = 0; i < 3; i++) {
        const char *activity = at(list, suite_text("items.%d.sid", i));
        CHECK(suite_event("activity.created", activity, 0) != NULL);
        CHECK_I64(suite_event_count("", activity), 1);
    }
    CHECK_I64(suite_event_count("", sid), 1);
}

static void test_custom_activities(void)
{
    const json_t *made =
        suite_ok(&suite_admin, W, "CreateWorkspace",
                 "{'friendlyName':'Custom','activities':[{'friendlyName':'Available',"
                 "'available':true},{'friendlyName':'Offline'},{'friendlyName':'Break'}]}");
    CHECK_TEXT(at(made, "defaultActivityName"), "Offline");
    made = suite_ok(&suite_admin, W, "CreateWorkspace",
                    "{'friendlyName':'Custom 2','multiTaskEnabled':false,'activities':"
                    "[{'friendlyName':'Idle'},{'friendlyName':'Busy'}]}");
    CHECK_TEXT(at(made, "defaultActivityName"), "Idle");
    CHECK_I64(at_i64(made, "multiTaskEnabled"), 0);
    CHECK(suite_refused(&suite_admin, W, "INVALID_ARGUMENT DUPLICATE_NAME activities : \"busy\"",
                        "CreateWorkspace",
                        "{'friendlyName':'Custom 3','activities':[{'friendlyName':'Busy'},"
                        "{'friendlyName':'busy'}]}"));
    CHECK(suite_refused(&suite_admin, W, "INVALID_ARGUMENT INVALID_FRIENDLY_NAME : activities[1]",
                        "CreateWorkspace",
                        "{'friendlyName':'Custom 3','activities':[{'friendlyName':'Busy'},"
                        "{'friendlyName':' '}]}"));
    CHECK_I64(
        suite_count("select count(*) from workers.workspace where friendly_name = 'Custom 3'"), 0);
}

static void test_bad_workspaces(void)
{
    static const struct {
        const char *json;
        const char *want;
    } rows[] = {
        {"{}",                                                  "INVALID_ARGUMENT INVALID_FRIENDLY_NAME friendly_name : 1 to 64"},
        {"{'friendlyName':'  '}",                               "INVALID_ARGUMENT INVALID_FRIENDLY_NAME friendly_name"          },
        {"{'friendlyName':'x','timeZone':'New York!'}",
         "INVALID_ARGUMENT INVALID_TIME_ZONE time_zone : IANA"                                                                  },
        {"{'friendlyName':'x','eventCallbackUrl':'ftp://a/b'}",
         "INVALID_ARGUMENT INVALID_URL event_callback_url : http"                                                               },
        {"{'friendlyName':'x','eventsFilter':'task created!'}",
         "INVALID_ARGUMENT INVALID_EVENTS_FILTER events_filter"                                                                 },
        {"{'friendlyName':'x','template':'LILO'}",              "INVALID_ARGUMENT INVALID_TEMPLATE template"                    },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(&suite_admin, W, rows[i].want, "CreateWorkspace", "%s", rows[i].json));
    CHECK(suite_refused(&suite_service_id, W, "FAILED_PRECONDITION NO_ACCOUNT", "CreateWorkspace",
                        "{'friendlyName':'x'}"));
    struct identity bound = suite_admin;
    bound.workspace_sid = "WS00000000000000000000000000000001";
    CHECK(suite_refused(&bound, W, "PERMISSION_DENIED WORKSPACE_ONLY", "CreateWorkspace",
                        "{'friendlyName':'x'}"));
    CHECK(suite_refused(&suite_supervisor, W, not_allowed, "CreateWorkspace",
                        "{'friendlyName':'x'}"));
}

static void test_same_key(void)
{
    const json_t *first = suite_ok(&suite_admin, W, "CreateWorkspace",
                                   "{'friendlyName':'Keyed','idempotencyKey':'k-1'}");
    const json_t *again = suite_ok(&suite_admin, W, "CreateWorkspace",
                                   "{'friendlyName':'Keyed','idempotencyKey':'k-1'}");
    CHECK(first != NULL && json_equal(first, again));
    CHECK_I64(suite_count("select count(*) from workers.workspace where friendly_name = 'Keyed'"),
              1);
    CHECK(suite_refused(&suite_admin, W, "ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED idempotency_key",
                        "CreateWorkspace", "{'friendlyName':'Other','idempotencyKey':'k-1'}"));
    CHECK(suite_refused(&suite_admin, W,
                        "ALREADY_EXISTS WORKSPACE_NAME_TAKEN friendly_name : keyed",
                        "CreateWorkspace", "{'friendlyName':'keyed','idempotencyKey':'k-2'}"));
    /* the same key in another account is another key */
    (void)suite_ok(&suite_stranger, W, "CreateWorkspace",
                   "{'friendlyName':'Keyed','idempotencyKey':'k-1'}");
    CHECK(suite_event("workspace.created", at(first, "sid"), 0) != NULL);
    CHECK_I64(suite_event_count("workspace.created", at(first, "sid")), 1);
}

static void test_who_sees(void)
{
    const char *sid = suite_workspace();
    CHECK(suite_refused(&suite_stranger, W, no_workspace, "GetWorkspace", "{'sid':'%s'}", sid));
    CHECK(suite_refused(&suite_stranger, W, no_workspace, "DeleteWorkspace", "{'sid':'%s'}", sid));
    CHECK(suite_refused(&suite_stranger, W, no_workspace, "ListActivities", "{'workspaceSid':'%s'}",
                        sid));
    CHECK(suite_refused(&suite_viewer, W, no_workspace, "GetWorkspace",
                        "{'sid':'WS00000000000000000000000000000001'}"));
    CHECK(suite_refused(&suite_viewer, W, "INVALID_ARGUMENT INVALID_SID workspace_sid : WS",
                        "GetWorkspace", "{'sid':'WK00000000000000000000000000000001'}"));
    CHECK(suite_refused(&suite_viewer, W, "INVALID_ARGUMENT FIELD_REQUIRED workspace_sid",
                        "GetWorkspace", "{}"));
    (void)suite_ok(&suite_service_id, W, "GetWorkspace", "{'sid':'%s'}", sid);
    struct identity bound = suite_viewer;
    bound.workspace_sid = suite_workspace();
    CHECK(suite_refused(&bound, W, no_workspace, "GetWorkspace", "{'sid':'%s'}", sid));
    const json_t *list = suite_ok(&bound, W, "ListWorkspaces", "{}");
    CHECK_I64(at_i64(list, "items"), 1);
    CHECK_TEXT(at(list, "items.0.sid"), bound.workspace_sid);
}

static void test_list(void)
{
    struct identity other = suite_admin;
    other.account_sid = "AC0000000000000000000000000000000A";
    for (int i = 0; i < 5; i++)
        (void)suite_ok(&other, W, "CreateWorkspace", "{'friendlyName':'List %d'}", i);
    const json_t *page = suite_ok(&other, W, "ListWorkspaces", "{'pageSize':2}");
    CHECK_I64(at_i64(page, "items"), 2);
    CHECK_TEXT(at(page, "items.1.friendlyName"), "List 1");
    page = suite_ok(&other, W, "ListWorkspaces", "{'pageSize':2,'cursor':'%s'}",
                    at(page, "nextCursor"));
    page = suite_ok(&other, W, "ListWorkspaces", "{'pageSize':2,'cursor':'%s'}",
                    at(page, "nextCursor"));
    CHECK_I64(at_i64(page, "items"), 1);
    CHECK_TEXT(at(page, "items.0.friendlyName"), "List 4");
    CHECK_TEXT(at(page, "nextCursor"), "");
    page = suite_ok(&other, W, "ListWorkspaces", "{'friendlyName':'list 3'}");
    CHECK_I64(at_i64(page, "items"), 1);
    CHECK(suite_refused(&other, W, "INVALID_ARGUMENT INVALID_CURSOR cursor", "ListWorkspaces",
                        "{'cursor':'d3M6'}"));
    CHECK(suite_refused(&other, W, "INVALID_ARGUMENT OUT_OF_RANGE page_size", "ListWorkspaces",
                        "{'pageSize':-1}"));
}

static void test_update(void)
{
    const char *sid = suite_workspace();
    const json_t *list = suite_ok(&suite_viewer, W, "ListActivities",
                                  "{'workspaceSid':'%s','friendlyName':'unavailable'}", sid);
    const char *activity = at(list, "items.0.sid");
    const json_t *now =
        suite_ok(&suite_admin, W, "UpdateWorkspace",
                 "{'workspace':{'sid':'%s','timeoutActivitySid':'%s','timeZone':'Europe/Paris',"
                 "'friendlyName':'not in the mask'},'updateMask':'timeoutActivitySid,timeZone',"
                 "'expectedVersion':1}",
                 sid, activity);
    CHECK_TEXT(at(now, "timeoutActivityName"), "Unavailable");
    CHECK_TEXT(at(now, "timeZone"), "Europe/Paris");
    CHECK_I64(at_i64(now, "version"), 2);
    CHECK(strcmp(at(now, "friendlyName"), "not in the mask") != 0);
    CHECK(json_equal(now, suite_ok(&suite_viewer, W, "GetWorkspace", "{'sid':'%s'}", sid)));
    const struct seen_event *event = suite_event("workspace.updated", sid, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.workspace.timeZone"), "Europe/Paris");

    static const struct {
        const char *rest;
        const char *want;
    } rows[] = {
        {"},'updateMask':'timeZone','expectedVersion':1",              "ABORTED VERSION_MISMATCH : version 2"                    },
        {"},'updateMask':'accountSid'",
         "INVALID_ARGUMENT FIELD_NOT_UPDATABLE account_sid : time_zone"                                                          },
        {"}",                                                          "INVALID_ARGUMENT EMPTY_UPDATE update_mask"               },
        {",'timeZone':'no zone'},'updateMask':'timeZone'",
         "INVALID_ARGUMENT INVALID_TIME_ZONE time_zone"                                                                          },
        {",'multiTaskEnabled':false},'updateMask':'multiTaskEnabled'",
         "INVALID_ARGUMENT MULTI_TASK_FIXED multi_task_enabled"                                                                  },
        {",'defaultActivitySid':'WA00000000000000000000000000000001'},'updateMask':'"
         "defaultActivitySid'",                               "INVALID_ARGUMENT ACTIVITY_NOT_FOUND default_activity_sid"},
        {",'defaultActivitySid':'WQ00000000000000000000000000000001'},'updateMask':'"
         "defaultActivitySid'",                               "INVALID_ARGUMENT INVALID_SID default_activity_sid"       },
        {"},'updateMask':'defaultActivitySid'",
         "INVALID_ARGUMENT FIELD_REQUIRED default_activity_sid"                                                                  },
        {",'friendlyName':'twin'},'updateMask':'friendlyName'",
         "ALREADY_EXISTS WORKSPACE_NAME_TAKEN friendly_name : twin"                                                              },
    };
    (void)suite_ok(&suite_admin, W, "CreateWorkspace", "{'friendlyName':'Twin'}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(&suite_admin, W, rows[i].want, "UpdateWorkspace",
                            "{'workspace':{'sid':'%s'%s}", sid, rows[i].rest));
    CHECK(suite_refused(&suite_supervisor, W, not_allowed, "UpdateWorkspace",
                        "{'workspace':{'sid':'%s'},'updateMask':'timeZone'}", sid));
    CHECK_I64(at_i64(suite_ok(&suite_viewer, W, "GetWorkspace", "{'sid':'%s'}", sid), "version"),
              2);
    CHECK_I64(suite_event_count("", sid), 2);
}

static void test_delete(void)
{
    const char *sid = suite_workspace();
    const json_t *worker = suite_ok(&suite_supervisor, W, "CreateWorker",
                                    "{'workspaceSid':'%s','friendlyName':'Ann'}", sid);
    CHECK(suite_refused(&suite_admin, W, "ABORTED VERSION_MISMATCH", "DeleteWorkspace",
                        "{'sid':'%s','expectedVersion':7}", sid));
    (void)suite_ok(&suite_admin, W, "DeleteWorkspace", "{'sid':'%s','expectedVersion':1}", sid);
    CHECK(suite_refused(&suite_admin, W, no_workspace, "GetWorkspace", "{'sid':'%s'}", sid));
    CHECK(suite_refused(&suite_admin, W, no_workspace, "GetWorker",
                        "{'workspaceSid':'%s','sid':'%s'}", sid, at(worker, "sid")));
    CHECK_I64(suite_count("select (select count(*) from workers.worker where workspace_sid = '%s') "
                          "+ (select count(*) from workers.activity where workspace_sid = '%s')",
                          sid, sid),
              0);
    const struct seen_event *event = suite_event("workspace.deleted", sid, 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.deleted"), 1);
    CHECK_TEXT(at(event->payload, "data.workspace.version"), "2");
    CHECK(suite_refused(&suite_supervisor, W, no_workspace, "CreateWorker",
                        "{'workspaceSid':'%s','friendlyName':'Bob'}", sid));
    CHECK(suite_refused(&suite_supervisor, W, no_workspace, "CreateActivity",
                        "{'workspaceSid':'%s','friendlyName':'Tea'}", sid));
}

static void test_activities(void)
{
    const char *sid = suite_workspace();
    const json_t *tea = suite_ok(&suite_supervisor, W, "CreateActivity",
                                 "{'workspaceSid':'%s','friendlyName':'Tea','available':true,"
                                 "'idempotencyKey':'a'}",
                                 sid);
    CHECK(json_equal(tea, suite_ok(&suite_supervisor, W, "CreateActivity",
                                   "{'workspaceSid':'%s','friendlyName':'Tea','available':true,"
                                   "'idempotencyKey':'a'}",
                                   sid)));
    CHECK(json_equal(tea, suite_ok(&suite_viewer, W, "GetActivity",
                                   "{'workspaceSid':'%s','sid':'%s'}", sid, at(tea, "sid"))));
    CHECK_I64(at_i64(tea, "available"), 1);
    const json_t *list =
        suite_ok(&suite_viewer, W, "ListActivities", "{'workspaceSid':'%s','available':true}", sid);
    CHECK_I64(at_i64(list, "items"), 2);
    list = suite_ok(&suite_viewer, W, "ListActivities",
                    "{'workspaceSid':'%s','available':false,'pageSize':1}", sid);
    CHECK_I64(at_i64(list, "items"), 1);
    list = suite_ok(&suite_viewer, W, "ListActivities",
                    "{'workspaceSid':'%s','available':false,'pageSize':1,'cursor':'%s'}", sid,
                    at(list, "nextCursor"));
    CHECK_I64(at_i64(list, "items"), 1);
    CHECK_TEXT(at(list, "nextCursor"), "");

    const json_t *renamed =
        suite_ok(&suite_supervisor, W, "UpdateActivity",
                 "{'activity':{'workspaceSid':'%s','sid':'%s','friendlyName':'Coffee'},"
                 "'updateMask':'friendlyName','expectedVersion':1}",
                 sid, at(tea, "sid"));
    CHECK_TEXT(at(renamed, "friendlyName"), "Coffee");
    CHECK_I64(at_i64(renamed, "version"), 2);

    static const struct {
        const struct identity *who;
        const char *method;
        const char *json; /* %s: workspace, activity */
        const char *want;
    } rows[] = {
        {&suite_supervisor, "CreateActivity", "{'workspaceSid':'%s','friendlyName':'coffee'}",
         "ALREADY_EXISTS ACTIVITY_NAME_TAKEN friendly_name"                                                                                                          },
        {&suite_supervisor, "CreateActivity", "{'workspaceSid':'%s'}",
         "INVALID_ARGUMENT INVALID_FRIENDLY_NAME friendly_name"                                                                                                      },
        {&suite_supervisor, "CreateActivity", "{'workspaceSid':'%s','friendlyName':'a\\u0001'}",
         "INVALID_ARGUMENT INVALID_FRIENDLY_NAME friendly_name : control"                                                                                            },
        {&suite_supervisor, "CreateActivity",
         "{'workspaceSid':'%s','friendlyName':'Tea','idempotencyKey':'a'}",                          "ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED idempotency_key"         },
        {&suite_viewer,     "CreateActivity", "{'workspaceSid':'%s','friendlyName':'x'}",
         "PERMISSION_DENIED ROLE_TOO_LOW"                                                                                                                            },
        {&suite_supervisor, "UpdateActivity",
         "{'activity':{'workspaceSid':'%s','sid':'%s','available':false},'updateMask':'available'}", "INVALID_ARGUMENT FIELD_NOT_UPDATABLE available : friendly_name"},
        {&suite_supervisor, "UpdateActivity",
         "{'activity':{'workspaceSid':'%s','sid':'%s','friendlyName':'OFFLINE'},'updateMask':'"
         "friendlyName'}",                                                                           "ALREADY_EXISTS ACTIVITY_NAME_TAKEN friendly_name"              },
        {&suite_supervisor, "UpdateActivity",
         "{'activity':{'workspaceSid':'%s','sid':'%s','friendlyName':'x'},'updateMask':'"
         "friendlyName','expectedVersion':1}",                                                       "ABORTED VERSION_MISMATCH"                                      },
        {&suite_supervisor, "UpdateActivity", "{}",                                                  "INVALID_ARGUMENT FIELD_REQUIRED activity"                      },
        {&suite_viewer,     "GetActivity",
         "{'workspaceSid':'%s','sid':'WA00000000000000000000000000000001'}",                         "NOT_FOUND ACTIVITY_NOT_FOUND"                                  },
        {&suite_viewer,     "GetActivity",
         "{'workspaceSid':'%s','sid':'WK00000000000000000000000000000001'}",                         "INVALID_ARGUMENT INVALID_SID sid : WA"                         },
        {&suite_stranger,   "GetActivity",    "{'workspaceSid':'%s','sid':'%s'}",
         "NOT_FOUND WORKSPACE_NOT_FOUND"                                                                                                                             },
        {&suite_supervisor, "DeleteActivity",
         "{'workspaceSid':'%s','sid':'%s','expectedVersion':1}",                                     "ABORTED VERSION_MISMATCH"                                      },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *json = rows[i].json; /* its two places, filled by hand */
        const char *filled = json;
        const char *first = strstr(json, "%s");
        const char *second = first == NULL ? NULL : strstr(first + 2, "%s");
        if (second != NULL)
            filled = suite_text("%.*s%s%.*s%s%s", (int)(first - json), json, sid,
                                (int)(second - first - 2), first + 2, at(tea, "sid"), second + 2);
        else if (first != NULL)
            filled = suite_text("%.*s%s%s", (int)(first - json), json, sid, first + 2);
        CHECK(suite_refused(rows[i].who, W, rows[i].want, rows[i].method, "%s", filled));
    }
    (void)suite_ok(&suite_supervisor, W, "DeleteActivity",
                   "{'workspaceSid':'%s','sid':'%s','expectedVersion':2}", sid, at(tea, "sid"));
    const struct seen_event *event = suite_event("activity.deleted", at(tea, "sid"), 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.deleted"), 1);
    CHECK_I64(suite_event_count("", at(tea, "sid")), 3);
}

static void test_used_activity(void)
{
    const json_t *workspace = suite_ok(&suite_admin, W, "CreateWorkspace",
                                       "{'friendlyName':'Used','activities':[{'friendlyName':"
                                       "'Offline'},{'friendlyName':'Here','available':true}]}");
    const char *sid = at(workspace, "sid");
    const char *in_use = "FAILED_PRECONDITION ACTIVITY_IN_USE";
    CHECK(suite_refused(&suite_supervisor, W, in_use, "DeleteActivity",
                        "{'workspaceSid':'%s','sid':'%s'}", sid,
                        at(workspace, "defaultActivitySid")));
    const json_t *list = suite_ok(&suite_viewer, W, "ListActivities",
                                  "{'workspaceSid':'%s','friendlyName':'Here'}", sid);
    const char *here = at(list, "items.0.sid");
    const json_t *worker =
        suite_ok(&suite_supervisor, W, "CreateWorker",
                 "{'workspaceSid':'%s','friendlyName':'Ann','activitySid':'%s'}", sid, here);
    CHECK(suite_refused(&suite_supervisor, W, in_use, "DeleteActivity",
                        "{'workspaceSid':'%s','sid':'%s'}", sid, here));
    (void)suite_ok(&suite_supervisor, W, "DeleteWorker", "{'workspaceSid':'%s','sid':'%s'}", sid,
                   at(worker, "sid"));
    (void)suite_ok(&suite_supervisor, W, "DeleteActivity", "{'workspaceSid':'%s','sid':'%s'}", sid,
                   here);
}

static const struct test_case cases[] = {
    {"a workspace is born with three activities, told one by one",           test_birth         },
    {"the request may name the activities; default is Offline or the first",
     test_custom_activities                                                                     },
    {"a bad workspace is refused with the field, nothing is stored",         test_bad_workspaces},
    {"a repeated key gives the first reply and makes one row",               test_same_key      },
    {"a workspace is visible to its account and to services",                test_who_sees      },
    {"workspaces are listed page by page, by name",                          test_list          },
    {"an update changes what the mask names, if the version is right",       test_update        },
    {"a deleted workspace takes everything with it",                         test_delete        },
    {"activities: made, read, listed, renamed, deleted, refused",            test_activities    },
    {"an activity in use is not deleted",                                    test_used_activity },
};

int main(int argc, char **argv)
{
    return suite_main("workspaces", SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_QUEUES), cases,
                      ARRAY_LEN(cases), argc, argv);
}
