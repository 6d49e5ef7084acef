/* tasks-svc: kill -9 in the middle of everything, again and again. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tasks_fixture.h"

enum { TASKS = 200, WORKERS = 12, CAPACITY = 5, KILLS = 4, ROUNDS_MAX = 3000, WAITS_MAX = 100 };

static const char *const states[KILLS] = {"creating", "creating", "accepting", "completing"};

/* Kills the process from the side, while calls are under way. */
struct killer {
    pid_t pid;
    int after_ms;
};

static void *kill_later(void *ctx)
{
    const struct killer *killer = ctx;
    process_sleep_ms(killer->after_ms);
    (void)kill(killer->pid, SIGKILL);
    return NULL;
}

/* Everything below goes on from what it finds, as a client that was cut off would. */
struct run {
    struct place place;
    int created;
    int kills;
    int waits; /* for the channel to connect again, after the last kill */
    bool is_dead;
};

static bool is_cut_off(struct run *run, const struct answer *answer)
{
    bool is_cut = answer->code == ERR_UNAVAILABLE || answer->code == ERR_DEADLINE_EXCEEDED;
    run->is_dead = run->is_dead || is_cut;
    return is_cut;
}

/* One key per task: a create that was cut off may be sent again. */
static void create_some(struct run *run, int until)
{
    while (run->created < until && !run->is_dead) {
        struct answer answer =
            suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                       "{'workspaceSid':'%s','attributes':'{`n`:%d}','idempotencyKey':'task-%d'}",
                       run->place.workspace, run->created, run->created);
        if (is_cut_off(run, &answer))
            return;
        CHECK_I64(answer.code, ERR_OK);
        run->created++;
    }
}

static void act_on_all(struct run *run, const char *list, const char *filter, const char *method,
                       const char *extra)
{
    struct answer found =
        suite_call(&suite_supervisor, SUITE_TASKS, list, "{'workspaceSid':'%s','pageSize':1000,%s}",
                   run->place.workspace, filter);
    if (is_cut_off(run, &found))
        return;
    for (int64_t i = 0; i < at_i64(found.body, "items") && !run->is_dead; i++) {
        const char *sid = at(found.body, suite_text("items.%lld.sid", (long long)i));
        struct answer done =
            suite_call(&suite_supervisor, SUITE_TASKS, method, "{'workspaceSid':'%s','sid':'%s'%s}",
                       run->place.workspace, sid, extra);
        if (is_cut_off(run, &done))
            return;
        /* Accepted or completed before the cut, or offered to somebody else meanwhile. */
        bool is_fair = done.code == ERR_OK || done.code == ERR_FAILED_PRECONDITION;
        if (!is_fair)
            (void)fprintf(stderr, "%s: %s\n", method, done.err.detail);
        CHECK(is_fair);
    }
}

static void accept_all(struct run *run)
{
    act_on_all(run, "ListReservations", "'reservationStatus':['RESERVATION_STATUS_PENDING']",
               "AcceptReservation", "");
}

static void complete_all(struct run *run)
{
    act_on_all(run, "ListTasks", "'assignmentStatus':['TASK_STATUS_ASSIGNED']", "CompleteTask",
               ",'reason':'done'");
}

static int64_t completed(void)
{
    return suite_count("select count(*) from tasks.task where state = 'completed'");
}

static void bring_back(struct run *run)
{
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    CHECK(suite_restart(SUITE_TASKS));
    run->is_dead = false;
}

static void run_with_kill(struct run *run, const char *what)
{
    struct killer killer = {process_pid(suite_process(SUITE_TASKS)), 15 + 10 * run->kills};
    pthread_t thread;
    bool is_creating = strcmp(what, "creating") == 0;
    bool is_accepting = strcmp(what, "accepting") == 0;
    REQUIRE(pthread_create(&thread, NULL, kill_later, &killer) == 0);
    for (int i = 0; i < ROUNDS_MAX && !run->is_dead; i++) {
        if (is_creating)
            create_some(run, run->created < TASKS ? run->created + 1 : TASKS);
        else if (is_accepting)
            accept_all(run);
        else
            complete_all(run);
        if (is_creating && run->created == TASKS)
            break;
    }
    (void)pthread_join(thread, NULL);
    run->kills++;
    bring_back(run);
}

/*
 * After the last kill nobody kills any more: a refused call may only be the client's channel, which
 * waits up to a second before it connects again, never a process that died. False when it did.
 */
static bool only_reconnecting(struct run *run)
{
    if (!run->is_dead)
        return true;
    run->is_dead = false;
    run->waits++;
    process_sleep_ms(100);
    return CHECK(process_is_alive(suite_process(SUITE_TASKS))) && CHECK(run->waits < WAITS_MAX);
}

static void test_crash(void)
{
    struct run run = {.place = place_new(0)};
    for (int i = 0; i < WORKERS; i++)
        (void)place_worker(&run.place, suite_text("worker %d", i), CAPACITY);
    create_some(&run, 20);
    for (int i = 0; i < KILLS; i++)
        run_with_kill(&run, states[i]);
    while (run.created < TASKS) {
        create_some(&run, TASKS);
        REQUIRE(only_reconnecting(&run));
    }
    CHECK_I64(run.created, TASKS);
    for (int i = 0; i < ROUNDS_MAX && completed() < TASKS; i++) {
        accept_all(&run);
        complete_all(&run);
        REQUIRE(only_reconnecting(&run));
    }
    CHECK_I64(completed(), TASKS);
    CHECK_I64(suite_count("select count(*) from tasks.task"), TASKS);
    /* None twice: one reservation each that was ever accepted. */
    CHECK_I64(log_count(&run.place, "reservation.accepted").tasks, TASKS);
    CHECK_I64(log_count(&run.place, "reservation.accepted").events, TASKS);
    CHECK_I64(log_count(&run.place, "task.created").events, TASKS);
    CHECK_I64(log_count(&run.place, "task.completed").events, TASKS);
    CHECK(is_log_whole());
    CHECK(is_log_published());
    CHECK_I64(suite_event_count("task.created", ""), TASKS);
    CHECK_I64(suite_event_count("task.completed", ""), TASKS);
}

static const struct test_case cases[] = {
    {"200 tasks survive kill -9 at any moment, none lost, none assigned twice", test_crash},
};

int main(int argc, char **argv)
{
    return suite_main("tasks crash", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
