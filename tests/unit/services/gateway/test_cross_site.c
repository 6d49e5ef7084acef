#include "cross_site.h"

#include <stdio.h>

#include "testing.h"

static const char *const allowed[] = {"https://console.example", "*", NULL};

static void another_sites_pages_are_told_apart(void)
{
    static const struct {
        const char *fetch_site;
        const char *origin;
        const char *public_url;
        bool is_foreign;
    } rows[] = {
        {"",            "",                            NULL,                       false}, /* a program */
        {"same-origin", "https://router.example",      NULL,                       false},
        {"none",        "",                            NULL,                       false}, /* typed in */
        {"cross-site",  "https://evil.example",        NULL,                       true },
        {"cross-site",  "",                            NULL,                       true },
        {"same-site",   "https://b.router.example",    NULL,                       true },
        {"whatever",    "",                            NULL,                       true },
        {"cross-site",  "https://console.example",     NULL,                       false},
        {"",            "https://console.example",     NULL,                       false},
        {"",            "HTTPS://Console.Example",     NULL,                       false},
        {"",            "https://router.example",      NULL,                       false},
        {"",            "https://evil.example",        NULL,                       true },
        {"",            "null",                        NULL,                       true },
        {"",            "https://router.example.evil", NULL,                       true },
        {"",            "https://tr.example",          "https://tr.example/inner", false},
        {"",            "https://tr.example:8443",     "https://tr.example/inner", true },
        {"",            "*",                           NULL,                       true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cross_site request = {
            .fetch_site = str_from(rows[i].fetch_site),
            .origin = str_from(rows[i].origin),
            .host = STR("router.example"),
            .public_url = rows[i].public_url,
            .origins = allowed,
        };
        if (!CHECK(cross_site_is_foreign(&request) == rows[i].is_foreign))
            (void)fprintf(stderr, "row %zu: %s %s\n", i, rows[i].fetch_site, rows[i].origin);
    }
}

static const struct test_case cases[] = {
    {"another site's pages are told apart", another_sites_pages_are_told_apart},
};

int main(int argc, char **argv)
{
    return testing_main("cross_site", cases, ARRAY_LEN(cases), argc, argv);
}
