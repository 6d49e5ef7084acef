/*
 * Whether a webhook is Twilio's: its signature against the tokens that may have made it. These are
 * the configured ones (current and previous, so that a token can be changed without losing any),
 * else those of the gateway's own account, with which another suite in its place signs. Says
 * nothing about which part did not fit. Threads: any.
 */
#pragma once

#include "base/err.h"
#include "http/http.h"
#include "twilio/form.h"

struct gateway;
struct webhook_auth;

/* Errors: INVALID_ARGUMENT for a setting. */
enum err_code webhook_auth_new(struct gateway *gateway, struct webhook_auth **out,
                               struct err *err) MUST_CHECK;
void webhook_auth_free(struct webhook_auth *auth); /* NULL is allowed; wipes the tokens */

/*
 * params: of a form, decoded; is_form false: the body's hash is in the URL. Errors:
 * PERMISSION_DENIED SIGNATURE_MISSING, SIGNATURE_INVALID or SIGNATURE_UNCHECKED (no token is
 * known); RESOURCE_EXHAUSTED.
 */
enum err_code webhook_auth_check(struct webhook_auth *auth, struct http_request *req,
                                 const struct twilio_param *params, size_t count, bool is_form,
                                 struct err *err) MUST_CHECK;
