#include "rules/rules.h"

#include <stdio.h>

#include "testing.h"

#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define QUEUE                                                                                      \
    {                                                                                              \
        .type = RULE_ACTION_ROUTE_TO_QUEUE, .target = S("WQa")                                     \
    }
#define WORKER                                                                                     \
    {                                                                                              \
        .type = RULE_ACTION_ROUTE_TO_WORKER, .target = S("WKa")                                    \
    }
#define PRIORITY                                                                                   \
    {                                                                                              \
        .type = RULE_ACTION_SET_PRIORITY, .has_priority = true, .priority = 5                      \
    }
#define TIMEOUT                                                                                    \
    {                                                                                              \
        .type = RULE_ACTION_SET_TIMEOUT, .has_timeout = true, .timeout_s = 5                       \
    }
#define ADD(json)                                                                                  \
    {                                                                                              \
        .type = RULE_ACTION_ADD_ATTRIBUTES, .attributes = S(json)                                  \
    }
#define PLAY                                                                                       \
    {                                                                                              \
        .type = RULE_ACTION_PLAY_MESSAGE, .message = S("x")                                        \
    }
#define HANG_UP                                                                                    \
    {                                                                                              \
        .type = RULE_ACTION_HANG_UP                                                                \
    }
#define CONTINUE                                                                                   \
    {                                                                                              \
        .type = RULE_ACTION_CONTINUE                                                               \
    }
#define TRANSFER(to)                                                                               \
    {                                                                                              \
        .type = RULE_ACTION_TRANSFER, .target = S(to)                                              \
    }

static void what_is_wrong_in_itself_is_refused(void)
{
    static const struct {
        struct rule_action actions[3];
        size_t count;
        const char *reason;
        const char *field;
    } rows[] = {
        {{QUEUE},                                                                                  0, "ACTIONS_INVALID",       "actions"              },
        {{{.type = RULE_ACTION_NONE}},                                                             1, "ACTION_INVALID",        "actions[0].type"      },
        {{{.type = RULE_ACTION_COUNT}},                                                            1, "ACTION_INVALID",        "actions[0].type"      },
        {{{.type = RULE_ACTION_ROUTE_TO_QUEUE}},                                                   1, "ACTION_INCOMPLETE",     "actions[0].target"    },
        {{QUEUE, {.type = RULE_ACTION_TRANSFER}},                                                  2, "ACTION_INCOMPLETE",     "actions[1].target"    },
        {{{.type = RULE_ACTION_SET_PRIORITY}},                                                     1, "ACTION_INCOMPLETE",     "actions[0].priority"  },
        {{{.type = RULE_ACTION_SET_TIMEOUT}},                                                      1, "ACTION_INCOMPLETE",     "actions[0].timeout"   },
        {{{.type = RULE_ACTION_ADD_ATTRIBUTES}},                                                   1, "ACTION_INCOMPLETE",     "actions[0].attributes"},
        {{{.type = RULE_ACTION_PLAY_MESSAGE}},                                                     1, "ACTION_INCOMPLETE",     "actions[0].message"   },
        {{{.type = RULE_ACTION_HANG_UP, .target = S("x")}},
         1,                                                                                           "ACTION_INVALID",
         "actions[0].target"                                                                                                                          },
        {{{.type = RULE_ACTION_ROUTE_TO_QUEUE, .target = S("x"), .message = S("x")}},
         1,                                                                                           "ACTION_INVALID",
         "actions[0].message"                                                                                                                         },
        {{{.type = RULE_ACTION_SET_PRIORITY, .has_priority = true, .priority = -1}},
         1,                                                                                           "ACTION_INVALID",
         "actions[0].priority"                                                                                                                        },
        {{{.type = RULE_ACTION_SET_TIMEOUT, .has_timeout = true}},
         1,                                                                                           "ACTION_INVALID",
         "actions[0].timeout"                                                                                                                         },
        {{ADD("{\"a\":")},                                                                         1, "JSON_INVALID",          "actions[0].attributes"},
        {{ADD("[1]")},                                                                             1, "JSON_INVALID",          "actions[0].attributes"},
        {{ADD("{}")},                                                                              1, "ACTION_WITHOUT_EFFECT", "actions[0].attributes"},
        {{TRANSFER("5125550100")},                                                                 1, "ACTION_INVALID",        "actions[0].target"    },
        {{TRANSFER("+05125550100")},                                                               1, "ACTION_INVALID",        "actions[0].target"    },
        {{TRANSFER("+1512555010x")},                                                               1, "ACTION_INVALID",        "actions[0].target"    },
        {{TRANSFER("sip:desk")},                                                                   1, "ACTION_INVALID",        "actions[0].target"    },
        {{TRANSFER("sip:a b@c")},                                                                  1, "ACTION_INVALID",        "actions[0].target"    },
        {{{.type = RULE_ACTION_PLAY_MESSAGE, .message = S("a\0b")}},
         1,                                                                                           "ACTION_INVALID",
         "actions[0].message"                                                                                                                         },
        {{QUEUE, WORKER},                                                                          2, "ACTION_WITHOUT_EFFECT", "actions[1]"           },
        {{HANG_UP, PLAY},                                                                          2, "ACTION_WITHOUT_EFFECT", "actions[1]"           },
        {{HANG_UP, TRANSFER("+15125550100")},                                                      2, "ACTION_WITHOUT_EFFECT", "actions[1]"           },
        {{PRIORITY, PRIORITY},                                                                     2, "ACTION_WITHOUT_EFFECT", "actions[1]"           },
        {{{.type = RULE_ACTION_ROUTE_TO_QUEUE, .target = S("x"), .has_priority = true}, PRIORITY},
         2,                                                                                           "ACTION_WITHOUT_EFFECT",
         "actions[1]"                                                                                                                                 },
        {{TIMEOUT, TIMEOUT},                                                                       2, "ACTION_WITHOUT_EFFECT", "actions[1]"           },
        {{ADD("{\"a\":1}"), ADD("{\"a\":2}")},                                                     2, "ACTION_WITHOUT_EFFECT", "actions[1]"           },
        {{CONTINUE},                                                                               1, "ACTION_WITHOUT_EFFECT", "actions"              },
        {{QUEUE, CONTINUE, CONTINUE},                                                              3, "ACTION_WITHOUT_EFFECT", "actions[2]"           },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        enum err_code code = rule_actions_check(rows[i].actions, rows[i].count, &err);
        if (code != ERR_INVALID_ARGUMENT)
            (void)printf("\n    row %zu\n", i);
        CHECK_I64(code, ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.field, rows[i].field);
        CHECK_TEXT(err.reason, rows[i].reason);
    }
}

static void sensible_combinations_are_taken(void)
{
    static const struct {
        struct rule_action actions[3];
        size_t count;
    } rows[] = {
        {{QUEUE, PRIORITY, TIMEOUT},                                            3},
        {{PLAY, QUEUE, {.type = RULE_ACTION_VOICEMAIL}},                        3},
        {{PLAY, PLAY, TRANSFER("sip:desk@example.com")},                        3},
        {{ADD("{\"a\":1}"), ADD("{\"a\":2,\"b\":2}"), CONTINUE},                3},
        {{{.type = RULE_ACTION_CONTINUE, .has_priority = true, .priority = 1}}, 1},
        {{TRANSFER("+15125550100")},                                            1},
        {{{.type = RULE_ACTION_HANG_UP, .message = S("Bye")}},                  1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        CHECK_I64(rule_actions_check(rows[i].actions, rows[i].count, &err), ERR_OK);
        CHECK_TEXT(err.detail, "");
    }
}

static void texts_are_bounded(void)
{
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i <= RULE_MAX_MESSAGE_CHARS; i++)
        buf_text(&text, "\xC3\xA9");
    struct rule_action action = {.type = RULE_ACTION_PLAY_MESSAGE, .message = buf_str(&text)};
    struct err err = {0};
    CHECK(rule_actions_check(&action, 1, &err) != ERR_OK);
    CHECK_TEXT(err.field, "actions[0].message");
    action.message.len -= 2;
    CHECK_I64(rule_actions_check(&action, 1, &err), ERR_OK);
    action = (struct rule_action){.type = RULE_ACTION_ROUTE_TO_QUEUE, .target = buf_str(&text)};
    CHECK(rule_actions_check(&action, 1, &err) != ERR_OK);
    CHECK_TEXT(err.field, "actions[0].target");
    buf_clear(&text);
    buf_text(&text, "{\"a\":\"");
    for (int i = 0; i < RULE_MAX_ATTRIBUTES_CHARS; i++)
        buf_char(&text, 'a');
    buf_text(&text, "\"}");
    action = (struct rule_action){.type = RULE_ACTION_ADD_ATTRIBUTES, .attributes = buf_str(&text)};
    CHECK(rule_actions_check(&action, 1, &err) != ERR_OK);
    CHECK_TEXT(err.field, "actions[0].attributes");
    buf_fini(&text);
}

static void actions_have_names(void)
{
    CHECK_TEXT(rule_action_name(RULE_ACTION_ROUTE_TO_QUEUE), "route_to_queue");
    CHECK_TEXT(rule_action_name(RULE_ACTION_CONTINUE), "continue");
    CHECK_TEXT(rule_action_name(RULE_ACTION_COUNT), "none");
}

static const struct test_case cases[] = {
    {"what is wrong in itself is refused", what_is_wrong_in_itself_is_refused},
    {"sensible combinations are taken",    sensible_combinations_are_taken   },
    {"texts are bounded",                  texts_are_bounded                 },
    {"actions have names",                 actions_have_names                },
};

int main(int argc, char **argv)
{
    return testing_main("actions", cases, ARRAY_LEN(cases), argc, argv);
}
