/*
 * What every HTTP dialect of the gateway does alike behind its own codec: call a service's RPC in
 * the caller's name, and leave a row in the audit log. Knows no resource.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "http/http.h"
#include "svc/host.h"

struct gateway;

enum {
    UPSTREAM_BUDGET_MS = 3000, /* a service that does not answer must not hold the caller */
    UPSTREAM_CHANGE_BUDGET_MS =
        10000, /* but a change that goes to Twilio first may take its time */
};

/*
 * The time of a change, whose route has UPSTREAM_CHANGE_BUDGET_MS: as of everything else, unless it
 * is in TWILIO_WORKSPACE_SID, by the path or by workspace_sid ("": not known yet). until_mono_us:
 * the deadline that the call came with.
 */
void upstream_limit(const struct gateway *gateway, struct http_request *req, int64_t until_mono_us,
                    const char *workspace_sid);

/* rpc: "/taskrouter.workers.v1.Workers/GetWorker". reply NULL: google.protobuf.Empty. Errors: those
 * of rpc_call. */
enum err_code upstream_call(struct gateway *gateway, struct call *call, enum peer peer,
                            const char *rpc, const ProtobufCMessage *request,
                            const ProtobufCMessageDescriptor *reply, ProtobufCMessage **out_reply,
                            struct err *err) MUST_CHECK;

/* A method of a service of our own, called in process. Names are unique among all of them. */
enum err_code upstream_directory(struct gateway *gateway, struct call *call, const char *rpc,
                                 const ProtobufCMessage *request, ProtobufCMessage **out_reply,
                                 struct err *err) MUST_CHECK;

/* What the audit log says of a request beside its outcome. */
struct audit_subject {
    const char *rpc;       /* "/taskrouter.workers.v1.Workers/UpdateWorker": the method is kept */
    struct str path;       /* of the request */
    const char *peer;      /* address of the client */
    const char *workspace; /* SID or "" */
    struct str resource;   /* the SID that the request names, empty for none */
};

/* One row of the audit log about a change that was tried. made: the SID that came of it; "": the
 * subject's. Room for it was reserved with audit_reserve. */
void audit_note(struct gateway *gateway, const struct call *call,
                const struct audit_subject *subject, const char *made, enum err_code code,
                const struct err *err);
