/* What a publisher takes for stored. */
#include <nats/nats.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bus/bus.h"
#include "log/log.h"
#include "nats_fixture.h"
#include "testing.h"

enum { COUNT = 20, REFUSED = 12 };

static struct bus *bus;
static const char *url;

/* Messages "<prefix>-<n>". */
struct batch {
    char ids[COUNT][48];
    struct bus_message messages[COUNT];
};

static struct batch *batch_new(const char *subject, const char *prefix)
{
    struct batch *batch = calloc(1, sizeof *batch);
    INVARIANT(batch != NULL);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(batch->ids[i], sizeof batch->ids[i], "%s-%d", prefix, i);
        batch->messages[i] = (struct bus_message){.msg_id = str_from(batch->ids[i]),
                                                  .subject = str_from(subject),
                                                  .payload = str_from(batch->ids[i])};
    }
    return batch;
}

/*
 * In the place of JetStream, on a subject that no stream has: drops what it knows by its id, takes
 * what stands behind what it expects. It refuses one message, and somebody else's event gets that
 * one's place.
 */
struct stream_double {
    natsConnection *nc;
    natsSubscription *sub;
    const char *refused_id;
    char ids[100][48]; /* stored; "" = somebody else's */
    _Atomic int count;
};

static bool double_knows(const struct stream_double *stream, const char *id)
{
    for (int i = 0; i < stream->count; i++) {
        if (strcmp(stream->ids[i], id) == 0)
            return true;
    }
    return false;
}

static void double_take(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    (void)sub;
    struct stream_double *stream = closure;
    const char *id = "";
    const char *expected = NULL;
    char answer[128] = "{\"error\":{\"code\":503,\"description\":\"refused\"}}";
    CHECK(natsMsgHeader_Get(msg, "Nats-Msg-Id", &id) == NATS_OK);
    (void)natsMsgHeader_Get(msg, "Nats-Expected-Last-Msg-Id", &expected);
    const char *last = stream->count == 0 ? "" : stream->ids[stream->count - 1];
    bool is_known = double_knows(stream, id);
    bool is_taken =
        strcmp(id, stream->refused_id) != 0 && (expected == NULL || strcmp(expected, last) == 0);
    if (is_known || is_taken)
        (void)snprintf(answer, sizeof answer, "{\"stream\":\"S\",\"seq\":%d%s}", stream->count + 1,
                       is_known ? ",\"duplicate\":true" : "");
    if (!is_known && is_taken)
        (void)snprintf(stream->ids[stream->count++], sizeof stream->ids[0], "%s", id);
    else if (!is_known && strcmp(id, stream->refused_id) == 0 && !double_knows(stream, ""))
        stream->count++;
    if (natsMsg_GetReply(msg) != NULL)
        CHECK(natsConnection_PublishString(nc, natsMsg_GetReply(msg), answer) == NATS_OK);
    natsMsg_Destroy(msg);
}

static void a_refused_message_is_missed_though_another_has_its_place(void)
{
    struct stream_double stream = {.refused_id = "swap-12"};
    REQUIRE(natsConnection_ConnectTo(&stream.nc, url) == NATS_OK);
    REQUIRE(natsConnection_Subscribe(&stream.sub, stream.nc, "double.>", double_take, &stream) ==
            NATS_OK);
    REQUIRE(natsConnection_Flush(stream.nc) == NATS_OK);
    struct bus_publisher *publisher = bus_publisher_new(bus);
    struct batch *batch = batch_new("double.task.created", "swap");
    struct err err = {0};
    size_t stored = 0;
    CHECK_I64(bus_publish_batch(publisher, NULL, batch->messages, COUNT, &stored, &err),
              ERR_UNAVAILABLE);
    CHECK_I64(stored, REFUSED);
    /* Behind it some may be there already. The rest is not taken for stored because of that. */
    CHECK_I64(bus_publish_batch(publisher, NULL, batch->messages + stored, COUNT - REFUSED, &stored,
                                &err),
              ERR_UNAVAILABLE);
    CHECK_I64(stored, 0);
    stream.refused_id = "";
    CHECK_I64(bus_publish_batch(publisher, NULL, batch->messages, COUNT, &stored, &err), ERR_OK);
    for (int i = 0; i < COUNT; i++)
        CHECK(double_knows(&stream, batch->ids[i]));
    bus_publisher_free(publisher);
    natsSubscription_Destroy(stream.sub);
    natsConnection_Destroy(stream.nc);
    free(batch);
}

/* The real server takes the chain: what is stored came the sparse way, not the full one after it.
 */
static void messages_are_chained_by_their_ids(void)
{
    natsConnection *nc = NULL;
    jsCtx *js = NULL;
    natsMsg *msg = NULL;
    const char *before = NULL;
    size_t stored = 0;
    struct bus_publisher *publisher = bus_publisher_new(bus);
    struct batch *batch = batch_new("taskrouter.WSQ.task.created", "chain");
    struct err err = {0};
    CHECK_I64(bus_publish_batch(publisher, NULL, batch->messages, COUNT, &stored, &err), ERR_OK);
    CHECK_I64(stored, COUNT);
    bus_publisher_free(publisher);
    free(batch);
    REQUIRE(natsConnection_ConnectTo(&nc, url) == NATS_OK);
    REQUIRE(natsConnection_JetStream(&js, nc, NULL) == NATS_OK);
    REQUIRE(js_GetLastMsg(&msg, js, BUS_STREAM, "taskrouter.WSQ.task.created", NULL, NULL) ==
            NATS_OK);
    CHECK(natsMsgHeader_Get(msg, "Nats-Expected-Last-Msg-Id", &before) == NATS_OK);
    CHECK_TEXT(before, "chain-18");
    natsMsg_Destroy(msg);
    jsCtx_Destroy(js);
    natsConnection_Destroy(nc);
}

static const struct test_case cases[] = {
    {"a refused message is missed though another has its place",
     a_refused_message_is_missed_though_another_has_its_place                                     },
    {"messages are chained by their ids",                        messages_are_chained_by_their_ids},
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
        failed = testing_main("publisher", cases, ARRAY_LEN(cases), argc, argv);
    bus_close(bus);
    nats_CloseAndWait(5000);
    nats_fixture_stop();
    return failed;
}
