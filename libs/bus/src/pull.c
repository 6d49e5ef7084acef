#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "bus_int.h"

/*
 * The library's own fetch waits until a batch is full or its time is over; here every message is
 * handed out as it arrives while one request for many is open at the server.
 */

/* A request lives short, because an orderly end waits for it. The grace is short too: nats-server
 * 2.9 sometimes drops a request that expires just as a message comes, and says nothing; the message
 * then waits for the next request. */
enum { EXPIRES_MS = 500, GRACE_MS = 100 };

enum err_code pull_open(struct pull *pull, struct bus *bus, int batch, struct err *err)
{
    *pull = (struct pull){.bus = bus, .batch = batch, .held_capacity = (size_t)batch * 2 + 16};
    natsStatus s = natsInbox_Create(&pull->inbox);
    char pattern[256] = "";
    if (s == NATS_OK)
        (void)snprintf(pattern, sizeof pattern, "%s.*", pull->inbox);
    if (s == NATS_OK)
        s = natsConnection_SubscribeSync(&pull->sub, bus->nc, pattern);
    if (s == NATS_OK)
        s = natsSubscription_SetPendingLimits(pull->sub, -1, -1); /* bounded by the requests */
    if (s != NATS_OK) {
        pull_close(pull);
        return bus_fail(err, s, "subscribe");
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is meant */
    pull->held = xcalloc(pull->held_capacity, sizeof *pull->held);
    return ERR_OK;
}

void pull_restart(struct pull *pull, const char *stream, const char *consumer)
{
    pull->generation = bus_generation(pull->bus);
    pull->outstanding = 0;
    pull->reply[0] = '\0';
    (void)snprintf(pull->consumer, sizeof pull->consumer, "%s", consumer);
    (void)snprintf(pull->next_subject, sizeof pull->next_subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s",
                   stream, consumer);
}

void pull_drop_held(struct pull *pull)
{
    for (; pull->held_count > 0; pull->held_count--) {
        natsMsg_Destroy(pull->held[pull->held_head]);
        pull->held_head = (pull->held_head + 1) % pull->held_capacity;
    }
}

void pull_close(struct pull *pull)
{
    if (pull->held != NULL)
        pull_drop_held(pull);
    if (pull->sub != NULL)
        bus_unsubscribe(pull->bus, pull->sub);
    natsInbox_Destroy(pull->inbox);
    free(pull->held);
    *pull = (struct pull){0};
}

static natsStatus pull_request(struct pull *pull)
{
    pull->requests++;
    (void)snprintf(pull->reply, sizeof pull->reply, "%s.%" PRIu64, pull->inbox, pull->requests);
    char request[96];
    int len = snprintf(request, sizeof request, "{\"batch\":%d,\"expires\":%" PRId64 "}",
                       pull->batch, (int64_t)EXPIRES_MS * 1000000);
    natsStatus s =
        natsConnection_PublishRequest(pull->bus->nc, pull->next_subject, pull->reply, request, len);
    if (s == NATS_OK) {
        pull->outstanding = pull->batch;
        pull->until_mono_us = clock_mono_us() + (EXPIRES_MS + GRACE_MS) * US_PER_MS;
    }
    return s;
}

/* The answer to a request that ends without (all) its messages: a status and no data. */
static bool is_status(natsMsg *msg, const char **out_status)
{
    return natsMsg_GetDataLength(msg) == 0 &&
           natsMsgHeader_Get(msg, "Status", out_status) == NATS_OK;
}

/* The end of an earlier request says nothing about the present one, and a message of the consumer
 * before the last restart comes again from its successor. */
static bool is_left_over(const struct pull *pull, natsMsg *msg)
{
    const char *status = NULL;
    struct bus_meta meta;
    if (is_status(msg, &status))
        return strcmp(natsMsg_GetSubject(msg), pull->reply) != 0;
    return bus_meta_parse(natsMsg_GetReply(msg), &meta) &&
           !str_eq_text(meta.consumer, pull->consumer);
}

/* 404 and 408: nothing came in time. 409 of other kinds: ask again. */
static bool status_breaks(natsMsg *msg, const char *status)
{
    const char *description = "";
    (void)natsMsgHeader_Get(msg, "Description", &description);
    return strcmp(status, "503") == 0 ||
           (strcmp(status, "409") == 0 && strstr(description, "Deleted") != NULL);
}

enum pull_result pull_next(struct pull *pull, natsMsg **out)
{
    if (pull->held_count > 0) {
        *out = pull->held[pull->held_head];
        pull->held_head = (pull->held_head + 1) % pull->held_capacity;
        pull->held_count--;
        return PULL_MSG;
    }
    if (pull->generation != bus_generation(pull->bus))
        return PULL_BROKEN;
    if (pull->outstanding <= 0 && pull_request(pull) != NATS_OK)
        return PULL_BROKEN;
    natsMsg *msg = NULL;
    natsStatus s = natsSubscription_NextMsg(&msg, pull->sub, BUS_WAKE_MS);
    if (s == NATS_TIMEOUT) {
        if (clock_mono_us() > pull->until_mono_us)
            pull->outstanding = 0; /* request or answer was lost */
        return PULL_NONE;
    }
    if (s != NATS_OK)
        return PULL_BROKEN;
    if (is_left_over(pull, msg)) {
        natsMsg_Destroy(msg);
        return PULL_NONE;
    }
    const char *status = NULL;
    if (!is_status(msg, &status)) {
        pull->outstanding--;
        *out = msg;
        return PULL_MSG;
    }
    bool is_broken = status_breaks(msg, status);
    if (strcmp(status, "100") != 0)
        pull->outstanding = 0;
    natsMsg_Destroy(msg);
    return is_broken ? PULL_BROKEN : PULL_NONE;
}

/* False when nothing more came within wait_ms. */
static bool hold_one(struct pull *pull, int64_t wait_ms)
{
    natsMsg *msg = NULL;
    const char *status = NULL;
    if (pull->held_count == pull->held_capacity ||
        natsSubscription_NextMsg(&msg, pull->sub, wait_ms) != NATS_OK)
        return false;
    if (is_left_over(pull, msg)) {
        natsMsg_Destroy(msg);
        return true;
    }
    if (is_status(msg, &status)) {
        pull->outstanding = 0;
        natsMsg_Destroy(msg);
        return true;
    }
    pull->outstanding--;
    pull->held[(pull->held_head + pull->held_count) % pull->held_capacity] = msg;
    pull->held_count++;
    return true;
}

void pull_hold(struct pull *pull)
{
    while (hold_one(pull, 1)) {
    }
}

void pull_finish(struct pull *pull)
{
    int64_t until = pull->until_mono_us;
    while (pull->outstanding > 0 && clock_mono_us() < until &&
           pull->generation == bus_generation(pull->bus))
        (void)hold_one(pull, 20);
}

void pull_tell(struct pull *pull, const char *what)
{
    for (size_t i = 0; i < pull->held_count; i++) {
        natsMsg *msg = pull->held[(pull->held_head + i) % pull->held_capacity];
        (void)natsConnection_PublishString(pull->bus->nc, natsMsg_GetReply(msg), what);
    }
}

/* ---- Messages ---- */

bool bus_meta_parse(const char *reply, struct bus_meta *out)
{
    struct str tokens[16];
    size_t count = 0;
    struct str rest = str_from(reply);
    while (rest.ptr != NULL && count < ARRAY_LEN(tokens))
        tokens[count++] = str_split(&rest, '.');
    if (count < 9 || !str_eq_text(tokens[0], "$JS") || !str_eq_text(tokens[1], "ACK"))
        return false;
    size_t at = count >= 11 ? 6 : 4;
    uint64_t stored_ns = 0;
    if (!parse_u64(tokens[at], UINT64_MAX, &out->deliveries) ||
        !parse_u64(tokens[at + 1], UINT64_MAX, &out->stream_seq) ||
        !parse_u64(tokens[at + 2], UINT64_MAX, &out->consumer_seq) ||
        !parse_u64(tokens[at + 3], INT64_MAX, &stored_ns) ||
        !parse_u64(tokens[at + 4], UINT64_MAX, &out->pending))
        return false;
    out->consumer = tokens[at - 1];
    out->stored_at_us = (int64_t)(stored_ns / 1000);
    return true;
}

struct bus_msg bus_msg_view(natsMsg *msg, const struct bus_meta *meta)
{
    const char *id = "";
    (void)natsMsgHeader_Get(msg, "Nats-Msg-Id", &id);
    return (struct bus_msg){
        .subject = str_from(natsMsg_GetSubject(msg)),
        .payload = {natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg)},
        .msg_id = str_from(id),
        .stream_seq = meta->stream_seq,
        .stored_at_us = meta->stored_at_us,
        .pending = meta->pending,
        .attempt = meta->deliveries < 1000 ? (int)meta->deliveries : 1000,
    };
}
