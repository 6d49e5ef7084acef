/* Calls to a line of a workspace that Twilio routes: its TaskRouter makes the task, we learn of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/call.h"
#include "base/clock.h"
#include "calling.h"
#include "mirrored.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/mirror.pb-c.h"

#define WORKSPACE "WS000000000000000000000000000000ab"
#define WITHIN    "X-Workspace-Sid: " WORKSPACE "\r\n"
#define WORKFLOW  "WW000000000000000000000000000000ab"
#define WORKER    "WK000000000000000000000000000000ab"
#define TASK      "WT000000000000000000000000000000ab"
#define NUMBER    "+15125550110"
#define BARE      "+15125550111" /* its line names no workflow, and there is none */

enum { PATIENCE_MS = 90000 };

static const char *const env[] = {CALLING_ENV, NULL};

/* As its event tells. */
static void task_put(const char *call_row)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct call call;
    struct err err = {0};
    struct rpc_client *tasks = program_client(PROGRAM_TASKS);
    Taskrouter__Tasks__V1__Task item;
    Taskrouter__Tasks__V1__Task *items[] = {&item};
    Taskrouter__Tasks__V1__ApplyRequest request;
    Taskrouter__Common__V1__MirrorResults *reply = NULL;
    call_init(&call, arena, "test", 10 * US_PER_S);
    taskrouter__tasks__v1__task__init(&item);
    taskrouter__tasks__v1__apply_request__init(&request);
    item.sid = wire_text(arena, TASK);
    item.account_sid = wire_text(arena, ACCOUNT);
    item.workspace_sid = wire_text(arena, WORKSPACE);
    item.attributes = arena_printf(arena, "{\"callId\":\"%s\"}", call_row);
    item.assignment_status = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_ASSIGNED;
    item.worker_sid = wire_text(arena, WORKER);
    item.date_created = wire_time(arena, clock_now_us());
    item.date_updated = wire_time(arena, clock_now_us());
    request.workspace_sid = wire_text(arena, WORKSPACE);
    request.tasks = items;
    request.n_tasks = 1;
    request.observed_at = wire_time(arena, clock_now_us());
    CHECK(RPC_CALL(tasks, &call, "/taskrouter.tasks.v1.Mirror/Apply", &request.base,
                   taskrouter__common__v1__mirror_results, &reply, &err) == ERR_OK);
    CHECK_TEXT(err.detail, "");
    rpc_client_free(tasks);
}

static void setup(void)
{
    static bool is_done;
    if (is_done)
        return;
    is_done = true;
    workspace_of_twilio(WORKSPACE);
    struct reply line = ask(BOOTSTRAP, "POST", "/lines", WITHIN,
                            "{'phoneNumber':'" NUMBER "','workflowSid':'" WORKFLOW
                            "','department':'<permits> & \\\"more\\\"','announcePosition':true}");
    CHECK_I64(line.status, 201);
    line = ask(BOOTSTRAP, "POST", "/lines", WITHIN, "{'phoneNumber':'" BARE "'}");
    CHECK_I64(line.status, 201);
}

static struct reply call_get(const char *call)
{
    return ask(BOOTSTRAP, "GET", text("/calls/%s", call), WITHIN, NULL);
}

struct wish {
    const char *call;
    const char *value;
};

static bool is_so(void *ctx)
{
    const struct wish *wish = ctx;
    return strcmp(at(call_get(wish->call).body, "status"), wish->value) == 0;
}

static long long task_count(void)
{
    char value[32] = "-1";
    CHECK(cluster_sql_value(cluster,
                            "select count(*) from tasks.task where workspace_sid = '" WORKSPACE "'",
                            value, sizeof value));
    return strtoll(value, NULL, 10);
}

static void test_enqueued(void)
{
    setup();
    const char *call = call_new();
    struct reply first = ring(call, NUMBER);
    const char *sid = at(call_get(call).body, "sid");
    CHECK(strstr(first.text,
                 "waitUrl=\"" PUBLIC "/api/webhooks/voice/wait\" workflowSid=\"" WORKFLOW
                 "\"><Task>{") != NULL);
    CHECK(strstr(first.text, text("&quot;callId&quot;:&quot;%s&quot;", sid)) != NULL);
    CHECK(strstr(first.text, "&quot;department&quot;:&quot;&lt;permits&gt; &amp; \\&quot;more"
                             "\\&quot;&quot;") != NULL);
    CHECK(strstr(first.text, "}</Task></Enqueue></Response>") != NULL);
    CHECK_TEXT(ring(call, NUMBER).text, text("%s", first.text));
    CHECK_I64(task_count(), 0); /* Twilio makes it */
    struct reply wait = tell("/voice/wait", call, NUMBER, "in-progress",
                             MORE("QueuePosition", "3", "AvgQueueTime", "100", "QueueTime", "0"));
    CHECK(strstr(wait.text, "number 3 in line. The estimated waiting time is 2 minutes.") != NULL);
}

static void test_nowhere(void)
{
    setup();
    struct reply reply = ring(call_new(), BARE);
    CHECK(strstr(reply.text, "<Record ") != NULL);
}

static void test_ends(void)
{
    setup();
    const char *call = call_new();
    (void)ring(call, NUMBER);
    task_put(at(call_get(call).body, "sid"));
    CHECK_I64(tell("/voice/status", call, NUMBER, "completed", NULL).status, 204);
    CHECK(until(is_so, &(struct wish){call, "completed"}, PATIENCE_MS));
    CHECK_TEXT(at(call_get(call).body, "workerSid"), WORKER);
    CHECK_TEXT(at(call_get(call).body, "taskSid"), TASK);
    const char *missed = call_new();
    (void)ring(missed, NUMBER);
    CHECK_I64(tell("/voice/status", missed, NUMBER, "completed", NULL).status, 204);
    CHECK(until(is_so, &(struct wish){missed, "missed"}, PATIENCE_MS));
}

static const struct test_case cases[] = {
    {"the call waits in Twilio's workflow, with its task in the answer", test_enqueued},
    {"without a workflow the caller is asked for a message",             test_nowhere },
    {"who had the task has answered; without one the call was missed",   test_ends    },
};

int main(int argc, char **argv)
{
    return fixture_all_main("gateway calls of Twilio", env, cases, ARRAY_LEN(cases), argc, argv);
}
