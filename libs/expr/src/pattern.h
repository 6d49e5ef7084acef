/* Regular expressions (PCRE2) behind bounds: the only file that knows the library is pattern.c. */
#pragma once

#include "expr/expr.h"

struct pattern;

/* What is wrong, and where. */
struct pattern_fault {
    size_t at; /* byte of the text */
    char why[160];
};

/* NULL with the fault filled. text must stay valid as long as the pattern. Ownership: the caller's.
 */
struct pattern *pattern_new(struct str text, struct pattern_fault *out_fault);
void pattern_free(struct pattern *pattern);

/* The text it was made of. */
const struct expr_value *pattern_value(const struct pattern *pattern);

/* Whether it is found in the subject; false when it gives up. budget may be NULL. Threads: any. */
bool pattern_test(const struct pattern *pattern, struct str subject, struct expr_budget *budget);
