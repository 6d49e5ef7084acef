/*
 * Signed JSON web tokens with a shared secret (HS256, HS384, HS512), on libjwt. Says whether a
 * token was signed with a secret; what it claims is for the caller to judge. Error texts never hold
 * a token or a secret.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Three parts of base64url with dots between, which no other token of ours has. Looks at nothing
 * else. */
bool crypt_jwt_is_formed(struct str token);

/*
 * Appends the header and the payload, both JSON text, without looking at the signature. Errors:
 * INVALID_ARGUMENT JWT_INVALID; RESOURCE_EXHAUSTED when a buffer is full.
 */
enum err_code crypt_jwt_read(struct str token, struct buf *out_header, struct buf *out_payload,
                             struct err *err) MUST_CHECK;

/*
 * token: NUL-terminated behind its length. Whatever the header says, only the three algorithms
 * above count. Errors: UNAUTHENTICATED JWT_NOT_SIGNED. Threads: any.
 */
enum err_code crypt_jwt_verify(struct str token, struct str secret, struct err *err) MUST_CHECK;
