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
    /* Others publish to the stream too and broke the chain: so many windows go the full way, twice
     * as many after each failure. */
    unsigned full_left;
    unsigned full_next;
};

/*
 * One window under way. An acknowledgement costs the server and us about as much as the message. So
 * of many only the first and the last are asked for, and each after the first names the one before
 * it as the newest that the stream must hold ("Nats-Expected-Last-Msg-Id"). When both are new
 * there, all between are: each was taken only right behind the one before. (The first matters
 * because what is there already is dropped by its id before the server looks at what it expects.)
 * Counting places instead would not do, as somebody else's event may stand in the place of one that
 * was refused. When the chain breaks, because somebody else published between or one was refused,
 * the whole window goes again without it and with every acknowledgement.
 */
struct window {
    const struct bus_message *messages;
    size_t count;
    bool is_sparse;
    bool is_first_new; /* stored, and was not before */
    bool is_last_new;
    size_t sent;
    size_t stored; /* from the front */
    size_t failed; /* first one refused, SIZE_MAX = none */
    bool is_acked[WINDOW];
    /* Freed together when all are sent: the library has a thread that frees, and each message given
     * to it alone would wake it, and contend for the allocator with the next one. */
    natsMsg *made[WINDOW];
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

/* The library wants terminated texts; bus_message_check has looked at their lengths. */
static const char *terminated(struct str text, char *out, size_t size)
{
    size_t len = text.len < size ? text.len : size - 1;
    if (len > 0)
        memcpy(out, text.ptr, len);
    out[len] = '\0';
    return out;
}

static natsStatus id_header(natsMsg *msg, const char *name, struct str id)
{
    char text[BUS_HEADER_ID_BYTES];
    return id.len == 0 ? NATS_OK : natsMsgHeader_Set(msg, name, terminated(id, text, sizeof text));
}

enum err_code bus_message_make(const struct bus_message *message, const char *reply, natsMsg **out,
                               struct err *err)
{
    enum err_code code = bus_message_check(message, err);
    if (code != ERR_OK)
        return code;
    char subject[SUBJECT_BYTES];
    natsMsg *msg = NULL;
    natsStatus s = natsMsg_Create(&msg, terminated(message->subject, subject, sizeof subject),
                                  reply, message->payload.ptr, (int)message->payload.len);
    if (s == NATS_OK)
        s = id_header(msg, "Nats-Msg-Id", message->msg_id);
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

static enum err_code window_send_one(struct bus_publisher *publisher, struct window *window,
                                     struct err *err)
{
    size_t at = window->sent;
    char reply[SUBJECT_BYTES];
    bool asks = !window->is_sparse || at == 0 || at + 1 == window->count;
    if (asks)
        (void)snprintf(reply, sizeof reply, "%s.%" PRIu64 ".%zu", publisher->inbox,
                       publisher->round, at);
    natsMsg *msg = NULL;
    enum err_code code = bus_message_make(&window->messages[at], asks ? reply : NULL, &msg, err);
    if (code != ERR_OK)
        return code;
    natsStatus s = NATS_OK;
    if (window->is_sparse && at > 0)
        s = id_header(msg, "Nats-Expected-Last-Msg-Id", window->messages[at - 1].msg_id);
    if (s == NATS_OK)
        s = natsConnection_PublishMsg(publisher->nc, msg);
    window->made[at] = msg;
    return s == NATS_OK ? ERR_OK : bus_fail(err, s, "publish");
}

static enum err_code window_send(struct bus_publisher *publisher, struct window *window,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    while (code == ERR_OK && window->sent < window->count) {
        code = window_send_one(publisher, window, err);
        window->sent += code == ERR_OK;
    }
    /* The one that failed was made, too. */
    for (size_t i = 0; i < window->count && window->made[i] != NULL; i++)
        natsMsg_Destroy(window->made[i]);
    return code;
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

/* The server answers {"stream":…}, {…,"duplicate":true} or {"error":{…}}; nobody listening is a
 * status without data. */
static void ack_take(struct window *window, size_t index, natsMsg *msg)
{
    struct str data = {natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg)};
    if (data.len > 0 && str_find(data, STR("\"error\"")) < 0) {
        window->is_acked[index] = true;
        bool is_new = str_find(data, STR("\"duplicate\"")) < 0;
        if (index == 0)
            window->is_first_new = is_new;
        if (index + 1 == window->count)
            window->is_last_new = is_new;
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
    return window.is_first_new && window.is_last_new;
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

static bool has_ids(const struct bus_message *messages, size_t count)
{
    size_t with_id = 0;
    while (with_id < count && messages[with_id].msg_id.len > 0)
        with_id++;
    return with_id == count;
}

static enum err_code window_run(struct bus_publisher *publisher, const struct bus_message *messages,
                                size_t count, int64_t until_mono_us, size_t *out_stored,
                                struct err *err)
{
    bool is_sparse = count >= SPARSE_MIN && publisher->full_left == 0 && has_ids(messages, count);
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
