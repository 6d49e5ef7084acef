/*
 * Lives of tasks per second through the real programs, on a private PostgreSQL and NATS:
 * suite_bench [seconds [lives outstanding [paced tasks per second [the rivals' seconds]]]]. A life
 * is CreateTask, its offer (in the reply when it is made at once, else asked for),
 * AcceptReservation, CompleteTask: unary gRPC, every change durable, every event published. Beside
 * it, on the same servers before and after: single-row inserts of pgbench's 32 clients, and the
 * life by hand through libpq.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"
#include "base/parse.h"
#include "h2.h"
#include "nats_life.h"
#include "phases.h"
#include "pq_life.h"
#include "suite_int.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "tasks_fixture.h"

#define API "/taskrouter.tasks.v1.Tasks/"

enum {
    WORKERS = 32,
    CAPACITY = 50,
    SLOTS_MAX = 1024,
    MESSAGE_BYTES = 512,
    MAX_LATENCIES = 4 << 20,
    PGBENCH_MS = 60000,
    WARM_UP_MS = 1000,
    DRAIN_MS = 5000,
    ASK_AGAIN_US = 1000,
    PACED_MS = 10000,
    TICK_US = 1000,
    LIFE_EVENTS = 8, /* that are published for each */
};

/* The arguments. */
static int64_t seconds = 60;
static int64_t outstanding = 256;
static int64_t paced = 1000;
static int64_t rival_s = 8;

enum step { STEP_IDLE, STEP_CREATE, STEP_ASK, STEP_ACCEPT, STEP_COMPLETE };

struct life {
    enum step step;
    int64_t began_us;
    int64_t ask_us; /* when to ask for the offer again; 0 = asked */
    char task[SID_SIZE];
    char offer[SID_SIZE];
};

struct load {
    const struct place *place;
    struct h2 *h2;
    struct life lives[SLOTS_MAX];
    unsigned idle[SLOTS_MAX]; /* free slots */
    size_t idle_count;
    int64_t measure_from_us;
    int64_t stop_us;
    int64_t done;
    int64_t failures;
    int64_t asked;    /* offers that did not come with the reply */
    uint32_t *offers; /* create to offer, us */
    size_t offer_count;
};

/* ---- messages ---- */

/* The text of a field of the message; "" when absent. */
static void field_text(struct str message, unsigned field, char out[SID_SIZE])
{
    const unsigned char *at = (const unsigned char *)message.ptr;
    const unsigned char *end = at + message.len;
    out[0] = '\0';
    while (at < end) {
        uint64_t head[2] = {0}; /* key, and number or length */
        for (int i = 0; i < 2; i++) {
            for (unsigned shift = 0; at < end; shift += 7) {
                head[i] |= (uint64_t)(*at & 0x7F) << shift;
                if (*at++ < 0x80)
                    break;
            }
        }
        if ((head[0] & 7) != 2)
            continue;
        size_t len = (size_t)head[1];
        if (len > (size_t)(end - at))
            return;
        if (head[0] >> 3 == field && len < SID_SIZE) {
            memcpy(out, at, len);
            out[len] = '\0';
            return;
        }
        at += len;
    }
}

static void send_message(struct load *load, unsigned slot, const char *path,
                         const ProtobufCMessage *message)
{
    uint8_t bytes[MESSAGE_BYTES];
    INVARIANT(protobuf_c_message_get_packed_size(message) <= sizeof bytes);
    size_t len = protobuf_c_message_pack(message, bytes);
    h2_call(load->h2, path, slot, (struct str){(const char *)bytes, len});
}

/* ---- a life ---- */

static void life_create(struct load *load, unsigned slot)
{
    Taskrouter__Tasks__V1__CreateTaskRequest request =
        TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST__INIT;
    char attributes[] = "{\"type\":\"permit\",\"level\":3,\"language\":\"en\"}";
    request.workspace_sid = (char *)(uintptr_t)load->place->workspace;
    request.attributes = attributes;
    load->lives[slot] = (struct life){.step = STEP_CREATE, .began_us = clock_mono_us()};
    send_message(load, slot, API "CreateTask", &request.base);
}

static void life_ask(struct load *load, unsigned slot)
{
    Taskrouter__Tasks__V1__ListReservationsRequest request =
        TASKROUTER__TASKS__V1__LIST_RESERVATIONS_REQUEST__INIT;
    request.workspace_sid = (char *)(uintptr_t)load->place->workspace;
    request.task_sid = load->lives[slot].task;
    load->lives[slot].step = STEP_ASK;
    load->lives[slot].ask_us = 0;
    load->asked++;
    send_message(load, slot, API "ListReservations", &request.base);
}

static void life_accept(struct load *load, unsigned slot)
{
    Taskrouter__Tasks__V1__ReservationActionRequest request =
        TASKROUTER__TASKS__V1__RESERVATION_ACTION_REQUEST__INIT;
    request.workspace_sid = (char *)(uintptr_t)load->place->workspace;
    request.sid = load->lives[slot].offer;
    load->lives[slot].step = STEP_ACCEPT;
    send_message(load, slot, API "AcceptReservation", &request.base);
}

static void life_complete(struct load *load, unsigned slot)
{
    Taskrouter__Tasks__V1__TaskActionRequest request =
        TASKROUTER__TASKS__V1__TASK_ACTION_REQUEST__INIT;
    char reason[] = "done";
    request.workspace_sid = (char *)(uintptr_t)load->place->workspace;
    request.sid = load->lives[slot].task;
    request.reason = reason;
    load->lives[slot].step = STEP_COMPLETE;
    send_message(load, slot, API "CompleteTask", &request.base);
}

static void life_offered(struct load *load, unsigned slot)
{
    int64_t now = clock_mono_us();
    if (now >= load->measure_from_us && now < load->stop_us && load->offer_count < MAX_LATENCIES)
        load->offers[load->offer_count++] = (uint32_t)(now - load->lives[slot].began_us);
    life_accept(load, slot);
}

static void life_end(struct load *load, unsigned slot)
{
    load->lives[slot].step = STEP_IDLE;
    load->idle[load->idle_count++] = slot;
}

static void on_reply(void *ctx, unsigned slot, struct str message)
{
    struct load *load = ctx;
    struct life *life = &load->lives[slot];
    if (message.ptr == NULL) {
        load->failures++;
        life_end(load, slot);
        return;
    }
    switch (life->step) {
    case STEP_IDLE:
        break;
    case STEP_CREATE:
        field_text(message, 1, life->task);
        field_text(message, 27, life->offer);
        if (life->offer[0] != '\0')
            life_offered(load, slot);
        else
            life_ask(load, slot);
        break;
    case STEP_ASK:
        if (message.len > 2 + SID_LEN) { /* items, its length, its sid */
            size_t head = 1;
            while ((message.ptr[head] & 0x80) != 0)
                head++;
            field_text((struct str){message.ptr + head + 1, message.len - head - 1}, 1,
                       life->offer);
            life_offered(load, slot);
        } else {
            life->ask_us = clock_mono_us() + ASK_AGAIN_US;
        }
        break;
    case STEP_ACCEPT:
        life_complete(load, slot);
        break;
    case STEP_COMPLETE: {
        int64_t now = clock_mono_us();
        if (now >= load->measure_from_us && now < load->stop_us)
            load->done++;
        life_end(load, slot);
        break;
    }
    }
}

static void ask_again(struct load *load, size_t slots)
{
    int64_t now = clock_mono_us();
    for (size_t i = 0; i < slots; i++) {
        if (load->lives[i].step == STEP_ASK && load->lives[i].ask_us != 0 &&
            load->lives[i].ask_us <= now)
            life_ask(load, (unsigned)i);
    }
}

/* Lives for so long, all slots busy (per_s 0) or begun at that rate; what is under way ends. */
static void load_run(struct load *load, size_t slots, int64_t per_s, int64_t measure_ms)
{
    load->idle_count = 0;
    for (size_t i = slots; i > 0; i--)
        load->idle[load->idle_count++] = (unsigned)i - 1;
    load->done = 0;
    load->failures = 0;
    load->asked = 0;
    load->offer_count = 0;
    int64_t began_us = clock_mono_us();
    load->measure_from_us = began_us + WARM_UP_MS * US_PER_MS;
    load->stop_us = load->measure_from_us + measure_ms * US_PER_MS;
    int64_t begun = 0;
    for (int64_t now = began_us; now < load->stop_us + DRAIN_MS * US_PER_MS;
         now = clock_mono_us()) {
        bool goes_on = now < load->stop_us;
        int64_t due = per_s == 0 ? INT64_MAX : (now - began_us) * per_s / US_PER_S;
        while (goes_on && load->idle_count > 0 && begun < due) {
            life_create(load, load->idle[--load->idle_count]);
            begun++;
        }
        ask_again(load, slots);
        if (!goes_on && load->idle_count == slots)
            break;
        REQUIRE(h2_run(load->h2, per_s == 0 ? TICK_US * 10 : TICK_US / 4));
    }
    load->failures += (int64_t)(slots - load->idle_count);
}

/* ---- rivals ---- */

static bool psql(const char *sql)
{
    return cluster_sql(suite_cluster(), sql);
}

/* Single-row inserts per second of 32 clients; the row is as long as a small task. */
static double inserts_per_s(void)
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
    const char *args[] = {"-n",
                          "-h",
                          suite_text("%s/socket", dir),
                          "-U",
                          "postgres",
                          "-f",
                          script,
                          "-c",
                          "32",
                          "-j",
                          "2",
                          "-T",
                          suite_text("%lld", (long long)rival_s),
                          "-M",
                          "prepared",
                          "taskrouter",
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

/* ---- who used the processors ---- */

enum part { PART_POSTGRES, PART_NATS, PART_TASKS, PART_OTHERS, PART_CLIENT, PART_COUNT };

static const char *const part_names[PART_COUNT] = {"postgres", "nats", "tasks-svc", "others",
                                                   "client"};

struct process_row {
    long pid;
    long parent;
    char name[32];
    int64_t us;          /* its processor time */
    int64_t children_us; /* of children that ended */
};

/* False when there is no such process, or its name in /proc is no number. */
static bool process_read(const char *pid, struct process_row *out)
{
    char path[300];
    char text[1024] = "";
    int64_t tick_us = US_PER_S / sysconf(_SC_CLK_TCK);
    (void)snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = isdigit((unsigned char)pid[0]) ? fopen(path, "r") : NULL;
    if (file == NULL)
        return false;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    char *rest = strrchr(text, ')');
    char *name = strchr(text, '(');
    if (rest == NULL || name == NULL)
        return false;
    *rest = '\0';
    long long ticks[4] = {0};
    if (sscanf(rest + 2, "%*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld",
               &out->parent, &ticks[0], &ticks[1], &ticks[2], &ticks[3]) != 5)
        return false;
    out->pid = strtol(pid, NULL, 10);
    (void)snprintf(out->name, sizeof out->name, "%s", name + 1);
    out->us = (ticks[0] + ticks[1]) * tick_us;
    out->children_us = (ticks[2] + ticks[3]) * tick_us;
    return true;
}

static void cpu_add(const struct process_row *row, long postmaster, int64_t out_us[PART_COUNT])
{
    if (row->pid == (long)getpid())
        out_us[PART_CLIENT] += row->us;
    else if (row->pid == postmaster)
        out_us[PART_POSTGRES] += row->us + row->children_us;
    else if (row->parent == postmaster)
        out_us[PART_POSTGRES] += row->us;
    else if (row->parent != (long)getpid())
        return; /* somebody else's */
    else if (strcmp(row->name, "nats-server") == 0)
        out_us[PART_NATS] += row->us;
    else if (strcmp(row->name, "tasks-svc") == 0)
        out_us[PART_TASKS] += row->us;
    else
        out_us[PART_OTHERS] += row->us;
}

/* Adds the processor time of every process of ours to its part; others may run PostgreSQL too. */
static void cpu_read(int64_t out_us[PART_COUNT])
{
    struct process_row row;
    long postmaster = -1;
    memset(out_us, 0, PART_COUNT * sizeof *out_us);
    DIR *dir = opendir("/proc");
    CHECK(dir != NULL);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (process_read(entry->d_name, &row) && row.parent == (long)getpid() &&
            strcmp(row.name, "postgres") == 0)
            postmaster = row.pid;
    }
    rewinddir(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (process_read(entry->d_name, &row))
            cpu_add(&row, postmaster, out_us);
    }
    (void)closedir(dir);
}

/* ---- output ---- */

static int latency_cmp(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t percentile(struct load *load, size_t percent)
{
    qsort(load->offers, load->offer_count, sizeof *load->offers, latency_cmp);
    return load->offer_count == 0 ? 0 : load->offers[load->offer_count * percent / 100];
}

static void line(const char *what, const char *format, ...) PRINTF_LIKE(2, 3);

static void line(const char *what, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)printf("\n= %-44s ", what);
    (void)vprintf(format, args);
    va_end(args);
    (void)fflush(stdout);
}

static const char *env_of(const char *name)
{
    for (const char **each = suite->env[SUITE_TASKS]; *each != NULL; each++) {
        size_t len = strlen(name);
        if (strncmp(*each, name, len) == 0 && (*each)[len] == '=')
            return *each + len + 1;
    }
    return "";
}

/* The life's two stores by hand, and the processor time of both: no router, no RPC, no JSON. Behind
 * the measured load, which says how large a message is. */
static double by_hand_after(const char *url)
{
    int64_t at[3][PART_COUNT];
    int64_t lives = 0;
    size_t bytes = 0;
    cpu_read(at[0]);
    double per_s = pq_lives_per_s(url, (int)rival_s * 1000, &lives);
    cpu_read(at[1]);
    int64_t messages =
        nats_messages(cluster_nats_url(suite_cluster()), (int)rival_s * 1000, &bytes);
    cpu_read(at[2]);
    CHECK(lives > 0 && messages > 0);
    double rows_us = (double)(at[1][PART_POSTGRES] - at[0][PART_POSTGRES] + at[1][PART_CLIENT] -
                              at[0][PART_CLIENT]) /
                     (double)lives;
    double message_us =
        (double)(at[2][PART_NATS] - at[1][PART_NATS] + at[2][PART_CLIENT] - at[1][PART_CLIENT]) /
        (double)messages;
    line("processor time by hand, a life's rows", "%.1f us", rows_us);
    line("processor time by hand, a message", "%.1f us (%zu bytes); a life has %d: %.1f us",
         message_us, bytes, LIFE_EVENTS, message_us * LIFE_EVENTS);
    return per_s;
}

static double measure(struct load *load)
{
    int64_t before[PART_COUNT];
    int64_t after[PART_COUNT];
    cpu_read(before);
    load_run(load, (size_t)outstanding, 0, seconds * 1000);
    cpu_read(after);
    CHECK_I64(load->failures, 0);
    double per_s = (double)load->done / (double)seconds;
    line("lives/s", "%.0f (%lld outstanding, %lld s)", per_s, (long long)outstanding,
         (long long)seconds);
    line("create to offer under that load, p50 / p99", "%.1f / %.1f ms",
         percentile(load, 50) / 1000.0, percentile(load, 99) / 1000.0);
    if (load->asked > 0)
        line("offers asked for", "%lld", (long long)load->asked);
    double lives =
        (double)load->done * (double)(seconds * 1000 + WARM_UP_MS) / (double)(seconds * 1000);
    double all = 0;
    for (int i = 0; i < PART_COUNT; i++) {
        double us = (double)(after[i] - before[i]) / (lives < 1 ? 1 : lives);
        all += us;
        line(suite_text("processor time per life, %s", part_names[i]), "%.1f us", us);
    }
    line("processor time per life, all", "%.1f us", all);
    return per_s;
}

static void tell_phases(const struct phases *before)
{
    struct phases after;
    if (!phases_read(suite->http[SUITE_TASKS], &after))
        return;
    for (size_t i = 0; i < after.count; i++) {
        struct phase phase = phase_since(before, &after.phases[i]);
        line(suite_text("  %s, mean / p50 / p99 below", phase.name),
             "%.2f / %.2f / %.2f ms (%lld times)",
             phase.count == 0 ? 0 : phase.sum_s * 1000 / (double)phase.count,
             phase_quantile_ms(&phase, 0.5), phase_quantile_ms(&phase, 0.99),
             (long long)phase.count);
    }
}

static void test_lives(void)
{
    struct place place = place_new(0);
    for (int i = 0; i < WORKERS; i++)
        (void)place_worker(&place, suite_text("worker %d", i), CAPACITY);
    events_close(suite->events); /* nobody else listens */
    suite->events = NULL;
    const char *fields[] = {"authorization",
                            suite_text("Bearer %s", env_of("TASKROUTER_SERVICE_TOKEN")),
                            "x-tr-actor",
                            suite_supervisor.actor_sid,
                            "x-tr-account",
                            ACCOUNT,
                            "x-tr-role",
                            "supervisor",
                            NULL};
    const char *port = strrchr(env_of("TASKROUTER_GRPC_LISTEN"), ':');
    struct load *load = xcalloc(1, sizeof *load);
    load->place = &place;
    load->offers = xcalloc(MAX_LATENCIES, sizeof *load->offers);
    load->h2 = h2_open((int)strtol(port + 1, NULL, 10), fields, on_reply, load);
    REQUIRE(load->h2 != NULL);
    REQUIRE(psql("create table bench_row (id bigserial primary key, text text)"));
    const char *url = cluster_db_url(suite_cluster(), "postgres");
    double inserts[2];
    double by_hand[2];
    inserts[0] = inserts_per_s();
    int64_t lives = 0;
    by_hand[0] = pq_lives_per_s(url, (int)rival_s * 1000, &lives);
    double per_s = measure(load);
    CHECK(is_log_published());
    struct phases before;
    CHECK(phases_read(suite->http[SUITE_TASKS], &before));
    load_run(load, SLOTS_MAX, paced, PACED_MS);
    CHECK_I64(load->failures, 0);
    line(suite_text("create to offer at %lld tasks/s, p50 / p99", (long long)paced),
         "%.2f / %.2f ms (%zu offers)", percentile(load, 50) / 1000.0,
         percentile(load, 99) / 1000.0, load->offer_count);
    tell_phases(&before);
    CHECK(is_log_published());
    by_hand[1] = by_hand_after(url);
    inserts[1] = inserts_per_s();
    double insert = (inserts[0] + inserts[1]) / 2;
    double hand = (by_hand[0] + by_hand[1]) / 2;
    line("pgbench, single-row inserts/s, 32 clients", "%.0f, after %.0f", inserts[0], inserts[1]);
    line("life by hand through libpq, lives/s", "%.0f, after %.0f", by_hand[0], by_hand[1]);
    line("lives per insert", "%.2f", per_s / insert);
    line("lives per life by hand", "%.2f", per_s / hand);
    CHECK(is_log_whole());
    h2_close(load->h2);
    free(load->offers);
    free(load);
}

static const struct test_case cases[] = {
    {"lives", test_lives}
};

int main(int argc, char **argv)
{
    int64_t *const options[] = {&seconds, &outstanding, &paced, &rival_s};
    static const int64_t most[] = {3600, SLOTS_MAX, 100000, 60};
    for (int i = 1; i < argc; i++) {
        if (i > 4 || !parse_i64(str_from(argv[i]), 1, most[i - 1], options[i - 1])) {
            (void)fprintf(
                stderr,
                "usage: suite_bench [seconds [outstanding [paced per s [rivals' seconds]]]]\n");
            return 2;
        }
    }
    return suite_main("suite", TASKS_SET, cases, ARRAY_LEN(cases), 1, argv);
}
