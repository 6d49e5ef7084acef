/*
 * Kills, stops and brings back what the suite and this run have started, and nothing else. On the
 * main thread: children die with the thread that started them.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "rpc/client.h"
#include "run_int.h"

enum {
    READY_MS = 40000,
    TICK_MS = 10,
    DOWN_MIN_MS = 100,
    DOWN_MAX_MS = 1500,
    PAUSE_MAX_MS = 3000,
    TERM_MS = 15000,
    AGAIN_MS = 300,
    LOOK_MS = 50,
    SHOW_EVERY_S = 5,
    ENV_ROOM = 48,
    TOGETHER_PERCENT = 25, /* that a fault is followed by another at once */
};

#define SERVICE_TOKEN "the-service-token-of-the-tests-0123456789"

/* What is down besides tasks-svc, and when it comes back (0 = it is up). */
struct nemesis {
    struct run *run;
    struct rng rng;
    int64_t postgres_back_us;
    int64_t nats_back_us;
    int64_t other_back_us[SUITE_SERVICE_COUNT];
};

/* Every history tells it. */
static void record(struct run *run, const char *kind, const char *key, const char *text,
                   const char *who, int number)
{
    for (int i = 0; i < run->options->shards; i++) {
        json_t *line = history_line(kind);
        (void)json_object_set_new(line, key, json_string(text));
        (void)json_object_set_new(line, "who", json_sprintf("%s %d", who, number));
        history_add(run->scenes[i].history, line);
    }
}

static void record_fault(struct run *run, const char *what, const char *who, int number)
{
    record(run, "fault", "is", what, who, number);
}

/* A service that ended by itself, or that a sanitizer has found at fault. */
static void record_death(struct run *run, const char *who, int number, const char *why)
{
    record(run, "died", "why", why, who, number);
}

static bool log_holds(const struct process *process, const char *text)
{
    FILE *file = fopen(process_log_path(process), "r");
    char line[8192];
    bool is_found = false;
    while (file != NULL && !is_found && fgets(line, (int)sizeof line, file) != NULL)
        is_found = strstr(line, text) != NULL;
    if (file != NULL)
        (void)fclose(file);
    return is_found;
}

/* Before its log goes. */
static void check_log(struct run *run, const char *who, int number, const struct process *process)
{
    static const char *const bad[] = {"Sanitizer", "runtime error:", "INVARIANT", "abort"};
    bool is_clean = true;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        is_clean = is_clean && !log_holds(process, bad[i]);
    if (is_clean)
        return;
    process_print_tail(process, 12000);
    record_death(run, who, number, "its log holds a report of a sanitizer or an invariant");
}

/* ---- replicas of tasks-svc ---- */

static bool is_own_line(const char *env)
{
    return strncmp(env, "TASKROUTER_GRPC_LISTEN=", 23) == 0 ||
           strncmp(env, "TASKROUTER_HTTP_LISTEN=", 23) == 0;
}

static struct process *start_replica(const struct replica *replica)
{
    return process_start(&(struct process_options){.program = "tasks-svc", .env = replica->env});
}

static void make_twin(struct replica *replica)
{
    int port = process_free_port();
    const char **env = ARENA_ARRAY(suite->arena, const char *, ENV_ROOM);
    size_t count = 0;
    INVARIANT(env != NULL);
    for (const char **each = suite->env[SUITE_TASKS]; *each != NULL && count + 3 < ENV_ROOM; each++)
        if (!is_own_line(*each))
            env[count++] = *each;
    replica->http = suite_text("127.0.0.1:%d", process_free_port());
    env[count++] = suite_text("TASKROUTER_HTTP_LISTEN=%s", replica->http);
    env[count++] = suite_text("TASKROUTER_GRPC_LISTEN=127.0.0.1:%d", port);
    replica->env = env;
    replica->client = rpc_client_new(&(struct rpc_client_config){
        .target = suite_text("127.0.0.1:%d", port),
        .peer = "tasks-svc",
        .self = "chaos",
        .token = SERVICE_TOKEN,
    });
    replica->process = start_replica(replica);
}

bool replicas_start(struct run *run)
{
    run->replicas[0] = (struct replica){
        .client = suite->clients[SUITE_TASKS],
        .process = suite->processes[SUITE_TASKS],
        .env = suite->env[SUITE_TASKS],
        .http = suite->http[SUITE_TASKS],
    };
    bool is_ready = true;
    for (int i = 1; i < run->options->replicas; i++)
        make_twin(&run->replicas[i]);
    for (int i = 1; i < run->options->replicas; i++)
        is_ready = is_ready &&
                   process_wait_ready(run->replicas[i].process, run->replicas[i].http, READY_MS);
    return is_ready;
}

void replicas_stop(struct run *run)
{
    for (int i = 1; i < run->options->replicas; i++) {
        struct replica *replica = &run->replicas[i];
        if (replica->process != NULL) {
            int status = process_terminate(replica->process, TERM_MS);
            if (status != 0)
                record_death(run, "tasks-svc", i, "it did not end in good order");
            check_log(run, "tasks-svc", i, replica->process);
        }
        process_free(replica->process);
        rpc_client_free(replica->client);
    }
}

static void set_process(struct run *run, int number, struct process *process)
{
    run->replicas[number].process = process;
    if (number == 0)
        suite->processes[SUITE_TASKS] = process;
}

/* A counted run is one of many short absences. */
static int64_t back_time(struct nemesis *nemesis)
{
    int most_ms = nemesis->run->options->fault_count > 0 ? DOWN_MAX_MS / 4 : DOWN_MAX_MS;
    return clock_mono_us() +
           (DOWN_MIN_MS + rng_below(&nemesis->rng, most_ms - DOWN_MIN_MS)) * US_PER_MS;
}

static void end_replica(struct nemesis *nemesis, int number, int signal)
{
    struct run *run = nemesis->run;
    struct replica *replica = &run->replicas[number];
    if (replica->back_at_us != 0)
        return;
    record_fault(run, signal == SIGKILL ? "kill" : "term", "tasks-svc", number);
    process_signal(replica->process, SIGCONT);
    process_signal(replica->process, signal);
    int status = process_wait_exit(replica->process, TERM_MS);
    /* A process that has only just begun does not listen yet, and simply ends; and one that finds
     * no database ends with that. */
    bool is_fair = status == 0 ||
                   (status == 128 + SIGTERM && !log_holds(replica->process, "\"msg\":\"")) ||
                   log_holds(replica->process, "could not start");
    if (signal == SIGTERM && !is_fair) {
        process_print_tail(replica->process, 4000);
        record_death(run, "tasks-svc", number, "SIGTERM did not end it in good order");
    }
    replica->cont_at_us = 0;
    replica->back_at_us = back_time(nemesis);
}

static void pause_replica(struct nemesis *nemesis, int number)
{
    struct replica *replica = &nemesis->run->replicas[number];
    if (replica->back_at_us != 0 || replica->cont_at_us != 0)
        return;
    record_fault(nemesis->run, "pause", "tasks-svc", number);
    process_signal(replica->process, SIGSTOP);
    replica->cont_at_us =
        clock_mono_us() + (200 + rng_below(&nemesis->rng, PAUSE_MAX_MS - 200)) * US_PER_MS;
}

/* By the metrics of those that run; anyone when nobody says. */
static int owner_of_shard(struct run *run, int shard)
{
    static char text[262144];
    char want[64];
    (void)snprintf(want, sizeof want, "\ntaskrouter_shard_owner{shard=\"%d\"} 1", shard);
    for (int i = 0; i < run->options->replicas; i++) {
        if (run->replicas[i].back_at_us != 0 || run->replicas[i].cont_at_us != 0)
            continue;
        if (process_http_get(run->replicas[i].http, "/metrics", text, sizeof text) != 200)
            continue;
        if (strstr(text, want) != NULL)
            return i;
    }
    return rng_below(&(struct rng){(uint64_t)clock_mono_us()}, run->options->replicas);
}

/* ---- faults ---- */

static void kill_server(struct nemesis *nemesis, enum cluster_part part, int64_t *back_us)
{
    if (*back_us != 0)
        return;
    record_fault(nemesis->run, "kill", part == CLUSTER_POSTGRES ? "postgres" : "nats", 0);
    cluster_kill(suite_cluster(), part);
    *back_us = back_time(nemesis);
}

static void kill_other(struct nemesis *nemesis)
{
    static const enum suite_service others[] = {SUITE_WORKERS, SUITE_QUEUES, SUITE_ROUTING};
    static const char *const names[] = {"workers-svc", "queues-svc", "routing-svc"};
    int which = rng_below(&nemesis->rng, (int)ARRAY_LEN(others));
    enum suite_service service = others[which];
    if (nemesis->other_back_us[service] != 0)
        return;
    record_fault(nemesis->run, "kill", names[which], 0);
    process_signal(suite->processes[service], SIGKILL);
    (void)process_wait_exit(suite->processes[service], TERM_MS);
    nemesis->other_back_us[service] = back_time(nemesis);
}

static enum chaos_fault draw(struct nemesis *nemesis)
{
    enum chaos_fault drawn = FAULT_NONE;
    unsigned wanted = nemesis->run->options->faults;
    while (wanted != 0 && drawn == FAULT_NONE)
        drawn = (enum chaos_fault)((1U << (unsigned)rng_below(&nemesis->rng, 7)) & wanted);
    return drawn;
}

static bool is_ready(const char *http)
{
    return process_http_get(http, "/readyz", NULL, 0) == 200;
}

/* Whether somebody is there to take over: else the time that it takes says nothing. */
static bool are_replicas_ready(const struct run *run)
{
    bool is_so = true;
    for (int i = 0; i < run->options->replicas && is_so; i++)
        is_so = run->replicas[i].back_at_us == 0 && run->replicas[i].cont_at_us == 0 &&
                is_ready(run->replicas[i].http);
    return is_so;
}

/* False when it is not the time for what was drawn. */
static bool strike(struct nemesis *nemesis)
{
    struct run *run = nemesis->run;
    int replica = rng_below(&nemesis->rng, run->options->replicas);
    enum chaos_fault fault = draw(nemesis);
    if (fault == FAULT_KILL_OWNER && !are_replicas_ready(run))
        return false;
    run->faults++;
    switch (fault) {
    case FAULT_KILL_TASKS:
        end_replica(nemesis, replica, SIGKILL);
        break;
    case FAULT_KILL_OWNER:
        end_replica(nemesis, owner_of_shard(run, rng_below(&nemesis->rng, run->options->shards)),
                    SIGKILL);
        break;
    case FAULT_TERM_TASKS:
        end_replica(nemesis, replica, SIGTERM);
        break;
    case FAULT_PAUSE_TASKS:
        pause_replica(nemesis, replica);
        break;
    case FAULT_KILL_POSTGRES:
        kill_server(nemesis, CLUSTER_POSTGRES, &nemesis->postgres_back_us);
        break;
    case FAULT_KILL_NATS:
        kill_server(nemesis, CLUSTER_NATS, &nemesis->nats_back_us);
        break;
    case FAULT_KILL_OTHERS:
        kill_other(nemesis);
        break;
    case FAULT_NONE:
    case FAULT_ALL:
        break;
    }
    return true;
}

/* ---- bringing back ---- */

/* A service that finds no database when it starts says so and ends, for whoever started it to try
 * again; anything else that ends by itself is a fault of its own. */
static void note_end(struct run *run, const char *who, int number, struct process *process)
{
    if (log_holds(process, "could not start")) {
        record_fault(run, "no start", who, number);
        return;
    }
    process_print_tail(process, 4000);
    record_death(run, who, number, "it ended by itself");
}

static bool is_due(int64_t at_us, bool is_all)
{
    return at_us != 0 && (is_all || clock_mono_us() >= at_us);
}

static void revive_replica(struct nemesis *nemesis, int number, bool is_all)
{
    struct run *run = nemesis->run;
    struct replica *replica = &run->replicas[number];
    if (is_due(replica->cont_at_us, is_all)) {
        record_fault(run, "continue", "tasks-svc", number);
        process_signal(replica->process, SIGCONT);
        replica->cont_at_us = 0;
    }
    if (replica->back_at_us == 0 && !process_is_alive(replica->process)) {
        note_end(run, "tasks-svc", number, replica->process);
        replica->back_at_us = clock_mono_us() + AGAIN_MS * US_PER_MS;
    }
    if (!is_due(replica->back_at_us, is_all))
        return;
    record_fault(run, "start", "tasks-svc", number);
    check_log(run, "tasks-svc", number, replica->process);
    process_free(replica->process);
    set_process(run, number, start_replica(replica));
    replica->back_at_us = 0;
}

static const char *const programs[SUITE_SERVICE_COUNT] = {
    [SUITE_WORKERS] = "workers-svc",
    [SUITE_QUEUES] = "queues-svc",
    [SUITE_ROUTING] = "routing-svc",
};

static void revive_other(struct nemesis *nemesis, enum suite_service service, bool is_all)
{
    struct run *run = nemesis->run;
    if (nemesis->other_back_us[service] == 0 && !process_is_alive(suite->processes[service])) {
        note_end(run, programs[service], 0, suite->processes[service]);
        nemesis->other_back_us[service] = clock_mono_us() + AGAIN_MS * US_PER_MS;
    }
    if (!is_due(nemesis->other_back_us[service], is_all))
        return;
    record_fault(run, "start", programs[service], 0);
    check_log(run, programs[service], 0, suite->processes[service]);
    process_free(suite->processes[service]);
    suite->processes[service] = process_start(
        &(struct process_options){.program = programs[service], .env = suite->env[service]});
    nemesis->other_back_us[service] = 0;
}

/* PostgreSQL first: the services would not start without it. */
static void revive(struct nemesis *nemesis, bool is_all)
{
    struct run *run = nemesis->run;
    if (is_due(nemesis->postgres_back_us, is_all)) {
        record_fault(run, "start", "postgres", 0);
        cluster_restart(suite_cluster(), CLUSTER_POSTGRES);
        nemesis->postgres_back_us = 0;
    }
    if (is_due(nemesis->nats_back_us, is_all)) {
        record_fault(run, "start", "nats", 0);
        cluster_restart(suite_cluster(), CLUSTER_NATS);
        nemesis->nats_back_us = 0;
    }
    for (int i = 0; i < run->options->replicas; i++)
        revive_replica(nemesis, i, is_all);
    revive_other(nemesis, SUITE_WORKERS, is_all);
    revive_other(nemesis, SUITE_QUEUES, is_all);
    revive_other(nemesis, SUITE_ROUTING, is_all);
}

/* ---- the load's time ---- */

static void show_progress(const struct run *run, int64_t began_us)
{
    FILE *out = run->options->progress;
    (void)fprintf(out, "%4lld s  %lld changes acknowledged, %lld faults, longest gap %lld ms\n",
                  (long long)((clock_mono_us() - began_us) / US_PER_S),
                  (long long)__atomic_load_n(&run->acks, __ATOMIC_SEQ_CST), (long long)run->faults,
                  (long long)(__atomic_load_n(&run->longest_gap_us, __ATOMIC_SEQ_CST) / US_PER_MS));
    (void)fflush(out);
}

static bool goes_on(const struct run *run, int64_t began_us)
{
    const struct chaos_options *options = run->options;
    bool is_over = options->is_over != NULL && run_flag(options->is_over);
    bool is_enough = options->fault_count > 0 && run->faults >= options->fault_count;
    return !is_over && !is_enough && clock_mono_us() < began_us + options->load_ms * US_PER_MS;
}

static int64_t next_strike(struct nemesis *nemesis)
{
    int every = nemesis->run->options->fault_every_ms;
    return clock_mono_us() + (every / 2 + rng_below(&nemesis->rng, every)) * US_PER_MS;
}

static bool is_healed(const struct run *run)
{
    bool is_so = is_ready(suite->http[SUITE_WORKERS]) && is_ready(suite->http[SUITE_QUEUES]) &&
                 is_ready(suite->http[SUITE_ROUTING]);
    return is_so && are_replicas_ready(run);
}

static bool heal(struct nemesis *nemesis)
{
    int64_t until = clock_mono_us() + READY_MS * US_PER_MS;
    revive(nemesis, true);
    while (!is_healed(nemesis->run) && clock_mono_us() < until) {
        process_sleep_ms(LOOK_MS);
        revive(nemesis, true);
    }
    return is_healed(nemesis->run);
}

bool nemesis_load(struct run *run)
{
    struct nemesis nemesis = {.run = run, .rng = {run->options->seed ^ UINT64_C(0x6E656D)}};
    int64_t began_us = clock_mono_us();
    int64_t strike_us = next_strike(&nemesis);
    int64_t show_us = 0;
    while (goes_on(run, began_us)) {
        int64_t now_us = clock_mono_us();
        if (run->options->progress != NULL && now_us >= show_us) {
            show_progress(run, began_us);
            show_us = now_us + SHOW_EVERY_S * US_PER_S;
        }
        revive(&nemesis, false);
        if (now_us >= strike_us) {
            bool has_struck = false;
            do
                has_struck = strike(&nemesis);
            while (has_struck && run->options->fault_count == 0 &&
                   rng_hits(&nemesis.rng, TOGETHER_PERCENT));
            strike_us = has_struck ? next_strike(&nemesis) : now_us + LOOK_MS * US_PER_MS;
        }
        process_sleep_ms(TICK_MS);
    }
    return heal(&nemesis);
}
