/* Keywords are found in texts. */
#include "rules/keywords.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "jx/writer.h"
#include "rules/rules.h"

struct keyword_set {
    struct arena *arena;
};

const struct keyword_def rule_default_keywords[] = {{.sid = {0}}};
const size_t rule_default_keyword_count = 0;

enum err_code keyword_check(const struct keyword_def *def, struct err *err)
{
    if (def->phrase_count == 0 || def->phrase_count > KEYWORD_MAX_PHRASES)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PHRASES_INVALID", "phrases",
                         "A keyword has 1 to %d phrases.", KEYWORD_MAX_PHRASES);
    return ERR_OK;
}

enum err_code keyword_set_new(const struct keyword_def *defs, size_t count,
                              struct keyword_set **out, struct err *err)
{
    (void)defs;
    if (count > KEYWORD_MAX_DEFS)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "KEYWORDS_TOO_MANY",
                       "There are %zu keywords; at most %d can be used.", count, KEYWORD_MAX_DEFS);
    *out = xcalloc(1, sizeof **out);
    return ERR_OK;
}

void keyword_set_free(struct keyword_set *set)
{
    free(set);
}

enum err_code keyword_set_detect(const struct keyword_set *set, struct str text,
                                 struct arena *arena, struct keyword_result *out, struct err *err)
{
    (void)set;
    (void)arena;
    if (!str_is_utf8(text))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TEXT_INVALID", "text",
                         "The text is not valid UTF-8.");
    *out = (struct keyword_result){0};
    return ERR_OK;
}

enum err_code keyword_result_merge(const struct keyword_result *result, struct str attributes,
                                   struct buf *out, struct err *err)
{
    struct buf added;
    struct jx_writer w;
    buf_init(&added, 0);
    jx_writer_init(&w, &added);
    jx_object_begin(&w);
    if (result->phrase_count > 0) {
        jx_key(&w, "keywords");
        jx_array_begin(&w);
        for (size_t i = 0; i < result->phrase_count; i++)
            jx_str(&w, result->phrases[i]);
        jx_array_end(&w);
        if (result->department.len > 0)
            jx_put_str(&w, "department", result->department);
        jx_key(&w, "confidence");
        jx_double(&w, result->confidence);
    }
    jx_object_end(&w);
    enum err_code code = jx_writer_finish(&w, err);
    if (code == ERR_OK)
        code = rule_attributes_merge(attributes, buf_str(&added), false, out, err);
    buf_fini(&added);
    return code;
}
