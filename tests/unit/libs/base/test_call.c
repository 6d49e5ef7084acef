#include "base/call.h"

#include "base/clock.h"
#include "base/parse.h"
#include "testing.h"

static void a_fresh_call_asks_for_nobody(void)
{
    struct call call;
    call_init(&call, NULL, "test", 0);
    CHECK_I64(call.who.role, ROLE_NONE);
    CHECK_TEXT(call.who.actor_sid, "");
    CHECK_TEXT(call.who.account_sid, "");
    CHECK_TEXT(call.who.worker_sid, "");
    CHECK_TEXT(call.who.workspace_sid, "");
    CHECK(parse_is_sid(str_from(call.request_id), "RQ"));
    CHECK_TEXT(call.traceparent, "");
    CHECK_TEXT(call.name, "test");
}

static void the_deadline_runs_down(void)
{
    struct call call;
    struct err err = {0};
    call_init(&call, NULL, "test", 60 * US_PER_S);
    CHECK(call_left_us(&call) > 59 * US_PER_S && call_left_us(&call) <= 60 * US_PER_S);
    CHECK(call_check(&call, &err) == ERR_OK);
    call.deadline_mono_us = clock_mono_us() - 1;
    CHECK_I64(call_left_us(&call), 0);
    CHECK(call_check(&call, &err) == ERR_DEADLINE_EXCEEDED);
    CHECK_TEXT(err.reason, "DEADLINE_EXCEEDED");
    call_init(&call, NULL, "job", 0);
    CHECK(call_left_us(&call) == INT64_MAX);
    CHECK(call_check(&call, NULL) == ERR_OK);
}

static void roles_have_names_and_an_order(void)
{
    for (int i = ROLE_NONE + 1; i < ROLE_COUNT; i++)
        CHECK_I64(role_from(role_name((enum role)i)), i);
    CHECK_I64(role_from("none"), ROLE_NONE);
    CHECK_I64(role_from("root"), ROLE_NONE);
    CHECK_I64(role_from(NULL), ROLE_NONE);
    CHECK_TEXT(role_name(ROLE_COUNT), "none");
    CHECK(ROLE_VIEWER < ROLE_AGENT && ROLE_ADMIN < ROLE_SERVICE);
}

static enum err_code not_found(struct err *err)
{
    return ERR_FIELD(err, ERR_NOT_FOUND, "TASK_NOT_FOUND", "sid", "task %s is gone", "WT1");
}

static void an_error_carries_its_place_and_texts(void)
{
    struct err err = {0};
    CHECK(not_found(&err) == ERR_NOT_FOUND);
    CHECK_I64(err.code, ERR_NOT_FOUND);
    CHECK_TEXT(err.reason, "TASK_NOT_FOUND");
    CHECK_TEXT(err.field, "sid");
    CHECK_TEXT(err.detail, "task WT1 is gone");
    CHECK(err.line > 0 && strstr(err.file, "test_call.c") != NULL);
    CHECK(err_wrap(&err, "shard %d", 3) == ERR_NOT_FOUND);
    CHECK_TEXT(err.detail, "shard 3: task WT1 is gone");
    CHECK(not_found(NULL) == ERR_NOT_FOUND);
    err_clear(&err);
    CHECK_I64(err.code, ERR_OK);
    CHECK_TEXT(err.detail, "");
    err_clear(NULL);
}

static void long_texts_are_cut(void)
{
    static char text[2000];
    struct err err = {0};
    memset(text, 'x', sizeof text - 1);
    CHECK(ERR_FIELD(&err, ERR_INTERNAL, "LONG", text, "%s", text) == ERR_INTERNAL);
    CHECK_I64(strlen(err.field), sizeof err.field - 1);
    CHECK_I64(strlen(err.detail), sizeof err.detail - 1);
    CHECK(err_wrap(&err, "%s", text) == ERR_INTERNAL);
    CHECK_I64(strlen(err.detail), sizeof err.detail - 1);
}

static void codes_map_to_http(void)
{
    CHECK_I64(err_http_status(ERR_OK), 200);
    CHECK_I64(err_http_status(ERR_RESOURCE_EXHAUSTED), 429);
    CHECK_I64(err_http_status((enum err_code)99), 500);
    CHECK(err_is_retryable(ERR_UNAVAILABLE));
    CHECK(!err_is_retryable(ERR_INVALID_ARGUMENT));
    CHECK_TEXT(err_code_name(ERR_UNAUTHENTICATED), "UNAUTHENTICATED");
    CHECK_TEXT(err_code_name((enum err_code)99), "UNKNOWN");
}

static const struct test_case cases[] = {
    {"a fresh call asks for nobody",         a_fresh_call_asks_for_nobody        },
    {"the deadline runs down",               the_deadline_runs_down              },
    {"roles have names and an order",        roles_have_names_and_an_order       },
    {"an error carries its place and texts", an_error_carries_its_place_and_texts},
    {"long error texts are cut",             long_texts_are_cut                  },
    {"codes map to HTTP",                    codes_map_to_http                   },
};

int main(int argc, char **argv)
{
    return testing_main("call", cases, ARRAY_LEN(cases), argc, argv);
}
