/*
 * REST over the services' RPCs: one handler for all rows of routes.h. Reads the request into the
 * RPC's message, calls, records changes in the audit log, and writes the reply as JSON. Knows no
 * resource.
 */
#pragma once

#include "http/http.h"
#include "routes.h"

struct gateway;
struct rest;

/* Never NULL. Handlers of the REST_STREAM row and of the REST_WEBHOOK ones; they get the gateway as
 * ctx. */
struct rest *rest_new(struct gateway *gateway, http_handler_fn stream, http_handler_fn webhook);
void rest_free(struct rest *rest); /* NULL is allowed */

/* For http_server_config.sets; lives as long as rest. */
struct http_route_set rest_route_set(struct rest *rest);

/* The row behind the request's route. */
const struct rest_route *rest_row(const struct rest *rest, const struct http_request *req);

/* http_auth_fn; ctx is the gateway: Bearer token (below /v1 a worker's token too, which then allows
 * the request), or Basic with an account's SID and auth token or a key's SID and secret. */
enum err_code rest_authenticate(void *ctx, struct http_request *req, struct err *err);

/*
 * What the caller named with X-Workspace-Sid or workspaceSid, checked as a SID; NULL when neither.
 * Errors: INVALID_ARGUMENT.
 */
enum err_code rest_named_workspace(const struct http_request *req, const char **out_sid,
                                   struct err *err) MUST_CHECK;

/* Says fields of the row's messages as the client spells them: "friendly_name" in field and detail
 * becomes "friendlyName". */
void rest_err_to_client(const struct rest_route *row, struct err *err);
