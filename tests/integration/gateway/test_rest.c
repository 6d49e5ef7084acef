/* REST: what goes in, what comes out, what is refused, and what happens while others are down. */
#include <stdlib.h>

#include "fixture.h"

static const char *workspace;
static const char *within; /* header that names it */

static void in_workspace(void)
{
    if (workspace == NULL) {
        workspace = workspace_new();
        within = text("X-Workspace-Sid: %s\r\n", workspace);
    }
}

static void test_life(void)
{
    in_workspace();
    struct reply made = ask(BOOTSTRAP, "POST", "/queues", within,
                            "{'friendlyName':'Q','targetWorkers':'1==1','taskOrder':'lifo'}");
    CHECK_I64(made.status, 201);
    CHECK_TEXT(at(made.body, "taskOrder"), "LIFO");
    CHECK_I64(at_i64(made.body, "version"), 1);
    CHECK_TEXT(header_of(&made, "ETag"), "\"1\"");
    CHECK_TEXT(header_of(&made, "Cache-Control"), "no-store");
    const char *path = text("/queues/%s", at(made.body, "sid"));
    CHECK_TEXT(header_of(&made, "Location"), text("/api/taskrouter%s", path));

    struct reply got = ask(BOOTSTRAP, "GET", path, within, NULL);
    CHECK_TEXT(got.text, made.text);
    struct reply by_query =
        ask(BOOTSTRAP, "GET", text("%s?workspaceSid=%s", path, workspace), NULL, NULL);
    CHECK_TEXT(by_query.text, made.text);
    struct reply head = ask(BOOTSTRAP, "HEAD", path, within, NULL);
    CHECK_I64(head.status, 200);
    CHECK_TEXT(head.text, "");
    CHECK_I64(ask(BOOTSTRAP, "GET", path, text("%sIf-None-Match: \"1\"\r\n", within), NULL).status,
              304);

    struct reply changed = ask(BOOTSTRAP, "PATCH", path, text("%sIf-Match: W/\"1\"\r\n", within),
                               "{'maxReservedWorkers':3}");
    CHECK_I64(changed.status, 200);
    CHECK_I64(at_i64(changed.body, "maxReservedWorkers"), 3);
    CHECK_TEXT(at(changed.body, "taskOrder"), "LIFO");
    CHECK_TEXT(header_of(&changed, "ETag"), "\"2\"");
    struct reply stale = ask(BOOTSTRAP, "PATCH", path, text("%sIf-Match: \"1\"\r\n", within),
                             "{'maxReservedWorkers':4}");
    CHECK(is_problem(&stale, 412, "VERSION_MISMATCH", NULL));
    CHECK_I64(
        ask(BOOTSTRAP, "PATCH", path, text("%sIf-Match: *\r\n", within), "{'friendlyName':'Q2'}")
            .status,
        200);
    struct reply none =
        ask(BOOTSTRAP, "GET", "/queues/WQ00000000000000000000000000000000", within, NULL);
    CHECK(is_problem(&none, 404, "QUEUE_NOT_FOUND", "sid"));
}

static void test_delete(void)
{
    in_workspace();
    struct reply made = ask(BOOTSTRAP, "POST", "/activities", within, "{'friendlyName':'Gone'}");
    const char *path = text("/activities/%s", at(made.body, "sid"));
    struct reply stale =
        ask(BOOTSTRAP, "DELETE", path, text("%sIf-Match: \"2\"\r\n", within), NULL);
    CHECK(is_problem(&stale, 412, "VERSION_MISMATCH", NULL));
    CHECK_I64(ask(BOOTSTRAP, "DELETE", path, text("%sIf-Match: 1\r\n", within), NULL).status, 204);
    struct reply gone = ask(BOOTSTRAP, "GET", path, within, NULL);
    CHECK(is_problem(&gone, 404, "ACTIVITY_NOT_FOUND", at(gone.body, "field")));
}

/* The set-up guide's request, to the letter, with the account's only... named workspace. */
static void test_guide(void)
{
    in_workspace();
    struct reply activities = ask(BOOTSTRAP, "GET", "/activities", within, NULL);
    const char *activity = at(activities.body, "items.0.sid");
    struct reply made =
        ask(BOOTSTRAP, "POST", "/workers", within,
            text("{\n  'friendlyName': 'John Doe',\n  'attributes': {\n    'skills': ['permits', "
                 "'utilities'],\n    'department': 'permits'\n  },\n  'activitySid': '%s'\n}",
                 activity));
    CHECK_I64(made.status, 201);
    CHECK_TEXT(at(made.body, "attributes.skills.1"), "utilities");
    CHECK_TEXT(at(made.body, "activitySid"), activity);
    CHECK(json_object_get(made.body, "channels") == NULL);
    struct reply channel =
        ask(BOOTSTRAP, "PATCH", text("/workers/%s/channels/default", at(made.body, "sid")), within,
            "{'capacity':7}");
    if (channel.status == 200) /* the channel comes by event */
        CHECK_I64(at_i64(channel.body, "configuredCapacity"), 7);
}

static void test_bad_input(void)
{
    static const struct {
        const char *method;
        const char *path;
        const char *body;
        int status;
        const char *reason;
        const char *field;
    } rows[] = {
        {"POST",  "/queues",                               "{'friendlyName': 'X'",                         400, "JSON_INVALID",      NULL          },
        {"POST",  "/queues",                               "[]",                                           400, "JSON_INVALID",      NULL          },
        {"POST",  "/queues",                               "",                                             400, "BODY_REQUIRED",     NULL          },
        {"POST",  "/queues",                               "{'friendlyName':7}",                           400, "FIELD_TYPE",        "friendlyName"},
        {"POST",  "/queues",                               "{'friendlyName':'X','colour':1}",              400, "FIELD_UNKNOWN",     "colour"      },
        {"POST",  "/queues",                               "{'friendly_name':'X'}",                        400, "FIELD_UNKNOWN",     "friendlyName"},
        {"POST",  "/queues",                               "{'friendlyName':'X','sid':'WQ1'}",             400, "FIELD_UNKNOWN",     "sid"         },
        {"POST",  "/queues",                               "{'friendlyName':'X','workspaceSid':'WS1'}",    400, "FIELD_UNKNOWN",
         "workspaceSid"                                                                                                                            },
        {"POST",  "/queues",                               "{'friendlyName':'X','maxReservedWorkers':99}", 400, "OUT_OF_RANGE",
         "maxReservedWorkers"                                                                                                                      },
        {"POST",  "/queues",                               "{'friendlyName':'X','taskOrder':'RANDOM'}",    400, "FIELD_VALUE",
         "taskOrder"                                                                                                                               },
        {"GET",   "/queues/WK1",                           NULL,                                           400, "INVALID_SID",       "sid"         },
        {"GET",   "/queues?colour=red",                    NULL,                                           400, "PARAMETER_UNKNOWN", "colour"      },
        {"GET",   "/queues?pageSize=two",                  NULL,                                           400, "FIELD_TYPE",        "pageSize"    },
        {"GET",   "/queues?pageSize=1001",                 NULL,                                           400, "OUT_OF_RANGE",      "pageSize"    },
        {"GET",   "/queues?pageSize=0",                    NULL,                                           400, "OUT_OF_RANGE",      "pageSize"    },
        {"GET",   "/queues?cursor=AAAA",                   NULL,                                           400, "INVALID_CURSOR",    "cursor"      },
        {"GET",   "/queues?friendlyName=a&friendlyName=b", NULL,                                           400, "PARAMETER_TWICE",
         "friendlyName"                                                                                                                            },
        {"GET",   "/activities?available=x",               NULL,                                           400, "FIELD_TYPE",        "available"   },
        {"PATCH", "/workers/WK1",                          "{}",                                           400, "EMPTY_UPDATE",      NULL          },
    };
    in_workspace();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply = ask(BOOTSTRAP, rows[i].method, rows[i].path, within, rows[i].body);
        CHECK(is_problem(&reply, rows[i].status, rows[i].reason, rows[i].field));
    }
    struct reply reply = ask(BOOTSTRAP, "GET", "/queues", "X-Workspace-Sid: WK1\r\n", NULL);
    CHECK(is_problem(&reply, 400, "INVALID_SID", "X-Workspace-Sid"));
    reply = ask(BOOTSTRAP, "PATCH", "/queues/WQ00000000000000000000000000000000",
                text("%sIf-Match: what?\r\n", within), "{'friendlyName':'X'}");
    CHECK(is_problem(&reply, 400, "IF_MATCH_INVALID", "If-Match"));
    char *large = malloc(100001);
    REQUIRE(large != NULL);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    reply = ask(BOOTSTRAP, "POST", "/queues", within, large);
    CHECK(is_problem(&reply, 413, "PAYLOAD_TOO_LARGE", NULL));
    free(large);
}

static void test_default_workspace(void)
{
    in_workspace();
    (void)workspace_new(); /* now there are at least two */
    struct reply reply = ask(BOOTSTRAP, "GET", "/queues", NULL, NULL);
    CHECK(is_problem(&reply, 400, "WORKSPACE_REQUIRED", "workspaceSid"));
    CHECK(strstr(at(reply.body, "detail"), "X-Workspace-Sid") != NULL);
    reply = ask(BOOTSTRAP, "GET", text("/queues?workspaceSid=%s", workspace),
                text("X-Workspace-Sid: %s\r\n", workspace_new()), NULL);
    CHECK(is_problem(&reply, 400, "WORKSPACE_TWICE", "workspaceSid"));
}

static void test_repeat(void)
{
    in_workspace();
    const char *headers = text("%sIdempotency-Key: once\r\n", within);
    struct reply first =
        ask(BOOTSTRAP, "POST", "/activities", headers, "{'friendlyName':'Once','available':true}");
    struct reply again =
        ask(BOOTSTRAP, "POST", "/activities", headers, "{'friendlyName':'Once','available':true}");
    CHECK_I64(first.status, 201);
    CHECK_I64(again.status, 201);
    CHECK_TEXT(again.text, first.text);
    struct reply other = ask(BOOTSTRAP, "POST", "/activities", headers, "{'friendlyName':'Other'}");
    CHECK(is_problem(&other, 409, "IDEMPOTENCY_KEY_REUSED", at(other.body, "field")));
    other = ask(BOOTSTRAP, "POST", "/activities", text("%sIdempotency-Key: a\xc3\xa9\r\n", within),
                "{'friendlyName':'Other'}");
    CHECK_I64(other.status, 400);
}

static void test_pages(void)
{
    const char *header = text("X-Workspace-Sid: %s\r\n", workspace_new());
    for (int i = 0; i < 5; i++)
        CHECK_I64(
            ask(BOOTSTRAP, "POST", "/queues", header, text("{'friendlyName':'Q%d'}", i)).status,
            201);
    struct reply first = ask(BOOTSTRAP, "GET", "/queues?pageSize=3", header, NULL);
    CHECK_I64(at_i64(first.body, "items"), 3);
    const char *cursor = at(first.body, "nextCursor");
    struct reply second =
        ask(BOOTSTRAP, "GET", text("/queues?pageSize=3&cursor=%s", cursor), header, NULL);
    CHECK_I64(at_i64(second.body, "items"), 2);
    CHECK(json_is_null(json_object_get(second.body, "nextCursor")));
    struct reply one = ask(BOOTSTRAP, "GET", "/queues?friendlyName=Q3", header, NULL);
    CHECK_I64(at_i64(one.body, "items"), 1);
    struct reply none = ask(BOOTSTRAP, "GET", "/activities?available=true", header, NULL);
    CHECK_I64(none.status, 200);
}

static bool are_queues_back(void *ctx)
{
    (void)ctx;
    return ask(BOOTSTRAP, "GET", "/queues", within, NULL).status == 200;
}

static void test_service_away(void)
{
    in_workspace();
    program_kill(PROGRAM_QUEUES);
    for (int i = 0; i < 3; i++) {
        struct reply reply = ask(BOOTSTRAP, "GET", "/queues", within, NULL);
        CHECK_I64(reply.status, 503);
        CHECK(header_of(&reply, "Retry-After")[0] != '\0');
        CHECK(reply.took_ms < 2000);
    }
    CHECK_I64(ask(BOOTSTRAP, "GET", "/activities", within, NULL).status, 200);
    program_start(PROGRAM_QUEUES);
    CHECK(until(are_queues_back, NULL, 10000));
}

static void test_database_away(void)
{
    in_workspace();
    cluster_kill(cluster, CLUSTER_POSTGRES);
    for (int i = 0; i < 3; i++) {
        struct reply reply = ask(BOOTSTRAP, "GET", "/queues", within, NULL);
        CHECK_I64(reply.status, 503);
        CHECK(reply.took_ms < 2000);
        reply = ask(BOOTSTRAP, "POST", "/queues", within, "{'friendlyName':'X'}");
        CHECK_I64(reply.status, 503);
        reply = ask("tr_never-seen-before", "GET", "/queues", within, NULL);
        CHECK_I64(reply.status, 503);
    }
    cluster_restart(cluster, CLUSTER_POSTGRES);
    CHECK(until(are_queues_back, NULL, 20000));
}

static void test_bus_away(void)
{
    in_workspace();
    cluster_kill(cluster, CLUSTER_NATS);
    struct reply reply = ask(BOOTSTRAP, "GET", "/queues", within, NULL);
    CHECK_I64(reply.status, 200);
    cluster_restart(cluster, CLUSTER_NATS);
    CHECK(until(are_queues_back, NULL, 10000));
}

/* POST to queues-svc, which is connected and hangs. form: as the account, else body. */
static struct reply ask_hanging(const char *path, const char *headers, const char *body,
                                const char *form)
{
    CHECK_I64(ask(BOOTSTRAP, "GET", "/queues", within, NULL).status, 200);
    program_pause(PROGRAM_QUEUES, true);
    struct reply reply = form == NULL
                             ? ask(BOOTSTRAP, "POST", path, headers, body)
                             : ask_form(basic(ACCOUNT, SECRET), "POST", path, headers, form);
    program_pause(PROGRAM_QUEUES, false);
    return reply;
}

/* What may have to go to Twilio first is waited for longer than what is ours. */
static void test_times(void)
{
    enum { AT_LEAST_LONGER_MS = 3000 }; /* of 7000 */
    in_workspace();
    const char *other = workspace_new();
    program_env_set(PROGRAM_GATEWAY,
                    (const char *const[]){text("TWILIO_WORKSPACE_SID=%s", other), NULL});
    program_kill(PROGRAM_GATEWAY);
    program_start(PROGRAM_GATEWAY);
    struct reply ours = ask_hanging("/queues", within, "{'friendlyName':'Ours'}", NULL);
    struct reply theirs = ask_hanging("/queues", text("X-Workspace-Sid: %s\r\n", other),
                                      "{'friendlyName':'Theirs'}", NULL);
    struct reply dialect = ask_hanging(text("/v1/Workspaces/%s/TaskQueues", other), NULL, NULL,
                                       "FriendlyName=Dialect");
    CHECK_I64(ours.status, 504);
    CHECK_I64(theirs.status, 504);
    CHECK_I64(dialect.status, 504);
    CHECK(theirs.took_ms - ours.took_ms > AT_LEAST_LONGER_MS);
    CHECK(dialect.took_ms - ours.took_ms > AT_LEAST_LONGER_MS);
    program_env_set(PROGRAM_GATEWAY, NULL);
    program_kill(PROGRAM_GATEWAY);
    program_start(PROGRAM_GATEWAY);
}

/* sync-svc is not there in this test; the requests get as far as it. */
static void test_sync(void)
{
    in_workspace();
    struct reply reply = ask(BOOTSTRAP, "POST", "/sync/runs", NULL, "{'kinds':['queues']}");
    CHECK(is_problem(&reply, 503, at(reply.body, "reason"), NULL));
    reply = ask(BOOTSTRAP, "GET", "/sync/check", NULL, NULL);
    CHECK(is_problem(&reply, 503, at(reply.body, "reason"), NULL));
    reply = ask(BOOTSTRAP, "GET", "/sync/runs/SY00000000000000000000000000000000", within, NULL);
    CHECK(is_problem(&reply, 503, at(reply.body, "reason"), NULL));
    reply = ask(BOOTSTRAP, "POST", "/sync/runs", within, "{'kind':'queues'}");
    CHECK(is_problem(&reply, 400, "FIELD_UNKNOWN", "kind"));
    reply = ask(BOOTSTRAP, "GET", "/sync/runs", NULL, NULL); /* which of the workspaces? */
    CHECK(is_problem(&reply, 400, "WORKSPACE_REQUIRED", "workspaceSid"));
    const char *viewer = token_new("viewer", "");
    reply = ask(viewer, "POST", "/sync/runs", within, "{}");
    CHECK_I64(reply.status, 403);
    reply = ask(BOOTSTRAP, "GET", "/sync/writes?state=given_up", NULL, NULL);
    CHECK(is_problem(&reply, 503, at(reply.body, "reason"), NULL));
    reply = ask(BOOTSTRAP, "GET", "/sync/writes?state=lost", NULL, NULL);
    CHECK_I64(reply.status, 400);
    const char *supervisor = token_new("supervisor", "");
    static const char *const of_one[] = {"retry", "dismiss"};
    for (size_t i = 0; i < ARRAY_LEN(of_one); i++) {
        const char *path = text("/sync/writes/IN00000000000000000000000000000000/%s", of_one[i]);
        reply = ask(BOOTSTRAP, "POST", path, within, NULL);
        CHECK(is_problem(&reply, 503, at(reply.body, "reason"), NULL));
        CHECK_I64(ask(supervisor, "POST", path, within, NULL).status, 403);
    }
}

static void test_document(void)
{
    struct reply reply = ask(NULL, "GET", "//api/openapi.json", NULL, NULL);
    CHECK_I64(reply.status, 200);
    CHECK_TEXT(at(reply.body, "openapi"), "3.1.0");
    reply = ask(BOOTSTRAP, "GET", "//api/nothing", NULL, NULL);
    CHECK_I64(reply.status, 404);
    reply = ask(BOOTSTRAP, "PUT", "/queues", NULL, "{}");
    CHECK_I64(reply.status, 405);
}

static const struct test_case cases[] = {
    {"an item is made, read and changed, by version",             test_life             },
    {"an item is deleted by version",                             test_delete           },
    {"the guide's worker",                                        test_guide            },
    {"what is wrong is refused in the client's words",            test_bad_input        },
    {"the workspace is named where there are several",            test_default_workspace},
    {"a repeat by key changes nothing",                           test_repeat           },
    {"lists come in pages, filtered",                             test_pages            },
    {"a service that is away is 503 at once, then is back",       test_service_away     },
    {"without the database all is 503 at once, then is back",     test_database_away    },
    {"without the bus requests go on",                            test_bus_away         },
    {"a change where Twilio may route is waited for longer",      test_times            },
    {"the sync is asked, without a workspace where it knows one", test_sync             },
    {"the document is open; what it does not name is not there",  test_document         },
};

int main(int argc, char **argv)
{
    return fixture_main("gateway rest", cases, ARRAY_LEN(cases), argc, argv);
}
