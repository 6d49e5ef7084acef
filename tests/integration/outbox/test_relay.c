/* The relay against a real database and a publisher that fails on demand. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"
#include "cluster.h"
#include "log/log.h"
#include "outbox/outbox.h"
#include "process.h"
#include "testing.h"

enum { MAX_SEEN = 4096, WAIT_MS = 10000 };

static struct cluster *cluster;
static struct db_pool *pool;
static struct arena *arena;
static struct call call;
static struct err err;

static const struct db_stmt t_clear = {"t_clear", "truncate outbox restart identity", 0};
static const struct db_stmt t_left = {"t_left",
                                      "select count(*) from outbox where published_at is null", 0};
static const struct db_stmt t_rows = {"t_rows", "select count(*) from outbox", 0};

/* What was published, in order. */
static struct sink {
    struct lock lock;
    int64_t seqs[MAX_SEEN];
    size_t count;
    size_t fail_after; /* acknowledge so many of each batch, then fail; MAX_SEEN = never */
    int calls;
} sink;

static enum err_code publish(void *ctx, struct call *c, const struct outbox_message *messages,
                             size_t count, size_t *out_done, struct err *e)
{
    (void)ctx;
    (void)c;
    lock_take(&sink.lock);
    size_t take = count < sink.fail_after ? count : sink.fail_after;
    for (size_t i = 0; i < take && sink.count < MAX_SEEN; i++)
        sink.seqs[sink.count++] = messages[i].seq;
    sink.calls++;
    lock_drop(&sink.lock);
    *out_done = take;
    return take == count ? ERR_OK
                         : ERR_SET(e, ERR_UNAVAILABLE, "BUS_UNAVAILABLE", "the bus is away");
}

static void sink_set(size_t fail_after)
{
    lock_take(&sink.lock);
    sink.fail_after = fail_after;
    lock_drop(&sink.lock);
}

static size_t sink_count(void)
{
    lock_take(&sink.lock);
    size_t count = sink.count;
    lock_drop(&sink.lock);
    return count;
}

static void begin_case(void)
{
    arena_reset(arena);
    call_init(&call, arena, "test", 10 * US_PER_S);
    err_clear(&err);
    sink.count = 0;
    sink.calls = 0;
    sink.fail_after = MAX_SEEN;
    CHECK_I64(db_pool_query(pool, &call, &t_clear, DB_NO_PARAMS, NULL, &err), ERR_OK);
}

static struct outbox *open_relay(int batch, int64_t keep_s)
{
    return outbox_open(&(struct outbox_options){.url = cluster_db_url(cluster, "workers"),
                                                .name = "test",
                                                .publish = publish,
                                                .batch = batch,
                                                .poll_ms = 100,
                                                .backoff_max_ms = 200,
                                                .keep_s = keep_s});
}

static int64_t number(const struct db_stmt *stmt)
{
    struct db_result *rows = NULL;
    if (db_pool_query(pool, &call, stmt, DB_NO_PARAMS, &rows, &err) != ERR_OK)
        return -1;
    return db_get_i64(rows, 0, 0);
}

struct append_ctx {
    int count;
    bool fails;
};

static enum err_code append_many(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    const struct append_ctx *append = ctx;
    enum err_code code = ERR_OK;
    for (int i = 0; i < append->count && code == ERR_OK; i++) {
        struct outbox_event event = {.source = "/test",
                                     .type = "worker.created",
                                     .workspace_sid = "WS1",
                                     .version = i + 1,
                                     .data_json = STR("{}")};
        code = outbox_append(conn, c, &event, e);
    }
    if (code == ERR_OK && append->fails)
        return ERR_SET(e, ERR_FAILED_PRECONDITION, "NO", "no");
    return code;
}

static void append(int count, enum err_code want)
{
    struct append_ctx ctx = {.count = count, .fails = want != ERR_OK};
    CHECK_I64(db_tx_run(pool, &call, append_many, &ctx, &err), want);
}

static bool wait_count(size_t want)
{
    int64_t until = clock_mono_us() + WAIT_MS * US_PER_MS;
    while (sink_count() < want && clock_mono_us() < until)
        process_sleep_ms(5);
    return sink_count() >= want;
}

static void committed_events_are_published_in_order(void)
{
    begin_case();
    struct outbox *outbox = open_relay(64, 0);
    append(3, ERR_FAILED_PRECONDITION); /* rolled back: leaves a gap in seq, no event */
    append(300, ERR_OK);
    outbox_wake(outbox);
    CHECK(outbox_drain(outbox, WAIT_MS));
    CHECK_I64(sink_count(), 300);
    for (size_t i = 0; i < sink.count; i++)
        CHECK_I64(sink.seqs[i], (int64_t)i + 4);
    CHECK_I64(number(&t_left), 0);
    CHECK_I64(number(&t_rows), 300);
    struct outbox_stats stats = outbox_stats(outbox);
    CHECK(stats.is_leader);
    CHECK_I64(stats.published, 300);
    CHECK_I64(stats.pending, 0);
    CHECK_I64(stats.failures, 0);
    outbox_close(outbox);
}

static void an_event_is_published_without_being_woken(void)
{
    begin_case();
    struct outbox *outbox = open_relay(0, 0);
    CHECK(outbox_drain(outbox, WAIT_MS));
    append(1, ERR_OK);
    CHECK(wait_count(1));
    outbox_close(outbox);
}

static void a_wake_is_followed_at_once(void)
{
    begin_case();
    struct outbox *outbox = outbox_open(&(struct outbox_options){
        .url = cluster_db_url(cluster, "workers"), .publish = publish, .poll_ms = 60000});
    CHECK(outbox_drain(outbox, WAIT_MS));
    append(1, ERR_OK);
    int64_t since = clock_mono_us();
    outbox_wake(outbox);
    CHECK(wait_count(1));
    CHECK(clock_mono_us() - since < 2 * US_PER_S);
    outbox_close(outbox);
}

static void what_was_acknowledged_is_not_sent_again_after_a_failure(void)
{
    begin_case();
    struct outbox *outbox = open_relay(10, 0);
    sink_set(4);
    append(10, ERR_OK);
    CHECK(wait_count(4));
    sink_set(0);
    CHECK(!outbox_drain(outbox, 300)); /* still failing */
    sink_set(MAX_SEEN);
    CHECK(outbox_drain(outbox, WAIT_MS));
    CHECK_I64(sink_count(), 10);
    for (size_t i = 0; i < sink.count; i++)
        CHECK_I64(sink.seqs[i], (int64_t)i + 1);
    CHECK(outbox_stats(outbox).failures > 0);
    outbox_close(outbox);
}

static void of_two_relays_one_works_and_the_other_takes_over(void)
{
    begin_case();
    struct outbox *first = open_relay(0, 0);
    CHECK(outbox_drain(first, WAIT_MS));
    struct outbox *second = open_relay(0, 0);
    CHECK(outbox_drain(second, WAIT_MS)); /* a follower has nothing to do */
    CHECK(outbox_stats(first).is_leader && !outbox_stats(second).is_leader);
    append(5, ERR_OK);
    outbox_wake(second);
    outbox_wake(first);
    CHECK(wait_count(5));
    CHECK_I64(outbox_stats(second).published, 0);
    outbox_close(first);
    append(5, ERR_OK);
    CHECK(wait_count(10));
    CHECK(outbox_drain(second, WAIT_MS));
    CHECK_I64(outbox_stats(second).published, 5);
    CHECK_I64(sink_count(), 10);
    outbox_close(second);
}

static void published_rows_are_pruned(void)
{
    begin_case();
    append(20, ERR_OK);
    CHECK(cluster_sql(cluster, "update workers.outbox set published_at = now() - interval '1 day' "
                               "where seq <= 15"));
    struct outbox *outbox = open_relay(0, 3600);
    CHECK(outbox_drain(outbox, WAIT_MS));
    CHECK_I64(number(&t_rows), 5);
    outbox_close(outbox);
}

static void a_killed_database_loses_and_repeats_nothing_that_was_marked(void)
{
    begin_case();
    struct outbox *outbox = open_relay(8, 0);
    append(40, ERR_OK);
    outbox_wake(outbox);
    CHECK(wait_count(8));
    cluster_kill(cluster, CLUSTER_POSTGRES);
    cluster_restart(cluster, CLUSTER_POSTGRES);
    CHECK(outbox_drain(outbox, WAIT_MS));
    /* One batch at most was published and not marked, and comes again whole. */
    CHECK(sink_count() >= 40 && sink_count() <= 48);
    int64_t newest = 0;
    for (size_t i = 0; i < sink.count; i++) {
        CHECK(sink.seqs[i] <= newest + 1);
        newest = sink.seqs[i] > newest ? sink.seqs[i] : newest;
    }
    CHECK_I64(newest, 40);
    outbox_close(outbox);
}

static void an_event_that_is_too_large_is_refused_before_it_is_written(void)
{
    begin_case();
    struct db_conn *conn = NULL;
    static char data[1100001];
    memset(data, ' ', 1100000);
    data[0] = '{';
    data[1099999] = '}';
    REQUIRE(db_acquire(pool, &call, &conn, &err) == ERR_OK);
    struct outbox_event event = {.type = "worker.created", .data_json = str_from(data)};
    CHECK_I64(outbox_append(conn, &call, &event, &err), ERR_RESOURCE_EXHAUSTED);
    CHECK_TEXT(err.reason, "EVENT_TOO_LARGE");
    event = (struct outbox_event){.type = "worker. created"};
    CHECK_I64(outbox_append(conn, &call, &event, &err), ERR_INTERNAL);
    db_release(conn);
    CHECK_I64(number(&t_rows), 0);
}

static const struct db_stmt t_order = {
    "t_order", "select string_agg(subject, ' ' order by seq) from outbox", 0};

/* One statement, numbered as they were given; one that cannot be written keeps all out. */
static void many_in_order(void)
{
    enum { COUNT = 50 };
    begin_case();
    struct db_conn *conn = NULL;
    REQUIRE(db_acquire(pool, &call, &conn, &err) == ERR_OK);
    static struct outbox_event events[COUNT];
    const char *want = "";
    for (int i = 0; i < COUNT; i++) {
        events[i] = (struct outbox_event){
            .type = arena_printf(arena, "worker.n%d", i), .workspace_sid = "WS1", .version = 1};
        want = arena_printf(arena, "%s%staskrouter.WS1.worker.n%d", want, i == 0 ? "" : " ", i);
    }
    const char *good = events[COUNT - 1].type;
    events[COUNT - 1].type = "worker. created";
    CHECK_I64(outbox_append_many(conn, &call, events, COUNT, &err), ERR_INTERNAL);
    CHECK_I64(number(&t_rows), 0);
    events[COUNT - 1].type = good;
    CHECK_I64(outbox_append_many(conn, &call, events, COUNT, &err), ERR_OK);
    CHECK_I64(outbox_append_many(conn, &call, NULL, 0, &err), ERR_OK);
    db_release(conn);
    CHECK_I64(number(&t_rows), COUNT);
    struct db_result *result = NULL;
    REQUIRE(db_pool_query(pool, &call, &t_order, DB_NO_PARAMS, &result, &err) == ERR_OK);
    CHECK_TEXT(db_get_text(result, 0, 0), want);
}

static const struct test_case cases[] = {
    {"committed events are published in order",                              committed_events_are_published_in_order  },
    {"an event is published without being woken",                            an_event_is_published_without_being_woken},
    {"a wake is followed at once",                                           a_wake_is_followed_at_once               },
    {"what was acknowledged is not sent again after a failure",
     what_was_acknowledged_is_not_sent_again_after_a_failure                                                          },
    {"of two relays one works and the other takes over",
     of_two_relays_one_works_and_the_other_takes_over                                                                 },
    {"published rows are pruned",                                            published_rows_are_pruned                },
    {"a killed database loses nothing, and repeats nothing that was marked",
     a_killed_database_loses_and_repeats_nothing_that_was_marked                                                      },
    {"an event that is too large is refused before it is written",
     an_event_that_is_too_large_is_refused_before_it_is_written                                                       },
    {"many events in one statement, in their order",                         many_in_order                            },
};

int main(int argc, char **argv)
{
    cluster = cluster_start(CLUSTER_POSTGRES);
    bool is_ready = cluster_sql(
        cluster, "set role taskrouter_workers; set search_path = workers;"
                 "create table outbox (seq bigserial primary key, event_sid text not null unique,"
                 " subject text not null, payload text not null,"
                 " created_at timestamptz not null default now(), published_at timestamptz);"
                 "create index outbox_unpublished on outbox (seq) where published_at is null;"
                 "create index outbox_published_at on outbox (published_at)"
                 " where published_at is not null");
    log_level_set(LOG_LEVEL_ERROR); /* the faults here are on purpose */
    lock_init(&sink.lock, "sink", 600);
    pool = db_pool_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    arena = arena_new(64 << 20);
    int status = is_ready ? testing_main("outbox relay", cases, ARRAY_LEN(cases), argc, argv) : 1;
    arena_free(arena);
    db_pool_close(pool);
    lock_fini(&sink.lock);
    cluster_stop(cluster);
    return status;
}
