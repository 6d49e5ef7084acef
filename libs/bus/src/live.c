#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "bus_int.h"
#include "log/log.h"

enum { LIVE_LOCK_RANK = 590, LIVE_BATCH = 256, LIVE_INACTIVE_MS = 30000, LIVE_RETRY_MS = 200 };

#define NS_PER_MS INT64_C(1000000)

/*
 * A consumer without a name that keeps nothing: whenever the connection or the consumer is lost,
 * a new one starts behind the last message delivered, so there are neither gaps nor repeats.
 */
struct bus_subscription {
    struct bus *bus;
    char *subject;
    bus_live_fn handler;
    void *ctx;
    pthread_t thread;
    struct pull pull;
    uint64_t next_seq; /* 0 = not known yet: behind what is stored when first attached */
    uint64_t consumer_seq;
    char *consumer;   /* its name on the server, NULL = none */
    struct lock lock; /* guards the two flags */
    struct cond stopped;
    bool is_stopping;
    bool is_live;
};

static bool live_is_stopping(struct bus_subscription *sub)
{
    lock_take(&sub->lock);
    bool is_stopping = sub->is_stopping;
    lock_drop(&sub->lock);
    return is_stopping;
}

static void live_set(struct bus_subscription *sub, bool is_live)
{
    lock_take(&sub->lock);
    sub->is_live = is_live;
    lock_drop(&sub->lock);
}

bool bus_subscription_is_live(struct bus_subscription *sub)
{
    lock_take(&sub->lock);
    bool is_live = sub->is_live;
    lock_drop(&sub->lock);
    return is_live;
}

static void consumer_forget(struct bus_subscription *sub, bool is_deleted)
{
    if (sub->consumer != NULL && is_deleted)
        (void)js_DeleteConsumer(sub->bus->js, BUS_STREAM, sub->consumer, NULL, NULL);
    free(sub->consumer);
    sub->consumer = NULL;
}

static enum err_code consumer_make(struct bus_subscription *sub, struct err *err)
{
    struct bus_stream_info info;
    if (sub->next_seq == 0) {
        enum err_code code = bus_stream_info(sub->bus, NULL, &info, err);
        if (code != ERR_OK)
            return code;
        sub->next_seq = info.last_seq + 1;
    }
    jsConsumerConfig config;
    (void)jsConsumerConfig_Init(&config);
    config.FilterSubject = sub->subject;
    config.DeliverPolicy = js_DeliverByStartSequence;
    config.OptStartSeq = sub->next_seq;
    config.AckPolicy = js_AckNone;
    config.MemoryStorage = true;
    config.InactiveThreshold = LIVE_INACTIVE_MS * NS_PER_MS;
    jsConsumerInfo *made = NULL;
    natsStatus s = js_AddConsumer(&made, sub->bus->js, BUS_STREAM, &config, NULL, NULL);
    if (s != NATS_OK)
        return bus_fail(err, s, "subscribe");
    sub->consumer = xstrdup(made->Name);
    sub->consumer_seq = 0;
    jsConsumerInfo_Destroy(made);
    return ERR_OK;
}

/* Until there is a consumer behind next_seq; false when the subscription is to end first. */
static bool live_attach(struct bus_subscription *sub)
{
    live_set(sub, false);
    consumer_forget(sub, bus_is_ready(sub->bus));
    while (!live_is_stopping(sub)) {
        struct err err = {0};
        if (!bus_wait_ready(sub->bus, clock_mono_us() + BUS_WAKE_MS * US_PER_MS))
            continue;
        uint64_t generation = bus_generation(sub->bus);
        enum err_code code = ERR_OK;
        if (sub->pull.sub == NULL)
            code = pull_open(&sub->pull, sub->bus, LIVE_BATCH, &err);
        if (code == ERR_OK)
            code = consumer_make(sub, &err);
        if (code == ERR_OK) {
            pull_restart(&sub->pull, BUS_STREAM, sub->consumer);
            sub->pull.generation = generation;
            live_set(sub, true);
            return true;
        }
        LOG_WARN(NULL, "live subscription could not start, trying again", LOG_ERR(&err));
        (void)bus_pause(&sub->lock, &sub->stopped, &sub->is_stopping, LIVE_RETRY_MS);
    }
    return false;
}

enum live_result { LIVE_ON, LIVE_GAP, LIVE_END };

static enum live_result message_deliver(struct bus_subscription *sub, natsMsg *raw)
{
    struct bus_meta meta;
    if (!bus_meta_parse(natsMsg_GetReply(raw), &meta))
        return LIVE_ON;
    if (meta.consumer_seq != sub->consumer_seq + 1)
        return LIVE_GAP;
    sub->consumer_seq = meta.consumer_seq;
    sub->next_seq = meta.stream_seq + 1;
    struct bus_msg msg = bus_msg_view(raw, &meta);
    return sub->handler(sub->ctx, &msg) ? LIVE_ON : LIVE_END;
}

static void *live_run(void *arg)
{
    struct bus_subscription *sub = arg;
    bool is_attached = live_attach(sub);
    while (is_attached && !live_is_stopping(sub)) {
        natsMsg *msg = NULL;
        enum pull_result pulled = pull_next(&sub->pull, &msg);
        enum live_result result = pulled == PULL_BROKEN ? LIVE_GAP : LIVE_ON;
        if (pulled == PULL_MSG)
            result = message_deliver(sub, msg);
        natsMsg_Destroy(msg);
        if (result == LIVE_END)
            break;
        if (result == LIVE_GAP)
            is_attached = live_attach(sub);
    }
    live_set(sub, false);
    consumer_forget(sub, bus_is_ready(sub->bus));
    pull_close(&sub->pull);
    return NULL;
}

struct bus_subscription *bus_subscribe(struct bus *bus, const char *subject, uint64_t from_seq,
                                       bus_live_fn handler, void *ctx)
{
    struct bus_subscription *sub = xcalloc(1, sizeof *sub);
    sub->bus = bus;
    sub->subject = xstrdup(subject);
    sub->next_seq = from_seq;
    sub->handler = handler;
    sub->ctx = ctx;
    lock_init(&sub->lock, "bus subscription", LIVE_LOCK_RANK);
    cond_init(&sub->stopped);
    int failed = pthread_create(&sub->thread, NULL, live_run, sub);
    INVARIANT(failed == 0);
    return sub;
}

void bus_subscription_close(struct bus_subscription *sub)
{
    if (sub == NULL)
        return;
    lock_take(&sub->lock);
    sub->is_stopping = true;
    cond_broadcast(&sub->stopped);
    lock_drop(&sub->lock);
    (void)pthread_join(sub->thread, NULL);
    cond_fini(&sub->stopped);
    lock_fini(&sub->lock);
    free(sub->subject);
    free(sub);
}
