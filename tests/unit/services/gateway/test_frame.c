#include "frame.h"

#include <stdlib.h>

#include "feed.h"
#include "testing.h"

#define EVENT(type, data)                                                                          \
    STR("{\"specversion\":\"1.0\",\"id\":\"EV1\",\"source\":\"/"                                   \
        "x\",\"type\":\"com.taskrouter." type                                                      \
        "\",\"subject\":\"WT1\",\"time\":\"2026-11-22T20:27:00Z\",\"workspacesid\":\"WS1\","       \
        "\"accountsid\":\"AC1\",\n\"data\":" data "}")

static void a_frame_is_what_a_stream_sends(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct frame frame;
    struct err err = {0};
    struct str payload =
        EVENT("task.created", "{\"task\":{\"sid\":\"WT1\",\"workerSid\":\"WK1\"}}");
    CHECK(frame_read(arena, 7, payload, &frame, &err) == ERR_OK);
    CHECK_STR(frame.type, "task.created");
    CHECK_STR(frame.account_sid, "AC1");
    CHECK_STR(frame.workspace_sid, "WS1");
    CHECK_STR(frame.worker_sids[1], "WK1");
    CHECK(str_starts_with(frame.text, STR("id: 7\nevent: task.created\ndata: {")));
    CHECK(str_ends_with(frame.text, STR("}\n\n")));
    /* a line break within would end the event early */
    struct str rest = frame.text;
    int lines = 0;
    while (rest.ptr != NULL) {
        (void)str_split(&rest, '\n');
        lines++;
    }
    CHECK_I64(lines, 5);
    struct frame *copy = frame_dup(&frame);
    CHECK(str_eq(copy->text, frame.text) && copy->text.ptr != frame.text.ptr);
    CHECK_STR(copy->worker_sids[1], "WK1");
    CHECK_I64(copy->seq, 7);
    free(copy);
    CHECK(frame_read(arena, 8, STR("nonsense"), &frame, &err) == ERR_INVALID_ARGUMENT);
    arena_free(arena);
}

static void types_match_whole_names_and_groups(void)
{
    static const struct {
        struct str pattern;
        struct str type;
        bool is_match;
    } rows[] = {
        {{"task.created", 12}, {"task.created", 12},           true },
        {{"task.created", 12}, {"task.created2", 13},          false},
        {{"task.*", 6},        {"task.created", 12},           true },
        {{"task.*", 6},        {"task-queue.created", 18},     false},
        {{"worker.*", 8},      {"worker.activity.update", 22}, true },
        {{"*", 1},             {"anything", 8},                true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_I64(feed_type_matches(&rows[i].pattern, 1, rows[i].type), rows[i].is_match);
    CHECK(feed_type_matches(NULL, 0, STR("task.created")));
}

static const struct test_case cases[] = {
    {"a frame is what a stream sends",     a_frame_is_what_a_stream_sends    },
    {"types match whole names and groups", types_match_whole_names_and_groups},
};

int main(int argc, char **argv)
{
    return testing_main("frame", cases, ARRAY_LEN(cases), argc, argv);
}
