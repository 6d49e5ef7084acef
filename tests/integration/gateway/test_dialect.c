/* Twilio's dialect: a program written for TaskRouter's REST API works its way through a workspace.
 */
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

/* ACCOUNT with a secret that is not its own */
#define BASIC_WRONG "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTp3cm9uZw=="

static void test_who(void)
{
    struct reply reply = ask_form(NULL, "GET", "/v1/Workspaces", NULL, NULL);
    CHECK(is_error(&reply, 401, 20003, "Authenticate"));
    CHECK_TEXT(header_of(&reply, "WWW-Authenticate"), "Basic realm=\"TaskRouter\"");
    reply = ask_form(BASIC_WRONG, "GET", "/v1/Workspaces", NULL, NULL);
    CHECK(is_error(&reply, 401, 20003, "Authenticate"));
    CHECK_I64(get("/v1/Workspaces").status, 200);
    reply = ask_form(token_new("viewer", ""), "POST", "/v1/Workspaces", NULL, "FriendlyName=X");
    CHECK(is_error(&reply, 403, 20403, "admin"));
}

static void test_workspace(void)
{
    in_workspace();
    struct reply got = get(home);
    CHECK_I64(got.status, 200);
    CHECK_TEXT(at(got.body, "sid"), workspace);
    CHECK_TEXT(at(got.body, "account_sid"), ACCOUNT);
    CHECK_TEXT(at(got.body, "friendly_name"), "Dialect");
    CHECK_TEXT(at(got.body, "default_activity_name"), "Offline");
    CHECK_TEXT(at(got.body, "timeout_activity_name"), "Offline");
    CHECK_TEXT(at(got.body, "prioritize_queue_order"), "FIFO");
    CHECK_I64(at_i64(got.body, "multi_task_enabled"), 1);
    CHECK_TEXT(at(got.body, "event_callback_url"), "");
    CHECK(json_object_get(got.body, "event_callback_url") != NULL);
    CHECK(is_null(got.body, "events_filter"));
    CHECK_I64((long long)strlen(at(got.body, "date_created")), 20);
    CHECK_TEXT(at(got.body, "url"), text("http://test%s", home));
    CHECK_TEXT(at(got.body, "links.task_channels"), text("http://test%s/TaskChannels", home));
    CHECK_I64((long long)json_object_size(json_object_get(got.body, "links")), 10);
    CHECK_I64((long long)json_object_size(got.body), 15);
    CHECK_TEXT(header_of(&got, "ETag"), "");
    CHECK(header_of(&got, "X-Rate-Limit-Limit")[0] != '\0');
    CHECK(header_of(&got, "X-Rate-Limit-Remaining")[0] != '\0');
    CHECK(header_of(&got, "X-Rate-Limit-Config")[0] != '\0');

    struct reply changed =
        post(home, "FriendlyName=Di%20alect&EventsFilter=task.created&PrioritizeQueueOrder=LIFO&"
                   "EventCallbackUrl=https%3A%2F%2Fexample.com%2Fe%3Fa%3D1");
    CHECK_I64(changed.status, 200);
    CHECK_TEXT(at(changed.body, "friendly_name"), "Di alect");
    CHECK_TEXT(at(changed.body, "events_filter"), "task.created");
    CHECK_TEXT(at(changed.body, "prioritize_queue_order"), "LIFO");
    CHECK_TEXT(at(changed.body, "event_callback_url"), "https://example.com/e?a=1");
    changed = post(home, "EventsFilter=task.created%2C%20task.exploded");
    CHECK(is_error(&changed, 400, 20001, "task.exploded"));
    CHECK(is_error(&changed, 400, 20001, "EventsFilter"));
    changed = post("/v1/Workspaces", "FriendlyName=Filtered&EventsFilter=exploded");
    CHECK(is_error(&changed, 400, 20001, "EventsFilter"));
    changed = post(home, "EventCallbackUrl=&EventsFilter=");
    CHECK_I64(changed.status, 200);
    CHECK_TEXT(at(changed.body, "event_callback_url"), "");
    CHECK(is_null(changed.body, "events_filter"));
    CHECK_TEXT(at(changed.body, "friendly_name"), "Di alect");
}

static void test_activities(void)
{
    in_workspace();
    const char *list = text("%s/Activities", home);
    struct reply born = get(list);
    CHECK_TEXT(at(born.body, "meta.key"), "activities");
    CHECK_I64(at_i64(born.body, "activities"), 3);
    struct reply made = post(list, "FriendlyName=Lunch&Available=yes");
    CHECK_I64(made.status, 201);
    CHECK_I64(at_i64(made.body, "available"), 1);
    CHECK_TEXT(at(made.body, "links.workspace"), text("http://test%s", home));
    const char *path = text("%s/%s", list, at(made.body, "sid"));
    CHECK_TEXT(at(made.body, "url"), text("http://test%s", path));

    struct reply idle = post(path, "Available=false");
    CHECK_I64(idle.status, 200);
    CHECK_TEXT(idle.text, get(path).text);
    CHECK_I64(post(path, NULL).status, 200);
    struct reply changed = post(path, "FriendlyName=Break&Unknown=1");
    CHECK_TEXT(at(changed.body, "friendly_name"), "Break");

    CHECK_I64(at_i64(get(text("%s?FriendlyName=Break", list)).body, "activities"), 1);
    CHECK_I64(at_i64(get(text("%s?Available=true", list)).body, "activities"), 2);
    CHECK_I64(at_i64(get(text("%s?Available=0", list)).body, "activities"), 2);
    struct reply taken = post(list, "FriendlyName=Break");
    CHECK(is_error(&taken, 400, 20001, "Break"));
    struct reply gone = drop(path);
    CHECK_I64(gone.status, 204);
    CHECK_TEXT(gone.text, "");
    struct reply none = get(path);
    CHECK(is_error(&none, 404, 20404,
                   text("The requested resource %s was not found", path + strlen("/v1"))));
}

static void test_worker(void)
{
    in_workspace();
    struct reply made = post(text("%s/Workers", home),
                             "FriendlyName=Alice&Attributes=%7B%22lang%22%3A%20%5B%22en%22%5D%7D");
    CHECK_I64(made.status, 201);
    CHECK_TEXT(at(made.body, "attributes"), "{\"lang\": [\"en\"]}");
    CHECK_TEXT(at(made.body, "activity_name"), "Offline");
    CHECK_I64(at_i64(made.body, "available"), 0);
    CHECK_TEXT(header_of(&made, "ETag"), "\"1\"");
    CHECK_I64((long long)json_object_size(made.body), 13);
    const char *path = text("%s/Workers/%s", home, at(made.body, "sid"));
    CHECK_TEXT(at(made.body, "links.worker_statistics"), text("http://test%s/Statistics", path));
    CHECK_TEXT(at(made.body, "links.worker_channels"), text("http://test%s/Channels", path));
    CHECK_TEXT(at(made.body, "links.statistics"), text("http://test%s/Workers/Statistics", home));

    static const char *const right[] = {"1", "\"2\"", "W/\"3\"", "*"};
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        struct reply changed = ask_form(BASIC, "POST", path, text("If-Match: %s\r\n", right[i]),
                                        text("Attributes=%%7B%%22n%%22%%3A%zu%%7D", i));
        CHECK_I64(changed.status, 200);
        CHECK_TEXT(header_of(&changed, "ETag"), text("\"%zu\"", i + 2));
    }
    static const char *const wrong[] = {"1", "0", "\"4\"", "five"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        const char *header = text("If-Match: %s\r\n", wrong[i]);
        struct reply stale = ask_form(BASIC, "POST", path, header, "FriendlyName=Bob");
        CHECK(is_error(&stale, 412, 20412, ""));
        stale = ask_form(BASIC, "POST", path, header, NULL);
        CHECK(is_error(&stale, 412, 20412, ""));
        stale = ask_form(BASIC, "DELETE", path, header, NULL);
        CHECK(is_error(&stale, 412, 20412, ""));
    }
    struct reply again = post(text("%s/Workers", home), "FriendlyName=alice");
    CHECK(is_error(&again, 400, 20001, "alice"));
    CHECK_I64(ask_form(BASIC, "DELETE", path, "If-Match: 5\r\n", NULL).status, 204);
    struct reply channels = get(text("%s/Channels", path));
    CHECK(is_error(&channels, 404, 20404, "/Channels was not found"));
}

static const char *page_path(const struct reply *page, const char *which)
{
    const char *url = at(page->body, text("meta.%s", which));
    CHECK(url[0] == '\0' || strncmp(url, "http://test/", 12) == 0);
    return url[0] == '\0' ? "" : url + strlen("http://test");
}

static void test_pages(void)
{
    in_workspace();
    struct reply fresh = post("/v1/Workspaces", "FriendlyName=Pages");
    const char *list = text("/v1/Workspaces/%s/Workers", at(fresh.body, "sid"));
    for (int i = 0; i < 7; i++)
        CHECK_I64(post(list, text("FriendlyName=W%d", i)).status, 201);
    struct reply first = get(text("%s?PageSize=3&Available=false&x=y", list));
    CHECK_I64(at_i64(first.body, "workers"), 3);
    CHECK_I64(at_i64(first.body, "meta.page"), 0);
    CHECK_I64(at_i64(first.body, "meta.page_size"), 3);
    CHECK_TEXT(at(first.body, "meta.first_page_url"),
               text("http://test%s?Available=false&PageSize=3&Page=0", list));
    CHECK_TEXT(at(first.body, "meta.url"), at(first.body, "meta.first_page_url"));
    CHECK(is_null(json_object_get(first.body, "meta"), "previous_page_url"));
    struct reply second = get(page_path(&first, "next_page_url"));
    CHECK_I64(second.status, 200);
    CHECK_I64(at_i64(second.body, "meta.page"), 1);
    CHECK(strcmp(at(second.body, "workers.0.sid"), at(first.body, "workers.0.sid")) != 0);
    struct reply third = get(page_path(&second, "next_page_url"));
    CHECK_I64(at_i64(third.body, "workers"), 1);
    CHECK(is_null(json_object_get(third.body, "meta"), "next_page_url"));
    struct reply back = get(page_path(&third, "previous_page_url"));
    CHECK_TEXT(at(back.body, "workers.0.sid"), at(second.body, "workers.0.sid"));
    CHECK_I64(at_i64(back.body, "meta.page"), 1);
    back = get(page_path(&back, "previous_page_url"));
    CHECK_TEXT(at(back.body, "workers.0.sid"), at(first.body, "workers.0.sid"));
    CHECK(is_null(json_object_get(back.body, "meta"), "previous_page_url"));

    CHECK_I64(at_i64(get(text("%s?PageSize=5000", list)).body, "meta.page_size"), 1000);
    CHECK_I64(at_i64(get(text("%s?PageSize=-1", list)).body, "meta.page_size"), 1);
    struct reply bad = get(text("%s?Page=1", list));
    CHECK(is_error(&bad, 400, 40153, "Page"));
    bad = get(text("%s?PageToken=PAAAAA", list));
    CHECK(is_error(&bad, 400, 20001, "PageToken"));
    bad = get(text("%s?PageSize=many", list));
    CHECK(is_error(&bad, 400, 20001, "PageSize"));
    /* a token belongs to its list */
    const char *token = strstr(page_path(&first, "next_page_url"), "PageToken=");
    bad = get(text("%s/Workers?%s", home, token == NULL ? "" : token));
    CHECK(is_error(&bad, 400, 20001, "PageToken"));
}

static void test_host(void)
{
    in_workspace();
    struct reply reply = ask_form(BASIC, "GET", home, "Host: router.example:8443\r\n", NULL);
    CHECK_TEXT(at(reply.body, "url"), text("http://router.example:8443%s", home));
    reply = ask_form(BASIC, "GET", home,
                     "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil, pub.example\r\n"
                     "X-Forwarded-Port: 8443\r\nX-Forwarded-Prefix: /tr/\r\n",
                     NULL);
    CHECK_TEXT(at(reply.body, "url"), text("https://pub.example:8443/tr%s", home));
    reply = ask_form(BASIC, "GET", home, "X-Forwarded-Host: a b\"c\r\n", NULL);
    CHECK_TEXT(at(reply.body, "url"), text("http://test%s", home));
}

static void test_http(void)
{
    in_workspace();
    struct reply reply = get("/v1/Nothing");
    CHECK(is_error(&reply, 404, 20404, "The requested resource /Nothing was not found"));
    CHECK(header_of(&reply, "X-Rate-Limit-Limit")[0] != '\0');
    reply = ask_form(BASIC, "PUT", home, NULL, NULL);
    CHECK(is_error(&reply, 405, 20004, "Method not allowed"));
    reply = ask(BASIC, "POST", text("/%s/Workers", home), NULL, "{'FriendlyName':'X'}");
    CHECK(is_error(&reply, 415, 20415, "application/x-www-form-urlencoded"));
    char *large = malloc(100001);
    REQUIRE(large != NULL);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    reply = post(text("%s/Workers", home), large);
    free(large);
    CHECK(is_error(&reply, 413, 20413, "larger"));
    reply = post(text("%s/Workers", home), "FriendlyName=%zz");
    CHECK(is_error(&reply, 400, 20001, "hexadecimal"));
    reply = ask_form(BASIC, "HEAD", home, NULL, NULL);
    CHECK_I64(reply.status, 200);
    CHECK_TEXT(reply.text, "");
    reply = ask_form(NULL, "OPTIONS", home, NULL, NULL);
    CHECK_I64(reply.status, 204);
    CHECK_TEXT(header_of(&reply, "Allow"), "GET, HEAD, POST, DELETE, OPTIONS");
    CHECK_TEXT(header_of(&reply, "Access-Control-Allow-Methods"),
               "GET, HEAD, POST, DELETE, OPTIONS");
    CHECK_TEXT(header_of(&reply, "Access-Control-Allow-Headers"),
               "Authorization, Content-Type, If-Match");
    CHECK_TEXT(header_of(&reply, "Access-Control-Allow-Origin"), "*");
    reply = ask_form(NULL, "OPTIONS", text("%s/Workers/Statistics", home), NULL, NULL);
    CHECK_TEXT(header_of(&reply, "Allow"), "GET, HEAD, OPTIONS");
    reply = ask_form(BASIC, "GET", home, "Origin: https://a.example\r\n", NULL);
    CHECK_TEXT(header_of(&reply, "Access-Control-Allow-Origin"), "*");
    CHECK(strstr(header_of(&reply, "Access-Control-Expose-Headers"), "ETag") != NULL);
    reply = ask_form(NULL, "GET", home, "Origin: https://a.example\r\n", NULL);
    CHECK_TEXT(header_of(&reply, "Access-Control-Allow-Origin"), "*");
    reply = get(text("%s/", home));
    CHECK(is_error(&reply, 404, 20404, "was not found"));
}

static void test_bad_input(void)
{
    static const struct {
        const char *method;
        const char *path; /* below the workspace */
        const char *form;
        int status;
        int code;
        const char *message;
    } rows[] = {
        {"POST",   "/Workers",                                       "",                                                              400, 20001, "Missing required parameter FriendlyName"},
        {"POST",   "/Workers",                                       "FriendlyName=",                                                 400, 20001, "FriendlyName"                           },
        {"POST",   "/Workers",                                       "FriendlyName=X&ActivitySid=WK1",                                400, 20001, "ActivitySid"                            },
        {"POST",   "/Workers",                                       "FriendlyName=X&ActivitySid=WA00000000000000000000000000000000", 400,
         20001,                                                                                                                                   "ActivitySid"                            },
        {"POST",   "/Workers",                                       "FriendlyName=X&Attributes=%5B%5D",                              400, 20001, "Attributes"                             },
        {"POST",   "/Workers",                                       "FriendlyName=X&Attributes=%7B",                                 400, 20001, "Attributes"                             },
        {"POST",   "/TaskQueues",                                    "FriendlyName=Q&MaxReservedWorkers=two",                         400, 20001,
         "MaxReservedWorkers"                                                                                                                                                              },
        {"POST",   "/TaskQueues",                                    "FriendlyName=Q&MaxReservedWorkers=51",                          400, 20001,
         "MaxReservedWorkers"                                                                                                                                                              },
        {"POST",   "/TaskQueues",                                    "FriendlyName=Q&TaskOrder=RANDOM",                               400, 20001, "TaskOrder"                              },
        {"POST",   "/TaskQueues",                                    "FriendlyName=Q&TargetWorkers=a%3D%3D",                          400, 20001,
         "TargetWorkers"                                                                                                                                                                   },
        {"POST",   "/TaskChannels",                                  "FriendlyName=C",                                                400, 20001, "UniqueName"                             },
        {"POST",   "/TaskChannels",                                  "FriendlyName=C&UniqueName=no-hyphens",                          400, 20001, "UniqueName"                             },
        {"GET",    "/Workers?ActivitySid=WA1",                       NULL,                                                            400, 20001, "ActivitySid"                            },
        {"GET",    "/Workers?TargetWorkersExpression=%28",           NULL,                                                            400, 20001,
         "TargetWorkersExpression"                                                                                                                                                         },
        {"GET",    "/Workers/WK1",                                   NULL,                                                            404, 20404, "/Workers/WK1 was not found"             },
        {"GET",    "/Activities/WK00000000000000000000000000000000", NULL,                                                            404, 20404, "not found"                              },
        {"GET",    "/Activities/WA00000000000000000000000000000000", NULL,                                                            404, 20404, "not found"                              },
        {"GET",    "/TaskChannels/nothing",                          NULL,                                                            404, 20404, "/TaskChannels/nothing was not found"    },
        {"DELETE", "/TaskQueues/WQ00000000000000000000000000000000", NULL,                                                            404, 20404, "not found"                              },
    };
    in_workspace();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply =
            ask_form(BASIC, rows[i].method, text("%s%s", home, rows[i].path), NULL, rows[i].form);
        CHECK(is_error(&reply, rows[i].status, rows[i].code, rows[i].message));
    }
    struct reply reply = get("/v1/Workspaces/WS00000000000000000000000000000000/Activities");
    CHECK(is_error(&reply, 404, 20404, "was not found"));
    char name[66];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    reply = post(text("%s/Workers", home), text("FriendlyName=%s", name));
    CHECK(is_error(&reply, 400, 20001, "FriendlyName"));
}

static void test_queues(void)
{
    in_workspace();
    const char *list = text("%s/TaskQueues", home);
    struct reply made = post(list, "FriendlyName=Everyone&TargetWorkers=&MaxReservedWorkers=5&"
                                   "TaskOrder=LIFO");
    CHECK_I64(made.status, 201);
    CHECK_TEXT(at(made.body, "target_workers"), "");
    CHECK_TEXT(at(made.body, "task_order"), "LIFO");
    CHECK_I64(at_i64(made.body, "max_reserved_workers"), 5);
    CHECK(is_null(made.body, "reservation_activity_sid"));
    CHECK(is_null(made.body, "assignment_activity_name"));
    CHECK_I64((long long)json_object_size(made.body), 15);
    CHECK_I64((long long)json_object_size(json_object_get(made.body, "links")), 8);
    const char *path = text("%s/%s", list, at(made.body, "sid"));
    struct reply changed = post(path, "TargetWorkers=1%3D%3D1");
    CHECK_TEXT(at(changed.body, "target_workers"), "1==1");
    CHECK_I64(at_i64(changed.body, "max_reserved_workers"), 5);
    CHECK_TEXT(at(post(list, "FriendlyName=Default").body, "target_workers"), "1==1");
    struct reply found = get(text("%s?FriendlyName=Everyone", list));
    CHECK_I64(at_i64(found.body, "task_queues"), 1);
    CHECK_TEXT(at(found.body, "meta.key"), "task_queues");
    CHECK_I64(drop(path).status, 204);

    struct reply channel = post(text("%s/TaskChannels", home),
                                "FriendlyName=Fax&UniqueName=fax&ChannelOptimizedRouting=1");
    CHECK_I64(channel.status, 201);
    CHECK_I64(at_i64(channel.body, "channel_optimized_routing"), 1);
    CHECK_TEXT(get(text("%s/TaskChannels/fax", home)).text, channel.text);
    changed = post(text("%s/TaskChannels/fax", home), "ChannelOptimizedRouting=false");
    CHECK_I64(changed.status, 200);
    CHECK_I64(at_i64(changed.body, "channel_optimized_routing"), 0);
    CHECK_I64(at_i64(get(text("%s/TaskChannels", home)).body, "channels"), 6);
    CHECK_I64(drop(text("%s/TaskChannels/fax", home)).status, 204);
}

static const struct test_case cases[] = {
    {"who has no right gets Twilio's words",                        test_who       },
    {"a workspace shows all its members, and clears what is empty", test_workspace },
    {"activities are made, renamed, found and deleted",             test_activities},
    {"a worker is changed by version",                              test_worker    },
    {"queues and channels",                                         test_queues    },
    {"pages lead forwards and back, and nowhere else",              test_pages     },
    {"URLs name the host that was called",                          test_host      },
    {"what HTTP itself refuses has Twilio's body",                  test_http      },
    {"bad parameters are refused by name",                          test_bad_input },
};

int main(int argc, char **argv)
{
    static const char *const env[] = {"TASKROUTER_TRUSTED_PROXIES=10.0.0.0/8, 127.0.0.0/8", NULL};
    return fixture_all_main("gateway dialect", env, cases, ARRAY_LEN(cases), argc, argv);
}
