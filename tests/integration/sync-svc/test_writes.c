/* Writes into a workspace that Twilio routes: through their owners and sync-svc to Twilio and back,
 * over a road that loses things, with a sync-svc that is killed between any two steps. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rpc/client.h"
#include "suite.h"
#include "suite_int.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "twilio.h"

#define Q SUITE_QUEUES
#define R SUITE_ROUTING

enum { PATIENCE_MS = 60000 };

static const char *ws; /* mirrored */

/* ---- help ---- */

static void adopt(void)
{
    ws = twilio_adopt();
    REQUIRE(ws[0] != '\0');
}

static const char *queue_new(const char *name)
{
    return at(suite_ok(&suite_admin, Q, "CreateTaskQueue",
                       "{'workspaceSid':'%s','friendlyName':'%s'}", ws, name),
              "sid");
}

static int64_t queues_here(const char *name)
{
    return at_i64(suite_ok(&suite_admin, Q, "ListTaskQueues",
                           "{'workspaceSid':'%s','friendlyName':'%s'}", ws, name),
                  "items");
}

static int64_t queues_there(const char *name)
{
    char encoded[256];
    size_t len = 0;
    for (const char *c = name; *c != '\0'; c++)
        len += (size_t)snprintf(encoded + len, sizeof encoded - len, *c == ' ' ? "%%20" : "%c", *c);
    return twilio_count("task_queues", "/Workspaces/%s/TaskQueues?FriendlyName=%s", ws, encoded);
}

static bool is_here(const void *name)
{
    return queues_here(name) == 1;
}

static bool is_settled(const void *ctx)
{
    (void)ctx;
    return suite_count("select count(*) from sync.intent where state in ('OPEN', 'ANSWERED')") == 0;
}

static int64_t intents(const char *state)
{
    return suite_count("select count(*) from sync.intent where state = '%s'", state);
}

/* ---- cases: nothing goes wrong ---- */

static void test_queue_life(void)
{
    const char *name = twilio_name("Permits");
    const json_t *made = suite_ok(
        &suite_supervisor, Q, "CreateTaskQueue",
        "{'workspaceSid':'%s','friendlyName':'%s','targetWorkers':'1==1','maxReservedWorkers':2,"
        "'taskOrder':'TASK_ORDER_LIFO'}",
        ws, name);
    const char *sid = suite_text("%s", at(made, "sid"));
    const json_t *there = twilio_ask("GET", NULL, NULL, "/Workspaces/%s/TaskQueues/%s", ws, sid);
    CHECK_TEXT(at(there, "friendly_name"), name);
    CHECK_TEXT(at(there, "task_order"), "LIFO");
    CHECK_I64(at_i64(there, "max_reserved_workers"), 2);
    CHECK_I64(at_i64(made, "maxReservedWorkers"), 2);
    (void)suite_event("task-queue.created", sid, 0);
    const json_t *changed = suite_ok(
        &suite_supervisor, Q, "UpdateTaskQueue",
        "{'taskQueue':{'workspaceSid':'%s','sid':'%s','maxReservedWorkers':3},'updateMask':"
        "'maxReservedWorkers'}",
        ws, sid);
    CHECK_I64(at_i64(changed, "maxReservedWorkers"), 3);
    CHECK_I64(at_i64(twilio_ask("GET", NULL, NULL, "/Workspaces/%s/TaskQueues/%s", ws, sid),
                     "max_reserved_workers"),
              3);
    (void)suite_ok(&suite_supervisor, Q, "DeleteTaskQueue", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   sid);
    int status = 0;
    (void)twilio_ask("GET", NULL, &status, "/Workspaces/%s/TaskQueues/%s", ws, sid);
    CHECK_I64(status, 404);
    CHECK(suite_call(&suite_viewer, Q, "GetTaskQueue", "{'workspaceSid':'%s','sid':'%s'}", ws, sid)
              .code == ERR_NOT_FOUND);
    CHECK_I64(intents("OPEN") + intents("ANSWERED"), 0);
}

static void test_workflow_life(void)
{
    const char *queue = queue_new(twilio_name("Of a workflow"));
    const json_t *made =
        suite_ok(&suite_supervisor, R, "CreateWorkflow",
                 "{'workspaceSid':'%s','friendlyName':'%s','configuration':'{`task_routing`:{"
                 "`default_filter`:{`queue`:`%s`}}}','taskReservationTimeout':30}",
                 ws, twilio_name("Flow"), queue);
    const char *sid = suite_text("%s", at(made, "sid"));
    CHECK_I64(at_i64(made, "taskReservationTimeout"), 30);
    CHECK_I64(at_i64(twilio_ask("GET", NULL, NULL, "/Workspaces/%s/Workflows/%s", ws, sid),
                     "task_reservation_timeout"),
              30);
    (void)suite_ok(&suite_supervisor, R, "UpdateWorkflow",
                   "{'workflow':{'workspaceSid':'%s','sid':'%s','taskReservationTimeout':40},"
                   "'updateMask':'taskReservationTimeout','reEvaluateTasks':true}",
                   ws, sid);
    CHECK_I64(at_i64(twilio_ask("GET", NULL, NULL, "/Workspaces/%s/Workflows/%s", ws, sid),
                     "task_reservation_timeout"),
              40);
    (void)suite_ok(&suite_supervisor, R, "DeleteWorkflow", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   sid);
    CHECK(suite_call(&suite_viewer, R, "GetWorkflow", "{'workspaceSid':'%s','sid':'%s'}", ws, sid)
              .code == ERR_NOT_FOUND);
}

/* ---- cases: refusals ---- */

static void test_refused(void)
{
    int64_t before = suite_count("select count(*) from sync.intent");
    CHECK(suite_refused(
        &suite_supervisor, Q, "INVALID_ARGUMENT UPSTREAM_REFUSED target_workers : TargetWorkers",
        "CreateTaskQueue", "{'workspaceSid':'%s','friendlyName':'%s','targetWorkers':'a =='}", ws,
        twilio_name("Bad")));
    CHECK(suite_refused(&suite_viewer, Q, "PERMISSION_DENIED ROLE_TOO_LOW", "CreateTaskQueue",
                        "{'workspaceSid':'%s','friendlyName':'x'}", ws));
    CHECK(suite_refused(&suite_stranger, Q, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid",
                        "CreateTaskQueue", "{'workspaceSid':'%s','friendlyName':'x'}", ws));
    CHECK_I64(suite_count("select count(*) from sync.intent"), before);
}

/* Gone behind our back: the row goes too, with the answer. */
static void test_gone_there(void)
{
    const char *name = twilio_name("Gone");
    const char *sid = suite_text("%s", queue_new(name));
    (void)twilio_ask("DELETE", NULL, NULL, "/Workspaces/%s/TaskQueues/%s", ws, sid);
    CHECK(suite_refused(&suite_supervisor, Q, "NOT_FOUND UPSTREAM_NOT_FOUND", "UpdateTaskQueue",
                        "{'taskQueue':{'workspaceSid':'%s','sid':'%s','friendlyName':'x'},"
                        "'updateMask':'friendlyName'}",
                        ws, sid));
    CHECK_I64(queues_here(name), 0);
    const char *other = suite_text("%s", queue_new(twilio_name("Gone too")));
    (void)twilio_ask("DELETE", NULL, NULL, "/Workspaces/%s/TaskQueues/%s", ws, other);
    (void)suite_ok(&suite_supervisor, Q, "DeleteTaskQueue", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   other);
}

static void test_version(void)
{
    const json_t *made =
        suite_ok(&suite_admin, Q, "CreateTaskQueue", "{'workspaceSid':'%s','friendlyName':'%s'}",
                 ws, twilio_name("V"));
    const char *sid = suite_text("%s", at(made, "sid"));
    long long version = (long long)at_i64(made, "version");
    CHECK(suite_refused(&suite_supervisor, Q, "ABORTED VERSION_MISMATCH", "UpdateTaskQueue",
                        "{'taskQueue':{'workspaceSid':'%s','sid':'%s','maxReservedWorkers':3},"
                        "'updateMask':'maxReservedWorkers','expectedVersion':%lld}",
                        ws, sid, version + 1));
    (void)suite_ok(&suite_supervisor, Q, "UpdateTaskQueue",
                   "{'taskQueue':{'workspaceSid':'%s','sid':'%s','maxReservedWorkers':3},"
                   "'updateMask':'maxReservedWorkers','expectedVersion':%lld}",
                   ws, sid, version);
}

/* ---- cases: the road ---- */

static void test_key(void)
{
    const char *name = twilio_name("Key");
    int before = road_changes();
    const json_t *first =
        suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                 "{'workspaceSid':'%s','friendlyName':'%s','idempotencyKey':'%s'}", ws, name, name);
    const json_t *second =
        suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                 "{'workspaceSid':'%s','friendlyName':'%s','idempotencyKey':'%s'}", ws, name, name);
    CHECK(json_equal(first, second) == 1);
    CHECK_I64(road_changes(), before + 1);
    CHECK(suite_refused(&suite_supervisor, Q,
                        "ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED idempotency_key", "CreateTaskQueue",
                        "{'workspaceSid':'%s','friendlyName':'other','idempotencyKey':'%s'}", ws,
                        name));
}

/* The answer is lost, the queue is found: its caller never knows. */
static void test_lost_answer(void)
{
    static const enum road_fault faults[] = {ROAD_LOSE_ANSWER, ROAD_BREAK_ANSWER};
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        const char *name = twilio_name("Lost answer");
        road_fault(faults[i], 1);
        const char *sid = queue_new(name);
        CHECK_I64(strlen(sid), 34);
        CHECK_I64(queues_there(name), 1);
        CHECK_I64(queues_here(name), 1);
    }
}

/* The request is lost: nothing is there, and whoever repeats it with his key gets it done. */
static void test_lost_request(void)
{
    const char *name = twilio_name("Lost request");
    road_fault(ROAD_LOSE_REQUEST, 1);
    CHECK(suite_refused(&suite_supervisor, Q, "UNAVAILABLE OUTCOME_UNKNOWN", "CreateTaskQueue",
                        "{'workspaceSid':'%s','friendlyName':'%s','idempotencyKey':'%s'}", ws, name,
                        name));
    CHECK_I64(queues_there(name), 0);
    CHECK(suite_until(is_settled, NULL, PATIENCE_MS));
    CHECK(intents("UNDONE") > 0);
    const json_t *made =
        suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                 "{'workspaceSid':'%s','friendlyName':'%s','idempotencyKey':'%s'}", ws, name, name);
    CHECK_I64(strlen(at(made, "sid")), 34);
    CHECK_I64(queues_there(name), 1);
    CHECK_I64(queues_here(name), 1);
}

/* Updates are simply made again. */
static void test_lost_update(void)
{
    static const enum road_fault faults[] = {ROAD_LOSE_ANSWER, ROAD_LOSE_REQUEST, ROAD_BUSY};
    const char *sid = suite_text("%s", queue_new(twilio_name("Updated")));
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        road_fault(faults[i], 1);
        const json_t *changed =
            suite_ok(&suite_supervisor, Q, "UpdateTaskQueue",
                     "{'taskQueue':{'workspaceSid':'%s','sid':'%s','maxReservedWorkers':%zu},"
                     "'updateMask':'maxReservedWorkers'}",
                     ws, sid, i + 2);
        CHECK_I64(at_i64(changed, "maxReservedWorkers"), (int64_t)i + 2);
    }
    road_fault(ROAD_LOSE_ANSWER, 1);
    (void)suite_ok(&suite_supervisor, Q, "DeleteTaskQueue", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   sid);
}

/* Twilio is away: reads go on, writes are refused and come to nothing. */
static void test_away(void)
{
    const char *name = twilio_name("Away");
    const char *sid = suite_text("%s", queue_new(twilio_name("Read")));
    road_cut(true);
    struct answer answer = suite_call(
        &suite_supervisor, Q, "CreateTaskQueue",
        "{'workspaceSid':'%s','friendlyName':'%s','idempotencyKey':'%s'}", ws, name, name);
    CHECK_I64(answer.code, ERR_UNAVAILABLE);
    (void)suite_ok(&suite_viewer, Q, "GetTaskQueue", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    road_cut(false);
    CHECK(suite_until(is_settled, NULL, PATIENCE_MS)); /* though nobody else calls Twilio */
    int64_t until_us = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    do { /* until the breaker has closed, and what may have been done is known */
        answer = suite_call(&suite_supervisor, Q, "CreateTaskQueue",
                            "{'workspaceSid':'%s','friendlyName':'%s','idempotencyKey':'%s'}", ws,
                            name, name);
        CHECK(answer.code == ERR_OK || answer.code == ERR_UNAVAILABLE);
    } while (answer.code == ERR_UNAVAILABLE && clock_mono_us() < until_us);
    CHECK_I64(answer.code, ERR_OK);
    CHECK_I64(queues_there(name), 1);
    CHECK(suite_until(is_settled, NULL, PATIENCE_MS));
}

/* ---- cases: killed in between ---- */

/* Somebody else, on a thread and with memory of his own. */
struct bystander {
    const char *name;
    const char *key;
    int budget_ms;
    enum err_code code;
    struct err err;
    pthread_t thread;
};

enum { ASIDE_BUDGET_MS = 20000, SHORT_BUDGET_MS = 4000 };

static void *create_aside(void *ctx)
{
    struct bystander *aside = ctx;
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct call call;
    Taskrouter__Queues__V1__CreateTaskQueueRequest request;
    Taskrouter__Queues__V1__TaskQueue *queue = NULL;
    err_clear(&aside->err);
    call_init(&call, arena, "aside", aside->budget_ms * US_PER_MS);
    call.who = suite_supervisor;
    taskrouter__queues__v1__create_task_queue_request__init(&request);
    request.workspace_sid = arena_strdup(arena, ws);
    request.friendly_name = arena_strdup(arena, aside->name);
    request.idempotency_key = arena_strdup(arena, aside->key);
    aside->code = RPC_CALL(suite->clients[Q], &call, "/taskrouter.queues.v1.Queues/CreateTaskQueue",
                           &request.base, taskrouter__queues__v1__task_queue, &queue, &aside->err);
    return NULL;
}

static void start_aside_for(struct bystander *aside, const char *name, const char *key,
                            int budget_ms)
{
    *aside = (struct bystander){.name = name, .key = key, .budget_ms = budget_ms};
    int failed = pthread_create(&aside->thread, NULL, create_aside, aside);
    INVARIANT(failed == 0);
}

static void start_aside(struct bystander *aside, const char *name, const char *key)
{
    start_aside_for(aside, name, key, ASIDE_BUDGET_MS);
}

static void kill_sync(void)
{
    process_signal(suite_process(SUITE_SYNC), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_SYNC), 10000);
}

/* Recorded, and Twilio has heard nothing: it comes to nothing. */
static void test_killed_before_twilio(void)
{
    struct bystander aside;
    const char *name = twilio_name("Killed early");
    road_fault(ROAD_HOLD_REQUEST, 1);
    start_aside(&aside, name, "");
    REQUIRE(road_await_held(1));
    CHECK_I64(intents("OPEN"), 1);
    kill_sync();
    road_go();
    REQUIRE(suite_restart(SUITE_SYNC));
    (void)pthread_join(aside.thread, NULL);
    CHECK(aside.code != ERR_OK);
    CHECK(suite_until(is_settled, NULL, PATIENCE_MS));
    CHECK_I64(queues_there(name), 0);
    CHECK_I64(queues_here(name), 0);
}

/* Twilio has done it, and nobody is there to hear: the next process finds it. */
static void test_killed_before_answer(void)
{
    struct bystander aside;
    const char *name = twilio_name("Killed late");
    road_fault(ROAD_HOLD_ANSWER, 1);
    start_aside(&aside, name, "");
    REQUIRE(road_await_held(1));
    kill_sync();
    road_go();
    (void)pthread_join(aside.thread, NULL);
    CHECK(aside.code != ERR_OK);
    REQUIRE(suite_restart(SUITE_SYNC));
    CHECK(suite_until(is_here, name, PATIENCE_MS));
    CHECK(suite_until(is_settled, NULL, PATIENCE_MS));
    CHECK_I64(queues_there(name), 1);
}

/* The same with a key: its caller, who is sent on to the next process, gets the one queue. */
static void test_killed_with_key(void)
{
    struct bystander aside;
    const char *name = twilio_name("Killed with key");
    road_fault(ROAD_HOLD_ANSWER, 1);
    start_aside(&aside, name, name);
    REQUIRE(road_await_held(1));
    kill_sync();
    road_go();
    REQUIRE(suite_restart(SUITE_SYNC));
    (void)pthread_join(aside.thread, NULL);
    int64_t until_us = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    while (aside.code != ERR_OK && clock_mono_us() < until_us)
        (void)create_aside(&aside);
    CHECK_I64(aside.code, ERR_OK);
    CHECK_I64(queues_there(name), 1);
    CHECK_I64(queues_here(name), 1);
}

static bool is_answered(const void *ctx)
{
    (void)ctx;
    return intents("ANSWERED") == 1;
}

/* The answer is known, and the owner hangs: the row comes when it is back. */
static void test_killed_before_row(void)
{
    struct bystander aside;
    const char *name = twilio_name("Killed unstored");
    road_fault(ROAD_HOLD_ANSWER, 1);
    start_aside(&aside, name, "");
    REQUIRE(road_await_held(1));
    process_signal(suite_process(Q), SIGSTOP);
    road_go();
    CHECK(suite_until(is_answered, NULL, PATIENCE_MS));
    kill_sync();
    process_signal(suite_process(Q), SIGCONT);
    (void)pthread_join(aside.thread, NULL);
    CHECK(aside.code != ERR_OK);
    REQUIRE(suite_restart(SUITE_SYNC));
    CHECK(suite_until(is_here, name, PATIENCE_MS));
    CHECK(suite_until(is_settled, NULL, PATIENCE_MS));
    CHECK_I64(queues_there(name), 1);
}

/* Nobody can write a record until they are unlocked. */
static struct process *lock_records(void)
{
    const char *const args[] = {"-qXc",
                                "begin; lock table sync.intent in exclusive mode; "
                                "select pg_sleep(600)",
                                cluster_db_url(suite_cluster(), "postgres"), NULL};
    struct process *locker =
        process_start(&(struct process_options){.program = "psql", .args = args});
    int64_t until_us = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    while (suite_count("select count(*) from pg_locks where mode = 'ExclusiveLock' and granted and "
                       "relation = 'sync.intent'::regclass") != 1 &&
           clock_mono_us() < until_us)
        process_sleep_ms(20);
    return locker;
}

static void unlock_records(struct process *locker)
{
    CHECK(cluster_sql(suite_cluster(),
                      "select pg_terminate_backend(pid) from pg_stat_activity where query like "
                      "'begin; lock table sync.intent%'"));
    (void)process_wait_exit(locker, 10000);
    process_free(locker);
}

static bool is_row_there(const void *name)
{
    return suite_count("select count(*) from queues.task_queue where friendly_name = '%s'",
                       (const char *)name) == 1;
}

/* The row is written, the record is not: it is written once all the same. */
static void test_killed_before_done(void)
{
    struct bystander aside;
    const char *name = twilio_name("Killed unrecorded");
    road_fault(ROAD_HOLD_ANSWER, 1);
    start_aside(&aside, name, name);
    REQUIRE(road_await_held(1));
    process_signal(suite_process(Q), SIGSTOP);
    road_go();
    CHECK(suite_until(is_answered, NULL, PATIENCE_MS));
    struct process *locker = lock_records();
    process_signal(suite_process(Q), SIGCONT);
    CHECK(suite_until(is_row_there, name, PATIENCE_MS));
    kill_sync();
    unlock_records(locker);
    REQUIRE(suite_restart(SUITE_SYNC));
    (void)pthread_join(aside.thread, NULL);
    CHECK(suite_until(is_settled, NULL, PATIENCE_MS));
    aside.code = ERR_UNAVAILABLE;
    int64_t until_us = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    while (aside.code != ERR_OK && clock_mono_us() < until_us)
        (void)create_aside(&aside);
    CHECK_I64(aside.code, ERR_OK);
    CHECK_I64(queues_there(name), 1);
    CHECK_I64(queues_here(name), 1);
}

/* The record cannot be written back for longer than its writer waits: he does not keep it until he
 * ends. */
static void test_records_away(void)
{
    struct bystander aside;
    const char *name = twilio_name("Unwritten");
    road_fault(ROAD_HOLD_ANSWER, 1);
    start_aside_for(&aside, name, "", SHORT_BUDGET_MS);
    REQUIRE(road_await_held(1));
    struct process *locker = lock_records();
    road_go();
    CHECK(process_wait_log(suite_process(SUITE_SYNC), "is left to the recovery", PATIENCE_MS));
    unlock_records(locker);
    (void)pthread_join(aside.thread, NULL);
    CHECK(suite_until(is_settled, NULL, PATIENCE_MS));
    CHECK_I64(queues_there(name), 1);
    CHECK_I64(queues_here(name), 1);
}

/* ---- side by side ---- */

static void test_twins(void)
{
    struct bystander twins[3];
    const char *name = twilio_name("Twins");
    int before = road_changes();
    road_fault(ROAD_HOLD_ANSWER, 1);
    for (size_t i = 0; i < ARRAY_LEN(twins); i++)
        start_aside(&twins[i], name, name);
    REQUIRE(road_await_held(1));
    road_go();
    for (size_t i = 0; i < ARRAY_LEN(twins); i++) {
        (void)pthread_join(twins[i].thread, NULL);
        CHECK_I64(twins[i].code, ERR_OK);
    }
    CHECK_I64(road_changes(), before + 1);
    CHECK_I64(queues_there(name), 1);
}

enum { WRITERS = 16 }; /* TASKROUTER_TWILIO_WRITES, as it is by default */

static void test_many_at_once(void)
{
    struct bystander asides[40];
    int before = road_changes();
    road_fault(ROAD_HOLD_ANSWER, WRITERS);
    for (size_t i = 0; i < ARRAY_LEN(asides); i++)
        start_aside(&asides[i], twilio_name("Many"), "");
    CHECK(road_await_held(WRITERS));
    CHECK_I64(road_changes(), before + WRITERS); /* the others wait for a thread */
    road_go();
    for (size_t i = 0; i < ARRAY_LEN(asides); i++) {
        (void)pthread_join(asides[i].thread, NULL);
        CHECK_I64(asides[i].code, ERR_OK);
    }
    CHECK(suite_until(is_settled, NULL, PATIENCE_MS));
}

static const struct test_case cases[] = {
    {"a workspace of Twilio's is known here",                                            adopt                    },
    {"a queue is made, changed and deleted at Twilio and here",                          test_queue_life          },
    {"a workflow is made, changed and deleted at Twilio and here",                       test_workflow_life       },
    {"what Twilio refuses is refused with its words and leaves nothing",                 test_refused             },
    {"what is gone at Twilio goes here too",                                             test_gone_there          },
    {"an expected version is ours",                                                      test_version             },
    {"the same key gives the same reply, once",                                          test_key                 },
    {"a create whose answer is lost is found",                                           test_lost_answer         },
    {"a create whose request is lost comes to nothing, and is made when it is repeated",
     test_lost_request                                                                                            },
    {"updates and deletes are made again when something is lost",                        test_lost_update         },
    {"while Twilio is away reads go on and writes are refused",                          test_away                },
    {"killed before Twilio heard of it, nothing is anywhere",                            test_killed_before_twilio},
    {"killed before the answer came, the next process finds what was made",
     test_killed_before_answer                                                                                    },
    {"killed before the answer came, its key leads to what was made",                    test_killed_with_key     },
    {"killed before the row was written, the next process writes it",                    test_killed_before_row   },
    {"killed before it was recorded as done, it is done once",                           test_killed_before_done  },
    {"records that could not be written for a while are settled then",                   test_records_away        },
    {"the same key several times at once is one write",                                  test_twins               },
    {"many writes at once go side by side, within their bound",                          test_many_at_once        },
};

int main(int argc, char **argv)
{
    twilio_start();
    (void)setenv("TASKROUTER_TWILIO_SETTLE", "2s", 1);
    int status = suite_main("writes", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
    twilio_stop();
    return status;
}
