/* The reader of attributes against jansson: what one takes the other takes, and both see the same.
 * Documents are valid ones with a few bytes changed, so that most are nearly right. (Integers
 * beyond 64 bits, where we go on with a double, do not come out of it.) */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "expr/expr.h"
#include "jx/jx.h"
#include "testing.h"

enum { DOCUMENTS = 60000, MAX_CHANGES = 5, ROOM = 256 };

static const char *const seeds[] = {
    "{\"a\":1,\"b\":\"some words and more\",\"c\":[true,false,null]}",
    "{ \"a\" : -12.5e+3 , \"b\" : \"\\u00e9\\n\\\"x\\\"\" , \"c\" : {\"d\":{}} }",
    "{\"a\":12345678901234,\"b\":\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\",\"c\":0}",
    "{\"a\":\"12345678\",\"b\":\"1234567\\t\",\"c\":[],\"a\":2}",
    "{\"a\":\"\\ud83d\\ude00\",\"b\":0.25,\"c\":-0}",
    "{}",
};

static const char pieces[] = "{}[]\",:\\/0123456789eE+-. \t\n\rabcutfnl\x01\x1F\x7F\x80\xC3\xBF";

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static char piece(uint32_t *state)
{
    return pieces[next(state) % (sizeof pieces - 1)];
}

static size_t change(char *text, size_t len, uint32_t *state)
{
    size_t at = next(state) % (len + 1);
    switch (next(state) % 4) {
    case 0:
        memmove(text + at + 1, text + at, len - at);
        text[at] = piece(state);
        return len + 1;
    case 1:
        if (at == len)
            return len;
        memmove(text + at, text + at + 1, len - at - 1);
        return len - 1;
    case 2:
        if (at < len)
            text[at] = piece(state);
        return len;
    default:
        return len > 4 && next(state) % 8 == 0 ? len - next(state) % 4 : len;
    }
}

static bool same_value(struct expr_value value, const json_t *json)
{
    switch (expr_value_kind(value)) {
    case EXPR_KIND_STR:
        return json_is_string(json) &&
               str_eq(expr_value_text(value),
                      (struct str){json_string_value(json), json_string_length(json)});
    case EXPR_KIND_I64: /* "1.0" is an integer to us */
        return json_is_number(json) &&
               (json_is_integer(json) ? json_integer_value(json) == value.as.i64
                                      : json_real_value(json) == (double)value.as.i64);
    case EXPR_KIND_F64:
        return json_is_real(json) && json_real_value(json) == value.as.f64;
    case EXPR_KIND_BOOL:
        return json_is_boolean(json) && json_is_true(json) == (value.as.i64 != 0);
    case EXPR_KIND_ARRAY:
        return json_is_array(json) && json_array_size(json) == value.len;
    case EXPR_KIND_OBJECT:
        return json_is_object(json);
    case EXPR_KIND_NONE:
        return json == NULL || json_is_null(json);
    case EXPR_KIND_COUNT:
        break;
    }
    return false;
}

static bool same_members(const struct expr_record *record, const json_t *json)
{
    static const char *const names[] = {"a", "b", "c"};
    struct expr_env env = {.records = {[EXPR_SLOT_TASK] = record}};
    bool is_same = true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct expr_path *path = NULL;
        struct err err;
        char name[] = "task.?";
        name[5] = names[i][0];
        CHECK(expr_path_compile(str_from(name), &expr_context_target, &path, &err) == ERR_OK);
        is_same = is_same && same_value(expr_path_get(path, &env), json_object_get(json, names[i]));
        expr_path_free(path);
    }
    return is_same;
}

static void both_readers_take_and_see_the_same(void)
{
    struct jx_limits limits = {.allows_duplicates = true};
    uint32_t state = 7;
    size_t taken = 0;
    for (int i = 0; i < DOCUMENTS; i++) {
        char text[ROOM];
        const char *seed = seeds[next(&state) % ARRAY_LEN(seeds)];
        size_t len = strlen(seed);
        memcpy(text, seed, len);
        for (uint32_t left = next(&state) % MAX_CHANGES; left > 0; left--)
            len = change(text, len, &state);
        char *exact = memcpy(malloc(len + 1), text, len); /* so that the sanitizer sees its end */
        struct str json = {realloc(exact, len == 0 ? 1 : len), len};
        struct expr_record *record = NULL;
        AUTO(jx_cleanup) json_t *value = NULL;
        struct err err;
        bool is_ours = expr_record_new(json, &record, &err) == ERR_OK;
        bool is_theirs = jx_parse_object(json, &limits, &value, &err) == ERR_OK;
        CHECK(is_ours == is_theirs);
        CHECK(is_ours == (expr_record_check(json, &err) == ERR_OK));
        CHECK(!is_ours || same_members(record, value));
        taken += is_ours ? 1 : 0;
        if (is_ours != is_theirs || (is_ours && !same_members(record, value)))
            (void)fprintf(stderr, "%.*s\n", STR_ARG(json));
        expr_record_free(record);
        free((void *)(uintptr_t)json.ptr);
    }
    CHECK(taken > DOCUMENTS / 5 && taken < DOCUMENTS * 4 / 5);
}

/* The memory of one record for all: nothing of an earlier document shows through, and a refused one
 * leaves the record as it was. */
static void a_renewed_record_is_like_a_new_one(void)
{
    struct expr_record *reused = NULL;
    uint32_t state = 11;
    for (int i = 0; i < DOCUMENTS / 10; i++) {
        char text[ROOM];
        const char *seed = seeds[next(&state) % ARRAY_LEN(seeds)];
        size_t len = strlen(seed);
        memcpy(text, seed, len);
        for (uint32_t left = next(&state) % MAX_CHANGES; left > 0; left--)
            len = change(text, len, &state);
        struct str json = {text, len};
        struct jx_limits limits = {.allows_duplicates = true};
        AUTO(jx_cleanup) json_t *value = NULL;
        AUTO(jx_cleanup) json_t *before = NULL;
        struct err err;
        if (reused != NULL)
            CHECK(jx_parse_object(expr_record_json(reused), &limits, &before, &err) == ERR_OK);
        if (expr_record_renew(json, &reused, &err) != ERR_OK) {
            CHECK(reused == NULL || same_members(reused, before));
            continue;
        }
        CHECK(str_eq(expr_record_json(reused), json));
        CHECK(jx_parse_object(json, &limits, &value, &err) == ERR_OK);
        CHECK(same_members(reused, value));
    }
    expr_record_free(reused);
}

static const struct test_case cases[] = {
    {"both readers take and see the same", both_readers_take_and_see_the_same},
    {"a renewed record is like a new one", a_renewed_record_is_like_a_new_one},
};

int main(int argc, char **argv)
{
    return testing_main("expr record against jansson", cases, ARRAY_LEN(cases), argc, argv);
}
