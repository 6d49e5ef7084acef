/*
 * The signature of webhooks: X-Twilio-Signature is base64(HMAC-SHA1(auth token, URL and sorted
 * parameters)). Knows no headers and no sockets. Error texts never hold the token.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "twilio/form.h"

#define TWILIO_SIGNATURE_SIZE 29 /* 28 characters of base64 and the NUL */

/*
 * Signs a request with form parameters (none: GET, or an empty body). The URL counts as it is
 * written, without its fragment. Parameters may come in any order; a repeated name counts each
 * distinct value once. Errors: INTERNAL CRYPTO_FAILED.
 */
enum err_code twilio_sign(struct str token, struct str url, const struct twilio_param *params,
                          size_t count, char out[TWILIO_SIGNATURE_SIZE],
                          struct err *err) MUST_CHECK;

/* Signs a request with any other body: the URL to call, which has bodySHA256 added, is appended to
 * out_url (sticky). */
enum err_code twilio_sign_body(struct str token, struct str url, struct str body,
                               struct buf *out_url, char out[TWILIO_SIGNATURE_SIZE],
                               struct err *err) MUST_CHECK;

/* Whether the signature belongs to the request; url: as the sender called it, absolute. False too
 * for what is no URL. Compares in constant time. */
bool twilio_verify(struct str token, struct str signature, struct str url,
                   const struct twilio_param *params, size_t count);

/* The same for a body that is no form: the URL holds bodySHA256, which must be the body's. */
bool twilio_verify_body(struct str token, struct str signature, struct str url, struct str body);
