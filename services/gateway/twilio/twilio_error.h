/* Errors in Twilio's body: {code, message, more_info, status}. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct twilio_op;

/* Appends the body. status: http_status_of the error; returns the one that the body says. path: of
 * the request, with /v1. */
int twilio_error_body(struct str path, int status, const struct err *err, struct buf *out);

/* A service's refusal in the client's words: proto names of fields become the operation's
 * parameters, and what a parameter names but is not there is a bad parameter, not a missing
 * resource. */
void twilio_error_translate(const struct twilio_op *op, struct err *err);
