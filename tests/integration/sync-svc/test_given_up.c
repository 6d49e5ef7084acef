/* Writes at Twilio of which nobody could find out what became of them: what an operator sees of
 * them, and does about them. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rpc/client.h"
#include "suite.h"
#include "suite_int.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "twilio.h"

#define Q SUITE_QUEUES
#define S SUITE_SYNC

enum { PATIENCE_MS = 120000, BUDGET_MS = 20000 };

static const char *ws;   /* mirrored */
static bool is_cut_then; /* Twilio is away from the death on */

static void adopt(void)
{
    ws = twilio_adopt();
    REQUIRE(ws[0] != '\0');
}

/* ---- making one ---- */

struct maker {
    const char *name;
    enum err_code code;
};

static void *make_queue(void *ctx)
{
    struct maker *maker = ctx;
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct call call;
    struct err err = {.code = ERR_OK};
    Taskrouter__Queues__V1__CreateTaskQueueRequest request;
    Taskrouter__Queues__V1__TaskQueue *queue = NULL;
    call_init(&call, arena, "aside", BUDGET_MS * US_PER_MS);
    call.who = suite_supervisor;
    taskrouter__queues__v1__create_task_queue_request__init(&request);
    request.workspace_sid = arena_strdup(arena, ws);
    request.friendly_name = arena_strdup(arena, maker->name);
    request.idempotency_key = arena_strdup(arena, maker->name);
    maker->code = RPC_CALL(suite->clients[Q], &call, "/taskrouter.queues.v1.Queues/CreateTaskQueue",
                           &request.base, taskrouter__queues__v1__task_queue, &queue, &err);
    return NULL;
}

/* A queue is to be made, with its name as the key, and sync-svc dies over it: Twilio has made it,
 * or has heard nothing. What is left is changed by the SQL before the next process sees it. */
static void die_over(const char *name, enum road_fault fault, const char *sql)
{
    struct maker maker = {.name = name};
    pthread_t thread;
    road_fault(fault, 1);
    int failed = pthread_create(&thread, NULL, make_queue, &maker);
    INVARIANT(failed == 0);
    REQUIRE(road_await_held(1));
    process_signal(suite_process(S), SIGKILL);
    (void)process_wait_exit(suite_process(S), 10000);
    road_cut(is_cut_then);
    road_go();
    CHECK(cluster_sql(suite_cluster(), sql));
    REQUIRE(suite_restart(S));
    (void)pthread_join(thread, NULL);
    CHECK(maker.code != ERR_OK);
}

#define GIVEN_UP                                                                                   \
    "update sync.intent set state = 'GIVEN_UP', detail = 'nobody knows', settled_at = now(), "     \
    "holder = null, turn_sid = null where state = 'OPEN'"

static const json_t *list(const char *state)
{
    return suite_ok(&suite_admin, S, "ListWrites", "{'workspaceSid':'%s','state':'%s'}", ws, state);
}

static const char *given_up(void)
{
    const json_t *all = list("WRITE_STATE_GIVEN_UP");
    CHECK_I64(at_i64(all, "items"), 1);
    return suite_text("%s", at(all, "items.0.sid"));
}

static struct answer decide(const char *method, const char *sid)
{
    return suite_call(&suite_admin, S, method, "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
}

static int64_t queues_here(const char *name)
{
    return at_i64(suite_ok(&suite_admin, Q, "ListTaskQueues",
                           "{'workspaceSid':'%s','friendlyName':'%s'}", ws, name),
                  "items");
}

static bool is_here(const void *name)
{
    return queues_here(name) == 1;
}

static bool is_none_left(const void *ctx)
{
    (void)ctx;
    return at_i64(list("WRITE_STATE_UNSPECIFIED"), "items") == 0;
}

/* ---- cases ---- */

static void test_found_after_all(void)
{
    const char *name = twilio_name("Found");
    die_over(name, ROAD_HOLD_ANSWER, GIVEN_UP);
    const char *sid = given_up();
    const json_t *shown = list("WRITE_STATE_GIVEN_UP");
    CHECK_TEXT(at(shown, "items.0.method"), "/taskrouter.queues.v1.Queues/CreateTaskQueue");
    CHECK_TEXT(at(shown, "items.0.detail"), "nobody knows");
    CHECK_TEXT(at(shown, "items.0.workspaceSid"), ws);
    CHECK_TEXT(at(shown, "items.0.parameters"), "");
    const json_t *one =
        suite_ok(&suite_admin, S, "GetWrite", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    CHECK(strstr(at(one, "parameters"), name) != NULL);
    CHECK(strstr(at(one, "dateEnded"), "20") != NULL);
    CHECK(suite_refused(
        &suite_supervisor, Q, "FAILED_PRECONDITION WRITE_GIVEN_UP", "CreateTaskQueue",
        "{'workspaceSid':'%s','friendlyName':'%s','idempotencyKey':'%s'}", ws, name, name));
    CHECK_I64(queues_here(name), 0);
    CHECK_I64(decide("RetryWrite", sid).code, ERR_OK);
    CHECK(suite_until(is_here, name, PATIENCE_MS));
    CHECK(suite_until(is_none_left, NULL, PATIENCE_MS));
    one = suite_ok(&suite_admin, S, "GetWrite", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    CHECK_TEXT(at(one, "state"), "WRITE_STATE_DONE");
}

static bool is_given_up(const void *ctx)
{
    (void)ctx;
    return at_i64(list("WRITE_STATE_GIVEN_UP"), "items") == 1;
}

static bool is_looked_for(const void *ctx)
{
    (void)ctx;
    return suite_count("select count(*) from sync.intent where state = 'OPEN' and looks > 0 and "
                       "holder is null") == 1;
}

/* Twilio cannot be asked for a day: given up. Taken up again it has another day, and is found not
 * to have been made. */
static void test_given_up_by_time(void)
{
    const char *name = twilio_name("Lost");
    is_cut_then = true;
    die_over(name, ROAD_HOLD_REQUEST,
             "update sync.intent set created_at = now() - interval '25 hours', "
             "hope_from = now() - interval '25 hours' where state = 'OPEN'");
    is_cut_then = false;
    CHECK(suite_until(is_given_up, NULL, PATIENCE_MS));
    const char *sid = given_up();
    CHECK_I64(decide("RetryWrite", sid).code, ERR_OK);
    CHECK(suite_until(is_looked_for, NULL, PATIENCE_MS)); /* and still hoped for */
    CHECK_I64(at_i64(list("WRITE_STATE_OPEN"), "items"), 1);
    road_cut(false);
    CHECK(suite_until(is_none_left, NULL, PATIENCE_MS));
    const json_t *one =
        suite_ok(&suite_admin, S, "GetWrite", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    CHECK_TEXT(at(one, "state"), "WRITE_STATE_UNDONE");
    CHECK(suite_refused(&suite_admin, S, "FAILED_PRECONDITION WRITE_NOT_GIVEN_UP sid", "RetryWrite",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, sid));
    CHECK(suite_refused(&suite_admin, S, "FAILED_PRECONDITION WRITE_NOT_GIVEN_UP sid",
                        "DismissWrite", "{'workspaceSid':'%s','sid':'%s'}", ws, sid));
}

static void test_dismissed(void)
{
    const char *name = twilio_name("Dismissed");
    die_over(name, ROAD_HOLD_REQUEST, GIVEN_UP);
    const char *sid = given_up();
    struct answer dismissed = decide("DismissWrite", sid);
    CHECK_I64(dismissed.code, ERR_OK);
    CHECK_TEXT(at(dismissed.body, "sid"), sid);
    CHECK(is_none_left(NULL));
    CHECK(suite_refused(&suite_admin, S, "NOT_FOUND WRITE_NOT_FOUND sid", "GetWrite",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, sid));
    struct maker again = {.name = name}; /* its key is free */
    (void)make_queue(&again);
    CHECK_I64(again.code, ERR_OK);
    CHECK_I64(queues_here(name), 1);
}

static void test_who_may(void)
{
    static const char *const methods[] = {"GetWrite", "RetryWrite", "DismissWrite"};
    die_over(twilio_name("Seen"), ROAD_HOLD_REQUEST, GIVEN_UP);
    const char *sid = given_up();
    CHECK(suite_refused(&suite_supervisor, S, "PERMISSION_DENIED ROLE_TOO_LOW", "ListWrites",
                        "{'workspaceSid':'%s'}", ws));
    CHECK(suite_refused(&suite_stranger, S, "NOT_FOUND WORKSPACE_NOT_FOUND", "ListWrites",
                        "{'workspaceSid':'%s'}", ws));
    const char *other = suite_workspace(); /* of the same account */
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        CHECK(suite_refused(&suite_supervisor, S, "PERMISSION_DENIED ROLE_TOO_LOW", methods[i],
                            "{'workspaceSid':'%s','sid':'%s'}", ws, sid));
        CHECK(suite_refused(&suite_stranger, S, "NOT_FOUND WORKSPACE_NOT_FOUND", methods[i],
                            "{'workspaceSid':'%s','sid':'%s'}", ws, sid));
        CHECK(suite_refused(&suite_admin, S, "NOT_FOUND WRITE_NOT_FOUND sid", methods[i],
                            "{'workspaceSid':'%s','sid':'%s'}", other, sid));
        CHECK(suite_refused(&suite_admin, S, "INVALID_ARGUMENT INVALID_SID sid", methods[i],
                            "{'workspaceSid':'%s','sid':'WQ'}", ws));
    }
    CHECK(suite_refused(&suite_admin, S, "INVALID_ARGUMENT UNKNOWN_STATE state", "ListWrites",
                        "{'workspaceSid':'%s','state':'WRITE_STATE_DONE'}", ws));
    CHECK_I64(
        at_i64(suite_ok(&suite_admin, S, "ListWrites", "{'workspaceSid':'%s'}", other), "items"),
        0);
}

/* Newest first; those of workspaces that never came to be are seen from every one of the account.
 */
static void test_pages(void)
{
    CHECK(cluster_sql(
        suite_cluster(),
        "insert into sync.intent (sid, account_sid, workspace_sid, method, request_hash, request, "
        "parent_sid, is_create, resource_sid, state, detail, settled_at) "
        "select 'INffffffffffffffffffffffffffffff0' || n, account_sid, "
        "case when n = 3 then '' else workspace_sid end, method, request_hash, request, "
        "parent_sid, "
        "is_create, '', state, detail, settled_at from sync.intent, generate_series(1, 4) n "
        "where state = 'GIVEN_UP'"));
    const json_t *first =
        suite_ok(&suite_admin, S, "ListWrites", "{'workspaceSid':'%s','pageSize':3}", ws);
    CHECK_I64(at_i64(first, "items"), 3);
    CHECK_TEXT(at(first, "items.0.sid"), "INffffffffffffffffffffffffffffff04");
    CHECK_TEXT(at(first, "items.1.workspaceSid"), "");
    const json_t *second =
        suite_ok(&suite_admin, S, "ListWrites", "{'workspaceSid':'%s','pageSize':3,'cursor':'%s'}",
                 ws, at(first, "nextCursor"));
    CHECK_I64(at_i64(second, "items"), 2);
    CHECK_TEXT(at(second, "nextCursor"), "");
    CHECK(suite_refused(&suite_admin, S, "INVALID_ARGUMENT INVALID_CURSOR cursor", "ListWrites",
                        "{'workspaceSid':'%s','cursor':'nonsense'}", ws));
    CHECK(suite_uses_index("sync", false, "store/intent_store.sql", "intent_list",
                           "'WS00000000000000000000000000000001', true, null, null, 51",
                           "intent_troubled"));
}

static const struct test_case cases[] = {
    {"a workspace of Twilio's is known here",                                adopt                },
    {"what was given up is seen, and found when it is looked for again",     test_found_after_all },
    {"what cannot be found out for a day is given up, and has another then", test_given_up_by_time},
    {"what is dismissed is forgotten, and its key free",                     test_dismissed       },
    {"admins of the account only",                                           test_who_may         },
    {"lists come in pages",                                                  test_pages           },
};

int main(int argc, char **argv)
{
    twilio_start();
    (void)setenv("TASKROUTER_TWILIO_SETTLE", "2s", 1);
    int status = suite_main("given_up", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
    twilio_stop();
    return status;
}
