#include "base/clock.h"
#include "phone_call.h"
#include "phone_line.h"
#include "testing.h"

#define START (INT64_C(1700000000) * US_PER_S)

static struct phone_call ringing(void)
{
    return (struct phone_call){
        .status = PHONE_CALL_RINGING,
        .started_at_us = START,
        .recording_sid = "",
        .recording_url = "",
        .worker_sid = "",
    };
}

static bool hear(struct phone_call *call, const char *word, int64_t second)
{
    return phone_call_hear_status(call, str_from(word), START + second * US_PER_S, -1);
}

static void test_missed(void)
{
    struct phone_call call = ringing();
    CHECK(!hear(&call, "in-progress", 1)); /* the provider's machine, not a person */
    CHECK_I64(call.status, PHONE_CALL_RINGING);
    CHECK(hear(&call, "completed", 40));
    CHECK_I64(call.status, PHONE_CALL_MISSED);
    CHECK_I64(call.duration_s, 40);
    CHECK(phone_call_is_over(&call));
}

static void test_answered(void)
{
    struct phone_call call = ringing();
    CHECK(phone_call_answer(&call, "WK1", START + 5 * US_PER_S));
    CHECK(!phone_call_answer(&call, "WK2", START + 6 * US_PER_S));
    CHECK_TEXT(call.worker_sid, "WK1");
    CHECK(!hear(&call, "ringing", 7));
    CHECK_I64(call.status, PHONE_CALL_IN_PROGRESS);
    CHECK(phone_call_hear_status(&call, STR("completed"), START + 90 * US_PER_S, 88));
    CHECK_I64(call.status, PHONE_CALL_COMPLETED);
    CHECK_I64(call.duration_s, 88);
}

static void test_backwards(void)
{
    static const char *const words[] = {"queued",    "initiated", "ringing", "in-progress",
                                        "completed", "no-answer", "busy",    "failed",
                                        "canceled",  "nonsense",  ""};
    static const char *const ends[] = {"completed", "no-answer", "busy", "failed", "canceled"};
    for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
        struct phone_call call = ringing();
        CHECK(hear(&call, ends[e], 10));
        struct phone_call before = call;
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
            CHECK(!hear(&call, words[i], 20));
            CHECK(!phone_call_answer(&call, "WK1", START + 30 * US_PER_S));
            CHECK_I64(call.status, before.status);
            CHECK_I64(call.ended_at_us, before.ended_at_us);
        }
    }
    struct phone_call call = ringing();
    CHECK(hear(&call, "completed", 10));
    CHECK(phone_call_hear_status(&call, STR("completed"), START, 9) == false);
    call.duration_s = 0; /* known by another way that had no duration */
    CHECK(phone_call_hear_status(&call, STR("completed"), START, 9));
    CHECK_I64(call.duration_s, 9);
}

static void test_voicemail(void)
{
    struct phone_call call = ringing();
    CHECK(phone_call_hear_message(&call, "RE1", "https://x/1", 12));
    CHECK(!phone_call_hear_message(&call, "RE1", "https://x/1", 12));
    CHECK_I64(call.status, PHONE_CALL_RINGING);
    CHECK(hear(&call, "completed", 30));
    CHECK_I64(call.status, PHONE_CALL_VOICEMAIL);

    call = ringing(); /* the recording is told of after the end */
    CHECK(hear(&call, "completed", 30));
    CHECK_I64(call.status, PHONE_CALL_MISSED);
    CHECK(phone_call_hear_message(&call, "RE1", "https://x/1", 12));
    CHECK_I64(call.status, PHONE_CALL_VOICEMAIL);
    CHECK_I64(call.recording_duration_s, 12);

    call = ringing(); /* a conversation that is recorded is none */
    CHECK(phone_call_answer(&call, "WK1", START));
    CHECK(hear(&call, "completed", 30));
    CHECK(phone_call_hear_message(&call, "RE1", "https://x/1", 12));
    CHECK_I64(call.status, PHONE_CALL_COMPLETED);
}

static void test_names(void)
{
    for (int i = PHONE_CALL_NONE + 1; i < PHONE_CALL_STATUS_COUNT; i++)
        CHECK_I64(phone_call_status_from(str_from(phone_call_status_name(i))), i);
    CHECK_I64(phone_call_status_from(STR("")), PHONE_CALL_NONE);
    for (int i = LINE_NOTHING + 1; i < LINE_DOING_COUNT; i++)
        CHECK_I64(line_doing_from(str_from(line_doing_name(i))), i);
    CHECK_I64(line_doing_from(STR("dance")), LINE_NOTHING);
}

/* ---- lines ---- */

static const struct line_option one_option = {
    .digit = "1",
    .label = "permits",
    .department = "permits",
    .attributes = "",
    .action = LINE_ENQUEUE,
    .target = "",
};

static struct phone_line good_line(void)
{
    struct phone_line line;
    phone_line_defaults(&line);
    line.phone_number = "+15125550100";
    line.menu.options = &one_option;
    line.menu.option_count = 1;
    return line;
}

static void test_line(void)
{
    struct phone_line line = good_line();
    struct err err = {0};
    CHECK_I64(phone_line_check(&line, &err), ERR_OK);
    static const char *const numbers[] = {
        "", "+", "5125550100", "+05125550100", "+1 512", "+123456789012345678", "+1512555010a"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        line.phone_number = numbers[i];
        CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.field, "phone_number");
    }
    line = good_line();
    line.after_hours = LINE_TRANSFER;
    CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "after_hours_target");
    line.after_hours_target = "sips:desk@example.com";
    CHECK_I64(phone_line_check(&line, &err), ERR_OK);
    line.after_hours = LINE_REPEAT;
    CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
    line = good_line();
    line.wait_music_url = "ftp://example.com/a.mp3";
    CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "wait_music_url");
    line = good_line();
    line.language = "en_US";
    CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
    line = good_line();
    line.workflow_sid = "WQ00000000000000000000000000000001";
    CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
}

static void test_menu(void)
{
    struct line_option options[2] = {one_option, one_option};
    struct phone_line line = good_line();
    struct err err = {0};
    line.menu.options = options;
    line.menu.option_count = 2;
    CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "DIGIT_TWICE");
    options[1].digit = "12";
    CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "INVALID_DIGIT");
    options[1].digit = "#";
    options[1].action = LINE_TRANSFER;
    options[1].target = "somebody";
    CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "INVALID_TARGET");
    options[1].target = "+15125550101";
    CHECK_I64(phone_line_check(&line, &err), ERR_OK);
    options[1].action = LINE_NOTHING;
    CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
    line.menu.option_count = LINE_MENU_OPTIONS_MAX + 1;
    CHECK_I64(phone_line_check(&line, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "TOO_MANY_OPTIONS");
}

static void test_targets(void)
{
    CHECK(phone_line_is_target(STR("+15125550100")));
    CHECK(phone_line_is_target(STR("sip:a@b")));
    CHECK(!phone_line_is_target(STR("sip:a")));
    CHECK(!phone_line_is_target(STR("sip:a@b\"><Say>")));
    CHECK(!phone_line_is_target(STR("")));
    CHECK(phone_line_is_sound(STR("https://example.com/a.mp3")));
    CHECK(!phone_line_is_sound(STR("https://")));
    CHECK(!phone_line_is_sound(STR("Welcome to https://example.com")));
}

static const struct test_case cases[] = {
    {"a caller who hangs up before anybody answers is missed",    test_missed   },
    {"an answered call ends completed, with its one worker",      test_answered },
    {"what comes after the end changes nothing but the duration", test_backwards},
    {"a message makes a voicemail, before or after the end",      test_voicemail},
    {"names are read as they are written",                        test_names    },
    {"a line is checked, and the field named",                    test_line     },
    {"options of a menu are checked",                             test_menu     },
    {"targets and sounds are told from other texts",              test_targets  },
};

int main(int argc, char **argv)
{
    return testing_main("phone", cases, ARRAY_LEN(cases), argc, argv);
}
