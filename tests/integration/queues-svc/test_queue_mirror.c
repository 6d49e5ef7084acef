/* queues-svc as the mirror of a workspace that Twilio routes. */
#include <string.h>

#include "suite.h"

#define Q SUITE_QUEUES

#define WS_TWILIO "WS00000000000000000000000000007001"

/* ---- the workspace ---- */

static bool is_known(const void *ctx)
{
    return suite_count("select count(*) from queues.workspace_copy where sid = '%s' and provider "
                       "= 'TWILIO' and deleted_at is null",
                       (const char *)ctx) == 1;
}

static void tell_workspace(const char *sid, int version)
{
    REQUIRE(suite_publish("workspace.created", sid, sid, version, 0,
                          "{'workspace':{'sid':'%s','accountSid':'" ACCOUNT
                          "','friendlyName':'Mirrored %s','provider':'PROVIDER_TWILIO','version':"
                          "'%d'}}",
                          sid, sid, version));
    CHECK(suite_until(is_known, sid, 20000));
}

static void test_writes(void)
{
    tell_workspace(WS_TWILIO, 1);
    const json_t *channels =
        suite_ok(&suite_viewer, Q, "ListTaskChannels", "{'workspaceSid':'" WS_TWILIO "'}");
    CHECK_I64(at_i64(channels, "items"), 0); /* Twilio's come by Put */
    CHECK(suite_refused(&suite_viewer, Q, "PERMISSION_DENIED ROLE_TOO_LOW", "CreateTaskQueue",
                        "{'workspaceSid':'" WS_TWILIO "','friendlyName':'x'}"));
    CHECK(suite_refused(&suite_stranger, Q, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid",
                        "CreateTaskQueue", "{'workspaceSid':'" WS_TWILIO "','friendlyName':'x'}"));
}

static const struct {
    const char *method;
    const char *request;
} writes[] = {
    {"CreateTaskQueue",   "{'workspaceSid':'" WS_TWILIO "','friendlyName':'x'}"                                  },
    {"UpdateTaskQueue",
     "{'taskQueue':{'workspaceSid':'" WS_TWILIO "','sid':'WQ00000000000000000000000000000001','"
     "friendlyName':'y'},'updateMask':'friendlyName'}"                                                           },
    {"DeleteTaskQueue",
     "{'workspaceSid':'" WS_TWILIO "','sid':'WQ00000000000000000000000000000001'}"                               },
    {"CreateTaskChannel", "{'workspaceSid':'" WS_TWILIO "','friendlyName':'x','uniqueName':'x'}"                 },
    {"UpdateTaskChannel", "{'taskChannel':{'workspaceSid':'" WS_TWILIO
                          "','sid':'x','friendlyName':'y'},'updateMask':'friendlyName'}"},
    {"DeleteTaskChannel", "{'workspaceSid':'" WS_TWILIO "','channel':'x'}"                                       },
};

/* Whatever sync-svc says to it: here nothing is written and nothing refused as MIRRORED. */
static void test_forwarded(void)
{
    tell_workspace(WS_TWILIO, 1);
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        struct answer answer =
            suite_call(&suite_admin, Q, writes[i].method, "%s", writes[i].request);
        CHECK(answer.code != ERR_OK); /* it has no Twilio */
        CHECK(answer.err.reason != NULL && strcmp(answer.err.reason, "MIRRORED") != 0);
    }
    CHECK_I64(suite_count("select count(*) from queues.task_queue where workspace_sid = "
                          "'" WS_TWILIO "'"),
              0);
}

/* A process that does not know where sync-svc is. */
static void test_not_forwarded(void)
{
    tell_workspace(WS_TWILIO, 1);
    const char *http = NULL;
    struct process *twin =
        suite_start_twin(Q, (const char *const[]){"TASKROUTER_GRPC_SYNC=", NULL}, &http);
    REQUIRE(process_wait_ready(twin, http, 30000));
    suite_direct(Q, suite_twin_grpc());
    for (size_t i = 0; i < ARRAY_LEN(writes); i++)
        CHECK(suite_refused(&suite_admin, Q, "UNAVAILABLE MIRRORED : TASKROUTER_GRPC_SYNC",
                            writes[i].method, "%s", writes[i].request));
    suite_direct(Q, NULL);
    process_free(twin);
}

/* A copy from before providers were told is asked for again. */
static void test_old_copy(void)
{
    const char *sid = suite_workspace();
    (void)suite_ok(&suite_viewer, Q, "ListTaskQueues", "{'workspaceSid':'%s'}", sid);
    CHECK_I64(suite_count("with u as (update queues.workspace_copy set provider = null where sid = "
                          "'%s' returning 1) select count(*) from u",
                          sid),
              1);
    (void)suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                   "{'workspaceSid':'%s','friendlyName':'x'}", sid);
    CHECK_I64(suite_count("select count(*) from queues.workspace_copy where sid = '%s' and "
                          "provider = 'LOCAL'",
                          sid),
              1);
}

static const struct test_case cases[] = {
    {"a mirrored workspace has nothing of ours, and its writes are checked", test_writes       },
    {"its writes go to sync-svc",                                            test_forwarded    },
    {"without sync-svc the refusal names the setting",                       test_not_forwarded},
    {"a copy that knows no provider asks",                                   test_old_copy     },
};

int main(int argc, char **argv)
{
    return suite_main("queues-svc mirror", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
}
