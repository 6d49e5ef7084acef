/* Which events are wanted, when to try again, what an answer says. */
#include "callback_rules.h"

#include "testing.h"

static void test_wanted(void)
{
    static const struct {
        const char *filter;
        const char *type;
        bool is_wanted;
    } rows[] = {
        {"",                             "task.created",           true },
        {" , ",                          "worker.activity.update", true },
        {"",                             "reservation.instructed", false},
        {"",                             "token.revoked",          false},
        {"task.created",                 "task.created",           true },
        {"task.created",                 "task.canceled",          false},
        {"task.canceled , task.created", "task.created",           true },
        {"task.created.more",            "task.created",           false},
        {"task",                         "task.created",           false},
        {"reservation.instructed",       "reservation.instructed", true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_I64(callback_is_wanted(str_from(rows[i].filter), rows[i].type), rows[i].is_wanted);
}

static void test_backoff(void)
{
    CHECK_I64(callback_backoff_ms(1000, 1, 0), 1000);
    CHECK_I64(callback_backoff_ms(1000, 2, 0), 2000);
    CHECK_I64(callback_backoff_ms(1000, 5, 0), 16000);
    CHECK_I64(callback_backoff_ms(1000, 100, 0), 600000);
    CHECK_I64(callback_backoff_ms(0, 1, 0), 1);
    for (uint64_t chance = 0; chance < 5000; chance += 7) {
        int64_t wait_ms = callback_backoff_ms(1000, 1, chance);
        CHECK(wait_ms >= 500 && wait_ms <= 1000);
    }
    CHECK(callback_backoff_ms(1000, 3, UINT64_MAX) >= 2000);
}

static void test_answers(void)
{
    static const struct {
        const char *type;
        const char *body;
        enum callback_answer_kind kind;
        const char *instruction;
        int64_t alert_code;
    } rows[] = {
        {"",                                 "",                                               CALLBACK_ANSWER_NONE,        "",     0    },
        {"text/html",                        " \r\n ",                                         CALLBACK_ANSWER_NONE,        "",     0    },
        {"application/json",                 "{}",                                             CALLBACK_ANSWER_NONE,        "",     0    },
        {"application/json",                 "{\"instruction\":\"call\"}",                     CALLBACK_ANSWER_INSTRUCTION, "call", 0    },
        {"Application/JSON ; charset=utf-8", " {\"instruction\":\"x\",\"instruction\":\"y\"}",
         CALLBACK_ANSWER_INSTRUCTION,                                                                                       "y",    0    },
        {"application/json",                 "{\"instruction\":null}",                         CALLBACK_ANSWER_WARNING,     "",     40005},
        {"application/json",                 "{\"to\":\"x\"}",                                 CALLBACK_ANSWER_WARNING,     "",     40005},
        {"application/json",                 "{\"instruction\":1}",                            CALLBACK_ANSWER_WARNING,     "",     55555},
        {"application/json",                 "{",                                              CALLBACK_ANSWER_WARNING,     "",     40001},
        {"application/json",                 "[]",                                             CALLBACK_ANSWER_WARNING,     "",     40001},
        {"application/json",                 "\"{}\"",                                         CALLBACK_ANSWER_WARNING,     "",     40001},
        {"application/jsonx",                "{}",                                             CALLBACK_ANSWER_WARNING,     "",     40000},
        {"",                                 "{}",                                             CALLBACK_ANSWER_WARNING,     "",     40000},
        {"text/xml",                         "<Response/>",                                    CALLBACK_ANSWER_WARNING,     "",     40000},
    };
    struct arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct callback_answer answer;
        CHECK(callback_answer_read(arena, str_from(rows[i].type), str_from(rows[i].body), &answer,
                                   NULL) == ERR_OK);
        CHECK_I64(answer.kind, rows[i].kind);
        CHECK_STR(answer.instruction, rows[i].instruction);
        CHECK_I64(answer.alert_code, rows[i].alert_code);
        CHECK((answer.alert != NULL) == (answer.kind == CALLBACK_ANSWER_WARNING));
    }
    arena_free(arena);
}

static const struct test_case cases[] = {
    {"an empty filter wants Twilio's events, a filter what it names", test_wanted },
    {"the wait doubles up to ten minutes, less chance",               test_backoff},
    {"an answer is an instruction, nothing, or a warning",            test_answers},
};

int main(int argc, char **argv)
{
    return testing_main("callback rules", cases, ARRAY_LEN(cases), argc, argv);
}
