/*
 * workers-svc: what is written into a workspace that Twilio routes goes to sync-svc, played here;
 * and which user a worker is, in mirrored and in local ones. The gateway is played too.
 */
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/ids.h"
#include "google/protobuf/empty.pb-c.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "suite.h"
#include "taskrouter/directory/v1/directory.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

#define W     SUITE_WORKERS
#define TOKEN "the-service-token-of-the-tests-0123456789" /* of the suite */

/* ---- sync-svc and the gateway, played ---- */

static struct rpc_server *played;
static int calls_to_sync; /* atomic */

static enum err_code create_worker(void *app, struct call *call,
                                   const Taskrouter__Workers__V1__CreateWorkerRequest *request,
                                   Taskrouter__Workers__V1__Worker **out_reply, struct err *err)
{
    (void)app;
    (void)err;
    (void)__atomic_add_fetch(&calls_to_sync, 1, __ATOMIC_SEQ_CST);
    Taskrouter__Workers__V1__Worker *worker = PB_NEW(call->arena, taskrouter__workers__v1__worker);
    worker->friendly_name = arena_strdup(call->arena, request->friendly_name);
    worker->user_sid = arena_strdup(call->arena, call->who.actor_sid); /* who asked there */
    *out_reply = worker;
    return ERR_OK;
}

static enum err_code delete_worker(void *app, struct call *call,
                                   const Taskrouter__Workers__V1__DeleteWorkerRequest *request,
                                   Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)app;
    (void)call;
    (void)request;
    (void)out_reply;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "TWILIO_SAYS_NO", "Twilio says no");
}

/* Users are those whose SID ends with an 'a'. */
static enum err_code get_user(void *app, struct call *call,
                              const Taskrouter__Directory__V1__GetUserRequest *request,
                              Taskrouter__Directory__V1__User **out_reply, struct err *err)
{
    (void)app;
    if (call->who.role != ROLE_SERVICE || strcmp(call->who.account_sid, ACCOUNT) != 0 ||
        !str_ends_with(str_from(request->sid), STR("a")))
        return ERR_FIELD(err, ERR_NOT_FOUND, "USER_NOT_FOUND", "sid", "no such user");
    Taskrouter__Directory__V1__User *user = PB_NEW(call->arena, taskrouter__directory__v1__user);
    user->sid = arena_strdup(call->arena, request->sid);
    *out_reply = user;
    return ERR_OK;
}

static const struct rpc_method sync_methods[] = {
    RPC_UNARY("CreateWorker", create_worker, Taskrouter__Workers__V1__CreateWorkerRequest,
              Taskrouter__Workers__V1__Worker, 20000, ROLE_AGENT, 0),
    RPC_UNARY("DeleteWorker", delete_worker, Taskrouter__Workers__V1__DeleteWorkerRequest,
              Google__Protobuf__Empty, 20000, ROLE_AGENT, 0),
};

static const struct rpc_service sync_service = {
    .descriptor = &taskrouter__workers__v1__workers__descriptor,
    .methods = sync_methods,
    .method_count = ARRAY_LEN(sync_methods),
};

static const struct rpc_method gateway_methods[] = {
    RPC_UNARY("GetUser", get_user, Taskrouter__Directory__V1__GetUserRequest,
              Taskrouter__Directory__V1__User, 2000, ROLE_SUPERVISOR, 0),
};

static const struct rpc_service gateway_service = {
    .descriptor = &taskrouter__directory__v1__directory__descriptor,
    .methods = gateway_methods,
    .method_count = ARRAY_LEN(gateway_methods),
};

static const char *play(void)
{
    struct err err = {.code = ERR_OK};
    enum err_code code = rpc_server_open(
        &(struct rpc_server_config){.listen = "127.0.0.1:0", .auth = {.service_token = TOKEN}},
        &played, &err);
    INVARIANT(code == ERR_OK);
    rpc_server_add(played, &sync_service, NULL);
    rpc_server_add(played, &gateway_service, NULL);
    code = rpc_server_start(played, &err);
    INVARIANT(code == ERR_OK);
    return suite_text("127.0.0.1:%d", rpc_server_port(played));
}

/* A second process of workers-svc, which knows where the played ones are; calls go to it now. */
static struct process *start_twin(void)
{
    const char *address = play();
    const char *sync = suite_text("TASKROUTER_GRPC_SYNC=%s", address);
    const char *gateway = suite_text("TASKROUTER_GRPC_GATEWAY=%s", address);
    const char *env[] = {sync, gateway, NULL};
    const char *http = NULL;
    struct process *twin = suite_start_twin(W, env, &http);
    CHECK(process_wait_ready(twin, http, 30000));
    suite_direct(W, suite_twin_grpc());
    return twin;
}

static void stop_twin(struct process *twin)
{
    suite_direct(W, NULL);
    CHECK_I64(process_terminate(twin, 15000), 0);
    process_free(twin);
    rpc_server_drain(played, 1000);
    rpc_server_close(played);
    played = NULL;
}

/* ---- what is there ---- */

static const char *sid(const char *prefix)
{
    struct sid made = sid_new(prefix);
    return suite_text("%s", made.text);
}

static const char *user(void) /* one whom the gateway knows */
{
    struct sid made = sid_new("US");
    made.text[SID_LEN - 1] = 'a';
    return suite_text("%s", made.text);
}

struct place {
    const char *ws;
    const char *activity;
    const char *workers[3];
};

/* A mirrored workspace with three workers. */
static struct place mirrored(void)
{
    struct place here = {.ws = sid("WS"), .activity = sid("WA")};
    (void)suite_ok(&suite_service_id, W, "PutWorkspace",
                   "{'observedAt':'2026-01-01T00:00:00Z','workspace':{'sid':'%s','accountSid':"
                   "'" ACCOUNT "','friendlyName':'%s','multiTaskEnabled':true}}",
                   here.ws, sid("NM"));
    (void)suite_ok(&suite_service_id, W, "PutActivities",
                   "{'workspaceSid':'%s','observedAt':'2026-01-01T00:00:00Z','items':[{'sid':'%s',"
                   "'friendlyName':'Idle','available':true}]}",
                   here.ws, here.activity);
    for (int i = 0; i < 3; i++) {
        here.workers[i] = sid("WK");
        (void)suite_ok(&suite_service_id, W, "PutWorkers",
                       "{'workspaceSid':'%s','observedAt':'2026-01-01T00:00:00Z','items':[{"
                       "'sid':'%s','friendlyName':'W%d','activitySid':'%s'}]}",
                       here.ws, here.workers[i], i, here.activity);
    }
    return here;
}

static struct place local(void)
{
    struct place here = {.ws = suite_workspace()};
    here.activity =
        at(suite_ok(&suite_viewer, W, "ListActivities", "{'workspaceSid':'%s'}", here.ws),
           "items.0.sid");
    for (int i = 0; i < 3; i++)
        here.workers[i] = at(suite_ok(&suite_supervisor, W, "CreateWorker",
                                      "{'workspaceSid':'%s','friendlyName':'W%d'}", here.ws, i),
                             "sid");
    return here;
}

/* ---- writes ---- */

#define MIRRORED_WORDS "UNAVAILABLE MIRRORED : TASKROUTER_GRPC_SYNC"

static void refused(const struct identity *who, const char *method, const char *want,
                    const char *format, ...) PRINTF_LIKE(4, 5);

static void refused(const struct identity *who, const char *method, const char *want,
                    const char *format, ...)
{
    char json[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(json, sizeof json, format, args);
    va_end(args);
    CHECK(suite_refused(who, W, want, method, "{%s}", json));
}

/* Every write is judged here as far as that can be, and then refused while sync-svc is away. */
static void test_refused(void)
{
    const struct place here = mirrored();
    const char *by_worker =
        suite_text("'worker':{'workspaceSid':'%s','sid':'%s'", here.ws, here.workers[0]);
    const char *by_activity =
        suite_text("'activity':{'workspaceSid':'%s','sid':'%s'", here.ws, here.activity);
    const char *in = suite_text("'workspaceSid':'%s'", here.ws);
    struct identity own = suite_agent;
    own.worker_sid = here.workers[0];
    refused(&suite_admin, "CreateWorkspace", MIRRORED_WORDS,
            "'friendlyName':'At Twilio','provider':'PROVIDER_TWILIO'");
    refused(&suite_admin, "CreateWorkspace", "INVALID_ARGUMENT INVALID_FRIENDLY_NAME friendly_name",
            "'friendlyName':'','provider':'PROVIDER_TWILIO'");
    refused(&suite_supervisor, "CreateWorkspace", "PERMISSION_DENIED ROLE_TOO_LOW",
            "'friendlyName':'At Twilio','provider':'PROVIDER_TWILIO'");
    refused(&suite_admin, "UpdateWorkspace", MIRRORED_WORDS,
            "'workspace':{'sid':'%s','friendlyName':'x'},'updateMask':'friendlyName'", here.ws);
    refused(&suite_admin, "UpdateWorkspace", MIRRORED_WORDS,
            "'workspace':{'sid':'%s','defaultActivitySid':'%s'},"
            "'updateMask':'defaultActivitySid'",
            here.ws, sid("WA"));
    refused(&suite_admin, "UpdateWorkspace", "INVALID_ARGUMENT INVALID_TIME_ZONE time_zone",
            "'workspace':{'sid':'%s','timeZone':'!'},'updateMask':'timeZone'", here.ws);
    refused(&suite_admin, "DeleteWorkspace", MIRRORED_WORDS, "'sid':'%s'", here.ws);
    refused(&suite_admin, "DeleteWorkspace", "ABORTED VERSION_MISMATCH",
            "'sid':'%s','expectedVersion':9", here.ws);
    refused(&suite_stranger, "DeleteWorkspace", "NOT_FOUND WORKSPACE_NOT_FOUND", "'sid':'%s'",
            here.ws);
    refused(&suite_supervisor, "CreateActivity", MIRRORED_WORDS, "%s,'friendlyName':'x'", in);
    refused(&suite_supervisor, "CreateActivity", "INVALID_ARGUMENT INVALID_FRIENDLY_NAME", "%s",
            in);
    refused(&suite_supervisor, "UpdateActivity", MIRRORED_WORDS,
            "%s,'friendlyName':'x'},'updateMask':'friendlyName'", by_activity);
    refused(&suite_supervisor, "DeleteActivity", MIRRORED_WORDS, "%s,'sid':'%s'", in,
            here.activity);
    refused(&suite_supervisor, "DeleteActivity", "NOT_FOUND ACTIVITY_NOT_FOUND", "%s,'sid':'%s'",
            in, sid("WA"));
    refused(&suite_supervisor, "CreateWorker", MIRRORED_WORDS,
            "%s,'friendlyName':'x','idempotencyKey':'i'", in);
    refused(&suite_supervisor, "CreateWorker", MIRRORED_WORDS,
            "%s,'friendlyName':'x','activitySid':'%s'", in, sid("WA"));
    refused(&suite_supervisor, "CreateWorker", "INVALID_ARGUMENT INVALID_SID activity_sid",
            "%s,'friendlyName':'x','activitySid':'x'", in);
    refused(&suite_viewer, "CreateWorker", "PERMISSION_DENIED ROLE_TOO_LOW",
            "%s,'friendlyName':'x'", in);
    refused(&suite_supervisor, "UpdateWorker", MIRRORED_WORDS,
            "%s,'friendlyName':'x'},'updateMask':'friendlyName'", by_worker);
    refused(&suite_supervisor, "UpdateWorker", "INVALID_ARGUMENT INVALID_ATTRIBUTES",
            "%s,'attributes':'[]'},'updateMask':'attributes'", by_worker);
    refused(&own, "UpdateWorker", MIRRORED_WORDS,
            "%s,'activitySid':'%s'},'updateMask':'activitySid'", by_worker, sid("WA"));
    refused(&own, "UpdateWorker", "PERMISSION_DENIED ACTIVITY_ONLY",
            "%s,'friendlyName':'x'},'updateMask':'friendlyName'", by_worker);
    refused(&suite_supervisor, "DeleteWorker", MIRRORED_WORDS, "%s,'sid':'%s'", in,
            here.workers[0]);
    CHECK_I64(suite_count("select count(*) from workers.worker where workspace_sid = '%s' and "
                          "version = 1",
                          here.ws),
              3);
    CHECK_I64(suite_count("select count(*) from workers.idempotency where key = 'i'"), 0);
}

static bool is_channel_known(const void *channel_sid)
{
    return suite_count("select count(*) from workers.task_channel_copy where sid = '%s'",
                       (const char *)channel_sid) == 1;
}

static void test_channel_refused(void)
{
    const struct place here = mirrored();
    const char *tc = sid("TC");
    CHECK(suite_publish("task-channel.created", here.ws, tc, 1, 0,
                        "{'taskChannel':{'sid':'%s','workspaceSid':'%s','uniqueName':'voice',"
                        "'version':'1'}}",
                        tc, here.ws));
    CHECK(suite_until(is_channel_known, tc, 10000));
    const json_t *put =
        suite_ok(&suite_service_id, W, "PutWorkerChannels",
                 "{'workspaceSid':'%s','observedAt':'2026-01-01T00:00:00Z','items':[{'sid':'%s',"
                 "'workerSid':'%s','taskChannelSid':'%s','configuredCapacity':1}]}",
                 here.ws, sid("WC"), here.workers[0], tc);
    CHECK_TEXT(at(put, "items.0.outcome"), "MIRROR_OUTCOME_CREATED");
    const char *form = suite_text("'workspaceSid':'%s','workerSid':'%s','channel':'voice'", here.ws,
                                  here.workers[0]);
    CHECK(suite_refused(&suite_supervisor, W, "UNAVAILABLE MIRRORED", "UpdateWorkerChannel",
                        "{%s,'capacity':5}", form));
    CHECK(suite_refused(&suite_supervisor, W, "INVALID_ARGUMENT OUT_OF_RANGE capacity",
                        "UpdateWorkerChannel", "{%s,'capacity':51}", form));
}

/* With sync-svc there: its answer is ours, good or bad, and the caller is who he was. */
static void test_forwarded(void)
{
    const struct place here = mirrored();
    struct process *twin = start_twin();
    for (int i = 1; i <= 2; i++) {
        const json_t *made = suite_ok(&suite_supervisor, W, "CreateWorker",
                                      "{'workspaceSid':'%s','friendlyName':'Far','idempotencyKey':"
                                      "'i'}",
                                      here.ws);
        CHECK_TEXT(at(made, "friendlyName"), "Far");
        CHECK_TEXT(at(made, "userSid"), suite_supervisor.actor_sid);
        CHECK_I64(__atomic_load_n(&calls_to_sync, __ATOMIC_SEQ_CST), i); /* keys are its business */
    }
    CHECK(suite_refused(&suite_supervisor, W, "FAILED_PRECONDITION TWILIO_SAYS_NO", "DeleteWorker",
                        "{'workspaceSid':'%s','sid':'%s'}", here.ws, here.workers[0]));
    CHECK(suite_refused(&suite_viewer, W, "PERMISSION_DENIED ROLE_TOO_LOW", "CreateWorker",
                        "{'workspaceSid':'%s','friendlyName':'Far'}", here.ws));
    CHECK_I64(__atomic_load_n(&calls_to_sync, __ATOMIC_SEQ_CST), 2);
    CHECK_I64(suite_count("select count(*) from workers.worker where friendly_name = 'Far'"), 0);
    stop_twin(twin);
}

/* ---- links ---- */

static const json_t *link_ok(const struct place *here, int worker, const char *user_sid,
                             const char *more)
{
    return suite_ok(&suite_supervisor, W, "LinkWorker",
                    "{'workspaceSid':'%s','sid':'%s','userSid':'%s'%s}", here->ws,
                    here->workers[worker], user_sid, more);
}

static const char *worker_of(const struct place *here, const char *user_sid, const char *more)
{
    const json_t *list =
        suite_ok(&suite_viewer, W, "ListWorkers", "{'workspaceSid':'%s','userSid':'%s'%s}",
                 here->ws, user_sid, more);
    return at_i64(list, "items") > 1 ? "many" : at(list, "items.0.sid");
}

static void check_links(const struct place *here)
{
    const char *jane = user();
    const char *john = user();
    const char *const *wk = here->workers;
    const json_t *linked = link_ok(here, 0, jane, "");
    CHECK_TEXT(at(linked, "userSid"), jane);
    CHECK_I64(at_i64(linked, "version"), 2);
    const struct seen_event *event = suite_event("worker.attributes.update", wk[0], 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.worker.userSid"), jane);
    CHECK_I64(at_i64(link_ok(here, 0, jane, ""), "version"), 2); /* it is so already */
    CHECK_TEXT(worker_of(here, jane, ""), wk[0]);
    CHECK_TEXT(worker_of(here, jane, ",'ordering':'DateStatusChanged'"), wk[0]);
    CHECK_TEXT(worker_of(here, jane, ",'targetWorkersExpression':'1==1'"), wk[0]);
    CHECK_TEXT(worker_of(here, john, ""), "");

    CHECK(suite_refused(&suite_supervisor, W,
                        suite_text("ALREADY_EXISTS WORKER_LINKED sid : %s", jane), "LinkWorker",
                        "{'workspaceSid':'%s','sid':'%s','userSid':'%s'}", here->ws, wk[0], john));
    CHECK(suite_refused(&suite_supervisor, W,
                        suite_text("ALREADY_EXISTS USER_LINKED user_sid : %s", wk[0]), "LinkWorker",
                        "{'workspaceSid':'%s','sid':'%s','userSid':'%s'}", here->ws, wk[1], jane));
    (void)link_ok(here, 1, john, "");
    /* both ends give way */
    CHECK_TEXT(at(link_ok(here, 1, jane, ",'replace':true"), "userSid"), jane);
    CHECK_TEXT(worker_of(here, jane, ""), wk[1]);
    CHECK_TEXT(worker_of(here, john, ""), "");
    event = suite_event("worker.attributes.update", wk[0], 1);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.worker.userSid"), "");

    CHECK(suite_refused(&suite_supervisor, W, "ABORTED VERSION_MISMATCH", "UnlinkWorker",
                        "{'workspaceSid':'%s','sid':'%s','expectedVersion':1}", here->ws, wk[1]));
    for (int i = 0; i < 2; i++) /* and again */
        CHECK_TEXT(at(suite_ok(&suite_admin, W, "UnlinkWorker", "{'workspaceSid':'%s','sid':'%s'}",
                               here->ws, wk[1]),
                      "userSid"),
                   "");
    CHECK_TEXT(worker_of(here, jane, ""), "");
    (void)link_ok(here, 2, jane, "");
    CHECK_TEXT(worker_of(here, jane, ""), wk[2]);
}

static void check_bad_links(const struct place *here)
{
    const char *wk = here->workers[0];
    /* clang-format off */
    const struct {
        const struct identity *who;
        const char *sid;
        const char *user;
        const char *want;
    } rows[] = {
        {&suite_agent, wk, user(), "PERMISSION_DENIED ROLE_TOO_LOW"},
        {&suite_stranger, wk, user(), "NOT_FOUND WORKSPACE_NOT_FOUND"},
        {&suite_supervisor, "WK00000000000000000000000000000001", user(), "NOT_FOUND WORKER_NOT_FOUND sid"},
        {&suite_supervisor, wk, "", "INVALID_ARGUMENT FIELD_REQUIRED user_sid"},
        {&suite_supervisor, wk, "x", "INVALID_ARGUMENT INVALID_SID user_sid"},
        {&suite_supervisor, "x", user(), "INVALID_ARGUMENT INVALID_SID sid"},
        {&suite_supervisor, wk, "US00000000000000000000000000000001",
         "NOT_FOUND USER_NOT_FOUND user_sid"},
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(rows[i].who, W, rows[i].want, "LinkWorker",
                            "{'workspaceSid':'%s','sid':'%s','userSid':'%s'}", here->ws,
                            rows[i].sid, rows[i].user));
    CHECK(suite_refused(&suite_agent, W, "PERMISSION_DENIED ROLE_TOO_LOW", "UnlinkWorker",
                        "{'workspaceSid':'%s','sid':'%s'}", here->ws, wk));
    CHECK(suite_refused(&suite_viewer, W, "INVALID_ARGUMENT INVALID_SID user_sid", "ListWorkers",
                        "{'workspaceSid':'%s','userSid':'x'}", here->ws));
}

static void test_links(void)
{
    struct process *twin = start_twin();
    const struct place places[] = {local(), mirrored()};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        check_bad_links(&places[i]);
        check_links(&places[i]);
    }
    stop_twin(twin);
}

/* While the gateway cannot be asked nobody is linked; links that are there can be ended. */
static void test_gateway_away(void)
{
    const struct place here = local();
    struct answer answer = suite_call(&suite_supervisor, W, "LinkWorker",
                                      "{'workspaceSid':'%s','sid':'%s','userSid':'%s'}", here.ws,
                                      here.workers[0], user());
    CHECK_I64(answer.code, ERR_UNAVAILABLE);
    CHECK(strstr(answer.err.detail, "gateway") != NULL);
    (void)suite_ok(&suite_supervisor, W, "UnlinkWorker", "{'workspaceSid':'%s','sid':'%s'}",
                   here.ws, here.workers[0]);
}

/* What Twilio says of a worker leaves the link alone; it outlives a tombstone, unless the user was
 * linked to another one meanwhile. */
static void test_put_keeps(void)
{
    struct process *twin = start_twin();
    const struct place here = mirrored();
    const char *jane = user();
    const char *john = user();
    (void)link_ok(&here, 0, jane, "");
    (void)link_ok(&here, 1, john, "");
    const char *items = suite_text(
        "{'sid':'%s','friendlyName':'New','activitySid':'%s'},{'sid':'%s','friendlyName':'W1',"
        "'activitySid':'%s'}",
        here.workers[0], here.activity, here.workers[1], here.activity);
    (void)suite_ok(&suite_service_id, W, "PutWorkers",
                   "{'workspaceSid':'%s','observedAt':'2026-01-02T00:00:00Z','items':[%s]}",
                   here.ws, items);
    CHECK_TEXT(worker_of(&here, jane, ""), here.workers[0]);
    const struct seen_event *event = suite_event("worker.attributes.update", here.workers[0], 1);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.worker.userSid"), jane);
    CHECK_TEXT(at(event->payload, "data.worker.version"), "3");

    (void)suite_ok(&suite_service_id, W, "Vanish",
                   "{'workspaceSid':'%s','observedAt':'2026-01-03T00:00:00Z','sids':['%s','%s']}",
                   here.ws, here.workers[0], here.workers[1]);
    CHECK_TEXT(worker_of(&here, jane, ""), "");
    (void)link_ok(&here, 2, john, ""); /* free again */
    (void)suite_ok(&suite_service_id, W, "PutWorkers",
                   "{'workspaceSid':'%s','observedAt':'2026-01-04T00:00:00Z','items':[%s]}",
                   here.ws, items);
    CHECK_TEXT(worker_of(&here, jane, ""), here.workers[0]);
    CHECK_TEXT(worker_of(&here, john, ""), here.workers[2]);
    stop_twin(twin);
}

struct racer {
    const char *ws;
    const char *worker;
    const char *user;
    int linked; /* out */
    int refused;
};

enum { RACES = 8 };

static struct place race_place;
static const char *race_users[RACES];
static pthread_barrier_t race_gate;

/* Each links its own worker to the same users, at the same moment. The suite's calls are for one
 * thread; so SQL is not asked here, and each has a client of its own. */
static void *race(void *context)
{
    struct racer *racer = context;
    struct rpc_client *client = rpc_client_new(&(struct rpc_client_config){
        .target = suite_twin_grpc(), .peer = "workers-svc", .self = "test", .token = TOKEN});
    struct arena *arena = arena_new(8 << 20);
    for (int i = 0; i < RACES; i++) {
        struct call call;
        struct err err;
        call_init(&call, arena, "race", 20 * US_PER_S);
        call.who = suite_supervisor;
        Taskrouter__Workers__V1__LinkWorkerRequest request;
        taskrouter__workers__v1__link_worker_request__init(&request);
        request.workspace_sid = arena_strdup(arena, racer->ws);
        request.sid = arena_strdup(arena, racer->worker);
        request.user_sid = arena_strdup(arena, race_users[i]);
        Taskrouter__Workers__V1__Worker *worker = NULL;
        (void)pthread_barrier_wait(&race_gate);
        enum err_code code =
            RPC_CALL(client, &call, "/taskrouter.workers.v1.Workers/LinkWorker", &request.base,
                     taskrouter__workers__v1__worker, &worker, &err);
        (void)pthread_barrier_wait(&race_gate);
        racer->linked += code == ERR_OK ? 1 : 0;
        racer->refused += code == ERR_ALREADY_EXISTS ? 1 : 0;
        Taskrouter__Workers__V1__UnlinkWorkerRequest end;
        taskrouter__workers__v1__unlink_worker_request__init(&end);
        end.workspace_sid = request.workspace_sid;
        end.sid = request.sid;
        if (code == ERR_OK &&
            RPC_CALL(client, &call, "/taskrouter.workers.v1.Workers/UnlinkWorker", &end.base,
                     taskrouter__workers__v1__worker, &worker, &err) != ERR_OK)
            racer->refused += 100;
        (void)pthread_barrier_wait(&race_gate);
    }
    arena_free(arena);
    rpc_client_free(client);
    return NULL;
}

static void test_race(void)
{
    struct process *twin = start_twin();
    race_place = local();
    for (int i = 0; i < RACES; i++)
        race_users[i] = user();
    struct racer racers[3];
    pthread_t threads[ARRAY_LEN(racers)];
    (void)pthread_barrier_init(&race_gate, NULL, ARRAY_LEN(racers));
    for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
        racers[i] = (struct racer){.ws = race_place.ws, .worker = race_place.workers[i]};
        REQUIRE(pthread_create(&threads[i], NULL, race, &racers[i]) == 0);
    }
    int linked = 0;
    int refused = 0;
    for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
        (void)pthread_join(threads[i], NULL);
        linked += racers[i].linked;
        refused += racers[i].refused;
    }
    (void)pthread_barrier_destroy(&race_gate);
    CHECK_I64(linked, RACES); /* one each time, and the others were told why */
    CHECK_I64(refused, RACES * ((int)ARRAY_LEN(racers) - 1));
    stop_twin(twin);
}

static const struct test_case cases[] = {
    {"writes into a mirrored workspace are judged, then refused without sync-svc", test_refused        },
    {"so are those of channels",                                                   test_channel_refused},
    {"with sync-svc its answer is the answer",                                     test_forwarded      },
    {"one user per worker, one worker per user",                                   test_links          },
    {"nobody is linked while the gateway is away",                                 test_gateway_away   },
    {"what Twilio says leaves links alone",                                        test_put_keeps      },
    {"of many who link a user at once one succeeds",                               test_race           },
};

int main(int argc, char **argv)
{
    return suite_main("workers-svc mirrored writes", SUITE_BIT(SUITE_WORKERS), cases,
                      ARRAY_LEN(cases), argc, argv);
}
