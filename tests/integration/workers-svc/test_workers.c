/* workers-svc: workers, their channels, the export, and what other services' events do to them. */
#include <pthread.h>
#include <stdint.h>

#include "base/clock.h"
#include "suite.h"

#define W      SUITE_WORKERS
#define NOBODY "WK00000000000000000000000000000001"

static const char *ws; /* one workspace for the cases that need no clean one */

static const char *workspace(void)
{
    if (ws == NULL)
        ws = suite_workspace();
    return ws;
}

static const char *activity(const char *workspace_sid, const char *name)
{
    return at(suite_ok(&suite_viewer, W, "ListActivities",
                       "{'workspaceSid':'%s','friendlyName':'%s'}", workspace_sid, name),
              "items.0.sid");
}

static const char *worker(const char *workspace_sid, const char *name)
{
    return at(suite_ok(&suite_supervisor, W, "CreateWorker",
                       "{'workspaceSid':'%s','friendlyName':'%s'}", workspace_sid, name),
              "sid");
}

static void test_create(void)
{
    const json_t *made =
        suite_ok(&suite_supervisor, W, "CreateWorker",
                 "{'workspaceSid':'%s','friendlyName':'John Doe','attributes':'{ `skills`: "
                 "[`permits`], `level`: 3 }','idempotencyKey':'w'}",
                 workspace());
    CHECK_TEXT(at(made, "attributes"), "{ \"skills\": [\"permits\"], \"level\": 3 }");
    CHECK_TEXT(at(made, "activityName"), "Offline");
    CHECK_I64(at_i64(made, "available"), 0);
    const json_t *again =
        suite_ok(&suite_supervisor, W, "CreateWorker",
                 "{'workspaceSid':'%s','friendlyName':'John Doe','attributes':'{ `skills`: "
                 "[`permits`], `level`: 3 }','idempotencyKey':'w'}",
                 workspace());
    CHECK(made != NULL && json_equal(made, again));
    CHECK(
        json_equal(made, suite_ok(&suite_viewer, W, "GetWorker", "{'workspaceSid':'%s','sid':'%s'}",
                                  workspace(), at(made, "sid"))));
    const struct seen_event *event = suite_event("worker.created", at(made, "sid"), 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.worker.attributes"), at(made, "attributes"));
    CHECK_I64(suite_event_count("", at(made, "sid")), 1);
    const json_t *here = suite_ok(&suite_supervisor, W, "CreateWorker",
                                  "{'workspaceSid':'%s','friendlyName':'Here','activitySid':'%s'}",
                                  workspace(), activity(workspace(), "Available"));
    CHECK_I64(at_i64(here, "available"), 1);
}

static const char *long_attributes(int chars) /* of so many characters, two bytes each inside */
{
    char *text = (char *)(uintptr_t)suite_text("%*s", 2 * chars + 8, "");
    size_t len = 0;
    memcpy(text, "{`a`:`", 6);
    len = 6;
    for (int i = 0; i < chars - 8; i++) {
        memcpy(text + len, "\xC3\xA9", 2);
        len += 2;
    }
    memcpy(text + len, "`}", 3);
    return text;
}

static void test_refused(void)
{
    const char *there = worker(workspace(), "Taken");
    const char *by_sid = suite_text("'sid':'%s'", there);
    const char *stale = suite_text("'sid':'%s','expectedVersion':9", there);
    const char *too_long =
        suite_text("'friendlyName':'x','attributes':'%s'", long_attributes(4097));
    const struct {
        const struct identity *who;
        const char *method;
        const char *rest; /* behind the workspace */
        const char *want;
    } rows[] = {
        {&suite_viewer,     "CreateWorker", "'friendlyName':'x'",                                  "PERMISSION_DENIED ROLE_TOO_LOW"                  },
        {&suite_agent,      "CreateWorker", "'friendlyName':'x'",                                  "PERMISSION_DENIED ROLE_TOO_LOW"                  },
        {&suite_stranger,   "CreateWorker", "'friendlyName':'x'",
         "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid"                                                                                               },
        {&suite_supervisor, "CreateWorker", "'friendlyName':''",
         "INVALID_ARGUMENT INVALID_FRIENDLY_NAME friendly_name"                                                                                      },
        {&suite_supervisor, "CreateWorker", "'friendlyName':'taken'",
         "ALREADY_EXISTS WORKER_NAME_TAKEN friendly_name"                                                                                            },
        {&suite_supervisor, "CreateWorker", "'friendlyName':'x','attributes':'[1]'",
         "INVALID_ARGUMENT INVALID_ATTRIBUTES attributes : object"                                                                                   },
        {&suite_supervisor, "CreateWorker", "'friendlyName':'x','attributes':'{`a`:}'",
         "INVALID_ARGUMENT INVALID_ATTRIBUTES attributes"                                                                                            },
        {&suite_supervisor, "CreateWorker", "'friendlyName':'x','attributes':'{`a`:1e999999}'",
         "INVALID_ARGUMENT INVALID_ATTRIBUTES attributes"                                                                                            },
        {&suite_supervisor, "CreateWorker", "'friendlyName':'x','attributes':'{`a`:`\\\\u0000`}'",
         "INVALID_ARGUMENT INVALID_ATTRIBUTES attributes"                                                                                            },
        {&suite_supervisor, "CreateWorker", "'friendlyName':'x','attributes':'{`a`:`\\\\ud800`}'",
         "INVALID_ARGUMENT INVALID_ATTRIBUTES attributes"                                                                                            },
        {&suite_supervisor, "CreateWorker", too_long,
         "INVALID_ARGUMENT ATTRIBUTES_TOO_LONG attributes : 4096"                                                                                    },
        {&suite_supervisor, "CreateWorker",
         "'friendlyName':'x','activitySid':'WA00000000000000000000000000000001'",                  "INVALID_ARGUMENT ACTIVITY_NOT_FOUND activity_sid"},
        {&suite_supervisor, "CreateWorker",
         "'friendlyName':'x','activitySid':'WQ00000000000000000000000000000001'",                  "INVALID_ARGUMENT INVALID_SID activity_sid : WA"  },
        {&suite_supervisor, "CreateWorker", "'friendlyName':'x','idempotencyKey':'w'",
         "ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED idempotency_key"                                                                                     },
        {&suite_viewer,     "GetWorker",    "'sid':'WK00000000000000000000000000000001'",
         "NOT_FOUND WORKER_NOT_FOUND sid"                                                                                                            },
        {&suite_viewer,     "GetWorker",    "'sid':'WS00000000000000000000000000000001'",
         "INVALID_ARGUMENT INVALID_SID sid : WK"                                                                                                     },
        {&suite_stranger,   "GetWorker",    by_sid,                                                "NOT_FOUND WORKSPACE_NOT_FOUND"                   },
        {&suite_viewer,     "ListWorkers",  "'targetWorkersExpression':'level >> 3'",
         "INVALID_ARGUMENT EXPRESSION_INVALID target_workers_expression : column"                                                                    },
        {&suite_viewer,     "ListWorkers",  "'cursor':'!'",                                        "INVALID_ARGUMENT INVALID_CURSOR cursor"          },
        {&suite_viewer,     "ListWorkers",  "'activitySid':'x'",
         "INVALID_ARGUMENT INVALID_SID activity_sid"                                                                                                 },
        {&suite_viewer,     "DeleteWorker", by_sid,                                                "PERMISSION_DENIED ROLE_TOO_LOW"                  },
        {&suite_supervisor, "DeleteWorker", stale,                                                 "ABORTED VERSION_MISMATCH"                        },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(rows[i].who, W, rows[i].want, rows[i].method,
                            "{'workspaceSid':'%s',%s}", workspace(), rows[i].rest));
    CHECK_I64(suite_count("select count(*) from workers.worker where friendly_name = 'x'"), 0);
    (void)suite_ok(&suite_supervisor, W, "CreateWorker",
                   "{'workspaceSid':'%s','friendlyName':'Long','attributes':'%s'}", workspace(),
                   long_attributes(4096));
}

static void test_list(void)
{
    const char *sid = suite_workspace();
    for (int i = 0; i < 12; i++)
        (void)suite_ok(&suite_supervisor, W, "CreateWorker",
                       "{'workspaceSid':'%s','friendlyName':'W%02d','activitySid':'%s',"
                       "'attributes':'{`level`:%d}'}",
                       sid, i, activity(sid, i % 3 == 0 ? "Available" : "Offline"), i);
    static const struct {
        const char *filter;
        int want;
    } rows[] = {
        {"'pageSize':1000",                                                       12},
        {"'friendlyName':'w03'",                                                  1 },
        {"'available':true",                                                      4 },
        {"'available':false",                                                     8 },
        {"'activityName':'Available'",                                            4 },
        {"'targetWorkersExpression':'level >= 10'",                               2 },
        {"'targetWorkersExpression':'level >= 3 AND level < 6','available':true", 1 },
        {"'targetWorkersExpression':'friendly_name == `W07`'",                    1 },
        {"'targetWorkersExpression':'nothing == 1'",                              0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_I64(at_i64(suite_ok(&suite_viewer, W, "ListWorkers", "{'workspaceSid':'%s',%s}", sid,
                                  rows[i].filter),
                         "items"),
                  rows[i].want);
    CHECK_I64(
        at_i64(suite_ok(&suite_viewer, W, "ListWorkers", "{'workspaceSid':'%s','activitySid':'%s'}",
                        sid, activity(sid, "Available")),
               "items"),
        4);
    static const char *const filters[] = {"", "'targetWorkersExpression':'1==1',"};
    for (size_t f = 0; f < ARRAY_LEN(filters); f++) {
        int seen = 0;
        const char *cursor = "";
        for (int pages = 0; pages < 4; pages++) {
            const json_t *page = suite_ok(&suite_viewer, W, "ListWorkers",
                                          "{'workspaceSid':'%s',%s'pageSize':5,'cursor':'%s'}", sid,
                                          filters[f], cursor);
            for (int i = 0; i < at_i64(page, "items"); i++)
                CHECK_TEXT(at(page, suite_text("items.%d.friendlyName", i)),
                           suite_text("W%02d", seen++));
            cursor = at(page, "nextCursor");
            if (cursor[0] == '\0')
                break;
        }
        CHECK_I64(seen, 12);
    }
}

/* An expression that few match reads on through the table, with bounds, and never stops early. */
static void test_scan(void)
{
    const char *sid = suite_workspace();
    REQUIRE(cluster_sql(
        suite_cluster(),
        suite_text("insert into workers.worker (sid, account_sid, workspace_sid, friendly_name, "
                   "attributes, attributes_text, activity_sid, created_at, status_changed_at, "
                   "updated_at) select 'WK' || lpad(to_hex(g), 32, '0'), '%s', '%s', 'S' || g, "
                   "jsonb_build_object('n', g), '{\"n\":' || g || '}', '%s', now(), now(), now() "
                   "from generate_series(1, 6000) g",
                   ACCOUNT, sid, activity(sid, "Offline"))));
    const json_t *page =
        suite_ok(&suite_viewer, W, "ListWorkers",
                 "{'workspaceSid':'%s','targetWorkersExpression':'n == 5900'}", sid);
    CHECK_I64(at_i64(page, "items"), 0);
    CHECK(at(page, "nextCursor")[0] != '\0');
    page = suite_ok(&suite_viewer, W, "ListWorkers",
                    "{'workspaceSid':'%s','targetWorkersExpression':'n == 5900','cursor':'%s'}",
                    sid, at(page, "nextCursor"));
    CHECK_I64(at_i64(page, "items"), 1);
    CHECK_TEXT(at(page, "nextCursor"), "");
    CHECK_I64(at_i64(suite_ok(&suite_viewer, W, "ListWorkers",
                              "{'workspaceSid':'%s','pageSize':5000}", sid),
                     "items"),
              1000);
}

static void test_update(void)
{
    const char *sid = worker(workspace(), "Updated");
    const char *here = activity(workspace(), "Available");
    const json_t *now = suite_ok(&suite_supervisor, W, "UpdateWorker",
                                 "{'worker':{'workspaceSid':'%s','sid':'%s','activitySid':'%s',"
                                 "'friendlyName':'not in the mask'},'updateMask':'activitySid',"
                                 "'expectedVersion':1}",
                                 workspace(), sid, here);
    CHECK_TEXT(at(now, "friendlyName"), "Updated");
    CHECK_TEXT(at(now, "activityName"), "Available");
    CHECK_I64(at_i64(now, "available"), 1);
    CHECK(strcmp(at(now, "dateStatusChanged"), at(now, "dateCreated")) > 0);
    const struct seen_event *event = suite_event("worker.activity.update", sid, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(event->subject, suite_text("taskrouter.%s.worker.activity.update", workspace()));
    CHECK_TEXT(at(event->payload, "data.previousActivityName"), "Offline");
    CHECK_TEXT(at(event->payload, "data.worker.activityName"), "Available");

    now = suite_ok(&suite_supervisor, W, "UpdateWorker",
                   "{'worker':{'workspaceSid':'%s','sid':'%s','attributes':'{`a`:1}'},"
                   "'updateMask':'attributes'}",
                   workspace(), sid);
    CHECK_TEXT(at(now, "attributes"), "{\"a\":1}");
    CHECK_I64(at_i64(now, "version"), 3);
    CHECK(suite_event("worker.attributes.update", sid, 0) != NULL);
    /* both at once are two events about one version */
    now = suite_ok(&suite_supervisor, W, "UpdateWorker",
                   "{'worker':{'workspaceSid':'%s','sid':'%s','attributes':'','activitySid':'%s'},"
                   "'updateMask':'attributes,activitySid','rejectPendingReservations':true}",
                   workspace(), sid, activity(workspace(), "Unavailable"));
    CHECK_TEXT(at(now, "attributes"), "{}");
    event = suite_event("worker.activity.update", sid, 1);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.rejectPendingReservations"), 1);
    CHECK(suite_event("worker.attributes.update", sid, 1) != NULL);

    static const struct {
        const char *rest;
        const char *want;
    } rows[] = {
        {"},'updateMask':'attributes','expectedVersion':1",                                 "ABORTED VERSION_MISMATCH"                            },
        {"},'updateMask':'userSid'",                                                        "INVALID_ARGUMENT FIELD_NOT_UPDATABLE user_sid"       },
        {"}",                                                                               "INVALID_ARGUMENT EMPTY_UPDATE update_mask"           },
        {",'attributes':'7'},'updateMask':'attributes'",
         "INVALID_ARGUMENT INVALID_ATTRIBUTES attributes"                                                                                         },
        {"},'updateMask':'friendlyName'",                                                   "INVALID_ARGUMENT INVALID_FRIENDLY_NAME friendly_name"},
        {"},'updateMask':'activitySid'",                                                    "INVALID_ARGUMENT FIELD_REQUIRED activity_sid"        },
        {",'activitySid':'WA00000000000000000000000000000001'},'updateMask':'activitySid'",
         "INVALID_ARGUMENT ACTIVITY_NOT_FOUND activity_sid"                                                                                       },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(&suite_supervisor, W, rows[i].want, "UpdateWorker",
                            "{'worker':{'workspaceSid':'%s','sid':'%s'%s}", workspace(), sid,
                            rows[i].rest));
    (void)suite_ok(&suite_supervisor, W, "DeleteWorker", "{'workspaceSid':'%s','sid':'%s'}",
                   workspace(), sid);
    CHECK(suite_event("worker.deleted", sid, 0) != NULL);
    CHECK_I64(suite_event_count("", sid), 6);
    CHECK(suite_refused(&suite_supervisor, W, "NOT_FOUND WORKER_NOT_FOUND sid", "UpdateWorker",
                        "{'worker':{'workspaceSid':'%s','sid':'%s'},'updateMask':'attributes'}",
                        workspace(), sid));
}

static void test_agent(void)
{
    const char *own = worker(workspace(), "Own");
    const char *other = worker(workspace(), "Not own");
    const char *here = activity(workspace(), "Available");
    struct identity agent = suite_agent;
    agent.worker_sid = own;
    const json_t *now = suite_ok(&agent, W, "UpdateWorker",
                                 "{'worker':{'workspaceSid':'%s','sid':'%s','activitySid':'%s'},"
                                 "'updateMask':'activitySid'}",
                                 workspace(), own, here);
    CHECK_TEXT(at(now, "activityName"), "Available");
    const char *not_own = "PERMISSION_DENIED NOT_OWN_WORKER";
    CHECK(suite_refused(&agent, W, not_own, "UpdateWorker",
                        "{'worker':{'workspaceSid':'%s','sid':'%s','activitySid':'%s'},"
                        "'updateMask':'activitySid'}",
                        workspace(), other, here));
    CHECK(suite_refused(&suite_agent, W, not_own, "UpdateWorker",
                        "{'worker':{'workspaceSid':'%s','sid':'%s','activitySid':'%s'},"
                        "'updateMask':'activitySid'}",
                        workspace(), own, here));
    CHECK(suite_refused(&agent, W, "PERMISSION_DENIED ACTIVITY_ONLY", "UpdateWorker",
                        "{'worker':{'workspaceSid':'%s','sid':'%s','attributes':'{}'},"
                        "'updateMask':'attributes'}",
                        workspace(), own));
    CHECK(suite_refused(&agent, W, "PERMISSION_DENIED ROLE_TOO_LOW", "UpdateWorkerChannel",
                        "{'workspaceSid':'%s','workerSid':'%s','channel':'voice','capacity':2}",
                        workspace(), own));
}

/* ---- channels ---- */

static void test_channels(void)
{
    const char *sid = suite_workspace(); /* so young that no event can have come yet */
    const char *who = worker(sid, "Channels");
    const json_t *now =
        suite_ok(&suite_supervisor, W, "UpdateWorkerChannel",
                 "{'workspaceSid':'%s','workerSid':'%s','channel':'chat','capacity':5}", sid, who);
    CHECK_I64(at_i64(now, "configuredCapacity"), 5);
    CHECK_I64(at_i64(now, "available"), 1);
    CHECK_I64(at_i64(now, "version"), 2);
    CHECK_TEXT(at(now, "taskChannelUniqueName"), "chat");
    static const char *const keys[] = {"sid", "taskChannelSid", "taskChannelUniqueName"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        CHECK(json_equal(now, suite_ok(&suite_viewer, W, "GetWorkerChannel",
                                       "{'workspaceSid':'%s','workerSid':'%s','channel':'%s'}", sid,
                                       who, at(now, keys[i]))));
    const json_t *list = suite_ok(&suite_viewer, W, "ListWorkerChannels",
                                  "{'workspaceSid':'%s','workerSid':'%s','pageSize':3}", sid, who);
    CHECK_I64(at_i64(list, "items"), 3);
    list = suite_ok(&suite_viewer, W, "ListWorkerChannels",
                    "{'workspaceSid':'%s','workerSid':'%s','pageSize':3,'cursor':'%s'}", sid, who,
                    at(list, "nextCursor"));
    CHECK_I64(at_i64(list, "items"), 2);
    CHECK_TEXT(at(list, "nextCursor"), "");
    const struct seen_event *event = suite_event("worker.capacity.update", who, 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.worker.channels"), 5);
    CHECK_I64(at_i64(event->payload, "data.previousCapacity"), 1);
    CHECK_TEXT(at(event->payload, "data.taskChannelSid"), at(now, "taskChannelSid"));
    CHECK_TEXT(at(event->payload, "data.worker.version"), "2");

    (void)suite_ok(&suite_supervisor, W, "UpdateWorkerChannel",
                   "{'workspaceSid':'%s','workerSid':'%s','channel':'chat','available':false,"
                   "'expectedVersion':2}",
                   sid, who);
    CHECK(suite_event("worker.channel.availability.update", who, 0) != NULL);
    CHECK_I64(suite_event_count("", who), 3);

    /* a channel made a moment ago is known here at once */
    const json_t *custom = suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskChannel",
                                    "{'workspaceSid':'%s','friendlyName':'Letters',"
                                    "'uniqueName':'letters'}",
                                    sid);
    now = suite_ok(&suite_viewer, W, "GetWorkerChannel",
                   "{'workspaceSid':'%s','workerSid':'%s','channel':'letters'}", sid, who);
    CHECK_TEXT(at(now, "taskChannelSid"), at(custom, "sid"));

    static const struct {
        const char *rest;
        const char *want;
    } rows[] = {
        {"'channel':'chat','capacity':51",                    "INVALID_ARGUMENT OUT_OF_RANGE capacity : 50" },
        {"'channel':'chat','capacity':-1",                    "INVALID_ARGUMENT OUT_OF_RANGE capacity"      },
        {"'channel':'chat'",                                  "INVALID_ARGUMENT EMPTY_UPDATE"               },
        {"'channel':'pigeon','capacity':1",                   "NOT_FOUND CHANNEL_NOT_FOUND channel : pigeon"},
        {"'channel':'chat','capacity':1,'expectedVersion':1", "ABORTED VERSION_MISMATCH"                    },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(&suite_supervisor, W, rows[i].want, "UpdateWorkerChannel",
                            "{'workspaceSid':'%s','workerSid':'%s',%s}", sid, who, rows[i].rest));
    CHECK(suite_refused(&suite_viewer, W, "NOT_FOUND WORKER_NOT_FOUND", "ListWorkerChannels",
                        "{'workspaceSid':'%s','workerSid':'" NOBODY "'}", sid));
}

struct channel_look {
    const char *worker_sid;
    const char *workspace_sid;
    int want;
};

static bool has_channels(const void *ctx)
{
    const struct channel_look *look = ctx;
    return at_i64(suite_ok(&suite_viewer, W, "ListWorkerChannels",
                           "{'workspaceSid':'%s','workerSid':'%s'}", look->workspace_sid,
                           look->worker_sid),
                  "items") == look->want;
}

static void test_channel_events(void)
{
    const char *sid = suite_workspace();
    const char *channel = "TC00000000000000000000000000000077";
    struct channel_look look = {worker(sid, "Events"), sid, 5};
    CHECK(suite_until(has_channels, &look, 10000));
    look.want = 6;
    CHECK(suite_publish("task-channel.created", sid, channel, 1, 0,
                        "{'taskChannel':{'sid':'%s','workspaceSid':'%s','uniqueName':'fax',"
                        "'version':'1'},'somethingNew':{'a':1}}",
                        channel, sid));
    CHECK(suite_until(has_channels, &look, 10000));
    /* deleted; then an older word and the same once more change nothing */
    look.want = 5;
    for (int i = 0; i < 2; i++)
        CHECK(suite_publish("task-channel.deleted", sid, channel, 3, 0,
                            "{'taskChannel':{'sid':'%s','workspaceSid':'%s','uniqueName':'fax',"
                            "'version':'3'},'deleted':true}",
                            channel, sid));
    CHECK(suite_publish("task-channel.updated", sid, channel, 2, 0,
                        "{'taskChannel':{'sid':'%s','workspaceSid':'%s','uniqueName':'fax',"
                        "'version':'2'}}",
                        channel, sid));
    /* the same durable is in order: when this has come, those have */
    CHECK(suite_publish("task-channel.created", sid, "TC00000000000000000000000000000078", 1, 0,
                        "{'taskChannel':{'sid':'TC00000000000000000000000000000078',"
                        "'workspaceSid':'%s','uniqueName':'telex','version':'1'}}",
                        sid));
    look.want = 6;
    CHECK(suite_until(has_channels, &look, 10000));
    CHECK_I64(suite_count("select count(*) from workers.task_channel_copy where sid = '%s' and "
                          "is_deleted and version = 3",
                          channel),
              1);
    /* after the workspace is gone, a late event leaves nothing behind */
    (void)suite_ok(&suite_admin, W, "DeleteWorkspace", "{'sid':'%s'}", sid);
    CHECK(suite_publish("task-channel.updated", sid, channel, 9, 0,
                        "{'taskChannel':{'sid':'%s','workspaceSid':'%s','uniqueName':'fax',"
                        "'version':'9'}}",
                        channel, sid));
    const char *next = suite_workspace();
    look = (struct channel_look){worker(next, "Next"), next, 5};
    CHECK(suite_until(has_channels, &look, 10000));
    CHECK_I64(suite_count("select count(*) from workers.task_channel_copy where workspace_sid = "
                          "'%s'",
                          sid),
              0);
}

/* ---- reservations ---- */

struct activity_look {
    const char *workspace_sid;
    const char *worker_sid;
    const char *want;
};

static bool is_in(const void *ctx)
{
    const struct activity_look *look = ctx;
    return strcmp(at(suite_ok(&suite_viewer, W, "GetWorker", "{'workspaceSid':'%s','sid':'%s'}",
                              look->workspace_sid, look->worker_sid),
                     "activityName"),
                  look->want) == 0;
}

static bool publish_timeout(const char *type, const char *workspace_sid, const char *worker_sid,
                            const char *activity_sid, int64_t at_us)
{
    return suite_publish_to("workers-svc", type, workspace_sid, at_us,
                            "{'reservation':{'sid':'WR00000000000000000000000000000001',"
                            "'workspaceSid':'%s','workerSid':'%s'},'workerActivitySid':'%s'}",
                            workspace_sid, worker_sid, activity_sid);
}

static void test_timeout(void)
{
    const char *sid = suite_workspace();
    const char *who = worker(sid, "Timeout");
    const char *later = worker(sid, "Later");
    struct activity_look look = {sid, who, "Unavailable"};
    int64_t now_us = clock_now_us();
    /* told twice: one move, one event */
    CHECK(publish_timeout("reservation.timeout", sid, who, activity(sid, "Unavailable"),
                          now_us + US_PER_S));
    CHECK(publish_timeout("reservation.timeout", sid, who, activity(sid, "Unavailable"),
                          now_us + US_PER_S));
    CHECK(suite_until(is_in, &look, 10000));
    /* it was moved after that: the older word loses */
    CHECK(publish_timeout("reservation.timeout", sid, who, activity(sid, "Available"),
                          now_us - 60 * US_PER_S));
    /* no activity wanted, a worker or an activity that is gone: nothing to do */
    CHECK(publish_timeout("reservation.timeout", sid, who, "", now_us + 2 * US_PER_S));
    CHECK(publish_timeout("reservation.timeout", sid, NOBODY, activity(sid, "Available"),
                          now_us + 2 * US_PER_S));
    CHECK(publish_timeout("reservation.timeout", sid, who, "WA00000000000000000000000000000009",
                          now_us + 2 * US_PER_S));
    CHECK(publish_timeout("reservation.timeout", sid, later, activity(sid, "Available"),
                          now_us + 2 * US_PER_S));
    look = (struct activity_look){sid, later, "Available"};
    CHECK(suite_until(is_in, &look, 10000)); /* in order: all before it were handled */
    look = (struct activity_look){sid, who, "Unavailable"};
    CHECK(is_in(&look));
    CHECK(suite_event("worker.activity.update", who, 0) != NULL);
    CHECK_I64(suite_event_count("worker.activity.update", who), 1);
    CHECK(publish_timeout("reservation.rejected", sid, who, activity(sid, "Offline"),
                          now_us + 3 * US_PER_S));
    look.want = "Offline";
    CHECK(suite_until(is_in, &look, 10000));
}

static void *move_slowly(void *sql)
{
    return cluster_sql(suite_cluster(), sql) ? sql : NULL;
}

static bool is_moving(const void *ctx)
{
    (void)ctx;
    return suite_count("select count(*) from pg_stat_activity where query like "
                       "'update workers.worker%%' and wait_event = 'PgSleep'") == 1;
}

/* Somebody else moves the worker while the update waits for his row. */
static void test_moved_meanwhile(void)
{
    const char *sid = suite_workspace();
    const char *who = worker(sid, "moved meanwhile");
    pthread_t thread;
    void *moved = NULL;
    const char *sql = suite_text("update workers.worker set activity_sid = '%s', version = version "
                                 "+ 1 where sid = '%s'; select pg_sleep(0.5)",
                                 activity(sid, "Available"), who);
    REQUIRE(pthread_create(&thread, NULL, move_slowly, (void *)(uintptr_t)sql) == 0);
    CHECK(suite_until(is_moving, NULL, 10000));
    const json_t *updated = suite_ok(&suite_supervisor, W, "UpdateWorker",
                                     "{'worker':{'workspaceSid':'%s','sid':'%s','friendlyName':"
                                     "'renamed'},'updateMask':'friendlyName'}",
                                     sid, who);
    CHECK_TEXT(at(updated, "activityName"), "Available");
    CHECK_TEXT(at(updated, "friendlyName"), "renamed");
    (void)pthread_join(thread, &moved);
    CHECK(moved != NULL);
}

static const struct test_case cases[] = {
    {"a worker is made, told, read back; a repeated key makes no second", test_create         },
    {"bad requests are refused with code and field, nothing is stored",   test_refused        },
    {"workers are listed by page and filter",                             test_list           },
    {"an expression reads on past workers that do not match",             test_scan           },
    {"an update changes what the mask names and tells it",                test_update         },
    {"an agent changes the activity of its own worker only",              test_agent          },
    {"channels can be used the moment a worker was made",                 test_channels       },
    {"task channels come by events, in order, once",                      test_channel_events },
    {"a reservation's timeout moves a worker unless it was moved since",  test_timeout        },
    {"a worker who is moved while an update waits is found",              test_moved_meanwhile},
};

int main(int argc, char **argv)
{
    return suite_main("workers", SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_QUEUES), cases,
                      ARRAY_LEN(cases), argc, argv);
}
