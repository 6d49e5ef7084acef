/* queues-svc as the mirror of a workspace that Twilio routes. */
#include <string.h>

#include "suite.h"

#define Q SUITE_QUEUES

#define WS_TWILIO "WS00000000000000000000000000007001"

/* ---- the workspace ---- */

static bool is_known(const void *ctx)
{
    return suite_count("select count(*) from queues.workspace_copy where sid = '%s' and provider "
                       "= 'TWILIO' and deleted_at is null",
                       (const char *)ctx) == 1;
}

static void tell_workspace(const char *sid, int version)
{
    REQUIRE(suite_publish("workspace.created", sid, sid, version, 0,
                          "{'workspace':{'sid':'%s','accountSid':'" ACCOUNT
                          "','friendlyName':'Mirrored %s','provider':'PROVIDER_TWILIO','version':"
                          "'%d'}}",
                          sid, sid, version));
    CHECK(suite_until(is_known, sid, 20000));
}

static void test_writes(void)
{
    tell_workspace(WS_TWILIO, 1);
    const json_t *channels =
        suite_ok(&suite_viewer, Q, "ListTaskChannels", "{'workspaceSid':'" WS_TWILIO "'}");
    CHECK_I64(at_i64(channels, "items"), 0); /* Twilio's come by Put */
    CHECK(suite_refused(&suite_viewer, Q, "PERMISSION_DENIED ROLE_TOO_LOW", "CreateTaskQueue",
                        "{'workspaceSid':'" WS_TWILIO "','friendlyName':'x'}"));
    CHECK(suite_refused(&suite_stranger, Q, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid",
                        "CreateTaskQueue", "{'workspaceSid':'" WS_TWILIO "','friendlyName':'x'}"));
}

static const struct {
    const char *method;
    const char *request;
} writes[] = {
    {"CreateTaskQueue",   "{'workspaceSid':'" WS_TWILIO "','friendlyName':'x'}"                                  },
    {"UpdateTaskQueue",
     "{'taskQueue':{'workspaceSid':'" WS_TWILIO "','sid':'WQ00000000000000000000000000000001','"
     "friendlyName':'y'},'updateMask':'friendlyName'}"                                                           },
    {"DeleteTaskQueue",
     "{'workspaceSid':'" WS_TWILIO "','sid':'WQ00000000000000000000000000000001'}"                               },
    {"CreateTaskChannel", "{'workspaceSid':'" WS_TWILIO "','friendlyName':'x','uniqueName':'x'}"                 },
    {"UpdateTaskChannel", "{'taskChannel':{'workspaceSid':'" WS_TWILIO
                          "','sid':'x','friendlyName':'y'},'updateMask':'friendlyName'}"},
    {"DeleteTaskChannel", "{'workspaceSid':'" WS_TWILIO "','channel':'x'}"                                       },
};

/* What sync-svc says is the answer, and nothing is written here. */
static void test_forwarded(void)
{
    tell_workspace(WS_TWILIO, 1);
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        struct answer answer =
            suite_call(&suite_admin, Q, writes[i].method, "%s", writes[i].request);
        CHECK(answer.code != ERR_OK);
        CHECK_TEXT(answer.err.reason, "UPSTREAM_NOT_CONFIGURED"); /* it has no Twilio here */
    }
    CHECK_I64(suite_count("select count(*) from queues.task_queue where workspace_sid = "
                          "'" WS_TWILIO "'"),
              0);
}

/* A process that does not know where sync-svc is. */
static void test_not_forwarded(void)
{
    tell_workspace(WS_TWILIO, 1);
    const char *http = NULL;
    struct process *twin =
        suite_start_twin(Q, (const char *const[]){"TASKROUTER_GRPC_SYNC=", NULL}, &http);
    REQUIRE(process_wait_ready(twin, http, 30000));
    suite_direct(Q, suite_twin_grpc());
    for (size_t i = 0; i < ARRAY_LEN(writes); i++)
        CHECK(suite_refused(&suite_admin, Q, "UNAVAILABLE MIRRORED : TASKROUTER_GRPC_SYNC",
                            writes[i].method, "%s", writes[i].request));
    suite_direct(Q, NULL);
    process_free(twin);
}

/* A copy from before providers were told is asked for again. */
static void test_old_copy(void)
{
    const char *sid = suite_workspace();
    (void)suite_ok(&suite_viewer, Q, "ListTaskQueues", "{'workspaceSid':'%s'}", sid);
    CHECK_I64(suite_count("with u as (update queues.workspace_copy set provider = null where sid = "
                          "'%s' returning 1) select count(*) from u",
                          sid),
              1);
    (void)suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                   "{'workspaceSid':'%s','friendlyName':'x'}", sid);
    CHECK_I64(suite_count("select count(*) from queues.workspace_copy where sid = '%s' and "
                          "provider = 'LOCAL'",
                          sid),
              1);
}

/* ---- Put and Vanish ---- */

#define WS_PUT "WS00000000000000000000000000007002"

#define A "WQ000000000000000000000000000000aa"
#define B "WQ000000000000000000000000000000bb"
#define C "WQ000000000000000000000000000000cc"
#define V "TC000000000000000000000000000000aa"
#define W "TC000000000000000000000000000000bb"

#define T1 "2026-03-01T10:00:00Z" /* observed; all in the past of the test */
#define T2 "2026-03-01T11:00:00Z"
#define T3 "2026-03-01T12:00:00Z"

static const struct identity *const service = &suite_service_id;

static const json_t *put_queues(const char *observed_at, const char *more, const char *items)
{
    return suite_ok(service, Q, "PutTaskQueues",
                    "{'workspaceSid':'" WS_PUT "','observedAt':'%s',%s'items':[%s]}", observed_at,
                    more, items);
}

static const char *queue_item(const char *sid, const char *name, const char *expression)
{
    return suite_text("{'sid':'%s','friendlyName':'%s','targetWorkers':'%s','maxReservedWorkers':2,"
                      "'taskOrder':'TASK_ORDER_LIFO','reservationActivitySid':"
                      "'WA000000000000000000000000000000ee','dateCreated':'2020-01-02T03:04:05Z',"
                      "'dateUpdated':'2021-01-02T03:04:05Z'}",
                      sid, name, expression);
}

static const char *outcome(const json_t *results, int index)
{
    const char *text = at(results, suite_text("items.%d.outcome", index));
    return strncmp(text, "MIRROR_OUTCOME_", 15) == 0 ? text + 15 : text;
}

static const json_t *get_queue(const char *sid)
{
    return suite_ok(&suite_viewer, Q, "GetTaskQueue", "{'workspaceSid':'" WS_PUT "','sid':'%s'}",
                    sid);
}

static void test_put(void)
{
    tell_workspace(WS_PUT, 1);
    /* half an expression is none of ours: Twilio routes by it all the same */
    const char *items =
        suite_text("%s,%s", queue_item(A, "Permits", "a =="), queue_item(B, "Zoning", "1==1"));
    const json_t *dry = put_queues(T1, "'dryRun':true,", items);
    CHECK_TEXT(outcome(dry, 0), "CREATED");
    CHECK_I64(suite_count("select count(*) from queues.task_queue where workspace_sid = "
                          "'" WS_PUT "'"),
              0);
    const json_t *put = put_queues(T1, "", items);
    CHECK_TEXT(outcome(put, 0), "CREATED");
    CHECK_TEXT(outcome(put, 1), "CREATED");
    CHECK_TEXT(at(put, "items.1.sid"), B);
    CHECK_TEXT(at(put, "items.1.friendlyName"), "Zoning");
    const json_t *queue = get_queue(A);
    CHECK_TEXT(at(queue, "accountSid"), ACCOUNT);
    CHECK_TEXT(at(queue, "targetWorkers"), "a ==");
    CHECK_TEXT(at(queue, "taskOrder"), "TASK_ORDER_LIFO");
    CHECK_TEXT(at(queue, "dateCreated"), "2020-01-02T03:04:05Z");
    CHECK_TEXT(at(queue, "dateUpdated"), "2021-01-02T03:04:05Z");
    CHECK_TEXT(at(queue, "reservationActivitySid"), "WA000000000000000000000000000000ee");
    CHECK_I64(at_i64(queue, "version"), 1);
    const json_t *in = suite_ok(&suite_viewer, Q, "ListTaskQueues",
                                "{'workspaceSid':'" WS_PUT "','evaluateWorkerAttributes':'{}'}");
    CHECK_I64(at_i64(in, "items"), 1); /* in the other nobody is, as far as we can tell */
    CHECK(suite_event("task-queue.created", A, 0) != NULL);

    /* the same again: nothing happens, but a look before it is stale now */
    CHECK_TEXT(outcome(put_queues(T2, "", items), 0), "UNCHANGED");
    CHECK_I64(at_i64(get_queue(A), "version"), 1);
    const char *changed = queue_item(A, "Permits", "b == 1");
    CHECK_TEXT(outcome(put_queues(T1, "", changed), 0), "STALE");
    put = put_queues(T2, "", changed);
    CHECK_TEXT(outcome(put, 0), "UPDATED");
    CHECK_I64(at_i64(put, "items.0.fields"), 1);
    CHECK_TEXT(at(put, "items.0.fields.0.name"), "target_workers");
    CHECK_TEXT(at(put, "items.0.fields.0.ours"), "a ==");
    CHECK_TEXT(at(put, "items.0.fields.0.theirs"), "b == 1");
    CHECK_I64(at_i64(get_queue(A), "version"), 2);
    const struct seen_event *event = suite_event("task-queue.expression.updated", A, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.taskQueue.targetWorkers"), "b == 1");
    CHECK_I64(suite_event_count("", A), 2);
}

/* Names go round within one request; a name that somebody keeps is a conflict. */
static void test_names(void)
{
    tell_workspace(WS_PUT, 1);
    (void)put_queues(T1, "",
                     suite_text("%s,%s,%s", queue_item(A, "One", ""), queue_item(B, "Two", ""),
                                queue_item(C, "Three", "")));
    (void)put_queues(T2, "",
                     suite_text("%s,%s,%s", queue_item(A, "One", ""), queue_item(B, "Two", ""),
                                queue_item(C, "Three", "")));
    const json_t *put =
        put_queues(T2, "",
                   suite_text("%s,%s,%s", queue_item(A, "TWO", ""), queue_item(B, "Three", ""),
                              queue_item(C, "one", "")));
    for (int i = 0; i < 3; i++)
        CHECK_TEXT(outcome(put, i), "UPDATED");
    CHECK_TEXT(at(get_queue(A), "friendlyName"), "TWO");
    CHECK_TEXT(at(get_queue(C), "friendlyName"), "one");
    put = put_queues(T2, "", queue_item(A, "THREE", ""));
    CHECK_TEXT(outcome(put, 0), "CONFLICTING");
    CHECK(strstr(at(put, "items.0.detail"), B) != NULL);
    CHECK_TEXT(at(get_queue(A), "friendlyName"), "TWO");
}

static void test_conflicts(void)
{
    tell_workspace(WS_PUT, 1);
    tell_workspace(WS_TWILIO, 1);
    const char *const elsewhere = "WQ000000000000000000000000000000dd";
    (void)suite_ok(service, Q, "PutTaskQueues",
                   "{'workspaceSid':'" WS_TWILIO "','observedAt':'" T1 "','items':[%s]}",
                   queue_item(elsewhere, "Elsewhere", ""));
    const char *good = queue_item(A, "Good", "");
    const json_t *put = put_queues(
        T3, "",
        suite_text("%s,%s,%s,%s,{'sid':'WQ000000000000000000000000000000e1','friendlyName':'x',"
                   "'maxReservedWorkers':51},{'sid':'WQ000000000000000000000000000000e2',"
                   "'friendlyName':'y','accountSid':'AC000000000000000000000000000000e2'}",
                   queue_item(V, "Channel", ""), good, good, queue_item(elsewhere, "Taken", "")));
    static const struct {
        const char *outcome;
        const char *detail;
    } rows[] = {
        {"CONFLICTING", "no SID of a task queue"},
        {"UPDATED",     ""                      },
        {"CONFLICTING", "twice"                 },
        {"CONFLICTING", WS_TWILIO               },
        {"CONFLICTING", "maxReservedWorkers"    },
        {"CONFLICTING", "account"               },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_TEXT(outcome(put, (int)i), rows[i].outcome);
        CHECK(strstr(at(put, suite_text("items.%zu.detail", i)), rows[i].detail) != NULL);
    }
    CHECK_I64(suite_count("select count(*) from queues.task_queue where sid like '%%000e_'"), 0);
}

static const json_t *vanish(const char *observed_at, const char *sids)
{
    return suite_ok(service, Q, "Vanish",
                    "{'workspaceSid':'" WS_PUT "','observedAt':'%s','sids':[%s]}", observed_at,
                    sids);
}

static void test_vanish(void)
{
    const char *const late = "WQ000000000000000000000000000000f1";
    tell_workspace(WS_PUT, 1);
    (void)put_queues(T3, "", queue_item(A, "Vanishing", "1==1"));
    int64_t version = at_i64(get_queue(A), "version");
    int deleted = suite_event_count("task-queue.deleted", A);
    int created = suite_event_count("task-queue.created", A);
    CHECK_TEXT(outcome(vanish(T2, "'" A "'"), 0), "STALE");
    const json_t *gone = vanish(T3, suite_text("'" A "','%s','WW1'", late));
    CHECK_TEXT(outcome(gone, 0), "VANISHED");
    CHECK_TEXT(at(gone, "items.0.friendlyName"), "Vanishing");
    CHECK_TEXT(outcome(gone, 1), "UNKNOWN");
    CHECK_TEXT(outcome(gone, 2), "CONFLICTING");
    CHECK_TEXT(outcome(vanish(T3, "'" A "'"), 0), "UNKNOWN");
    CHECK(suite_refused(&suite_viewer, Q,
                        "NOT_FOUND QUEUE_NOT_FOUND sid : run taskrouter sync --queues",
                        "GetTaskQueue", "{'workspaceSid':'" WS_PUT "','sid':'" A "'}"));
    const json_t *list = suite_ok(&suite_viewer, Q, "ListTaskQueues",
                                  "{'workspaceSid':'" WS_PUT "','friendlyName':'Vanishing'}");
    CHECK_I64(at_i64(list, "items"), 0);
    const struct seen_event *event = suite_event("task-queue.deleted", A, deleted);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.deleted"), 1);
    CHECK_I64(suite_count("select count(*) from queues.task_queue where sid = '" A
                          "' and vanished_at is not null"),
              1);
    /* what vanished is remembered, and so is what we never had */
    CHECK_TEXT(outcome(put_queues(T2, "", queue_item(A, "Vanishing", "1==1")), 0), "STALE");
    CHECK_TEXT(outcome(put_queues(T2, "", queue_item(late, "Late", "1==1")), 0), "STALE");
    /* its name is free, and it may come back */
    CHECK_TEXT(outcome(put_queues(T3, "", queue_item(late, "Vanishing", "1==1")), 0), "CREATED");
    CHECK_TEXT(outcome(put_queues(T3, "", queue_item(A, "vanishing", "1==1")), 0), "CONFLICTING");
    CHECK_TEXT(outcome(put_queues(T3, "", queue_item(A, "Back", "1==1")), 0), "CREATED");
    CHECK_I64(at_i64(get_queue(A), "version"), version + 2);
    CHECK(suite_event("task-queue.created", A, created) != NULL);
}

static void test_channels(void)
{
    tell_workspace(WS_PUT, 1);
    static const char *const text =
        "{'workspaceSid':'" WS_PUT "','observedAt':'%s','items':[{'sid':'" V
        "','friendlyName':'%s','uniqueName':'%s','channelOptimizedRouting':%s,'dateCreated':"
        "'2020-01-02T03:04:05Z'},{'sid':'" W "','friendlyName':'W','uniqueName':'%s'}]}";
    struct answer put = {.code = ERR_OK};
#define PUT(...) put = suite_call(service, Q, "PutTaskChannels", __VA_ARGS__)
    PUT(text, T1, "Voice-1", "voice", "true", "w-2");
    CHECK_TEXT(outcome(put.body, 0), "CREATED");
    const json_t *channel = suite_ok(&suite_viewer, Q, "GetTaskChannel",
                                     "{'workspaceSid':'" WS_PUT "','channel':'voice'}");
    CHECK_TEXT(at(channel, "sid"), V);
    CHECK_TEXT(at(channel, "dateCreated"), "2020-01-02T03:04:05Z");
    CHECK_I64(at_i64(channel, "channelOptimizedRouting"), 1);
    CHECK(suite_event("task-channel.created", V, 0) != NULL);
    PUT(text, T1, "Voice-1", "voice", "true", "w-2");
    CHECK_TEXT(outcome(put.body, 0), "UNCHANGED");
    PUT(text, T2, "Voice-1", "w-2", "false", "voice"); /* swapped */
    CHECK_TEXT(outcome(put.body, 0), "UPDATED");
    CHECK_I64(at_i64(put.body, "items.0.fields"), 2);
    CHECK_TEXT(outcome(put.body, 1), "UPDATED");
    CHECK(suite_event("task-channel.updated", W, 0) != NULL);
    PUT(text, T2, "Voice-1", "same", "false", "same");
    CHECK_TEXT(outcome(put.body, 0), "UPDATED");
    CHECK_TEXT(outcome(put.body, 1), "CONFLICTING");
    CHECK_TEXT(outcome(vanish(T1, "'" V "'"), 0), "STALE");
    CHECK_TEXT(outcome(vanish(T2, "'" V "'"), 0), "VANISHED");
    CHECK(suite_event("task-channel.deleted", V, 0) != NULL);
    CHECK(suite_refused(&suite_viewer, Q, "NOT_FOUND CHANNEL_NOT_FOUND channel", "GetTaskChannel",
                        "{'workspaceSid':'" WS_PUT "','channel':'" V "'}"));
    channel = suite_ok(&suite_viewer, Q, "ListTaskChannels", "{'workspaceSid':'" WS_PUT "'}");
    CHECK_I64(at_i64(channel, "items"), 1);
}

static void test_put_refused(void)
{
    static const char *const empty = "{'workspaceSid':'%s'%s,'items':[]}";
    const char *local = suite_workspace();
    tell_workspace(WS_PUT, 1);
    CHECK(suite_refused(&suite_admin, Q, "PERMISSION_DENIED ROLE_TOO_LOW", "PutTaskQueues", empty,
                        WS_PUT, ",'observedAt':'" T1 "'"));
    CHECK(suite_refused(service, Q, "FAILED_PRECONDITION NOT_MIRRORED workspace_sid",
                        "PutTaskQueues", empty, local, ",'observedAt':'" T1 "'"));
    CHECK(suite_refused(service, Q, "INVALID_ARGUMENT FIELD_REQUIRED observed_at", "PutTaskQueues",
                        empty, WS_PUT, ""));
    char many[201 * 3 + 1] = "";
    for (size_t i = 0; i < 201; i++)
        memcpy(many + 3 * i, i == 0 ? " {}" : ",{}", 4);
    CHECK(suite_refused(service, Q, "INVALID_ARGUMENT TOO_MANY_ITEMS items", "PutTaskQueues",
                        "{'workspaceSid':'" WS_PUT "','observedAt':'" T1 "','items':[%s]}", many));
}

static bool is_gone(const void *ctx)
{
    return suite_count("select count(*) from queues.workspace_copy where sid = '%s' and "
                       "deleted_at is not null",
                       (const char *)ctx) == 1;
}

/* The workspace may vanish as well, and come back with all that is in it. */
static void test_workspace(void)
{
    static const char *const ws = "WS00000000000000000000000000007003";
    static const char *const items =
        "{'workspaceSid':'WS00000000000000000000000000007003','observedAt':'" T1 "','items':[%s]}";
    const char *queue = queue_item("WQ00000000000000000000000000007003", "Old", "1==1");
    tell_workspace(ws, 1);
    (void)suite_ok(service, Q, "PutTaskQueues", items, queue);
    REQUIRE(suite_publish("workspace.deleted", ws, ws, 2, 0,
                          "{'deleted':true,'workspace':{'sid':'%s','accountSid':'" ACCOUNT
                          "','provider':'PROVIDER_TWILIO','version':'2'}}",
                          ws));
    CHECK(suite_until(is_gone, ws, 20000));
    CHECK(suite_refused(service, Q, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid", "PutTaskQueues",
                        items, queue));
    tell_workspace(ws, 3);
    const json_t *list = suite_ok(&suite_viewer, Q, "ListTaskQueues", "{'workspaceSid':'%s'}", ws);
    CHECK_I64(at_i64(list, "items"), 0);
    CHECK_TEXT(outcome(suite_ok(service, Q, "PutTaskQueues", items, queue), 0), "CREATED");
    CHECK(suite_event("task-queue.created", "WQ00000000000000000000000000007003", 1) != NULL);
}

static const struct test_case cases[] = {
    {"a mirrored workspace has nothing of ours, and its writes are checked", test_writes       },
    {"its writes go to sync-svc",                                            test_forwarded    },
    {"without sync-svc the refusal names the setting",                       test_not_forwarded},
    {"a copy that knows no provider asks",                                   test_old_copy     },
    {"a Put writes what differs, with Twilio's dates, and tells",            test_put          },
    {"names may go round in one request",                                    test_names        },
    {"what cannot be stored does not stop the others",                       test_conflicts    },
    {"what vanished is kept as a tombstone and may come back",               test_vanish       },
    {"task channels likewise",                                               test_channels     },
    {"what no Put may say",                                                  test_put_refused  },
    {"a workspace that vanished may come back",                              test_workspace    },
};

int main(int argc, char **argv)
{
    return suite_main("queues-svc mirror", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
}
