/*
 * Twilio's TaskRouter REST dialect below /v1: one handler for all rows of twilio_ops.h. A second
 * codec over the calls that /api/taskrouter makes; it has no rule and no memory of its own.
 */
#pragma once

#include "base/buf.h"
#include "base/call.h"
#include "base/err.h"
#include "http/http.h"

struct gateway;
struct twilio;

/* The settings are the gateway's: TASKROUTER_PUBLIC_URL, TASKROUTER_TRUSTED_PROXIES. page_key signs
 * page tokens; borrowed. Errors: INVALID_ARGUMENT for a setting. */
enum err_code twilio_new(struct gateway *gateway, const char *page_key, struct twilio **out,
                         struct err *err) MUST_CHECK;
void twilio_free(struct twilio *twilio); /* NULL is allowed */

/* For http_server_config.sets; lives as long as twilio. */
struct http_route_set twilio_route_set(struct twilio *twilio);

/* An operation that came by other ways than HTTP. */
struct twilio_call_in {
    struct str path;                  /* "/v1/Workspaces/WS…/Workers/WK…", nothing encoded */
    const struct http_params *params; /* of the query or form */
    struct str if_match;              /* {NULL, 0}: none */
    const char *root;                 /* "https://host", for the URLs in the answer */
    const char *peer;                 /* address of the client, for the audit log */
};

/*
 * Runs the operation as call->who and appends its JSON to out_json (nothing with 204). Errors: in
 * the client's words; NOT_FOUND for a path that is none of ours, PERMISSION_DENIED for a role that
 * is too low. twilio_error_body writes them as Twilio does.
 */
enum err_code twilio_run(struct twilio *twilio, struct call *call, enum http_method method,
                         const struct twilio_call_in *in, int *out_status, struct buf *out_json,
                         struct err *err) MUST_CHECK;
