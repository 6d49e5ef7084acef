/* The relay against a real nats-server that is killed under it. */
#include <stdio.h>

#include "base/clock.h"
#include "base/lock.h"
#include "bus/bus.h"
#include "cluster.h"
#include "log/log.h"
#include "outbox/outbox.h"
#include "process.h"
#include "testing.h"

enum { MAX_SEEN = 4096, WAIT_MS = 20000 };

static struct cluster *cluster;
static struct db_pool *pool;
static struct bus *bus;
static struct arena *arena;
static struct call call;
static struct err err;
static int64_t appended; /* versions given out so far, over all cases */

/* What a subscriber saw: the version of each event, in stream order. */
static struct seen {
    struct lock lock;
    int64_t versions[MAX_SEEN];
    size_t count;
} seen;

static bool on_event(void *ctx, const struct bus_msg *msg)
{
    (void)ctx;
    ptrdiff_t at = str_find(msg->payload, STR("\"resourceversion\":"));
    int64_t version = 0;
    for (size_t i = at < 0 ? msg->payload.len : (size_t)at + 18; i < msg->payload.len; i++) {
        if (msg->payload.ptr[i] < '0' || msg->payload.ptr[i] > '9')
            break;
        version = version * 10 + (msg->payload.ptr[i] - '0');
    }
    lock_take(&seen.lock);
    if (seen.count < MAX_SEEN)
        seen.versions[seen.count++] = version;
    lock_drop(&seen.lock);
    return true;
}

static enum err_code append_one(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    struct outbox_event event = {.source = "/test",
                                 .type = "worker.created",
                                 .workspace_sid = "WS1",
                                 .version = *(const int64_t *)ctx,
                                 .data_json = STR("{}")};
    return outbox_append(conn, c, &event, e);
}

static void append(int count)
{
    for (int i = 0; i < count; i++) {
        int64_t version = appended + 1;
        CHECK_I64(db_tx_run(pool, &call, append_one, &version, &err), ERR_OK);
        appended = version;
    }
}

static struct outbox *begin_case(void)
{
    arena_reset(arena);
    call_init(&call, arena, "test", 60 * US_PER_S);
    err_clear(&err);
    return outbox_open(&(struct outbox_options){.url = cluster_db_url(cluster, "workers"),
                                                .bus = bus,
                                                .batch = 16,
                                                .poll_ms = 100,
                                                .backoff_max_ms = 200});
}

/* Every version once and in order, as the stream holds them from its beginning. */
static void check_stream(void)
{
    seen.count = 0;
    struct bus_subscription *subscription = bus_subscribe(bus, BUS_SUBJECTS, 1, on_event, NULL);
    int64_t until = clock_mono_us() + WAIT_MS * US_PER_MS;
    size_t count = 0;
    while (count < (size_t)appended && clock_mono_us() < until) {
        process_sleep_ms(10);
        lock_take(&seen.lock);
        count = seen.count;
        lock_drop(&seen.lock);
    }
    process_sleep_ms(100); /* a duplicate would come right behind */
    bus_subscription_close(subscription);
    CHECK_I64(seen.count, appended);
    for (size_t i = 0; i < seen.count; i++)
        CHECK_I64(seen.versions[i], (int64_t)i + 1);
}

static void events_reach_the_stream_in_order(void)
{
    struct outbox *outbox = begin_case();
    append(100);
    outbox_wake(outbox);
    CHECK(outbox_drain(outbox, WAIT_MS));
    check_stream();
    outbox_close(outbox);
}

static void a_killed_nats_loses_repeats_and_reorders_nothing(void)
{
    struct outbox *outbox = begin_case();
    append(60);
    outbox_wake(outbox);
    cluster_kill(cluster, CLUSTER_NATS);
    append(40); /* the change does not wait for the bus */
    outbox_wake(outbox);
    CHECK(!outbox_drain(outbox, 300));
    int64_t until = clock_mono_us() + WAIT_MS * US_PER_MS;
    while (outbox_stats(outbox).pending == 0 && clock_mono_us() < until)
        process_sleep_ms(10);
    CHECK(outbox_stats(outbox).pending > 0);
    cluster_restart(cluster, CLUSTER_NATS);
    CHECK(outbox_drain(outbox, WAIT_MS));
    check_stream();
    outbox_close(outbox);
}

static void what_is_published_again_is_stored_once(void)
{
    struct outbox *outbox = begin_case();
    append(20);
    CHECK(outbox_drain(outbox, WAIT_MS));
    /* As if the relay had died between publishing and marking. */
    CHECK(cluster_sql(cluster, "update workers.outbox set published_at = null where seq > (select "
                               "max(seq) - 10 from workers.outbox)"));
    CHECK(outbox_drain(outbox, WAIT_MS));
    CHECK_I64(outbox_stats(outbox).published, 30);
    check_stream();
    outbox_close(outbox);
}

static const struct test_case cases[] = {
    {"events reach the stream in order",                  events_reach_the_stream_in_order      },
    {"a killed NATS loses, repeats and reorders nothing",
     a_killed_nats_loses_repeats_and_reorders_nothing                                           },
    {"what is published again is stored once",            what_is_published_again_is_stored_once},
};

int main(int argc, char **argv)
{
    cluster = cluster_start(CLUSTER_ALL);
    bool is_ready = cluster_sql(
        cluster, "set role taskrouter_workers; set search_path = workers;"
                 "create table outbox (seq bigserial primary key, event_sid text not null unique,"
                 " subject text not null, payload text not null,"
                 " created_at timestamptz not null default now(), published_at timestamptz);"
                 "create index outbox_unpublished on outbox (seq) where published_at is null;"
                 "create index outbox_published_at on outbox (published_at)"
                 " where published_at is not null");
    log_level_set(LOG_LEVEL_ERROR); /* the faults here are on purpose */
    lock_init(&seen.lock, "seen", 980);
    pool = db_pool_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    arena = arena_new(64 << 20);
    is_ready = is_ready && bus_open(&(struct bus_options){.url = cluster_nats_url(cluster)}, &bus,
                                    &err) == ERR_OK;
    int status = is_ready ? testing_main("outbox nats", cases, ARRAY_LEN(cases), argc, argv) : 1;
    bus_close(bus);
    arena_free(arena);
    db_pool_close(pool);
    lock_fini(&seen.lock);
    cluster_stop(cluster);
    return status;
}
