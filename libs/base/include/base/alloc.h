/* Heap allocation that aborts instead of returning NULL: for long-lived memory with a named owner.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

void *xcalloc(size_t count, size_t size);
void *xrealloc(void *ptr, size_t count, size_t size); /* count * size, overflow-checked */
char *xstrdup(const char *text);                      /* NULL gives NULL */
char *xstr_dup(struct str text);                      /* NUL-terminated */
