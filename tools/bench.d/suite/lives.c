/*
 * Lives of tasks per second through tasks-svc as a program, beside single-row inserts of pgbench
 * on the same PostgreSQL in the same run: suite_bench [lives per client]. A life is CreateTask,
 * ListReservations until there is one, AcceptReservation, CompleteTask: three changes made durable.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "rpc/client.h"
#include "suite_int.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "tasks_fixture.h"

#define API "/taskrouter.tasks.v1.Tasks/"

enum {
    WORKERS = 8,
    CAPACITY = 50,
    CHANGES_PER_LIFE = 3,
    CALL_BUDGET_US = 20 * 1000 * 1000,
    PGBENCH_MS = 60000,
    ARENA_SIZE = 16 << 20,
};

struct client {
    const struct place *place;
    pthread_t thread;
    int lives;
    int done;
    int64_t create_us;
    struct call call;
    struct arena *arena;
};

static bool is_good(enum err_code code, const struct err *err)
{
    if (code != ERR_OK)
        (void)fprintf(stderr, "%s: %s\n", err_code_name(code), err->detail);
    return code == ERR_OK;
}

static bool create(struct client *client, Taskrouter__Tasks__V1__Task **out_task)
{
    struct err err = {.code = ERR_OK};
    Taskrouter__Tasks__V1__CreateTaskRequest request =
        TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST__INIT;
    char attributes[] = "{\"type\":\"permit\",\"level\":3,\"language\":\"en\"}";
    request.workspace_sid = (char *)(uintptr_t)client->place->workspace;
    request.attributes = attributes;
    int64_t began_us = clock_mono_us();
    enum err_code code = RPC_CALL(suite->clients[SUITE_TASKS], &client->call, API "CreateTask",
                                  &request.base, taskrouter__tasks__v1__task, out_task, &err);
    client->create_us += clock_mono_us() - began_us;
    return is_good(code, &err);
}

static bool find_offer(struct client *client, const char *task_sid, char **out_sid)
{
    struct err err = {.code = ERR_OK};
    Taskrouter__Tasks__V1__ListReservationsRequest request =
        TASKROUTER__TASKS__V1__LIST_RESERVATIONS_REQUEST__INIT;
    request.workspace_sid = (char *)(uintptr_t)client->place->workspace;
    request.task_sid = (char *)(uintptr_t)task_sid;
    for (;;) {
        Taskrouter__Tasks__V1__ListReservationsResponse *found = NULL;
        enum err_code code = RPC_CALL(
            suite->clients[SUITE_TASKS], &client->call, API "ListReservations", &request.base,
            taskrouter__tasks__v1__list_reservations_response, &found, &err);
        if (!is_good(code, &err))
            return false;
        if (found->n_items > 0) {
            *out_sid = found->items[0]->sid;
            return true;
        }
    }
}

static bool finish(struct client *client, char *task_sid, char *offer_sid)
{
    struct err err = {.code = ERR_OK};
    Taskrouter__Tasks__V1__ReservationActionRequest accept =
        TASKROUTER__TASKS__V1__RESERVATION_ACTION_REQUEST__INIT;
    accept.workspace_sid = (char *)(uintptr_t)client->place->workspace;
    accept.sid = offer_sid;
    Taskrouter__Tasks__V1__Reservation *reservation = NULL;
    enum err_code code =
        RPC_CALL(suite->clients[SUITE_TASKS], &client->call, API "AcceptReservation", &accept.base,
                 taskrouter__tasks__v1__reservation, &reservation, &err);
    if (!is_good(code, &err))
        return false;
    Taskrouter__Tasks__V1__TaskActionRequest complete =
        TASKROUTER__TASKS__V1__TASK_ACTION_REQUEST__INIT;
    char reason[] = "done";
    complete.workspace_sid = accept.workspace_sid;
    complete.sid = task_sid;
    complete.reason = reason;
    Taskrouter__Tasks__V1__Task *task = NULL;
    code = RPC_CALL(suite->clients[SUITE_TASKS], &client->call, API "CompleteTask", &complete.base,
                    taskrouter__tasks__v1__task, &task, &err);
    return is_good(code, &err);
}

static void *live(void *ctx)
{
    struct client *client = ctx;
    client->arena = arena_new(ARENA_SIZE);
    bool goes_on = true;
    for (int i = 0; i < client->lives && goes_on; i++) {
        arena_reset(client->arena);
        call_init(&client->call, client->arena, "bench", CALL_BUDGET_US);
        client->call.who = suite_supervisor;
        Taskrouter__Tasks__V1__Task *task = NULL;
        char *offer = NULL;
        goes_on = create(client, &task) && find_offer(client, task->sid, &offer) &&
                  finish(client, task->sid, offer);
        client->done += goes_on ? 1 : 0;
    }
    arena_free(client->arena);
    return NULL;
}

/* Single-row inserts per second of so many clients; the row is as long as a small task. */
static double inserts_per_s(int clients)
{
    const char *dir = cluster_dir(suite_cluster());
    const char *script = suite_text("%s/insert.sql", dir);
    const char *log = suite_text("%s/pgbench.log", dir);
    FILE *file = fopen(script, "w");
    CHECK(file != NULL);
    if (file == NULL)
        return 0;
    (void)fputs("insert into bench_row (text) values (repeat('x', 200));\n", file);
    (void)fclose(file);
    (void)remove(log);
    const char *count = suite_text("%d", clients);
    const char *args[] = {
        "-n",  "-h", suite_text("%s/socket", dir), "-U", "postgres", "-f", script,     "-c",
        count, "-j", clients > 1 ? "2" : "1",      "-T", "4",        "-M", "prepared", "taskrouter",
        NULL};
    CHECK_I64(process_run(&(struct process_options){.program = "/usr/lib/postgresql/15/bin/pgbench",
                                                    .args = args,
                                                    .log_path = log},
                          PGBENCH_MS),
              0);
    file = fopen(log, "r");
    char line[512];
    double tps = 0;
    while (file != NULL && fgets(line, (int)sizeof line, file) != NULL) {
        if (strncmp(line, "tps = ", 6) == 0)
            tps = strtod(line + 6, NULL);
    }
    if (file != NULL)
        (void)fclose(file);
    return tps;
}

static void bench(const struct place *place, int count, int lives)
{
    double before = inserts_per_s(count);
    struct client *clients = xcalloc((size_t)count, sizeof *clients);
    int64_t began_us = clock_mono_us();
    for (int i = 0; i < count; i++) {
        clients[i].place = place;
        clients[i].lives = lives;
        REQUIRE(pthread_create(&clients[i].thread, NULL, live, &clients[i]) == 0);
    }
    int done = 0;
    int64_t create_us = 0;
    for (int i = 0; i < count; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        done += clients[i].done;
        create_us += clients[i].create_us;
    }
    double seconds = (double)(clock_mono_us() - began_us) / US_PER_S;
    free(clients);
    CHECK_I64(done, (int64_t)count * lives);
    double inserts = (before + inserts_per_s(count)) / 2;
    double per_s = (double)done / seconds;
    (void)printf("\n%7d %10.0f %11.0f %15.0f %10.0f %8.2f\n", count, per_s,
                 per_s * CHANGES_PER_LIFE, (double)create_us / (done == 0 ? 1 : done), inserts,
                 per_s * CHANGES_PER_LIFE / inserts);
}

static int lives_per_client = 100;

static void test_lives(void)
{
    struct place place = place_new(0);
    for (int i = 0; i < WORKERS; i++)
        (void)place_worker(&place, suite_text("worker %d", i), CAPACITY);
    REQUIRE(cluster_sql(suite_cluster(),
                        "create table bench_row (id bigserial primary key, text text)"));
    (void)printf("\n%7s %10s %11s %15s %10s %8s\n", "clients", "lives/s", "changes/s",
                 "create mean us", "inserts/s", "ratio");
    bench(&place, 1, lives_per_client * 5);
    bench(&place, 64, lives_per_client);
    CHECK(is_log_whole());
}

static const struct test_case cases[] = {
    {"lives", test_lives}
};

int main(int argc, char **argv)
{
    if (argc > 1)
        lives_per_client = atoi(argv[1]) > 0 ? atoi(argv[1]) : lives_per_client;
    return suite_main("suite", TASKS_SET, cases, ARRAY_LEN(cases), 1, argv);
}
