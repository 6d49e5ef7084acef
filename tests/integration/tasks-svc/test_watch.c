/* tasks-svc: the live stream of events, and wrapping up. */
#include <pthread.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "rpc/client.h"
#include "suite_int.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "tasks_fixture.h"

enum { WATCH_US = 20 * 1000 * 1000, STREAMS_MAX = 64, PROBE_MS = 50, START_MS = 20000 };

struct watch {
    struct call call;
    struct rpc_client_stream *stream;
};

/* *watch stays where it is until it is closed. */
static void watch_at(struct watch *watch, struct rpc_client *client, const struct place *place,
                     int64_t after)
{
    Taskrouter__Tasks__V1__WatchEventsRequest request =
        TASKROUTER__TASKS__V1__WATCH_EVENTS_REQUEST__INIT;
    request.workspace_sid = (char *)(uintptr_t)place->workspace;
    request.after_sequence = after;
    struct err err = {.code = ERR_OK};
    call_init(&watch->call, suite->arena, "watch", WATCH_US);
    watch->call.who = suite_viewer;
    watch->stream = NULL;
    enum err_code code = rpc_client_stream_open(
        client, &watch->call, "/taskrouter.tasks.v1.Tasks/WatchEvents", &request.base,
        &taskrouter__tasks__v1__event__descriptor, &watch->stream, &err);
    REQUIRE(code == ERR_OK);
}

static void watch_open(struct watch *watch, const struct place *place, int64_t after)
{
    watch_at(watch, suite->clients[SUITE_TASKS], place, after);
}

/* The outcome; *out_event is NULL unless there is a next event. */
static enum err_code watch_next(struct watch *watch, const Taskrouter__Tasks__V1__Event **out_event)
{
    struct err err = {.code = ERR_OK};
    ProtobufCMessage *message = NULL;
    enum err_code code = rpc_client_stream_next(watch->stream, suite->arena, &message, &err);
    *out_event = code == ERR_OK ? (const Taskrouter__Tasks__V1__Event *)message : NULL;
    return code;
}

/* Reads on to the event; what other services told of the place may still come in between. */
static void check_comes(struct watch *watch, const char *type, const char *resource_sid)
{
    const Taskrouter__Tasks__V1__Event *event = NULL;
    do
        CHECK_I64(watch_next(watch, &event), ERR_OK);
    while (event != NULL && strcmp(event->event_type, type) != 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(event->resource_sid, resource_sid);
}

/* What lies behind the sequence comes first, each once and in order; then what happens next. */
static void test_resume(void)
{
    struct place place = place_new(0);
    for (int i = 0; i < 3; i++)
        (void)task_new(&place, "{}");
    const json_t *list = suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents",
                                  "{'workspaceSid':'%s','pageSize':1000}", place.workspace);
    int64_t count = at_i64(list, "items");
    REQUIRE(count > 4);
    struct watch watch;
    watch_open(&watch, &place, at_i64(list, "items.1.sequence"));
    int64_t last = 0;
    for (int64_t i = 2; i < count; i++) {
        const Taskrouter__Tasks__V1__Event *event = NULL;
        CHECK_I64(watch_next(&watch, &event), ERR_OK);
        REQUIRE(event != NULL);
        CHECK_TEXT(event->sid, at(list, suite_text("items.%lld.sid", (long long)i)));
        CHECK(event->sequence > last);
        last = event->sequence;
    }
    const char *task = task_new(&place, "{}");
    check_comes(&watch, "task.created", task);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask", "{'workspaceSid':'%s','sid':'%s'}",
                   place.workspace, task);
    check_comes(&watch, "task.canceled", task);
    rpc_client_stream_close(watch.stream);
}

struct prober {
    const struct place *place;
    bool is_over;
};

/* A stream does not tell from when on it listens: tasks are made until one of them is seen. */
static void *make_tasks(void *ctx)
{
    struct prober *prober = ctx;
    struct arena *arena = arena_new(16 << 20);
    while (!__atomic_load_n(&prober->is_over, __ATOMIC_SEQ_CST)) {
        struct call call;
        struct err err = {.code = ERR_OK};
        arena_reset(arena);
        call_init(&call, arena, "probe", WATCH_US);
        call.who = suite_supervisor;
        Taskrouter__Tasks__V1__CreateTaskRequest create =
            TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST__INIT;
        create.workspace_sid = (char *)(uintptr_t)prober->place->workspace;
        Taskrouter__Tasks__V1__Task *task = NULL;
        if (RPC_CALL(suite->clients[SUITE_TASKS], &call, "/taskrouter.tasks.v1.Tasks/CreateTask",
                     &create.base, taskrouter__tasks__v1__task, &task, &err) != ERR_OK)
            break;
        process_sleep_ms(PROBE_MS);
    }
    arena_free(arena);
    return NULL;
}

static void test_from_now_on(void)
{
    struct place place = place_new(0);
    struct place other = place_new(0);
    (void)task_new(&other, "{}");
    (void)task_new(&place, "{}");
    int64_t before = log_last();
    struct watch watch;
    watch_open(&watch, &place, 0);
    struct prober prober = {.place = &place};
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, make_tasks, &prober) == 0);
    const Taskrouter__Tasks__V1__Event *event = NULL;
    enum err_code code = watch_next(&watch, &event);
    __atomic_store_n(&prober.is_over, true, __ATOMIC_SEQ_CST);
    (void)pthread_join(thread, NULL);
    CHECK_I64(code, ERR_OK);
    REQUIRE(event != NULL);
    CHECK(event->sequence > before);
    CHECK_TEXT(event->workspace_sid, place.workspace);
    rpc_client_stream_close(watch.stream);
}

/* What one process commits is seen at another within a second, though that one is idle. */
static void test_elsewhere(void)
{
    enum { ROUNDS = 5, SEEN_MS = 1000 };
    struct place place = place_new(0);
    const char *http = "";
    struct process *twin = suite_start_twin(SUITE_TASKS, NULL, &http);
    CHECK(process_wait_ready(twin, http, START_MS));
    suite_direct(SUITE_TASKS, suite_twin_grpc());
    struct watch watch;
    watch_at(&watch, suite->directed[SUITE_TASKS], &place, log_last());
    CHECK_I64(suite_count("select count(*) from tasks.shard_lease where address = '%s'",
                          suite_twin_grpc()),
              0);
    struct rpc_client *twins = TAKE(suite->directed[SUITE_TASKS]); /* the rest goes to the owner */
    for (int i = 0; i < ROUNDS; i++) {
        const char *task = task_new(&place, "{}");
        int64_t began = clock_mono_us();
        check_comes(&watch, "task.created", task);
        CHECK((clock_mono_us() - began) / US_PER_MS < SEEN_MS);
    }
    rpc_client_stream_close(watch.stream);
    rpc_client_free(twins);
    CHECK_I64(process_terminate(twin, 10000), 0);
    process_free(twin);
}

static void *cancel_soon(void *ctx)
{
    process_sleep_ms(PROBE_MS);
    rpc_client_stream_cancel(ctx);
    return NULL;
}

/* So many streams as the server has room for, cancelled; then there is room again. */
static void test_cancel(void)
{
    struct place place = place_new(0);
    const char *task = task_new(&place, "{}");
    struct watch watch;
    watch_open(&watch, &place, 0);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, cancel_soon, watch.stream) == 0);
    const Taskrouter__Tasks__V1__Event *event = NULL;
    enum err_code code = ERR_OK;
    do /* what the other services told of the place may still come in */
        code = watch_next(&watch, &event);
    while (code == ERR_OK && event != NULL);
    CHECK_I64(code, ERR_CANCELLED);
    (void)pthread_join(thread, NULL);
    rpc_client_stream_close(watch.stream);
    for (int i = 0; i < STREAMS_MAX + 8; i++) {
        bool is_open = false;
        for (int64_t until = clock_mono_us() + WATCH_US; !is_open && clock_mono_us() < until;) {
            watch_open(&watch, &place, 1);
            is_open = watch_next(&watch, &event) == ERR_OK && event != NULL;
            rpc_client_stream_close(watch.stream);
        }
        CHECK(is_open);
    }
    CHECK_TEXT(task_status(&place, task), "PENDING");
}

static void test_refused(void)
{
    struct place place = place_new(0);
    struct watch watch;
    const Taskrouter__Tasks__V1__Event *event = NULL;
    watch_open(&watch, &place, -1);
    CHECK_I64(watch_next(&watch, &event), ERR_INVALID_ARGUMENT);
    rpc_client_stream_close(watch.stream);
    struct place nowhere = {.workspace = "WS00000000000000000000000000000009"};
    watch_open(&watch, &nowhere, 0);
    CHECK_I64(watch_next(&watch, &event), ERR_NOT_FOUND);
    rpc_client_stream_close(watch.stream);
}

/* ---- wrapping up ---- */

static const char *assigned_task(const struct place *place, const char **out_reservation)
{
    const char *task = task_new(place, "{}");
    *out_reservation = reservation_of(place, "taskSid", task, "PENDING");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", place->workspace, *out_reservation);
    return task;
}

static void check_reservation(const struct place *place, const char *sid, const char *status)
{
    const json_t *reservation = suite_ok(&suite_viewer, SUITE_TASKS, "GetReservation",
                                         "{'workspaceSid':'%s','sid':'%s'}", place->workspace, sid);
    CHECK_TEXT(at(reservation, "reservationStatus"), suite_text("RESERVATION_STATUS_%s", status));
}

static void test_wrap_up_task(void)
{
    struct place place = place_new(0);
    const char *worker = place_worker(&place, "ada", 1);
    const char *reservation = "";
    const char *task = assigned_task(&place, &reservation);
    const char *action =
        suite_text("{'workspaceSid':'%s','sid':'%s','reason':'notes'}", place.workspace, task);
    const json_t *reply = suite_ok(&suite_supervisor, SUITE_TASKS, "WrapUpTask", "%s", action);
    CHECK_TEXT(at(reply, "assignmentStatus"), "TASK_STATUS_WRAPPING");
    CHECK_TEXT(at(reply, "reason"), "notes");
    CHECK_TEXT(at(reply, "workerSid"), worker);
    check_reservation(&place, reservation, "WRAPPING");
    CHECK(suite_event("task.wrapup", task, 0) != NULL);
    CHECK(suite_event("reservation.wrapup", reservation, 0) != NULL);
    CHECK(suite_refused(&suite_supervisor, SUITE_TASKS, "FAILED_PRECONDITION TASK_STATE",
                        "WrapUpTask", "%s", action));
    /* Who wraps up keeps the slot. */
    const char *next = task_new(&place, "{}");
    CHECK_TEXT(task_status(&place, next), "PENDING");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteTask", "%s", action);
    check_reservation(&place, reservation, "COMPLETED");
    CHECK(reservation_of(&place, "taskSid", next, "PENDING")[0] != '\0');
    CHECK(is_log_whole());
}

static void test_wrap_up_reservation(void)
{
    struct place place = place_new(0);
    (void)place_worker(&place, "ada", 1);
    const char *reservation = "";
    const char *task = assigned_task(&place, &reservation);
    const char *action =
        suite_text("{'workspaceSid':'%s','sid':'%s'}", place.workspace, reservation);
    const json_t *reply =
        suite_ok(&suite_supervisor, SUITE_TASKS, "WrapUpReservation", "%s", action);
    CHECK_TEXT(at(reply, "reservationStatus"), "RESERVATION_STATUS_WRAPPING");
    CHECK_TEXT(task_status(&place, task), "WRAPPING");
    CHECK(suite_refused(&suite_supervisor, SUITE_TASKS, "FAILED_PRECONDITION RESERVATION_STATE",
                        "WrapUpReservation", "%s", action));
    reply = suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteReservation", "%s", action);
    CHECK_TEXT(at(reply, "reservationStatus"), "RESERVATION_STATUS_COMPLETED");
    CHECK_TEXT(task_status(&place, task), "COMPLETED");
    CHECK(suite_event("reservation.completed", reservation, 0) != NULL);
    CHECK(is_log_whole());
}

static const struct test_case cases[] = {
    {"what another process commits is seen within a second",     test_elsewhere          },
    {"a stream resumes after a sequence and then goes on live",  test_resume             },
    {"a stream without a sequence tells what happens from then", test_from_now_on        },
    {"a cancelled stream ends and gives its place back",         test_cancel             },
    {"a stream of nothing is refused",                           test_refused            },
    {"a task wraps up, keeping its worker's slot",               test_wrap_up_task       },
    {"a reservation wraps up, and its task with it",             test_wrap_up_reservation},
};

int main(int argc, char **argv)
{
    return suite_main("tasks watch", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
