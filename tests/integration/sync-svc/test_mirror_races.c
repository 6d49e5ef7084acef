/* The owners' Mirror services, told of the same rows by several at once, each of other moments: a
 * later observation is never replaced by an earlier one, in whatever order they come. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pbjson/pbjson.h"
#include "rpc/client.h"
#include "suite.h"
#include "suite_int.h"
#include "taskrouter/common/v1/mirror.pb-c.h"
#include "taskrouter/queues/v1/mirror.pb-c.h"
#include "taskrouter/routing/v1/mirror.pb-c.h"
#include "taskrouter/tasks/v1/mirror.pb-c.h"
#include "taskrouter/workers/v1/mirror.pb-c.h"

#define WS      "WS000000000000000000000000000070aa"
#define CREATED "'dateCreated':'2026-01-02T03:00:00Z'"
#define HOUR    "2026-01-02T03:"

enum { TELLERS = 6, OBSERVATIONS = 36, ROWS = 5, PATIENCE_MS = 60000 };

/* ---- the kinds of rows: what the n-th observation says of one, and how that is seen ---- */

static const char *queue_of(int row, int n)
{
    return suite_text("{'sid':'WQ%032d','friendlyName':'Queue %d','targetWorkers':'1==1',"
                      "'maxReservedWorkers':%d," CREATED "}",
                      row, row, n);
}

static const char *activity_of(int row, int n)
{
    return suite_text("{'sid':'WA%032d','friendlyName':'%d %d','available':true," CREATED "}", row,
                      row, n);
}

static const char *worker_of(int row, int n)
{
    return suite_text("{'sid':'WK%032d','friendlyName':'%d %d','attributes':'{}',"
                      "'activitySid':'WA%032d'," CREATED "}",
                      row, row, n, row);
}

static const char *workflow_of(int row, int n)
{
    return suite_text(
        "{'sid':'WW%032d','friendlyName':'Flow %d','configuration':'{`task_routing`:"
        "{`default_filter`:{`queue`:`WQ%032d`}}}','taskReservationTimeout':%d," CREATED "}",
        row, row, 1, n);
}

static const char *task_of(int row, int n)
{
    return suite_text("{'sid':'WT%032d','assignmentStatus':'TASK_STATUS_PENDING','attributes':'{}',"
                      "'priority':%d,'timeout':3600,'taskQueueSid':'WQ%032d','workflowSid':"
                      "'WW%032d','taskChannelSid':'TC%032d'," CREATED "}",
                      row, n, 1, 1, 1);
}

struct kind {
    enum suite_service service;
    const ProtobufCServiceDescriptor *api;
    const char *method;
    const char *list; /* the request's member */
    const char *get;
    const char *prefix;
    const char *shown; /* says of which observation the row is: n, or "row n" */
    const char *(*of)(int row, int n);
};

static const struct kind kinds[] = {
    {SUITE_QUEUES,  &taskrouter__queues__v1__mirror__descriptor,  "PutTaskQueues", "items",
     "GetTaskQueue",                                                                                   "WQ", "maxReservedWorkers",     queue_of   },
    {SUITE_WORKERS, &taskrouter__workers__v1__mirror__descriptor, "PutActivities", "items",
     "GetActivity",                                                                                    "WA", "friendlyName",           activity_of},
    {SUITE_WORKERS, &taskrouter__workers__v1__mirror__descriptor, "PutWorkers",    "items",
     "GetWorker",                                                                                      "WK", "friendlyName",           worker_of  },
    {SUITE_ROUTING, &taskrouter__routing__v1__mirror__descriptor, "PutWorkflows",  "items",
     "GetWorkflow",                                                                                    "WW", "taskReservationTimeout", workflow_of},
    {SUITE_TASKS,   &taskrouter__tasks__v1__mirror__descriptor,   "Apply",         "tasks", "GetTask", "WT",
     "priority",                                                                                                                       task_of    },
};

/* ---- the workspace ---- */

static bool is_known(const void *schema)
{
    return suite_count("select count(*) from %s where sid = '" WS "'", (const char *)schema) == 1;
}

static void adopt(void)
{
    static const char *const copies[] = {"queues.workspace_copy", "routing.workspace_copy",
                                         "tasks.config_copy"};
    (void)suite_ok(&suite_service_id, SUITE_WORKERS, "PutWorkspace",
                   "{'observedAt':'" HOUR "00:00Z','workspace':{'sid':'" WS
                   "','accountSid':'" ACCOUNT "','friendlyName':'Contended',"
                   "'provider':'PROVIDER_TWILIO'," CREATED "}}");
    for (size_t i = 0; i < ARRAY_LEN(copies); i++)
        CHECK(suite_until(is_known, copies[i], PATIENCE_MS));
}

/* ---- telling ---- */

static char requests[OBSERVATIONS + 1][16 << 10]; /* of the n-th observation; JSON */

/* Every other one has its rows the other way round. */
static void request_write(const struct kind *kind, int n)
{
    char *out = requests[n];
    size_t size = sizeof requests[n];
    size_t len = (size_t)snprintf(out, size,
                                  "{'workspaceSid':'" WS "','observedAt':'" HOUR "%02d:00Z','%s':[",
                                  n, kind->list);
    for (int i = 1; i <= ROWS; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s", i == 1 ? "" : ",",
                                kind->of(n % 2 == 0 ? i : ROWS + 1 - i, n));
    len += (size_t)snprintf(out + len, size - len, "]}");
    REQUIRE(len < size);
    for (char *c = strchr(out, '\''); c != NULL; c = strchr(c, '\''))
        *c = '"';
}

/* `Back quotes` of a request's texts: JSON in JSON. */
static struct str request_text(struct arena *arena, int n)
{
    char *out = arena_alloc(arena, 2 * sizeof requests[n]);
    size_t len = 0;
    for (const char *c = requests[n]; out != NULL && *c != '\0'; c++) {
        if (*c == '`')
            out[len++] = '\\';
        out[len] = *c;
        if (*c == '`')
            out[len] = '"';
        len++;
    }
    return (struct str){out, len};
}

struct teller {
    const struct kind *kind;
    int first; /* tells this one, and every TELLERS-th; the later ones first when is_backward */
    bool is_backward;
    int failures;  /* out */
    int conflicts; /* out; so the next */
    int written;   /* rows CREATED or UPDATED */
    char detail[512];
    pthread_t thread;
};

static void tell(struct teller *teller, int n)
{
    static const struct pbjson_options options = {.flags = PBJSON_INT64_NUMBER};
    AUTO(arena_cleanup) struct arena *arena = arena_new(4 << 20);
    struct call call;
    struct err err = {.code = ERR_OK};
    ProtobufCMessage *request = NULL;
    Taskrouter__Common__V1__MirrorResults *results = NULL;
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(teller->kind->api, teller->kind->method);
    call_init(&call, arena, "teller", PATIENCE_MS * US_PER_MS);
    call.who = suite_service_id;
    enum err_code code =
        pbjson_decode(request_text(arena, n), method->input, &options, arena, &request, NULL, &err);
    if (code == ERR_OK)
        code = RPC_CALL(suite->clients[teller->kind->service], &call,
                        arena_printf(arena, "/%s/%s", teller->kind->api->name, method->name),
                        request, taskrouter__common__v1__mirror_results, &results, &err);
    if (code != ERR_OK) {
        (void)snprintf(teller->detail, sizeof teller->detail, "%s", err.detail);
        teller->failures++;
        return;
    }
    for (size_t i = 0; i < results->n_items; i++) {
        int outcome = (int)results->items[i]->outcome;
        teller->written +=
            outcome == TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CREATED ||
            outcome == TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UPDATED;
        if (outcome != TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CONFLICTING)
            continue;
        teller->conflicts++;
        (void)snprintf(teller->detail, sizeof teller->detail, "%s", results->items[i]->detail);
    }
}

static void *tell_all(void *ctx)
{
    struct teller *teller = ctx;
    for (int i = 0; i < OBSERVATIONS / TELLERS; i++) {
        int at = teller->is_backward ? OBSERVATIONS / TELLERS - 1 - i : i;
        tell(teller, teller->first + at * TELLERS);
    }
    return NULL;
}

/* "36" and "5 36" are both of the 36th. */
static int64_t observation_of(const json_t *row, const char *shown)
{
    const char *text = at(row, shown);
    const char *space = strrchr(text, ' ');
    return text[0] == '\0' ? at_i64(row, shown)
                           : strtoll(space == NULL ? text : space + 1, NULL, 10);
}

static void check_rows(const struct kind *kind, int64_t written)
{
    int64_t versions = 0;
    for (int i = 1; i <= ROWS; i++) {
        const json_t *row = suite_ok(&suite_viewer, kind->service, kind->get,
                                     "{'workspaceSid':'" WS "','sid':'%s%032d'}", kind->prefix, i);
        CHECK_I64(observation_of(row, kind->shown), OBSERVATIONS);
        versions += at_i64(row, "version");
    }
    CHECK_I64(versions, written); /* each that said it was written has made one */
}

static void race(const struct kind *kind)
{
    struct teller tellers[TELLERS];
    int64_t written = 0;
    for (int n = 1; n <= OBSERVATIONS; n++)
        request_write(kind, n);
    for (int i = 0; i < TELLERS; i++) {
        tellers[i] = (struct teller){.kind = kind, .first = i + 1, .is_backward = i % 2 == 0};
        int failed = pthread_create(&tellers[i].thread, NULL, tell_all, &tellers[i]);
        INVARIANT(failed == 0);
    }
    for (int i = 0; i < TELLERS; i++) {
        (void)pthread_join(tellers[i].thread, NULL);
        CHECK_I64(tellers[i].failures, 0);
        CHECK_I64(tellers[i].conflicts, 0);
        CHECK_TEXT(tellers[i].detail, "");
        written += tellers[i].written;
    }
    check_rows(kind, written);
}

static void test_queues(void)
{
    race(&kinds[0]);
}

static void test_activities(void)
{
    race(&kinds[1]);
}

static void test_workers(void)
{
    race(&kinds[2]);
}

static void test_workflows(void)
{
    race(&kinds[3]);
}

static void test_tasks(void)
{
    race(&kinds[4]);
}

static const struct test_case cases[] = {
    {"a workspace of Twilio's is known to all owners", adopt          },
    {"queues: the latest observation stays",           test_queues    },
    {"activities: the latest observation stays",       test_activities},
    {"workers: the latest observation stays",          test_workers   },
    {"workflows: the latest observation stays",        test_workflows },
    {"tasks: the latest observation stays",            test_tasks     },
};

int main(int argc, char **argv)
{
    return suite_main("mirror_races", SUITE_ALL | SUITE_BIT(SUITE_TASKS), cases, ARRAY_LEN(cases),
                      argc, argv);
}
