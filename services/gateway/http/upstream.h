/*
 * What every HTTP dialect of the gateway does alike behind its own codec: call a service's RPC in
 * the caller's name, and leave a row in the audit log. Knows no resource.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "http/http.h"
#include "svc/host.h"

struct gateway;

/* A service that does not answer must not hold the caller longer. */
enum { UPSTREAM_BUDGET_MS = 3000 };

/* rpc: "/taskrouter.workers.v1.Workers/GetWorker". reply NULL: google.protobuf.Empty. Errors: those
 * of rpc_call. */
enum err_code upstream_call(struct gateway *gateway, struct call *call, enum peer peer,
                            const char *rpc, const ProtobufCMessage *request,
                            const ProtobufCMessageDescriptor *reply, ProtobufCMessage **out_reply,
                            struct err *err) MUST_CHECK;

/* A method of our own Directory, called in process. */
enum err_code upstream_directory(struct gateway *gateway, struct call *call, const char *rpc,
                                 const ProtobufCMessage *request, ProtobufCMessage **out_reply,
                                 struct err *err) MUST_CHECK;

/* One row of the audit log about a change that was tried. resource: the SID that it made or
 * changed; "": the path's {sid} or {Sid}. Room for it was reserved with audit_reserve. */
void audit_note(struct gateway *gateway, const struct http_request *req, const char *rpc,
                const char *workspace, const char *resource, enum err_code code,
                const struct err *err);
