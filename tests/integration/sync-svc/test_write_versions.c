/* Writes that expect a version, in a workspace that Twilio routes: whatever comes between what
 * their callers have seen and what Twilio is told. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "rpc/client.h"
#include "suite.h"
#include "suite_int.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "twilio.h"

#define Q SUITE_QUEUES
#define T SUITE_TASKS
#define W SUITE_WORKERS

enum { PATIENCE_MS = 60000, BUDGET_MS = 20000, SHORT_MS = 5000, RACERS = 4, ROUNDS = 4 };

static const char *ws; /* mirrored */

static void adopt(void)
{
    ws = twilio_adopt();
    REQUIRE(ws[0] != '\0');
}

/* ---- one change, on a thread and with memory of its own ---- */

enum subject { SUBJECT_QUEUE, SUBJECT_WORKER, SUBJECT_WORKSPACE, SUBJECT_TASK };

struct change {
    enum subject subject;
    const char *sid;
    int64_t version; /* 0: none is expected */
    int64_t value;
    const char *key; /* of a task's */
    int budget_ms;
    enum err_code code; /* out */
    struct err err;
    char reason[64]; /* out; "" = none */
    pthread_t thread;
};

static const char *const zones[] = {"Asia/Tokyo",   "Europe/Paris",  "Africa/Cairo",
                                    "America/Lima", "Asia/Kolkata",  "Europe/Rome",
                                    "Africa/Tunis", "America/Bogota"};

#define EXPECT(request, change)                                                                    \
    ((request).expected_version = (change)->version,                                               \
     (request)._expected_version_case = (change)->version == 0 ? 0 : 3)

static enum err_code change_queue(struct change *change, struct call *call,
                                  Google__Protobuf__FieldMask *mask)
{
    Taskrouter__Queues__V1__UpdateTaskQueueRequest request;
    Taskrouter__Queues__V1__TaskQueue item;
    Taskrouter__Queues__V1__TaskQueue *reply = NULL;
    taskrouter__queues__v1__update_task_queue_request__init(&request);
    taskrouter__queues__v1__task_queue__init(&item);
    item.workspace_sid = arena_strdup(call->arena, ws);
    item.sid = arena_strdup(call->arena, change->sid);
    item.max_reserved_workers = (int32_t)change->value;
    mask->paths[0] = arena_strdup(call->arena, "max_reserved_workers");
    request.task_queue = &item;
    request.update_mask = mask;
    EXPECT(request, change);
    return RPC_CALL(suite->clients[Q], call, "/taskrouter.queues.v1.Queues/UpdateTaskQueue",
                    &request.base, taskrouter__queues__v1__task_queue, &reply, &change->err);
}

static enum err_code change_worker(struct change *change, struct call *call,
                                   Google__Protobuf__FieldMask *mask)
{
    Taskrouter__Workers__V1__UpdateWorkerRequest request;
    Taskrouter__Workers__V1__Worker item;
    Taskrouter__Workers__V1__Worker *reply = NULL;
    taskrouter__workers__v1__update_worker_request__init(&request);
    taskrouter__workers__v1__worker__init(&item);
    item.workspace_sid = arena_strdup(call->arena, ws);
    item.sid = arena_strdup(call->arena, change->sid);
    item.attributes = arena_printf(call->arena, "{\"value\":%lld}", (long long)change->value);
    mask->paths[0] = arena_strdup(call->arena, "attributes");
    request.worker = &item;
    request.update_mask = mask;
    EXPECT(request, change);
    return RPC_CALL(suite->clients[W], call, "/taskrouter.workers.v1.Workers/UpdateWorker",
                    &request.base, taskrouter__workers__v1__worker, &reply, &change->err);
}

static enum err_code change_workspace(struct change *change, struct call *call,
                                      Google__Protobuf__FieldMask *mask)
{
    Taskrouter__Workers__V1__UpdateWorkspaceRequest request;
    Taskrouter__Workers__V1__Workspace item;
    Taskrouter__Workers__V1__Workspace *reply = NULL;
    taskrouter__workers__v1__update_workspace_request__init(&request);
    taskrouter__workers__v1__workspace__init(&item);
    item.sid = arena_strdup(call->arena, ws);
    item.time_zone = arena_strdup(call->arena, zones[change->value % (int64_t)ARRAY_LEN(zones)]);
    mask->paths[0] = arena_strdup(call->arena, "time_zone");
    request.workspace = &item;
    request.update_mask = mask;
    EXPECT(request, change);
    return RPC_CALL(suite->clients[W], call, "/taskrouter.workers.v1.Workers/UpdateWorkspace",
                    &request.base, taskrouter__workers__v1__workspace, &reply, &change->err);
}

static enum err_code change_task(struct change *change, struct call *call,
                                 Google__Protobuf__FieldMask *mask)
{
    Taskrouter__Tasks__V1__TaskActionRequest request;
    Taskrouter__Tasks__V1__Task *reply = NULL;
    (void)mask;
    taskrouter__tasks__v1__task_action_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, ws);
    request.sid = arena_strdup(call->arena, change->sid);
    request.reason = arena_strdup(call->arena, "late");
    request.idempotency_key = arena_strdup(call->arena, change->key);
    request.expected_version = change->version;
    request._expected_version_case =
        TASKROUTER__TASKS__V1__TASK_ACTION_REQUEST___EXPECTED_VERSION_EXPECTED_VERSION;
    return RPC_CALL(suite->clients[T], call, "/taskrouter.tasks.v1.Tasks/CancelTask", &request.base,
                    taskrouter__tasks__v1__task, &reply, &change->err);
}

static enum err_code change_once(struct change *change)
{
    static enum err_code (*const kinds[])(struct change *, struct call *,
                                          Google__Protobuf__FieldMask *) = {
        [SUBJECT_QUEUE] = change_queue,
        [SUBJECT_WORKER] = change_worker,
        [SUBJECT_WORKSPACE] = change_workspace,
        [SUBJECT_TASK] = change_task,
    };
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct call call;
    Google__Protobuf__FieldMask mask;
    char *paths[1] = {NULL};
    err_clear(&change->err);
    call_init(&call, arena, "aside", change->budget_ms * US_PER_MS);
    call.who = suite_admin;
    google__protobuf__field_mask__init(&mask);
    mask.paths = paths;
    mask.n_paths = 1;
    enum err_code code = kinds[change->subject](change, &call, &mask);
    (void)snprintf(change->reason, sizeof change->reason, "%s",
                   change->err.reason == NULL ? "" : change->err.reason);
    return code;
}

/* Comes again, as it is told to, while another one is under way. */
static void *change_run(void *ctx)
{
    struct change *change = ctx;
    int64_t until_us = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    do
        change->code = change_once(change);
    while (strcmp(change->reason, "WRITE_UNDER_WAY") == 0 && clock_mono_us() < until_us);
    return NULL;
}

static void change_start(struct change *change)
{
    int failed = pthread_create(&change->thread, NULL, change_run, change);
    INVARIANT(failed == 0);
}

static struct change queue_change(const char *sid, int64_t version, int64_t value)
{
    return (struct change){.subject = SUBJECT_QUEUE,
                           .sid = sid,
                           .version = version,
                           .value = value,
                           .key = "",
                           .budget_ms = BUDGET_MS};
}

/* ---- what there is ---- */

static const json_t *queue_new(void)
{
    return suite_ok(&suite_admin, Q, "CreateTaskQueue",
                    "{'workspaceSid':'%s','friendlyName':'%s','maxReservedWorkers':1}", ws,
                    twilio_name("Contended"));
}

static const json_t *queue_here(const char *sid)
{
    return suite_ok(&suite_viewer, Q, "GetTaskQueue", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
}

static int64_t queue_there(const char *sid)
{
    return at_i64(twilio_ask("GET", NULL, NULL, "/Workspaces/%s/TaskQueues/%s", ws, sid),
                  "max_reserved_workers");
}

static const json_t *worker_here(const char *sid)
{
    return suite_ok(&suite_viewer, W, "GetWorker", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
}

static const char *worker_there(const char *sid)
{
    return at(twilio_ask("GET", NULL, NULL, "/Workspaces/%s/Workers/%s", ws, sid), "attributes");
}

static bool is_settled(const void *ctx)
{
    (void)ctx;
    return suite_count("select count(*) from sync.intent where state in ('OPEN', 'ANSWERED')") == 0;
}

/* ---- at once ---- */

/* The racer that won; NULL unless it was one. */
static const struct change *race(struct change *racers)
{
    const struct change *winner = NULL;
    int winners = 0;
    for (size_t i = 0; i < RACERS; i++)
        change_start(&racers[i]);
    for (size_t i = 0; i < RACERS; i++) {
        (void)pthread_join(racers[i].thread, NULL);
        if (racers[i].code == ERR_OK) {
            winner = &racers[i];
            winners++;
            continue;
        }
        CHECK_I64(racers[i].code, ERR_ABORTED);
        CHECK_TEXT(racers[i].reason, "VERSION_MISMATCH");
    }
    CHECK_I64(winners, 1);
    return winners == 1 ? winner : NULL;
}

static void test_race_of_a_queue(void)
{
    const json_t *queue = queue_new();
    const char *sid = suite_text("%s", at(queue, "sid"));
    for (int round = 0; round < ROUNDS; round++) {
        struct change racers[RACERS];
        for (int i = 0; i < RACERS; i++)
            racers[i] = queue_change(sid, at_i64(queue, "version"), 2 + round * RACERS + i);
        const struct change *winner = race(racers);
        REQUIRE(winner != NULL);
        queue = queue_here(sid);
        CHECK_I64(at_i64(queue, "maxReservedWorkers"), winner->value);
        CHECK_I64(queue_there(sid), winner->value);
    }
    CHECK(is_settled(NULL));
}

/* Twilio's own versions decide. */
static void test_race_of_a_worker(void)
{
    const json_t *worker =
        suite_ok(&suite_admin, W, "CreateWorker", "{'workspaceSid':'%s','friendlyName':'%s'}", ws,
                 twilio_name("Contended"));
    const char *sid = suite_text("%s", at(worker, "sid"));
    for (int round = 0; round < ROUNDS; round++) {
        struct change racers[RACERS];
        for (int i = 0; i < RACERS; i++) {
            racers[i] = queue_change(sid, at_i64(worker, "version"), 1 + round * RACERS + i);
            racers[i].subject = SUBJECT_WORKER;
        }
        const struct change *winner = race(racers);
        REQUIRE(winner != NULL);
        worker = worker_here(sid);
        CHECK_TEXT(at(worker, "attributes"), worker_there(sid));
        CHECK(strstr(worker_there(sid), suite_text("%lld", (long long)winner->value)) != NULL);
    }
}

/* What is ours alone does not go to Twilio, and is no different. */
static void test_race_of_a_time_zone(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct change racers[RACERS];
        const json_t *workspace = suite_ok(&suite_viewer, W, "GetWorkspace", "{'sid':'%s'}", ws);
        for (int i = 0; i < RACERS; i++) {
            racers[i] = queue_change(ws, at_i64(workspace, "version"),
                                     round % 2 * RACERS + i); /* never what there is */
            racers[i].subject = SUBJECT_WORKSPACE;
        }
        const struct change *winner = race(racers);
        REQUIRE(winner != NULL);
        CHECK_TEXT(at(suite_ok(&suite_viewer, W, "GetWorkspace", "{'sid':'%s'}", ws), "timeZone"),
                   zones[winner->value % (int64_t)ARRAY_LEN(zones)]);
    }
}

/* The first is on its way: the second does not reach Twilio, and then its version is too old. */
static void test_one_after_the_other(void)
{
    const json_t *queue = queue_new();
    const char *sid = suite_text("%s", at(queue, "sid"));
    struct change first = queue_change(sid, at_i64(queue, "version"), 2);
    struct change second = queue_change(sid, at_i64(queue, "version"), 3);
    road_fault(ROAD_HOLD_REQUEST, 1);
    change_start(&first);
    REQUIRE(road_await_held(1));
    int before = road_changes();
    second.budget_ms = SHORT_MS;
    enum err_code code = change_once(&second);
    CHECK(code == ERR_UNAVAILABLE || code == ERR_DEADLINE_EXCEEDED);
    CHECK_I64(road_changes(), before);
    road_go();
    (void)pthread_join(first.thread, NULL);
    CHECK_I64(first.code, ERR_OK);
    second.budget_ms = BUDGET_MS;
    (void)change_run(&second);
    CHECK_I64(second.code, ERR_ABORTED);
    CHECK_TEXT(second.reason, "VERSION_MISMATCH");
    CHECK_I64(queue_there(sid), 2);
}

/* ---- behind our back ---- */

static void test_changed_there(void)
{
    const json_t *queue = queue_new();
    const char *sid = suite_text("%s", at(queue, "sid"));
    (void)twilio_ask("POST", "MaxReservedWorkers=7", NULL, "/Workspaces/%s/TaskQueues/%s", ws, sid);
    struct change change = queue_change(sid, at_i64(queue, "version"), 3);
    CHECK_I64(change_once(&change), ERR_ABORTED);
    CHECK_TEXT(change.reason, "VERSION_MISMATCH");
    CHECK_I64(at_i64(queue_here(sid), "maxReservedWorkers"), 7); /* as he reads it now */
    change.version = at_i64(queue_here(sid), "version");
    CHECK_I64(change_once(&change), ERR_OK);
    CHECK_I64(queue_there(sid), 3);
}

/* While the request is on its way. */
static void test_changed_in_between(void)
{
    const json_t *worker =
        suite_ok(&suite_admin, W, "CreateWorker", "{'workspaceSid':'%s','friendlyName':'%s'}", ws,
                 twilio_name("Overtaken"));
    const char *sid = suite_text("%s", at(worker, "sid"));
    struct change change = queue_change(sid, at_i64(worker, "version"), 3);
    change.subject = SUBJECT_WORKER;
    road_fault(ROAD_HOLD_REQUEST, 1);
    change_start(&change);
    REQUIRE(road_await_held(1));
    (void)twilio_ask("POST", "Attributes=%7B%22value%22%3A7%7D", NULL, "/Workspaces/%s/Workers/%s",
                     ws, sid);
    road_go();
    (void)pthread_join(change.thread, NULL);
    CHECK_I64(change.code, ERR_ABORTED);
    CHECK_TEXT(change.reason, "VERSION_MISMATCH");
    CHECK(strstr(worker_there(sid), "7") != NULL);
    CHECK(is_settled(NULL));
}

/* ---- when nobody knows what the first one did ---- */

static void kill_sync(void)
{
    process_signal(suite_process(SUITE_SYNC), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_SYNC), 10000);
}

static bool is_left(const void *ctx)
{
    (void)ctx;
    return suite_count(
               "select count(*) from sync.intent where state = 'OPEN' and holder is null") == 1;
}

/* The first request was not to be seen at Twilio, and is carried out right then: the version that
 * it has made is no reason to refuse it. */
static void test_overtaken_by_itself(void)
{
    const json_t *flow =
        suite_ok(&suite_admin, SUITE_ROUTING, "CreateWorkflow",
                 "{'workspaceSid':'%s','friendlyName':'Flow','configuration':'{`task_routing`:{"
                 "`default_filter`:{`queue`:`%s`}}}'}",
                 ws, at(queue_new(), "sid"));
    const json_t *task = suite_ok(&suite_admin, T, "CreateTask",
                                  "{'workspaceSid':'%s','workflowSid':'%s'}", ws, at(flow, "sid"));
    const char *sid = suite_text("%s", at(task, "sid"));
    struct change change = queue_change(sid, at_i64(task, "version"), 0);
    change.subject = SUBJECT_TASK;
    change.key = twilio_name("Key");
    change.budget_ms = SHORT_MS;
    road_fault(ROAD_HOLD_REQUEST, 1);
    CHECK(change_once(&change) != ERR_OK);
    REQUIRE(suite_until(is_left, NULL, PATIENCE_MS));
    CHECK(cluster_sql(suite_cluster(), /* the recovery does not come first */
                      "update sync.intent set due_at = now() + interval '1 hour' "
                      "where state = 'OPEN'"));
    road_hold_reads(1);
    change.budget_ms = BUDGET_MS;
    change_start(&change);
    REQUIRE(road_await_held(2));
    (void)twilio_ask("POST", "AssignmentStatus=canceled&Reason=late", NULL,
                     "/Workspaces/%s/Tasks/%s", ws, sid);
    road_go();
    (void)pthread_join(change.thread, NULL);
    CHECK_I64(change.code, ERR_OK);
    CHECK_TEXT(
        at(suite_ok(&suite_viewer, T, "GetTask", "{'workspaceSid':'%s','sid':'%s'}", ws, sid),
           "assignmentStatus"),
        "TASK_STATUS_CANCELED");
    CHECK(is_settled(NULL));
}

/* Who expects no version does not wait for it to be known. */
static void test_others_go_on(void)
{
    const json_t *queue = queue_new();
    const char *sid = suite_text("%s", at(queue, "sid"));
    struct change first = queue_change(sid, at_i64(queue, "version"), 3);
    road_fault(ROAD_HOLD_REQUEST, 1);
    change_start(&first);
    REQUIRE(road_await_held(1));
    kill_sync();
    road_go();
    REQUIRE(suite_restart(SUITE_SYNC));
    (void)pthread_join(first.thread, NULL);
    CHECK(first.code != ERR_OK);
    struct change second = queue_change(sid, 0, 4);
    (void)change_run(&second);
    CHECK_I64(second.code, ERR_OK);
    CHECK_I64(queue_there(sid), 4);
    CHECK(!is_settled(NULL)); /* of the first it is not known yet */
}

static const struct test_case cases[] = {
    {"a workspace of Twilio's is known here",                                adopt                   },
    {"of several who expect the same version of a queue, one wins",          test_race_of_a_queue    },
    {"of several who expect the same version of a worker, one wins",         test_race_of_a_worker   },
    {"of several who expect the same version of a time zone, one wins",      test_race_of_a_time_zone},
    {"a write waits for the one before it, and is refused then",             test_one_after_the_other},
    {"what was changed at Twilio alone makes a version too old",             test_changed_there      },
    {"what changes while the request is on its way makes it too old",        test_changed_in_between },
    {"a write is not refused for the version that it has made itself",       test_overtaken_by_itself},
    {"a write without a version does not wait for one that nobody works on", test_others_go_on       },
};

int main(int argc, char **argv)
{
    twilio_start();
    (void)setenv("TASKROUTER_TWILIO_SETTLE", "10m", 1);  /* nothing counts as undone meanwhile */
    (void)setenv("TASKROUTER_TWILIO_TIMEOUT", "60s", 1); /* what is held is held long */
    int status =
        suite_main("write_versions", SUITE_ALL | SUITE_BIT(T), cases, ARRAY_LEN(cases), argc, argv);
    twilio_stop();
    return status;
}
