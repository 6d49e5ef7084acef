/* tasks-svc: PostgreSQL and NATS go away and come back; two processes want the same shard. */
#include <signal.h>

#include "base/clock.h"
#include "rpc/client.h"
#include "suite_int.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "tasks_fixture.h"

static bool is_serving(const void *ctx)
{
    const struct place *place = ctx;
    struct answer answer = suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                                      "{'workspaceSid':'%s'}", place->workspace);
    return answer.code == ERR_OK;
}

static bool is_down(const void *ctx)
{
    const struct place *place = ctx;
    struct answer answer = suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                                      "{'workspaceSid':'%s'}", place->workspace);
    return answer.code == ERR_UNAVAILABLE;
}

static bool is_reading(const void *ctx)
{
    const struct place *place = ctx;
    return suite_call(&suite_viewer, SUITE_TASKS, "ListTasks", "{'workspaceSid':'%s'}",
                      place->workspace)
               .code == ERR_OK;
}

static void test_postgres(void)
{
    struct place place = place_new(0);
    const char *task = task_new(&place, "{}");
    cluster_kill(suite_cluster(), CLUSTER_POSTGRES);
    CHECK(suite_until(is_down, &place, 5000));
    for (int i = 0; i < 5; i++) {
        struct answer write = suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                                         "{'workspaceSid':'%s'}", place.workspace);
        CHECK_I64(write.code, ERR_UNAVAILABLE);
        CHECK(write.took_ms < 1000);
        struct answer read = suite_call(&suite_viewer, SUITE_TASKS, "GetTask",
                                        "{'workspaceSid':'%s','sid':'%s'}", place.workspace, task);
        CHECK_I64(read.code, ERR_UNAVAILABLE);
        CHECK(read.took_ms < 2000);
    }
    CHECK_I64(process_http_get(suite_http(SUITE_TASKS), "/readyz", NULL, 0), 503);
    CHECK_I64(process_http_get(suite_http(SUITE_TASKS), "/healthz", NULL, 0), 200);
    cluster_restart(suite_cluster(), CLUSTER_POSTGRES);
    CHECK(suite_until(is_serving, &place, 15000));
    CHECK(suite_until(is_reading, &place, 5000)); /* the pool tries again a moment later */
    CHECK_TEXT(task_status(&place, task), "PENDING");
    CHECK(is_log_whole());
    CHECK(is_log_published());
}

static void test_nats(void)
{
    struct place place = place_new(0);
    (void)place_worker(&place, "grace", 1);
    cluster_kill(suite_cluster(), CLUSTER_NATS);
    const char *task = task_new(&place, "{}");
    const char *reservation = reservation_of(&place, "taskSid", task, "PENDING");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", place.workspace, reservation);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'ok'}", place.workspace, task);
    CHECK_TEXT(task_status(&place, task), "COMPLETED");
    cluster_restart(suite_cluster(), CLUSTER_NATS);
    CHECK(suite_event("task.completed", task, 0) != NULL);
    CHECK(suite_event("reservation.accepted", reservation, 0) != NULL);
    CHECK(is_log_whole());
    CHECK(is_log_published());
}

/* The event of a worker comes, that of his activity does not: here because the router lost it. */
static void test_unknown_activity(void)
{
    struct place place = place_new(0);
    const char *worker = place_worker(&place, "ada", 1);
    CHECK(place_heard(suite_ok(&suite_viewer, SUITE_WORKERS, "GetActivity",
                               "{'workspaceSid':'%s','sid':'%s'}", place.workspace,
                               place.available)));
    (void)kill(process_pid(suite_process(SUITE_TASKS)), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    CHECK(cluster_sql(suite_cluster(), suite_text("delete from tasks.config_copy where sid = '%s'",
                                                  place.available)));
    REQUIRE(suite_restart(SUITE_TASKS));
    (void)suite_ok(&suite_supervisor, SUITE_WORKERS, "UpdateWorker",
                   "{'worker':{'workspaceSid':'%s','sid':'%s','attributes':'{`level`:2}'},"
                   "'updateMask':'attributes'}",
                   place.workspace, worker);
    const char *task = task_new(&place, "{}");
    CHECK(reservation_of(&place, "taskSid", task, "PENDING")[0] != '\0');
}

static const enum suite_service others[] = {SUITE_WORKERS, SUITE_QUEUES, SUITE_ROUTING};

static void end_others(void)
{
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        process_signal(suite_process(others[i]), SIGKILL);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        (void)process_wait_exit(suite_process(others[i]), 5000);
    cluster_kill(suite_cluster(), CLUSTER_NATS);
}

static void bring_back_others(void)
{
    cluster_restart(suite_cluster(), CLUSTER_NATS);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        REQUIRE(suite_restart(others[i]));
}

struct whereabouts {
    const char *worker;
    const char *activity;
};

static bool has_caught_up(const void *ctx)
{
    const struct whereabouts *where = ctx;
    return suite_count("select count(*) from workers.worker where sid = '%s' and activity_sid = "
                       "'%s'",
                       where->worker, where->activity) == 1 &&
           suite_count("select count(*) from tasks.worker_override") == 0;
}

/* A rejection moves its worker: the router goes by that alone until workers-svc is back. */
static void reject(const struct place *place, const char *task)
{
    const char *offer = reservation_of(place, "taskSid", task, "PENDING");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "RejectReservation",
                   "{'workspaceSid':'%s','sid':'%s','workerActivitySid':'%s'}", place->workspace,
                   offer, place->offline);
    CHECK_TEXT(task_status(place, task), "PENDING");
}

static void test_alone(void)
{
    enum { LIVES = 5 };
    struct place place = place_new(0);
    struct whereabouts where = {place_worker(&place, "solo", 1), place.offline};
    const char *tasks[LIVES];
    end_others();
    for (int i = 0; i < LIVES; i++) {
        tasks[i] = task_new(&place, "{`alone`:true}");
        const char *offer = reservation_of(&place, "taskSid", tasks[i], "PENDING");
        (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                       "{'workspaceSid':'%s','sid':'%s'}", place.workspace, offer);
        (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteTask",
                       "{'workspaceSid':'%s','sid':'%s','reason':'ok'}", place.workspace, tasks[i]);
        CHECK_TEXT(task_status(&place, tasks[i]), "COMPLETED");
    }
    const char *left = task_new(&place, "{}");
    reject(&place, left);
    struct answer unknown = suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                                       "{'workspaceSid':'WS00000000000000000000000000000009'}");
    CHECK_I64(unknown.code, ERR_UNAVAILABLE); /* nobody can tell whether there is one */
    CHECK(unknown.took_ms < 3000);
    CHECK_I64(process_http_get(suite_http(SUITE_TASKS), "/healthz", NULL, 0), 200);
    bring_back_others();
    CHECK(suite_until(has_caught_up, &where, 15000));
    for (int i = 0; i < LIVES; i++)
        CHECK(suite_event("task.completed", tasks[i], 0) != NULL);
    CHECK(is_log_whole());
    CHECK(is_log_published());
    /* And what is new afterwards is heard of again. */
    (void)place_worker(&place, "company", 1);
    CHECK(reservation_of(&place, "taskSid", left, "PENDING")[0] != '\0');
}

/* A life of a task, all of it through that process; its SID. */
static const char *live(const struct place *place, const char *grpc)
{
    suite_direct(SUITE_TASKS, grpc);
    const char *task = task_new(place, "{}");
    const char *offer = reservation_of(place, "taskSid", task, "PENDING");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", place->workspace, offer);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'ok'}", place->workspace, task);
    CHECK_TEXT(task_status(place, task), "COMPLETED");
    return task;
}

/* Two processes without the other services and NATS: either takes calls, and when the owner is
 * killed, the other goes on and publishes what the first one no longer could. */
static void test_two_alone(void)
{
    struct place place = place_new(0);
    (void)place_worker(&place, "duo", 1);
    const char *http = "";
    struct process *twin = suite_start_twin(SUITE_TASKS, NULL, &http);
    const char *grpc = suite_twin_grpc();
    CHECK(process_wait_ready(twin, http, 20000));
    end_others();
    const char *tasks[] = {live(&place, NULL), live(&place, grpc), live(&place, NULL), ""};
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    tasks[3] = live(&place, grpc);
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
        CHECK_I64(suite_event_count("task.completed", tasks[i]), 0);
    bring_back_others();
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
        CHECK(suite_event("task.completed", tasks[i], 0) != NULL);
    CHECK(is_log_whole());
    CHECK(is_log_published());
    suite_direct(SUITE_TASKS, NULL);
    CHECK(suite_restart(SUITE_TASKS));
    CHECK_I64(process_terminate(twin, 10000), 0);
    process_free(twin);
}

/* A creation that its caller waits for only so long. */
static enum err_code create_within(struct rpc_client *client, const struct place *place, int ms,
                                   struct err *err)
{
    struct call call;
    Taskrouter__Tasks__V1__Task *task = NULL;
    Taskrouter__Tasks__V1__CreateTaskRequest create =
        TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST__INIT;
    err_clear(err);
    call_init(&call, suite->arena, "full", ms * US_PER_MS);
    call.who = suite_supervisor;
    create.workspace_sid = (char *)(uintptr_t)place->workspace;
    return RPC_CALL(client, &call, "/taskrouter.tasks.v1.Tasks/CreateTask", &create.base,
                    taskrouter__tasks__v1__task, &task, err);
}

/* While a commit hangs, so many operations wait as there is room for; the next is refused at once,
 * and what waited in vain is not carried out. */
static void test_full(void)
{
    enum { ROOM = 16, WAIT_MS = 60, ENOUGH_MS = 10000 };
    struct place place = place_new(0);
    const char *http = "";
    const char *const env[] = {"TASKROUTER_TASKS_QUEUE=16", NULL};
    struct process *twin = suite_start_twin(SUITE_TASKS, env, &http);
    CHECK(process_wait_ready(twin, http, 20000));
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    suite_direct(SUITE_TASKS, suite_twin_grpc());
    (void)task_new(&place, "{}");
    struct rpc_client *client = suite->directed[SUITE_TASKS];
    pid_t backend = (pid_t)suite_count("select backend_pid from tasks.shard_lease where shard = 0");
    REQUIRE(backend > 0);
    (void)kill(backend, SIGSTOP);
    struct err err;
    enum err_code code = ERR_DEADLINE_EXCEEDED;
    int waited = 0;
    while (code == ERR_DEADLINE_EXCEEDED && waited < 4 * ROOM) {
        code = create_within(client, &place, WAIT_MS, &err);
        waited += code == ERR_DEADLINE_EXCEEDED;
    }
    int64_t began = clock_mono_us();
    struct err again;
    enum err_code again_code = create_within(client, &place, ENOUGH_MS, &again);
    int64_t took_ms = (clock_mono_us() - began) / US_PER_MS;
    (void)kill(backend, SIGCONT);
    CHECK_I64(code, ERR_RESOURCE_EXHAUSTED);
    CHECK_TEXT(err.reason, "QUEUE_FULL");
    CHECK_I64(again_code, ERR_RESOURCE_EXHAUSTED);
    CHECK_TEXT(again.reason, "QUEUE_FULL");
    CHECK(took_ms < 1000);
    CHECK(waited >= ROOM && waited <= ROOM + 2);
    CHECK(suite_until(is_serving, &place, 10000));
    int64_t stored =
        suite_count("select count(*) from tasks.task where workspace_sid = '%s'", place.workspace);
    CHECK(stored >= 2 && stored <= 3); /* the first, the one in the hanging commit, and the last */
    suite_direct(SUITE_TASKS, NULL);
    CHECK(suite_restart(SUITE_TASKS));
    CHECK_I64(process_terminate(twin, 10000), 0);
    process_free(twin);
    CHECK(is_log_whole());
}

static bool has_taken_over(const void *ctx)
{
    return suite_count("select epoch from tasks.shard_lease where shard = 0") >
           *(const int64_t *)ctx;
}

/* The owner is stopped in its tracks, another process takes over when the lease ends; what the
 * first one still had in mind it can no longer write. */
static void test_lease(void)
{
    struct place place = place_new(0);
    const char *before = task_new(&place, "{}");
    int64_t epoch = suite_count("select epoch from tasks.shard_lease where shard = 0");
    const char *http = "";
    const char *const env[] = {"TASKROUTER_TASKS_LEASE=2s", NULL};
    struct process *twin = suite_start_twin(SUITE_TASKS, env, &http);
    CHECK(process_wait_ready(twin, http, 20000)); /* standing by is being ready */
    CHECK_I64(suite_count("select epoch from tasks.shard_lease where shard = 0"), epoch);
    process_signal(suite_process(SUITE_TASKS), SIGSTOP);
    CHECK(suite_until(has_taken_over, &epoch, 30000));
    CHECK(process_wait_log(twin, "shard is loaded", 10000));
    process_signal(suite_process(SUITE_TASKS), SIGCONT);
    /* The first write of the old owner meets the guard; it says so and stands by, and the call is
     * served by the new one, once. */
    CHECK(is_serving(&place));
    CHECK(process_wait_log(suite_process(SUITE_TASKS), "GUARD_FAILED", 10000));
    CHECK(process_wait_log(suite_process(SUITE_TASKS), "standing by", 10000));
    CHECK_I64(
        suite_count("select count(*) from tasks.task where workspace_sid = '%s'", place.workspace),
        2);
    CHECK_TEXT(task_status(&place, before), "PENDING"); /* reads go on */
    CHECK_I64(process_terminate(twin, 10000), 0);
    process_free(twin);
    CHECK(suite_until(is_serving, &place, 15000));
    CHECK(is_log_whole());
}

/* What was handed to a process that died before it could use it comes again soon. */
static void test_told_in_vain(void)
{
    struct place place = place_new(0);
    const char *worker = place_worker(&place, "delta", 1);
    process_signal(suite_process(SUITE_TASKS), SIGSTOP);
    const json_t *moved = suite_ok(&suite_admin, SUITE_WORKERS, "UpdateWorker",
                                   "{'worker':{'workspaceSid':'%s','sid':'%s','attributes':"
                                   "'{`n`:1}'},'updateMask':'attributes'}",
                                   place.workspace, worker);
    CHECK(suite_event("worker.attributes.update", worker, 0) != NULL);
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    CHECK(suite_restart(SUITE_TASKS));
    CHECK(place_heard(moved)); /* within ten seconds */
}

static const struct test_case cases[] = {
    {"without PostgreSQL calls fail fast, and it recovers by itself",       test_postgres        },
    {"without NATS routing goes on, and the events catch up",               test_nats            },
    {"a worker's activity that nobody told of is asked for",                test_unknown_activity},
    {"without the other services and NATS tasks live on, and all catch up", test_alone           },
    {"two processes go on without the others, and catch up",                test_two_alone       },
    {"what waits for the router is bounded",                                test_full            },
    {"a process that lost its lease writes nothing",                        test_lease           },
    {"what a process that died was told is told again soon",                test_told_in_vain    },
};

int main(int argc, char **argv)
{
    return suite_main("tasks outage", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
