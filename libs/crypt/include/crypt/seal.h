/*
 * Secrets that have to be had back, as they are stored: AES-256-GCM under a key that is not in the
 * database. What a secret belongs to (its context, "SK… secret") is bound in, so that a sealed text
 * copied to another row or column opens nothing. Error texts never hold a secret or a key.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define CRYPT_SEAL_KEY_DIGITS 64 /* of a key in a configuration: 256 bits in hexadecimal */
#define CRYPT_SEAL_ID_SIZE    4
#define CRYPT_SEAL_OVERHEAD   33 /* format, key id, nonce and tag around the secret */

struct crypt_seal_key {
    unsigned char bytes[32];
    unsigned char id[CRYPT_SEAL_ID_SIZE]; /* tells keys apart without telling them */
};

/* Errors: INVALID_ARGUMENT SEAL_KEY_INVALID. */
enum err_code crypt_seal_key_read(struct str hex, struct crypt_seal_key *out,
                                  struct err *err) MUST_CHECK;

/* Appended to out (sticky). Errors: INTERNAL CRYPTO_FAILED. Threads: any. */
enum err_code crypt_seal(const struct crypt_seal_key *key, struct str context, struct str secret,
                         struct buf *out, struct err *err) MUST_CHECK;

/*
 * Opens with the one of the keys that sealed it; the secret is appended to out. Errors:
 * FAILED_PRECONDITION SEAL_KEY_UNKNOWN when none of them did; INTERNAL SEAL_BROKEN when the text or
 * its context is not what was sealed. Threads: any.
 */
enum err_code crypt_unseal(const struct crypt_seal_key *keys, size_t key_count, struct str context,
                           struct str sealed, struct buf *out, struct err *err) MUST_CHECK;
