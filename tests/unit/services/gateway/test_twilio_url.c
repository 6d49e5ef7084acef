#include "twilio_url.h"

#include <stdlib.h>

#include "base/arena.h"
#include "http/http.h"
#include "testing.h"

static void ranges_are_read(void)
{
    static const struct {
        const char *list;
        const char *peer;
        bool is_trusted;
    } rows[] = {
        {NULL,                      "10.0.0.1",         false},
        {"",                        "10.0.0.1",         false},
        {"10.0.0.0/8",              "10.255.0.1",       true },
        {"10.0.0.0/8",              "11.0.0.1",         false},
        {"10.0.0.0/8, 192.168.1.7", "192.168.1.7",      true },
        {"192.168.1.7",             "192.168.1.8",      false},
        {"10.128.0.0/9",            "10.127.255.255",   false},
        {"10.128.0.0/9",            "10.128.0.0",       true },
        {"0.0.0.0/0",               "8.8.8.8",          true },
        {"0.0.0.0/0",               "::1",              false},
        {"::1",                     "::1",              true },
        {"fd00::/8",                "fd12::3",          true },
        {"127.0.0.0/8",             "::ffff:127.0.0.1", true },
        {"10.0.0.0/8",              "nonsense",         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct twilio_proxies *proxies = NULL;
        struct err err = {0};
        CHECK_I64(twilio_proxies_new(rows[i].list, &proxies, &err), ERR_OK);
        CHECK(twilio_proxies_trust(proxies, rows[i].peer) == rows[i].is_trusted);
        twilio_proxies_free(proxies);
    }
}

static void wrong_ranges_are_refused(void)
{
    static const char *const rows[] = {"10.0.0.0/33", "10.0.0", "::/129",   "10.0.0.0/-1",
                                       "10.0.0.0/8x", "a/8",    "10.0.0.0/"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct twilio_proxies *proxies = NULL;
        struct err err = {0};
        CHECK_I64(twilio_proxies_new(rows[i], &proxies, &err), ERR_INVALID_ARGUMENT);
    }
}

static void the_url_is_what_the_client_used(void)
{
    static const struct {
        const char *public_url;
        const char *peer;
        const char *headers; /* "name: value" with | between them */
        const char *want;
    } rows[] = {
        {NULL,                    "8.8.8.8",  "Host: h:8080",                                            "http://h:8080"    },
        {NULL,                    "8.8.8.8",  "Host: h|X-Forwarded-Proto: https|X-Forwarded-Host: x",    "http://h"         },
        {NULL,                    "8.8.8.8",  "Host: h/evil?",                                           "http://localhost" },
        {NULL,                    "8.8.8.8",  "",                                                        "http://localhost" },
        {NULL,                    "10.1.1.1", "Host: h",                                                 "http://h"         },
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Proto: https",                        "https://h"        },
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Proto: gopher",                       "http://h"         },
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Host: a, b",                          "http://b"         },
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Host: evil|x-forwarded-host: b",      "http://b"         },
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Host: <b>",                           "http://h"         },
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Proto: https|X-Forwarded-Port: 443",  "https://h"        },
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Proto: https|X-Forwarded-Port: 8443",
         "https://h:8443"                                                                                                   },
        {NULL,                    "10.1.1.1", "Host: h:1|X-Forwarded-Port: 8443",                        "http://h:1"       },
        {NULL,                    "10.1.1.1", "Host: [::1]|X-Forwarded-Port: 8443",                      "http://[::1]:8443"},
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Port: 99999",                         "http://h"         },
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Prefix: /a/b/",                       "http://h/a/b"     },
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Prefix: a",                           "http://h"         },
        {NULL,                    "10.1.1.1", "Host: h|X-Forwarded-Prefix: /a?b",                        "http://h"         },
        {"https://tr.example/x/", "10.1.1.1", "Host: h|X-Forwarded-Proto: http",
         "https://tr.example/x"                                                                                             },
    };
    struct twilio_proxies *proxies = NULL;
    struct err err = {0};
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    CHECK_I64(twilio_proxies_new("10.0.0.0/8", &proxies, &err), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_param items[4];
        struct http_request req = {
            .peer = rows[i].peer, .headers = {items, 0}
        };
        struct str rest = str_from(rows[i].headers);
        while (rest.len > 0) {
            struct str value = str_split(&rest, '|');
            struct str name = str_split(&value, ':');
            items[req.headers.count++] =
                (struct http_param){arena_str(arena, name), arena_str(arena, str_trim(value))};
        }
        CHECK_TEXT(twilio_root_url(proxies, rows[i].public_url, &req, arena), rows[i].want);
    }
    twilio_proxies_free(proxies);
}

static const struct test_case cases[] = {
    {"addresses are in ranges or not",          ranges_are_read                },
    {"the URL is the one that the client used", the_url_is_what_the_client_used},
    {"what is no range stops the start",        wrong_ranges_are_refused       },
};

int main(int argc, char **argv)
{
    return testing_main("twilio url", cases, ARRAY_LEN(cases), argc, argv);
}
