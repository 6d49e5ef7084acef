/* Rows of the log as the Event message. */
#include <stdlib.h>

#include "base/arena.h"
#include "event_wire.h"
#include "testing.h"

static struct event_row row_of(const char *type, const char *resource_type, const char *data)
{
    return (struct event_row){
        .seq = 7,
        .sid = "EV1",
        .account_sid = "AC1",
        .workspace_sid = "WS1",
        .type = type,
        .resource_type = resource_type,
        .resource_sid = "XX1",
        .occurred_at_us = 1000000,
        .actor_sid = "US1",
        .request_id = "RQ1",
        .source = "/tasks-svc",
        .data = str_from(data),
        .extras = STR("{\"reason\":\"why\"}"),
    };
}

static void test_rows(void)
{
    static const struct {
        const char *type;
        const char *resource_type;
        const char *data;
        const char *description;
        const char *event_data;
    } rows[] = {
        {"task-queue.created", "task-queue",
         "{\"taskQueue\":{\"sid\":\"WQ1\",\"friendlyName\":\"Q\",\"targetWorkers\":\"1==1\"}}", "Task queue XX1 created",
         "{\"task_queue_sid\":\"WQ1\",\"task_queue_name\":\"Q\","
         "\"task_queue_target_expression\":\"1==1\",\"reason\":\"why\"}"                                                                        },
        {"activity.updated",   "activity",
         "{\"activity\":{\"sid\":\"WA1\",\"friendlyName\":\"Idle\",\"available\":true}}",       "Activity XX1 updated",
         "{\"activity_sid\":\"WA1\",\"activity_name\":\"Idle\",\"activity_available\":\"true\","
         "\"reason\":\"why\"}"                                                                                                                  },
        {"task.created",       "task",       "no longer readable",                              "Task XX1 created",       "{\"reason\":\"why\"}"},
    };
    struct arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct event_row row = row_of(rows[i].type, rows[i].resource_type, rows[i].data);
        Taskrouter__Tasks__V1__Event *event = NULL;
        REQUIRE(event_to_wire(arena, &row, &event, NULL) == ERR_OK);
        CHECK_TEXT(event->description, rows[i].description);
        CHECK_TEXT(event->event_data, rows[i].event_data);
        CHECK_TEXT(event->actor_type, "user");
        CHECK_I64(event->sequence, 7);
    }
    arena_free(arena);
}

static const struct test_case cases[] = {
    {"a row of the log is told in Twilio's words", test_rows},
};

int main(int argc, char **argv)
{
    return testing_main("event wire", cases, ARRAY_LEN(cases), argc, argv);
}
