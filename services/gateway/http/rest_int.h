/* Between rest.c, rest_request.c and rest_reply.c. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "http/http.h"
#include "rest.h"

struct gateway;

/* Reads path, query, headers and body into a message of row->request. *out_workspace: the workspace
 * of the request, or "". */
enum err_code rest_request_read(struct gateway *gateway, const struct rest_route *row,
                                struct http_request *req, ProtobufCMessage **out_message,
                                const char **out_workspace, struct err *err) MUST_CHECK;

/* Writes the reply of the RPC. reply NULL: nothing came back. */
enum err_code rest_reply_write(const struct rest_route *row, const struct http_request *req,
                               const ProtobufCMessage *reply, struct http_response *res,
                               struct err *err) MUST_CHECK;

/* SID of the item in a reply, or "" where it has none. */
const char *rest_reply_sid(const ProtobufCMessage *reply);
