#include "svc/match.h"

#include "testing.h"

static struct arena *arena;
static const char *const names[] = {"sid", "friendly_name"};

/* The documents of all keys, keys separated by " & ". */
static const char *docs_of(const struct match *match)
{
    char *text = arena_strdup(arena, "");
    for (size_t i = 0; i < match->key_count; i++) {
        for (size_t j = 0; j < match->keys[i].count; j++)
            text = arena_printf(arena, "%s%s%.*s", text,
                                j > 0   ? " | "
                                : i > 0 ? " & "
                                        : "",
                                STR_ARG(match->keys[i].docs[j]));
    }
    return text;
}

static void test_keys(void)
{
    static const struct {
        const char *expression;
        const char *docs;
    } rows[] = {
        {"type == 'ticket'",                          "{\"type\":\"ticket\"}"                  },
        {"'ticket' = worker.type",                    "{\"type\":\"ticket\"}"                  },
        {"skills HAS 'a\"b\\\\c'",                    "{\"skills\":[\"a\\\"b\\\\c\"]}"         },
        {"a.b.c == 'x'",                              "{\"a\":{\"b\":{\"c\":\"x\"}}}"          },
        {"a.b[2] == 'x'",                             "{\"a\":{\"b\":[\"x\"]}}"                },
        {"a[0][1].c HAS 'x'",                         "{\"a\":[[{\"c\":[\"x\"]}]]}"            },
        {"vip == true",                               "{\"vip\":true}"                         },
        {"lang IN ['en', 'es']",                      "{\"lang\":\"en\"} | {\"lang\":\"es\"}"  },
        {"lang == 'en' AND tier == 'gold' AND n > 3", "{\"lang\":\"en\"} & {\"tier\":\"gold\"}"},
        {"level == 5",                                ""                                       },
        {"level == '5'",                              ""                                       },
        {"level IN ['a', '7']",                       ""                                       },
        {"x == null",                                 ""                                       },
        {"x != 'y'",                                  ""                                       },
        {"x == 'y' OR z == 'y'",                      ""                                       },
        {"x CONTAINS 'y'",                            ""                                       },
        {"sid == 'WK1'",                              ""                                       },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct match match;
        match_init(&match, arena, &expr_context_queue, names, ARRAY_LEN(names));
        CHECK_I64(match_add(&match, "f", "F", rows[i].expression, NULL), ERR_OK);
        CHECK_TEXT(docs_of(&match), rows[i].docs);
        match_fini(&match);
    }
}

static void test_rows(void)
{
    struct match match;
    const char *values[] = {"WK1", "Anna"};
    match_init(&match, arena, &expr_context_queue, names, ARRAY_LEN(names));
    CHECK_I64(match_add(&match, "f", "F", "friendly_name == 'Anna' AND level > 2", NULL), ERR_OK);
    CHECK_TEXT(match.equals[1], "Anna");
    CHECK_TEXT(match.equals[0], "");
    CHECK_I64(match_add(&match, "f", "F", "lang == 'en'", NULL), ERR_OK);
    CHECK(match_row(&match, STR("{\"level\":3,\"lang\":\"en\"}"), values));
    CHECK(!match_row(&match, STR("{\"level\":3,\"lang\":\"es\"}"), values));
    CHECK(!match_row(&match, STR("{\"level\":2,\"lang\":\"en\"}"), values));
    CHECK(!match_row(&match, STR("no JSON"), values));
    values[1] = "Bob";
    CHECK(!match_row(&match, STR("{\"level\":3,\"lang\":\"en\"}"), values));
    match_fini(&match);

    struct err err = {.code = ERR_OK};
    match_init(&match, arena, &match_context_task, NULL, 0);
    CHECK_I64(match_add(&match, "field", "Shown", "a == ", &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "field");
    CHECK_TEXT(err.reason, "EXPRESSION_INVALID");
    CHECK_I64(match_add(&match, "field", "Shown", "task.type == 'x'", &err), ERR_OK);
    CHECK(match_row(&match, STR("{\"type\":\"x\"}"), NULL));
    CHECK_I64(match_add(&match, "field", "Shown", "1==2", &err), ERR_OK);
    CHECK(match.is_never);
    match_fini(&match);
}

static void test_scan(void)
{
    struct match_scan rare = {.page_size = 50, .can_find = true};
    CHECK_I64(match_next(&rare, MATCH_BATCH, MATCH_BATCH, 3), MATCH_GO_ON);
    CHECK_I64(match_next(&rare, MATCH_BATCH, MATCH_BATCH, 3), MATCH_FIND);
    CHECK(match_found(&rare, MATCH_FOUND_MAX));
    for (int i = 0; i < 100; i++) /* without an end but that of the rows */
        CHECK_I64(match_next(&rare, MATCH_BATCH, MATCH_BATCH, 3), MATCH_GO_ON);
    CHECK_I64(match_next(&rare, MATCH_BATCH, 7, 3), MATCH_DONE);

    struct match_scan common = {.page_size = 50, .can_find = true};
    CHECK_I64(match_next(&common, MATCH_BATCH, MATCH_BATCH, 51), MATCH_DONE);

    struct match_scan neither = {.page_size = 50, .can_find = true};
    CHECK_I64(match_next(&neither, MATCH_BATCH, MATCH_BATCH, 0), MATCH_GO_ON);
    CHECK_I64(match_next(&neither, MATCH_BATCH, MATCH_BATCH, 0), MATCH_FIND);
    CHECK(!match_found(&neither, MATCH_FOUND_MAX + 1));
    size_t rows = 2 * MATCH_BATCH;
    enum match_step step = MATCH_GO_ON;
    for (; step == MATCH_GO_ON; rows += MATCH_BATCH)
        step = match_next(&neither, MATCH_BATCH, MATCH_BATCH, 0);
    CHECK_I64(step, MATCH_STOP);
    CHECK_I64(rows, MATCH_SCAN_MAX);
}

static const struct test_case cases[] = {
    {"what an expression says of attributes becomes documents", test_keys},
    {"all conditions are tested on every row",                  test_rows},
    {"reading goes on as far as it is worth it",                test_scan},
};

int main(int argc, char **argv)
{
    arena = arena_new(4 << 20);
    int status = testing_main("svc match", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
