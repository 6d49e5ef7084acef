/* The rule at the end of a TZif file, as in POSIX's TZ ("CST6CDT,M3.2.0,M11.1.0"): how the offset
 * goes on changing behind the listed moments. */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "tzif.h"

/* Appends the changes after from_s until TZIF_YEAR_END. False when the text is no such rule. */
bool posix_rule_extend(struct str text, int64_t from_s, struct tzif_changes *changes);
