/*
 * Digests, MACs, base64, comparison of secrets and API tokens, on OpenSSL 3. Error texts never hold
 * a secret. Passwords are in crypt/password.h; request signatures of Twilio in libs/twilio.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define CRYPT_SHA1_SIZE       20
#define CRYPT_SHA256_SIZE     32
#define CRYPT_SHA256_HEX_SIZE 65 /* 64 lower-case digits and the NUL */

/* Errors of all that follow: INTERNAL, reason CRYPTO_FAILED, when OpenSSL refuses. Threads: any. */
enum err_code crypt_sha1(struct str data, unsigned char out[CRYPT_SHA1_SIZE],
                         struct err *err) MUST_CHECK; /* for protocols that want it */
enum err_code crypt_sha256(struct str data, unsigned char out[CRYPT_SHA256_SIZE],
                           struct err *err) MUST_CHECK;
enum err_code crypt_sha256_hex(struct str data, char out[CRYPT_SHA256_HEX_SIZE],
                               struct err *err) MUST_CHECK;
enum err_code crypt_hmac_sha256(struct str key, struct str data,
                                unsigned char out[CRYPT_SHA256_SIZE], struct err *err) MUST_CHECK;
enum err_code crypt_hmac_sha1(struct str key, struct str data, unsigned char out[CRYPT_SHA1_SIZE],
                              struct err *err) MUST_CHECK;

/* RFC 4648: standard alphabet with padding; URL alphabet without. Appended to out (sticky). */
void crypt_base64(struct buf *out, const void *bytes, size_t len);
void crypt_base64url(struct buf *out, const void *bytes, size_t len);

/* Strict: no white space, no missing (base64) or present (base64url) padding, no stray bits.
 * Appended to out. Errors: INVALID_ARGUMENT, reason BASE64_INVALID; RESOURCE_EXHAUSTED when out is
 * full. */
enum err_code crypt_base64_decode(struct str text, struct buf *out, struct err *err) MUST_CHECK;
enum err_code crypt_base64url_decode(struct str text, struct buf *out, struct err *err) MUST_CHECK;

/* Equality whose time says nothing about where texts differ or whether their lengths do. False when
 * OpenSSL refuses. */
bool crypt_equal(struct str a, struct str b);

/* An API token: "tr_" and 43 base64url characters (256 random bits). */
#define CRYPT_TOKEN_LEN  46
#define CRYPT_TOKEN_SIZE 47 /* with the NUL */
void crypt_token_new(char out[CRYPT_TOKEN_SIZE]);
bool crypt_token_is_formed(struct str text);

/* What is stored of a token: its SHA-256 in hex. Enough because tokens are random, unlike
 * passwords. */
enum err_code crypt_token_hash(struct str token, char out[CRYPT_SHA256_HEX_SIZE],
                               struct err *err) MUST_CHECK;

/* n random bytes as 2 n hex digits and a NUL: session ids, nonces. */
void crypt_random_hex(char *out, size_t byte_count);

/* Overwrites a secret so that the compiler cannot drop it. */
void crypt_wipe(void *secret, size_t len);
