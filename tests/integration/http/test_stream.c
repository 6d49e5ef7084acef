#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "http/stream.h"
#include "http_fixture.h"
#include "testing.h"

#define HEAD " HTTP/1.1\r\nHost: x\r\n"

enum { MAX_STREAMS = 1100 };

/* What an owner of streams is to do: one lock over its list, taken by sends and by on_closed. */
static struct {
    struct lock lock;
    struct http_stream *streams[MAX_STREAMS];
    size_t count;
    size_t closed;
} hub;

static void on_closed(void *ctx, struct http_stream *stream)
{
    (void)ctx;
    lock_take(&hub.lock);
    for (size_t i = 0; i < hub.count; i++) {
        if (hub.streams[i] == stream) {
            hub.streams[i] = hub.streams[--hub.count];
            break;
        }
    }
    hub.closed++;
    lock_drop(&hub.lock);
}

static enum err_code events_get(void *ctx, struct http_request *req, struct http_response *res,
                                struct err *err)
{
    (void)ctx;
    struct http_stream *stream = NULL;
    lock_take(&hub.lock); /* held over opening, so that the list and the server agree */
    enum err_code code = http_stream_open(req, res, on_closed, NULL, &stream, err);
    if (code == ERR_OK)
        hub.streams[hub.count++] = stream;
    lock_drop(&hub.lock);
    if (code != ERR_OK)
        return code;
    struct str last = http_header(req, "Last-Event-ID");
    if (last.ptr != NULL)
        (void)http_stream_event(stream, last.ptr, "resumed\nid: forged",
                                STR("one\r\ntwo\revent: forged"));
    if (str_eq(http_query(req, "then"), STR("fail")))
        return ERR_SET(err, ERR_NOT_FOUND, "NO_SUCH_WORKSPACE", "no such workspace");
    http_set_header(res, "X-Stream", "yes");
    return ERR_OK;
}

static const struct http_route routes[] = {
    {HTTP_GET, "/events", events_get, 0, 0, ROLE_NONE, 0},
};

static struct http_server *open_server(struct http_server_config config)
{
    static const struct http_route_set set = {.routes = routes, .count = ARRAY_LEN(routes)};
    config.sets = &set;
    config.set_count = 1;
    hub.count = 0;
    hub.closed = 0;
    return fixture_open(&config);
}

static size_t hub_send(struct str text)
{
    size_t sent = 0;
    lock_take(&hub.lock);
    for (size_t i = 0; i < hub.count; i++)
        sent += http_stream_send(hub.streams[i], text);
    lock_drop(&hub.lock);
    return sent;
}

static size_t hub_closed(void)
{
    lock_take(&hub.lock);
    size_t closed = hub.closed;
    lock_drop(&hub.lock);
    return closed;
}

static bool one_closed(void *ctx)
{
    (void)ctx;
    return hub_closed() == 1;
}

static void events_reach_the_client_and_headers_the_handler(void)
{
    struct http_server *server = open_server((struct http_server_config){.heartbeat_ms = 300});
    struct buf in;
    buf_init(&in, 0);
    int fd = dial(server);
    send_text(fd, "GET /events" HEAD "Last-Event-ID: EV7\r\n\r\n");
    CHECK(receive_until(fd, &in, "forged\n\n", 5000));
    CHECK(contains(&in, "HTTP/1.1 200"));
    CHECK(contains(&in, "Content-Type: text/event-stream"));
    CHECK(contains(&in, "X-Stream: yes"));
    CHECK(contains(&in, "id: EV7\nevent: resumed\ndata: one\ndata: two\n"
                        "data: event: forged\n\n"));
    CHECK_I64(hub_send(STR("data: live\n\n")), 1);
    CHECK(receive_until(fd, &in, "data: live\n\n", 5000));
    CHECK(receive_until(fd, &in, ": heartbeat\n\n", 3000));
    CHECK_I64(http_server_stats(server).streams, 1);
    CHECK_I64(http_server_stats(server).in_flight, 0);

    lock_take(&hub.lock);
    struct http_stream *stream = hub.streams[0];
    lock_drop(&hub.lock);
    http_stream_close(stream);
    CHECK(receive_until(fd, &in, "\r\n0\r\n\r\n", 5000)); /* the chunked body ends properly */
    CHECK(wait_for(one_closed, NULL, 5000));
    send_text(fd, "GET /items/next" HEAD "\r\n"); /* and the connection goes on */
    CHECK(receive_until(fd, &in, "\"sid\":\"next\"", 5000));
    (void)close(fd);
    buf_fini(&in);
    http_server_close(server);
}

static void a_client_that_leaves_is_noticed_at_once(void)
{
    struct http_server *server = open_server((struct http_server_config){0});
    struct buf in;
    buf_init(&in, 0);
    int fd = dial(server);
    send_text(fd, "GET /events" HEAD "\r\n");
    CHECK(receive_until(fd, &in, "retry: 2000\n\n", 5000));
    int64_t began = clock_mono_us();
    (void)close(fd);
    CHECK(wait_for(one_closed, NULL, 5000));
    CHECK(clock_mono_us() - began < US_PER_S);
    CHECK_I64(hub_send(STR("x")), 0);
    buf_fini(&in);
    http_server_close(server);
    CHECK_I64(hub_closed(), 1);
}

static void a_slow_consumer_is_cut_off_and_told(void)
{
    struct http_server *server =
        open_server((struct http_server_config){.stream_buffer_bytes = 64 << 10});
    struct buf in;
    buf_init(&in, 0);
    int fd = dial(server);
    send_text(fd, "GET /events" HEAD "\r\n");
    CHECK(receive_until(fd, &in, "retry: 2000\n\n", 5000));
    struct buf event;
    buf_init(&event, 0);
    buf_printf(&event, "data: %07990d\n\n", 0);
    size_t sent = 0;
    while (sent < 100000 && hub_send(buf_str(&event)) == 1)
        sent++;
    CHECK(sent < 100000);
    CHECK_I64(http_server_stats(server).stream_overflows, 1);
    CHECK(receive_until(fd, &in, "event: overflow\ndata: {}\n\n", 5000)); /* it reads again */
    CHECK(wait_for(one_closed, NULL, 5000));
    (void)close(fd);

    /* one that never reads again is dropped */
    hub.closed = 0;
    fd = dial(server);
    send_text(fd, "GET /events" HEAD "\r\n");
    buf_clear(&in);
    CHECK(receive_until(fd, &in, "retry: 2000\n\n", 5000));
    while (hub_send(buf_str(&event)) == 1)
        ;
    CHECK(wait_for(one_closed, NULL, 8000));
    (void)close(fd);
    buf_fini(&event);
    buf_fini(&in);
    http_server_close(server);
}

static void a_handler_may_fail_after_opening_and_streams_are_counted(void)
{
    struct http_server *server = open_server((struct http_server_config){.max_streams = 1});
    struct buf in;
    talk(server, "GET /events?then=fail" HEAD "Connection: close\r\n\r\n", &in);
    CHECK(contains(&in, "HTTP/1.1 404"));
    CHECK(contains(&in, "NO_SUCH_WORKSPACE"));
    CHECK_I64(hub_closed(), 1);
    CHECK_I64(http_server_stats(server).streams, 0);
    buf_fini(&in);
    talk(server, "HEAD /events" HEAD "Connection: close\r\n\r\n", &in);
    CHECK(contains(&in, "HTTP/1.1 400"));

    int fd = dial(server);
    send_text(fd, "GET /events" HEAD "\r\n");
    buf_clear(&in);
    CHECK(receive_until(fd, &in, "retry: 2000\n\n", 5000));
    buf_fini(&in);
    talk(server, "GET /events" HEAD "Connection: close\r\n\r\n", &in);
    CHECK(contains(&in, "HTTP/1.1 429"));
    CHECK(contains(&in, "TOO_MANY_STREAMS"));
    (void)close(fd);
    buf_fini(&in);
    http_server_close(server);
}

static void draining_ends_streams_with_a_last_word(void)
{
    struct http_server *server = open_server((struct http_server_config){0});
    struct buf in;
    buf_init(&in, 0);
    int fd = dial(server);
    send_text(fd, "GET /events" HEAD "\r\n");
    CHECK(receive_until(fd, &in, "retry: 2000\n\n", 5000));
    int64_t began = clock_mono_us();
    http_server_drain(server, 3000);
    CHECK(clock_mono_us() - began < 2 * US_PER_S); /* a stream is not waited for */
    CHECK(receive_all(fd, &in, 5000));
    CHECK(contains(&in, ": the server is shutting down\n\n"));
    CHECK_I64(hub_closed(), 1);
    (void)close(fd);
    buf_fini(&in);
    http_server_close(server);
}

static bool thousand_are_open(void *ctx)
{
    (void)ctx;
    lock_take(&hub.lock);
    bool is_reached = hub.count == 1000;
    lock_drop(&hub.lock);
    return is_reached;
}

static bool all_closed(void *ctx)
{
    (void)ctx;
    return hub_closed() == 1000;
}

static void a_thousand_streams_need_no_thread_each(void)
{
    /* both ends are in this process, so it needs two descriptors for each; all dial at once, which
     * the usual queue would answer with 429 */
    struct http_server_config config = {.max_connections = 3000, .queue_capacity = 1000};
    struct http_server *server = open_server(config);
    static int fds[1000];
    for (size_t i = 0; i < 1000; i++) {
        fds[i] = dial(server);
        REQUIRE(fds[i] >= 0);
        send_text(fds[i], "GET /events" HEAD "\r\n");
    }
    REQUIRE(wait_for(thousand_are_open, NULL, 20000)); /* else each read below waits in vain */
    CHECK_I64(http_server_stats(server).rejected, 0);
    int64_t began = clock_mono_us();
    for (int round = 0; round < 2; round++)
        CHECK_I64(hub_send(STR("data: hello\n\n")), 1000);
    CHECK_I64(hub_send(STR("data: last\n\n")), 1000);
    struct buf in;
    buf_init(&in, 0);
    size_t complete = 0;
    for (size_t i = 0; i < 1000; i++) {
        buf_clear(&in);
        complete += receive_until(fds[i], &in, "data: last\n\n", 5000) &&
                    occurrences(&in, "data: hello\n\n") == 2;
    }
    CHECK_I64(complete, 1000);
    (void)fprintf(stderr, "3 events to 1000 streams and read: %lld ms\n",
                  (long long)((clock_mono_us() - began) / US_PER_MS));
    for (size_t i = 0; i < 1000; i++)
        (void)close(fds[i]);
    CHECK(wait_for(all_closed, NULL, 20000));
    buf_fini(&in);
    http_server_close(server);
}

static const struct test_case cases[] = {
    {"events reach the client and headers the handler",
     events_reach_the_client_and_headers_the_handler                                                     },
    {"a client that leaves is noticed at once",                   a_client_that_leaves_is_noticed_at_once},
    {"a slow consumer is cut off and told",                       a_slow_consumer_is_cut_off_and_told    },
    {"a handler may fail after opening, and streams are counted",
     a_handler_may_fail_after_opening_and_streams_are_counted                                            },
    {"draining ends streams with a last word",                    draining_ends_streams_with_a_last_word },
    {"a thousand streams need no thread each",                    a_thousand_streams_need_no_thread_each },
};

int main(int argc, char **argv)
{
    lock_init(&hub.lock, "hub", 100);
    int status = testing_main("http stream", cases, ARRAY_LEN(cases), argc, argv);
    lock_fini(&hub.lock);
    return status;
}
