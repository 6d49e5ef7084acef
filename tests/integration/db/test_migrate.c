#include "db/migrate.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "cluster.h"
#include "testing.h"

static struct cluster *cluster;
static struct err err;

static const struct db_migration two[] = {
    {1, "first",  "create table a (i int); insert into a values (1);",     "h1"},
    {2, "second", "alter table a add column j int; select pg_sleep(0.1);", "h2"},
};
static const struct db_migration changed[] = {
    {1, "first", "create table a (i int, k int);", "other"},
};
static const struct db_migration three[] = {
    {1, "first",  "",                                                           "h1"},
    {2, "second", "",                                                           "h2"},
    {3, "third",  "create table b (i int); insert into a values (1, 2, 3, 4);", "h3"},
};
static const struct db_migration three_fixed[] = {
    {1, "first",  "",                       "h1"},
    {2, "second", "",                       "h2"},
    {3, "third",  "create table b (i int)", "h3"},
};
static const struct db_migration late[] = {
    {0, "late", "create table z (i int)", "h0"},
};
static const struct db_migration commits[] = {
    {9, "commits", "create table c (i int); commit; create table d (i int)", "h9"},
};

/* Everything begins in an empty schema. */
static void begin_case(void)
{
    CHECK(cluster_sql(cluster, "drop schema workers cascade; create schema workers authorization "
                               "taskrouter_workers"));
    err_clear(&err);
}

static enum err_code migrate(const struct db_migration *list, size_t count)
{
    return db_migrate(cluster_db_url(cluster, "workers"), "workers", list, count, &err);
}

static const char *value(const char *sql)
{
    static char text[64];
    CHECK(cluster_sql_value(cluster, sql, text, sizeof text));
    return text;
}

static void migrating_twice_does_it_once(void)
{
    begin_case();
    CHECK_I64(migrate(two, 2), ERR_OK);
    CHECK_I64(migrate(two, 2), ERR_OK);
    CHECK_TEXT(value("select count(*) from workers.a"), "1");
    CHECK_TEXT(value("select string_agg(number || name || hash, ',' order by number) from "
                     "workers.schema_migrations"),
               "1firsth1,2secondh2");
}

static void a_changed_file_is_refused(void)
{
    begin_case();
    CHECK_I64(migrate(two, 2), ERR_OK);
    CHECK_I64(migrate(changed, 1), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "MIGRATION_CHANGED");
    CHECK(strstr(err.detail, "0001_first") != NULL);
}

static void a_failing_migration_leaves_nothing_and_can_be_repeated(void)
{
    begin_case();
    CHECK_I64(migrate(two, 2), ERR_OK);
    CHECK_I64(migrate(three, 3), ERR_INTERNAL);
    CHECK_TEXT(err.reason, "MIGRATION_FAILED");
    CHECK(strstr(err.detail, "0003_third") != NULL);
    CHECK_TEXT(value("select to_regclass('workers.b') is null"), "t");
    CHECK_I64(migrate(three_fixed, 3), ERR_OK);
    CHECK_TEXT(value("select to_regclass('workers.b') is null"), "f");
}

static void a_missing_schema_is_named(void)
{
    begin_case();
    CHECK_I64(db_migrate(cluster_db_url(cluster, "workers"), "nowhere", two, 2, &err),
              ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "SCHEMA_MISSING");
    CHECK_I64(db_migrate(cluster_db_url(cluster, "workers"), "queues", two, 2, &err),
              ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "SCHEMA_MISSING");
    CHECK_I64(db_migrate("postgresql:///x?host=/nowhere", "queues", two, 2, &err), ERR_UNAVAILABLE);
}

static void a_number_below_the_newest_is_out_of_order(void)
{
    begin_case();
    CHECK_I64(migrate(two, 2), ERR_OK);
    CHECK_I64(migrate(late, 1), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "MIGRATION_OUT_OF_ORDER");
}

static void a_script_may_not_end_the_transaction(void)
{
    begin_case();
    CHECK_I64(migrate(commits, 1), ERR_INTERNAL);
    CHECK_TEXT(err.reason, "MIGRATION_FAILED");
}

static void *migrate_in_thread(void *ctx)
{
    struct err own;
    err_clear(&own);
    enum err_code code = db_migrate(ctx, "workers", two, 2, &own);
    return code == ERR_OK ? ctx : NULL;
}

static void concurrent_runners_do_it_once(void)
{
    begin_case();
    enum { RUNNERS = 4 };
    pthread_t threads[RUNNERS];
    char url[256];
    (void)snprintf(url, sizeof url, "%s", cluster_db_url(cluster, "workers"));
    for (int i = 0; i < RUNNERS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, migrate_in_thread, url) == 0);
    for (int i = 0; i < RUNNERS; i++) {
        void *done = NULL;
        (void)pthread_join(threads[i], &done);
        CHECK(done != NULL);
    }
    CHECK_TEXT(value("select count(*) from workers.a"), "1");
}

static void a_service_sees_whether_its_schema_is_new_enough(void)
{
    begin_case();
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct call call;
    call_init(&call, arena, "check", 5 * US_PER_S);
    struct db_pool *pool =
        db_pool_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    CHECK_I64(db_schema_check(pool, &call, NULL, 0, &err), ERR_OK);
    CHECK_I64(db_schema_check(pool, &call, two, 2, &err), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "SCHEMA_TOO_OLD");
    CHECK_I64(migrate(two, 1), ERR_OK);
    CHECK_I64(db_schema_check(pool, &call, two, 2, &err), ERR_FAILED_PRECONDITION);
    CHECK(strstr(err.detail, "second") != NULL);
    CHECK_I64(migrate(two, 2), ERR_OK);
    CHECK_I64(db_schema_check(pool, &call, two, 2, &err), ERR_OK);
    CHECK_I64(db_schema_check(pool, &call, two, 1, &err), ERR_OK); /* an older program */
    CHECK_I64(db_schema_check(pool, &call, changed, 1, &err), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "MIGRATION_CHANGED");
    db_pool_close(pool);
}

static void a_plan_older_than_the_schema_is_made_anew(void)
{
    begin_case();
    static const struct db_stmt all = {"t_all", "select * from a", 0};
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct call call;
    call_init(&call, arena, "plan", 5 * US_PER_S);
    struct db_pool *pool =
        db_pool_open(&(struct db_options){.url = cluster_db_url(cluster, "workers"), .size = 1});
    CHECK_I64(migrate(two, 1), ERR_OK);
    CHECK_I64(db_pool_query(pool, &call, &all, DB_NO_PARAMS, NULL, &err), ERR_OK);
    CHECK_I64(migrate(two, 2), ERR_OK);
    CHECK_I64(db_pool_query(pool, &call, &all, DB_NO_PARAMS, NULL, &err), ERR_ABORTED);
    CHECK_TEXT(err.reason, "SCHEMA_CHANGED");
    CHECK_I64(db_pool_query(pool, &call, &all, DB_NO_PARAMS, NULL, &err), ERR_OK);
    db_pool_close(pool);
}

static void bootstrap_may_run_again(void)
{
    begin_case();
    CHECK_TEXT(value("select string_agg(nspname, ',' order by nspname) from pg_namespace n join "
                     "pg_roles r on r.oid = nspowner where rolname = 'taskrouter_' || nspname"),
               "gateway,queues,routing,sync,tasks,workers");
    CHECK_TEXT(value("select count(*) from pg_roles where rolname like 'taskrouter%' and "
                     "(rolsuper or rolcreatedb or rolcreaterole or not rolcanlogin)"),
               "0");
    CHECK(cluster_bootstrap(cluster));
    CHECK(cluster_bootstrap(cluster));
}

/* A server may have been made with any language's order; lists and cursors are by code point. */
static void text_is_ordered_by_code_point(void)
{
    begin_case();
    CHECK_TEXT(value("select datcollate from pg_database where datname = current_database()"), "C");
}

static const struct test_case cases[] = {
    {"migrating twice does it once",                           migrating_twice_does_it_once             },
    {"a changed file is refused",                              a_changed_file_is_refused                },
    {"a failing migration leaves nothing and can be repeated",
     a_failing_migration_leaves_nothing_and_can_be_repeated                                             },
    {"a missing or foreign schema is named",                   a_missing_schema_is_named                },
    {"a number below the newest is out of order",              a_number_below_the_newest_is_out_of_order},
    {"a script may not end the transaction",                   a_script_may_not_end_the_transaction     },
    {"concurrent runners do it once",                          concurrent_runners_do_it_once            },
    {"a service sees whether its schema is new enough",
     a_service_sees_whether_its_schema_is_new_enough                                                    },
    {"a plan older than the schema is made anew",              a_plan_older_than_the_schema_is_made_anew},
    {"bootstrap may run again",                                bootstrap_may_run_again                  },
    {"text is ordered by code point",                          text_is_ordered_by_code_point            },
};

int main(int argc, char **argv)
{
    cluster = cluster_start(CLUSTER_POSTGRES);
    int status = testing_main("db migrate", cases, ARRAY_LEN(cases), argc, argv);
    cluster_stop(cluster);
    return status;
}
