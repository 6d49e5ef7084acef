/* Command lines, and how progress reads. */
#include <stdio.h>

#include "cli.h"
#include "jx/jx.h"
#include "progress.h"
#include "testing.h"

static const struct cli_command *command_of(const char *name)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        if (strcmp(cli_commands[i].name, name) == 0)
            return &cli_commands[i];
    }
    return NULL;
}

/* Words separated by blanks. */
static bool are_read(const char *command, const char *line, struct cli_words *out)
{
    static const struct cli_words zero = {{false}, {NULL}, {NULL}, 0};
    static char text[256];
    char *words[16];
    int count = 0;
    char *rest = text;
    *out = zero;
    (void)snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(rest, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    return cli_words_read(command_of(command), count, words, out);
}

static void command_lines_are_read(void)
{
    struct cli_words given;
    CHECK(are_read("plan", "file.yaml --workspace X --json", &given));
    CHECK_TEXT(given.words[0], "file.yaml");
    CHECK_TEXT(given.values[OPT_WORKSPACE], "X");
    CHECK(given.has[OPT_JSON] && !given.has[OPT_DELETE]);
    CHECK(are_read("plan", "--workspace=a=b -- --odd", &given));
    CHECK_TEXT(given.values[OPT_WORKSPACE], "a=b");
    CHECK_TEXT(given.words[0], "--odd");
    CHECK(are_read("plan", "-", &given));
    CHECK(are_read("plan", "--help", &given)); /* needs nothing more */
    CHECK(are_read("sync", "--activities --queues --workflows --workers", &given));
    CHECK(!are_read("plan", "", &given));
    CHECK(!are_read("plan", "a b", &given));
    CHECK(!are_read("plan", "a --yes", &given));
    CHECK(!are_read("plan", "a --json --json", &given));
    CHECK(!are_read("plan", "a --json=yes", &given));
    CHECK(!are_read("plan", "a --workspace", &given));
    CHECK(!are_read("plan", "a --workspace=", &given));
    CHECK(!are_read("plan", "a -x", &given));
    CHECK(!are_read("plan", "a --", &given) || given.count == 1);
}

static void help_is_there_for_every_command(void)
{
    FILE *nowhere = fopen("/dev/null", "we");
    REQUIRE(nowhere != NULL);
    cli_help(nowhere, NULL);
    for (size_t i = 0; i < cli_command_count; i++) {
        CHECK(cli_commands[i].summary[0] != '\0' && cli_commands[i].more[0] != '\0');
        CHECK(cli_commands[i].run != NULL);
        CHECK((cli_commands[i].max_words > 0) == (cli_commands[i].words[0] != '\0'));
        cli_help(nowhere, &cli_commands[i]);
    }
    (void)fclose(nowhere);
}

static void progress_says_what_is_known(void)
{
    static const struct {
        const char *kind;
        const char *words;
    } rows[] = {
        {"{\"seen\":0}",                                                            "0"             },
        {"{\"seen\":1200,\"total\":2000}",                                          "1200 of 2000"  },
        {"{\"seen\":1200,\"total\":2000,\"dateStarted\":\"2026-01-01T00:00:00Z\"}",
         "1200 of 2000, 400/s, 2 s left"                                                            },
        {"{\"seen\":6,\"dateStarted\":\"2026-01-01T00:00:00Z\"}",                   "6, 2.0/s"      },
        {"{\"seen\":0,\"total\":9,\"dateStarted\":\"2026-01-01T00:00:00Z\"}",       "0 of 9"        },
        {"{\"seen\":9,\"total\":9,\"dateStarted\":\"2026-01-01T00:00:02.9Z\"}",     "9 of 9"        },
        {"{\"seen\":30,\"total\":20,\"dateStarted\":\"2026-01-01T00:00:00Z\"}",     "30 of 20, 10/s"},
    };
    const int64_t now_us = 1767225603000000; /* three seconds into 2026 */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(jx_cleanup) json_t *kind = NULL;
        char words[100];
        REQUIRE(jx_parse(str_from(rows[i].kind), NULL, &kind, NULL) == ERR_OK);
        progress_words(kind, now_us, words, sizeof words);
        CHECK_TEXT(words, rows[i].words);
    }
}

static const struct test_case cases[] = {
    {"command lines are read",          command_lines_are_read         },
    {"help is there for every command", help_is_there_for_every_command},
    {"progress says what is known",     progress_says_what_is_known    },
};

int main(int argc, char **argv)
{
    return testing_main("words", cases, ARRAY_LEN(cases), argc, argv);
}
