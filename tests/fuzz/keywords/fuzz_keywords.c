/*
 * Input: lines with phrases, then an empty line, then a text. What is found must be one of the
 * phrases, lie within the text and be found in itself; folding twice changes nothing.
 */
#include "rules/keywords.h"

#include "fuzz.h"

enum { MAX_PHRASES = 16, ARENA_BYTES = 32 << 20 };

static void check_result(const struct keyword_result *out, struct str text,
                         const struct str *phrases, size_t count)
{
    size_t characters = str_utf8_count(text);
    INVARIANT(out->match_count <= KEYWORD_MAX_MATCHES && out->phrase_count <= out->match_count);
    INVARIANT((out->match_count > 0) == (out->confidence > 0));
    for (size_t i = 0; i < out->match_count; i++) {
        const struct keyword_match *match = &out->matches[i];
        bool is_known = false;
        for (size_t k = 0; k < count; k++)
            is_known = is_known || str_eq(phrases[k], match->phrase);
        INVARIANT(is_known && match->position < characters);
        INVARIANT(i == 0 || match->position >= out->matches[i - 1].position);
    }
}

/* A phrase is found in a text that is nothing but the phrase. */
static void try_itself(const struct keyword_set *set, struct str phrase)
{
    struct err err = {0};
    struct keyword_result out;
    struct arena *arena = arena_new(ARENA_BYTES);
    if (keyword_set_detect(set, phrase, arena, &out, &err) == ERR_OK)
        INVARIANT(out.match_count > 0);
    arena_free(arena);
}

static void try_merge(const struct keyword_result *out)
{
    struct err err = {0};
    struct buf merged;
    buf_init(&merged, 0);
    enum err_code code = keyword_result_merge(out, STR("{\"a\":1}"), &merged, &err);
    INVARIANT(code == ERR_OK && merged.len > 0);
    buf_fini(&merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct str rest = {.ptr = size == 0 ? "" : (const char *)data, .len = size};
    struct str phrases[MAX_PHRASES];
    struct keyword_set *set = NULL;
    struct keyword_result out;
    size_t count = 0;
    while (rest.ptr != NULL && count < MAX_PHRASES) {
        phrases[count] = str_split(&rest, '\n');
        if (phrases[count].len == 0)
            break;
        struct keyword_def one = {
            .phrases = &phrases[count], .phrase_count = 1, .department = STR("d")};
        if (keyword_check(&one, &err) == ERR_OK)
            count++;
        else
            INVARIANT(err.field[0] != '\0' && err.detail[0] != '\0');
    }
    struct keyword_def def = {
        .phrases = phrases, .phrase_count = count, .department = STR("d"), .is_enabled = true};
    enum err_code code = keyword_set_new(&def, 1, &set, &err);
    INVARIANT(code == ERR_OK);
    struct arena *arena = arena_new(ARENA_BYTES);
    if (keyword_set_detect(set, rest, arena, &out, &err) == ERR_OK) {
        check_result(&out, rest, phrases, count);
        try_merge(&out);
    } else {
        INVARIANT(!str_is_utf8(rest));
    }
    for (size_t i = 0; i < count; i++)
        try_itself(set, phrases[i]);
    arena_free(arena);
    keyword_set_free(set);
    return 0;
}
