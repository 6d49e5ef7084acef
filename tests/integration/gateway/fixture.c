#include "fixture.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "crypt/crypt.h"
#include "jx/jx.h"
#include "rpc/client.h"

enum {
    ARENA_BYTES = 256 << 20,
    START_MS = 30000,
    STOP_MS = 15000,
    LOG_MS = 90000,
    REPLY_MS = 20000,
    ENV_MAX = 48
};

#define SERVICE_TOKEN "the-service-token-of-the-tests-0123456789"

struct cluster *cluster;

static struct arena *kept;
static struct process *processes[PROGRAM_COUNT];
static int http_ports[PROGRAM_COUNT];
static int grpc_ports[PROGRAM_COUNT];
static int unused_port;
static int program_count = PROGRAM_ROUTING; /* those that run */
static const char *const *more_env[PROGRAM_COUNT];
static const char *bootstrap = BOOTSTRAP;
static const char *secret_key = SECRET_KEY;
static const char *secret_key_previous = "";

static const struct {
    const char *program;
    const char *role;
} programs[PROGRAM_COUNT] = {
    [PROGRAM_GATEWAY] = {"gateway",     "gateway"},
      [PROGRAM_WORKERS] = {"workers-svc", "workers"},
    [PROGRAM_QUEUES] = {"queues-svc",  "queues" },
      [PROGRAM_ROUTING] = {"routing-svc", "routing"},
    [PROGRAM_TASKS] = {"tasks-svc",   "tasks"  },
      [PROGRAM_SYNC] = {"sync-svc",    "sync"   },
};

const char *text(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *made = arena_vprintf(kept, format, args);
    va_end(args);
    INVARIANT(made != NULL);
    return made;
}

/* ---- programs ---- */

static void environment(enum program program, const char *env[ENV_MAX])
{
    size_t n = 0;
    env[n++] = text("TASKROUTER_DATABASE_URL=%s", cluster_db_url(cluster, programs[program].role));
    env[n++] = text("TASKROUTER_NATS_URL=%s", cluster_nats_url(cluster));
    env[n++] = "TASKROUTER_SERVICE_TOKEN=" SERVICE_TOKEN;
    env[n++] = text("TASKROUTER_GRPC_LISTEN=127.0.0.1:%d", grpc_ports[program]);
    env[n++] = text("TASKROUTER_HTTP_LISTEN=127.0.0.1:%d", http_ports[program]);
    env[n++] = text("TASKROUTER_GRPC_GATEWAY=127.0.0.1:%d", grpc_ports[PROGRAM_GATEWAY]);
    env[n++] = text("TASKROUTER_GRPC_WORKERS=127.0.0.1:%d", grpc_ports[PROGRAM_WORKERS]);
    env[n++] = text("TASKROUTER_GRPC_QUEUES=127.0.0.1:%d", grpc_ports[PROGRAM_QUEUES]);
    bool has_all = program_count == PROGRAM_COUNT;
    env[n++] = text("TASKROUTER_GRPC_ROUTING=127.0.0.1:%d",
                    has_all ? grpc_ports[PROGRAM_ROUTING] : unused_port);
    env[n++] = text("TASKROUTER_GRPC_TASKS=127.0.0.1:%d",
                    has_all ? grpc_ports[PROGRAM_TASKS] : unused_port);
    env[n++] =
        text("TASKROUTER_GRPC_SYNC=127.0.0.1:%d", has_all ? grpc_ports[PROGRAM_SYNC] : unused_port);
    for (const char *const *more = more_env[program]; more != NULL && *more != NULL; more++)
        env[n++] = *more;
    if (program == PROGRAM_GATEWAY) {
        env[n++] = "TASKROUTER_ACCOUNT_SID=" ACCOUNT;
        env[n++] = "TASKROUTER_AUTH_TOKEN=" SECRET;
        env[n++] = text("TASKROUTER_BOOTSTRAP_TOKEN=%s", bootstrap);
        env[n++] = text("TASKROUTER_SECRET_KEY=%s", secret_key);
        env[n++] = text("TASKROUTER_SECRET_KEY_PREVIOUS=%s", secret_key_previous);
    }
    env[n] = NULL;
    INVARIANT(n < ENV_MAX);
}

void bootstrap_token_set(const char *token)
{
    bootstrap = token;
}

void program_env_set(enum program program, const char *const *env)
{
    more_env[program] = env;
}

struct rpc_client *program_client(enum program program)
{
    return rpc_client_new(&(struct rpc_client_config){
        .target = text("127.0.0.1:%d", grpc_ports[program]),
        .peer = programs[program].program,
        .self = "test",
        .token = SERVICE_TOKEN,
    });
}

void secret_key_set(const char *key, const char *previous)
{
    secret_key = key;
    secret_key_previous = previous;
}

const char *program_http(enum program program)
{
    return text("127.0.0.1:%d", http_ports[program]);
}

void program_start(enum program program)
{
    const char *env[ENV_MAX];
    environment(program, env);
    process_free(processes[program]);
    processes[program] = process_start(&(struct process_options){
        .program = programs[program].program,
        .env = env,
        .dir = cluster_dir(cluster),
    });
    if (!process_wait_ready(processes[program], program_http(program), START_MS))
        exit(1);
}

static int second_port;

const char *gateway_second_http(void)
{
    return text("127.0.0.1:%d", second_port);
}

struct process *gateway_second(void)
{
    const char *env[ENV_MAX];
    int http_port = http_ports[PROGRAM_GATEWAY];
    int grpc_port = grpc_ports[PROGRAM_GATEWAY];
    second_port = process_free_port();
    http_ports[PROGRAM_GATEWAY] = second_port;
    grpc_ports[PROGRAM_GATEWAY] = process_free_port();
    environment(PROGRAM_GATEWAY, env);
    http_ports[PROGRAM_GATEWAY] = http_port;
    grpc_ports[PROGRAM_GATEWAY] = grpc_port;
    struct process *process = process_start(&(struct process_options){
        .program = programs[PROGRAM_GATEWAY].program,
        .env = env,
        .dir = cluster_dir(cluster),
    });
    if (!process_wait_ready(process, gateway_second_http(), START_MS))
        exit(1);
    return process;
}

void program_kill(enum program program)
{
    process_signal(processes[program], SIGKILL);
    (void)process_wait_exit(processes[program], STOP_MS);
}

bool program_logs(enum program program, const char *said)
{
    return process_wait_log(processes[program], said, LOG_MS);
}

void program_pause(enum program program, bool is_paused)
{
    process_signal(processes[program], is_paused ? SIGSTOP : SIGCONT);
}

static void migrate(enum program program)
{
    static const char *const args[] = {"--migrate", NULL};
    const char *env[ENV_MAX];
    environment(program, env);
    int status = process_run(&(struct process_options){.program = programs[program].program,
                                                       .args = args,
                                                       .env = env,
                                                       .dir = cluster_dir(cluster)},
                             START_MS);
    INVARIANT(status == 0);
}

static bool program_stop(enum program program, bool was_alive)
{
    int status = process_await_end(processes[program], STOP_MS);
    bool is_good = was_alive && status == 0;
    if (!is_good) {
        fprintf(stderr, "%s ended with %d\n", programs[program].program, status);
        process_print_tail(processes[program], 8000);
    }
    process_free(processes[program]);
    return is_good;
}

/* All at once; each has to run still, and to end well. */
static bool programs_stop(void)
{
    bool was_alive[PROGRAM_COUNT];
    bool is_good = true;
    for (int i = 0; i < program_count; i++) {
        was_alive[i] = process_is_alive(processes[i]);
        process_ask_to_end(processes[i]);
    }
    for (int i = 0; i < program_count; i++)
        is_good = program_stop((enum program)i, was_alive[i]) && is_good;
    return is_good;
}

int fixture_main(const char *name, const struct test_case *cases, size_t count, int argc,
                 char **argv)
{
    kept = arena_new(ARENA_BYTES);
    cluster = cluster_start(CLUSTER_ALL);
    unused_port = process_free_port();
    for (int i = 0; i < PROGRAM_COUNT; i++) {
        http_ports[i] = process_free_port();
        grpc_ports[i] = process_free_port();
    }
    for (int i = 0; i < program_count; i++) {
        migrate((enum program)i);
        program_start((enum program)i);
    }
    int status = testing_main(name, cases, count, argc, argv);
    if (!programs_stop())
        status = 1;
    cluster_stop(cluster);
    arena_free(kept);
    return status;
}

int fixture_all_main(const char *name, const char *const *env, const struct test_case *cases,
                     size_t count, int argc, char **argv)
{
    program_count = PROGRAM_COUNT;
    more_env[PROGRAM_GATEWAY] = env;
    return fixture_main(name, cases, count, argc, argv);
}

bool until(bool (*look)(void *ctx), void *ctx, int timeout_ms)
{
    int64_t end = clock_mono_us() + timeout_ms * US_PER_MS;
    while (!look(ctx)) {
        if (clock_mono_us() > end)
            return false;
        process_sleep_ms(20);
    }
    return true;
}

/* ---- HTTP ---- */

static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_ports[PROGRAM_GATEWAY]),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const void *any = &address;
    if (connect(fd, any, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void send_all(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes = (struct str){bytes.ptr + sent, bytes.len - (size_t)sent};
    }
}

/* More bytes into in; false at the end of the connection or of the time. */
static bool receive(int fd, struct buf *in, int64_t until_mono_us)
{
    char bytes[16384];
    int64_t left_ms = (until_mono_us - clock_mono_us()) / US_PER_MS;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) <= 0)
        return false;
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0)
        return false;
    buf_append(in, bytes, (size_t)got);
    return true;
}

static void head_write(struct buf *out, const char *token, const char *method, const char *path,
                       const char *headers)
{
    buf_printf(out, "%s %s HTTP/1.1\r\nConnection: close\r\n", method, path);
    if (headers == NULL || strncmp(headers, "Host:", 5) != 0)
        buf_text(out, "Host: test\r\n");
    if (token != NULL && str_starts_with(str_from(token), STR("Basic ")))
        buf_printf(out, "Authorization: %s\r\n", token);
    else if (token != NULL)
        buf_printf(out, "Authorization: Bearer %s\r\n", token);
    buf_text(out, headers != NULL ? headers : "");
}

static void request_write(struct buf *out, const char *token, const char *method, const char *path,
                          const char *headers, const char *body)
{
    bool is_whole = str_starts_with(str_from(path), STR("//"));
    head_write(out, token, method, is_whole ? path + 1 : text("/api/taskrouter%s", path), headers);
    if (body != NULL)
        buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    buf_text(out, "\r\n");
    for (const char *c = body; c != NULL && *c != '\0'; c++)
        buf_char(out, (char)(*c == '\'' ? '"' : *c));
}

static void drop_json(void *json)
{
    json_decref(json);
}

/* Reads the reply to what was sent, and frees bytes. */
static struct reply await_reply(int fd, struct buf *bytes, int64_t began)
{
    struct reply reply = {.status = -1, .head = "", .text = ""};
    buf_clear(bytes);
    if (fd >= 0) {
        while (receive(fd, bytes, began + REPLY_MS * US_PER_MS)) {
        }
        (void)close(fd);
        ptrdiff_t end = str_find(buf_str(bytes), STR("\r\n\r\n"));
        if (end > 0 && sscanf(bytes->data, "HTTP/1.1 %d", &reply.status) == 1) {
            reply.head = arena_str_dup(kept, (struct str){bytes->data, (size_t)end + 2});
            reply.text = arena_strdup(kept, bytes->data + end + 4);
        }
    }
    buf_fini(bytes);
    struct jx_limits limits = {.max_bytes = 16 << 20};
    if (reply.text[0] == '{' &&
        jx_parse(str_from(reply.text), &limits, &reply.body, NULL) == ERR_OK)
        arena_defer(kept, drop_json, reply.body);
    reply.took_ms = (int)((clock_mono_us() - began) / US_PER_MS);
    return reply;
}

/* Sends the request, which it frees, and reads the reply. */
static struct reply exchange(struct buf *bytes)
{
    int64_t began = clock_mono_us();
    int fd = dial();
    if (fd >= 0)
        send_all(fd, buf_str(bytes));
    return await_reply(fd, bytes, began);
}

struct reply ask(const char *token, const char *method, const char *path, const char *headers,
                 const char *body)
{
    struct buf bytes;
    buf_init(&bytes, 0);
    request_write(&bytes, token, method, path, headers, body);
    return exchange(&bytes);
}

static void form_write(struct buf *out, const char *token, const char *method, const char *path,
                       const char *headers, const char *form)
{
    head_write(out, token, method, path, headers);
    if (form != NULL)
        buf_printf(out,
                   "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n",
                   strlen(form));
    buf_text(out, "\r\n");
    buf_text(out, form != NULL ? form : "");
}

struct reply ask_form(const char *token, const char *method, const char *path, const char *headers,
                      const char *form)
{
    struct buf bytes;
    buf_init(&bytes, 0);
    form_write(&bytes, token, method, path, headers, form);
    return exchange(&bytes);
}

void ask_at_once(const char *token, const char *path, const char *const *forms, struct reply *out,
                 size_t count)
{
    enum { MOST = 16 };
    struct buf bytes[MOST];
    int fds[MOST];
    int64_t began = clock_mono_us();
    INVARIANT(count <= MOST);
    for (size_t i = 0; i < count; i++) {
        buf_init(&bytes[i], 0);
        form_write(&bytes[i], token, "POST", path, NULL, forms[i]);
        fds[i] = dial();
    }
    for (size_t i = 0; i < count; i++)
        send_all(fds[i], buf_str(&bytes[i]));
    for (size_t i = 0; i < count; i++)
        out[i] = await_reply(fds[i], &bytes[i], began);
}

const char *header_of(const struct reply *reply, const char *name)
{
    struct str rest = str_from(reply->head);
    while (rest.ptr != NULL) {
        struct str line = str_split(&rest, '\n');
        struct str key = str_split(&line, ':');
        if (str_eq_nocase(key, str_from(name)))
            return arena_str_dup(kept, str_trim(line));
    }
    return "";
}

static const json_t *find(const json_t *body, const char *path)
{
    struct str rest = str_from(path);
    const json_t *here = body;
    while (rest.ptr != NULL && here != NULL) {
        struct str part = str_split(&rest, '.');
        if (json_is_array(here))
            here = json_array_get(here, (size_t)atoll(part.ptr));
        else
            here = json_object_getn(here, part.ptr, part.len);
    }
    return here;
}

const char *at(const json_t *body, const char *path)
{
    const char *found = json_string_value(find(body, path));
    return found == NULL ? "" : found;
}

long long at_i64(const json_t *body, const char *path)
{
    const json_t *found = find(body, path);
    if (json_is_array(found))
        return (long long)json_array_size(found);
    if (json_is_boolean(found))
        return json_is_true(found);
    return json_is_integer(found) ? json_integer_value(found) : -1;
}

bool is_problem(const struct reply *reply, int status, const char *reason, const char *field)
{
    bool is_right = reply->status == status && strcmp(at(reply->body, "reason"), reason) == 0 &&
                    strcmp(at(reply->body, "field"), field == NULL ? "" : field) == 0 &&
                    strlen(at(reply->body, "detail")) > 8 &&
                    str_starts_with(str_from(header_of(reply, "Content-Type")),
                                    STR("application/problem+json"));
    if (!is_right)
        fprintf(stderr, "wanted %d %s %s, got %d: %s\n", status, reason,
                field == NULL ? "-" : field, reply->status, reply->text);
    return is_right;
}

const char *workspace_new(void)
{
    static int made;
    struct reply reply = ask(BOOTSTRAP, "POST", "/workspaces", NULL,
                             text("{'friendlyName':'Workspace %d'}", ++made));
    CHECK_I64(reply.status, 201);
    return at(reply.body, "sid");
}

const char *token_new(const char *role, const char *more)
{
    struct reply reply = ask(BOOTSTRAP, "POST", "/tokens", NULL,
                             text("{'friendlyName':'a token','role':'%s'%s}", role, more));
    CHECK_I64(reply.status, 201);
    return at(reply.body, "secret");
}

/* ---- event streams ---- */

bool sse_open(struct sse *sse, const char *token, const char *query, const char *headers)
{
    struct buf request;
    int64_t end = clock_mono_us() + REPLY_MS * US_PER_MS;
    buf_init(&request, 0);
    buf_init(&sse->in, 0);
    request_write(&request, token, "GET", text("/stream%s", query), headers, NULL);
    sse->fd = dial();
    send_all(sse->fd, buf_str(&request));
    buf_fini(&request);
    /* the comment or field behind the head says that it is open */
    while (str_find(buf_str(&sse->in), STR("\r\n\r\n")) < 0 && receive(sse->fd, &sse->in, end)) {
    }
    return str_starts_with(buf_str(&sse->in), STR("HTTP/1.1 200"));
}

void sse_close(struct sse *sse)
{
    (void)close(sse->fd);
    buf_fini(&sse->in);
}

static int occurrences(const struct sse *sse, const char *needle)
{
    struct str rest = buf_str(&sse->in);
    int count = 0;
    ptrdiff_t found = 0;
    while ((found = str_find(rest, str_from(needle))) >= 0) {
        size_t past = (size_t)found + strlen(needle);
        rest = (struct str){rest.ptr + past, rest.len - past};
        count++;
    }
    return count;
}

static bool await(struct sse *sse, const char *needle, int count, int time_ms)
{
    int64_t end = clock_mono_us() + time_ms * US_PER_MS;
    while (occurrences(sse, needle) < count) {
        if (!receive(sse->fd, &sse->in, end))
            return false;
    }
    return true;
}

const char *basic(const char *user, const char *password)
{
    const char *pair = text("%s:%s", user, password);
    struct buf encoded;
    buf_init(&encoded, 0);
    crypt_base64(&encoded, pair, strlen(pair));
    const char *header = text("Basic %s", encoded.data);
    buf_fini(&encoded);
    return header;
}

static const char *subject_of(const char *sid)
{
    return text("\"subject\":\"%s\"", sid);
}

int sse_count(const struct sse *sse, const char *type)
{
    return occurrences(sse, text("\nevent: %s\n", type));
}

bool sse_await(struct sse *sse, const char *type, int count, int time_ms)
{
    return await(sse, text("\nevent: %s\n", type), count, time_ms);
}

bool sse_await_end(struct sse *sse, int time_ms)
{
    return await(sse, "\r\n0\r\n\r\n", 1, time_ms);
}

bool sse_await_about(struct sse *sse, const char *sid, int time_ms)
{
    return await(sse, subject_of(sid), 1, time_ms);
}

int sse_count_about(const struct sse *sse, const char *sid)
{
    return occurrences(sse, subject_of(sid));
}

const char *sse_id_about(const struct sse *sse, const char *sid)
{
    struct str all = buf_str(&sse->in);
    ptrdiff_t found = str_find(all, str_from(subject_of(sid)));
    if (found < 0)
        return "";
    struct str rest = {all.ptr, (size_t)found};
    struct str id = {NULL, 0};
    ptrdiff_t next = 0;
    while ((next = str_find(rest, STR("\nid: "))) >= 0) {
        rest = (struct str){rest.ptr + next + 5, rest.len - (size_t)next - 5};
        struct str line = rest;
        id = str_split(&line, '\n');
    }
    return arena_str_dup(kept, id);
}

bool sse_has(const struct sse *sse, const char *needle)
{
    return str_find(buf_str(&sse->in), str_from(needle)) >= 0;
}
