#include "log/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "testing.h"

static char text[1 << 20]; /* what was logged in the case */
static FILE *sink;

static void sink_open(void)
{
    sink = tmpfile();
    INVARIANT(sink != NULL);
    log_fd_set(fileno(sink));
    log_init("log-test", LOG_LEVEL_INFO);
}

static const char *sink_read(void)
{
    rewind(sink);
    text[fread(text, 1, sizeof text - 1, sink)] = '\0';
    log_fd_set(STDERR_FILENO);
    (void)fclose(sink);
    return text;
}

static size_t count_of(const char *what)
{
    size_t count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        count++;
    return count;
}

static void a_line_is_one_json_object(void)
{
    struct arena *arena = arena_new(4096);
    struct call call;
    call_init(&call, arena, "job.sweep", 0);
    (void)snprintf(call.request_id, sizeof call.request_id, "RQ1");
    struct err err;
    (void)ERR_SET(&err, ERR_NOT_FOUND, "TASK_NOT_FOUND", "task %d", 7);
    sink_open();
    LOG_INFO(&call, "reservation expired", LOG_STR("task", "WT1"), LOG_I64("age_ms", -5),
             LOG_BOOL("again", true), LOG_STR("none", NULL), LOG_VIEW("v", STR("view")),
             LOG_DOUBLE("rate", 0.5), LOG_ERR(&err));
    (void)sink_read();
    CHECK(strstr(text, "{\"time\":\"20") == text);
    CHECK(text[9 + 26] == 'Z');
    char *rest = strstr(text, ",\"level\"");
    REQUIRE(rest != NULL);
    char want[512];
    (void)snprintf(want, sizeof want,
                   ",\"level\":\"info\",\"service\":\"log-test\",\"msg\":\"reservation expired\","
                   "\"request_id\":\"RQ1\",\"call\":\"job.sweep\",\"task\":\"WT1\",\"age_ms\":-5,"
                   "\"again\":true,\"none\":null,\"v\":\"view\",\"rate\":0.5,"
                   "\"code\":\"NOT_FOUND\",\"reason\":\"TASK_NOT_FOUND\","
                   "\"origin\":\"tests/unit/libs/log/test_log.c:%d\",\"detail\":\"task 7\"}\n",
                   err.line);
    CHECK_TEXT(rest, want);
    arena_free(arena);
}

static void levels_beyond_the_one_set_are_silent(void)
{
    sink_open();
    log_level_set(LOG_LEVEL_WARN);
    LOG_INFO(NULL, "quiet");
    LOG_WARN(NULL, "loud");
    log_level_set(log_level_from("debug"));
    LOG_DEBUG(NULL, "whisper");
    (void)sink_read();
    CHECK_I64(count_of("quiet"), 0);
    CHECK_I64(count_of("\"level\":\"warn\""), 1);
    CHECK_I64(count_of("\"level\":\"debug\""), 1);
    CHECK_I64(log_level_from("loud"), LOG_LEVEL_NONE);
}

static void control_characters_cannot_forge_a_line(void)
{
    sink_open();
    LOG_INFO(NULL, "given",
             LOG_STR("name", "a\n{\"level\":\"error\"}\x1b[2J\x7f\xc2\x9b\xff\\ \xc3\xa9"));
    (void)sink_read();
    CHECK_I64(count_of("\n"), 1);
    CHECK(strstr(text, "\"name\":\"a\\u000a{\\\"level\\\":\\\"error\\\"}\\u001b[2J\\u007f\\u009b"
                       "\\ufffd\\\\ \xc3\xa9\"}\n") != NULL);
}

static void a_long_line_is_cut_and_stays_json(void)
{
    static char big[20001];
    for (size_t shift = 0; shift < 8; shift++) {
        memset(big, '"', 20000); /* two bytes each once escaped */
        memset(big, 'x', shift);
        big[20000] = '\0';
        sink_open();
        LOG_INFO(NULL, "big", LOG_STR("first", "kept"), LOG_STR("big", big), LOG_I64("lost", 1));
        (void)sink_read();
        size_t len = strlen(text);
        CHECK(len <= LOG_LINE_BYTES && len > LOG_LINE_BYTES - 64);
        CHECK(strstr(text, "\"first\":\"kept\"") != NULL);
        CHECK(strcmp(text + len - 15, "\"\",\"cut\":true}\n") == 0 ||
              strcmp(text + len - 14, "\",\"cut\":true}\n") == 0);
    }
}

static void repeats_are_held_back_and_counted(void)
{
    sink_open();
    for (int i = 0; i < 50; i++)
        LOG_WARN(NULL, "same again", LOG_I64("i", i));
    log_tick(); /* the second is not over: nothing yet */
    int64_t until = clock_mono_us() + 3 * US_PER_S;

    while (clock_mono_us() < until) {
        log_tick();
        char probe[8192];
        ssize_t got = pread(fileno(sink), probe, sizeof probe - 1, 0);
        INVARIANT(got >= 0);
        probe[got] = '\0';
        if (strstr(probe, "suppressed") != NULL)
            break;
    }
    (void)sink_read();
    CHECK_I64(count_of("same again"), LOG_SITE_BURST + 1);
    CHECK_I64(count_of("\"suppressed\":40}"), 1);
}

static const struct test_case cases[] = {
    {"a line is one JSON object with typed fields", a_line_is_one_json_object             },
    {"levels beyond the one set are silent",        levels_beyond_the_one_set_are_silent  },
    {"control characters cannot forge a line",      control_characters_cannot_forge_a_line},
    {"a long line is cut and stays JSON",           a_long_line_is_cut_and_stays_json     },
    {"repeats are held back and counted",           repeats_are_held_back_and_counted     },
};

int main(int argc, char **argv)
{
    return testing_main("log", cases, ARRAY_LEN(cases), argc, argv);
}
