#include "token_rpc.h"

#include "auth.h"
#include "base/clock.h"
#include "base/ids.h"
#include "crypt/crypt.h"
#include "gateway.h"
#include "outbox/outbox.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "token_events.h"
#include "token_store.h"
#include "user_store.h"

#define LIST_TAG "tk"

typedef Taskrouter__Directory__V1__Token wire_token;

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; ask for less at once");
}

enum err_code directory_account(const struct call *call, const char **out_account_sid,
                                struct err *err)
{
    if (call->who.account_sid[0] == '\0')
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "ACCOUNT_MISSING",
                       "assert the account with the metadata x-tr-account");
    *out_account_sid = call->who.account_sid;
    return ERR_OK;
}

static wire_token *token_to_wire(struct arena *arena, const struct token *token)
{
    wire_token *wire = PB_NEW(arena, taskrouter__directory__v1__token);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, token->sid);
    wire->account_sid = wire_text(arena, token->account_sid);
    wire->friendly_name = wire_text(arena, token->friendly_name);
    wire->role = wire_text(arena, role_name(token->role));
    wire->worker_sid = wire_text(arena, token->worker_sid);
    wire->workspace_sid = wire_text(arena, token->workspace_sid);
    wire->user_sid = wire_text(arena, token->user_sid);
    wire->date_created = wire_time(arena, token->created_at_us);
    wire->date_expires = wire_time(arena, token->expires_at_us);
    wire->date_revoked = wire_time(arena, token->revoked_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

/* ---- who is it ---- */

enum err_code token_rpc_authenticate(void *app, struct call *call,
                                     const Taskrouter__Directory__V1__AuthenticateRequest *request,
                                     Taskrouter__Common__V1__Identity **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    struct identity who;
    enum err_code code = auth_token(gateway->auth, call, str_from(request->token), &who, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Common__V1__Identity *reply = PB_NEW(call->arena, taskrouter__common__v1__identity);
    if (reply == NULL)
        return no_room(err);
    reply->actor_sid = wire_text(call->arena, who.actor_sid);
    reply->account_sid = wire_text(call->arena, who.account_sid);
    reply->role = wire_text(call->arena, role_name(who.role));
    reply->worker_sid = wire_text(call->arena, who.worker_sid);
    reply->workspace_sid = wire_text(call->arena, who.workspace_sid);
    *out_reply = reply;
    return arena_is_exhausted(call->arena) ? no_room(err) : ERR_OK;
}

/* ---- create ---- */

struct create_context {
    struct token token;
    const char *hash;
};

static enum err_code create_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct create_context *create = ctx;
    struct token *token = &create->token;
    struct user user;
    enum err_code code = ERR_OK;
    if (token->user_sid[0] != '\0')
        code = user_store_get(conn, call, token->account_sid, token->user_sid, "", &user, err);
    if (code == ERR_NOT_FOUND)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "USER_NOT_FOUND", "user_sid",
                         "userSid names no user of this account; create the user first");
    if (code == ERR_OK)
        code = token_store_insert(conn, call, token, create->hash, err);
    if (code == ERR_OK)
        code = token_event_append(conn, call, "token.created", token->sid, token->account_sid,
                                  TOKEN_EVENT_CREATED, err);
    return code;
}

enum err_code token_rpc_create(void *app, struct call *call,
                               const Taskrouter__Directory__V1__CreateTokenRequest *request,
                               Taskrouter__Directory__V1__CreateTokenResponse **out_reply,
                               struct err *err)
{
    struct gateway *gateway = app;
    struct sid sid = sid_new("TK");
    struct create_context create = {
        .token =
            {
                    .sid = sid.text,
                    .friendly_name = request->friendly_name,
                    .role = role_from(request->role),
                    .worker_sid = request->worker_sid,
                    .workspace_sid = request->workspace_sid,
                    .user_sid = request->user_sid,
                    },
    };
    enum err_code code = directory_account(call, &create.token.account_sid, err);
    if (code == ERR_OK)
        code = token_check(&create.token, &call->who, err);
    if (code == ERR_OK)
        code = token_check_ttl(request->ttl_s, err);
    if (code != ERR_OK)
        return code;
    if (request->ttl_s > 0)
        create.token.expires_at_us = clock_now_us() + request->ttl_s * US_PER_S;
    char secret[CRYPT_TOKEN_SIZE];
    char hash[CRYPT_SHA256_HEX_SIZE];
    crypt_token_new(secret);
    code = crypt_token_hash(str_from(secret), hash, err);
    create.hash = hash;
    if (code == ERR_OK)
        code = db_tx_run(gateway->host.pool, call, create_tx, &create, err);
    Taskrouter__Directory__V1__CreateTokenResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__create_token_response);
    if (code == ERR_OK && reply == NULL)
        code = no_room(err);
    if (code == ERR_OK) {
        reply->secret = wire_text(call->arena, secret);
        reply->token = token_to_wire(call->arena, &create.token);
        if (reply->secret == NULL || reply->token == NULL)
            code = no_room(err);
    }
    crypt_wipe(secret, sizeof secret);
    if (code != ERR_OK)
        return code;
    auth_forget(gateway->auth, NULL); /* it may have been asked for and refused just before */
    outbox_wake(gateway->host.outbox);
    *out_reply = reply;
    return ERR_OK;
}

/* ---- list ---- */

enum err_code token_rpc_list(void *app, struct call *call,
                             const Taskrouter__Directory__V1__ListTokensRequest *request,
                             Taskrouter__Directory__V1__ListTokensResponse **out_reply,
                             struct err *err)
{
    struct gateway *gateway = app;
    struct page page;
    const char *account_sid = NULL;
    struct token *tokens = NULL;
    size_t count = 0;
    enum err_code code = directory_account(call, &account_sid, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(gateway->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = token_store_list(conn, call, account_sid, call->who.workspace_sid, page.after,
                                (size_t)page.size + 1, &tokens, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__ListTokensResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__list_tokens_response);
    bool has_more = count > (size_t)page.size;
    size_t shown = has_more ? (size_t)page.size : count;
    wire_token **items = ARENA_ARRAY(call->arena, wire_token *, shown);
    if (reply == NULL || items == NULL)
        return no_room(err);
    for (size_t i = 0; i < shown; i++) {
        items[i] = token_to_wire(call->arena, &tokens[i]);
        if (items[i] == NULL)
            return no_room(err);
    }
    reply->items = items;
    reply->n_items = shown;
    if (has_more)
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, tokens[shown - 1].sid);
    if (arena_is_exhausted(call->arena))
        return no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

/* ---- revoke ---- */

struct revoke_context {
    const char *account_sid;
    const char *sid;
};

static enum err_code revoke_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct revoke_context *revoke = ctx;
    struct token token;
    enum err_code code =
        token_store_lock(conn, call, revoke->account_sid, revoke->sid, &token, err);
    if (code != ERR_OK)
        return code;
    const char *allowed = call->who.workspace_sid;
    if (allowed[0] != '\0' && strcmp(allowed, token.workspace_sid) != 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "TOKEN_NOT_FOUND", "sid", "there is no token %s",
                         revoke->sid);
    if (token.revoked_at_us != 0)
        return ERR_OK; /* it was so before */
    code = token_store_revoke(conn, call, &token, err);
    if (code == ERR_OK)
        code = token_event_append(conn, call, "token.revoked", token.sid, token.account_sid,
                                  TOKEN_EVENT_REVOKED, err);
    return code;
}

enum err_code token_rpc_revoke(void *app, struct call *call,
                               const Taskrouter__Directory__V1__RevokeTokenRequest *request,
                               Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct gateway *gateway = app;
    struct revoke_context revoke = {.sid = request->sid};
    enum err_code code = directory_account(call, &revoke.account_sid, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "TK", err);
    if (code == ERR_OK)
        code = db_tx_run(gateway->host.pool, call, revoke_tx, &revoke, err);
    if (code != ERR_OK)
        return code;
    auth_forget(gateway->auth, request->sid);
    outbox_wake(gateway->host.outbox);
    return ERR_OK;
}
