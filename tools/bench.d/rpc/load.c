/*
 * Load for either server: rpc_load <port> <outstanding> <milliseconds> keeps that many GetTaskQueue
 * calls under way on one connection and prints "calls_per_s p50_us p99_us failures".
 *
 * It speaks just enough HTTP/2 itself: a client on gRPC's core costs more than the servers measured
 * and would hide their difference. Header fields are indexed after the first call, as a real client
 * does. A call counts when a reply of the expected length and the trailers have come.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "taskrouter/queues/v1/queues.pb-c.h"

enum {
    WARM_UP_MS = 300,
    MAX_LATENCIES = 8 << 20,
    SLOTS = 1 << 14, /* by stream number; more than may be outstanding */
    READ_BYTES = 256 << 10,
    FRAME_HEAD = 9,
    GRPC_HEAD = 5,
    WINDOW_MAX = 0x7FFFFFFF,
};

enum frame_type {
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_RST_STREAM = 3,
    FRAME_SETTINGS = 4,
    FRAME_PING = 6,
    FRAME_GOAWAY = 7,
    FRAME_WINDOW_UPDATE = 8,
};
enum { FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4, SETTING_INITIAL_WINDOW = 4 };

struct load {
    int fd;
    struct buf out;
    unsigned char *in;
    size_t in_len;
    unsigned char message[128]; /* gRPC's five bytes and the request */
    size_t message_len;
    size_t reply_len; /* with gRPC's five bytes */
    uint32_t next_stream;
    int64_t send_window;
    int64_t outstanding_max;
    int64_t outstanding;
    int64_t measure_from_us;
    int64_t stop_us;
    int64_t started_us[SLOTS];
    uint32_t received[SLOTS]; /* bytes of DATA */
    uint32_t *latencies;
    size_t count;
    size_t failures;
    bool is_broken;
};

static void u32_put(unsigned char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(value >> (24 - 8 * i));
}

static uint32_t u32_get(const unsigned char *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static void frame_add(struct buf *out, enum frame_type type, unsigned flags, uint32_t stream,
                      const void *payload, size_t len)
{
    unsigned char head[FRAME_HEAD];
    u32_put(head, (uint32_t)len << 8 | (uint32_t)type);
    head[4] = (unsigned char)flags;
    u32_put(head + 5, stream);
    buf_append(out, head, sizeof head);
    buf_append(out, payload, len);
}

/* HPACK: literal with incremental indexing; index 0 names the field in full. */
static void field_add(struct buf *block, int index, const char *name, const char *value)
{
    buf_char(block, (char)(0x40 | index));
    if (index == 0) {
        buf_char(block, (char)strlen(name));
        buf_text(block, name);
    }
    buf_char(block, (char)strlen(value));
    buf_text(block, value);
}

/* Fields of each call; the order of the first makes the indexes of the rest, newest 62. */
static void headers_add(struct load *load, uint32_t stream)
{
    static const char indexed[] = "\x83\x86\xC3\xC2\xC1\xC0\xBF\xBE"; /* POST, http, 67 ... 62 */
    if (stream != 1) {
        frame_add(&load->out, FRAME_HEADERS, FLAG_END_HEADERS, stream, indexed, sizeof indexed - 1);
        return;
    }
    struct buf block;
    buf_init(&block, 4096);
    buf_text(&block, "\x83\x86");
    field_add(&block, 4, ":path", "/taskrouter.queues.v1.Queues/GetTaskQueue");
    field_add(&block, 1, ":authority", "127.0.0.1");
    field_add(&block, 31, "content-type", "application/grpc");
    field_add(&block, 0, "te", "trailers");
    field_add(&block, 23, "authorization", "Bearer bench");
    field_add(&block, 0, "grpc-timeout", "5S");
    frame_add(&load->out, FRAME_HEADERS, FLAG_END_HEADERS, stream, block.data, block.len);
    buf_fini(&block);
}

static void calls_start(struct load *load)
{
    int64_t now = clock_mono_us();
    while (load->outstanding < load->outstanding_max && now < load->stop_us &&
           load->send_window >= (int64_t)load->message_len) {
        uint32_t stream = load->next_stream;
        load->next_stream += 2;
        load->outstanding++;
        load->send_window -= (int64_t)load->message_len;
        load->started_us[(stream >> 1) % SLOTS] = now;
        load->received[(stream >> 1) % SLOTS] = 0;
        headers_add(load, stream);
        frame_add(&load->out, FRAME_DATA, FLAG_END_STREAM, stream, load->message,
                  load->message_len);
    }
}

static void call_ended(struct load *load, uint32_t stream, int64_t now)
{
    size_t slot = (stream >> 1) % SLOTS;
    load->outstanding--;
    if (load->received[slot] != load->reply_len)
        load->failures++;
    else if (now >= load->measure_from_us && now < load->stop_us && load->count < MAX_LATENCIES)
        load->latencies[load->count++] = (uint32_t)(now - load->started_us[slot]);
}

static void frame_take(struct load *load, unsigned type, unsigned flags, uint32_t stream,
                       const unsigned char *payload, uint32_t len, int64_t now)
{
    switch (type) {
    case FRAME_DATA:
        load->received[(stream >> 1) % SLOTS] += len;
        break;
    case FRAME_SETTINGS:
        if ((flags & FLAG_ACK) == 0)
            frame_add(&load->out, FRAME_SETTINGS, FLAG_ACK, 0, "", 0);
        break;
    case FRAME_PING:
        if ((flags & FLAG_ACK) == 0)
            frame_add(&load->out, FRAME_PING, FLAG_ACK, 0, payload, len);
        break;
    case FRAME_WINDOW_UPDATE:
        if (stream == 0)
            load->send_window += u32_get(payload) & WINDOW_MAX;
        break;
    case FRAME_GOAWAY:
        load->is_broken = true;
        break;
    default:
        break;
    }
    bool is_end = type == FRAME_RST_STREAM ||
                  ((type == FRAME_DATA || type == FRAME_HEADERS) && (flags & FLAG_END_STREAM) != 0);
    if (is_end)
        call_ended(load, stream, now);
}

static void frames_take(struct load *load)
{
    int64_t now = clock_mono_us();
    size_t at = 0;
    while (load->in_len - at >= FRAME_HEAD) {
        const unsigned char *head = load->in + at;
        uint32_t len = u32_get(head) >> 8;
        if (load->in_len - at < FRAME_HEAD + len)
            break;
        frame_take(load, head[3], head[4], u32_get(head + 5) & WINDOW_MAX, head + FRAME_HEAD, len,
                   now);
        at += FRAME_HEAD + len;
    }
    load->in_len -= at;
    memmove(load->in, load->in + at, load->in_len);
}

static bool exchange(struct load *load)
{
    for (size_t sent = 0; sent < load->out.len;) {
        ssize_t n = send(load->fd, load->out.data + sent, load->out.len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    buf_clear(&load->out);
    ssize_t n = recv(load->fd, load->in + load->in_len, READ_BYTES - load->in_len, 0);
    if (n <= 0)
        return false;
    load->in_len += (size_t)n;
    frames_take(load);
    return !load->is_broken;
}

static bool load_connect(struct load *load, int64_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    union {
        struct sockaddr_in v4;
        struct sockaddr any;
    } target = {.v4 = address};
    int is_on = 1;
    load->fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(load->fd, IPPROTO_TCP, TCP_NODELAY, &is_on, sizeof is_on);
    if (connect(load->fd, &target.any, sizeof target.v4) != 0)
        return false;
    buf_text(&load->out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    unsigned char setting[6] = {0, SETTING_INITIAL_WINDOW};
    u32_put(setting + 2, WINDOW_MAX);
    frame_add(&load->out, FRAME_SETTINGS, 0, 0, setting, sizeof setting);
    unsigned char more[4]; /* room for 30 million replies */
    u32_put(more, WINDOW_MAX - 65535);
    frame_add(&load->out, FRAME_WINDOW_UPDATE, 0, 0, more, sizeof more);
    return true;
}

static void message_make(struct load *load)
{
    char workspace[] = "WS0123456789abcdef0123456789abcdef";
    char sid[] = "WQ0123456789abcdef0123456789abcdef";
    Taskrouter__Queues__V1__GetTaskQueueRequest request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    request.workspace_sid = workspace;
    request.sid = sid;
    size_t len = taskrouter__queues__v1__get_task_queue_request__get_packed_size(&request);
    INVARIANT(len + GRPC_HEAD <= sizeof load->message);
    u32_put(load->message + 1, (uint32_t)len);
    (void)taskrouter__queues__v1__get_task_queue_request__pack(&request, load->message + GRPC_HEAD);
    load->message_len = len + GRPC_HEAD;
    Taskrouter__Queues__V1__TaskQueue reply;
    taskrouter__queues__v1__task_queue__init(&reply);
    reply.workspace_sid = workspace;
    reply.sid = sid;
    reply.version = 1;
    load->reply_len = taskrouter__queues__v1__task_queue__get_packed_size(&reply) + GRPC_HEAD;
}

static int latency_cmp(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    int64_t port = 0;
    int64_t measure_ms = 0;
    struct load *load = xcalloc(1, sizeof *load);
    if (argc != 4 || !parse_i64(str_from(argv[1]), 1, 65535, &port) ||
        !parse_i64(str_from(argv[2]), 1, SLOTS / 2, &load->outstanding_max) ||
        !parse_i64(str_from(argv[3]), 1, 600000, &measure_ms)) {
        (void)fprintf(stderr, "usage: rpc_load <port> <outstanding> <milliseconds>\n");
        return 2;
    }
    load->in = xcalloc(READ_BYTES, 1);
    load->latencies = xcalloc(MAX_LATENCIES, sizeof *load->latencies);
    load->next_stream = 1;
    load->send_window = 65535;
    buf_init(&load->out, 0);
    message_make(load);
    if (!load_connect(load, port)) {
        (void)fprintf(stderr, "cannot connect to port %d\n", (int)port);
        return 1;
    }
    load->measure_from_us = clock_mono_us() + WARM_UP_MS * US_PER_MS;
    load->stop_us = load->measure_from_us + measure_ms * US_PER_MS;
    bool is_alive = true;
    do {
        calls_start(load);
        is_alive = exchange(load);
    } while (is_alive && (load->outstanding > 0 || clock_mono_us() < load->stop_us));
    load->failures += (size_t)load->outstanding;
    qsort(load->latencies, load->count, sizeof *load->latencies, latency_cmp);
    (void)printf("%.0f %u %u %zu\n", (double)load->count * 1000.0 / (double)measure_ms,
                 load->count == 0 ? 0 : load->latencies[load->count / 2],
                 load->count == 0 ? 0 : load->latencies[load->count * 99 / 100], load->failures);
    int status = load->failures == 0 ? 0 : 1;
    (void)close(load->fd);
    buf_fini(&load->out);
    free(load->in);
    free(load->latencies);
    free(load);
    return status;
}
