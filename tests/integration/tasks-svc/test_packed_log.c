/* The event log of before it was packed, after the migration: found as before. */
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "cluster.h"
#include "db/migrate.h"
#include "event_store.h"
#include "testing.h"

#define WORKSPACE "WS00000000000000000000000000000001"
#define EVENTS    150 /* more than two batches */

/* Embedded in the service; their header is the service's own. */
extern const struct db_migration tasks_svc_migrations[];
extern const size_t tasks_svc_migrations_count;

static struct cluster *cluster;

/* Event n is of task n % 3; the 100th has a type of its own, and one is another workspace's. */
static const char old_rows[] =
    "insert into tasks.config_copy (sid, kind, shard, account_sid, workspace_sid, name, version, "
    "document) values ('" WORKSPACE "', 'workspace', 0, 'AC1', '" WORKSPACE "', 'w', 1, '{}');"
    "insert into tasks.event (shard, seq, sid, account_sid, workspace_sid, type, resource_type, "
    "resource_sid, resource_version, task_sid, occurred_at, actor_sid, request_id, source, data, "
    "extras) select 0, n, 'EV' || lpad(to_hex(n), 32, '0'), 'AC1', case when n = 7 then 'WSother' "
    "else '" WORKSPACE "' end, case when n = 100 then 'task.canceled' else 'task.updated' end, "
    "'task', 'WT' || n % 3, n, 'WT' || n % 3, timestamptz '2026-01-01 00:00:00Z' + n * interval "
    "'1 hour', 'US1', 'RQ' || n, '/tasks-svc', ('{\"task\":{\"sid\":\"WT' || n % 3 || '\"}}')"
    "::json, '{\"reason\":\"why\"}' from generate_series(1, 150) n;"
    "insert into tasks.shard_lease (shard, shard_count, owner, epoch, is_session_held, expires_at) "
    "values (0, 1, '', 0, false, '-infinity')";

struct reading {
    struct db_pool *pool;
    struct arena *arena;
    struct call call;
};

static void reading_open(struct reading *reading)
{
    reading->pool = db_pool_open(&(struct db_options){
        .url = cluster_db_url(cluster, "tasks"), .schema = "tasks", .size = 1});
    reading->arena = arena_new(16 << 20);
    call_init(&reading->call, reading->arena, "test", 10 * US_PER_S);
}

static void reading_close(struct reading *reading)
{
    db_pool_close(reading->pool);
    arena_free(reading->arena);
}

static size_t list(struct reading *reading, int64_t after, const struct event_filter *filter,
                   struct event_row **out)
{
    struct err err = {.code = ERR_OK};
    size_t count = 0;
    CHECK_I64(event_store_list(reading->pool, &reading->call, WORKSPACE, after, 1000, filter, out,
                               &count, &err),
              ERR_OK);
    return count;
}

static void check_lists(struct reading *reading)
{
    struct event_row *rows = NULL;
    struct event_filter none = {0};
    CHECK_I64(list(reading, 0, &none, &rows), EVENTS - 1);
    CHECK_I64(rows[0].seq, 1);
    CHECK_TEXT(rows[0].data.ptr, "{\"task\":{\"sid\":\"WT1\"}}");
    CHECK_TEXT(rows[0].extras.ptr, "{\"reason\":\"why\"}");
    CHECK_TEXT(rows[0].request_id, "RQ1");
    CHECK_I64(list(reading, 120, &none, &rows), EVENTS - 120);
    struct event_filter newest = {.newest_first = true};
    CHECK_I64(list(reading, 120, &newest, &rows), 118);
    CHECK_I64(rows[0].seq, 119);
    struct event_filter task = {.task_sid = "WT2"};
    CHECK_I64(list(reading, 0, &task, &rows), 50);
    struct event_filter type = {.type = "task.canceled", .newest_first = true};
    CHECK_I64(list(reading, 0, &type, &rows), 1);
    CHECK_I64(rows[0].seq, 100);
    int64_t at_us = rows[0].occurred_at_us;
    struct event_filter absent = {.type = "task.created"};
    CHECK_I64(list(reading, 0, &absent, &rows), 0);
    struct event_filter day = {.start_us = at_us, .end_us = at_us + 23 * 3600 * US_PER_S};
    CHECK_I64(list(reading, 0, &day, &rows), 24);
    CHECK_I64(rows[0].seq, 100);
    day.newest_first = true;
    CHECK_I64(list(reading, 0, &day, &rows), 24);
    CHECK_I64(rows[0].seq, 123);
}

static void test_old_rows(void)
{
    struct err err = {.code = ERR_OK};
    const char *url = cluster_db_url(cluster, "tasks");
    REQUIRE(db_migrate(url, "tasks", tasks_svc_migrations, 1, &err) == ERR_OK);
    REQUIRE(cluster_sql(cluster, old_rows));
    REQUIRE(db_migrate(url, "tasks", tasks_svc_migrations, tasks_svc_migrations_count, &err) ==
            ERR_OK);
    struct reading reading;
    reading_open(&reading);
    check_lists(&reading);
    struct event_row row;
    CHECK_I64(event_store_get(reading.pool, &reading.call, WORKSPACE,
                              "EV00000000000000000000000000000064", &row, &err),
              ERR_OK);
    CHECK_I64(row.seq, 100);
    CHECK_I64(event_store_get(reading.pool, &reading.call, WORKSPACE,
                              "EV00000000000000000000000000000007", &row, &err),
              ERR_NOT_FOUND);
    bool is_there = false;
    CHECK(event_store_exists(reading.pool, &reading.call, "EV00000000000000000000000000000007",
                             &is_there, &err) == ERR_OK &&
          is_there);
    CHECK(event_store_exists(reading.pool, &reading.call, "EV00000000000000000000000000000fff",
                             &is_there, &err) == ERR_OK &&
          !is_there);
    int64_t last = 0;
    CHECK(event_store_last(reading.pool, &reading.call, WORKSPACE, &last, &err) == ERR_OK);
    CHECK_I64(last, EVENTS);
    reading_close(&reading);
}

static const struct test_case cases[] = {
    {"events of before the log was packed are found as before", test_old_rows},
};

int main(int argc, char **argv)
{
    cluster = cluster_start(CLUSTER_POSTGRES);
    int status = testing_main("packed log", cases, ARRAY_LEN(cases), argc, argv);
    cluster_stop(cluster);
    return status;
}
