#include "schedule.h"

#include <string.h>

#include "testing.h"

#define QUEUE_A "WQ0123456789abcdef0123456789abcdef"
#define QUEUE_B "WQ0123456789abcdef0123456789abcdee"

static struct err err;

static enum err_code check(struct schedule schedule)
{
    if (schedule.name == NULL)
        schedule.name = "Support";
    err_clear(&err);
    return schedule_check(&schedule, &err);
}

static void queues_and_lines_are_named_once(void)
{
    const struct str queues[] = {STR(QUEUE_A), STR(QUEUE_B), STR(QUEUE_A)};
    const struct str lines[] = {STR("+15125550100"), STR("+442079460958"), STR("+15125550100")};
    CHECK_I64(check((struct schedule){.queue_sids = queues, .queue_count = 2}), ERR_OK);
    CHECK_I64(check((struct schedule){.lines = lines, .line_count = 2}), ERR_OK);
    CHECK_I64(check((struct schedule){.queue_sids = queues, .queue_count = 3}),
              ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "GIVEN_TWICE");
    CHECK_TEXT(err.field, "task_queue_sids[2]");
    CHECK_I64(check((struct schedule){.lines = lines, .line_count = 3}), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "phone_numbers[2]");
}

static void what_is_no_line_is_refused(void)
{
    static const char *const bad[] = {"",
                                      "+",
                                      "15125550100",
                                      "+0123",
                                      "+1",
                                      "+1512555010012345",
                                      "+1512555010x",
                                      "+1 5125550100"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct str line = str_from(bad[i]);
        CHECK_I64(check((struct schedule){.lines = &line, .line_count = 1}), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, "INVALID_PHONE_NUMBER");
        CHECK_TEXT(err.field, "phone_numbers[0]");
    }
    const struct str queue = STR("WW0123456789abcdef0123456789abcdef");
    CHECK_I64(check((struct schedule){.queue_sids = &queue, .queue_count = 1}),
              ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "INVALID_SID");
}

static void names_and_sizes_have_limits(void)
{
    static struct str many[SCHEDULE_CLAIMS_MAX + 1];
    static const char huge[SCHEDULE_HOURS_MAX + 1];
    CHECK_I64(check((struct schedule){.name = ""}), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "name");
    CHECK_I64(check((struct schedule){.name = " \t"}), ERR_INVALID_ARGUMENT);
    CHECK_I64(check((struct schedule){.lines = many, .line_count = ARRAY_LEN(many)}),
              ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "TOO_MANY");
    CHECK_I64(check((struct schedule){
                  .hours = {huge, sizeof huge}
    }),
              ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "TOO_LONG");
}

static const struct test_case cases[] = {
    {"queues and lines are named once", queues_and_lines_are_named_once},
    {"what is no line is refused",      what_is_no_line_is_refused     },
    {"names and sizes have limits",     names_and_sizes_have_limits    },
};

int main(int argc, char **argv)
{
    return testing_main("schedule", cases, ARRAY_LEN(cases), argc, argv);
}
