#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "bus_int.h"
#include "metrics/metrics.h"

enum {
    WINDOW = 512,   /* messages sent before their acknowledgements are awaited */
    SPARSE_MIN = 4, /* fewer are acknowledged one by one */
    FULL_MAX = 256,
    SUBJECT_BYTES = 256,
    DEFAULT_BATCH_MS = 10000
};

static const struct metric_def published_def = {
    .name = "taskrouter_bus_published_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Messages whose storage the event bus acknowledged.",
};
static const struct metric_def failures_def = {
    .name = "taskrouter_bus_publish_failures_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Batches that were not acknowledged in full.",
};

/*
 * The connection does not reconnect by itself: the library would send what was published during the
 * break after what was lost in it. Acknowledgements come to <inbox>.<round>.<index>, so late ones
 * of an earlier round are told apart.
 */
struct bus_publisher {
    struct bus *bus;
    natsConnection *nc;
    natsSubscription *acks;
    natsInbox *inbox;
    uint64_t round;
    bool is_proven; /* one message was acknowledged on this connection: the rest need not wait */
    /* Others publish to the stream too, so the sparse way proved nothing: so many windows go the
     * full way, twice as many after each failure. */
    unsigned full_left;
    unsigned full_next;
};

/*
 * One window under way. An acknowledgement costs the server and us about as much as the message. So
 * of many only the first and the last are asked for: when their places in the stream are as far
 * apart as in the window, all between are stored. When they are not, somebody else published
 * between them or one is missing, and the whole window goes again with every acknowledgement; what
 * is stored already is then dropped by its id.
 */
struct window {
    const struct bus_message *messages;
    size_t count;
    bool is_sparse;
    uint64_t first_place; /* in the stream; 0 = not new there */
    uint64_t last_place;
    size_t sent;
    size_t stored; /* from the front */
    size_t failed; /* first one refused, SIZE_MAX = none */
    bool is_acked[WINDOW];
    struct err refusal;
};

/* ---- Messages ---- */

enum err_code bus_message_check(const struct bus_message *message, struct err *err)
{
    struct str subject = message->subject;
    bool is_sound = subject.len > 0 && subject.len < SUBJECT_BYTES && subject.ptr[0] != '.' &&
                    subject.ptr[subject.len - 1] != '.';
    for (size_t i = 0; is_sound && i < subject.len; i++) {
        unsigned char c = (unsigned char)subject.ptr[i];
        is_sound = c > ' ' && c != '*' && c != '>' && c != 0x7f &&
                   !(c == '.' && subject.ptr[i + 1] == '.');
    }
    if (!is_sound)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BUS_MESSAGE",
                       "\"%.*s\" cannot be published to: a subject has 1 to %d characters without "
                       "spaces, wildcards and empty parts",
                       STR_ARG(subject), SUBJECT_BYTES - 1);
    if (message->payload.len > BUS_MAX_PAYLOAD_BYTES)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BUS_MESSAGE",
                       "the event has %zu bytes, more than %d", message->payload.len,
                       BUS_MAX_PAYLOAD_BYTES);
    if (message->msg_id.len >= BUS_HEADER_ID_BYTES)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BUS_MESSAGE", "the message id is too long");
    return ERR_OK;
}

enum err_code bus_message_make(const struct bus_message *message, const char *reply, natsMsg **out,
                               struct err *err)
{
    enum err_code code = bus_message_check(message, err);
    if (code != ERR_OK)
        return code;
    char subject[SUBJECT_BYTES];
    char id[BUS_HEADER_ID_BYTES];
    (void)snprintf(subject, sizeof subject, "%.*s", STR_ARG(message->subject));
    (void)snprintf(id, sizeof id, "%.*s", STR_ARG(message->msg_id));
    natsMsg *msg = NULL;
    natsStatus s =
        natsMsg_Create(&msg, subject, reply, message->payload.ptr, (int)message->payload.len);
    if (s == NATS_OK && id[0] != '\0')
        s = natsMsgHeader_Set(msg, "Nats-Msg-Id", id);
    if (s != NATS_OK) {
        natsMsg_Destroy(msg);
        return bus_fail(err, s, "publish");
    }
    *out = msg;
    return ERR_OK;
}

/* ---- Connection ---- */

struct bus_publisher *bus_publisher_new(struct bus *bus)
{
    struct bus_publisher *publisher = xcalloc(1, sizeof *publisher);
    publisher->bus = bus;
    return publisher;
}

static void publisher_disconnect(struct bus_publisher *publisher)
{
    if (publisher->nc != NULL)
        natsConnection_Close(publisher->nc); /* ends the reading thread; see bus_unsubscribe */
    natsSubscription_Destroy(publisher->acks);
    natsConnection_Destroy(publisher->nc);
    natsInbox_Destroy(publisher->inbox);
    publisher->acks = NULL;
    publisher->nc = NULL;
    publisher->inbox = NULL;
    publisher->is_proven = false;
}

void bus_publisher_free(struct bus_publisher *publisher)
{
    if (publisher == NULL)
        return;
    publisher_disconnect(publisher);
    free(publisher);
}

static enum err_code publisher_connect(struct bus_publisher *publisher, struct err *err)
{
    if (publisher->nc != NULL && !natsConnection_IsClosed(publisher->nc))
        return ERR_OK;
    publisher_disconnect(publisher);
    natsOptions *options = NULL;
    natsStatus s = bus_nats_options(&publisher->bus->options, &options);
    if (s == NATS_OK)
        s = natsOptions_SetAllowReconnect(options, false);
    if (s == NATS_OK)
        s = natsConnection_Connect(&publisher->nc, options);
    natsOptions_Destroy(options);
    if (s == NATS_OK)
        s = natsInbox_Create(&publisher->inbox);
    char pattern[SUBJECT_BYTES];
    if (s == NATS_OK) {
        (void)snprintf(pattern, sizeof pattern, "%s.>", publisher->inbox);
        s = natsConnection_SubscribeSync(&publisher->acks, publisher->nc, pattern);
    }
    if (s == NATS_OK)
        return ERR_OK;
    publisher_disconnect(publisher);
    return ERR_SET(err, ERR_UNAVAILABLE, "BUS_UNAVAILABLE", "no connection to the event bus: %s",
                   natsStatus_GetText(s));
}

/* ---- A window ---- */

static bool is_asked(const struct window *window, size_t index)
{
    return !window->is_sparse || index == 0 || index + 1 == window->count;
}

static enum err_code window_send(struct bus_publisher *publisher, struct window *window,
                                 struct err *err)
{
    while (window->sent < window->count) {
        char reply[SUBJECT_BYTES];
        bool asks = is_asked(window, window->sent);
        if (asks)
            (void)snprintf(reply, sizeof reply, "%s.%" PRIu64 ".%zu", publisher->inbox,
                           publisher->round, window->sent);
        natsMsg *msg = NULL;
        enum err_code code =
            bus_message_make(&window->messages[window->sent], asks ? reply : NULL, &msg, err);
        if (code != ERR_OK)
            return code;
        natsStatus s = natsConnection_PublishMsg(publisher->nc, msg);
        natsMsg_Destroy(msg);
        if (s != NATS_OK)
            return bus_fail(err, s, "publish");
        window->sent++;
    }
    return ERR_OK;
}

/* Which message of the present round a reply subject belongs to; SIZE_MAX for others. */
static size_t ack_index(const struct bus_publisher *publisher, const char *subject)
{
    struct str rest = str_from(subject);
    if (publisher->inbox == NULL || rest.len <= strlen(publisher->inbox))
        return SIZE_MAX;
    rest.ptr += strlen(publisher->inbox) + 1;
    rest.len -= strlen(publisher->inbox) + 1;
    struct str round_text = str_split(&rest, '.');
    uint64_t round = 0;
    uint64_t index = 0;
    if (!parse_u64(round_text, UINT64_MAX, &round) || round != publisher->round ||
        !parse_u64(rest, WINDOW - 1, &index))
        return SIZE_MAX;
    return (size_t)index;
}

/* {"stream":"…","seq":7} or {…,"duplicate":true}: the place of a new message, else 0. */
static uint64_t ack_place(struct str data)
{
    ptrdiff_t at = str_find(data, STR("\"seq\":"));
    if (at < 0 || str_find(data, STR("\"duplicate\"")) >= 0)
        return 0;
    struct str rest = {data.ptr + at + 6, data.len - (size_t)at - 6};
    uint64_t place = 0;
    size_t len = 0;
    rest = str_trim(rest);
    while (len < rest.len && rest.ptr[len] >= '0' && rest.ptr[len] <= '9')
        len++;
    return parse_u64((struct str){rest.ptr, len}, UINT64_MAX, &place) ? place : 0;
}

/* The server answers {"stream":…} or {"error":{…}}; nobody listening is a status without data. */
static void ack_take(struct window *window, size_t index, natsMsg *msg)
{
    struct str data = {natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg)};
    if (data.len > 0 && str_find(data, STR("\"error\"")) < 0) {
        window->is_acked[index] = true;
        if (index == 0)
            window->first_place = ack_place(data);
        if (index + 1 == window->count)
            window->last_place = ack_place(data);
        if (window->is_sparse)
            return;
        while (window->stored < window->sent && window->is_acked[window->stored])
            window->stored++;
        return;
    }
    if (index >= window->failed)
        return;
    window->failed = index;
    (void)ERR_SET(&window->refusal, ERR_UNAVAILABLE, "BUS_UNAVAILABLE",
                  "the event bus did not store the event: %.*s",
                  (int)(data.len < 200 ? data.len : 200), data.len > 0 ? data.ptr : "no JetStream");
}

static bool window_is_open(const struct window *window)
{
    if (window->is_sparse)
        return window->failed == SIZE_MAX &&
               !(window->is_acked[0] && window->is_acked[window->count - 1]);
    return window->stored < window->sent && window->stored < window->failed;
}

/* Until all are stored, or all before the first refused one. */
static enum err_code window_await(struct bus_publisher *publisher, struct window *window,
                                  int64_t until_mono_us, struct err *err)
{
    while (window_is_open(window)) {
        int64_t left_ms = (until_mono_us - clock_mono_us()) / US_PER_MS;
        natsMsg *msg = NULL;
        natsStatus s =
            left_ms > 0 ? natsSubscription_NextMsg(&msg, publisher->acks, left_ms) : NATS_TIMEOUT;
        if (s != NATS_OK)
            return bus_fail(err, s, "publish");
        size_t index = ack_index(publisher, natsMsg_GetSubject(msg));
        if (index < window->sent)
            ack_take(window, index, msg);
        natsMsg_Destroy(msg);
    }
    if (window->is_sparse && window->failed == SIZE_MAX)
        return ERR_OK;
    if (window->stored == window->sent)
        return ERR_OK;
    if (err != NULL)
        *err = window->refusal;
    return window->refusal.code;
}

/* True when all of it is stored; false when that is not known. */
static bool sparse_run(struct bus_publisher *publisher, const struct bus_message *messages,
                       size_t count, int64_t until_mono_us)
{
    struct window window = {
        .messages = messages, .count = count, .is_sparse = true, .failed = SIZE_MAX};
    publisher->round++;
    if (window_send(publisher, &window, NULL) != ERR_OK ||
        window_await(publisher, &window, until_mono_us, NULL) != ERR_OK)
        return false;
    return window.first_place != 0 && window.last_place == window.first_place + count - 1;
}

static enum err_code full_run(struct bus_publisher *publisher, const struct bus_message *messages,
                              size_t count, int64_t until_mono_us, size_t *out_stored,
                              struct err *err)
{
    struct window window = {.messages = messages, .count = count, .failed = SIZE_MAX};
    publisher->round++;
    struct err send_err = {0};
    enum err_code send_code = window_send(publisher, &window, &send_err);
    enum err_code code = window_await(publisher, &window, until_mono_us, err);
    *out_stored = window.stored;
    if (code == ERR_OK && send_code != ERR_OK) {
        code = send_code;
        if (err != NULL)
            *err = send_err;
    }
    return code;
}

static enum err_code window_run(struct bus_publisher *publisher, const struct bus_message *messages,
                                size_t count, int64_t until_mono_us, size_t *out_stored,
                                struct err *err)
{
    bool is_sparse = count >= SPARSE_MIN && publisher->full_left == 0;
    if (is_sparse && sparse_run(publisher, messages, count, until_mono_us)) {
        publisher->full_next = 1;
        *out_stored = count;
        return ERR_OK;
    }
    if (is_sparse) {
        publisher->full_next =
            publisher->full_next < FULL_MAX ? publisher->full_next * 2 + 1 : FULL_MAX;
        publisher->full_left = publisher->full_next;
    } else if (publisher->full_left > 0) {
        publisher->full_left--;
    }
    return full_run(publisher, messages, count, until_mono_us, out_stored, err);
}

enum err_code bus_publish_batch(struct bus_publisher *publisher, const struct call *call,
                                const struct bus_message *messages, size_t count,
                                size_t *out_stored, struct err *err)
{
    int64_t until = clock_mono_us() + bus_left_ms(call, DEFAULT_BATCH_MS) * US_PER_MS;
    *out_stored = 0;
    enum err_code code = count > 0 ? publisher_connect(publisher, err) : ERR_OK;
    while (code == ERR_OK && *out_stored < count) {
        /* The first of a connection goes alone: while JetStream starts, it may refuse one and take
         * the next, which would then stand in the wrong order. */
        size_t left = count - *out_stored;
        size_t size = !publisher->is_proven ? 1 : left < WINDOW ? left : WINDOW;
        size_t stored = 0;
        code = window_run(publisher, messages + *out_stored, size, until, &stored, err);
        *out_stored += stored;
        publisher->is_proven = publisher->is_proven || stored > 0;
    }
    metric_add(metric_single(&published_def), (int64_t)*out_stored);
    if (code != ERR_OK) {
        metric_inc(metric_single(&failures_def));
        if (code != ERR_INVALID_ARGUMENT)
            publisher_disconnect(publisher);
    }
    return code;
}
