/* A keyword rule as it is stored; what must hold for one is libs/rules' keyword_check. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "rules/keywords.h"

#define KEYWORD_DESCRIPTION_MAX 1000 /* characters */

/* Texts are borrowed. */
struct keyword {
    const char *sid;
    const char *account_sid;
    const char *workspace_sid;
    const struct str *phrases;
    size_t phrase_count;
    const char *department;
    const char *priority;
    double confidence;
    bool is_enabled;
    const char *description;
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
};

/* Errors: INVALID_ARGUMENT naming the field. */
enum err_code keyword_check_fields(const struct keyword *keyword, struct err *err) MUST_CHECK;

/* Views into the keyword. */
struct keyword_def keyword_to_def(const struct keyword *keyword);
