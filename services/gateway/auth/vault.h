/*
 * The secrets of accounts and keys as they lie in the database, opened with a key that only the
 * configuration has. Without such a key nothing new can be put away and nothing there is readable.
 * Threads: any.
 */
#pragma once

#include "base/call.h"
#include "base/err.h"
#include "base/str.h"

struct vault;

/* Keys in hexadecimal; key NULL: none. previous: what secrets were sealed with before, or NULL.
 * Errors: INVALID_ARGUMENT SEAL_KEY_INVALID. */
enum err_code vault_new(const char *key, const char *previous, struct vault **out,
                        struct err *err) MUST_CHECK;
void vault_free(struct vault *vault); /* NULL is allowed; wipes the keys */

/* sid: whose secret it is. Results live in call->arena. Errors: FAILED_PRECONDITION
 * SECRET_KEY_MISSING; INTERNAL. */
enum err_code vault_seal(const struct vault *vault, struct call *call, const char *sid,
                         struct str secret, struct str *out_sealed, struct err *err) MUST_CHECK;

/* Errors: UNAVAILABLE SECRET_KEY_MISSING when it was sealed with a key that is not here; INTERNAL
 * SEAL_BROKEN. */
enum err_code vault_open(const struct vault *vault, struct call *call, const char *sid,
                         struct str sealed, struct str *out_secret, struct err *err) MUST_CHECK;
