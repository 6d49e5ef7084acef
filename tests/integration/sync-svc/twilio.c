#include "twilio.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/ids.h"
#include "crypt/crypt.h"
#include "httpc/httpc.h"
#include "jx/jx.h"
#include "suite.h"

enum { PEER_START_MS = 120000, PATIENCE_MS = 30000, BYTES_MAX = 8 << 20 };

static struct process *peer;
static char peer_file[64];
static char peer_address[64];
static int peer_port;
static char authorization[256];
static struct httpc *httpc;

static struct {
    int fd;
    int port;
    pthread_t thread;
    bool is_closing;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    enum road_fault fault;
    int fault_count;
    int reads_to_hold;
    int held;
    int gate; /* counts road_go */
    bool is_cut;
    int changes;
    int threads;
} road = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void take(void)
{
    (void)pthread_mutex_lock(&road.lock);
}

static void drop(void)
{
    (void)pthread_cond_broadcast(&road.changed);
    (void)pthread_mutex_unlock(&road.lock);
}

/* ---- bytes ---- */

static bool read_more(int fd, struct buf *in)
{
    char bytes[16384];
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    if (poll(&poller, 1, PATIENCE_MS) <= 0)
        return false;
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got <= 0)
        return false;
    buf_append(in, bytes, (size_t)got);
    return true;
}

static bool read_request(int fd, struct buf *in)
{
    while (read_more(fd, in)) {
        const char *end = strstr(in->data, "\r\n\r\n");
        const char *length = strstr(in->data, "Content-Length: ");
        size_t want = length == NULL ? 0 : (size_t)strtol(length + 16, NULL, 10);
        if (end != NULL && in->len >= (size_t)(end + 4 - in->data) + want)
            return true;
    }
    return false;
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

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const void *any = &address;
    if (connect(fd, any, sizeof address) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* ---- the road ---- */

static enum road_fault next_fault(bool is_change, bool *out_is_cut)
{
    enum road_fault fault = ROAD_OPEN;
    take();
    *out_is_cut = road.is_cut;
    if (is_change && !road.is_cut) {
        road.changes++;
        if (road.fault_count > 0) {
            road.fault_count--;
            fault = road.fault;
        }
    }
    if (!is_change && !road.is_cut && road.reads_to_hold > 0) {
        road.reads_to_hold--;
        fault = ROAD_HOLD_ANSWER;
    }
    drop();
    return fault;
}

static void hold(void)
{
    take();
    int gate = road.gate;
    road.held++;
    (void)pthread_cond_broadcast(&road.changed);
    while (road.gate == gate && !road.is_closing)
        (void)pthread_cond_wait(&road.changed, &road.lock);
    road.held--;
    drop();
}

/* A sender that was killed has closed its end. */
static bool is_sender_there(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

static bool pass_on(struct buf *request, struct buf *answer)
{
    int fd = dial(peer_port);
    const char *line = strstr(request->data, "\r\n");
    if (fd < 0)
        return false;
    send_all(fd, (struct str){request->data, (size_t)(line + 2 - request->data)});
    send_all(fd, STR("Connection: close\r\n"));
    send_all(fd, str_from(line + 2));
    while (read_more(fd, answer))
        continue;
    (void)close(fd);
    return answer->len > 0;
}

static void carry(int fd, struct buf *request, struct buf *answer)
{
    bool is_change = strncmp(request->data, "GET ", 4) != 0;
    bool is_cut = false;
    enum road_fault fault = next_fault(is_change, &is_cut);
    if (fault == ROAD_HOLD_REQUEST)
        hold();
    if (is_cut || fault == ROAD_LOSE_REQUEST || !is_sender_there(fd))
        return;
    if (fault == ROAD_BUSY) {
        send_all(fd, STR("HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n"
                         "Connection: close\r\n\r\n"));
        return;
    }
    if (!pass_on(request, answer))
        return;
    if (fault == ROAD_HOLD_ANSWER)
        hold();
    if (fault == ROAD_BREAK_ANSWER)
        answer->len -= 20;
    if (fault != ROAD_LOSE_ANSWER)
        send_all(fd, buf_str(answer));
}

static void *carry_one(void *ctx)
{
    int fd = *(int *)ctx;
    struct buf request;
    struct buf answer;
    free(ctx);
    buf_init(&request, BYTES_MAX);
    buf_init(&answer, BYTES_MAX);
    if (read_request(fd, &request))
        carry(fd, &request, &answer);
    (void)close(fd);
    buf_fini(&request);
    buf_fini(&answer);
    take();
    road.threads--;
    drop();
    return NULL;
}

static void *run_road(void *ctx)
{
    (void)ctx;
    for (;;) {
        struct pollfd poller = {.fd = road.fd, .events = POLLIN};
        take();
        bool is_closing = road.is_closing;
        drop();
        if (is_closing)
            return NULL;
        if (poll(&poller, 1, 50) <= 0)
            continue;
        int *fd = malloc(sizeof *fd);
        pthread_t thread;
        INVARIANT(fd != NULL);
        *fd = accept(road.fd, NULL, NULL);
        take();
        road.threads++;
        drop();
        int failed = pthread_create(&thread, NULL, carry_one, fd);
        INVARIANT(failed == 0);
        (void)pthread_detach(thread);
    }
}

static void road_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    void *any = &address;
    road.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_up = bind(road.fd, any, sizeof address) == 0 && listen(road.fd, 128) == 0 &&
                 getsockname(road.fd, any, &len) == 0 &&
                 pthread_create(&road.thread, NULL, run_road, NULL) == 0;
    INVARIANT(is_up);
    road.port = ntohs(address.sin_port);
}

void road_fault(enum road_fault fault, int count)
{
    take();
    road.fault = fault;
    road.fault_count = count;
    drop();
}

void road_hold_reads(int count)
{
    take();
    road.reads_to_hold = count;
    drop();
}

bool road_await_held(int count)
{
    int64_t until_us = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    bool is_held = false;
    while (!is_held && clock_mono_us() < until_us) {
        take();
        is_held = road.held >= count;
        drop();
        if (!is_held)
            process_sleep_ms(10);
    }
    return is_held;
}

void road_go(void)
{
    take();
    road.gate++;
    drop();
}

void road_cut(bool is_cut)
{
    take();
    road.is_cut = is_cut;
    drop();
}

int road_changes(void)
{
    take();
    int changes = road.changes;
    drop();
    return changes;
}

/* ---- Twilio ---- */

static void read_address(void)
{
    int64_t until_us = clock_mono_us() + PEER_START_MS * US_PER_MS;
    FILE *file = NULL;
    while ((file = fopen(peer_file, "r")) == NULL) {
        if (clock_mono_us() > until_us || !process_is_alive(peer)) {
            process_print_tail(peer, 8000);
            exit(2);
        }
        process_sleep_ms(50);
    }
    bool is_read = fgets(peer_address, (int)sizeof peer_address, file) != NULL;
    INVARIANT(is_read);
    (void)fclose(file);
    (void)unlink(peer_file);
    peer_port = (int)strtol(strchr(peer_address, ':') + 1, NULL, 10);
}

static void authorize(void)
{
    struct buf line;
    const char *clear = ACCOUNT ":" TWILIO_SECRET;
    buf_init(&line, 0);
    buf_text(&line, "Authorization: Basic ");
    crypt_base64(&line, clear, strlen(clear));
    (void)snprintf(authorization, sizeof authorization, "%s", line.data);
    buf_fini(&line);
}

void twilio_start(void)
{
    static const char *args[2];
    char url[64];
    (void)snprintf(peer_file, sizeof peer_file, "/tmp/taskrouter-twilio-peer.%ld", (long)getpid());
    args[0] = peer_file;
    peer = process_start(&(struct process_options){.program = "test-twilio-peer", .args = args});
    read_address();
    authorize();
    road_start();
    httpc = httpc_open(&(struct httpc_options){.user_agent = "test",
                                               .max_transfers = 32,
                                               .max_response_bytes = BYTES_MAX,
                                               .allows_private = true});
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", road.port);
    (void)setenv("TASKROUTER_TWILIO_URL", url, 1);
    (void)setenv("TWILIO_ACCOUNT_SID", ACCOUNT, 1);
    (void)setenv("TWILIO_AUTH_TOKEN", TWILIO_SECRET, 1);
    (void)setenv("TASKROUTER_TWILIO_RATE", "1000", 1);
    (void)setenv("TASKROUTER_TWILIO_BURST", "1000", 1);
}

void twilio_stop(void)
{
    httpc_close(httpc);
    take();
    road.is_closing = true;
    drop();
    (void)pthread_join(road.thread, NULL);
    take();
    while (road.threads > 0)
        (void)pthread_cond_wait(&road.changed, &road.lock);
    drop();
    (void)close(road.fd);
    (void)process_terminate(peer, PATIENCE_MS);
    process_free(peer);
}

static void drop_json(void *json)
{
    json_decref(json);
}

static const json_t *ask(const char *method, const char *form, int *out_status, const char *path)
{
    const char *headers[] = {authorization, "Content-Type: application/x-www-form-urlencoded",
                             NULL};
    struct httpc_request request = {
        .url = suite_text("http://%s/v1%s", peer_address, path),
        .method = strcmp(method, "GET") == 0      ? HTTPC_GET
                  : strcmp(method, "DELETE") == 0 ? HTTPC_DELETE
                                                  : HTTPC_POST,
        .body = str_from(form),
        .headers = headers,
        .timeout_ms = PATIENCE_MS,
    };
    json_t *body = NULL;
    struct err err = {.code = ERR_OK};
    bool is_run = httpc_run(httpc, &request);
    CHECK(is_run && request.outcome == HTTPC_ANSWERED);
    if (out_status != NULL)
        *out_status = request.status;
    if (request.reply.len > 0)
        CHECK_I64(jx_parse_object(buf_str(&request.reply), NULL, &body, &err), ERR_OK);
    httpc_request_fini(&request);
    if (body != NULL)
        suite_keep(drop_json, body);
    return body;
}

const json_t *twilio_ask(const char *method, const char *form, int *out_status, const char *path,
                         ...)
{
    char whole[1024];
    va_list args;
    va_start(args, path);
    (void)vsnprintf(whole, sizeof whole, path, args);
    va_end(args);
    return ask(method, form, out_status, whole);
}

int64_t twilio_count(const char *list, const char *path, ...)
{
    char whole[1024];
    va_list args;
    va_start(args, path);
    (void)vsnprintf(whole, sizeof whole, path, args);
    va_end(args);
    return at_i64(ask("GET", NULL, NULL, whole), list);
}

/* ---- what is there and here ---- */

const char *twilio_now(void)
{
    char text[CLOCK_TEXT_SIZE];
    return suite_text("%s", clock_format_us(clock_now_us(), text));
}

const char *twilio_name(const char *what)
{
    struct sid sid = sid_new("NM");
    return suite_text("%s %s", what, sid.text + 2);
}

static void put_one(enum suite_service service, const char *put, const char *workspace_sid,
                    const char *item)
{
    (void)suite_ok(&suite_service_id, service, put,
                   "{'workspaceSid':'%s','observedAt':'%s','items':[%s]}", workspace_sid,
                   twilio_now(), item);
}

static const char *member(const json_t *list, const char *key, int64_t i, const char *name)
{
    return at(list, suite_text("%s.%lld.%s", key, (long long)i, name));
}

const char *twilio_adopt(void)
{
    int status = 0;
    const json_t *made = twilio_ask("POST", "FriendlyName=Mirrored", &status, "/Workspaces");
    CHECK_I64(status, 201);
    const char *ws = at(made, "sid");
    const json_t *put =
        suite_ok(&suite_service_id, SUITE_WORKERS, "PutWorkspace",
                 "{'observedAt':'%s','workspace':{'sid':'%s','accountSid':'" ACCOUNT
                 "','friendlyName':'Mirrored','provider':'PROVIDER_TWILIO','multiTaskEnabled':true,"
                 "'prioritizeQueueOrder':'QUEUE_ORDER_FIFO','dateCreated':'%s'}}",
                 twilio_now(), ws, twilio_now());
    const json_t *channels = twilio_ask("GET", NULL, NULL, "/Workspaces/%s/TaskChannels", ws);
    for (int64_t i = 0; i < at_i64(channels, "channels"); i++)
        put_one(SUITE_QUEUES, "PutTaskChannels", ws,
                suite_text("{'sid':'%s','friendlyName':'%s','uniqueName':'%s','dateCreated':'%s'}",
                           member(channels, "channels", i, "sid"),
                           member(channels, "channels", i, "friendly_name"),
                           member(channels, "channels", i, "unique_name"),
                           member(channels, "channels", i, "date_created")));
    const json_t *activities = twilio_ask("GET", NULL, NULL, "/Workspaces/%s/Activities", ws);
    for (int64_t i = 0; i < at_i64(activities, "activities"); i++) {
        bool available =
            at_i64(activities, suite_text("activities.%lld.available", (long long)i)) == 1;
        put_one(SUITE_WORKERS, "PutActivities", ws,
                suite_text("{'sid':'%s','friendlyName':'%s','available':%s,'dateCreated':'%s'}",
                           member(activities, "activities", i, "sid"),
                           member(activities, "activities", i, "friendly_name"),
                           available ? "true" : "false",
                           member(activities, "activities", i, "date_created")));
    }
    return put == NULL ? "" : ws;
}
