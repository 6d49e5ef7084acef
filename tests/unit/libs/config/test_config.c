#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "testing.h"

/* NOLINTBEGIN(concurrency-mt-unsafe): the environment is changed while one thread runs */

struct settings {
    const char *name;
    const char *token;
    const char *url;
    const char *peer;
    const char *account;
    const char *file;
    int64_t count;
    int64_t wait_ms;
    int64_t room_bytes;
    int level;
    bool is_on;
};

#define AT(member) CONFIG_FIELD(struct settings, member)

static const struct config_setting table[] = {
    {.key = "T_NAME",                  .type = CONFIG_STRING, .help = "Name.",                       AT(name)                                                                             },
    {.key = "T_TOKEN",
     .type = CONFIG_STRING,
     .help = "Token.",
     .min = 8,
     .is_secret = true,
     .is_required = true,
     AT(token)},
    {.key = "T_URL",
     .type = CONFIG_URL,
     .choices = "postgresql,postgres",
     .help = "Database.",
     .is_secret = true,
     AT(url)},
    {.key = "T_PEER", .type = CONFIG_HOST_PORT,                                     .help = "Peer.",                                                                              AT(peer)                                                                                                                                                                              },
    {.key = "T_ACCOUNT",                  .type = CONFIG_SID,               .choices = "AC", .help = "Account.", AT(account)},
    {.key = "T_FILE",               .type = CONFIG_PATH, .help = "File.",         AT(file)                                                                           },
    {.key = "T_COUNT",
     .type = CONFIG_INT,
     .default_text = "5",
     .min = 1,
     .max = 100,
     .help = "Count.",
     .is_reloadable = true,
     AT(count)},
    {.key = "T_WAIT",
     .type = CONFIG_DURATION_MS,
     .default_text = "5s",
     .min = 0,
     .max = 60000,
     .help = "Wait.",
     AT(wait_ms)},
    {.key = "T_ROOM",
     .type = CONFIG_BYTES,
     .default_text = "16MiB",
     .min = 1024,
     .max = 1 << 30,
     .help = "Room.",
     AT(room_bytes)},
    {.key = "T_LEVEL",
     .type = CONFIG_ENUM,
     .default_text = "info",
     .choices = "error,warn,info,debug",
     .help = "Level.",
     .is_reloadable = true,
     AT(level)},
    {.key = "T_ON",                  .type = CONFIG_BOOL,                                             .help = "On.",                                                                                  AT(is_on)                                                                                                                                                        },
};

static struct settings settings;
static struct config *config;
static struct err err;

static void begin(void)
{
    settings = (struct settings){0};
    err_clear(&err);
    config = config_new();
    config_add(config, table, ARRAY_LEN(table), &settings);
    config_isolate(config);
    config_set(config, "T_TOKEN", "longenough");
}

static void values_of_every_type_are_read(void)
{
    begin();
    config_set(config, "T_NAME", "Ünit");
    config_set(config, "T_URL", "postgresql://u:p@h/db");
    config_set(config, "T_PEER", "[::1]:7001");
    config_set(config, "T_ACCOUNT", "AC0123456789abcdef0123456789abcdef");
    config_set(config, "T_FILE", "/proc/self/status");
    config_set(config, "T_COUNT", "7");
    config_set(config, "T_WAIT", "250ms");
    config_set(config, "T_ROOM", "64 KiB");
    config_set(config, "T_LEVEL", "DEBUG");
    config_set(config, "T_ON", "yes");
    CHECK_I64(config_load(config, &err), ERR_OK);
    CHECK_TEXT(settings.name, "Ünit");
    CHECK_TEXT(settings.peer, "[::1]:7001");
    CHECK_TEXT(settings.file, "/proc/self/status");
    CHECK_I64(settings.count, 7);
    CHECK_I64(settings.wait_ms, 250);
    CHECK_I64(settings.room_bytes, 65536);
    CHECK_I64(settings.level, 4);
    CHECK(settings.is_on);
    config_free(config);
}

static void what_is_absent_gets_its_default_or_nothing(void)
{
    begin();
    config_set(config, "T_COUNT", "");
    CHECK_I64(config_load(config, &err), ERR_OK);
    CHECK(settings.name == NULL && settings.peer == NULL && !settings.is_on);
    CHECK_I64(settings.count, 5);
    CHECK_I64(settings.wait_ms, 5000);
    CHECK_I64(settings.room_bytes, 16 << 20);
    CHECK_I64(settings.level, 3);
    config_free(config);
}

/* Each wrong value with the line that it must give. */
static const struct {
    const char *key;
    const char *value;
    const char *line;
} wrong[] = {
    {"T_TOKEN",   "",                   "T_TOKEN is missing: write a text of at least 8 bytes (Token.)"       },
    {"T_TOKEN",   "short",              "T_TOKEN is too short: write a text of at least 8 bytes (from set)"   },
    {"T_COUNT",   "abc",
     "T_COUNT is \"abc\": write a whole number from 1 to 100, such as 5 (from set)"                           },
    {"T_COUNT",   "101",
     "T_COUNT is \"101\", which is out of range: write a whole number from 1 to 100, such as 5 "
     "(from set)"                                                                                             },
    {"T_WAIT",    "2m",
     "T_WAIT is \"2m\", which is out of range: write a duration from 0 to 1m, such as 5s (from "
     "set)"                                                                                                   },
    {"T_WAIT",    "99999999999999999d",
     "T_WAIT is \"99999999999999999d\": write a duration from 0 to 1m, such as 5s (from set)"                 },
    {"T_ROOM",    "1 GiBi",
     "T_ROOM is \"1 GiBi\": write a size from 1KiB to 1GiB, such as 16MiB (from set)"                         },
    {"T_LEVEL",   "lo\nud",             "T_LEVEL is \"lo?ud\": write one of error,warn,info,debug (from set)" },
    {"T_ON",      "perhaps",            "T_ON is \"perhaps\": write true or false (from set)"                 },
    {"T_PEER",    "nohost",
     "T_PEER is \"nohost\": write a host:port, such as 127.0.0.1:7001 (from set)"                             },
    {"T_PEER",    "h:70000",
     "T_PEER is \"h:70000\": write a host:port, such as 127.0.0.1:7001 (from set)"                            },
    {"T_ACCOUNT", "AC12",               "T_ACCOUNT is \"AC12\": write a SID (AC and 32 hex digits) (from set)"},
    {"T_FILE",    "/does/not/exist",
     "T_FILE is \"/does/not/exist\", which is not a file that can be read: write a readable file "
     "(from set)"                                                                                             },
    {"T_URL",     "mysql://secret@x",
     "T_URL is malformed: write a URL (postgresql,postgres), such as "
     "postgresql://user:password@host:5432/taskrouter (from set)"                                             },
};

static void a_wrong_value_gives_one_line_that_says_what_to_write(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        begin();
        config_set(config, wrong[i].key, wrong[i].value);
        CHECK_I64(config_load(config, &err), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.detail, wrong[i].line);
        CHECK_TEXT(config_problem(config, 0), wrong[i].line);
        CHECK(config_problem(config, 1) == NULL);
        CHECK(settings.token == NULL); /* nothing was filled */
        config_free(config);
    }
}

static void all_problems_are_found_at_once(void)
{
    begin();
    config_set(config, "T_COUNT", "x");
    config_set(config, "T_WAIT", "x");
    config_set(config, "T_ON", "x");
    CHECK_I64(config_load(config, &err), ERR_INVALID_ARGUMENT);
    CHECK(config_problem(config, 2) != NULL && config_problem(config, 3) == NULL);
    config_free(config);
}

static char path[64];

static void env_file_write(const char *text)
{
    (void)snprintf(path, sizeof path, "/tmp/tr-config-XXXXXX");
    int fd = mkstemp(path);
    INVARIANT(fd >= 0);
    ssize_t written = write(fd, text, strlen(text));
    INVARIANT(written == (ssize_t)strlen(text));
    (void)close(fd);
    (void)setenv("TASKROUTER_ENV_FILE", path, 1);
    settings = (struct settings){0};
    config = config_new();
    config_add(config, table, ARRAY_LEN(table), &settings);
}

static void env_file_end(void)
{
    config_free(config);
    (void)unlink(path);
    (void)unsetenv("TASKROUTER_ENV_FILE");
    (void)unsetenv("T_COUNT");
}

static void the_environment_wins_over_the_file(void)
{
    env_file_write("# comment\n\nexport T_TOKEN='sing#le \"x\"' # why\n"
                   "T_NAME = \"a\\tb \\\"c\\\"\"\nT_COUNT=9\r\nT_WAIT=7s # seven\nT_PEER=h:1#x\n"
                   "T_PEER=h:2\nOTHER=1");
    (void)setenv("T_COUNT", "11", 1);
    CHECK_I64(config_load(config, &err), ERR_OK);
    CHECK_TEXT(settings.token, "sing#le \"x\"");
    CHECK_TEXT(settings.name, "a\tb \"c\"");
    CHECK_I64(settings.count, 11);
    CHECK_I64(settings.wait_ms, 7000);
    CHECK_TEXT(settings.peer, "h:2");
    env_file_end();
}

static void a_fallback_file_comes_last(void)
{
    char fallback[64] = "/tmp/tr-config-fallback-XXXXXX";
    static const char text[] = "T_TOKEN=from-the-fallback\nT_NAME=fallback\nT_COUNT=8\n";
    int fd = mkstemp(fallback);
    REQUIRE(fd >= 0);
    CHECK_I64(write(fd, text, sizeof text - 1), sizeof text - 1);
    (void)close(fd);
    env_file_write("T_NAME=file\nT_COUNT=9\n");
    (void)setenv("T_COUNT", "11", 1);
    config_set_fallback_file(config, fallback);
    CHECK_I64(config_load(config, &err), ERR_OK);
    CHECK_TEXT(settings.token, "from-the-fallback");
    CHECK_TEXT(settings.name, "file");
    CHECK_I64(settings.count, 11);
    (void)unlink(fallback);
    CHECK_I64(config_load(config, &err), ERR_INVALID_ARGUMENT); /* only the token is missing */
    CHECK_TEXT(config_problem(config, 1), NULL);
    env_file_end();
}

static void a_broken_file_is_named_with_its_line(void)
{
    static const char *const broken[] = {
        "T_TOKEN='abc\n", "T_TOKEN=\"abc\n", "T_TOKEN=\"\\q\"\n", "just words\n",
        "=x\n",           "1A=x\n",          "T_NAME='a'b\n"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "T_TOKEN=longenough\n%s", broken[i]);
        env_file_write(text);
        char want[128];
        (void)snprintf(want, sizeof want, "%s line 2: ", path);
        CHECK_I64(config_load(config, &err), ERR_INVALID_ARGUMENT);
        CHECK(strstr(err.detail, want) == err.detail);
        env_file_end();
    }
    env_file_write("");
    (void)unlink(path);
    CHECK_I64(config_load(config, &err), ERR_INVALID_ARGUMENT);
    CHECK(strstr(err.detail, "TASKROUTER_ENV_FILE is") == err.detail);
    env_file_end();
}

static void reload_applies_what_may_change(void)
{
    begin();
    CHECK_I64(config_load(config, &err), ERR_OK);
    config_set(config, "T_COUNT", "50");
    config_set(config, "T_LEVEL", "debug");
    config_set(config, "T_WAIT", "1s");
    size_t ignored = 0;
    CHECK_I64(config_reload(config, &ignored, &err), ERR_OK);
    CHECK_I64(settings.count, 50);
    CHECK_I64(settings.level, 4);
    CHECK_I64(settings.wait_ms, 5000);
    CHECK_I64(ignored, 1);
    for (int i = 0; i < 5; i++) { /* what a reload read is gone: what is shown must not be */
        struct buf out;
        buf_init(&out, 0);
        CHECK_I64(config_reload(config, &ignored, &err), ERR_OK);
        config_print(config, &out);
        CHECK(strstr(out.data, "T_COUNT=50  # set\n") != NULL);
        buf_fini(&out);
    }
    config_set(config, "T_COUNT", "bad");
    CHECK_I64(config_reload(config, &ignored, &err), ERR_INVALID_ARGUMENT);
    CHECK_I64(settings.count, 50);
    config_free(config);
}

static void secrets_are_masked_when_printed(void)
{
    begin();
    config_set(config, "T_URL", "postgresql://user:pa%20ss@host:5432/db");
    CHECK_I64(config_load(config, &err), ERR_OK);
    struct buf out;
    buf_init(&out, 0);
    config_print(config, &out);
    CHECK(strstr(out.data, "longenough") == NULL && strstr(out.data, "pa%20ss") == NULL);
    CHECK(strstr(out.data, "T_TOKEN=********  # set\n") != NULL);
    CHECK(strstr(out.data, "T_URL=postgresql://user:********@host:5432/db  # set\n") != NULL);
    CHECK(strstr(out.data, "T_COUNT=5  # default\n") != NULL);
    buf_clear(&out);
    config_help(config, &out);
    CHECK(strstr(out.data, "whole number from 1 to 100; default 5; reloaded on SIGHUP") != NULL);
    buf_clear(&out);
    config_markdown(config, &out);
    CHECK(strstr(out.data, "| `T_WAIT` | duration from 0 to 1m | `5s` | Wait. |\n") != NULL);
    buf_fini(&out);
    config_free(config);
}

static const struct test_case cases[] = {
    {"values of every type are read",                        values_of_every_type_are_read             },
    {"what is absent gets its default or nothing",           what_is_absent_gets_its_default_or_nothing},
    {"a wrong value gives one line that says what to write",
     a_wrong_value_gives_one_line_that_says_what_to_write                                              },
    {"all problems are found at once",                       all_problems_are_found_at_once            },
    {"the environment wins over the file",                   the_environment_wins_over_the_file        },
    {"a fallback file comes last",                           a_fallback_file_comes_last                },
    {"a broken file is named with its line",                 a_broken_file_is_named_with_its_line      },
    {"reload applies what may change",                       reload_applies_what_may_change            },
    {"secrets are masked when printed",                      secrets_are_masked_when_printed           },
};

int main(int argc, char **argv)
{
    return testing_main("config", cases, ARRAY_LEN(cases), argc, argv);
}

/* NOLINTEND(concurrency-mt-unsafe) */
