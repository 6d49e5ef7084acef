/* Names that people give to things and programs show to others. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* 1 to max_chars characters (code points), not white space alone, none of them a control character
 * (which logs, terminals and forms would act upon). text: well-formed UTF-8. */
bool name_is_good(struct str text, size_t max_chars);
