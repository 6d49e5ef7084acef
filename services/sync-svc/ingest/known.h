/*
 * Resources that we need not look up again for a while: their owner has them, or Twilio has not.
 * A memory, no truth: what is forgotten is looked up. Threads: any.
 */
#pragma once

#include <stdbool.h>

struct known;

struct known *known_new(void);
void known_free(struct known *known); /* NULL is allowed */

bool known_has(struct known *known, const char *sid);
void known_add(struct known *known, const char *sid);
