#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http_fixture.h"
#include "testing.h"

#define HEAD  " HTTP/1.1\r\nHost: x\r\n"
#define CLOSE "Connection: close\r\n\r\n"

static void repeat(struct buf *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_text(out, text);
}

/* Sends the text and checks the status line of the reply. */
static void check_status(struct http_server *server, const char *text, const char *status)
{
    struct buf reply;
    talk(server, text, &reply);
    if (!CHECK(contains(&reply, status)))
        (void)fprintf(stderr, "wanted %s, got %.400s\n", status, reply.data);
    buf_fini(&reply);
}

static void sizes_of_the_head_are_bounded(void)
{
    struct http_server_config config = {
        .max_target_bytes = 500, .max_header_bytes = 2000, .max_headers = 20, .max_params = 10};
    struct http_server *server = fixture_open(&config);
    struct buf text;
    buf_init(&text, 0);

    buf_text(&text, "GET /items?q=");
    repeat(&text, "x", 600);
    buf_text(&text, HEAD CLOSE);
    check_status(server, text.data, "HTTP/1.1 414");

    buf_clear(&text);
    buf_text(&text, "GET /items?q=");
    repeat(&text, "x", 200000);
    buf_text(&text, HEAD CLOSE);
    check_status(server, text.data, "HTTP/1.1 414");

    buf_clear(&text);
    buf_text(&text, "GET /items" HEAD "X-Long: ");
    repeat(&text, "y", 3000);
    buf_text(&text, "\r\n" CLOSE);
    check_status(server, text.data, "HTTP/1.1 431");

    buf_clear(&text);
    buf_text(&text, "GET /items" HEAD);
    repeat(&text, "a: b\r\n", 30);
    buf_text(&text, CLOSE);
    check_status(server, text.data, "HTTP/1.1 431");

    buf_clear(&text);
    buf_text(&text, "GET /items" HEAD "X-Long: ");
    repeat(&text, "y", 300000);
    buf_text(&text, "\r\n" CLOSE);
    check_status(server, text.data, "HTTP/1.1 431");

    buf_clear(&text);
    buf_text(&text, "GET /items?");
    repeat(&text, "a&", 11);
    buf_text(&text, HEAD CLOSE);
    check_status(server, text.data, "TOO_MANY_PARAMETERS");

    buf_fini(&text);
    http_server_close(server);
}

static void bodies_are_bounded_however_they_are_sent(void)
{
    struct http_server_config config = {.max_buffered_bytes = 500000};
    struct http_server *server = fixture_open(&config);
    struct buf text;
    buf_init(&text, 0);
    check_status(server,
                 "POST /items" HEAD "Content-Type: application/json\r\n"
                 "Content-Length: 99999999\r\n" CLOSE,
                 "HTTP/1.1 413");
    check_status(server,
                 "POST /items" HEAD "Content-Type: application/json\r\n"
                 "Expect: 100-continue\r\nContent-Length: 2000\r\n" CLOSE,
                 "HTTP/1.1 413");

    /* a small excess is read to its end, and the connection goes on */
    buf_text(&text, "POST /items" HEAD "Content-Type: application/json\r\n"
                    "Content-Length: 2000\r\n\r\n");
    repeat(&text, "x", 2000);
    buf_text(&text, "GET /items/after" HEAD CLOSE);
    struct buf reply;
    talk(server, text.data, &reply);
    CHECK(contains(&reply, "HTTP/1.1 413"));
    CHECK(contains(&reply, "\"sid\":\"after\""));
    buf_fini(&reply);

    buf_clear(&text);
    buf_text(&text, "POST /items" HEAD "Content-Type: application/json\r\n"
                    "Transfer-Encoding: chunked\r\n" CLOSE);
    repeat(&text, "4\r\nabcd\r\n", 500);
    buf_text(&text, "0\r\n\r\n");
    check_status(server, text.data, "HTTP/1.1 413");

    buf_clear(&text);
    buf_text(&text, "POST /big" HEAD "Content-Length: 600000\r\n" CLOSE);
    repeat(&text, "0123456789", 60000);
    check_status(server, text.data, "SERVER_BUSY");
    check_status(server, "GET /items" HEAD CLOSE, "HTTP/1.1 200");
    CHECK_I64(http_server_stats(server).in_flight, 0);
    buf_fini(&text);
    http_server_close(server);
}

static void a_reply_beyond_its_limit_is_an_error(void)
{
    struct http_server_config config = {.max_response_bytes = 100000};
    struct http_server *server = fixture_open(&config);
    check_status(server, "GET /large" HEAD CLOSE, "RESPONSE_TOO_LARGE");
    http_server_close(server);
    server = fixture_open(NULL);
    check_status(server, "GET /large" HEAD CLOSE, "Content-Length: 640000");
    http_server_close(server);
}

static void a_trickling_client_gets_408(void)
{
    struct http_server_config config = {.body_timeout_ms = 400, .idle_timeout_ms = 600};
    struct http_server *server = fixture_open(&config);
    int slow_body = dial(server);
    int slow_head = dial(server);
    int silent = dial(server);
    struct buf reply;
    buf_init(&reply, 0);
    send_text(slow_body, "POST /big" HEAD "Content-Length: 1000\r\n\r\n");
    send_text(slow_head, "GET /items HTTP/1.1\r\n");
    int64_t began = clock_mono_us();
    for (int i = 0; i < 40 && !contains(&reply, "408"); i++) {
        send_text(slow_body, "x");
        send_text(slow_head, "a");
        (void)receive_until(slow_body, &reply, "408", 50);
    }
    CHECK(contains(&reply, "HTTP/1.1 408"));
    CHECK(contains(&reply, "REQUEST_TIMEOUT"));
    CHECK(clock_mono_us() - began < 1500 * US_PER_MS);
    CHECK(receive_all(slow_head, &reply, 2000));
    CHECK(receive_all(slow_body, &reply, 2000));
    CHECK(receive_all(silent, &reply, 2000));
    (void)close(slow_body);
    (void)close(slow_head);
    (void)close(silent);
    buf_fini(&reply);
    http_server_close(server);
}

static bool two_wait(void *ctx)
{
    (void)ctx;
    return gate_waiting() == 2;
}

static bool one_is_queued(void *ctx)
{
    return http_server_stats(ctx).queued == 1;
}

static bool three_are_queued(void *ctx)
{
    return http_server_stats(ctx).queued == 3;
}

static void a_full_queue_refuses_at_once_and_io_goes_on(void)
{
    struct http_server_config config = {.workers = 2, .queue_capacity = 3};
    struct http_server *server = fixture_open(&config);
    int waiting[5];
    gate_shut();
    for (size_t i = 0; i < 2; i++) {
        waiting[i] = dial(server);
        send_text(waiting[i], "GET /wait" HEAD CLOSE);
    }
    CHECK(wait_for(two_wait, NULL, 5000));
    for (size_t i = 2; i < 5; i++) {
        waiting[i] = dial(server);
        send_text(waiting[i], "GET /wait" HEAD CLOSE);
    }
    CHECK(wait_for(three_are_queued, server, 5000));
    int64_t began = clock_mono_us();
    struct buf reply;
    talk(server, "GET /items" HEAD CLOSE, &reply);
    CHECK(contains(&reply, "HTTP/1.1 429"));
    CHECK(contains(&reply, "Retry-After: 1"));
    CHECK(contains(&reply, "SERVER_BUSY"));
    CHECK(clock_mono_us() - began < US_PER_S);
    CHECK_I64(http_server_stats(server).rejected, 1);
    check_status(server, "GET /nowhere" HEAD CLOSE, "HTTP/1.1 404"); /* needs no worker */
    gate_open();
    for (size_t i = 0; i < 5; i++) {
        buf_clear(&reply);
        CHECK(receive_until(waiting[i], &reply, "\"waited\":true", 5000));
        (void)close(waiting[i]);
    }
    buf_fini(&reply);
    http_server_close(server);
}

static void connections_are_bounded_in_all_and_per_address(void)
{
    struct http_server_config config = {.max_connections_per_ip = 3};
    for (int round = 0; round < 2; round++) {
        struct http_server *server = fixture_open(&config);
        int kept[3];
        struct buf reply;
        buf_init(&reply, 0);
        for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
            kept[i] = dial(server);
            send_text(kept[i], "GET /items" HEAD "\r\n");
            buf_clear(&reply);
            CHECK(receive_until(kept[i], &reply, "\"role\"", 5000));
        }
        check_status(server, "GET /items" HEAD "\r\n",
                     round == 0 ? "HTTP/1.1 429" : "HTTP/1.1 503");
        for (size_t i = 0; i < ARRAY_LEN(kept); i++)
            (void)close(kept[i]);
        buf_fini(&reply);
        http_server_close(server);
        config = (struct http_server_config){.max_connections = 3};
    }
}

static void *drain(void *server)
{
    http_server_drain(server, 5000);
    return NULL;
}

static bool is_refused(void *server)
{
    int fd = dial(server);
    if (fd >= 0)
        (void)close(fd);
    return fd < 0;
}

static void draining_finishes_requests_and_takes_no_more(void)
{
    struct http_server *server = fixture_open(NULL);
    struct buf reply;
    buf_init(&reply, 0);
    gate_shut();
    int busy[2];
    for (size_t i = 0; i < ARRAY_LEN(busy); i++) {
        busy[i] = dial(server);
        send_text(busy[i], "GET /wait" HEAD "\r\n");
    }
    CHECK(wait_for(two_wait, NULL, 5000));
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, drain, server) == 0);
    CHECK(wait_for(is_refused, server, 5000));
    gate_open();
    (void)pthread_join(thread, NULL);
    for (size_t i = 0; i < ARRAY_LEN(busy); i++) {
        buf_clear(&reply);
        CHECK(receive_all(busy[i], &reply, 5000));
        CHECK(contains(&reply, "\"waited\":true"));
        CHECK(contains(&reply, "Connection: close"));
        (void)close(busy[i]);
    }
    CHECK_I64(http_server_stats(server).connections, 0);
    buf_fini(&reply);
    http_server_close(server);
}

static void a_drain_out_of_patience_answers_503_to_those_queued(void)
{
    struct http_server_config config = {.workers = 2};
    struct http_server *server = fixture_open(&config);
    struct buf reply;
    buf_init(&reply, 0);
    gate_shut();
    int fds[3];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = dial(server);
        send_text(fds[i], i < 2 ? "GET /wait" HEAD "\r\n" : "GET /items" HEAD "\r\n");
        if (i == 1)
            CHECK(wait_for(two_wait, NULL, 5000));
    }
    CHECK(wait_for(one_is_queued, server, 5000));
    pthread_t thread;
    int64_t began = clock_mono_us();
    REQUIRE(pthread_create(&thread, NULL, drain, server) == 0);
    CHECK(wait_for(is_refused, server, 5000));
    (void)receive_until(fds[0], &reply, "HTTP", 5500); /* the patience of 5 s passes */
    gate_open();
    (void)pthread_join(thread, NULL);
    CHECK(clock_mono_us() - began < 9 * US_PER_S);
    buf_clear(&reply);
    CHECK(receive_all(fds[2], &reply, 5000));
    CHECK(contains(&reply, "HTTP/1.1 503"));
    CHECK(contains(&reply, "Retry-After"));
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
    buf_fini(&reply);
    http_server_close(server);
}

static void bad_configurations_are_refused(void)
{
    static const char *const listens[] = {"", "nowhere", "127.0.0.1:99999", ":-1", NULL};
    struct http_server *server = NULL;
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(listens); i++) {
        struct http_server_config config = {.listen = listens[i]};
        err_clear(&err);
        CHECK_I64(http_server_open(&config, &server, &err), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, "BAD_LISTEN");
    }
    struct http_server *first = fixture_open(NULL);
    char listen[32];
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%d", http_server_port(first));
    struct http_server_config config = {.listen = listen};
    CHECK_I64(http_server_open(&config, &server, &err), ERR_UNAVAILABLE);
    CHECK_TEXT(err.reason, "LISTEN");
    http_server_close(first);
}

static const struct test_case cases[] = {
    {"sizes of the head are bounded",                       sizes_of_the_head_are_bounded               },
    {"bodies are bounded however they are sent",            bodies_are_bounded_however_they_are_sent    },
    {"a reply beyond its limit is an error",                a_reply_beyond_its_limit_is_an_error        },
    {"a trickling client gets 408",                         a_trickling_client_gets_408                 },
    {"a full queue refuses at once and io goes on",         a_full_queue_refuses_at_once_and_io_goes_on },
    {"connections are bounded in all and per address",
     connections_are_bounded_in_all_and_per_address                                                     },
    {"draining finishes requests and takes no more",        draining_finishes_requests_and_takes_no_more},
    {"a drain out of patience answers 503 to those queued",
     a_drain_out_of_patience_answers_503_to_those_queued                                                },
    {"bad configurations are refused",                      bad_configurations_are_refused              },
};

int main(int argc, char **argv)
{
    return testing_main("http limits", cases, ARRAY_LEN(cases), argc, argv);
}
