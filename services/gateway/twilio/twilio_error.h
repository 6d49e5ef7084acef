/* Errors in Twilio's body: {code, message, more_info, status}. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "http/http.h"

struct rate_answer;
struct twilio_op;

/* Fits http_error_fn; ctx is not used. Every error below /v1 comes through here, those that the
 * HTTP server makes itself too. */
void twilio_error_write(void *ctx, const struct http_request *req, int status,
                        const struct err *err, struct http_response *res);

/* The same with what the account's rate is; NULL: not known. */
void twilio_error_put(const struct http_request *req, int status, const struct err *err,
                      const struct rate_answer *rate, struct http_response *res);

/* The body alone. status: http_status_of the error; returns the one that the body says. path: of
 * the request, with /v1. */
int twilio_error_body(struct str path, int status, const struct err *err, struct buf *out);

/* A service's refusal in the client's words: proto names of fields become the operation's
 * parameters, and what a parameter names but is not there is a bad parameter, not a missing
 * resource. */
void twilio_error_translate(const struct twilio_op *op, struct err *err);

/* X-Rate-Limit-Limit, -Remaining and -Config, which every answer has. rate NULL or without a limit:
 * as good as unlimited. */
void twilio_headers_put(struct http_response *res, const struct rate_answer *rate);
