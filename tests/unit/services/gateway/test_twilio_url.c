#include "twilio_url.h"

#include <stdlib.h>

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

static const struct test_case cases[] = {
    {"addresses are in ranges or not",   ranges_are_read         },
    {"what is no range stops the start", wrong_ranges_are_refused},
};

int main(int argc, char **argv)
{
    return testing_main("twilio url", cases, ARRAY_LEN(cases), argc, argv);
}
