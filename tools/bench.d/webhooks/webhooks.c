/*
 * Signed events of a Twilio workspace at a steady rate: webhooks_bench [events per second
 * [seconds]]. Each is one POST over a kept connection, sent when it is due whatever became of the
 * others; the time counts from then to the last byte of the answer. Twice: stored only, and while
 * the gateway has sync-svc work on them (they are of a workspace that is not mirrored, so that what
 * is measured is the inbox and its consumers).
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"
#include "base/parse.h"
#include "cluster.h"
#include "process.h"
#include "twilio/signature.h"

#define ACCOUNT       "AC00000000000000000000000000000001"
#define TOKEN         "0123456789abcdef0123456789abcdef"
#define SERVICE_TOKEN "the-service-token-of-the-bench-0123456789"
#define PUBLIC        "https://hooks.example.com"
#define PATH          "/api/webhooks/taskrouter"

enum {
    CONNECTIONS = 64,
    LANES = 200, /* tasks that the events are about */
    ENV_MAX = 24,
    TEXT_MAX = 256,
    REPLY_BYTES = 4096,
    START_MS = 30000,
    STOP_MS = 15000,
    WARM_UP_S = 2,
};

enum program { GATEWAY, WORKERS, SYNC, PROGRAMS };

static const struct {
    const char *program;
    const char *role;
} programs[PROGRAMS] = {
    [GATEWAY] = {"gateway",     "gateway"},
    [WORKERS] = {"workers-svc", "workers"},
    [SYNC] = {"sync-svc",    "sync"   },
};

static int64_t rate = 500;
static int64_t seconds = 20;
static struct cluster *cluster;
static struct process *processes[PROGRAMS];
static int http_ports[PROGRAMS];
static int grpc_ports[PROGRAMS];

/* ---- programs ---- */

/* Texts are never freed: there are few. */
static const char *env_text(const char *name, const char *value)
{
    char *text = xcalloc(1, TEXT_MAX);
    (void)snprintf(text, TEXT_MAX, "%s=%s", name, value);
    return text;
}

static const char *address(int port)
{
    char *text = xcalloc(1, TEXT_MAX);
    (void)snprintf(text, TEXT_MAX, "127.0.0.1:%d", port);
    return text;
}

static void environment(enum program program, const char *consumers, const char *env[ENV_MAX])
{
    size_t n = 0;
    const char *nobody = address(process_free_port());
    env[n++] = env_text("TASKROUTER_DATABASE_URL", cluster_db_url(cluster, programs[program].role));
    env[n++] = env_text("TASKROUTER_NATS_URL", cluster_nats_url(cluster));
    env[n++] = env_text("TASKROUTER_SERVICE_TOKEN", SERVICE_TOKEN);
    env[n++] = env_text("TASKROUTER_GRPC_LISTEN", address(grpc_ports[program]));
    env[n++] = env_text("TASKROUTER_HTTP_LISTEN", address(http_ports[program]));
    env[n++] = env_text("TASKROUTER_GRPC_GATEWAY", address(grpc_ports[GATEWAY]));
    env[n++] = env_text("TASKROUTER_GRPC_WORKERS", address(grpc_ports[WORKERS]));
    env[n++] = env_text("TASKROUTER_GRPC_SYNC", address(grpc_ports[SYNC]));
    env[n++] = env_text("TASKROUTER_GRPC_QUEUES", nobody);
    env[n++] = env_text("TASKROUTER_GRPC_ROUTING", nobody);
    env[n++] = env_text("TASKROUTER_GRPC_TASKS", nobody);
    env[n++] = env_text("TASKROUTER_ACCOUNT_SID", ACCOUNT);
    env[n++] = env_text("TASKROUTER_AUTH_TOKEN", TOKEN);
    env[n++] = env_text("TASKROUTER_PUBLIC_URL", PUBLIC);
    env[n++] = env_text("TASKROUTER_WEBHOOK_CONSUMERS", consumers);
    env[n] = NULL;
    INVARIANT(n < ENV_MAX);
}

static void migrate(enum program program)
{
    static const char *const args[] = {"--migrate", NULL};
    const char *env[ENV_MAX];
    environment(program, "0", env);
    int status = process_run(&(struct process_options){.program = programs[program].program,
                                                       .args = args,
                                                       .env = env,
                                                       .dir = cluster_dir(cluster)},
                             START_MS);
    INVARIANT(status == 0);
}

static void start(enum program program, const char *consumers)
{
    const char *env[ENV_MAX];
    environment(program, consumers, env);
    processes[program] = process_start(&(struct process_options){
        .program = programs[program].program, .env = env, .dir = cluster_dir(cluster)});
    if (!process_wait_ready(processes[program], address(http_ports[program]), START_MS))
        exit(1);
}

static void stop(enum program program)
{
    if (process_terminate(processes[program], STOP_MS) != 0) {
        process_print_tail(processes[program], 4000);
        exit(1);
    }
    process_free(processes[program]);
}

/* ---- load ---- */

struct load {
    struct buf *requests; /* made and signed before */
    int64_t *took_us;
    size_t count;
    int64_t began_us;
    atomic_size_t next;
    atomic_size_t refused;
};

#define PARAM(name, value) ((struct twilio_param){STR(name), value})

/* As large as a real event of a reservation. */
static void request_make(size_t index, struct buf *out)
{
    static const struct str attributes = {
        "{\"type\":\"inbound\",\"from\":\"+15550001111\",\"department\":\"permits\",\"notes\":"
        "\"what the caller said, in about so many words\"}",
        117};
    char task[SID_SIZE];
    char signature[TWILIO_SIGNATURE_SIZE];
    struct sid event = sid_new("EV");
    struct buf form;
    (void)snprintf(task, sizeof task, "WT%032zx", index % LANES);
    const struct twilio_param params[] = {
        PARAM("EventType", STR("reservation.created")),
        PARAM("AccountSid", STR(ACCOUNT)),
        PARAM("WorkspaceSid", STR("WS00000000000000000000000000000001")),
        PARAM("Sid", str_from(event.text)),
        PARAM("TimestampMs", STR("1790000000000")),
        PARAM("TaskSid", str_from(task)),
        PARAM("TaskAttributes", attributes),
        PARAM("TaskPriority", STR("0")),
        PARAM("TaskAssignmentStatus", STR("reserved")),
        PARAM("TaskQueueSid", STR("WQ00000000000000000000000000000001")),
        PARAM("WorkflowSid", STR("WW00000000000000000000000000000001")),
        PARAM("ReservationSid", STR("WR00000000000000000000000000000001")),
        PARAM("WorkerSid", STR("WK00000000000000000000000000000001")),
        PARAM("WorkerAttributes", attributes),
    };
    enum err_code code =
        twilio_sign(STR(TOKEN), STR(PUBLIC PATH), params, ARRAY_LEN(params), signature, NULL);
    INVARIANT(code == ERR_OK);
    buf_init(&form, 0);
    twilio_form_encode(&form, params, ARRAY_LEN(params));
    buf_init(out, 0);
    buf_printf(out,
               "POST " PATH " HTTP/1.1\r\nHost: test\r\nX-Twilio-Signature: %s\r\nContent-Type: "
               "application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
               signature, form.len, form.data);
    buf_fini(&form);
}

static int dial(void)
{
    const int on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_ports[GATEWAY]),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const void *any = &to;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = connect(fd, any, sizeof to);
    INVARIANT(failed == 0);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static bool exchange(int fd, const struct buf *request)
{
    char reply[REPLY_BYTES];
    size_t len = 0;
    if (send(fd, request->data, request->len, MSG_NOSIGNAL) != (ssize_t)request->len)
        return false;
    for (;;) { /* 204 has no body */
        ssize_t got = recv(fd, reply + len, sizeof reply - len - 1, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        reply[len] = '\0';
        if (strstr(reply, "\r\n\r\n") != NULL)
            return strncmp(reply, "HTTP/1.1 204", 12) == 0;
    }
}

static void sleep_until(int64_t mono_us)
{
    int64_t left_us = mono_us - clock_mono_us();
    if (left_us <= 0)
        return;
    struct timespec rest = {.tv_sec = left_us / US_PER_S, .tv_nsec = (left_us % US_PER_S) * 1000};
    (void)nanosleep(&rest, NULL);
}

static void *sender(void *arg)
{
    struct load *load = arg;
    int fd = dial();
    for (;;) {
        size_t index = atomic_fetch_add(&load->next, 1);
        if (index >= load->count)
            break;
        int64_t due_us = load->began_us + (int64_t)index * US_PER_S / rate;
        sleep_until(due_us);
        if (!exchange(fd, &load->requests[index])) {
            (void)atomic_fetch_add(&load->refused, 1);
            (void)close(fd);
            fd = dial();
        }
        load->took_us[index] = clock_mono_us() - due_us;
    }
    (void)close(fd);
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void run(int64_t load_s, const char *name)
{
    struct load load = {.count = (size_t)(rate * load_s)};
    pthread_t threads[CONNECTIONS];
    load.requests = xcalloc(load.count, sizeof *load.requests);
    load.took_us = xcalloc(load.count, sizeof *load.took_us);
    for (size_t i = 0; i < load.count; i++)
        request_make(i, &load.requests[i]);
    load.began_us = clock_mono_us() + 100 * US_PER_MS;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        int failed = pthread_create(&threads[i], NULL, sender, &load);
        INVARIANT(failed == 0);
    }
    for (size_t i = 0; i < CONNECTIONS; i++)
        (void)pthread_join(threads[i], NULL);
    int64_t took_us = clock_mono_us() - load.began_us;
    qsort(load.took_us, load.count, sizeof *load.took_us, by_size);
    if (name != NULL)
        printf("= %s: %zu events in %.1f s (%.0f/s), %zu not answered 204; p50 %.1f ms, p99 %.1f "
               "ms, most %.1f ms\n",
               name, load.count, (double)took_us / 1e6, (double)load.count * 1e6 / (double)took_us,
               load.refused, (double)load.took_us[load.count / 2] / 1e3,
               (double)load.took_us[load.count * 99 / 100] / 1e3,
               (double)load.took_us[load.count - 1] / 1e3);
    for (size_t i = 0; i < load.count; i++)
        buf_fini(&load.requests[i]);
    free(load.requests);
    free(load.took_us);
}

static void phase(const char *consumers, const char *name)
{
    char left[32] = "";
    start(GATEWAY, consumers);
    run(WARM_UP_S, NULL);
    run(seconds, name);
    bool is_read = cluster_sql_value(
        cluster, "select count(*) from gateway.webhook where state = 'waiting'", left, sizeof left);
    printf("= %s: %s wait to be applied right afterwards\n", name, is_read ? left : "?");
    stop(GATEWAY);
}

int main(int argc, char **argv)
{
    if ((argc > 1 && !parse_i64(str_from(argv[1]), 1, 100000, &rate)) ||
        (argc > 2 && !parse_i64(str_from(argv[2]), 1, 3600, &seconds)) || argc > 3) {
        fprintf(stderr, "usage: webhooks_bench [events per second [seconds]]\n");
        return 64;
    }
    cluster = cluster_start(CLUSTER_ALL);
    for (int i = 0; i < PROGRAMS; i++) {
        http_ports[i] = process_free_port();
        grpc_ports[i] = process_free_port();
    }
    for (int i = 0; i < PROGRAMS; i++)
        migrate((enum program)i);
    start(WORKERS, "0");
    start(SYNC, "0");
    phase("0", "stored");
    bool is_clean = cluster_sql(cluster, "truncate gateway.webhook, gateway.webhook_lane");
    INVARIANT(is_clean);
    phase("4", "stored and applied");
    stop(SYNC);
    stop(WORKERS);
    cluster_stop(cluster);
    return 0;
}
