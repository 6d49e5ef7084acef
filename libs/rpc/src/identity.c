#include <string.h>

#include "base/clock.h"
#include "server_int.h"

/* What a service may assert about the end user, beside its token. */
struct asserted {
    struct str actor;
    struct str account;
    struct str role;
    struct str worker;
    struct str workspace;
};

enum { MAX_ASSERTED_BYTES = 128 };

static bool is_key(const grpc_slice *key, const char *name, size_t len)
{
    return GRPC_SLICE_LENGTH(*key) == len && memcmp(GRPC_SLICE_START_PTR(*key), name, len) == 0;
}

#define IS_KEY(key, literal) is_key((key), (literal), sizeof(literal) - 1)

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7E)
            return false;
    }
    return true;
}

static void request_id_take(struct call *call, struct str value)
{
    if (value.len == 0 || !is_printable(value))
        return; /* ours stays */
    size_t len = value.len < REQUEST_ID_SIZE ? value.len : REQUEST_ID_SIZE - 1;
    memcpy(call->request_id, value.ptr, len);
    call->request_id[len] = '\0';
}

static void traceparent_take(struct call *call, struct str value)
{
    if (value.len != TRACEPARENT_SIZE - 1 || !is_printable(value))
        return;
    memcpy(call->traceparent, value.ptr, value.len);
    call->traceparent[value.len] = '\0';
}

void call_read_metadata(struct server_call *call)
{
    call->token = (struct str){NULL, 0};
    for (size_t i = 0; i < call->metadata.count; i++) {
        const grpc_metadata *entry = &call->metadata.metadata[i];
        struct str value = slice_str(&entry->value);
        if (IS_KEY(&entry->key, "authorization")) {
            struct str scheme = {value.ptr, value.len < 7 ? value.len : 7};
            if (str_eq_nocase(scheme, STR("Bearer ")))
                call->token = str_trim((struct str){value.ptr + 7, value.len - 7});
        } else if (IS_KEY(&entry->key, "x-request-id")) {
            request_id_take(&call->call, value);
        } else if (IS_KEY(&entry->key, "traceparent")) {
            traceparent_take(&call->call, value);
        } else if (IS_KEY(&entry->key, "x-tr-hop")) {
            call->is_forwarded = true;
        }
    }
}

static struct asserted asserted_read(const struct server_call *call)
{
    struct asserted asserted = {0};
    for (size_t i = 0; i < call->metadata.count; i++) {
        const grpc_metadata *entry = &call->metadata.metadata[i];
        struct str value = slice_str(&entry->value);
        if (IS_KEY(&entry->key, "x-tr-actor"))
            asserted.actor = value;
        else if (IS_KEY(&entry->key, "x-tr-account"))
            asserted.account = value;
        else if (IS_KEY(&entry->key, "x-tr-role"))
            asserted.role = value;
        else if (IS_KEY(&entry->key, "x-tr-worker"))
            asserted.worker = value;
        else if (IS_KEY(&entry->key, "x-tr-workspace"))
            asserted.workspace = value;
    }
    return asserted;
}

/* Takes the same time whatever the bytes are; the length is no secret. */
static bool is_same_secret(struct str token, const char *secret)
{
    size_t len = strlen(secret);
    if (len == 0 || token.len != len)
        return false;
    unsigned char differs = 0;
    for (size_t i = 0; i < len; i++)
        differs = (unsigned char)(differs | (token.ptr[i] ^ secret[i]));
    return differs == 0;
}

static const char *text_keep(struct server_call *call, struct str text)
{
    if (text.len == 0)
        return "";
    const char *copy = arena_str_dup(call->arena, text);
    return copy == NULL ? "" : copy; /* exhausted: decoding fails next */
}

static enum err_code service_identity(struct server_call *call, struct err *err)
{
    struct asserted asserted = asserted_read(call);
    if (asserted.actor.len > MAX_ASSERTED_BYTES || asserted.account.len > MAX_ASSERTED_BYTES ||
        asserted.role.len > MAX_ASSERTED_BYTES || asserted.worker.len > MAX_ASSERTED_BYTES ||
        asserted.workspace.len > MAX_ASSERTED_BYTES)
        return ERR_SET(err, ERR_UNAUTHENTICATED, "IDENTITY_INVALID",
                       "an x-tr-* value is longer than %d bytes", MAX_ASSERTED_BYTES);
    enum role role = ROLE_SERVICE;
    if (asserted.role.len > 0) {
        char name[MAX_ASSERTED_BYTES + 1];
        memcpy(name, asserted.role.ptr, asserted.role.len);
        name[asserted.role.len] = '\0';
        role = role_from(name);
        if (role == ROLE_NONE)
            return ERR_SET(err, ERR_UNAUTHENTICATED, "IDENTITY_INVALID",
                           "x-tr-role must be viewer, agent, supervisor, admin or service");
    }
    call->call.who = (struct identity){
        .role = role,
        .actor_sid = asserted.actor.len > 0 ? text_keep(call, asserted.actor) : "service",
        .account_sid = text_keep(call, asserted.account),
        .worker_sid = text_keep(call, asserted.worker),
        .workspace_sid = text_keep(call, asserted.workspace),
    };
    return ERR_OK;
}

static enum err_code role_check(const struct server_call *call, struct err *err)
{
    enum role wanted = call->method->row->min_role;
    if ((call->method->row->flags & RPC_FORWARDED) != 0 && !call->has_service_token)
        return ERR_SET(err, ERR_PERMISSION_DENIED, "SERVICES_ONLY",
                       "this is for the services among themselves; ask the one that owns it");
    if (call->call.who.role >= wanted)
        return ERR_OK;
    return ERR_SET(err, ERR_PERMISSION_DENIED, "ROLE_TOO_LOW",
                   "this needs the role %s, the token has %s; use another token", role_name(wanted),
                   role_name(call->call.who.role));
}

bool identity_fast(struct server_call *call, enum err_code *out_code, struct err *err)
{
    const struct rpc_auth *auth = &call->loop->server->auth;
    *out_code = ERR_OK;
    if (call->token.len == 0) {
        if (call->method->row->min_role != ROLE_NONE)
            *out_code = ERR_SET(err, ERR_UNAUTHENTICATED, "TOKEN_MISSING",
                                "send the metadata authorization: Bearer <token>");
        return true;
    }
    if (auth->service_token != NULL && is_same_secret(call->token, auth->service_token)) {
        call->has_service_token = true;
        *out_code = service_identity(call, err);
    } else if (call->method->row->min_role == ROLE_NONE) {
        return true; /* open to everybody: a token is not looked at */
    } else if (auth->authenticate == NULL || call->token.len > MAX_TOKEN_BYTES) {
        *out_code = ERR_SET(err, ERR_UNAUTHENTICATED, "TOKEN_INVALID",
                            "the token is unknown, expired or revoked; use a valid one");
    } else if (auth->cached == NULL ||
               !auth->cached(auth->ctx, &call->call, call->token, out_code, &call->call.who, err)) {
        return false;
    }
    if (*out_code == ERR_OK)
        *out_code = role_check(call, err);
    return true;
}

enum err_code identity_ask(struct server_call *call, struct err *err)
{
    const struct rpc_auth *auth = &call->loop->server->auth;
    struct identity who = {ROLE_NONE, "", "", "", ""};
    enum err_code code = auth->authenticate(auth->ctx, &call->call, call->token, &who, err);
    if (code != ERR_OK)
        return code;
    call->call.who = who;
    return role_check(call, err);
}
