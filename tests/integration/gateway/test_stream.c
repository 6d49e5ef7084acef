/* Event streams: order, filters, resuming from memory and from the bus, beginning anew. */
#include "fixture.h"

enum { WAIT_MS = 10000 };

#define CREATED "activity.created"

static const char *activity(const char *workspace, const char *name)
{
    struct reply made =
        ask(BOOTSTRAP, "POST", "/activities", text("X-Workspace-Sid: %s\r\n", workspace),
            text("{'friendlyName':'%s','available':false}", name));
    CHECK_I64(made.status, 201);
    return at(made.body, "sid");
}

/* The stream was opened and has told where it is. */
static bool is_open(struct sse *sse, const char *workspace, const char *more)
{
    return sse_open(sse, BOOTSTRAP, text("?workspaceSid=%s%s", workspace, more), NULL);
}

/* Each sid's event was received, once, in this order. */
static bool has_in_order(const struct sse *sse, const char *const *sids, size_t count)
{
    struct str rest = buf_str(&sse->in);
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t found = str_find(rest, str_from(text("\"subject\":\"%s\"", sids[i])));
        if (found < 0 || sse_count_about(sse, sids[i]) != 1)
            return false;
        rest = (struct str){rest.ptr + found + 1, rest.len - (size_t)found - 1};
    }
    return true;
}

static void test_order(void)
{
    const char *workspace = workspace_new();
    const char *other = workspace_new();
    const char *sids[10];
    struct sse sse;
    struct sse filtered;
    CHECK(is_open(&sse, workspace, ""));
    CHECK(is_open(&filtered, workspace, "&types=worker.*,activity.updated"));
    CHECK(sse_has(&sse, "Content-Type: text/event-stream"));
    (void)activity(other, "elsewhere");
    for (size_t i = 0; i < ARRAY_LEN(sids); i++)
        sids[i] = activity(workspace, text("A%zu", i));
    CHECK(sse_await_about(&sse, sids[ARRAY_LEN(sids) - 1], WAIT_MS));
    CHECK(has_in_order(&sse, sids, ARRAY_LEN(sids)));
    CHECK(!sse_has(&sse, other));
    CHECK_I64(sse_count(&filtered, CREATED), 0);
    struct reply worker = ask(BOOTSTRAP, "POST", "/workers",
                              text("X-Workspace-Sid: %s\r\n", workspace), "{'friendlyName':'W'}");
    CHECK_I64(worker.status, 201);
    CHECK(sse_await(&filtered, "worker.created", 1, WAIT_MS));
    CHECK_I64(sse_count(&filtered, CREATED), 0);
    sse_close(&sse);
    sse_close(&filtered);
}

/* A stream that resumes behind an event gets what came since, once and in order, and then goes on.
 */
static void resume(const char *workspace, const char *headers, const char *before,
                   const char *const *sids, size_t count)
{
    static int made;
    struct sse sse;
    CHECK(sse_open(&sse, BOOTSTRAP, text("?workspaceSid=%s", workspace), headers));
    CHECK(sse_await_about(&sse, sids[count - 1], WAIT_MS));
    const char *live = activity(workspace, text("live %d", ++made));
    CHECK(sse_await_about(&sse, live, WAIT_MS));
    CHECK(has_in_order(&sse, sids, count));
    CHECK_I64(sse_count_about(&sse, live), 1);
    CHECK_I64(sse_count_about(&sse, before), 0);
    CHECK_I64(sse_count(&sse, "resync"), 0);
    sse_close(&sse);
}

static bool can_open(void *ctx)
{
    struct sse sse;
    bool is_answered = sse_open(&sse, BOOTSTRAP, ctx, NULL);
    sse_close(&sse);
    return is_answered;
}

static void test_resume(void)
{
    const char *workspace = workspace_new();
    const char *sids[5];
    struct sse sse;
    CHECK(is_open(&sse, workspace, ""));
    const char *first = activity(workspace, "first");
    CHECK(sse_await_about(&sse, first, WAIT_MS));
    const char *headers = text("Last-Event-ID: %s\r\n", sse_id_about(&sse, first));
    for (size_t i = 0; i < ARRAY_LEN(sids); i++)
        sids[i] = activity(workspace, text("A%zu", i));
    CHECK(sse_await_about(&sse, sids[ARRAY_LEN(sids) - 1], WAIT_MS));
    sse_close(&sse);
    resume(workspace, headers, first, sids, ARRAY_LEN(sids)); /* from memory */

    program_kill(PROGRAM_GATEWAY);
    program_start(PROGRAM_GATEWAY);
    char query[2] = "";
    CHECK(until(can_open, query, WAIT_MS));
    resume(workspace, headers, first, sids, ARRAY_LEN(sids)); /* from the bus */
}

static void test_resync(void)
{
    const char *workspace = workspace_new();
    struct sse sse;
    CHECK(is_open(&sse, workspace, "&lastEventId=99999999"));
    CHECK(sse_await(&sse, "resync", 1, WAIT_MS));
    CHECK(sse_await_about(&sse, activity(workspace, "behind"), WAIT_MS));
    sse_close(&sse);
}

static void test_refused(void)
{
    static const struct {
        const char *query;
        const char *headers;
        const char *text;
    } rows[] = {
        {"?colour=red",                                      NULL,                    "PARAMETER_UNKNOWN"    },
        {"?types=Task.Created",                              NULL,                    "TYPES_INVALID"        },
        {"?types=*.created",                                 NULL,                    "TYPES_INVALID"        },
        {"?lastEventId=x",                                   NULL,                    "LAST_EVENT_ID_INVALID"},
        {"",                                                 "Last-Event-ID: -1\r\n", "LAST_EVENT_ID_INVALID"},
        {"?workspaceSid=WK1",                                NULL,                    "INVALID_SID"          },
        {"?workspaceSid=WS00000000000000000000000000000000", NULL,                    "WORKSPACE_NOT_FOUND"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply =
            ask(BOOTSTRAP, "GET", text("/stream%s", rows[i].query), rows[i].headers, NULL);
        CHECK_TEXT(at(reply.body, "reason"), rows[i].text);
    }
    struct reply reply = ask(NULL, "GET", "/stream", NULL, NULL);
    CHECK(is_problem(&reply, 401, "UNAUTHENTICATED", NULL));
}

static void test_agent(void)
{
    const char *workspace = workspace_new();
    const char *header = text("X-Workspace-Sid: %s\r\n", workspace);
    struct reply own = ask(BOOTSTRAP, "POST", "/workers", header, "{'friendlyName':'Ann'}");
    struct reply other = ask(BOOTSTRAP, "POST", "/workers", header, "{'friendlyName':'Bob'}");
    const char *secret = token_new("agent", text(",'workerSid':'%s'", at(own.body, "sid")));
    struct sse sse;
    CHECK(sse_open(&sse, secret, "", NULL));
    CHECK_I64(ask(BOOTSTRAP, "PATCH", text("/workers/%s", at(other.body, "sid")), header,
                  "{'attributes':{'a':1}}")
                  .status,
              200);
    CHECK_I64(ask(BOOTSTRAP, "PATCH", text("/workers/%s", at(own.body, "sid")), header,
                  "{'attributes':{'a':1}}")
                  .status,
              200);
    CHECK(sse_await(&sse, "worker.attributes.update", 1, WAIT_MS));
    CHECK(sse_has(&sse, at(own.body, "sid")));
    CHECK(!sse_has(&sse, at(other.body, "sid")));
    sse_close(&sse);
}

static bool is_ended(void *ctx)
{
    return !sse_await(ctx, "nothing", 1, 100) && sse_has(ctx, "\r\n0\r\n\r\n");
}

static void test_revoked(void)
{
    struct reply made =
        ask(BOOTSTRAP, "POST", "/tokens", NULL, "{'friendlyName':'of a stream','role':'viewer'}");
    struct sse sse;
    CHECK(sse_open(&sse, at(made.body, "secret"), "", NULL));
    CHECK_I64(
        ask(BOOTSTRAP, "DELETE", text("/tokens/%s", at(made.body, "token.sid")), NULL, NULL).status,
        204);
    CHECK(until(is_ended, &sse, WAIT_MS));
    sse_close(&sse);
}

static void test_expired(void)
{
    struct sse sse;
    CHECK(sse_open(&sse, token_new("viewer", ",'ttlS':1"), "", NULL));
    CHECK(until(is_ended, &sse, WAIT_MS));
    sse_close(&sse);
}

static void test_bus_back(void)
{
    const char *workspace = workspace_new();
    struct sse sse;
    CHECK(is_open(&sse, workspace, ""));
    cluster_kill(cluster, CLUSTER_NATS);
    const char *sid = activity(workspace, "while the bus is away");
    cluster_restart(cluster, CLUSTER_NATS);
    CHECK(sse_await_about(&sse, sid, 2 * WAIT_MS));
    CHECK(has_in_order(&sse, &sid, 1));
    sse_close(&sse);
}

static const struct test_case cases[] = {
    {"events come in order, of the workspace and types wanted",   test_order   },
    {"a stream resumes from memory and from the bus",             test_resume  },
    {"a resume point that is not there begins anew, and says so", test_resync  },
    {"a stream that makes no sense is refused",                   test_refused },
    {"an agent sees its own worker's events",                     test_agent   },
    {"a stream ends with its token",                              test_revoked },
    {"a stream ends when its token expires",                      test_expired },
    {"a stream outlives the bus",                                 test_bus_back},
};

int main(int argc, char **argv)
{
    return fixture_main("gateway stream", cases, ARRAY_LEN(cases), argc, argv);
}
