/* Runs of the sync over faults: of Twilio, of its lists, of our own processes. */
#include "sync_fixture.h"

#define REFUSED WORLD_JSON("400 Bad Request", "{\"code\":20001,\"message\":\"not today\"}")
#define CUT     "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{\"meta\":{"
#define GARBLED "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"meta\":{\"key\":\"work"
#define BROKEN  "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
#define BUSY    "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
#define HTML    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>Welcome</html>"

static void test_one_kind_fails(void)
{
    const char *ws = world_workspace(3);
    struct process *process = sync_start(NULL);
    world_fault("/TaskQueues", 0, -1, REFUSED);
    const json_t *run = run_now(ws, ALL_KINDS);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_PARTIAL");
    CHECK_TEXT(at(kind_of(run, "queues"), "state"), "KIND_STATE_FAILED");
    CHECK(strstr(at(kind_of(run, "queues"), "error"), "not today") != NULL);
    CHECK_TEXT(at(run, "detail"), at(kind_of(run, "queues"), "error"));
    CHECK_TEXT(at(kind_of(run, "workers"), "state"), "KIND_STATE_DONE");
    CHECK_TEXT(counts_of(run, "workers"), "3 3 0 0 0 0");
    CHECK_TEXT(counts_of(run, "worker_channels"), "6 6 0 0 0 0");
    sync_stop(process);
}

/* Lost answers, broken ones and slow times are repeated over; nothing is half read. */
static void test_repeated(void)
{
    const char *ws = world_workspace(5);
    struct process *process = sync_start(NULL);
    world_page_max(2);
    world_fault("/Workers?", 0, 1, CUT);
    world_fault("/Workers?", 1, 2, GARBLED);
    world_fault("/Activities", 0, 1, NULL);
    world_fault("/TaskQueues", 0, 1, BROKEN);
    world_fault("/Workflows", 0, 1, BUSY);
    world_fault("/Channels?", 3, 2, GARBLED);
    const json_t *run = run_now(ws, ALL_KINDS);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_CLEAN");
    CHECK_TEXT(counts_of(run, "workers"), "5 5 0 0 0 0");
    CHECK_TEXT(counts_of(run, "worker_channels"), "10 10 0 0 0 0");
    sync_stop(process);
}

static void test_impatient(void)
{
    const char *ws = world_workspace(3);
    struct process *process =
        sync_start((const char *const[]){"TASKROUTER_SYNC_PATIENCE=500ms", NULL});
    world_fault("/Workers?", 0, -1, GARBLED);
    const json_t *run = run_now(ws, ALL_KINDS);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_PARTIAL");
    CHECK(strstr(at(kind_of(run, "workers"), "error"), "cut or broken") != NULL);
    CHECK_TEXT(at(kind_of(run, "tasks"), "state"), "KIND_STATE_DONE");
    sync_stop(process);
}

/* One that we cannot read is a conflict of its own, and no reason to think that it has vanished. */
static void test_odd_one(void)
{
    const char *ws = world_workspace(3);
    struct process *process = sync_start(NULL);
    CHECK_TEXT(at(run_now(ws, ALL_KINDS), "state"), "RUN_STATE_CLEAN");
    world_put(list_of("Workers"), "{'sid':'%s','friendly_name':7}", sid_of("WK", 2));
    const char *sid = run_begin(ws, ALL_KINDS);
    const json_t *run = run_ended(ws, sid);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_PARTIAL");
    CHECK_TEXT(counts_of(run, "workers"), "3 0 0 2 0 1");
    const json_t *items = items_of(ws, sid, "workers", "CONFLICTING");
    CHECK_TEXT(at(items, "0.result.sid"), sid_of("WK", 2));
    CHECK(strstr(at(items, "0.result.detail"), "is not as documented") != NULL);
    sync_stop(process);
}

/* ---- lists that change under the paging ---- */

/* What hooks change, for they may not ask the suite. */
static const char *workers_list;
static const char *worker_sid;

static void remove_worker(void)
{
    world_remove(workers_list, worker_sid);
}

static void hide_worker(void)
{
    world_hide(workers_list, worker_sid);
}

static void test_page_gone(void)
{
    const char *ws = world_workspace(6);
    struct process *process = sync_start(NULL);
    world_page_max(2);
    workers_list = list_of("Workers");
    worker_sid = sid_of("WK", 2); /* the last of the first page */
    world_hook("/Workers?PageSize=1000&PageToken", 0, remove_worker);
    const json_t *run = run_now(ws, ALL_KINDS);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_CLEAN");
    CHECK_TEXT(counts_of(run, "workers"), "6 6 0 0 0 0"); /* each once, the one that went too */
    run = run_now(ws, ALL_KINDS);
    CHECK_TEXT(counts_of(run, "workers"), "5 0 0 5 1 0");
    sync_stop(process);
}

/* What a list does not show is asked for before it counts as gone. */
static void test_overlooked(void)
{
    const char *ws = world_workspace(6);
    struct process *process = sync_start(NULL);
    CHECK_TEXT(at(run_now(ws, ALL_KINDS), "state"), "RUN_STATE_CLEAN");
    workers_list = list_of("Workers");
    worker_sid = sid_of("WK", 5);
    world_hook("/Workers?", 0, hide_worker);
    world_hook(suite_text("/Workers/%s", worker_sid), 0, world_show);
    const json_t *run = run_now(ws, ",'kinds':['workers']");
    CHECK_TEXT(at(run, "state"), "RUN_STATE_CLEAN");
    CHECK_TEXT(counts_of(run, "workers"), "6 0 0 6 0 0");
    sync_stop(process);
}

/* A 404 that is not Twilio's own says nothing of what is there. */
static void test_foreign_not_found(void)
{
    const char *ws = world_workspace(3);
    struct process *process = sync_start(NULL);
    CHECK_TEXT(at(run_now(ws, ALL_KINDS), "state"), "RUN_STATE_CLEAN");
    world_remove(list_of("Workers"), sid_of("WK", 3));
    world_fault("/Workers/", 0, -1,
                "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n<html>proxy</html>");
    const json_t *run = run_now(ws, ",'kinds':['workers']");
    CHECK_TEXT(at(run, "state"), "RUN_STATE_FAILED");
    CHECK_TEXT(counts_of(run, "workers"), "2 0 0 2 0 0");
    CHECK(strstr(at(run, "detail"), "TASKROUTER_TWILIO_URL") != NULL);
    sync_stop(process);
}

/* ---- two at once, and none at all ---- */

static void test_two_at_once(void)
{
    const char *ws = world_workspace(5);
    struct process *process = sync_start(NULL);
    world_delay(200);
    const char *sid = run_begin(ws, ALL_KINDS);
    CHECK(suite_refused(&suite_supervisor, S,
                        suite_text("ALREADY_EXISTS SYNC_RUNNING workspace_sid : %s", sid),
                        "StartRun", "{'workspaceSid':'%s'}", ws));
    world_delay(0);
    CHECK_TEXT(at(run_ended(ws, sid), "state"), "RUN_STATE_CLEAN");
    CHECK_TEXT(at(run_now(ws, ALL_KINDS), "state"), "RUN_STATE_CLEAN");
    sync_stop(process);
}

static void test_canceled(void)
{
    const char *ws = world_workspace(200);
    struct process *process = sync_start(NULL);
    world_delay(50);
    const char *sid = run_begin(ws, ALL_KINDS);
    (void)suite_ok(&suite_supervisor, S, "CancelRun", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    const json_t *run = run_ended(ws, sid);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_FAILED");
    CHECK_TEXT(at(run, "detail"), "it was canceled");
    CHECK_TEXT(
        at(suite_ok(&suite_supervisor, S, "CancelRun", "{'workspaceSid':'%s','sid':'%s'}", ws, sid),
           "state"),
        "RUN_STATE_FAILED"); /* once more changes nothing */
    sync_stop(process);
}

/* ---- processes that die ---- */

struct way {
    const char *workspace;
    const char *sid;
    const char *kind;
    int64_t seen;
};

static bool has_come(const void *ctx)
{
    const struct way *way = ctx;
    return suite_count("select seen from sync.run_kind where run_sid = '%s' and kind = '%s'",
                       way->sid, way->kind) >= way->seen;
}

static int64_t number(const json_t *run, const char *kind, const char *member)
{
    return at_i64(kind_of(run, kind), member);
}

static void goes_on(void (*end)(struct process *process), const char *kind)
{
    const char *ws = world_workspace(300);
    struct process *process = sync_start(NULL);
    world_page_max(100);
    world_delay(10);
    const char *sid = run_begin(ws, ALL_KINDS);
    struct way way = {ws, sid, kind, 100};
    CHECK(suite_until(has_come, &way, 60000));
    end(process);
    CHECK_I64(
        suite_count("select count(*) from sync.run where sid = '%s' and state = 'RUNNING'", sid),
        1);
    world_delay(0);
    process = sync_start(NULL);
    const json_t *run = run_ended(ws, sid);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_CLEAN");
    static const char *const kinds[] = {"workers", "worker_channels"};
    static const int64_t wanted[] = {300, 600};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        CHECK_I64(number(run, kinds[i], "seen"), wanted[i]);
        /* what was put and not noted when it died is there already the second time */
        CHECK_I64(number(run, kinds[i], "created") + number(run, kinds[i], "unchanged"), wanted[i]);
        CHECK_I64(number(run, kinds[i], "vanished"), 0);
    }
    CHECK_I64(suite_count("select takes from sync.run where sid = '%s'", sid) > 0 ? 1 : 0, 1);
    CHECK_TEXT(at(run_now(ws, ALL_KINDS), "state"), "RUN_STATE_CLEAN");
    sync_stop(process);
}

static void test_killed_among_workers(void)
{
    goes_on(sync_kill, "workers");
}

static void test_killed_among_channels(void)
{
    goes_on(sync_kill, "worker_channels");
}

static void test_ended(void)
{
    goes_on(sync_stop, "worker_channels");
}

/* The other process takes it over while it is running itself. */
static void test_another_process(void)
{
    const char *ws = world_workspace(300);
    struct process *first = sync_start(NULL);
    world_delay(10);
    const char *sid = run_begin(ws, ALL_KINDS);
    struct way way = {ws, sid, "worker_channels", 100};
    CHECK(suite_until(has_come, &way, 60000));
    struct process *second = sync_start(NULL);
    process_signal(first, 9);
    (void)process_wait_exit(first, 30000);
    process_free(first);
    const json_t *run = run_ended(ws, sid);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_CLEAN");
    CHECK_I64(number(run, "worker_channels", "seen"), 600);
    sync_stop(second);
}

/* ---- by themselves ---- */

static bool has_run_by_itself(const void *workspace)
{
    return suite_count("select least(count(*) filter (where cause = 'weekly'), count(*) filter "
                       "(where cause = 'reconcile')) from sync.run where workspace_sid = '%s' and "
                       "ended_at is not null",
                       (const char *)workspace) >= 2;
}

static void test_by_themselves(void)
{
    static const char *const often[] = {"TASKROUTER_SYNC_RECONCILE=400ms",
                                        "TASKROUTER_SYNC_WEEKLY=1500ms",
                                        "TASKROUTER_SYNC_PATIENCE=100ms", NULL};
    const char *ws = world_workspace(3);
    struct process *process = sync_start(NULL);
    CHECK_TEXT(at(run_now(ws, ALL_KINDS), "state"), "RUN_STATE_CLEAN");
    sync_stop(process);
    CHECK_I64(suite_count("select count(*) from sync.schedule where workspace_sid = '%s'", ws), 0);
    struct process *first = sync_start(often);
    struct process *second = sync_start(often);
    CHECK(suite_until(has_run_by_itself, ws, 60000));
    CHECK_I64(suite_count("select count(*) from sync.run where workspace_sid = '%s' and cause = "
                          "'reconcile' and state in ('PARTIAL', 'FAILED')",
                          ws),
              0); /* the weekly ones want a gateway for the links, and there is none */
    CHECK_I64(suite_count("select count(*) from sync.run a join sync.run b on a.workspace_sid = "
                          "b.workspace_sid and a.sid < b.sid and a.ended_at > b.started_at where "
                          "a.workspace_sid = '%s'",
                          ws),
              0); /* never two at once */
    sync_stop(second);
    sync_stop(first);
}

/* ---- what to mend ---- */

static void test_sentences(void)
{
    static const struct {
        const char *setting;
        const char *refused;
    } rows[] = {
        {"TWILIO_AUTH_TOKEN=another-token-than-the-right-one",
         "FAILED_PRECONDITION UPSTREAM_CREDENTIALS : TWILIO_AUTH_TOKEN"    },
        {"TWILIO_ACCOUNT_SID=AC00000000000000000000000000000077",
         "FAILED_PRECONDITION ACCOUNT_MISMATCH : TWILIO_ACCOUNT_SID"       },
        {"TASKROUTER_TWILIO_URL=http://127.0.0.1:1",
         "UNAVAILABLE UPSTREAM_AWAY : TASKROUTER_TWILIO_URL"               },
        {"TASKROUTER_TWILIO_URL=http://nobody.invalid",
         "UNAVAILABLE UPSTREAM_AWAY : TASKROUTER_TWILIO_URL"               },
        {"TWILIO_WORKSPACE_SID=WS00000000000000000000000000000077",
         "FAILED_PRECONDITION UPSTREAM_NO_WORKSPACE : TWILIO_WORKSPACE_SID"},
    };
    const char *ws = world_workspace(1);
    const char *usual = suite_text("TWILIO_WORKSPACE_SID=%s", ws);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct process *process = sync_start((const char *const[]){rows[i].setting, usual, NULL});
        CHECK(suite_refused(&suite_supervisor, S, rows[i].refused, "CheckUpstream", "{}"));
        sync_stop(process);
    }
    struct process *process = sync_start((const char *const[]){usual, NULL});
    const json_t *check = suite_ok(&suite_supervisor, S, "CheckUpstream", "{}");
    CHECK_TEXT(at(check, "workspaceSid"), ws);
    CHECK_TEXT(at(check, "accountSid"), ACCOUNT);
    CHECK(strncmp(at(check, "workspaceName"), "World ", 6) == 0);
    world_fault("/v1/Workspaces", 0, 2, HTML);
    CHECK(suite_refused(&suite_supervisor, S,
                        "FAILED_PRECONDITION UPSTREAM_NOT_TWILIO : TASKROUTER_TWILIO_URL",
                        "CheckUpstream", "{}"));
    const json_t *run = run_now(ws, ALL_KINDS); /* meets it as well */
    CHECK_TEXT(at(run, "state"), "RUN_STATE_FAILED");
    CHECK(strstr(at(run, "detail"), "TASKROUTER_TWILIO_URL") != NULL);
    sync_stop(process);
    CHECK(suite_refused(&suite_supervisor, S,
                        "FAILED_PRECONDITION UPSTREAM_NOT_CONFIGURED : TWILIO_ACCOUNT_SID",
                        "CheckUpstream", "{}")); /* of the process without credentials */
    CHECK(suite_refused(&suite_supervisor, S,
                        "FAILED_PRECONDITION UPSTREAM_NOT_CONFIGURED : TWILIO_AUTH_TOKEN",
                        "StartRun", "{'workspaceSid':'%s'}", ws));
}

/* Who asks for a run learns soon that Twilio cannot be reached, however patient runs are, and why.
 */
static void test_first_contact(void)
{
    const char *ws = world_workspace(1);
    struct process *process = sync_start((const char *const[]){
        "TASKROUTER_TWILIO_URL=http://nobody.invalid", "TASKROUTER_SYNC_PATIENCE=1h", NULL});
    const json_t *run = run_now(ws, ALL_KINDS);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_FAILED");
    CHECK(strstr(at(run, "detail"), "TASKROUTER_TWILIO_URL") != NULL);
    CHECK(strstr(at(run, "detail"), "resolve") != NULL);
    sync_stop(process);
}

static const struct test_case cases[] = {
    {"a kind that fails does not stop the others",               test_one_kind_fails       },
    {"lost and broken answers are asked for again",              test_repeated             },
    {"patience ends, and with it the kind",                      test_impatient            },
    {"one that cannot be read is a conflict of its own",         test_odd_one              },
    {"a page that is gone is found again from the beginning",    test_page_gone            },
    {"what a list overlooked has not vanished",                  test_overlooked           },
    {"a 404 that is not Twilio's makes nothing vanish",          test_foreign_not_found    },
    {"two runs at once exclude each other",                      test_two_at_once          },
    {"a run can be canceled",                                    test_canceled             },
    {"a run goes on when its process was killed among workers",  test_killed_among_workers },
    {"a run goes on when its process was killed among channels", test_killed_among_channels},
    {"a run is handed on by a process that ends",                test_ended                },
    {"another process goes on with a killed one's run",          test_another_process      },
    {"runs begin by themselves, never two at once",              test_by_themselves        },
    {"who asks for a run learns soon that nobody is there",      test_first_contact        },
    {"what to mend is said in one sentence",                     test_sentences            },
};

int main(int argc, char **argv)
{
    return sync_main("sync faults", cases, ARRAY_LEN(cases), argc, argv);
}
