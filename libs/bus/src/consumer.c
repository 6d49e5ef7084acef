#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "bus_int.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    CONSUMER_LOCK_RANK = 590,
    RETRY_BASE_MS = 50,
    RETRY_MAX_MS = 5000,
    DEAD_LETTER_MS = 5000,
    RETIRED_LOOK_MS = 60000
};

#define NS_PER_MS INT64_C(1000000)

static const struct metric_def handled_def = {
    .name = "taskrouter_bus_handled_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Messages by what became of one try: ok, retry or dead.",
    .labels = {"durable", "outcome"},
};
static const struct metric_def duration_def = {
    .name = "taskrouter_bus_handle_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "Time inside the handler of a consumer.",
    .labels = {"durable"},
};
static const struct metric_def delay_def = {
    .name = "taskrouter_bus_delivery_delay_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "From storage of an event to the start of its handling.",
    .labels = {"durable"},
};
static const struct metric_def pending_def = {
    .name = "taskrouter_bus_pending",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Messages waiting behind the last one handled.",
    .labels = {"durable"},
};

struct bus_consumer {
    struct bus *bus;
    struct bus_consumer_def def; /* defaults filled in */
    void *ctx;
    pthread_t thread;
    struct arena *arena;
    struct pull pull;
    int64_t touched_mono_us; /* when what is fetched ahead was last claimed */
    struct metric_series *ok;
    struct metric_series *retry;
    struct metric_series *dead;
    struct metric_series *duration;
    struct metric_series *delay;
    struct metric_series *pending;
    struct lock lock; /* guards is_stopping */
    struct cond stopped;
    bool is_stopping;
};

/* ---- The consumer on the server ---- */

static void config_fill(const struct bus_consumer_def *def, jsConsumerConfig *config)
{
    (void)jsConsumerConfig_Init(config);
    config->Durable = def->durable;
    config->FilterSubject = def->subject;
    config->AckPolicy = js_AckExplicit;
    config->AckWait = def->ack_wait_ms * NS_PER_MS;
    config->MaxDeliver = -1; /* counted here, where the reason is known */
    config->MaxAckPending = (int64_t)def->batch * 16;
    config->DeliverPolicy = def->from == BUS_FROM_NEW ? js_DeliverNew : js_DeliverAll;
}

static bool config_differs(const jsConsumerConfig *have, const jsConsumerConfig *want)
{
    return have->AckWait != want->AckWait || have->MaxAckPending != want->MaxAckPending ||
           have->MaxDeliver != want->MaxDeliver || have->FilterSubject == NULL ||
           strcmp(have->FilterSubject, want->FilterSubject) != 0;
}

/* *out_is_there: not for a retired one that is gone. */
static enum err_code consumer_ensure(struct bus_consumer *consumer, bool *out_is_there,
                                     struct err *err)
{
    jsCtx *js = consumer->bus->js;
    const struct bus_consumer_def *def = &consumer->def;
    jsConsumerConfig want;
    config_fill(def, &want);
    jsConsumerInfo *info = NULL;
    natsStatus s = js_GetConsumerInfo(&info, js, def->stream, def->durable, NULL, NULL);
    *out_is_there = !def->is_retired || s != NATS_NOT_FOUND;
    if (s == NATS_NOT_FOUND) {
        s = def->is_retired ? NATS_OK : js_AddConsumer(NULL, js, def->stream, &want, NULL, NULL);
    } else if (s == NATS_OK && config_differs(info->Config, &want)) {
        want.DeliverPolicy = info->Config->DeliverPolicy; /* cannot be changed, and means nothing
                                                             once deliveries have begun */
        s = js_UpdateConsumer(NULL, js, def->stream, &want, NULL, NULL);
    }
    jsConsumerInfo_Destroy(info);
    return s == NATS_OK ? ERR_OK : bus_fail(err, s, def->durable);
}

/* Of a retired one; true when nothing is left of it. */
static bool consumer_is_done(struct bus_consumer *consumer)
{
    jsCtx *js = consumer->bus->js;
    const struct bus_consumer_def *def = &consumer->def;
    jsConsumerInfo *info = NULL;
    natsStatus s = js_GetConsumerInfo(&info, js, def->stream, def->durable, NULL, NULL);
    bool is_drained = s == NATS_OK && info->NumPending == 0 && info->NumAckPending == 0;
    jsConsumerInfo_Destroy(info);
    if (is_drained)
        s = js_DeleteConsumer(js, def->stream, def->durable, NULL, NULL);
    if (is_drained && s == NATS_OK)
        LOG_INFO(NULL, "retired event consumer is drained and deleted",
                 LOG_STR("durable", def->durable));
    return s == NATS_NOT_FOUND || (is_drained && s == NATS_OK);
}

/* ---- Claims on messages ---- */

static void tell(struct bus_consumer *consumer, natsMsg *msg, const char *what)
{
    /* A lost acknowledgement means one more delivery, which handlers can stand. */
    (void)natsConnection_PublishString(consumer->bus->nc, natsMsg_GetReply(msg), what);
}

/* Keeps the server from giving what waits here to somebody else. current may be NULL. */
static void claims_renew(struct bus_consumer *consumer, natsMsg *current)
{
    int64_t now = clock_mono_us();
    if (now - consumer->touched_mono_us < consumer->def.ack_wait_ms * US_PER_MS / 3)
        return;
    consumer->touched_mono_us = now;
    pull_hold(&consumer->pull);
    pull_tell(&consumer->pull, "+WPI");
    if (current != NULL)
        tell(consumer, current, "+WPI");
}

/* True when the consumer is to end. */
static bool wait_claiming(struct bus_consumer *consumer, natsMsg *current, int64_t ms)
{
    int64_t until = clock_mono_us() + ms * US_PER_MS;
    for (;;) {
        claims_renew(consumer, current);
        int64_t left_ms = (until - clock_mono_us() + US_PER_MS - 1) / US_PER_MS;
        if (left_ms <= 0)
            return bus_pause(&consumer->lock, &consumer->stopped, &consumer->is_stopping, 0);
        if (left_ms > 500)
            left_ms = 500;
        if (bus_pause(&consumer->lock, &consumer->stopped, &consumer->is_stopping, left_ms))
            return true;
    }
}

/* ---- One message ---- */

static bool is_counted(enum err_code code)
{
    switch (code) {
    case ERR_ABORTED:
    case ERR_DEADLINE_EXCEEDED:
    case ERR_RESOURCE_EXHAUSTED:
    case ERR_INTERNAL:
    case ERR_UNKNOWN:
    case ERR_CANCELLED:
        return true;
    default:
        return false;
    }
}

static natsStatus dead_headers(natsMsg *out, const struct bus_consumer *consumer,
                               const struct bus_msg *msg, const struct err *error)
{
    char id[BUS_HEADER_ID_BYTES];
    char seq[24];
    (void)snprintf(id, sizeof id, "%.100s:%" PRIu64, consumer->def.durable, msg->stream_seq);
    (void)snprintf(seq, sizeof seq, "%" PRIu64, msg->stream_seq);
    char detail[sizeof error->detail];
    for (size_t i = 0; i < sizeof detail; i++) /* a header is one line */
        detail[i] = (char)((unsigned char)error->detail[i] < 0x20 && error->detail[i] != '\0'
                               ? ' '
                               : error->detail[i]);
    char subject[256];
    (void)snprintf(subject, sizeof subject, "%.*s", STR_ARG(msg->subject));
    char msg_id[BUS_HEADER_ID_BYTES];
    (void)snprintf(msg_id, sizeof msg_id, "%.*s", STR_ARG(msg->msg_id));
    const char *const headers[][2] = {
        {"Nats-Msg-Id",                id                                        },
        {"Taskrouter-Subject",         subject                                   },
        {"Taskrouter-Stream-Sequence", seq                                       },
        {"Taskrouter-Event-Id",        msg_id                                    },
        {"Taskrouter-Error-Code",      err_code_name(error->code)                },
        {"Taskrouter-Error-Reason",    error->reason != NULL ? error->reason : ""},
        {"Taskrouter-Error-Detail",    detail                                    },
    };
    natsStatus s = NATS_OK;
    for (size_t i = 0; s == NATS_OK && i < ARRAY_LEN(headers); i++)
        s = natsMsgHeader_Set(out, headers[i][0], headers[i][1]);
    return s;
}

/* Sets a message aside with its error; false when that could not be stored. */
static bool dead_letter(struct bus_consumer *consumer, const struct bus_msg *msg,
                        const struct err *error)
{
    char subject[256];
    (void)snprintf(subject, sizeof subject, BUS_DEAD_SUBJECT ".%.200s", consumer->def.durable);
    natsMsg *out = NULL;
    natsStatus s = natsMsg_Create(&out, subject, NULL, msg->payload.ptr, (int)msg->payload.len);
    if (s == NATS_OK)
        s = dead_headers(out, consumer, msg, error);
    jsPubOptions options;
    (void)jsPubOptions_Init(&options);
    options.MaxWait = DEAD_LETTER_MS;
    if (s == NATS_OK)
        s = js_PublishMsg(NULL, consumer->bus->js, out, &options, NULL);
    natsMsg_Destroy(out);
    return s == NATS_OK;
}

static enum err_code handle_once(struct bus_consumer *consumer, const struct bus_msg *msg,
                                 struct err *err)
{
    struct call call;
    call_init(&call, consumer->arena, consumer->def.durable,
              (int64_t)consumer->def.budget_ms * US_PER_MS);
    err_clear(err);
    int64_t began = clock_mono_us();
    enum err_code code = consumer->def.handler(consumer->ctx, &call, msg, err);
    metric_observe_us(consumer->duration, clock_mono_us() - began);
    err->code = code;
    if (code == ERR_OK) {
        metric_inc(consumer->ok);
    } else {
        bool is_retried = code == ERR_UNAVAILABLE ||
                          (is_counted(code) && msg->attempt < consumer->def.max_deliver);
        if (is_retried)
            LOG_WARN(&call, "event not handled, trying again", LOG_VIEW("subject", msg->subject),
                     LOG_VIEW("event", msg->msg_id), LOG_I64("attempt", msg->attempt),
                     LOG_ERR(err));
        else
            LOG_ERROR(&call, "event not handled, setting it aside as a dead letter",
                      LOG_VIEW("subject", msg->subject), LOG_VIEW("event", msg->msg_id),
                      LOG_I64("attempt", msg->attempt), LOG_ERR(err));
        metric_inc(is_retried ? consumer->retry : consumer->dead);
    }
    arena_reset(consumer->arena);
    return code;
}

/*
 * Tries in place, so that nothing overtakes: the messages behind wait here, claimed. Returns false
 * when the consumer is to end with the message not handled.
 */
static bool message_handle(struct bus_consumer *consumer, natsMsg *raw)
{
    struct bus_meta meta;
    if (!bus_meta_parse(natsMsg_GetReply(raw), &meta))
        return true; /* not from JetStream: somebody wrote to our inbox */
    struct bus_msg msg = bus_msg_view(raw, &meta);
    metric_observe_us(consumer->delay, clock_now_us() - meta.stored_at_us);
    metric_set(consumer->pending, (int64_t)meta.pending);
    msg.attempt = 1;
    for (int tries = 1;; tries++) {
        struct err err;
        claims_renew(consumer, raw);
        enum err_code code = handle_once(consumer, &msg, &err);
        bool is_away = code == ERR_UNAVAILABLE;
        bool is_final = !is_away && (!is_counted(code) || msg.attempt >= consumer->def.max_deliver);
        if (code != ERR_OK && is_final) {
            for (int n = 1; !dead_letter(consumer, &msg, &err); n++) {
                if (wait_claiming(consumer, raw, bus_backoff_ms(n, RETRY_BASE_MS, RETRY_MAX_MS)))
                    return false;
            }
        }
        if (code == ERR_OK || is_final) {
            tell(consumer, raw, "+ACK");
            return true;
        }
        if (wait_claiming(consumer, raw, bus_backoff_ms(tries, RETRY_BASE_MS, RETRY_MAX_MS)))
            return false;
        msg.attempt += !is_away;
    }
}

/* ---- The thread ---- */

static bool consumer_is_stopping(struct bus_consumer *consumer)
{
    lock_take(&consumer->lock);
    bool is_stopping = consumer->is_stopping;
    lock_drop(&consumer->lock);
    return is_stopping;
}

/* Until the consumer exists on the server; false when it is to end first. */
static bool consumer_attach(struct bus_consumer *consumer)
{
    for (int tries = 1; !consumer_is_stopping(consumer); tries++) {
        struct err err = {0};
        bool is_there = false;
        if (!bus_wait_ready(consumer->bus, clock_mono_us() + BUS_WAKE_MS * US_PER_MS)) {
            tries = 0;
            continue;
        }
        enum err_code code = consumer_ensure(consumer, &is_there, &err);
        if (code == ERR_OK && !is_there) {
            (void)bus_pause(&consumer->lock, &consumer->stopped, &consumer->is_stopping,
                            RETIRED_LOOK_MS);
            tries = 0;
            continue;
        }
        if (code == ERR_OK && consumer->pull.sub == NULL)
            code = pull_open(&consumer->pull, consumer->bus, consumer->def.batch, &err);
        if (code == ERR_OK) {
            pull_restart(&consumer->pull, consumer->def.stream, consumer->def.durable);
            return true;
        }
        LOG_WARN(NULL, "event consumer could not be ensured, trying again",
                 LOG_STR("durable", consumer->def.durable), LOG_ERR(&err));
        (void)bus_pause(&consumer->lock, &consumer->stopped, &consumer->is_stopping,
                        bus_backoff_ms(tries, RETRY_BASE_MS, RETRY_MAX_MS));
    }
    return false;
}

/* Gives back, in order, what nobody will handle here. current: the one under way, or NULL. */
static void consumer_give_back(struct bus_consumer *consumer, natsMsg *current)
{
    if (consumer->pull.sub == NULL)
        return;
    pull_finish(&consumer->pull);
    if (current != NULL)
        tell(consumer, current, "-NAK");
    pull_tell(&consumer->pull, "-NAK");
    pull_close(&consumer->pull);
}

static void *consumer_run(void *arg)
{
    struct bus_consumer *consumer = arg;
    natsMsg *unhandled = NULL;
    bool is_attached = consumer_attach(consumer);
    consumer->touched_mono_us = clock_mono_us();
    while (is_attached && !consumer_is_stopping(consumer)) {
        natsMsg *msg = NULL;
        enum pull_result result = pull_next(&consumer->pull, &msg);
        if (result == PULL_MSG) {
            if (!message_handle(consumer, msg)) {
                unhandled = msg;
                break;
            }
            natsMsg_Destroy(msg);
        } else if (result == PULL_NONE) {
            /* nothing waits anywhere: what comes next is claimed from now on */
            consumer->touched_mono_us = clock_mono_us();
            if (consumer->def.is_retired && consumer_is_done(consumer))
                is_attached = consumer_attach(consumer);
        } else {
            (void)bus_pause(&consumer->lock, &consumer->stopped, &consumer->is_stopping, 20);
            is_attached = consumer_attach(consumer);
        }
    }
    consumer_give_back(consumer, unhandled);
    natsMsg_Destroy(unhandled);
    return NULL;
}

struct bus_consumer *bus_consumer_start(struct bus *bus, const struct bus_consumer_def *def,
                                        void *ctx)
{
    INVARIANT(def->durable != NULL && def->subject != NULL && def->handler != NULL);
    struct bus_consumer *consumer = xcalloc(1, sizeof *consumer);
    consumer->bus = bus;
    consumer->def = *def;
    consumer->ctx = ctx;
    struct bus_consumer_def *filled = &consumer->def;
    filled->stream = def->stream != NULL ? def->stream : BUS_STREAM;
    filled->max_deliver = def->max_deliver > 0 ? def->max_deliver : 10;
    filled->ack_wait_ms = def->ack_wait_ms > 0 ? def->ack_wait_ms : 30000;
    filled->batch = def->batch > 0 ? def->batch : 64;
    filled->budget_ms = def->budget_ms > 0 ? def->budget_ms : 10000;
    filled->arena_bytes = def->arena_bytes > 0 ? def->arena_bytes : (size_t)4 << 20;
    consumer->arena = arena_new(filled->arena_bytes);
    struct metric *handled = metric_register(&handled_def);
    consumer->ok = METRIC_SERIES(handled, def->durable, "ok");
    consumer->retry = METRIC_SERIES(handled, def->durable, "retry");
    consumer->dead = METRIC_SERIES(handled, def->durable, "dead");
    consumer->duration = METRIC_SERIES(metric_register(&duration_def), def->durable);
    consumer->delay = METRIC_SERIES(metric_register(&delay_def), def->durable);
    consumer->pending = METRIC_SERIES(metric_register(&pending_def), def->durable);
    lock_init(&consumer->lock, "bus consumer", CONSUMER_LOCK_RANK);
    cond_init(&consumer->stopped);
    int failed = pthread_create(&consumer->thread, NULL, consumer_run, consumer);
    INVARIANT(failed == 0);
    return consumer;
}

void bus_consumer_end(struct bus_consumer *consumer)
{
    if (consumer == NULL)
        return;
    lock_take(&consumer->lock);
    consumer->is_stopping = true;
    cond_broadcast(&consumer->stopped);
    lock_drop(&consumer->lock);
}

void bus_consumer_stop(struct bus_consumer *consumer)
{
    if (consumer == NULL)
        return;
    bus_consumer_end(consumer);
    (void)pthread_join(consumer->thread, NULL);
    cond_fini(&consumer->stopped);
    lock_fini(&consumer->lock);
    arena_free(consumer->arena);
    free(consumer);
}
