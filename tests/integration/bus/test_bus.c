#include "bus/bus.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "log/log.h"
#include "nats_fixture.h"
#include "testing.h"

enum { MAX_SEEN = 20000 };

static struct bus *bus;
static const char *url;

/* What a handler saw; written by its thread only, read after its counter. */
struct seen {
    uint64_t seqs[MAX_SEEN];
    int numbers[MAX_SEEN]; /* the payload as a number */
    _Atomic int count;
    _Atomic int want;
    _Atomic int failing; /* this payload fails so many more times */
    _Atomic int fail_number;
    _Atomic int fail_code;
    _Atomic int64_t delay_us_max;
};

static struct seen *seen_new(void)
{
    struct seen *seen = calloc(1, sizeof *seen);
    INVARIANT(seen != NULL);
    return seen;
}

static void seen_add(struct seen *seen, const struct bus_msg *msg)
{
    int at = atomic_load(&seen->count);
    INVARIANT(at < MAX_SEEN && msg->payload.len < 12);
    char text[16];
    (void)snprintf(text, sizeof text, "%.*s", STR_ARG(msg->payload));
    seen->numbers[at] = (int)strtol(text, NULL, 10);
    seen->seqs[at] = msg->stream_seq;
    int64_t delay = clock_now_us() - msg->stored_at_us;
    if (delay > seen->delay_us_max)
        seen->delay_us_max = delay;
    atomic_store(&seen->count, at + 1);
}

static enum err_code take(void *ctx, struct call *call, const struct bus_msg *msg, struct err *err)
{
    struct seen *seen = ctx;
    (void)call;
    char number[16];
    (void)snprintf(number, sizeof number, "%d", atomic_load(&seen->fail_number));
    if (atomic_load(&seen->failing) > 0 && str_eq_text(msg->payload, number)) {
        atomic_fetch_sub(&seen->failing, 1);
        return ERR_SET(err, (enum err_code)atomic_load(&seen->fail_code), "TEST_FAILS",
                       "refused by\nthe test");
    }
    seen_add(seen, msg);
    return ERR_OK;
}

static bool take_live(void *ctx, const struct bus_msg *msg)
{
    seen_add(ctx, msg);
    return true;
}

static bool has_all(void *ctx)
{
    struct seen *seen = ctx;
    return atomic_load(&seen->count) >= atomic_load(&seen->want);
}

static bool wait_for(struct seen *seen, int want)
{
    atomic_store(&seen->want, want);
    return wait_until(has_all, seen, 20000);
}

static bool in_order(const struct seen *seen, int first, int count)
{
    for (int i = 0; i < count; i++) {
        if (seen->numbers[i] != first + i) {
            (void)fprintf(stderr, "at %d: %d, wanted %d\n", i, seen->numbers[i], first + i);
            return false;
        }
    }
    return true;
}

static bool is_live(void *sub)
{
    return bus_subscription_is_live(sub);
}

/* Messages "<prefix>-<n>" with payload n for first..first+count-1. */
struct batch {
    char ids[1000][48];
    char payloads[1000][12];
    struct bus_message messages[1000];
};

static struct batch *batch_new(const char *subject, const char *prefix, int first, int count)
{
    struct batch *batch = calloc(1, sizeof *batch);
    INVARIANT(batch != NULL && count <= 1000);
    for (int i = 0; i < count; i++) {
        (void)snprintf(batch->ids[i], sizeof batch->ids[i], "%s-%d", prefix, first + i);
        (void)snprintf(batch->payloads[i], sizeof batch->payloads[i], "%d", first + i);
        batch->messages[i] = (struct bus_message){.msg_id = str_from(batch->ids[i]),
                                                  .subject = str_from(subject),
                                                  .payload = str_from(batch->payloads[i])};
    }
    return batch;
}

static void publish(const char *subject, const char *prefix, int first, int count)
{
    struct bus_publisher *publisher = bus_publisher_new(bus);
    struct batch *batch = batch_new(subject, prefix, first, count);
    struct err err = {0};
    size_t stored = 0;
    CHECK_I64(bus_publish_batch(publisher, NULL, batch->messages, (size_t)count, &stored, &err),
              ERR_OK);
    CHECK_TEXT(err.detail, "");
    CHECK_I64(stored, count);
    free(batch);
    bus_publisher_free(publisher);
}

static void a_durable_consumer_sees_all_in_order(void)
{
    static const struct bus_consumer_def def = {
        .durable = "test-order", .subject = "taskrouter.WS1.>", .handler = take};
    struct seen *seen = seen_new();
    publish("taskrouter.WS1.task.created", "order", 0, 500);
    publish("taskrouter.WS2.task.created", "other", 0, 10); /* filtered away */
    struct bus_consumer *consumer = bus_consumer_start(bus, &def, seen);
    CHECK(wait_for(seen, 500));
    publish("taskrouter.WS1.task.created", "order", 500, 1000);
    CHECK(wait_for(seen, 1500));
    bus_consumer_stop(consumer);
    CHECK(in_order(seen, 0, 1500));
    /* the place is kept: a second start sees only what is new */
    publish("taskrouter.WS1.task.created", "order", 1500, 5);
    struct seen *later = seen_new();
    consumer = bus_consumer_start(bus, &def, later);
    CHECK(wait_for(later, 5));
    bus_consumer_stop(consumer);
    CHECK(in_order(later, 1500, 5));
    free(later);
    free(seen);
}

static void a_lone_event_is_delivered_at_once(void)
{
    static const struct bus_consumer_def def = {
        .durable = "test-latency", .subject = "taskrouter.WSL.>", .handler = take};
    struct seen *seen = seen_new();
    struct bus_consumer *consumer = bus_consumer_start(bus, &def, seen);
    publish("taskrouter.WSL.task.created", "latency-warm", 0, 1);
    CHECK(wait_for(seen, 1));
    seen->delay_us_max = 0;
    for (int i = 1; i <= 200; i++) {
        char id[32];
        char text[16];
        (void)snprintf(id, sizeof id, "latency-%d", i);
        (void)snprintf(text, sizeof text, "%d", i);
        struct bus_message message = {str_from(id), STR("taskrouter.WSL.task.created"),
                                      str_from(text)};
        struct err err;
        CHECK_I64(bus_publish(bus, NULL, &message, &err), ERR_OK);
        CHECK(wait_for(seen, i + 1));
    }
    (void)printf("longest of 200 deliveries: %lld us ", (long long)seen->delay_us_max);
    CHECK(seen->delay_us_max < 500000); /* below the life of one request: it waited for none */
    bus_consumer_stop(consumer);
    free(seen);
}

static void what_is_for_one_service_is_not_among_the_events(void)
{
    static const struct bus_consumer_def def = {.durable = "test-to",
                                                .stream = BUS_TO_STREAM,
                                                .subject = BUS_TO_SUBJECT ".test-svc.*",
                                                .handler = take};
    struct bus_stream_info before;
    struct bus_stream_info after;
    struct err err;
    struct seen *seen = seen_new();
    CHECK_I64(bus_stream_info(bus, NULL, &before, &err), ERR_OK);
    publish(BUS_TO_SUBJECT ".other-svc.WS1", "to-other", 0, 3);
    publish(BUS_TO_SUBJECT ".test-svc.WS1", "to", 0, 20);
    struct bus_consumer *consumer = bus_consumer_start(bus, &def, seen);
    CHECK(wait_for(seen, 20));
    publish(BUS_TO_SUBJECT ".test-svc.WS2", "to", 20, 1);
    CHECK(wait_for(seen, 21));
    bus_consumer_stop(consumer);
    CHECK(in_order(seen, 0, 21));
    CHECK_I64(bus_stream_info(bus, NULL, &after, &err), ERR_OK);
    CHECK_I64(after.last_seq, before.last_seq);
    free(seen);
}

static bool consumer_exists(const char *durable)
{
    natsConnection *nc = NULL;
    jsCtx *js = NULL;
    jsConsumerInfo *info = NULL;
    natsStatus s = natsConnection_ConnectTo(&nc, url);
    if (s == NATS_OK)
        s = natsConnection_JetStream(&js, nc, NULL);
    if (s == NATS_OK)
        s = js_GetConsumerInfo(&info, js, BUS_STREAM, durable, NULL, NULL);
    CHECK(s == NATS_OK || s == NATS_NOT_FOUND);
    jsConsumerInfo_Destroy(info);
    jsCtx_Destroy(js);
    natsConnection_Destroy(nc);
    return s == NATS_OK;
}

static bool is_gone(void *durable)
{
    return !consumer_exists(durable);
}

static void a_retired_consumer_handles_what_is_left_and_is_deleted(void)
{
    char durable[] = "test-retired";
    const struct bus_consumer_def before = {
        .durable = durable, .subject = "taskrouter.WSR.>", .handler = take};
    struct bus_consumer_def def = before;
    def.is_retired = true;
    struct seen *seen = seen_new();
    struct bus_consumer *consumer = bus_consumer_start(bus, &before, seen);
    publish("taskrouter.WSR.task.created", "retired", 0, 5);
    CHECK(wait_for(seen, 5));
    bus_consumer_stop(consumer);
    publish("taskrouter.WSR.task.created", "retired", 5, 300);
    consumer = bus_consumer_start(bus, &def, seen);
    CHECK(wait_until(is_gone, durable, 20000));
    bus_consumer_stop(consumer);
    CHECK_I64(seen->count, 305);
    CHECK(in_order(seen, 0, 305));
    /* one that is not there is not made, and its thread ends when told */
    consumer = bus_consumer_start(bus, &def, seen);
    publish("taskrouter.WSR.task.created", "retired", 305, 1);
    bus_consumer_stop(consumer);
    CHECK(!consumer_exists(durable));
    CHECK_I64(seen->count, 305);
    free(seen);
}

static void a_repeated_message_id_is_stored_once(void)
{
    struct bus_stream_info before;
    struct bus_stream_info after;
    struct err err;
    publish("taskrouter.WS3.task.created", "dedupe", 0, 10);
    CHECK_I64(bus_stream_info(bus, NULL, &before, &err), ERR_OK);
    publish("taskrouter.WS3.task.created", "dedupe", 0, 10);
    struct bus_message message = {STR("dedupe-3"), STR("taskrouter.WS3.task.created"), STR("3")};
    CHECK_I64(bus_publish(bus, NULL, &message, &err), ERR_OK);
    CHECK_I64(bus_stream_info(bus, NULL, &after, &err), ERR_OK);
    CHECK_I64(after.last_seq, before.last_seq);
    CHECK_I64(after.messages, before.messages);
}

static void a_failing_message_is_tried_again_before_the_next(void)
{
    static const struct bus_consumer_def def = {
        .durable = "test-retry", .subject = "taskrouter.WS4.>", .handler = take, .max_deliver = 5};
    struct seen *seen = seen_new();
    atomic_store(&seen->fail_number, 3);
    atomic_store(&seen->failing, 4); /* one less than max_deliver */
    atomic_store(&seen->fail_code, ERR_INTERNAL);
    publish("taskrouter.WS4.task.created", "retry", 0, 10);
    struct bus_consumer *consumer = bus_consumer_start(bus, &def, seen);
    CHECK(wait_for(seen, 10));
    bus_consumer_stop(consumer);
    CHECK(in_order(seen, 0, 10));
    CHECK_I64(atomic_load(&seen->failing), 0);
    free(seen);
}

static void what_is_away_does_not_use_up_tries(void)
{
    static const struct bus_consumer_def def = {
        .durable = "test-away", .subject = "taskrouter.WS5.>", .handler = take, .max_deliver = 2};
    struct seen *seen = seen_new();
    atomic_store(&seen->fail_number, 0);
    atomic_store(&seen->failing, 5);
    atomic_store(&seen->fail_code, ERR_UNAVAILABLE);
    publish("taskrouter.WS5.task.created", "away", 0, 3);
    struct bus_consumer *consumer = bus_consumer_start(bus, &def, seen);
    CHECK(wait_for(seen, 3));
    bus_consumer_stop(consumer);
    CHECK(in_order(seen, 0, 3));
    free(seen);
}

static void dead_letters_check(const char *subject, const char *payload, const char *code)
{
    natsConnection *nc = NULL;
    jsCtx *js = NULL;
    natsMsg *msg = NULL;
    REQUIRE(natsConnection_ConnectTo(&nc, url) == NATS_OK);
    REQUIRE(natsConnection_JetStream(&js, nc, NULL) == NATS_OK);
    REQUIRE(js_GetLastMsg(&msg, js, BUS_DEAD_STREAM, subject, NULL, NULL) == NATS_OK);
    CHECK_TEXT(natsMsg_GetData(msg), payload);
    const char *value = NULL;
    CHECK(natsMsgHeader_Get(msg, "Taskrouter-Error-Code", &value) == NATS_OK);
    CHECK_TEXT(value, code);
    CHECK(natsMsgHeader_Get(msg, "Taskrouter-Error-Detail", &value) == NATS_OK);
    CHECK_TEXT(value, "refused by the test");
    CHECK(natsMsgHeader_Get(msg, "Taskrouter-Subject", &value) == NATS_OK);
    CHECK_TEXT(value, "taskrouter.WS6.task.created");
    natsMsg_Destroy(msg);
    jsCtx_Destroy(js);
    natsConnection_Destroy(nc);
}

static void after_the_last_try_it_becomes_a_dead_letter(void)
{
    static const struct bus_consumer_def def = {
        .durable = "test-dead", .subject = "taskrouter.WS6.>", .handler = take, .max_deliver = 3};
    struct seen *seen = seen_new();
    atomic_store(&seen->fail_number, 1);
    atomic_store(&seen->failing, 3);
    atomic_store(&seen->fail_code, ERR_INTERNAL);
    publish("taskrouter.WS6.task.created", "dead", 0, 4);
    struct bus_consumer *consumer = bus_consumer_start(bus, &def, seen);
    CHECK(wait_for(seen, 3));
    CHECK_I64(seen->numbers[0], 0);
    CHECK_I64(seen->numbers[1], 2);
    CHECK_I64(seen->numbers[2], 3);
    dead_letters_check("taskrouter-dlq.test-dead", "1", "INTERNAL");
    /* what can never succeed is not tried again */
    atomic_store(&seen->fail_number, 4);
    atomic_store(&seen->fail_code, ERR_INVALID_ARGUMENT);
    atomic_store(&seen->failing, 100);
    publish("taskrouter.WS6.task.created", "dead", 4, 2);
    CHECK(wait_for(seen, 4));
    CHECK_I64(atomic_load(&seen->failing), 99);
    dead_letters_check("taskrouter-dlq.test-dead", "4", "INVALID_ARGUMENT");
    bus_consumer_stop(consumer);
    free(seen);
}

static void what_was_fetched_and_not_handled_is_given_back(void)
{
    static const struct bus_consumer_def def = {
        .durable = "test-back", .subject = "taskrouter.WS7.>", .handler = take};
    struct seen *seen = seen_new();
    atomic_store(&seen->fail_number, 2);
    atomic_store(&seen->failing, 1000000);
    atomic_store(&seen->fail_code, ERR_UNAVAILABLE);
    publish("taskrouter.WS7.task.created", "back", 0, 20);
    struct bus_consumer *consumer = bus_consumer_start(bus, &def, seen);
    CHECK(wait_for(seen, 2));
    bus_consumer_stop(consumer); /* stops although message 2 never succeeds */
    atomic_store(&seen->failing, 0);
    int64_t began = clock_mono_us();
    consumer = bus_consumer_start(bus, &def, seen);
    CHECK(wait_for(seen, 20));
    CHECK(clock_mono_us() - began < 10 * US_PER_S); /* not only after ack_wait_ms */
    bus_consumer_stop(consumer);
    CHECK(in_order(seen, 0, 20));
    free(seen);
}

static enum err_code take_slowly(void *ctx, struct call *call, const struct bus_msg *msg,
                                 struct err *err)
{
    (void)call;
    (void)err;
    const struct timespec time = {.tv_nsec = 100000000};
    (void)nanosleep(&time, NULL);
    seen_add(ctx, msg);
    return ERR_OK;
}

static void what_waits_behind_slow_handling_is_not_delivered_again(void)
{
    enum { COUNT = 20 }; /* 2 s of work, fetched at once */
    static const struct bus_consumer_def def = {.durable = "test-slow",
                                                .subject = "taskrouter.WS9.>",
                                                .handler = take_slowly,
                                                .ack_wait_ms = 1000};
    struct seen *seen = seen_new();
    publish("taskrouter.WS9.task.created", "slow", 0, COUNT);
    struct bus_consumer *consumer = bus_consumer_start(bus, &def, seen);
    CHECK(wait_for(seen, COUNT));
    CHECK(in_order(seen, 0, COUNT));
    atomic_store(&seen->want, COUNT + 1);
    CHECK(!wait_until(has_all, seen, 1200)); /* a repeat would come within ack_wait_ms */
    bus_consumer_stop(consumer);
    free(seen);
}

static void a_subscription_resumes_by_sequence(void)
{
    struct seen *live = seen_new();
    struct bus_subscription *sub = bus_subscribe(bus, "taskrouter.WS8.>", 0, take_live, live);
    CHECK(wait_until(is_live, sub, 10000));
    publish("taskrouter.WS8.task.created", "live", 0, 300);
    publish("taskrouter.WS9.task.created", "live9", 0, 10);
    publish("taskrouter.WS8.task.created", "live", 300, 300);
    CHECK(wait_for(live, 600));
    bus_subscription_close(sub);
    CHECK(in_order(live, 0, 600));
    for (int i = 1; i < 600; i++)
        CHECK(live->seqs[i] > live->seqs[i - 1]);
    struct seen *resumed = seen_new();
    sub = bus_subscribe(bus, "taskrouter.WS8.>", live->seqs[99] + 1, take_live, resumed);
    CHECK(wait_for(resumed, 500));
    bus_subscription_close(sub);
    CHECK(in_order(resumed, 100, 500));
    free(live);
    free(resumed);
}

static bool bus_ready(void *arg)
{
    return bus_is_ready(arg);
}

static bool bus_away(void *arg)
{
    return !bus_is_ready(arg);
}

static bool has_199(void *ctx)
{
    struct seen *seen = ctx;
    int count = atomic_load(&seen->count);
    return count > 0 && seen->numbers[count - 1] == 199;
}

static void everything_comes_back_after_the_server_was_killed(void)
{
    static const struct bus_consumer_def def = {
        .durable = "test-kill", .subject = "taskrouter.WSK.>", .handler = take};
    struct seen *durable = seen_new();
    struct seen *live = seen_new();
    struct bus_consumer *consumer = bus_consumer_start(bus, &def, durable);
    struct bus_subscription *sub = bus_subscribe(bus, "taskrouter.WSK.>", 0, take_live, live);
    CHECK(wait_until(is_live, sub, 10000));
    publish("taskrouter.WSK.task.created", "kill", 0, 100);
    CHECK(wait_for(durable, 100) && wait_for(live, 100));
    nats_fixture_kill();
    CHECK(wait_until(bus_away, bus, 10000));
    struct bus_message message = {STR("kill-x"), STR("taskrouter.WSK.task.created"), STR("0")};
    struct err err;
    int64_t began = clock_mono_us();
    CHECK_I64(bus_publish(bus, NULL, &message, &err), ERR_UNAVAILABLE);
    CHECK(clock_mono_us() - began < US_PER_S); /* refused at once */
    struct bus_publisher *publisher = bus_publisher_new(bus);
    struct batch *batch = batch_new("taskrouter.WSK.task.created", "kill", 100, 100);
    size_t stored = 7;
    CHECK_I64(bus_publish_batch(publisher, NULL, batch->messages, 100, &stored, &err),
              ERR_UNAVAILABLE);
    CHECK_I64(stored, 0);
    nats_fixture_restart();
    CHECK(wait_until(bus_ready, bus, 20000));
    CHECK_I64(bus_publish_batch(publisher, NULL, batch->messages, 100, &stored, &err), ERR_OK);
    CHECK_I64(stored, 100);
    CHECK(wait_for(live, 200));
    CHECK(in_order(live, 0, 200));
    CHECK(wait_until(has_199, durable, 20000));
    bus_consumer_stop(consumer);
    bus_subscription_close(sub);
    int next = 0; /* repeats are allowed to a durable consumer, gaps are not */
    for (int i = 0; i < atomic_load(&durable->count); i++) {
        CHECK(durable->numbers[i] <= next);
        if (durable->numbers[i] == next)
            next++;
    }
    CHECK_I64(next, 200);
    free(batch);
    bus_publisher_free(publisher);
    free(durable);
    free(live);
}

static void pause_us(long us)
{
    struct timespec time = {.tv_nsec = us * 1000};
    (void)nanosleep(&time, NULL);
}

struct killer {
    _Atomic bool is_done;
};

static void *kill_twice(void *arg)
{
    struct killer *killer = arg;
    for (int i = 0; i < 2; i++) {
        int64_t until = clock_mono_us() + 150 * US_PER_MS;
        while (clock_mono_us() < until)
            pause_us(1000);
        nats_fixture_kill();
        nats_fixture_restart();
    }
    atomic_store(&killer->is_done, true);
    return NULL;
}

/* A relay in small: publish on from where the last batch is known to be stored. */
static void order_survives_kills_in_the_middle_of_batches(void)
{
    enum { TOTAL_MAX = MAX_SEEN - 1000, SIZE = 200 };
    struct killer killer = {false};
    struct seen *live = seen_new();
    struct bus_subscription *sub = bus_subscribe(bus, "taskrouter.WSM.>", 0, take_live, live);
    CHECK(wait_until(is_live, sub, 10000));
    struct bus_publisher *publisher = bus_publisher_new(bus);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, kill_twice, &killer) == 0);
    int next = 0;
    while (next < TOTAL_MAX && (!atomic_load(&killer.is_done) || next < 3000)) {
        struct batch *batch = batch_new("taskrouter.WSM.task.created", "middle", next, SIZE);
        size_t stored = 0;
        struct err err;
        if (bus_publish_batch(publisher, NULL, batch->messages, SIZE, &stored, &err) != ERR_OK)
            pause_us(20000);
        next += (int)stored;
        free(batch);
        pause_us(2000);
    }
    (void)pthread_join(thread, NULL);
    CHECK(wait_for(live, next));
    CHECK(in_order(live, 0, next));
    (void)printf("%d messages over two kills ", next);
    bus_subscription_close(sub);
    bus_publisher_free(publisher);
    free(live);
}

static void a_bus_opens_while_the_server_is_away(void)
{
    nats_fixture_kill();
    struct bus_options options = {.url = url, .name = "late"};
    struct bus *late = NULL;
    struct err err;
    int64_t began = clock_mono_us();
    REQUIRE(bus_open(&options, &late, &err) == ERR_OK);
    CHECK(clock_mono_us() - began < 20 * US_PER_S); /* it does not wait for the server */
    CHECK(!bus_is_ready(late));
    CHECK_I64(bus_check(late, NULL, &err), ERR_UNAVAILABLE);
    nats_fixture_restart();
    CHECK(wait_until(bus_ready, late, 20000));
    bus_close(late);
    CHECK(wait_until(bus_ready, bus, 20000));
    options.url = "";
    CHECK_I64(bus_open(&options, &late, &err), ERR_INVALID_ARGUMENT);
}

static void a_bad_subject_is_refused_before_it_is_sent(void)
{
    static const char *const subjects[] = {"", ".a", "a.", "a..b", "a b", "a.*", "a.>"};
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        struct bus_message message = {STR("bad"), str_from(subjects[i]), STR("1")};
        CHECK_I64(bus_publish(bus, NULL, &message, &err), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, "BUS_MESSAGE");
    }
}

static const struct test_case cases[] = {
    {"a durable consumer sees all in order and keeps its place",
     a_durable_consumer_sees_all_in_order                                                                   },
    {"a lone event is delivered at once",                        a_lone_event_is_delivered_at_once          },
    {"what is for one service is not among the events",
     what_is_for_one_service_is_not_among_the_events                                                        },
    {"a retired consumer handles what is left and is deleted",
     a_retired_consumer_handles_what_is_left_and_is_deleted                                                 },
    {"a repeated message id is stored once",                     a_repeated_message_id_is_stored_once       },
    {"a failing message is tried again before the next",
     a_failing_message_is_tried_again_before_the_next                                                       },
    {"what is away does not use up tries",                       what_is_away_does_not_use_up_tries         },
    {"after the last try it becomes a dead letter",              after_the_last_try_it_becomes_a_dead_letter},
    {"what was fetched and not handled is given back",
     what_was_fetched_and_not_handled_is_given_back                                                         },
    {"what waits behind slow handling is not delivered again",
     what_waits_behind_slow_handling_is_not_delivered_again                                                 },
    {"a subscription resumes by sequence",                       a_subscription_resumes_by_sequence         },
    {"everything comes back after the server was killed",
     everything_comes_back_after_the_server_was_killed                                                      },
    {"order survives kills in the middle of batches",
     order_survives_kills_in_the_middle_of_batches                                                          },
    {"a bus opens while the server is away",                     a_bus_opens_while_the_server_is_away       },
    {"a bad subject is refused before it is sent",               a_bad_subject_is_refused_before_it_is_sent },
};

int main(int argc, char **argv)
{
    log_init("test-bus", LOG_LEVEL_ERROR);
    url = nats_fixture_start();
    struct bus_options options = {.url = url, .name = "test", .reconnect_wait_ms = 50};
    struct err err;
    int failed = 1;
    if (bus_open(&options, &bus, &err) == ERR_OK &&
        bus_wait_ready(bus, clock_mono_us() + 20 * US_PER_S))
        failed = testing_main("bus", cases, ARRAY_LEN(cases), argc, argv);
    bus_close(bus);
    nats_CloseAndWait(5000);
    nats_fixture_stop();
    return failed;
}
