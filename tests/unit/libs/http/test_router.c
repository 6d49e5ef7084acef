#include "router_int.h"

#include <stdio.h>

#include "testing.h"

static struct arena *arena;

static enum err_code handler(void *ctx, struct http_request *req, struct http_response *res,
                             struct err *err)
{
    (void)ctx;
    (void)req;
    (void)res;
    (void)err;
    return ERR_OK;
}

#define ROW(method, pattern)                                                                       \
    {                                                                                              \
        HTTP_##method, pattern, handler, 0, 0, ROLE_NONE, 0                                        \
    }

static const struct http_route routes[] = {
    ROW(GET, "/"),
    ROW(GET, "/w/{ws}/tasks/{sid}"),
    ROW(POST, "/w/{ws}/tasks/{sid}"),
    ROW(GET, "/w/{ws}/tasks/stats"),
    ROW(POST, "/w/{ws}/tasks/batch"),
    ROW(GET, "/w/{ws}/tasks"),
    ROW(GET, "/w/{ws}/{kind}/{sid}"),
    ROW(HEAD, "/w"),
    ROW(GET, "/w"),
    ROW(GET, "/ui/{path...}"),
    ROW(GET, "/ui/index.html"),
};

static const struct http_route_set sets[] = {
    {.routes = routes, .count = ARRAY_LEN(routes), .prefix = "/w"},
};

/* "METHOD pattern name=value…", "405 methods" as a bit set, "404", or the reason of the error. */
static void describe(const struct router *router, enum http_method method, const char *path,
                     char *out, size_t size)
{
    struct router_match match;
    struct err err = {0};
    if (router_match(router, method, str_from(path), arena, &match, &err) != ERR_OK) {
        (void)snprintf(out, size, "%s", err.reason);
        return;
    }
    if (match.route == NULL) {
        (void)snprintf(out, size, match.allowed == 0 ? "404" : "405");
        return;
    }
    (void)snprintf(out, size, "%s %s", http_method_name(match.route->row->method),
                   match.route->row->pattern);
    for (size_t i = 0; i < match.params.count; i++) {
        size_t used = strlen(out);
        (void)snprintf(out + used, size - used, " %.*s=%s", STR_ARG(match.params.items[i].name),
                       match.params.items[i].value.ptr);
    }
}

static void the_most_specific_row_wins(void)
{
    static const struct {
        enum http_method method;
        const char *path;
        const char *want;
    } rows[] = {
        {HTTP_GET,    "/",                                                       "GET /"                                         },
        {HTTP_GET,    "/w/1/tasks/2",                                            "GET /w/{ws}/tasks/{sid} ws=1 sid=2"            },
        {HTTP_HEAD,   "/w/1/tasks/2",                                            "GET /w/{ws}/tasks/{sid} ws=1 sid=2"            },
        {HTTP_POST,   "/w/1/tasks/2",                                            "POST /w/{ws}/tasks/{sid} ws=1 sid=2"           },
        {HTTP_GET,    "/w/1/tasks/stats",                                        "GET /w/{ws}/tasks/stats ws=1"                  },
        {HTTP_POST,   "/w/1/tasks/stats",                                        "POST /w/{ws}/tasks/{sid} ws=1 sid=stats"       },
        {HTTP_GET,    "/w/1/tasks/batch",                                        "GET /w/{ws}/tasks/{sid} ws=1 sid=batch"        },
        {HTTP_GET,    "/w/1/other/2",                                            "GET /w/{ws}/{kind}/{sid} ws=1 kind=other sid=2"},
        {HTTP_DELETE, "/w/1/tasks/2",                                            "405"                                           },
        {HTTP_POST,   "/w/1/tasks",                                              "405"                                           },
        {HTTP_HEAD,   "/w",                                                      "HEAD /w"                                       },
        {HTTP_GET,    "/w",                                                      "GET /w"                                        },
        {HTTP_GET,    "/w/",                                                     "404"                                           },
        {HTTP_GET,    "/w/1",                                                    "404"                                           },
        {HTTP_GET,    "/w//tasks",                                               "404"                                           },
        {HTTP_GET,    "/w/1/tasks/2/3",                                          "404"                                           },
        {HTTP_GET,    "/W/1/tasks",                                              "404"                                           },
        {HTTP_GET,    "/%77/1/tasks",                                            "GET /w/{ws}/tasks ws=1"                        },
        {HTTP_GET,    "/w/a%2Fb/tasks",                                          "GET /w/{ws}/tasks ws=a/b"                      },
        {HTTP_GET,    "/w/a+b/tasks",                                            "GET /w/{ws}/tasks ws=a+b"                      },
        {HTTP_GET,    "/ui/a/b.css",                                             "GET /ui/{path...} path=a/b.css"                },
        {HTTP_GET,    "/ui/index.html",                                          "GET /ui/index.html"                            },
        {HTTP_GET,    "/ui/",                                                    "GET /ui/{path...} path="                       },
        {HTTP_GET,    "/ui",                                                     "404"                                           },
        {HTTP_GET,    "/ui/a%2fb",                                               "BAD_PATH"                                      },
        {HTTP_GET,    "/ui/%5c..%5cx",                                           "BAD_PATH"                                      },
        {HTTP_GET,    "/ui/../w",                                                "BAD_PATH"                                      },
        {HTTP_GET,    "/ui/%2e%2e/w",                                            "BAD_PATH"                                      },
        {HTTP_GET,    "/w/%0a/tasks",                                            "BAD_ENCODING"                                  },
        {HTTP_GET,    "/w/%c3/tasks",                                            "BAD_ENCODING"                                  },
        {HTTP_GET,    "",                                                        "BAD_PATH"                                      },
        {HTTP_GET,    "*",                                                       "BAD_PATH"                                      },
        {HTTP_GET,    "/ui/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6", "404"                                           },
    };
    struct router router;
    struct err err;
    REQUIRE(router_init(&router, sets, ARRAY_LEN(sets), &err) == ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        describe(&router, rows[i].method, rows[i].path, text, sizeof text);
        CHECK_TEXT(text, rows[i].want);
    }
    CHECK(router_set_for(&router, STR("/w/none")) == &sets[0]);
    CHECK(router_set_for(&router, STR("/x")) == NULL);
    router_fini(&router);
}

static void malformed_tables_are_refused(void)
{
    static const struct http_route rows[][2] = {
        {ROW(GET, "no-slash")},
        {ROW(GET, "/a/{b")},
        {ROW(GET, "/a/{}")},
        {ROW(GET, "/a//b")},
        {ROW(GET, "/a/{rest...}/b")},
        {ROW(GET, "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6")},
        {{HTTP_GET, "/a", NULL, 0, 0, ROLE_NONE, 0}},
        {ROW(METHOD_NONE, "/a")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_route_set set = {.routes = rows[i], .count = 1};
        struct router router;
        struct err err;
        CHECK_I64(router_init(&router, &set, 1, &err), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, "BAD_ROUTE");
    }
    static const struct http_route twice[] = {ROW(GET, "/a/{x}"), ROW(GET, "/a/{y}")};
    struct http_route_set set = {.routes = twice, .count = 2};
    struct router router;
    struct err err;
    CHECK_I64(router_init(&router, &set, 1, &err), ERR_INVALID_ARGUMENT);
}

static void json_strings_are_quoted(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"",                                     "\"\""                                    },
        {"a\"b\\c",                              "\"a\\\"b\\\\c\""                         },
        {"a\nb\x01\x7f",                         "\"a\\nb\\u0001\\u007f\""                 },
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"x\xffy\xc3",                           "\"x\xef\xbf\xbdy\xef\xbf\xbd\""          },
        {"\xed\xa0\x80",                         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        buf_init(&out, 0);
        http_json_quote(&out, str_from(rows[i].text));
        CHECK_TEXT(out.data, rows[i].want);
        buf_fini(&out);
    }
}

static void statuses_follow_code_and_reason(void)
{
    static const struct {
        enum err_code code;
        const char *reason;
        int want;
    } rows[] = {
        {ERR_NOT_FOUND,           "TASK_NOT_FOUND",    404},
        {ERR_INVALID_ARGUMENT,    "PAYLOAD_TOO_LARGE", 413},
        {ERR_RESOURCE_EXHAUSTED,  "QUOTA",             429},
        {ERR_UNAVAILABLE,         NULL,                503},
        {ERR_FAILED_PRECONDITION, "VERSION_MISMATCH",  400},
        {ERR_OUT_OF_RANGE,        "CURSOR_EXPIRED",    410},
        {ERR_UNAUTHENTICATED,     "",                  401},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {.code = rows[i].code, .reason = rows[i].reason};
        CHECK_I64(http_status_of(NULL, &err), rows[i].want);
    }
    static const struct http_param if_match = {
        {"if-match", 8},
        {"\"1\"",    3}
    };
    struct http_request req = {
        .headers = {&if_match, 1}
    };
    struct err err = {.code = ERR_FAILED_PRECONDITION, .reason = "VERSION_MISMATCH"};
    CHECK_I64(http_status_of(&req, &err), 412);
    CHECK(http_etag_matches(&req, "If-Match", "\"1\""));
    CHECK(!http_etag_matches(&req, "If-Match", "\"2\""));
    CHECK(!http_etag_matches(&req, "If-None-Match", "\"1\""));
}

static const struct test_case cases[] = {
    {"the most specific row wins",      the_most_specific_row_wins     },
    {"malformed tables are refused",    malformed_tables_are_refused   },
    {"JSON strings are quoted",         json_strings_are_quoted        },
    {"statuses follow code and reason", statuses_follow_code_and_reason},
};

int main(int argc, char **argv)
{
    arena = arena_new(1 << 20);
    int status = testing_main("http router", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
