#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_fixture.h"
#include "testing.h"

#define HEAD  " HTTP/1.1\r\nHost: x\r\n"
#define CLOSE "Connection: close\r\n\r\n"

static struct http_server *server;

/* What is sent, and what the reply must and must not contain. */
struct exchange_case {
    const char *request;
    const char *wants[6];
    const char *refuses;
};

static void exchanges_run(const struct exchange_case *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf reply;
        talk(server, rows[i].request, &reply);
        bool is_good = rows[i].refuses == NULL || !contains(&reply, rows[i].refuses);
        for (size_t j = 0; j < ARRAY_LEN(rows[i].wants) && rows[i].wants[j] != NULL; j++)
            is_good = is_good && contains(&reply, rows[i].wants[j]);
        if (!is_good)
            (void)fprintf(stderr, "request:\n%.300s\nreply:\n%s\n", rows[i].request,
                          reply.data == NULL ? "" : reply.data);
        CHECK(is_good);
        buf_fini(&reply);
    }
}

static void routes_are_found(void)
{
    static const struct exchange_case rows[] = {
        {"GET /items?q=a%20b+c" HEAD CLOSE,
         {"HTTP/1.1 200", "\"route\":\"/items\"", "\"q\":\"a b c\"", "\"peer\":\"127.0.0.1\"",
          "Content-Type: application/json"},
         NULL                                                                                                          },
        {"GET /items/special" HEAD CLOSE,       {"HTTP/1.1 200", "\"route\":\"/items/special\""},    NULL              },
        {"GET /items/a%2Fb" HEAD CLOSE,         {"\"route\":\"/items/{sid}\"", "\"sid\":\"a/b\""},   NULL              },
        {"GET http://x/items/1" HEAD CLOSE,     {"\"sid\":\"1\""},                                   NULL              },
        {"HEAD /items/1" HEAD CLOSE,            {"HTTP/1.1 200", "Content-Length: "},                "\"route\""       },
        {"DELETE /items/1" HEAD CLOSE,          {"HTTP/1.1 204"},                                    "\r\nContent-Type"},
        {"PUT /items/1" HEAD CLOSE,
         {"HTTP/1.1 405", "Allow: GET, HEAD, DELETE, OPTIONS", "METHOD_NOT_ALLOWED"},
         NULL                                                                                                          },
        {"BREW /items" HEAD CLOSE,              {"HTTP/1.1 405", "Allow: GET, HEAD, POST, OPTIONS"}, NULL              },
        {"GET /nothing" HEAD CLOSE,
         {"HTTP/1.1 404", "application/problem+json", "\"status\":404", "\"requestId\":\"RQ"},
         NULL                                                                                                          },
        {"GET /items/" HEAD CLOSE,              {"HTTP/1.1 404"},                                    NULL              },
        {"GET /files/css/a.css" HEAD CLOSE,
         {"embedded", "Cache-Control: public, max-age=60", "nosniff"},
         "no-store"                                                                                                    },
        {"GET /files/..%2f..%2fetc" HEAD CLOSE, {"HTTP/1.1 400", "BAD_PATH"},                        NULL              },
        {"GET /files/../x" HEAD CLOSE,          {"HTTP/1.1 400", "BAD_PATH"},                        NULL              },
        {"GET /items/%zz" HEAD CLOSE,           {"HTTP/1.1 400", "BAD_ENCODING"},                    NULL              },
        {"GET /items/a%00b" HEAD CLOSE,         {"HTTP/1.1 400", "BAD_ENCODING"},                    NULL              },
        {"GET /items?q=%ff" HEAD CLOSE,         {"HTTP/1.1 400", "BAD_ENCODING"},                    NULL              },
        {"GET /v1/nothing" HEAD CLOSE,          {"HTTP/1.1 404", "\"code\":20404"},                  "problem"         },
        {"GET /v1/broken" HEAD CLOSE,           {"HTTP/1.1 500", "\"code\":20404"},                  "problem"         },
    };
    exchanges_run(rows, ARRAY_LEN(rows));
}

static void replies_carry_the_default_headers(void)
{
    static const struct exchange_case rows[] = {
        {"GET /items" HEAD "X-Request-Id: my-id.1\r\n"
         "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n" CLOSE,
         {"X-Request-Id: my-id.1\r\n", "Cache-Control: no-store\r\n",
          "X-Content-Type-Options: nosniff", "X-Echo: b\r\n", "\"trace\":\"00-0af7"},
         "Injected"    },
        {"GET /items" HEAD "X-Request-Id: bad id\r\ntraceparent: 00-zz\r\n" CLOSE,
         {"X-Request-Id: RQ", "\"trace\":\"\""},
         "bad id"      },
        {"OPTIONS /items" HEAD "Origin: https://ui.example\r\n"
         "Access-Control-Request-Method: POST\r\n" CLOSE,
         {"HTTP/1.1 204", "Access-Control-Allow-Origin: https://ui.example\r\n",
          "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS", "Vary: Origin"},
         NULL          },
        {"OPTIONS /items" HEAD "Origin: https://evil.example\r\n" CLOSE,
         {"HTTP/1.1 204", "Allow: GET, HEAD, POST, OPTIONS"},
         "Allow-Origin"},
        {"GET /items" HEAD "Origin: https://ui.example\r\n" CLOSE,
         {"Access-Control-Allow-Origin: https://ui.example\r\n"},
         NULL          },
    };
    exchanges_run(rows, ARRAY_LEN(rows));
}

static void errors_become_problem_documents(void)
{
    static const struct exchange_case rows[] = {
        {"GET /broken?kind=field" HEAD CLOSE,
         {"HTTP/1.1 400", "\"reason\":\"BAD_NAME\"", "\"field\":\"friendlyName\"",
          "say \\\"what\\\" to change", "\"title\":\"Bad Request\""},
         "ETag"                                                                                                  },
        {"GET /broken" HEAD CLOSE,
         {"HTTP/1.1 500", "\"reason\":\"INTERNAL\"", "\"requestId\":\"RQ"},
         "hunter2"                                                                                               },
        {"GET /broken?kind=silent" HEAD CLOSE,                        {"HTTP/1.1 500", "INTERNAL"},          NULL},
        {"GET /broken?kind=aborted" HEAD CLOSE,                       {"HTTP/1.1 409"},                      NULL},
        {"GET /broken?kind=aborted" HEAD "If-Match: \"1\"\r\n" CLOSE, {"HTTP/1.1 412"},                      NULL},
        {"GET /broken?kind=gone" HEAD CLOSE,                          {"HTTP/1.1 410", "CURSOR_EXPIRED"},    NULL},
        {"GET /broken?kind=arena" HEAD CLOSE,                         {"HTTP/1.1 413", "REQUEST_TOO_LARGE"}, NULL},
    };
    exchanges_run(rows, ARRAY_LEN(rows));
}

static void roles_are_checked_before_the_handler(void)
{
    static const struct exchange_case rows[] = {
        {"GET /agents" HEAD CLOSE,
         {"HTTP/1.1 401", "WWW-Authenticate: Bearer realm=\"taskrouter\""},
         "\"role\""                                                                                                },
        {"GET /agents" HEAD "Authorization: Bearer nonsense\r\n" CLOSE,
         {"HTTP/1.1 401", "BAD_TOKEN"},
         NULL                                                                                                      },
        {"GET /agents" HEAD "Authorization: bearer admin\r\n" CLOSE,
         {"HTTP/1.1 200", "\"role\":\"admin\""},
         NULL                                                                                                      },
        {"GET /admins" HEAD "Authorization: Bearer agent\r\n" CLOSE,
         {"HTTP/1.1 403", "PERMISSION_DENIED"},
         NULL                                                                                                      },
        {"GET /items" HEAD "Authorization: Bearer viewer\r\n" CLOSE,
         {"HTTP/1.1 200", "\"role\":\"viewer\""},
         NULL                                                                                                      },
        {"GET /items" HEAD CLOSE,                                       {"HTTP/1.1 200", "\"role\":\"none\""}, NULL},
    };
    exchanges_run(rows, ARRAY_LEN(rows));
}

static void bodies_are_taken_and_typed(void)
{
    static const struct exchange_case rows[] = {
        {"POST /items" HEAD
         "Content-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n" CLOSE "{}",
         {"HTTP/1.1 201", "\"body\":\"{}\""},
         NULL                                                                                                                },
        {"POST /items" HEAD "Content-Type: application/merge-patch+json\r\n"
         "Transfer-Encoding: chunked\r\n" CLOSE "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
         {"HTTP/1.1 201", "\"body\":\"{}\""},
         NULL                                                                                                                },
        {"POST /items" HEAD "Content-Length: 2\r\n" CLOSE "{}",
         {"HTTP/1.1 415", "application/json"},
         NULL                                                                                                                },
        {"POST /items" HEAD CLOSE,                                                                     {"HTTP/1.1 201"}, NULL},
        {"POST /form" HEAD "Content-Type: application/x-www-form-urlencoded\r\n"
         "Content-Length: 23\r\n" CLOSE "tag=a+b&x=1&tag=%C3%A9&",
         {"HTTP/1.1 200", "[a b][\xc3\xa9]"},
         NULL                                                                                                                },
        {"POST /form" HEAD "Content-Type: application/x-www-form-urlencoded\r\n"
         "Content-Length: 6\r\n" CLOSE "tag=%f",
         {"HTTP/1.1 400", "BAD_ENCODING"},
         NULL                                                                                                                },
        {"GET /items" HEAD "Content-Length: 2\r\n" CLOSE "{}",                                         {"HTTP/1.1 413"}, NULL},
    };
    exchanges_run(rows, ARRAY_LEN(rows));
}

static void ambiguous_or_malformed_requests_are_refused(void)
{
    static const struct exchange_case rows[] = {
        {"POST /big" HEAD "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         {"HTTP/1.1 400", "BAD_FRAMING", "Connection: close"},
         NULL                                                                                                                               },
        {"POST /big" HEAD "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
         {"HTTP/1.1 400"},
         "\"body\""                                                                                                                         },
        {"POST /big" HEAD "Transfer-Encoding: gzip\r\n\r\nabcd",                                   {"HTTP/1.1 501"},             "\"body\"" },
        {"POST /big" HEAD "Content-Length: 4, 4\r\n\r\nabcd",                                      {"HTTP/1.1 4"},               "\"body\"" },
        {"POST /big" HEAD "Content-Length: +4\r\n\r\nabcd",                                        {"HTTP/1.1 4"},               "\"body\"" },
        {"POST /big" HEAD "Content-Length : 4\r\n\r\nabcd",                                        {"HTTP/1.1 4"},               "\"body\"" },
        {"POST /big" HEAD "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
         {"HTTP/1.1 4"},
         "\"body\""                                                                                                                         },
        {"POST /big" HEAD "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
         {"HTTP/1.1 501"},
         "\"body\""                                                                                                                         },
        {"POST /big" HEAD "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n",
         {"HTTP/1.1 400"},
         "\"body\""                                                                                                                         },
        {"POST /big" HEAD "X: y\r\n Content-Length: 4\r\n\r\nabcd",
         {"HTTP/1.1"},
         "\"body\":\"abcd"                                                                                                                  },
        {"POST /big" HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
         {"HTTP/1.1 4"},
         "\"body\""                                                                                                                         },
        {"POST /big" HEAD "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n",
         {"HTTP/1.1 4"},
         "\"body\""                                                                                                                         },
        {"POST /big" HEAD "Content-Length: -1\r\n\r\nabcd",                                        {"HTTP/1.1 4"},               "\"body\"" },
        {"GET /items HTTP/1.1\r\n\r\n",                                                            {"HTTP/1.1 400"},             "\"route\""},
        {"GET /items HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",                                      {"HTTP/1.1 400"},             "\"route\""},
        {"GET /items HTTP/3.7\r\nHost: a\r\n\r\n",                                                 {"HTTP/1.1 505"},             "\"route\""},
        {"GET /items HTTP/1.0\r\n\r\n",                                                            {" 200 "},                    NULL       },
        {"GET items" HEAD CLOSE,                                                                   {"HTTP/1.1 400", "BAD_PATH"}, "\"route\""},
    };
    exchanges_run(rows, ARRAY_LEN(rows));
}

static void garbage_ends_the_connection(void)
{
    static const char *const rows[] = {
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01",
        ":::: ::: ::\r\n: :\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = dial(server);
        struct buf reply;
        buf_init(&reply, 0);
        send_text(fd, rows[i]);
        CHECK(receive_all(fd, &reply, 6000)); /* the head's time is 2 s here */
        CHECK(!contains(&reply, " 200 "));
        buf_fini(&reply);
        (void)close(fd);
    }
    struct buf reply;
    talk(server, "GET /items" HEAD CLOSE, &reply);
    CHECK(contains(&reply, "HTTP/1.1 200"));
    buf_fini(&reply);
}

static void pipelined_requests_are_answered_in_order(void)
{
    struct buf reply;
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < 20; i++)
        buf_printf(&text, "GET /items/n%d" HEAD "\r\n", i);
    buf_printf(&text, "POST /items" HEAD "Content-Type: application/json\r\n"
                      "Content-Length: 2\r\n\r\n{}");
    buf_text(&text, "GET /items/last" HEAD CLOSE);
    talk(server, text.data, &reply);
    CHECK_I64(occurrences(&reply, "HTTP/1.1 200"), 21);
    CHECK_I64(occurrences(&reply, "HTTP/1.1 201"), 1);
    CHECK(str_find(buf_str(&reply), STR("\"n7\"")) < str_find(buf_str(&reply), STR("\"n8\"")));
    CHECK(contains(&reply, "\"sid\":\"last\""));
    buf_fini(&reply);
    buf_fini(&text);
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *out)
{
    buf_append(out, bytes, size * count);
    return size * count;
}

/* A real client: keeps the connection, expects 100-continue for large bodies. */
static void curl_reuses_its_connection(void)
{
    CURL *curl = curl_easy_init();
    struct buf reply;
    char url[64];
    buf_init(&reply, 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/big", http_server_port(server));
    char *body = calloc(1, 1000001);
    memset(body, 'x', 1000000);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect: 100-continue");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    long connects = 0;
    long status = 0;
    for (int i = 0; i < 3; i++) {
        buf_clear(&reply);
        CHECK_I64(curl_easy_perform(curl), CURLE_OK);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        CHECK_I64(status, 201);
        CHECK(reply.len > 1000000);
        curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
        CHECK_I64(connects, i == 0 ? 1 : 0);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    buf_fini(&reply);
    free(body);
}

static void operators_endpoints_answer(void)
{
    static const struct exchange_case rows[] = {
        {"GET /healthz" HEAD CLOSE, {"HTTP/1.1 200", "alive"},                                      NULL},
        {"GET /readyz" HEAD CLOSE,
         {"HTTP/1.1 503", "{\"name\":\"database\",\"state\":\"ok\"}",
          "{\"name\":\"bus\",\"state\":\"failing\",\"detail\":\"no \\\"bus\\\"\"}"},
         NULL                                                                                           },
        {"GET /metrics" HEAD CLOSE,
         {"HTTP/1.1 200", "text/plain; version=0.0.4",
          "method=\"GET\",route=\"/items/{sid}\",class=\"2xx\"}",
          "route=\"unmatched\",class=\"4xx\"}", "taskrouter_http_request_duration_seconds_bucket"},
         NULL                                                                                           },
    };
    exchanges_run(rows, ARRAY_LEN(rows));
}

static const struct test_case cases[] = {
    {"routes are found",                            routes_are_found                           },
    {"replies carry the default headers",           replies_carry_the_default_headers          },
    {"errors become problem documents",             errors_become_problem_documents            },
    {"roles are checked before the handler",        roles_are_checked_before_the_handler       },
    {"bodies are taken and typed",                  bodies_are_taken_and_typed                 },
    {"ambiguous or malformed requests are refused", ambiguous_or_malformed_requests_are_refused},
    {"garbage ends the connection",                 garbage_ends_the_connection                },
    {"pipelined requests are answered in order",    pipelined_requests_are_answered_in_order   },
    {"curl reuses its connection",                  curl_reuses_its_connection                 },
    {"operators' endpoints answer",                 operators_endpoints_answer                 },
};

int main(int argc, char **argv)
{
    curl_global_init(CURL_GLOBAL_ALL);
    struct http_server_config config = {.body_timeout_ms = 2000, .idle_timeout_ms = 2000};
    server = fixture_open(&config);
    int status = testing_main("http requests", cases, ARRAY_LEN(cases), argc, argv);
    http_server_close(server);
    curl_global_cleanup();
    return status;
}
