#include "db/db.h"
#include "testing.h"

static void constructors_tell_null_from_empty(void)
{
    CHECK_I64(db_cstr(NULL).type, DB_NULL);
    CHECK_I64(db_cstr("").type, DB_TEXT);
    CHECK_I64(db_text((struct str){NULL, 0}).type, DB_TEXT);
    CHECK_I64(db_text_or_null((struct str){NULL, 0}).type, DB_NULL);
    CHECK_I64(db_text_or_null(STR("a")).type, DB_TEXT);
    CHECK_I64(db_time_us_or_null(0).type, DB_NULL);
    CHECK_I64(db_time_us_or_null(1).type, DB_TIME);
    CHECK_I64(db_time_us(0).type, DB_TIME);
}

static size_t count_of(const struct db_param *params, size_t count)
{
    return params == NULL ? 0 : count;
}

static void db_params_counts_what_it_is_given(void)
{
    CHECK_I64(count_of(DB_PARAMS(db_i64(1))), 1);
    CHECK_I64(count_of(DB_PARAMS(db_i64(1), db_bool(true), db_null())), 3);
    CHECK_I64(count_of(DB_NO_PARAMS), 0);
}

static void the_constraint_is_found_in_the_error(void)
{
    struct err err;
    err_clear(&err);
    CHECK(!db_err_is_constraint(&err, "worker_name_key"));
    (void)ERR_SET(&err, ERR_ALREADY_EXISTS, "ALREADY_EXISTS",
                  "the value is in use already (constraint \"worker_name_key\")");
    CHECK(db_err_is_constraint(&err, "worker_name_key"));
    CHECK(!db_err_is_constraint(&err, "worker_name"));
    CHECK(!db_err_is_constraint(&err, "name_key"));
}

static void a_pool_opens_without_a_database(void)
{
    struct db_pool *pool =
        db_pool_open(&(struct db_options){.url = "postgresql:///x?host=/nowhere", .size = 2});
    AUTO(arena_cleanup) struct arena *arena = arena_new(4096);
    struct call call;
    struct err err;
    call_init(&call, arena, "test", 1000000);
    CHECK_I64(db_pool_ping(pool, &call, &err), ERR_UNAVAILABLE);
    CHECK_I64(db_pool_stats(pool).open, 0);
    CHECK_I64(db_pool_stats(pool).in_use, 0);
    db_pool_close(pool);
    pool = db_pool_open(&(struct db_options){.url = "this is no URL"});
    CHECK_I64(db_pool_ping(pool, &call, &err), ERR_UNAVAILABLE);
    db_pool_close(pool);
    db_pool_close(NULL);
    db_conn_close(NULL);
}

static const struct test_case cases[] = {
    {"constructors tell null from empty",    constructors_tell_null_from_empty   },
    {"DB_PARAMS counts what it is given",    db_params_counts_what_it_is_given   },
    {"the constraint is found in the error", the_constraint_is_found_in_the_error},
    {"a pool opens without a database",      a_pool_opens_without_a_database     },
};

int main(int argc, char **argv)
{
    return testing_main("db params", cases, ARRAY_LEN(cases), argc, argv);
}
