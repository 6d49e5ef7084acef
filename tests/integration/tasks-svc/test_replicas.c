/* tasks-svc: several processes divide the shards; any of them takes any call. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tasks_fixture.h"

enum { START_MS = 30000, TAKEOVER_MS = 2000, HAND_OVER_MS = 1000, MANY = 20000 };

/* A second process, and calls that go to it. */
struct twin {
    struct process *process;
    const char *grpc;
};

static struct twin twin_start(void)
{
    const char *http = "";
    struct twin twin = {.process = suite_start_twin(SUITE_TASKS, NULL, &http)};
    twin.grpc = suite_twin_grpc();
    CHECK(process_wait_ready(twin.process, http, START_MS));
    return twin;
}

static void twin_stop(struct twin *twin)
{
    suite_direct(SUITE_TASKS, NULL);
    CHECK_I64(process_terminate(twin->process, 10000), 0);
    process_free(twin->process);
}

static int64_t epoch(void)
{
    return suite_count("select epoch from tasks.shard_lease where shard = 0");
}

static bool is_owned_by(const char *grpc)
{
    return suite_count("select count(*) from tasks.shard_lease where address = '%s' and "
                       "expires_at > clock_timestamp()",
                       grpc) > 0;
}

static bool is_twins(const void *ctx)
{
    const struct twin *twin = ctx;
    return is_owned_by(twin->grpc);
}

static void test_forward(void)
{
    struct place place = place_new(0);
    const char *worker = place_worker(&place, "ada", 2);
    struct twin twin = twin_start();
    suite_direct(SUITE_TASKS, twin.grpc);
    CHECK(!is_owned_by(twin.grpc));
    const char *task = task_new(&place, "{}");
    const char *offer = reservation_of(&place, "taskSid", task, "PENDING");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", place.workspace, offer);
    CHECK_TEXT(task_status(&place, task), "ASSIGNED");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "UpdateTask",
                   "{'task':{'workspaceSid':'%s','sid':'%s','priority':7},'updateMask':'priority'}",
                   place.workspace, task);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteTask",
                   "{'workspaceSid':'%s','sid':'%s'}", place.workspace, task);
    CHECK_TEXT(task_status(&place, task), "COMPLETED");
    (void)worker;
    twin_stop(&twin);
    CHECK(is_log_whole());
}

/* Every refusal with its code, reason, field and text, as the owner itself says it. */
static void test_refusals(void)
{
    struct place place = place_new(0);
    struct twin twin = twin_start();
    suite_direct(SUITE_TASKS, twin.grpc);
    (void)suite_refused(&suite_supervisor, SUITE_TASKS, "NOT_FOUND TASK_NOT_FOUND", "CancelTask",
                        "{'workspaceSid':'%s','sid':'WT00000000000000000000000000000001'}",
                        place.workspace);
    (void)suite_refused(&suite_supervisor, SUITE_TASKS, "INVALID_ARGUMENT INVALID_SID sid",
                        "CancelTask", "{'workspaceSid':'%s','sid':'x'}", place.workspace);
    (void)suite_refused(&suite_viewer, SUITE_TASKS, "PERMISSION_DENIED ROLE_TOO_LOW", "CreateTask",
                        "{'workspaceSid':'%s','attributes':'{}'}", place.workspace);
    (void)suite_refused(&suite_stranger, SUITE_TASKS, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid",
                        "CreateTask", "{'workspaceSid':'%s','attributes':'{}'}", place.workspace);
    (void)suite_refused(&suite_supervisor, SUITE_TASKS,
                        "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid", "CreateTask",
                        "{'workspaceSid':'WS00000000000000000000000000000001','attributes':'{}'}");
    (void)suite_refused(&suite_viewer, SUITE_TASKS, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid",
                        "ListTasks", "{'workspaceSid':'WS00000000000000000000000000000001'}");
    (void)suite_refused(&suite_supervisor, SUITE_TASKS, "NOT_FOUND WORKFLOW_NOT_FOUND workflow_sid",
                        "CreateTask",
                        "{'workspaceSid':'%s','attributes':'{}','workflowSid':"
                        "'WW00000000000000000000000000000001'}",
                        place.workspace);
    const char *task = task_new(&place, "{}");
    (void)suite_refused(&suite_agent, SUITE_TASKS, "PERMISSION_DENIED NOT_YOURS", "CompleteTask",
                        "{'workspaceSid':'%s','sid':'%s'}", place.workspace, task);
    twin_stop(&twin);
}

static const char *task_with_key(const struct place *place)
{
    return at(suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                       "{'workspaceSid':'%s','attributes':'{}','idempotencyKey':'the key'}",
                       place->workspace),
              "sid");
}

/* A key used at one process is known at whoever follows. */
static void test_keys(void)
{
    struct place place = place_new(0);
    struct twin twin = twin_start();
    suite_direct(SUITE_TASKS, twin.grpc);
    const char *first = task_with_key(&place);
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    CHECK_TEXT(task_with_key(&place), first);
    CHECK(is_owned_by(twin.grpc));
    REQUIRE(suite_restart(SUITE_TASKS));
    twin_stop(&twin);
    CHECK(is_log_whole());
}

static void test_kill(void)
{
    struct place place = place_new(0);
    struct twin twin = twin_start();
    suite_direct(SUITE_TASKS, twin.grpc);
    (void)task_new(&place, "{}");
    int64_t began = clock_mono_us();
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    (void)task_new(&place, "{}");
    int64_t gap_ms = (clock_mono_us() - began) / US_PER_MS;
    (void)fprintf(stderr, "kill -9: routing again after %lld ms\n", (long long)gap_ms);
    CHECK(gap_ms <= TAKEOVER_MS);
    REQUIRE(suite_restart(SUITE_TASKS));
    twin_stop(&twin);
    CHECK(is_log_whole());
}

static void test_hang(void)
{
    struct place place = place_new(0);
    struct twin twin = twin_start();
    int64_t before = epoch();
    suite_direct(SUITE_TASKS, twin.grpc);
    (void)task_new(&place, "{}");
    process_signal(suite_process(SUITE_TASKS), SIGSTOP);
    int64_t began = clock_mono_us();
    CHECK(suite_until(is_twins, &twin, 10000));
    (void)task_new(&place, "{}");
    int64_t gap_ms = (clock_mono_us() - began) / US_PER_MS;
    (void)fprintf(stderr, "SIGSTOP: routing again after %lld ms\n", (long long)gap_ms);
    CHECK(gap_ms <= TAKEOVER_MS);
    CHECK(epoch() > before);
    /* The stale owner wakes up with calls for it, and answers from what is, not from what it was.
     */
    const char *task = task_new(&place, "{}");
    suite_direct(SUITE_TASKS, NULL);
    process_signal(suite_process(SUITE_TASKS), SIGCONT);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask", "{'workspaceSid':'%s','sid':'%s'}",
                   place.workspace, task);
    CHECK_TEXT(task_status(&place, task), "CANCELED");
    CHECK(is_log_whole());
    twin_stop(&twin);
}

/* The server's end of the connection that a process looks at the leases with. */
static pid_t looking_backend(const char *grpc)
{
    return (pid_t)suite_count(
        "select l.pid from pg_locks l, tasks.replica r where r.address = '%s' and l.locktype = "
        "'advisory' and l.classid = (hashtext('taskrouter.replica')::bigint & 4294967295)::oid and "
        "l.objid = (hashtext(r.instance)::bigint & 4294967295)::oid",
        grpc);
}

/* An owner that lives but whose session ended: another one follows at once, and what the first one
 * has in mind is old from then on. It must not answer from it, though its lease would last and it
 * cannot see the leases just now. */
static void test_session_lost(void)
{
    struct place place = place_new(0);
    const char *http = "";
    const char *const env[] = {"TASKROUTER_TASKS_LEASE=20s", NULL};
    struct twin first = {.process = suite_start_twin(SUITE_TASKS, env, &http)};
    first.grpc = suite_twin_grpc();
    CHECK(process_wait_ready(first.process, http, START_MS));
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    CHECK(suite_until(is_twins, &first, 10000));
    struct twin second = twin_start();
    suite_direct(SUITE_TASKS, first.grpc);
    (void)task_new(&place, "{}");
    CHECK(is_owned_by(first.grpc));
    pid_t looking = looking_backend(first.grpc);
    REQUIRE(looking > 0);
    (void)kill(looking, SIGSTOP);
    CHECK_I64(suite_count("select pg_terminate_backend(backend_pid)::integer from "
                          "tasks.shard_lease where shard = 0"),
              1);
    CHECK(suite_until(is_twins, &second, 10000));
    suite_direct(SUITE_TASKS, second.grpc);
    const char *task = task_new(&place, "{}");
    suite_direct(SUITE_TASKS, first.grpc);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask", "{'workspaceSid':'%s','sid':'%s'}",
                   place.workspace, task);
    (void)kill(looking, SIGCONT);
    twin_stop(&first);
    REQUIRE(suite_restart(SUITE_TASKS));
    twin_stop(&second);
    CHECK(is_log_whole());
}

static void fill(const struct place *place, int count)
{
    place_fill(place, count);
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    REQUIRE(suite_restart(SUITE_TASKS));
}

/* Changes one after the other while the owner ends in good order: none fails, and the longest shows
 * how long nobody routed. */
static int64_t worst_over_hand_over(const struct place *place, struct twin *twin)
{
    int64_t worst_us = 0;
    bool is_told = false;
    int64_t began = clock_mono_us();
    int64_t until = INT64_MAX;
    suite_direct(SUITE_TASKS, twin->grpc);
    (void)task_new(place, "{}");
    while (clock_mono_us() < until) {
        int64_t at_us = clock_mono_us();
        if (!is_told && at_us - began > 200 * US_PER_MS) {
            process_signal(suite_process(SUITE_TASKS), SIGTERM);
            is_told = true;
        }
        (void)task_new(place, "{}");
        int64_t took_us = clock_mono_us() - at_us;
        worst_us = took_us > worst_us ? took_us : worst_us;
        if (until == INT64_MAX && is_told && is_owned_by(twin->grpc))
            until = clock_mono_us() + 200 * US_PER_MS;
        if (clock_mono_us() - began > 60 * US_PER_S)
            break;
    }
    CHECK(is_owned_by(twin->grpc));
    CHECK_I64(process_wait_exit(suite_process(SUITE_TASKS), 10000), 0);
    CHECK(suite_restart(SUITE_TASKS));
    return worst_us / US_PER_MS;
}

static void test_hand_over(void)
{
    struct place place = place_new(0);
    struct twin twin = twin_start();
    int64_t worst_ms = worst_over_hand_over(&place, &twin);
    (void)fprintf(stderr, "hand-over: the longest call took %lld ms\n", (long long)worst_ms);
    CHECK(worst_ms <= HAND_OVER_MS);
    twin_stop(&twin);
    CHECK(is_log_whole());
}

static void test_hand_over_large(void)
{
    struct place place = place_new(0);
    fill(&place, MANY);
    struct twin twin = twin_start();
    int64_t worst_ms = worst_over_hand_over(&place, &twin);
    (void)fprintf(stderr, "hand-over with %d waiting: the longest call took %lld ms\n", MANY,
                  (long long)worst_ms);
    twin_stop(&twin);
    CHECK(is_log_whole());
}

static const struct test_case cases[] = {
    {"any process takes any call",                                      test_forward        },
    {"refusals come through as the owner says them",                    test_refusals       },
    {"a key is known to whoever follows",                               test_keys           },
    {"a killed owner is followed within two seconds",                   test_kill           },
    {"an owner that ends hands over, and no call fails",                test_hand_over      },
    {"an owner that hangs is followed, and wakes up knowing its place", test_hang           },
    {"an owner whose session ended answers nothing from memory",        test_session_lost   },
    {"nor with many tasks waiting",                                     test_hand_over_large},
};

int main(int argc, char **argv)
{
    return suite_main("tasks replicas", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
