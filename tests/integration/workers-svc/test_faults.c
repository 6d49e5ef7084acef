/* PostgreSQL or NATS away, and back: what callers see, and that nothing is lost. */
#include "base/clock.h"
#include "suite.h"

#define W SUITE_WORKERS

static bool can_write(const void *workspace_sid)
{
    return suite_call(&suite_supervisor, W, "CreateActivity",
                      "{'workspaceSid':'%s','friendlyName':'back %lld'}",
                      (const char *)workspace_sid, (long long)clock_mono_us())
               .code == ERR_OK;
}

static bool is_ready(const void *address)
{
    return process_http_get(address, "/readyz", NULL, 0) == 200;
}

static bool is_not_ready(const void *address)
{
    return process_http_get(address, "/readyz", NULL, 0) == 503;
}

static void check_unavailable(const char *workspace_sid)
{
    for (int i = 0; i < 6; i++) {
        struct answer write =
            suite_call(&suite_supervisor, W, "CreateActivity",
                       "{'workspaceSid':'%s','friendlyName':'while away %d'}", workspace_sid, i);
        CHECK_I64(write.code, ERR_UNAVAILABLE);
        CHECK(write.took_ms < 1500);
        struct answer read = suite_call(&suite_viewer, SUITE_QUEUES, "ListTaskQueues",
                                        "{'workspaceSid':'%s'}", workspace_sid);
        CHECK_I64(read.code, ERR_UNAVAILABLE);
        CHECK(read.took_ms < 1500);
    }
}

static void test_postgres(void)
{
    const char *sid = suite_workspace();
    (void)suite_ok(&suite_viewer, SUITE_QUEUES, "ListTaskQueues", "{'workspaceSid':'%s'}", sid);
    cluster_kill(suite_cluster(), CLUSTER_POSTGRES);
    check_unavailable(sid);
    CHECK(suite_until(is_not_ready, suite_http(W), 5000));
    cluster_restart(suite_cluster(), CLUSTER_POSTGRES);
    CHECK(suite_until(can_write, sid, 10000));
    CHECK(suite_until(is_ready, suite_http(W), 10000));
    CHECK_I64(suite_count("select count(*) from workers.activity where friendly_name like "
                          "'while away%%'"),
              0);
    cluster_shutdown(suite_cluster(), CLUSTER_POSTGRES);
    check_unavailable(sid);
    cluster_restart(suite_cluster(), CLUSTER_POSTGRES);
    CHECK(suite_until(can_write, sid, 10000));
}

static bool has_channels(const void *workspace_sid)
{
    return suite_count("select count(*) from queues.task_channel where workspace_sid = '%s'",
                       (const char *)workspace_sid) == 5;
}

static void test_nats(void)
{
    cluster_kill(suite_cluster(), CLUSTER_NATS);
    CHECK(suite_until(is_not_ready, suite_http(W), 5000));
    int64_t began_us = clock_mono_us();
    const char *sid = suite_workspace(); /* writes do not wait for the bus */
    CHECK(clock_mono_us() - began_us < US_PER_S);
    const json_t *worker = suite_ok(&suite_supervisor, W, "CreateWorker",
                                    "{'workspaceSid':'%s','friendlyName':'Ann'}", sid);
    for (int i = 1; i <= 3; i++)
        (void)suite_ok(&suite_supervisor, W, "UpdateWorker",
                       "{'worker':{'workspaceSid':'%s','sid':'%s','attributes':'{`n`:%d}'},"
                       "'updateMask':'attributes'}",
                       sid, at(worker, "sid"), i);
    CHECK_I64(suite_event_count("", sid), 0);
    cluster_restart(suite_cluster(), CLUSTER_NATS);
    CHECK(suite_event("workspace.created", sid, 0) != NULL);
    for (int i = 1; i <= 3; i++) { /* in the order of the changes */
        const struct seen_event *event =
            suite_event("worker.attributes.update", at(worker, "sid"), i - 1);
        REQUIRE(event != NULL);
        CHECK_TEXT(at(event->payload, "data.worker.attributes"), suite_text("{\"n\":%d}", i));
    }
    CHECK(suite_until(has_channels, sid, 15000)); /* consumers are back too */
    CHECK(suite_until(is_ready, suite_http(W), 10000));
    CHECK_I64(suite_event_count("", at(worker, "sid")), 4);
}

static bool can_read(const void *workspace_sid)
{
    return suite_call(&suite_viewer, W, "GetWorkspace", "{'sid':'%s'}", (const char *)workspace_sid)
               .code == ERR_OK;
}

/* kill -9 between commit and publishing loses nothing either: the row is the event. */
static void test_killed(void)
{
    cluster_kill(suite_cluster(), CLUSTER_NATS);
    const char *sid = suite_workspace();
    process_signal(suite_process(W), 9);
    (void)process_wait_exit(suite_process(W), 5000);
    CHECK(cluster_sql(suite_cluster(),
                      "insert into workers.idempotency (account_sid, method, key, request_hash, "
                      "created_at) values ('AC', 'M', 'old', '', now() - interval '25 hours'), "
                      "('AC', 'M', 'young', '', now() - interval '23 hours')"));
    struct answer answer = suite_call(&suite_viewer, W, "GetWorkspace", "{'sid':'%s'}", sid);
    CHECK_I64(answer.code, ERR_UNAVAILABLE);
    cluster_restart(suite_cluster(), CLUSTER_NATS);
    REQUIRE(suite_restart(W));
    CHECK(suite_event("workspace.created", sid, 0) != NULL);
    CHECK_I64(suite_event_count("workspace.created", sid), 1);
    CHECK(suite_until(can_read, sid, 10000)); /* the client connects again within a second or so */
}

static bool is_old_key_gone(const void *unused)
{
    (void)unused;
    return suite_count("select count(*) from workers.idempotency where key = 'old'") == 0;
}

static void test_keys(void)
{
    CHECK(suite_until(is_old_key_gone, NULL, 10000));
    CHECK_I64(suite_count("select count(*) from workers.idempotency where key = 'young'"), 1);
}

static const struct test_case cases[] = {
    {"without PostgreSQL calls fail fast, and work again with it",     test_postgres},
    {"without NATS writes work; events come in order when it is back", test_nats    },
    {"a killed service publishes what it had committed",               test_killed  },
    {"idempotency keys are forgotten after a day",                     test_keys    },
};

int main(int argc, char **argv)
{
    return suite_main("faults", SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_QUEUES), cases,
                      ARRAY_LEN(cases), argc, argv);
}
