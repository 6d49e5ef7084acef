#include "db/db.h"

#include <pthread.h>

#include "base/clock.h"
#include "cluster.h"
#include "process.h"
#include "testing.h"

static struct cluster *cluster;
static struct arena *arena;
static struct call call;
static struct err err;

static const struct db_stmt t_one = {"t_one", "select 1", 0};
static const struct db_stmt t_sleep = {"t_sleep", "select pg_sleep(10)", 0};
static const struct db_stmt t_insert = {"t_insert", "insert into item (id) values ($1)", 1};
static const struct db_stmt t_terminate = {"t_terminate",
                                           "select pg_terminate_backend(pg_backend_pid())", 0};

static struct db_pool *begin_case(void)
{
    arena_reset(arena);
    call_init(&call, arena, "test", 5 * US_PER_S);
    err_clear(&err);
    return db_pool_open(
        &(struct db_options){.url = cluster_db_url(cluster, "workers"), .name = "test", .size = 3});
}

static enum err_code ask(struct db_pool *pool)
{
    return db_pool_query(pool, &call, &t_one, DB_NO_PARAMS, NULL, &err);
}

static void a_dead_database_is_told_quickly_and_its_return_is_noticed(void)
{
    struct db_pool *pool = begin_case();
    CHECK_I64(ask(pool), ERR_OK);
    cluster_kill(cluster, CLUSTER_POSTGRES);
    /* A session outlives the killed server until it looks up. */
    while (ask(pool) == ERR_OK && call_left_us(&call) > 0)
        process_sleep_ms(1);
    int64_t since = clock_mono_us();
    for (int i = 0; i < 50; i++) {
        CHECK_I64(ask(pool), ERR_UNAVAILABLE);
        CHECK_TEXT(err.reason, "DATABASE_UNAVAILABLE");
        CHECK(strstr(err.detail, cluster_dir(cluster)) == NULL);
    }
    CHECK(clock_mono_us() - since < 1 * US_PER_S);
    CHECK(db_pool_stats(pool).why[0] != '\0');
    CHECK_I64(db_pool_stats(pool).open, 0);
    cluster_restart(cluster, CLUSTER_POSTGRES);
    call_init(&call, arena, "test", 5 * US_PER_S);
    while (ask(pool) != ERR_OK && call_left_us(&call) > 0)
        process_sleep_ms(20);
    CHECK_I64(ask(pool), ERR_OK);
    db_pool_close(pool);
}

static void idle_connections_that_died_are_replaced_unnoticed(void)
{
    struct db_pool *pool = begin_case();
    struct db_conn *all[3];
    for (int i = 0; i < 3; i++) {
        REQUIRE(db_acquire(pool, &call, &all[i], &err) == ERR_OK);
        CHECK_I64(db_query(all[i], &call, &t_one, DB_NO_PARAMS, NULL, &err), ERR_OK);
    }
    for (int i = 0; i < 3; i++)
        db_release(all[i]);
    cluster_restart(cluster, CLUSTER_POSTGRES);
    call_init(&call, arena, "test", 5 * US_PER_S);
    for (int i = 0; i < 6; i++)
        CHECK_I64(ask(pool), ERR_OK);
    db_pool_close(pool);
}

static void a_session_that_ends_under_way_is_unavailable(void)
{
    struct db_pool *pool = begin_case();
    CHECK_I64(db_pool_query(pool, &call, &t_terminate, DB_NO_PARAMS, NULL, &err), ERR_UNAVAILABLE);
    CHECK_I64(ask(pool), ERR_OK);
    db_pool_close(pool);
}

static void *kill_soon(void *ctx)
{
    (void)ctx;
    process_sleep_ms(100);
    cluster_kill(cluster, CLUSTER_POSTGRES);
    return NULL;
}

static void a_kill_during_a_statement_ends_it_at_once(void)
{
    struct db_pool *pool = begin_case();
    CHECK_I64(ask(pool), ERR_OK);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, kill_soon, NULL) == 0);
    int64_t since = clock_mono_us();
    CHECK_I64(db_pool_query(pool, &call, &t_sleep, DB_NO_PARAMS, NULL, &err), ERR_UNAVAILABLE);
    CHECK(clock_mono_us() - since < 3 * US_PER_S);
    (void)pthread_join(thread, NULL);
    cluster_restart(cluster, CLUSTER_POSTGRES);
    db_pool_close(pool);
}

struct tx_ctx {
    int runs;
    bool goes_on;
};

static enum err_code lose_session(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    struct tx_ctx *tx = ctx;
    tx->runs++;
    enum err_code code = db_query(conn, c, &t_insert, DB_PARAMS(db_cstr("a")), NULL, e);
    if (code != ERR_OK)
        return code;
    code = db_query(conn, c, &t_terminate, DB_NO_PARAMS, NULL, e);
    if (code == ERR_UNAVAILABLE && tx->goes_on) /* must not land outside the transaction */
        return db_query(conn, c, &t_insert, DB_PARAMS(db_cstr("b")), NULL, e);
    return code;
}

static void a_transaction_whose_session_ends_leaves_nothing(void)
{
    struct db_pool *pool = begin_case();
    struct tx_ctx tx = {.goes_on = true};
    CHECK_I64(db_tx_run(pool, &call, lose_session, &tx, &err), ERR_UNAVAILABLE);
    CHECK_I64(tx.runs, 1);
    struct db_conn *own =
        db_conn_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    CHECK_I64(db_conn_tx_run(own, &call, DB_READ_COMMITTED, lose_session, &tx, &err),
              ERR_UNAVAILABLE);
    uint64_t epoch = db_conn_epoch(own);
    CHECK_I64(epoch, 0);
    CHECK_I64(db_query(own, &call, &t_one, DB_NO_PARAMS, NULL, &err), ERR_OK);
    CHECK_I64(db_conn_epoch(own), 2);
    db_conn_close(own);
    char count[16];
    CHECK(cluster_sql_value(cluster, "select count(*) from workers.item", count, sizeof count));
    CHECK_TEXT(count, "0");
    db_pool_close(pool);
}

static enum err_code insert_fatal(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    ((struct tx_ctx *)ctx)->runs++;
    static const struct db_stmt fatal = {"t_fatal", "insert into fatal (id) values ($1)", 1};
    return db_query(conn, c, &fatal, DB_PARAMS(db_i64(1)), NULL, e);
}

static void a_session_lost_during_the_commit_is_told_apart_and_not_repeated(void)
{
    struct db_pool *pool = begin_case();
    struct tx_ctx tx = {.runs = 0};
    CHECK_I64(db_tx_run(pool, &call, insert_fatal, &tx, &err), ERR_UNAVAILABLE);
    CHECK_TEXT(err.reason, "COMMIT_UNKNOWN");
    CHECK_I64(tx.runs, 1);
    CHECK_I64(ask(pool), ERR_OK);
    db_pool_close(pool);
}

static void a_session_lost_after_an_explicit_begin_needs_a_rollback_first(void)
{
    struct db_pool *pool = begin_case();
    struct db_conn *own =
        db_conn_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    CHECK_I64(db_query(own, &call, &db_begin, DB_NO_PARAMS, NULL, &err), ERR_OK);
    CHECK_I64(db_query(own, &call, &t_terminate, DB_NO_PARAMS, NULL, &err), ERR_UNAVAILABLE);
    CHECK_I64(db_query(own, &call, &t_insert, DB_PARAMS(db_cstr("a")), NULL, &err),
              ERR_UNAVAILABLE);
    CHECK_I64(db_query(own, &call, &db_rollback, DB_NO_PARAMS, NULL, &err), ERR_OK);
    CHECK_I64(db_query(own, &call, &t_one, DB_NO_PARAMS, NULL, &err), ERR_OK);
    db_conn_close(own);
    db_pool_close(pool);
}

static void a_session_lost_in_a_pipeline_is_unavailable(void)
{
    struct db_pool *pool = begin_case();
    struct db_conn *own =
        db_conn_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    REQUIRE(db_pipeline_begin(own, &call, &err) == ERR_OK);
    const struct db_stmt *stmts[] = {&db_begin, &t_one, &t_terminate, &t_one, &db_commit};
    for (size_t i = 0; i < ARRAY_LEN(stmts); i++)
        REQUIRE(db_pipeline_add(own, &call, stmts[i], DB_NO_PARAMS, &err) == ERR_OK);
    CHECK_I64(db_pipeline_finish(own, &call, &err), ERR_UNAVAILABLE);
    CHECK_I64(db_pipeline_next(own, &call, NULL, &err), ERR_UNAVAILABLE);
    CHECK_I64(db_query(own, &call, &t_one, DB_NO_PARAMS, NULL, &err), ERR_OK);
    db_conn_close(own);
    db_pool_close(pool);
}

static void a_server_that_does_not_answer_costs_the_deadline_and_no_more(void)
{
    struct db_pool *pool = begin_case();
    cluster_pause(cluster, CLUSTER_POSTGRES);
    call.deadline_mono_us = clock_mono_us() + 200 * US_PER_MS;
    int64_t since = clock_mono_us();
    CHECK_I64(ask(pool), ERR_UNAVAILABLE);
    CHECK(clock_mono_us() - since < 1 * US_PER_S);
    cluster_resume(cluster, CLUSTER_POSTGRES);
    call_init(&call, arena, "test", 5 * US_PER_S);
    while (ask(pool) != ERR_OK && call_left_us(&call) > 0)
        process_sleep_ms(20);
    CHECK_I64(ask(pool), ERR_OK);
    db_pool_close(pool);
}

static void a_cancel_that_hangs_is_not_waited_for(void)
{
    struct db_pool *pool = begin_case();
    CHECK_I64(ask(pool), ERR_OK);
    cluster_pause(cluster, CLUSTER_POSTGRES); /* the session lives, but nobody takes a cancel */
    call.deadline_mono_us = clock_mono_us() + 200 * US_PER_MS;
    int64_t since = clock_mono_us();
    CHECK_I64(db_pool_query(pool, &call, &t_sleep, DB_NO_PARAMS, NULL, &err),
              ERR_DEADLINE_EXCEEDED);
    CHECK(clock_mono_us() - since < 2 * US_PER_S);
    CHECK_I64(db_pool_stats(pool).open, 0); /* what it waits for is not known: not used again */
    cluster_resume(cluster, CLUSTER_POSTGRES);
    call_init(&call, arena, "test", 5 * US_PER_S);
    CHECK_I64(ask(pool), ERR_OK);
    db_pool_close(pool);
}

static void a_hurried_caller_turns_nobody_else_away(void)
{
    struct db_pool *pool = begin_case();
    cluster_pause(cluster, CLUSTER_POSTGRES);
    call.deadline_mono_us = clock_mono_us() + 20 * US_PER_MS;
    CHECK_I64(ask(pool), ERR_UNAVAILABLE);
    cluster_resume(cluster, CLUSTER_POSTGRES);
    call_init(&call, arena, "test", 5 * US_PER_S);
    CHECK_I64(ask(pool), ERR_OK); /* at once: 20 ms without an answer are no outage */
    db_pool_close(pool);
}

static const struct test_case cases[] = {
    {"a dead database is told quickly and its return is noticed",
     a_dead_database_is_told_quickly_and_its_return_is_noticed                                                      },
    {"idle connections that died are replaced unnoticed",
     idle_connections_that_died_are_replaced_unnoticed                                                              },
    {"a session that ends under way is UNAVAILABLE",                    a_session_that_ends_under_way_is_unavailable},
    {"a kill during a statement ends it at once",                       a_kill_during_a_statement_ends_it_at_once   },
    {"a transaction whose session ends leaves nothing",
     a_transaction_whose_session_ends_leaves_nothing                                                                },
    {"a session lost during the commit is told apart and not repeated",
     a_session_lost_during_the_commit_is_told_apart_and_not_repeated                                                },
    {"a session lost after an explicit begin needs a rollback first",
     a_session_lost_after_an_explicit_begin_needs_a_rollback_first                                                  },
    {"a session lost in a pipeline is UNAVAILABLE",                     a_session_lost_in_a_pipeline_is_unavailable },
    {"a server that does not answer costs the deadline and no more",
     a_server_that_does_not_answer_costs_the_deadline_and_no_more                                                   },
    {"a cancel that hangs is not waited for",                           a_cancel_that_hangs_is_not_waited_for       },
    {"a hurried caller turns nobody else away",                         a_hurried_caller_turns_nobody_else_away     },
};

int main(int argc, char **argv)
{
    cluster = cluster_start(CLUSTER_POSTGRES);
    bool is_ready =
        cluster_sql(cluster, "set role taskrouter_workers; set search_path = workers;"
                             "create table item (id text primary key);"
                             "create table fatal (id bigint);"
                             "create function die() returns trigger language plpgsql as "
                             "$$ begin perform pg_terminate_backend(pg_backend_pid());"
                             " return null; end $$;"
                             "create constraint trigger die after insert on fatal"
                             " deferrable initially deferred"
                             " for each row execute function die()");
    arena = arena_new(16 << 20);
    int status = is_ready ? testing_main("db faults", cases, ARRAY_LEN(cases), argc, argv) : 1;
    arena_free(arena);
    cluster_stop(cluster);
    return status;
}
