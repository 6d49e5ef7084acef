/* Errors in Twilio's body: {code, message, more_info, status}. */
#pragma once

#include "base/err.h"
#include "http/http.h"

struct twilio_op;

/* Fits http_error_fn; ctx is not used. Every error below /v1 comes through here, those that the
 * HTTP server makes itself too. */
void twilio_error_write(void *ctx, const struct http_request *req, int status,
                        const struct err *err, struct http_response *res);

/* A service's refusal in the client's words: proto names of fields become the operation's
 * parameters, and what a parameter names but is not there is a bad parameter, not a missing
 * resource. */
void twilio_error_translate(const struct twilio_op *op, struct err *err);

/* Headers that every answer has. */
void twilio_headers_put(struct http_response *res);
