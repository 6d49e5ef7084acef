#include "keyword.h"

struct keyword_def keyword_to_def(const struct keyword *keyword)
{
    return (struct keyword_def){
        .sid = str_from(keyword->sid),
        .phrases = keyword->phrases,
        .phrase_count = keyword->phrase_count,
        .department = str_from(keyword->department),
        .priority = str_from(keyword->priority),
        .confidence = keyword->confidence,
        .is_enabled = keyword->is_enabled,
    };
}

enum err_code keyword_check_fields(const struct keyword *keyword, struct err *err)
{
    size_t chars = str_utf8_count(str_from(keyword->description));
    if (chars > KEYWORD_DESCRIPTION_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_LONG", "description",
                         "description has %zu characters; it may have at most %d", chars,
                         KEYWORD_DESCRIPTION_MAX);
    struct keyword_def def = keyword_to_def(keyword);
    return keyword_check(&def, err);
}
