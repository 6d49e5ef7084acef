#include "upstream.h"

#include <string.h>

#include "audit.h"
#include "base/clock.h"
#include "call_rpc.h"
#include "customer_rpc.h"
#include "directory_service.h"
#include "gateway.h"
#include "google/protobuf/empty.pb-c.h"
#include "rpc/client.h"
#include "webhook_rpc.h"

enum { AUDIT_PATH_MAX = 255 };

static bool is_for(const struct http_request *req, const char *workspace_sid, const char *sid)
{
    for (size_t i = 0; i < req->path_params.count; i++) {
        if (str_eq_text(req->path_params.items[i].value, sid))
            return true;
    }
    return strcmp(workspace_sid, sid) == 0;
}

void upstream_limit(const struct gateway *gateway, struct http_request *req, int64_t until_mono_us,
                    const char *workspace_sid)
{
    static const int64_t less_us = (UPSTREAM_CHANGE_BUDGET_MS - UPSTREAM_BUDGET_MS) * US_PER_MS;
    const char *twilio_sid = gateway->settings->default_workspace;
    bool may_be_mirrored = twilio_sid != NULL && is_for(req, workspace_sid, twilio_sid);
    req->call->deadline_mono_us = may_be_mirrored ? until_mono_us : until_mono_us - less_us;
}

enum err_code upstream_call(struct gateway *gateway, struct call *call, enum peer peer,
                            const char *rpc, const ProtobufCMessage *request,
                            const ProtobufCMessageDescriptor *reply, ProtobufCMessage **out_reply,
                            struct err *err)
{
    return rpc_call(gateway->host.as_caller[peer], call, rpc, request,
                    reply != NULL ? reply : &google__protobuf__empty__descriptor, out_reply, err);
}

enum err_code upstream_directory(struct gateway *gateway, struct call *call, const char *rpc,
                                 const ProtobufCMessage *request, ProtobufCMessage **out_reply,
                                 struct err *err)
{
    static const struct rpc_service *const services[] = {&directory_service, &webhook_service,
                                                         &call_service, &customer_service};
    const char *name = strrchr(rpc, '/') + 1;
    for (size_t s = 0; s < ARRAY_LEN(services); s++) {
        for (size_t i = 0; i < services[s]->method_count; i++) {
            const struct rpc_method *method = &services[s]->methods[i];
            if (strcmp(method->name, name) == 0)
                return method->unary(gateway, call, request, out_reply, err);
        }
    }
    INVARIANT(false);
    return ERR_INTERNAL;
}

static struct str audit_path(struct arena *arena, struct str path)
{
    struct str kept = {path.ptr, path.len < AUDIT_PATH_MAX ? path.len : AUDIT_PATH_MAX};
    char *copy = arena_str_dup(arena, kept);
    if (copy == NULL)
        return STR("");
    for (char *c = copy; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    return str_from(copy);
}

void audit_note(struct gateway *gateway, const struct call *call,
                const struct audit_subject *subject, const char *made, enum err_code code,
                const struct err *err)
{
    const char *reason = err->reason != NULL ? err->reason : err_code_name(code);
    struct audit_row entry = {
        .at_us = clock_now_us(),
        .texts =
            {
                    [AUDIT_ACCOUNT_SID] = str_from(call->who.account_sid),
                    [AUDIT_ACTOR_SID] = str_from(call->who.actor_sid),
                    [AUDIT_ACTOR_ROLE] = str_from(role_name(call->who.role)),
                    [AUDIT_ACTION] = str_from(strrchr(subject->rpc, '/') + 1),
                    [AUDIT_PATH] = audit_path(call->arena, subject->path),
                    [AUDIT_WORKSPACE_SID] = str_from(subject->workspace),
                    [AUDIT_RESOURCE_SID] = made[0] != '\0' ? str_from(made) : subject->resource,
                    [AUDIT_REQUEST_ID] = str_from(call->request_id),
                    [AUDIT_PEER] = str_from(subject->peer),
                    [AUDIT_OUTCOME] = code == ERR_OK ? STR("OK") : str_from(reason),
                    },
    };
    audit_add(gateway->audit, &entry);
}
