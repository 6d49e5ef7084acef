/*
 * Passwords as Argon2id encoded strings ("$argon2id$v=19$..."), 19 MiB, 2 passes, 1 lane (OWASP's
 * floor). Costs about 20-50 ms of a core and 19 MiB per call by design: callers bound how many run
 * at a time.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#define CRYPT_PASSWORD_SIZE 128 /* encoded hash and its NUL */

enum { CRYPT_PASSWORD_MIN_CHARS = 10, CRYPT_PASSWORD_MAX_BYTES = 1024 };

/* Errors: INVALID_ARGUMENT, field "password", when too short, too long or not UTF-8; INTERNAL. */
enum err_code crypt_password_hash(struct str password, char out[CRYPT_PASSWORD_SIZE],
                                  struct err *err) MUST_CHECK;

/* Errors: UNAUTHENTICATED, reason PASSWORD_WRONG; INTERNAL when encoded is no Argon2id hash. */
enum err_code crypt_password_verify(struct str password, const char *encoded,
                                    struct err *err) MUST_CHECK;

/* The same work with nothing to compare against: for unknown users, so that time does not tell. */
void crypt_password_pretend(struct str password);

/* True when encoded was made with weaker costs than today's and should be replaced at next login.
 */
bool crypt_password_is_outdated(const char *encoded);
