#include "db/db.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cluster.h"
#include "metrics/metrics.h"
#include "process.h"
#include "testing.h"

static struct cluster *cluster;
static struct db_pool *pool;
static struct arena *arena;
static struct call call;
static struct err err;

static const struct db_stmt t_sum = {"t_sum", "select $1::bigint + $2::bigint", 2};
static const struct db_stmt t_echo = {
    "t_echo",
    "select $1::text, $2::boolean, $3::timestamptz, $4::jsonb, $5::bytea, $6::double precision, "
    "$7::text",
    7};
static const struct db_stmt t_arrays = {
    "t_arrays",
    "select * from unnest($1::text[], $2::bigint[], $3::boolean[], $4::timestamptz[], "
    "$5::jsonb[])",
    5};
static const struct db_stmt t_composite = {"t_composite",
                                           "select r.* from unnest($1::item_row[]) as r", 1};
static const struct db_stmt t_text_array = {"t_text_array", "select $1::text[]", 1};
static const struct db_stmt t_sleep = {"t_sleep", "select pg_sleep($1::double precision)", 1};
static const struct db_stmt t_bad = {"t_bad", "select no_such_column", 0};
static const struct db_stmt t_insert = {"t_insert", "insert into item (id, n) values ($1, $2)", 2};
static const struct db_stmt t_child = {"t_child", "insert into child (item_id) values ($1)", 1};
static const struct db_stmt t_count = {"t_count", "select count(*) from item", 0};
static const struct db_stmt t_get = {"t_get", "select n from item where id = $1", 1};
static const struct db_stmt t_put = {"t_put", "update item set n = $2 where id = $1", 2};
static const struct db_stmt t_clear = {"t_clear", "truncate item, child", 0};
static const struct db_stmt t_total = {"t_total", "select coalesce(sum(n), 0) from item", 0};
static const struct db_stmt t_guard = {"t_guard", "select guard($1::boolean)", 1};
static const struct db_stmt t_rows = {
    "t_rows", "insert into item (id, n) select * from unnest($1::text[], $2::bigint[])", 2};
static const struct db_stmt t_pid = {"t_pid", "select pg_backend_pid()", 0};

/* Every case starts with an empty table, an empty arena and five seconds. */
static void begin_case(void)
{
    arena_reset(arena);
    call_init(&call, arena, "test", 5 * US_PER_S);
    err_clear(&err);
    CHECK_I64(db_pool_query(pool, &call, &t_clear, DB_NO_PARAMS, NULL, &err), ERR_OK);
}

static int64_t number(const struct db_stmt *stmt)
{
    struct db_result *rows = NULL;
    if (db_pool_query(pool, &call, stmt, DB_NO_PARAMS, &rows, &err) != ERR_OK)
        return -1;
    return db_get_i64(rows, 0, 0);
}

/* ---- Values ---- */

static void values_of_every_type_come_back_as_they_went(void)
{
    begin_case();
    struct db_result *rows = NULL;
    int64_t at_us = INT64_C(1795379220123456);
    struct str bytes = {"a\0\xff", 3};
    REQUIRE(db_pool_query(pool, &call, &t_echo,
                          DB_PARAMS(db_text(STR("gr\xc3\xbc\xc3\x9f' \"dich\"")), db_bool(true),
                                    db_time_us(at_us), db_json(STR("{\"a\":[1,2]}")),
                                    db_bytes(bytes), db_f64(0.1), db_null()),
                          &rows, &err) == ERR_OK);
    CHECK_STR(db_get_str(rows, 0, 0), "gr\xc3\xbc\xc3\x9f' \"dich\"");
    CHECK(db_get_bool(rows, 0, 1));
    CHECK_I64(db_get_time_us(rows, 0, 2), at_us);
    CHECK_TEXT(db_get_text(rows, 0, 3), "{\"a\": [1, 2]}");
    struct str back = {NULL, 0};
    CHECK(db_get_bytes(rows, 0, 4, arena, &back));
    CHECK(str_eq(back, bytes));
    CHECK(db_get_f64(rows, 0, 5) == 0.1);
    CHECK(db_is_null(rows, 0, 6));
    CHECK_I64(db_get_i64(rows, 0, 6), 0);
    CHECK_STR(db_get_str(rows, 0, 6), "");
}

static void extreme_numbers_and_old_times_survive(void)
{
    begin_case();
    struct db_result *rows = NULL;
    REQUIRE(db_pool_query(pool, &call, &t_sum, DB_PARAMS(db_i64(INT64_MIN), db_i64(0)), &rows,
                          &err) == ERR_OK);
    CHECK(db_get_i64(rows, 0, 0) == INT64_MIN);
    REQUIRE(db_pool_query(pool, &call, &t_echo,
                          DB_PARAMS(db_cstr(NULL), db_bool(false), db_time_us(-1), db_null(),
                                    db_bytes((struct str){NULL, 0}), db_f64(-1e300), db_cstr("")),
                          &rows, &err) == ERR_OK);
    CHECK(db_is_null(rows, 0, 0));
    CHECK(!db_get_bool(rows, 0, 1));
    CHECK_I64(db_get_time_us(rows, 0, 2), -1);
    CHECK(!db_is_null(rows, 0, 4));
    CHECK(!db_is_null(rows, 0, 6));
}

static void arrays_become_rows_with_nulls_where_they_were(void)
{
    begin_case();
    struct db_result *rows = NULL;
    const struct str texts[] = {
        STR("a,\"b\"{}\\"), {NULL, 0},
         STR("")
    };
    const int64_t numbers[] = {1, INT64_MIN, -5};
    const bool flags[] = {true, false, true};
    const int64_t times[] = {INT64_C(1795379220123456), 0, -1};
    const struct str jsons[] = {
        STR("{\"k\":1}"), STR("null"), {NULL, 0}
    };
    REQUIRE(db_pool_query(pool, &call, &t_arrays,
                          DB_PARAMS(db_texts(texts, 3), db_i64s(numbers, 3), db_bools(flags, 3),
                                    db_times_us(times, 3), db_jsons(jsons, 3)),
                          &rows, &err) == ERR_OK);
    REQUIRE(db_row_count(rows) == 3);
    CHECK_STR(db_get_str(rows, 0, 0), "a,\"b\"{}\\");
    CHECK(db_is_null(rows, 1, 0) && !db_is_null(rows, 2, 0));
    CHECK(db_get_i64(rows, 1, 1) == INT64_MIN && db_get_i64(rows, 2, 1) == -5);
    CHECK(db_get_bool(rows, 0, 2) && !db_get_bool(rows, 1, 2));
    CHECK(db_get_time_us(rows, 0, 3) == times[0] && db_is_null(rows, 1, 3));
    CHECK_I64(db_get_time_us(rows, 2, 3), -1);
    CHECK_TEXT(db_get_text(rows, 0, 4), "{\"k\": 1}");
    CHECK(!db_is_null(rows, 1, 4) && db_is_null(rows, 2, 4));
    REQUIRE(db_pool_query(pool, &call, &t_arrays,
                          DB_PARAMS(db_texts(NULL, 0), db_i64s(NULL, 0), db_bools(NULL, 0),
                                    db_times_us(NULL, 0), db_jsons(NULL, 0)),
                          &rows, &err) == ERR_OK);
    CHECK_I64(db_row_count(rows), 0);
}

static void composite_rows_become_rows(void)
{
    begin_case();
    struct db_result *rows = NULL;
    const struct str texts[] = {
        STR("a,\"b\"{}(\\)"), {NULL, 0},
         STR("")
    };
    const int64_t numbers[] = {1, INT64_MIN, -5};
    const bool flags[] = {true, false, true};
    const int64_t times[] = {INT64_C(1795379220123456), 0, -1};
    const struct str jsons[] = {
        STR("{\"k\":1}"), STR("null"), {NULL, 0}
    };
    const struct db_param fields[] = {db_texts(texts, 3), db_i64s(numbers, 3), db_bools(flags, 3),
                                      db_times_us(times, 3), db_jsons(jsons, 3)};
    REQUIRE(db_pool_query(pool, &call, &t_composite, DB_PARAMS(db_rows(fields, 5)), &rows, &err) ==
            ERR_OK);
    REQUIRE(db_row_count(rows) == 3);
    CHECK_STR(db_get_str(rows, 0, 0), "a,\"b\"{}(\\)");
    CHECK(db_is_null(rows, 1, 0) && !db_is_null(rows, 2, 0));
    CHECK(db_get_i64(rows, 1, 1) == INT64_MIN && db_get_i64(rows, 2, 1) == -5);
    CHECK(db_get_bool(rows, 0, 2) && !db_get_bool(rows, 1, 2));
    CHECK(db_get_time_us(rows, 0, 3) == times[0] && db_is_null(rows, 1, 3));
    CHECK_TEXT(db_get_text(rows, 0, 4), "{\"k\": 1}");
    CHECK(!db_is_null(rows, 1, 4) && db_is_null(rows, 2, 4));
    const struct db_param none[] = {db_texts(NULL, 0), db_i64s(NULL, 0), db_bools(NULL, 0),
                                    db_times_us(NULL, 0), db_jsons(NULL, 0)};
    REQUIRE(db_pool_query(pool, &call, &t_composite, DB_PARAMS(db_rows(none, 5)), &rows, &err) ==
            ERR_OK);
    CHECK_I64(db_row_count(rows), 0);
    /* The server checks what it is told. */
    CHECK(db_pool_query(pool, &call, &t_composite, DB_PARAMS(db_rows(fields, 4)), &rows, &err) !=
          ERR_OK);
    const struct str nul[] = {STR("a\0b"), STR(""), STR("")};
    const struct db_param bad[] = {db_texts(nul, 3), db_i64s(numbers, 3), db_bools(flags, 3),
                                   db_times_us(times, 3), db_jsons(jsons, 3)};
    CHECK_I64(db_pool_query(pool, &call, &t_composite, DB_PARAMS(db_rows(bad, 5)), &rows, &err),
              ERR_INVALID_ARGUMENT);
}

static void text_arrays_are_read_with_quotes_and_nulls(void)
{
    begin_case();
    struct db_result *rows = NULL;
    const struct str texts[] = {
        STR("plain"), STR("q\"\\,{}"), {NULL, 0},
          STR("NULL"), STR("")
    };
    REQUIRE(db_pool_query(pool, &call, &t_text_array, DB_PARAMS(db_texts(texts, 5)), &rows, &err) ==
            ERR_OK);
    struct str *back = NULL;
    size_t count = 0;
    REQUIRE(db_get_texts(rows, 0, 0, arena, &back, &count));
    REQUIRE(count == 5);
    CHECK_STR(back[0], "plain");
    CHECK_STR(back[1], "q\"\\,{}");
    CHECK(back[2].ptr == NULL);
    CHECK_STR(back[3], "NULL");
    CHECK(back[4].ptr != NULL && back[4].len == 0);
    REQUIRE(db_pool_query(pool, &call, &t_text_array, DB_PARAMS(db_texts(NULL, 0)), &rows, &err) ==
            ERR_OK);
    CHECK(db_get_texts(rows, 0, 0, arena, &back, &count));
    CHECK_I64(count, 0);
}

static void a_nul_in_a_text_is_refused_and_costs_no_connection(void)
{
    begin_case();
    struct str text = {"a\0b", 3};
    CHECK_I64(db_pool_query(pool, &call, &t_get, DB_PARAMS(db_text(text)), NULL, &err),
              ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "INVALID_TEXT");
    CHECK_I64(db_pool_query(pool, &call, &t_echo,
                            DB_PARAMS(db_null(), db_null(), db_null(),
                                      db_json(STR("{\"a\":\"\\u0000\"}")), db_null(), db_null(),
                                      db_null()),
                            NULL, &err),
              ERR_INVALID_ARGUMENT);
    CHECK_I64(db_pool_stats(pool).open, 1);
}

static void a_full_arena_is_resource_exhausted(void)
{
    begin_case();
    AUTO(arena_cleanup) struct arena *small = arena_new(64);
    struct call own;
    call_init(&own, small, "small", US_PER_S);
    struct db_result *rows = NULL;
    CHECK_I64(db_pool_query(pool, &own, &t_get,
                            DB_PARAMS(db_text(STR("0123456789012345678901234567890123456789"
                                                  "0123456789012345678901234567890123456789"))),
                            &rows, &err),
              ERR_RESOURCE_EXHAUSTED);
    arena_reset(small);
    CHECK(arena_alloc(small, 64) != NULL);
    CHECK_I64(db_pool_query(pool, &own, &t_pid, DB_NO_PARAMS, &rows, &err), ERR_RESOURCE_EXHAUSTED);
    CHECK(number(&t_pid) > 0);
}

/* ---- Errors ---- */

static void broken_rules_have_codes_and_name_the_constraint(void)
{
    begin_case();
    REQUIRE(db_pool_query(pool, &call, &t_insert, DB_PARAMS(db_cstr("a"), db_i64(1)), NULL, &err) ==
            ERR_OK);
    CHECK_I64(db_pool_query(pool, &call, &t_insert, DB_PARAMS(db_cstr("a"), db_i64(2)), NULL, &err),
              ERR_ALREADY_EXISTS);
    CHECK(db_err_is_constraint(&err, "item_pkey"));
    CHECK(!db_err_is_constraint(&err, "item_pke"));
    CHECK_I64(db_pool_query(pool, &call, &t_child, DB_PARAMS(db_cstr("nobody")), NULL, &err),
              ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "REFERENCE_VIOLATED");
    CHECK_I64(db_pool_query(pool, &call, &t_bad, DB_NO_PARAMS, NULL, &err), ERR_INTERNAL);
    CHECK(strstr(err.detail, "42703") != NULL);
    CHECK_I64(db_pool_query(pool, &call, &t_guard, DB_PARAMS(db_bool(false)), NULL, &err),
              ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "GUARD_FAILED");
    CHECK_TEXT(err.detail, "the lease was lost");
    struct db_conn *conn = NULL;
    REQUIRE(db_acquire(pool, &call, &conn, &err) == ERR_OK);
    CHECK_I64(db_query(conn, &call, &t_insert, DB_PARAMS(db_cstr("a"), db_i64(2)), NULL, &err),
              ERR_ALREADY_EXISTS);
    CHECK_TEXT(db_err_constraint(conn), "item_pkey");
    CHECK_TEXT(db_err_sqlstate(conn), "23505");
    db_release(conn);
}

static void a_deadline_cancels_the_statement_and_keeps_the_connection(void)
{
    begin_case();
    int64_t pid = number(&t_pid);
    struct call hurried = call;
    hurried.deadline_mono_us = clock_mono_us() + 100 * US_PER_MS;
    int64_t since = clock_mono_us();
    CHECK_I64(db_pool_query(pool, &hurried, &t_sleep, DB_PARAMS(db_f64(30)), NULL, &err),
              ERR_DEADLINE_EXCEEDED);
    CHECK(clock_mono_us() - since < 2 * US_PER_S);
    CHECK_I64(number(&t_pid), pid);
    CHECK_I64(db_pool_query(pool, &hurried, &t_sum, DB_PARAMS(db_i64(1), db_i64(1)), NULL, &err),
              ERR_DEADLINE_EXCEEDED);
}

static void statement_timeout_is_the_second_net(void)
{
    begin_case();
    struct db_conn *conn = db_conn_open(&(struct db_options){
        .url = cluster_db_url(cluster, "workers"), .statement_timeout_ms = 50});
    CHECK_I64(db_query(conn, &call, &t_sleep, DB_PARAMS(db_f64(30)), NULL, &err),
              ERR_DEADLINE_EXCEEDED);
    CHECK_TEXT(db_err_sqlstate(conn), "57014");
    db_conn_close(conn);
}

/* ---- Pool ---- */

static void an_exhausted_pool_says_so_in_time(void)
{
    begin_case();
    struct db_conn *all[2] = {NULL, NULL};
    REQUIRE(db_acquire(pool, &call, &all[0], &err) == ERR_OK);
    REQUIRE(db_acquire(pool, &call, &all[1], &err) == ERR_OK);
    struct call hurried = call;
    hurried.deadline_mono_us = clock_mono_us() + 50 * US_PER_MS;
    struct db_conn *more = NULL;
    int64_t since = clock_mono_us();
    CHECK_I64(db_acquire(pool, &hurried, &more, &err), ERR_RESOURCE_EXHAUSTED);
    CHECK_TEXT(err.reason, "DATABASE_POOL_EXHAUSTED");
    CHECK(clock_mono_us() - since < 1 * US_PER_S);
    CHECK_I64(db_pool_stats(pool).in_use, 2);
    db_release(all[0]);
    db_release(all[1]);
    CHECK_I64(db_pool_stats(pool).in_use, 0);
}

enum { THREADS = 6, ROUNDS = 40 };

static void *hammer(void *ctx)
{
    int *done = ctx;
    struct arena *own = arena_new(1 << 20);
    for (int i = 0; i < ROUNDS; i++) {
        struct call mine;
        struct db_result *rows = NULL;
        call_init(&mine, own, "hammer", 10 * US_PER_S);
        if (db_pool_query(pool, &mine, &t_sum, DB_PARAMS(db_i64(i), db_i64(1)), &rows, NULL) ==
                ERR_OK &&
            db_get_i64(rows, 0, 0) == i + 1)
            (*done)++;
        arena_reset(own);
    }
    arena_free(own);
    return NULL;
}

static void many_threads_share_few_connections(void)
{
    begin_case();
    pthread_t threads[THREADS];
    int done[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, hammer, &done[i]) == 0);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_I64(done[i], ROUNDS);
    }
    CHECK(db_pool_stats(pool).open <= 2);
}

static void a_released_connection_carries_no_transaction(void)
{
    begin_case();
    struct db_conn *conn = NULL;
    REQUIRE(db_acquire(pool, &call, &conn, &err) == ERR_OK);
    CHECK_I64(db_query(conn, &call, &db_begin, DB_NO_PARAMS, NULL, &err), ERR_OK);
    CHECK_I64(db_query(conn, &call, &t_insert, DB_PARAMS(db_cstr("a"), db_i64(1)), NULL, &err),
              ERR_OK);
    db_release(conn);
    CHECK_I64(number(&t_count), 0);
}

/* ---- Transactions ---- */

struct tx_ctx {
    int runs;
    int fail_until; /* ABORTED before that run */
    const char *reason;
    bool swallows;
};

static enum err_code insert_two(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    struct tx_ctx *tx = ctx;
    tx->runs++;
    enum err_code code =
        db_query(conn, c, &t_insert, DB_PARAMS(db_cstr("x"), db_i64(tx->runs)), NULL, e);
    if (code == ERR_OK && tx->runs < tx->fail_until)
        return ERR_SET(e, ERR_ABORTED, tx->reason, "not yet");
    if (code == ERR_OK)
        code = db_query(conn, c, &t_insert, DB_PARAMS(db_cstr("y"), db_i64(tx->runs)), NULL, e);
    return code;
}

static void a_transaction_commits_all_or_nothing(void)
{
    begin_case();
    struct tx_ctx tx = {0};
    CHECK_I64(db_tx_run(pool, &call, insert_two, &tx, &err), ERR_OK);
    CHECK_I64(number(&t_count), 2);
    begin_case();
    REQUIRE(db_pool_query(pool, &call, &t_insert, DB_PARAMS(db_cstr("y"), db_i64(9)), NULL, &err) ==
            ERR_OK);
    CHECK_I64(db_tx_run(pool, &call, insert_two, &tx, &err), ERR_ALREADY_EXISTS);
    CHECK_I64(number(&t_count), 1);
}

static void an_aborted_transaction_runs_again(void)
{
    begin_case();
    struct tx_ctx tx = {.fail_until = 3, .reason = "WHATEVER"};
    CHECK_I64(db_tx_run(pool, &call, insert_two, &tx, &err), ERR_OK);
    CHECK_I64(tx.runs, 3);
    CHECK_I64(number(&t_count), 2);
    tx = (struct tx_ctx){.fail_until = 100, .reason = "WHATEVER"};
    begin_case();
    CHECK_I64(db_tx_run(pool, &call, insert_two, &tx, &err), ERR_ABORTED);
    CHECK_I64(tx.runs, 4);
    tx = (struct tx_ctx){.fail_until = 100, .reason = "VERSION_MISMATCH"};
    CHECK_I64(db_tx_run(pool, &call, insert_two, &tx, &err), ERR_ABORTED);
    CHECK_I64(tx.runs, 1);
    CHECK_I64(number(&t_count), 0);
}

static enum err_code swallow(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    const struct tx_ctx *tx = ctx;
    enum err_code code = db_query(conn, c, &t_insert, DB_PARAMS(db_cstr("x"), db_i64(1)), NULL, e);
    if (code == ERR_OK && tx->swallows)
        code = db_query(conn, c, &t_bad, DB_NO_PARAMS, NULL, NULL) == ERR_OK ? ERR_UNKNOWN : ERR_OK;
    return code;
}

static enum err_code do_nothing(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    (void)conn;
    (void)c;
    (void)ctx;
    (void)e;
    return ERR_OK;
}

static enum err_code bad_first(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    (void)ctx;
    return db_query(conn, c, &t_get, DB_PARAMS(db_text((struct str){"\0", 1})), NULL, e);
}

static void a_swallowed_error_does_not_pass_for_a_commit(void)
{
    begin_case();
    struct tx_ctx tx = {.swallows = true};
    CHECK_I64(db_tx_run(pool, &call, swallow, &tx, &err), ERR_INTERNAL);
    CHECK_TEXT(err.reason, "TRANSACTION_FAILED");
    CHECK_I64(number(&t_count), 0);
    CHECK_I64(db_tx_run(pool, &call, do_nothing, NULL, &err), ERR_OK);
    int64_t pid = number(&t_pid);
    CHECK_I64(db_tx_run(pool, &call, bad_first, NULL, &err), ERR_INVALID_ARGUMENT);
    CHECK_I64(number(&t_pid), pid);
}

static enum err_code add_total(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    struct db_result *rows = NULL;
    const char *id = ctx;
    enum err_code code = db_query(conn, c, &t_total, DB_NO_PARAMS, &rows, e);
    process_sleep_ms(20); /* so that the two overlap */
    if (code == ERR_OK)
        code = db_query(conn, c, &t_insert,
                        DB_PARAMS(db_cstr(id), db_i64(db_get_i64(rows, 0, 0) + 1)), NULL, e);
    return code;
}

static void *add_in_thread(void *ctx)
{
    struct arena *own = arena_new(1 << 20);
    struct call mine;
    call_init(&mine, own, "thread", 5 * US_PER_S);
    enum err_code code = db_tx_run_at(pool, &mine, DB_SERIALIZABLE, add_total, ctx, NULL);
    arena_free(own);
    return code == ERR_OK ? ctx : NULL;
}

static void serialization_failures_are_retried_until_the_order_is_one_after_the_other(void)
{
    begin_case();
    char ids[2][4] = {"t0", "t1"};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, add_in_thread, ids[i]) == 0);
    for (int i = 0; i < 2; i++) {
        void *done = NULL;
        (void)pthread_join(threads[i], &done);
        CHECK(done != NULL);
    }
    CHECK_I64(number(&t_total), 1 + 2); /* the second saw the first */
}

/* ---- Pipelines ---- */

static const struct db_stmt t_types = {
    "t_types",
    "select n, n::integer, n::smallint, n = 7, 'a' || n, "
    "case when n <> 7 then timestamptz '1999-12-31 23:59:59.5+00' + n * interval '1 second' end, "
    "('{\"n\": ' || n || '}')::json from generate_series($1::bigint, $2::bigint) n",
    2};

static void check_types(const struct db_result *rows, int64_t first)
{
    for (int i = 0; i < db_row_count(rows); i++) {
        int64_t n = first + i;
        char text[32];
        CHECK_I64(db_get_i64(rows, i, 0), n);
        CHECK_I64(db_get_i64(rows, i, 1), n);
        CHECK_I64(db_get_i64(rows, i, 2), n);
        CHECK(db_get_bool(rows, i, 3) == (n == 7));
        (void)snprintf(text, sizeof text, "a%lld", (long long)n);
        CHECK_TEXT(db_get_text(rows, i, 4), text);
        CHECK(db_is_null(rows, i, 5) == (n == 7));
        CHECK_I64(db_get_time_us(rows, i, 5), n == 7 ? 0 : INT64_C(946684799500000) + n * US_PER_S);
        (void)snprintf(text, sizeof text, "{\"n\": %lld}", (long long)n);
        CHECK_TEXT(db_get_text(rows, i, 6), text);
    }
}

static void rows_in_binary_read_as_those_in_text(void)
{
    begin_case();
    struct db_conn *conn =
        db_conn_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    for (int round = 0; round < 2; round++) {
        struct db_result *rows = NULL;
        REQUIRE(db_pipeline_begin(conn, &call, &err) == ERR_OK);
        if (round == 0)
            REQUIRE(db_pipeline_add(conn, &call, &t_types, DB_PARAMS(db_i64(-20000), db_i64(20000)),
                                    &err) == ERR_OK);
        else
            REQUIRE(db_pipeline_add_binary(conn, &call, &t_types,
                                           DB_PARAMS(db_i64(-20000), db_i64(20000)),
                                           &err) == ERR_OK);
        db_pipeline_read_ahead(conn); /* not sent yet: nothing happens */
        REQUIRE(db_pipeline_sync(conn, &call, &err) == ERR_OK);
        for (int i = 0; i < 1000; i++)
            db_pipeline_read_ahead(conn);
        REQUIRE(db_pipeline_next(conn, &call, &rows, &err) == ERR_OK);
        CHECK_I64(db_row_count(rows), 40001);
        check_types(rows, -20000);
        db_pipeline_read_ahead(conn); /* over: nothing happens */
    }
    db_conn_close(conn);
}

static void a_pipeline_answers_in_order(void)
{
    begin_case();
    struct db_conn *conn =
        db_conn_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    for (int round = 0; round < 2; round++) { /* unprepared, then prepared */
        REQUIRE(db_pipeline_begin(conn, &call, &err) == ERR_OK);
        for (int i = 0; i < 100; i++)
            REQUIRE(db_pipeline_add(conn, &call, &t_sum, DB_PARAMS(db_i64(i), db_i64(1)), &err) ==
                    ERR_OK);
        REQUIRE(db_pipeline_sync(conn, &call, &err) == ERR_OK);
        for (int i = 0; i < 100; i++) {
            struct db_result *rows = NULL;
            REQUIRE(db_pipeline_next(conn, &call, &rows, &err) == ERR_OK);
            CHECK_I64(db_get_i64(rows, 0, 0), i + 1);
        }
    }
    REQUIRE(db_pipeline_begin(conn, &call, &err) == ERR_OK);
    CHECK_I64(db_pipeline_finish(conn, &call, &err), ERR_OK); /* nothing added */
    db_conn_close(conn);
}

static void add_batch(struct db_conn *conn, bool is_guarded)
{
    const struct str ids[] = {STR("p1"), STR("p2"), STR("p3")};
    const int64_t numbers[] = {1, 2, 3};
    CHECK_I64(db_pipeline_begin(conn, &call, &err), ERR_OK);
    CHECK_I64(db_pipeline_add(conn, &call, &db_begin, DB_NO_PARAMS, &err), ERR_OK);
    CHECK_I64(db_pipeline_add(conn, &call, &t_rows,
                              DB_PARAMS(db_texts(ids, 3), db_i64s(numbers, 3)), &err),
              ERR_OK);
    CHECK_I64(db_pipeline_add(conn, &call, &t_guard, DB_PARAMS(db_bool(is_guarded)), &err), ERR_OK);
    CHECK_I64(db_pipeline_add(conn, &call, &t_insert, DB_PARAMS(db_cstr("p4"), db_i64(4)), &err),
              ERR_OK);
    CHECK_I64(db_pipeline_add(conn, &call, &db_commit, DB_NO_PARAMS, &err), ERR_OK);
}

static void a_failed_pipeline_leaves_nothing_and_can_be_used_again(void)
{
    begin_case();
    struct db_conn *conn =
        db_conn_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    add_batch(conn, false);
    CHECK_I64(db_pipeline_finish(conn, &call, &err), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "GUARD_FAILED");
    uint64_t epoch = db_conn_epoch(conn);
    CHECK_I64(number(&t_count), 0);
    add_batch(conn, true);
    CHECK_I64(db_pipeline_finish(conn, &call, &err), ERR_OK);
    CHECK_I64(number(&t_count), 4);
    CHECK_I64(db_query(conn, &call, &t_sum, DB_PARAMS(db_i64(1), db_i64(1)), NULL, &err), ERR_OK);
    CHECK_I64(db_conn_epoch(conn), epoch);
    db_conn_close(conn);
}

static void an_abandoned_pipeline_commits_nothing(void)
{
    begin_case();
    struct db_conn *conn =
        db_conn_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    REQUIRE(db_pipeline_begin(conn, &call, &err) == ERR_OK);
    REQUIRE(db_pipeline_add(conn, &call, &t_insert, DB_PARAMS(db_cstr("a"), db_i64(1)), &err) ==
            ERR_OK);
    db_pipeline_abort(conn);
    CHECK_I64(number(&t_count), 0);
    add_batch(conn, true);
    REQUIRE(db_pipeline_sync(conn, &call, &err) == ERR_OK);
    CHECK_I64(db_pipeline_next(conn, &call, NULL, &err), ERR_OK);
    db_pipeline_abort(conn); /* may or may not have committed; must be usable */
    CHECK_I64(db_query(conn, &call, &t_sum, DB_PARAMS(db_i64(1), db_i64(1)), NULL, &err), ERR_OK);
    db_conn_close(conn);
}

static void a_deadline_inside_a_pipeline_is_survived(void)
{
    begin_case();
    struct db_conn *conn =
        db_conn_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    REQUIRE(db_conn_ensure(conn, &call, &err) == ERR_OK);
    uint64_t epoch = db_conn_epoch(conn);
    struct call hurried = call;
    hurried.deadline_mono_us = clock_mono_us() + 100 * US_PER_MS;
    REQUIRE(db_pipeline_begin(conn, &hurried, &err) == ERR_OK);
    REQUIRE(db_pipeline_add(conn, &hurried, &t_sleep, DB_PARAMS(db_f64(30)), &err) == ERR_OK);
    REQUIRE(db_pipeline_add(conn, &hurried, &t_insert, DB_PARAMS(db_cstr("a"), db_i64(1)), &err) ==
            ERR_OK);
    CHECK_I64(db_pipeline_finish(conn, &hurried, &err), ERR_DEADLINE_EXCEEDED);
    CHECK_I64(db_query(conn, &call, &t_count, DB_NO_PARAMS, NULL, &err), ERR_OK);
    CHECK_I64(db_conn_epoch(conn), epoch);
    CHECK_I64(number(&t_count), 0);
    db_conn_close(conn);
}

static enum err_code pipelined(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    const bool *is_good = ctx;
    enum err_code code = db_pipeline_begin(conn, c, e);
    for (int i = 0; i < 3 && code == ERR_OK; i++)
        code = db_pipeline_add(conn, c, &t_insert,
                               DB_PARAMS(db_i64(*is_good || i < 2 ? i : 0), db_i64(i)), e);
    return code == ERR_OK ? db_pipeline_finish(conn, c, e) : code;
}

static void a_pipeline_inside_db_tx_run_is_part_of_the_transaction(void)
{
    begin_case();
    bool is_good = false;
    CHECK_I64(db_tx_run(pool, &call, pipelined, &is_good, &err), ERR_ALREADY_EXISTS);
    CHECK_I64(number(&t_count), 0);
    is_good = true;
    CHECK_I64(db_tx_run(pool, &call, pipelined, &is_good, &err), ERR_OK);
    CHECK_I64(number(&t_count), 3);
}

static void a_pipeline_larger_than_every_buffer_does_not_block(void)
{
    begin_case();
    enum { ROWS = 3000, BYTES = 4000 };
    struct db_conn *conn =
        db_conn_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    char *text = xcalloc(1, BYTES + 1);
    memset(text, 'x', BYTES);
    REQUIRE(db_pipeline_begin(conn, &call, &err) == ERR_OK);
    for (int i = 0; i < ROWS; i++)
        REQUIRE(db_pipeline_add(conn, &call, &t_echo,
                                DB_PARAMS(db_cstr(text), db_null(), db_null(), db_null(), db_null(),
                                          db_null(), db_cstr(text)),
                                &err) == ERR_OK);
    CHECK_I64(db_pipeline_finish(conn, &call, &err), ERR_OK);
    free(text);
    db_conn_close(conn);
}

static void affected_rows_are_counted(void)
{
    begin_case();
    REQUIRE(db_pool_query(pool, &call, &t_insert, DB_PARAMS(db_cstr("a"), db_i64(1)), NULL, &err) ==
            ERR_OK);
    struct db_result *changed = NULL;
    REQUIRE(db_pool_query(pool, &call, &t_put, DB_PARAMS(db_cstr("a"), db_i64(5)), &changed,
                          &err) == ERR_OK);
    CHECK_I64(db_affected(changed), 1);
    REQUIRE(db_pool_query(pool, &call, &t_put, DB_PARAMS(db_cstr("b"), db_i64(5)), &changed,
                          &err) == ERR_OK);
    CHECK_I64(db_affected(changed), 0);
}

static void statements_and_the_pool_are_measured(void)
{
    begin_case();
    CHECK_I64(db_pool_query(pool, &call, &t_bad, DB_NO_PARAMS, NULL, &err), ERR_INTERNAL);
    struct buf text;
    buf_init(&text, 0);
    metrics_render(&text);
    const char *wanted[] = {
        "taskrouter_sql_duration_seconds_count{statement=\"t_clear\"}",
        "taskrouter_sql_errors_total{statement=\"t_bad\",code=\"INTERNAL\"}",
        "taskrouter_db_connections_open{pool=\"test\"} ",
        "taskrouter_db_connections_in_use{pool=\"test\"} 0\n",
        "taskrouter_db_connections_waiting{pool=\"test\"} 0\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        if (!CHECK(strstr(text.data, wanted[i]) != NULL))
            (void)printf("\n    no %s", wanted[i]);
    }
    buf_fini(&text);
}

static void roles_reach_their_own_schema_only(void)
{
    begin_case();
    static const struct db_stmt other = {"t_other", "select count(*) from queues.secret", 0};
    static const struct db_stmt reader = {"t_reader", "select count(*) from item", 0};
    static const struct db_stmt create = {"t_create", "create table public.x (i int)", 0};
    CHECK(cluster_sql(cluster, "create table queues.secret (i int)"));
    CHECK_I64(db_pool_query(pool, &call, &other, DB_NO_PARAMS, NULL, &err), ERR_INTERNAL);
    CHECK(strstr(err.detail, "42501") != NULL);
    CHECK_I64(db_pool_query(pool, &call, &create, DB_NO_PARAMS, NULL, &err), ERR_INTERNAL);
    struct db_conn *conn =
        db_conn_open(&(struct db_options){.url = cluster_db_url(cluster, "reader")});
    CHECK_I64(db_query(conn, &call, &reader, DB_NO_PARAMS, NULL, &err), ERR_INTERNAL);
    CHECK(strstr(err.detail, "42501") != NULL);
    CHECK(cluster_sql(cluster, "grant select on workers.item to taskrouter_reader"));
    CHECK_I64(db_query(conn, &call, &reader, DB_NO_PARAMS, NULL, &err), ERR_OK);
    CHECK_I64(db_query(conn, &call, &t_clear, DB_NO_PARAMS, NULL, &err), ERR_UNAVAILABLE);
    db_conn_close(conn);
}

static const struct test_case cases[] = {
    {"values of every type come back as they went",                        values_of_every_type_come_back_as_they_went },
    {"extreme numbers and old times survive",                              extreme_numbers_and_old_times_survive       },
    {"arrays become rows, with nulls where they were",
     arrays_become_rows_with_nulls_where_they_were                                                                     },
    {"rows of a composite type become rows",                               composite_rows_become_rows                  },
    {"text arrays are read with quotes and nulls",                         text_arrays_are_read_with_quotes_and_nulls  },
    {"a NUL in a text is refused and costs no connection",
     a_nul_in_a_text_is_refused_and_costs_no_connection                                                                },
    {"a full arena is RESOURCE_EXHAUSTED",                                 a_full_arena_is_resource_exhausted          },
    {"broken rules have codes and name the constraint",
     broken_rules_have_codes_and_name_the_constraint                                                                   },
    {"a deadline cancels the statement and keeps the connection",
     a_deadline_cancels_the_statement_and_keeps_the_connection                                                         },
    {"statement_timeout is the second net",                                statement_timeout_is_the_second_net         },
    {"an exhausted pool says so in time",                                  an_exhausted_pool_says_so_in_time           },
    {"many threads share few connections",                                 many_threads_share_few_connections          },
    {"a released connection carries no transaction",                       a_released_connection_carries_no_transaction},
    {"a transaction commits all or nothing",                               a_transaction_commits_all_or_nothing        },
    {"an aborted transaction runs again, at most four times",              an_aborted_transaction_runs_again           },
    {"a swallowed error does not pass for a commit",                       a_swallowed_error_does_not_pass_for_a_commit},
    {"serialization failures are retried until one comes after the other",
     serialization_failures_are_retried_until_the_order_is_one_after_the_other                                         },
    {"rows in binary read as those in text",                               rows_in_binary_read_as_those_in_text        },
    {"a pipeline answers in order",                                        a_pipeline_answers_in_order                 },
    {"a failed pipeline leaves nothing and can be used again",
     a_failed_pipeline_leaves_nothing_and_can_be_used_again                                                            },
    {"an abandoned pipeline commits nothing that was not synced",
     an_abandoned_pipeline_commits_nothing                                                                             },
    {"a deadline inside a pipeline is survived",                           a_deadline_inside_a_pipeline_is_survived    },
    {"a pipeline inside db_tx_run is part of the transaction",
     a_pipeline_inside_db_tx_run_is_part_of_the_transaction                                                            },
    {"a pipeline larger than every buffer does not block",
     a_pipeline_larger_than_every_buffer_does_not_block                                                                },
    {"affected rows are counted",                                          affected_rows_are_counted                   },
    {"statements and the pool are measured",                               statements_and_the_pool_are_measured        },
    {"roles reach their own schema only",                                  roles_reach_their_own_schema_only           },
};

int main(int argc, char **argv)
{
    cluster = cluster_start(CLUSTER_POSTGRES);
    bool is_ready = cluster_sql(
        cluster, "set role taskrouter_workers; set search_path = workers;"
                 "create table item (id text primary key, n bigint not null);"
                 "create type item_row as (id text, n bigint, is_it boolean, at timestamptz,"
                 " document jsonb);"
                 "create table child (item_id text not null references item);"
                 "create function guard(is_held boolean) returns void language plpgsql as $$"
                 " begin if not is_held then raise exception 'the lease was lost'"
                 " using errcode = 'TR001'; end if; end $$;");
    pool = db_pool_open(
        &(struct db_options){.url = cluster_db_url(cluster, "workers"), .name = "test", .size = 2});
    arena = arena_new(64 << 20);
    int status = is_ready ? testing_main("db query", cases, ARRAY_LEN(cases), argc, argv) : 1;
    arena_free(arena);
    db_pool_close(pool);
    cluster_stop(cluster);
    return status;
}
