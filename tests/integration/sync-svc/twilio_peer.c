/* The tests' Twilio: a whole suite in local mode behind its gateway, on a cluster of its own, as a
 * program of its own. Writes "127.0.0.1:port" to the file that its argument names, and serves until
 * it is ended. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../gateway/fixture.h"

static const char *address_file;

static void serve(void)
{
    char temporary[512];
    (void)snprintf(temporary, sizeof temporary, "%s.new", address_file);
    FILE *file = fopen(temporary, "w");
    REQUIRE(file != NULL);
    (void)fputs(program_http(PROGRAM_GATEWAY), file);
    (void)fclose(file);
    REQUIRE(rename(temporary, address_file) == 0); /* there, and whole */
    for (;;)
        (void)pause();
}

static const struct test_case cases[] = {
    {"serves as Twilio", serve},
};

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    address_file = argv[1];
    return fixture_all_main("twilio-peer", NULL, cases, ARRAY_LEN(cases), 1, argv);
}
