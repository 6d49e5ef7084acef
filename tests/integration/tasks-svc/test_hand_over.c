/* tasks-svc: a shard changes hands while calls come; the successor has prepared it before. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tasks_fixture.h"

enum {
    START_MS = 60000,
    PATIENCE_MS = 120000,
    MANY = 5000,
    MAX_CREATED = 4000,
    REPLAY_MS = 120000
};

/* A process that leaves only when its shards are taken. */
struct replica {
    struct process *process;
    const char *grpc;
};

static struct replica replica_start(void)
{
    static const char *const env[] = {"TASKROUTER_DRAIN_MS=120s", NULL};
    const char *http = "";
    struct replica replica = {.process = suite_start_twin(SUITE_TASKS, env, &http)};
    replica.grpc = suite_twin_grpc();
    CHECK(process_wait_ready(replica.process, http, START_MS));
    return replica;
}

static void replica_kill(const struct replica *replica)
{
    process_signal(replica->process, SIGKILL);
    (void)process_wait_exit(replica->process, 5000);
}

static bool is_owner(const void *ctx)
{
    const struct replica *replica = ctx;
    return suite_count("select count(*) from tasks.shard_lease where address = '%s' and expires_at "
                       "> clock_timestamp()",
                       replica->grpc) > 0;
}

static bool is_named(const struct replica *replica)
{
    return suite_count("select count(*) from tasks.shard_lease l, tasks.replica r where "
                       "r.instance = l.successor and r.address = '%s'",
                       replica->grpc) > 0;
}

/* Somebody was named, or has followed already. */
static bool is_handing_over(const void *ctx)
{
    return suite_count("select count(*) from tasks.shard_lease where successor <> ''") > 0 ||
           !is_owner(ctx);
}

/* Lines of its log that hold the text. */
static int said(const struct replica *replica, const char *text)
{
    FILE *file = fopen(process_log_path(replica->process), "r");
    char line[8192];
    int count = 0;
    while (file != NULL && fgets(line, (int)sizeof line, file) != NULL)
        count += strstr(line, text) != NULL;
    if (file != NULL)
        (void)fclose(file);
    return count;
}

/* Why, should it not have gone as it ought to. */
static void print_line(const struct replica *replica, const char *text)
{
    FILE *file = fopen(process_log_path(replica->process), "r");
    char line[8192];
    while (file != NULL && fgets(line, (int)sizeof line, file) != NULL) {
        if (strstr(line, text) != NULL)
            (void)fputs(line, stderr);
    }
    if (file != NULL)
        (void)fclose(file);
}

/* ---- what callers do meanwhile ---- */

struct load {
    const struct place *place;
    int created;
    const char *sids[MAX_CREATED];
    int64_t worst_us;
};

static const char *create(const struct place *place, int number)
{
    return at(suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                       "{'workspaceSid':'%s','attributes':'{`n`:%d}','idempotencyKey':'%s %d'}",
                       place->workspace, number, place->workspace, number),
              "sid");
}

/* Without a key: nobody knows what became of it when its connection broke. */
static void check_told(struct answer answer)
{
    CHECK(answer.code == ERR_OK || answer.code == ERR_UNAVAILABLE);
}

/* Creates, now and then a change of what others own, and answers of a worker. */
static void load_once(struct load *load)
{
    int number = load->created++;
    int64_t began = clock_mono_us();
    load->sids[number] = create(load->place, number);
    int64_t took_us = clock_mono_us() - began;
    load->worst_us = took_us > load->worst_us ? took_us : load->worst_us;
    if (number % 8 == 3)
        check_told(suite_call(&suite_supervisor, SUITE_TASKS, "UpdateTask",
                              "{'task':{'workspaceSid':'%s','sid':'%s','priority':7},"
                              "'updateMask':'priority'}",
                              load->place->workspace, load->sids[number]));
    if (number % 8 == 5)
        check_told(suite_call(&suite_supervisor, SUITE_TASKS, "CancelTask",
                              "{'workspaceSid':'%s','sid':'%s','reason':'never mind'}",
                              load->place->workspace, load->sids[number]));
    if (number % 16 == 9)
        (void)suite_ok(&suite_admin, SUITE_QUEUES, "UpdateTaskQueue",
                       "{'taskQueue':{'workspaceSid':'%s','sid':'%s','maxReservedWorkers':%d},"
                       "'updateMask':'maxReservedWorkers'}",
                       load->place->workspace, load->place->queue, 1 + number % 3);
}

static bool load_until(struct load *load, bool (*look)(const void *ctx), const void *ctx)
{
    int64_t until = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    bool is_seen = false;
    while (!is_seen && clock_mono_us() < until && load->created < MAX_CREATED) {
        load_once(load);
        is_seen = look(ctx);
    }
    for (int i = 0; i < 10 && load->created < MAX_CREATED; i++)
        load_once(load);
    return is_seen;
}

/* Every task that was acknowledged is there, once; a key used before is known after. */
static void check_kept(const struct load *load)
{
    for (int i = 0; i < load->created; i += 5)
        CHECK_TEXT(create(load->place, i), load->sids[i]);
    CHECK_I64(suite_count("select count(*) from tasks.task where workspace_sid = '%s' and "
                          "attributes::text like '%%\"n\":%%'",
                          load->place->workspace),
              load->created);
    struct log_count created = log_count(load->place, "task.created");
    CHECK_I64(created.events, created.tasks);
    CHECK(is_log_whole());
    CHECK(is_log_published());
}

/* A new worker is offered what waits longest. */
static void check_routes(const struct place *place)
{
    const char *worker = place_worker(place, "ada", 1);
    const char *offer = reservation_of(place, "workerSid", worker, "PENDING");
    CHECK_I64(suite_count("select count(*) from tasks.reservation r where r.sid = '%s' and "
                          "r.task_sid = (select t.sid from tasks.task t where t.workspace_sid = "
                          "'%s' and t.priority = 7 and t.state in ('pending', 'reserved') order by "
                          "t.sequence limit 1)",
                          offer, place->workspace),
              1);
}

static bool has_loaded(const void *ctx)
{
    return said(ctx, "shard is loaded") > 0;
}

/* The suite's own process, once it has heard of the place, gives way to one that leaves slowly. */
static struct replica first_owner(const struct place *place)
{
    (void)task_new(place, "{}");
    struct replica first = replica_start();
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    CHECK(suite_until(is_owner, &first, PATIENCE_MS));
    CHECK(suite_until(has_loaded, &first, PATIENCE_MS));
    return first;
}

static void end(struct replica *owner)
{
    suite_direct(SUITE_TASKS, NULL);
    REQUIRE(suite_restart(SUITE_TASKS));
    CHECK_I64(process_terminate(owner->process, PATIENCE_MS), 0);
    process_free(owner->process);
}

/* ---- cases ---- */

static void test_warm(void)
{
    struct place place = place_new(0);
    struct load load = {.place = &place};
    place_fill(&place, MANY);
    struct replica first = first_owner(&place);
    struct replica second = replica_start();
    suite_direct(SUITE_TASKS, second.grpc);
    load_once(&load);
    CHECK(is_owner(&first));
    process_signal(first.process, SIGTERM);
    CHECK(load_until(&load, is_owner, &second));
    CHECK_I64(process_wait_exit(first.process, PATIENCE_MS), 0);
    CHECK_I64(said(&second, "shard is taken over"), 1);
    CHECK_I64(said(&second, "shard is loaded"), 0);
    (void)fprintf(stderr, "hand-over with %d waiting, %d created: the longest took %lld ms\n", MANY,
                  load.created, (long long)(load.worst_us / US_PER_MS));
    print_line(&second, "shard is taken over");
    check_kept(&load);
    check_routes(&place);
    process_free(first.process);
    end(&second);
}

/* What was created in the snapshot's time and behind it decides as if nothing had been. */
static int replay(void)
{
    const char *args[] = {cluster_db_url(suite_cluster(), "postgres"), NULL};
    return process_run(&(struct process_options){.program = "replay",
                                                 .args = args,
                                                 .log_path = "/tmp/hand_over_replay.log"},
                       REPLAY_MS);
}

static void test_replay(void)
{
    struct place place = place_new(0);
    struct load load = {.place = &place};
    (void)place_worker(&place, "bob", 3);
    struct replica first = first_owner(&place);
    for (int round = 0; round < 3; round++) {
        struct replica next = replica_start();
        suite_direct(SUITE_TASKS, next.grpc);
        process_signal(first.process, SIGTERM);
        CHECK(load_until(&load, is_owner, &next));
        CHECK_I64(process_wait_exit(first.process, PATIENCE_MS), 0);
        if (!CHECK_I64(said(&next, "shard is taken over"), 1))
            print_line(&next, "shard");
        process_free(first.process);
        first = next;
    }
    CHECK_I64(replay(), 0);
    check_kept(&load);
    end(&first);
}

/* The successor dies while it prepares: another one follows. */
static void test_successor_killed(void)
{
    struct place place = place_new(0);
    struct load load = {.place = &place};
    place_fill(&place, MANY); /* preparing takes a while */
    struct replica first = first_owner(&place);
    struct replica others[2] = {replica_start(), replica_start()};
    suite_direct(SUITE_TASKS, first.grpc);
    load_once(&load);
    process_signal(first.process, SIGTERM);
    CHECK(suite_until(is_handing_over, &first, PATIENCE_MS));
    int killed = is_named(&others[0]) || is_owner(&others[0]) ? 0 : 1;
    struct replica *left = &others[1 - killed];
    replica_kill(&others[killed]);
    suite_direct(SUITE_TASKS, left->grpc);
    CHECK(load_until(&load, is_owner, left));
    CHECK_I64(process_wait_exit(first.process, PATIENCE_MS), 0);
    check_kept(&load);
    check_routes(&place);
    process_free(first.process);
    process_free(others[killed].process);
    end(left);
}

/* The owner dies while its successor prepares. */
static void test_owner_killed(void)
{
    struct place place = place_new(0);
    struct load load = {.place = &place};
    place_fill(&place, MANY); /* preparing takes a while */
    struct replica first = first_owner(&place);
    struct replica second = replica_start();
    suite_direct(SUITE_TASKS, second.grpc);
    load_once(&load);
    process_signal(first.process, SIGTERM);
    CHECK(suite_until(is_handing_over, &first, PATIENCE_MS));
    replica_kill(&first);
    CHECK(load_until(&load, is_owner, &second));
    check_kept(&load);
    check_routes(&place);
    process_free(first.process);
    end(&second);
}

/* Rows that the owner does not know of: what a successor prepares from them is not what the owner
 * has, so that it loads when the shard is its own. */
static void test_not_trusted(void)
{
    struct place place = place_new(0);
    struct load load = {.place = &place};
    struct replica first = first_owner(&place);
    struct replica second = replica_start();
    suite_direct(SUITE_TASKS, second.grpc);
    load_once(&load);
    const char *worker = place_worker(&place, "carl", 50);
    CHECK(reservation_of(&place, "workerSid", worker, "PENDING")[0] != '\0');
    place_fill(&place, 10);
    process_signal(first.process, SIGTERM);
    CHECK(suite_until(is_owner, &second, PATIENCE_MS));
    CHECK_I64(process_wait_exit(first.process, PATIENCE_MS), 0);
    load_once(&load);
    CHECK_I64(said(&second, "shard is taken over"), 0);
    CHECK_I64(said(&second, "shard is loaded"), 1);
    CHECK_I64(suite_count("select count(*) from tasks.reservation where worker_sid = '%s'", worker),
              1 + 1 + 1 + 10 + 1);
    process_free(first.process);
    end(&second);
}

static const struct test_case cases[] = {
    {"a log with shards handed over is replayed",                   test_replay          },
    {"a shard is handed over prepared, and nothing is lost",        test_warm            },
    {"a successor that dies while it prepares is followed",         test_successor_killed},
    {"an owner that dies while its successor prepares is followed", test_owner_killed    },
    {"what is not what the owner has is not taken",                 test_not_trusted     },
};

int main(int argc, char **argv)
{
    return suite_main("tasks hand-over", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
