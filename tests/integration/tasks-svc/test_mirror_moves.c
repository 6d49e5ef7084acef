/* tasks-svc: what Twilio did is told while the process is killed, and while the shard changes
 * hands: everything counts once, and the router's own log goes on as if there were none of it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mirror_fixture.h"

enum {
    STEPS = 3,
    KILLS = 4,
    EVENTS_PER_KILL = 60,
    EVENTS_MAX = 6000,
    FIRST_EVENT = 0x10000,
    TRIES_MAX = 600,
    PATIENCE_MS = 120000,
    REPLAY_MS = 120000
};

/* Lives of tasks, one event after the other; a local task beside each. */
struct story {
    struct place place; /* local */
    const char *ws;     /* mirrored */
    int told;           /* events */
    bool is_mended;     /* the suite's process is started again when it is found dead */
};

/* By the main thread: a process ends with the thread that started it. */
static void mend(void)
{
    if (process_is_alive(suite_process(SUITE_TASKS)))
        return;
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    CHECK(suite_restart(SUITE_TASKS));
}

/* As a consumer of webhooks does: again until it is acknowledged. */
static void tell(struct story *story)
{
    static const char *const types[STEPS] = {"task.created", "reservation.accepted",
                                             "task.completed"};
    static const char *const states[STEPS] = {"PENDING", "ASSIGNED", "COMPLETED"};
    int step = story->told % STEPS;
    const char *task = suite_text("WTee%030x", story->told / STEPS);
    const char *offer = suite_text("WRee%030x", story->told / STEPS);
    const char *offers =
        step == 0 ? ""
                  : suite_text(",'reservations':[%s]",
                               reservation_json(offer, task, step == 1 ? "ACCEPTED" : "COMPLETED"));
    const char *time = suite_text("00:%02d", 10 * step);
    struct answer answer = {.code = ERR_UNAVAILABLE};
    for (int i = 0; i < TRIES_MAX && answer.code != ERR_OK; i++) {
        if (i > 0)
            process_sleep_ms(50);
        if (i > 0 && story->is_mended)
            mend();
        answer = suite_call(
            &suite_service_id, SUITE_TASKS, "Apply",
            "{'workspaceSid':'%s','observedAt':'2026-01-02T03:%sZ','tasks':[%s]%s,%s}", story->ws,
            time, task_json(task, states[step], ""), offers,
            event_json(FIRST_EVENT + story->told, types[step], step == 1 ? offer : task, time));
        if (answer.code != ERR_OK && answer.code != ERR_DEADLINE_EXCEEDED &&
            !CHECK_I64(answer.code, ERR_UNAVAILABLE))
            return;
    }
    CHECK_I64(answer.code, ERR_OK);
    story->told++;
    (void)suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                     "{'workspaceSid':'%s','attributes':'{`n`:%d}'}", story->place.workspace,
                     story->told);
}

/* Everything that was acknowledged is there, and there once. */
static void check_story(const struct story *story)
{
    int whole = story->told / STEPS;
    int rest = story->told % STEPS;
    CHECK_I64(suite_count("select count(*) from tasks.task where workspace_sid = '%s' and state = "
                          "'completed' and worker_sid = '" WORKER "'",
                          story->ws),
              whole);
    CHECK_I64(suite_count("select count(*) from tasks.reservation where workspace_sid = '%s' and "
                          "state = 'completed'",
                          story->ws),
              whole);
    struct place mirrored = {.workspace = story->ws};
    CHECK_I64(log_count(&mirrored, "task.created").events, whole + (rest > 0));
    CHECK_I64(log_count(&mirrored, "reservation.accepted").events, whole + (rest > 1));
    CHECK_I64(log_count(&mirrored, "task.completed").events, whole);
    CHECK(is_log_whole());
    CHECK(is_log_published());
}

static int replay(void)
{
    const char *args[] = {cluster_db_url(suite_cluster(), "postgres"), NULL};
    return process_run(&(struct process_options){.program = "replay",
                                                 .args = args,
                                                 .log_path = "/tmp/mirror_replay.log"},
                       REPLAY_MS);
}

/* ---- kill -9 ---- */

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

static void kills_lose_nothing_and_repeat_nothing(void)
{
    struct story story = {.place = place_new(0), .ws = mirrored_workspace(), .is_mended = true};
    for (int i = 0; i < KILLS; i++) {
        struct killer killer = {process_pid(suite_process(SUITE_TASKS)), 20 + 35 * i};
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, kill_later, &killer) == 0);
        for (int n = 0; n < EVENTS_PER_KILL; n++)
            tell(&story);
        (void)pthread_join(thread, NULL);
        mend();
    }
    CHECK_I64(story.told, KILLS * EVENTS_PER_KILL);
    check_story(&story);
    CHECK_I64(suite_event_count("task.completed", ""), story.told / STEPS);
    CHECK_I64(replay(), 0);
}

/* ---- changing hands ---- */

static struct process *process_new(const char **out_grpc)
{
    static const char *const env[] = {"TASKROUTER_DRAIN_MS=120s", NULL};
    const char *http = "";
    struct process *process = suite_start_twin(SUITE_TASKS, env, &http);
    *out_grpc = suite_twin_grpc();
    CHECK(process_wait_ready(process, http, PATIENCE_MS));
    return process;
}

static bool is_owner(const void *ctx)
{
    return suite_count("select count(*) from tasks.shard_lease where address = '%s' and expires_at "
                       "> clock_timestamp()",
                       (const char *)ctx) > 0;
}

/* Lines of its log that hold the text. */
static int said(struct process *process, const char *text)
{
    FILE *file = fopen(process_log_path(process), "r");
    char line[8192];
    int count = 0;
    while (file != NULL && fgets(line, (int)sizeof line, file) != NULL)
        count += strstr(line, text) != NULL;
    if (file != NULL)
        (void)fclose(file);
    return count;
}

static void tell_until_owned(struct story *story, const char *address)
{
    int64_t until = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    bool is_seen = false;
    while (!is_seen && clock_mono_us() < until && story->told < EVENTS_MAX) {
        tell(story);
        is_seen = is_owner(address);
    }
    CHECK(is_seen);
    for (int i = 0; i < 2 * STEPS; i++)
        tell(story);
}

static void a_successor_takes_over_prepared(void)
{
    struct story story = {.place = place_new(0), .ws = mirrored_workspace()};
    const char *first_at = "";
    const char *second_at = "";
    (void)place_worker(&story.place, "bob", 3);
    story.told = STEPS * 1000; /* not those of the case before */
    int before = story.told;
    tell(&story);
    struct process *first = process_new(&first_at);
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    CHECK(suite_until(is_owner, first_at, PATIENCE_MS));
    struct process *second = process_new(&second_at);
    suite_direct(SUITE_TASKS, second_at); /* which sends it on to the first */
    for (int i = 0; i < 4; i++)
        tell(&story);
    process_signal(first, SIGTERM);
    tell_until_owned(&story, second_at);
    const char *later = mirrored_workspace(); /* known to the one that took over */
    (void)apply(later, "00:00",
                suite_text("'tasks':[%s]", task_json(suite_text("WTed%030x", 1), "PENDING", "")));
    CHECK_I64(process_wait_exit(first, PATIENCE_MS), 0);
    CHECK_I64(said(second, "shard is taken over"), 1);
    CHECK_I64(said(second, "shard is loaded"), 0);
    struct story own = story;
    own.told -= before;
    check_story(&own);
    CHECK_I64(replay(), 0);
    process_free(first);
    suite_direct(SUITE_TASKS, NULL);
    REQUIRE(suite_restart(SUITE_TASKS));
    CHECK_I64(process_terminate(second, PATIENCE_MS), 0);
    process_free(second);
}

static const struct test_case cases[] = {
    {"kills lose nothing and repeat nothing", kills_lose_nothing_and_repeat_nothing},
    {"a successor takes over prepared",       a_successor_takes_over_prepared      },
};

int main(int argc, char **argv)
{
    return suite_main("tasks mirror moves", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
