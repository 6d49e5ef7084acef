#include "db/idempotency.h"

#include <pthread.h>

#include "base/clock.h"
#include "cluster.h"
#include "process.h"
#include "testing.h"

static struct cluster *cluster;
static struct db_pool *pool;
static struct arena *arena;
static struct call call;
static struct err err;

static const struct db_stmt t_insert = {"t_insert", "insert into item default values", 0};
static const struct db_stmt t_count = {"t_count", "select count(*) from item", 0};
static const struct db_stmt t_clear = {"t_clear", "truncate item, idempotency", 0};

struct request {
    struct idempotency use;
    struct str reply; /* what this run would answer */
    bool fails;
    int sleep_ms;
};

static void begin_case(void)
{
    arena_reset(arena);
    call_init(&call, arena, "test", 5 * US_PER_S);
    call.who.account_sid = "AC1";
    err_clear(&err);
    CHECK_I64(db_pool_query(pool, &call, &t_clear, DB_NO_PARAMS, NULL, &err), ERR_OK);
}

static int64_t effects(void)
{
    struct db_result *rows = NULL;
    if (db_pool_query(pool, &call, &t_count, DB_NO_PARAMS, &rows, &err) != ERR_OK)
        return -1;
    return db_get_i64(rows, 0, 0);
}

static enum err_code effect(struct db_conn *conn, struct call *c, void *ctx, struct err *e)
{
    struct request *request = ctx;
    enum err_code code = idempotency_claim(conn, c, &request->use, e);
    if (code != ERR_OK || request->use.is_repeat)
        return code;
    code = db_query(conn, c, &t_insert, DB_NO_PARAMS, NULL, e);
    if (request->sleep_ms > 0)
        process_sleep_ms(request->sleep_ms);
    if (code == ERR_OK && request->fails)
        return ERR_SET(e, ERR_FAILED_PRECONDITION, "NO", "no");
    if (code == ERR_OK)
        code = idempotency_finish(conn, c, &request->use, request->reply, e);
    return code;
}

static struct request request_of(const char *key, const char *body)
{
    return (struct request){
        .use = {.method = "CreateItem", .key = str_from(key), .request = str_from(body)},
        .reply = {"re\0ply",                      6                                 },
    };
}

static void a_repeat_gets_the_first_reply_and_changes_nothing(void)
{
    begin_case();
    struct request first = request_of("k", "body");
    CHECK_I64(db_tx_run(pool, &call, effect, &first, &err), ERR_OK);
    CHECK(!first.use.is_repeat);
    struct request second = request_of("k", "body");
    second.reply = STR("other");
    CHECK_I64(db_tx_run(pool, &call, effect, &second, &err), ERR_OK);
    CHECK(second.use.is_repeat);
    CHECK(str_eq(second.use.reply, first.reply));
    CHECK_I64(effects(), 1);
}

static void another_request_under_the_same_key_is_refused(void)
{
    begin_case();
    struct request first = request_of("k", "body");
    CHECK_I64(db_tx_run(pool, &call, effect, &first, &err), ERR_OK);
    struct request other = request_of("k", "another body");
    CHECK_I64(db_tx_run(pool, &call, effect, &other, &err), ERR_ALREADY_EXISTS);
    CHECK_TEXT(err.reason, "IDEMPOTENCY_KEY_REUSED");
    CHECK_I64(effects(), 1);
    struct request elsewhere = request_of("k", "another body");
    elsewhere.use.method = "UpdateItem";
    CHECK_I64(db_tx_run(pool, &call, effect, &elsewhere, &err), ERR_OK);
    call.who.account_sid = "AC2";
    CHECK_I64(db_tx_run(pool, &call, effect, &other, &err), ERR_OK);
    CHECK_I64(effects(), 3);
}

static void a_failed_request_frees_its_key(void)
{
    begin_case();
    struct request first = request_of("k", "body");
    first.fails = true;
    CHECK_I64(db_tx_run(pool, &call, effect, &first, &err), ERR_FAILED_PRECONDITION);
    first.fails = false;
    CHECK_I64(db_tx_run(pool, &call, effect, &first, &err), ERR_OK);
    CHECK(!first.use.is_repeat);
    CHECK_I64(effects(), 1);
}

static void without_a_key_every_request_counts(void)
{
    begin_case();
    struct request request = request_of("", "body");
    CHECK_I64(db_tx_run(pool, &call, effect, &request, &err), ERR_OK);
    CHECK_I64(db_tx_run(pool, &call, effect, &request, &err), ERR_OK);
    CHECK_I64(effects(), 2);
    char key[IDEMPOTENCY_KEY_MAX + 2];
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    request = request_of(key, "body");
    CHECK_I64(db_tx_run(pool, &call, effect, &request, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "idempotency_key");
}

enum { TWINS = 4 };

struct twin {
    struct request request;
    enum err_code code;
    bool is_repeat;
    bool is_right; /* got the one reply */
};

static void *run_twin(void *ctx)
{
    struct twin *twin = ctx;
    struct arena *own = arena_new(1 << 20);
    struct call mine;
    call_init(&mine, own, "twin", 5 * US_PER_S);
    mine.who.account_sid = "AC1";
    twin->code = db_tx_run(pool, &mine, effect, &twin->request, NULL);
    twin->is_repeat = twin->request.use.is_repeat;
    twin->is_right = !twin->is_repeat || str_eq(twin->request.use.reply, twin->request.reply);
    arena_free(own);
    return NULL;
}

static void concurrent_twins_have_one_effect(void)
{
    begin_case();
    pthread_t threads[TWINS];
    struct twin twins[TWINS];
    int repeats = 0;
    for (int i = 0; i < TWINS; i++) {
        twins[i] = (struct twin){.request = request_of("k", "body")};
        twins[i].request.sleep_ms = 50;
        REQUIRE(pthread_create(&threads[i], NULL, run_twin, &twins[i]) == 0);
    }
    for (int i = 0; i < TWINS; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_I64(twins[i].code, ERR_OK);
        CHECK(twins[i].is_right);
        repeats += twins[i].is_repeat ? 1 : 0;
    }
    CHECK_I64(repeats, TWINS - 1);
    CHECK_I64(effects(), 1);
}

static void old_keys_are_forgotten(void)
{
    begin_case();
    struct request first = request_of("k", "body");
    CHECK_I64(db_tx_run(pool, &call, effect, &first, &err), ERR_OK);
    int64_t removed = 0;
    CHECK_I64(idempotency_prune(pool, &call, 3600 * US_PER_S, &removed, &err), ERR_OK);
    CHECK_I64(removed, 0);
    CHECK_I64(idempotency_prune(pool, &call, 0, &removed, &err), ERR_OK);
    CHECK_I64(removed, 1);
}

static const struct test_case cases[] = {
    {"a repeat gets the first reply and changes nothing",
     a_repeat_gets_the_first_reply_and_changes_nothing                                      },
    {"another request under the same key is refused",
     another_request_under_the_same_key_is_refused                                          },
    {"a failed request frees its key",                    a_failed_request_frees_its_key    },
    {"without a key every request counts",                without_a_key_every_request_counts},
    {"concurrent twins have one effect",                  concurrent_twins_have_one_effect  },
    {"old keys are forgotten",                            old_keys_are_forgotten            },
};

int main(int argc, char **argv)
{
    cluster = cluster_start(CLUSTER_POSTGRES);
    bool is_ready = cluster_sql(
        cluster, "set role taskrouter_workers; set search_path = workers;"
                 "create table item (id bigserial primary key);"
                 "create table idempotency (account_sid text not null, method text not null,"
                 " key text not null, request_hash text not null, reply bytea,"
                 " created_at timestamptz not null default now(),"
                 " primary key (account_sid, method, key));"
                 "create index idempotency_created_at on idempotency (created_at)");
    pool = db_pool_open(&(struct db_options){.url = cluster_db_url(cluster, "workers")});
    arena = arena_new(16 << 20);
    int status = is_ready ? testing_main("idempotency", cases, ARRAY_LEN(cases), argc, argv) : 1;
    arena_free(arena);
    db_pool_close(pool);
    cluster_stop(cluster);
    return status;
}
