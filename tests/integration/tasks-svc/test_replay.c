/* tasks-svc: the log of a real run, fed to a fresh engine, gives the same decisions. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tasks_fixture.h"

enum {
    WORKERS = 6,
    CAPACITY = 2,
    TASKS_PER_ROUND = 25,
    ROUNDS = 4,
    REPLAY_MS = 60000,
    PATIENCE_MS = 60000
};

static struct answer list(const struct place *place, const char *method, const char *filter)
{
    return suite_call(&suite_supervisor, SUITE_TASKS, method,
                      "{'workspaceSid':'%s','pageSize':1000,%s}", place->workspace, filter);
}

/* Offers get every answer, and some none. */
static void answer_offers(const struct place *place)
{
    static const char *const methods[] = {"AcceptReservation", "RejectReservation", NULL,
                                          "AcceptReservation"};
    struct answer found =
        list(place, "ListReservations", "'reservationStatus':['RESERVATION_STATUS_PENDING']");
    for (int64_t i = 0; found.code == ERR_OK && i < at_i64(found.body, "items"); i++) {
        const char *method = methods[i % (int64_t)ARRAY_LEN(methods)];
        if (method != NULL) /* lost races are refused, which is as good */
            (void)suite_call(&suite_supervisor, SUITE_TASKS, method,
                             "{'workspaceSid':'%s','sid':'%s'}", place->workspace,
                             at(found.body, suite_text("items.%lld.sid", (long long)i)));
    }
}

static void act_on_tasks(const struct place *place, const char *status, const char *method,
                         const char *extra)
{
    struct answer found = list(place, "ListTasks", suite_text("'assignmentStatus':['%s']", status));
    for (int64_t i = 0; found.code == ERR_OK && i < at_i64(found.body, "items"); i += 2)
        (void)suite_call(&suite_supervisor, SUITE_TASKS, method,
                         "{'workspaceSid':'%s','sid':'%s'%s}", place->workspace,
                         at(found.body, suite_text("items.%lld.sid", (long long)i)), extra);
}

/* Config changes in the middle, as words from the bus. */
static void change_config(const struct place *place, const char *worker, int round)
{
    (void)suite_call(&suite_admin, SUITE_WORKERS, "UpdateWorker",
                     "{'worker':{'workspaceSid':'%s','sid':'%s','attributes':'{`level`:%d}'},"
                     "'updateMask':'attributes'}",
                     place->workspace, worker, round);
    (void)suite_call(&suite_admin, SUITE_QUEUES, "UpdateTaskQueue",
                     "{'taskQueue':{'workspaceSid':'%s','sid':'%s','maxReservedWorkers':%d},"
                     "'updateMask':'maxReservedWorkers'}",
                     place->workspace, place->queue, 1 + round % 3);
}

static void run_round(const struct place *place, const char *const *workers, int round)
{
    for (int i = 0; i < TASKS_PER_ROUND; i++)
        (void)suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                         "{'workspaceSid':'%s','attributes':'{`n`:%d,`round`:%d}','priority':%d,"
                         "'idempotencyKey':'task-%d-%d'%s}",
                         place->workspace, i, round, i % 3, round, i,
                         i % 7 == 0 ? suite_text(",'routingTarget':'%s'", workers[i % WORKERS])
                                    : "");
    change_config(place, workers[round % WORKERS], round);
    answer_offers(place);
    act_on_tasks(place, "TASK_STATUS_ASSIGNED", "WrapUpTask", "");
    act_on_tasks(place, "TASK_STATUS_WRAPPING", "CompleteTask", ",'reason':'done'");
    act_on_tasks(place, "TASK_STATUS_PENDING", "CancelTask", ",'reason':'enough'");
    answer_offers(place);
}

/* The rounds may answer every offer they see: this one nobody answers. */
static void leave_an_offer_alone(const struct place *place)
{
    (void)place_worker(place, "worker who is silent", CAPACITY);
    (void)task_new(place, "{`n`:`left alone`}");
}

static bool has_timed_out(const void *ctx)
{
    return log_count(ctx, "reservation.timeout").events > 0;
}

static void kill_and_bring_back(void)
{
    (void)kill(process_pid(suite_process(SUITE_TASKS)), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    REQUIRE(suite_restart(SUITE_TASKS));
}

static int replay(const char *const *more)
{
    const char *args[8] = {cluster_db_url(suite_cluster(), "postgres")};
    for (size_t i = 0; more != NULL && more[i] != NULL; i++)
        args[i + 1] = more[i];
    return process_run(&(struct process_options){.program = "replay",
                                                 .args = args,
                                                 .log_path = "/tmp/sim_replay.log"},
                       REPLAY_MS);
}

static void a_fresh_engine_decides_the_same(void)
{
    struct place place = place_new(1);
    const char *workers[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        workers[i] = place_worker(&place, suite_text("worker %d", i), CAPACITY);
    for (int i = 0; i < ROUNDS; i++) {
        run_round(&place, workers, i);
        if (i % 2 == 0)
            kill_and_bring_back();
    }
    leave_an_offer_alone(&place);
    CHECK(suite_until(has_timed_out, &place, PATIENCE_MS));
    CHECK(log_count(&place, "reservation.created").events > TASKS_PER_ROUND);
    CHECK(log_count(&place, "reservation.accepted").events > 5);
    /* Three starts of the shard, and what was told in between. */
    CHECK_I64(suite_count("select count(*) from tasks.event_batch where journal is null"), 0);
    CHECK_I64(replay(NULL), 0);
}

static void a_log_that_was_changed_is_found_out(void)
{
    /* One bit of one journal: another priority, so another order. */
    CHECK(suite_count(
              "with changed as (update tasks.event_batch set journal = (select b.journal from "
              "tasks.event_batch b where b.shard = 0 order by b.last_seq desc, b.part desc "
              "limit 1) where (shard, last_seq, part) in (select shard, last_seq, part from "
              "tasks.event_batch where shard = 0 and part = 0 order by last_seq desc offset 20 "
              "limit 1) returning 1) select count(*) from changed") == 1);
    CHECK_I64(replay(NULL), 1);
    CHECK_I64(replay((const char *const[]){"--shard", "77", NULL}), 0); /* nothing there */
}

static const struct test_case cases[] = {
    {"a fresh engine decides the same",     a_fresh_engine_decides_the_same    },
    {"a log that was changed is found out", a_log_that_was_changed_is_found_out},
};

int main(int argc, char **argv)
{
    return suite_main("tasks replay", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
