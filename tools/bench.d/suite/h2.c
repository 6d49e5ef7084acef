/* ppoll(), for waits of less than a millisecond. */
#define _GNU_SOURCE
#include "h2.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/macros.h"

enum {
    STREAMS = 1 << 14, /* by stream number; more than may be outstanding */
    READ_BYTES = 256 << 10,
    FRAME_HEAD = 9,
    GRPC_HEAD = 5,
    FIELDS_MAX = 32,
    STATIC_FIELDS = 61,
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

struct stream {
    unsigned slot;
    struct buf data;
};

struct h2 {
    int fd;
    struct buf out;
    unsigned char *in;
    size_t in_len;
    uint32_t next_stream;
    struct stream streams[STREAMS];
    const char *names[FIELDS_MAX]; /* fields that the server's table has, oldest first */
    const char *values[FIELDS_MAX];
    size_t field_count;
    const char *const *fields;
    h2_done_fn done;
    void *ctx;
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
                      struct str payload)
{
    unsigned char head[FRAME_HEAD];
    u32_put(head, (uint32_t)payload.len << 8 | (uint32_t)type);
    head[4] = (unsigned char)flags;
    u32_put(head + 5, stream);
    buf_append(out, head, sizeof head);
    buf_str_append(out, payload);
}

/* HPACK: from the table, or a literal that enters it. */
static void field_add(struct h2 *h2, struct buf *block, const char *name, const char *value)
{
    for (size_t i = 0; i < h2->field_count; i++) {
        if (strcmp(h2->names[i], name) == 0 && strcmp(h2->values[i], value) == 0) {
            buf_char(block, (char)(0x80 | (STATIC_FIELDS + h2->field_count - i)));
            return;
        }
    }
    INVARIANT(h2->field_count < FIELDS_MAX && strlen(value) < 127 && strlen(name) < 127);
    buf_char(block, 0x40);
    buf_char(block, (char)strlen(name));
    buf_text(block, name);
    buf_char(block, (char)strlen(value));
    buf_text(block, value);
    h2->names[h2->field_count] = name;
    h2->values[h2->field_count++] = value;
}

void h2_call(struct h2 *h2, const char *path, unsigned slot, struct str message)
{
    uint32_t stream = h2->next_stream;
    struct stream *place = &h2->streams[(stream >> 1) % STREAMS];
    h2->next_stream += 2;
    place->slot = slot;
    buf_clear(&place->data);
    struct buf block;
    buf_init(&block, 4096);
    buf_text(&block, "\x83\x86"); /* POST, http */
    field_add(h2, &block, ":path", path);
    field_add(h2, &block, ":authority", "127.0.0.1");
    field_add(h2, &block, "content-type", "application/grpc");
    field_add(h2, &block, "te", "trailers");
    field_add(h2, &block, "grpc-timeout", "10S");
    for (size_t i = 0; h2->fields[i] != NULL; i += 2)
        field_add(h2, &block, h2->fields[i], h2->fields[i + 1]);
    frame_add(&h2->out, FRAME_HEADERS, FLAG_END_HEADERS, stream, buf_str(&block));
    buf_clear(&block);
    unsigned char head[GRPC_HEAD] = {0};
    u32_put(head + 1, (uint32_t)message.len);
    buf_append(&block, head, sizeof head);
    buf_str_append(&block, message);
    frame_add(&h2->out, FRAME_DATA, FLAG_END_STREAM, stream, buf_str(&block));
    buf_fini(&block);
}

static void call_ended(struct h2 *h2, uint32_t stream)
{
    struct stream *place = &h2->streams[(stream >> 1) % STREAMS];
    struct str data = buf_str(&place->data);
    struct str message = {NULL, 0};
    if (data.len >= GRPC_HEAD)
        message = (struct str){data.ptr + GRPC_HEAD, data.len - GRPC_HEAD};
    h2->done(h2->ctx, place->slot, message);
}

static void frame_take(struct h2 *h2, unsigned type, unsigned flags, uint32_t stream,
                       struct str payload)
{
    switch (type) {
    case FRAME_DATA:
        buf_str_append(&h2->streams[(stream >> 1) % STREAMS].data, payload);
        break;
    case FRAME_SETTINGS:
        if ((flags & FLAG_ACK) == 0)
            frame_add(&h2->out, FRAME_SETTINGS, FLAG_ACK, 0, STR(""));
        break;
    case FRAME_PING:
        if ((flags & FLAG_ACK) == 0)
            frame_add(&h2->out, FRAME_PING, FLAG_ACK, 0, payload);
        break;
    case FRAME_GOAWAY:
        h2->is_broken = true;
        break;
    default:
        break;
    }
    if (type == FRAME_RST_STREAM ||
        ((type == FRAME_DATA || type == FRAME_HEADERS) && (flags & FLAG_END_STREAM) != 0))
        call_ended(h2, stream);
}

static void frames_take(struct h2 *h2)
{
    size_t at = 0;
    while (h2->in_len - at >= FRAME_HEAD) {
        const unsigned char *head = h2->in + at;
        uint32_t len = u32_get(head) >> 8;
        if (h2->in_len - at < FRAME_HEAD + len)
            break;
        frame_take(h2, head[3], head[4], u32_get(head + 5) & WINDOW_MAX,
                   (struct str){(const char *)head + FRAME_HEAD, len});
        at += FRAME_HEAD + len;
    }
    h2->in_len -= at;
    memmove(h2->in, h2->in + at, h2->in_len);
}

bool h2_run(struct h2 *h2, int wait_us)
{
    for (size_t sent = 0; sent < h2->out.len && !h2->is_broken;) {
        ssize_t n = send(h2->fd, h2->out.data + sent, h2->out.len - sent, MSG_NOSIGNAL);
        h2->is_broken = n <= 0;
        sent += n > 0 ? (size_t)n : 0;
    }
    buf_clear(&h2->out);
    struct pollfd poll_fd = {.fd = h2->fd, .events = POLLIN};
    struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000L};
    if (h2->is_broken || ppoll(&poll_fd, 1, &wait, NULL) <= 0)
        return !h2->is_broken;
    ssize_t n = recv(h2->fd, h2->in + h2->in_len, READ_BYTES - h2->in_len, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        h2->is_broken = true;
    if (n > 0) {
        h2->in_len += (size_t)n;
        frames_take(h2);
    }
    return !h2->is_broken;
}

struct h2 *h2_open(int port, const char *const *fields, h2_done_fn done, void *ctx)
{
    union {
        struct sockaddr_in v4;
        struct sockaddr any;
    } target = {
        .v4 = {.sin_family = AF_INET,
               .sin_port = htons((uint16_t)port),
               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}
    };
    struct h2 *h2 = xcalloc(1, sizeof *h2);
    int is_on = 1;
    h2->fd = socket(AF_INET, SOCK_STREAM, 0);
    h2->fields = fields;
    h2->done = done;
    h2->ctx = ctx;
    h2->next_stream = 1;
    h2->in = xcalloc(READ_BYTES, 1);
    buf_init(&h2->out, 0);
    for (size_t i = 0; i < STREAMS; i++)
        buf_init(&h2->streams[i].data, 0);
    (void)setsockopt(h2->fd, IPPROTO_TCP, TCP_NODELAY, &is_on, sizeof is_on);
    if (connect(h2->fd, &target.any, sizeof target.v4) != 0) {
        h2_close(h2);
        return NULL;
    }
    buf_text(&h2->out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    unsigned char setting[6] = {0, SETTING_INITIAL_WINDOW};
    u32_put(setting + 2, WINDOW_MAX);
    frame_add(&h2->out, FRAME_SETTINGS, 0, 0, (struct str){(const char *)setting, sizeof setting});
    unsigned char more[4];
    u32_put(more, WINDOW_MAX - 65535);
    frame_add(&h2->out, FRAME_WINDOW_UPDATE, 0, 0, (struct str){(const char *)more, sizeof more});
    return h2;
}

void h2_close(struct h2 *h2)
{
    if (h2 == NULL)
        return;
    (void)close(h2->fd);
    for (size_t i = 0; i < STREAMS; i++)
        buf_fini(&h2->streams[i].data);
    buf_fini(&h2->out);
    free(h2->in);
    free(h2);
}
