#include <string.h>

#include "account_rpc.h"
#include "auth.h"
#include "base/ids.h"
#include "crypt/crypt.h"
#include "gateway.h"
#include "key_store.h"
#include "outbox/outbox.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "token_events.h"
#include "vault.h"

#define LIST_TAG "sk"

/* 256 bits: what HMAC-SHA-256, which worker tokens are signed with, can make use of. */
enum { SECRET_BYTES = 32, SECRET_SIZE = 2 * SECRET_BYTES + 1 };

typedef Taskrouter__Directory__V1__Key wire_key;

static wire_key *key_to_wire(struct arena *arena, const struct api_key *key)
{
    wire_key *wire = PB_NEW(arena, taskrouter__directory__v1__key);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, key->sid);
    wire->account_sid = wire_text(arena, key->account_sid);
    wire->friendly_name = wire_text(arena, key->friendly_name);
    wire->role = wire_text(arena, role_name(key->role));
    wire->date_created = wire_time(arena, key->created_at_us);
    wire->date_revoked = wire_time(arena, key->revoked_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

/* ---- create ---- */

static enum err_code create_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct api_key *key = ctx;
    enum err_code code = key_store_insert(conn, call, key, err);
    return code == ERR_OK ? token_event_append(conn, call, "token.created", key->sid,
                                               key->account_sid, TOKEN_EVENT_CREATED, err)
                          : code;
}

static enum err_code create_reply(struct call *call, const struct api_key *key, const char *secret,
                                  Taskrouter__Directory__V1__KeySecret **out_reply, struct err *err)
{
    Taskrouter__Directory__V1__KeySecret *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__key_secret);
    if (reply == NULL)
        return call_no_room(err);
    reply->secret = wire_text(call->arena, secret);
    reply->key = key_to_wire(call->arena, key);
    if (reply->secret == NULL || reply->key == NULL)
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code key_rpc_create(void *app, struct call *call,
                             const Taskrouter__Directory__V1__CreateKeyRequest *request,
                             Taskrouter__Directory__V1__KeySecret **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    struct sid sid = sid_new("SK");
    struct api_key key = {
        .sid = sid.text,
        .friendly_name = request->friendly_name,
        .role = request->role[0] == '\0' ? ROLE_ADMIN : role_from(request->role),
    };
    char secret[SECRET_SIZE];
    enum err_code code = check_optional_sid("account_sid", request->account_sid, "AC", err);
    if (code == ERR_OK)
        code = directory_reach(gateway, call, request->account_sid, "account_sid", &key.account_sid,
                               err);
    if (code == ERR_OK)
        code = api_key_check(&key, &call->who, err);
    if (code != ERR_OK)
        return code;
    crypt_random_hex(secret, SECRET_BYTES);
    code = vault_seal(gateway->vault, call, key.sid, str_from(secret), &key.secret, err);
    if (code == ERR_OK)
        code = db_tx_run(gateway->host.pool, call, create_tx, &key, err);
    if (code == ERR_OK)
        code = create_reply(call, &key, secret, out_reply, err);
    crypt_wipe(secret, sizeof secret);
    if (code == ERR_OK)
        outbox_wake(gateway->host.outbox);
    return code;
}

/* ---- list ---- */

enum err_code key_rpc_list(void *app, struct call *call,
                           const Taskrouter__Directory__V1__ListKeysRequest *request,
                           Taskrouter__Directory__V1__ListKeysResponse **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    struct page page;
    const char *account_sid = NULL;
    struct api_key *keys = NULL;
    size_t count = 0;
    enum err_code code = check_optional_sid("account_sid", request->account_sid, "AC", err);
    if (code == ERR_OK)
        code =
            directory_reach(gateway, call, request->account_sid, "account_sid", &account_sid, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(gateway->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = key_store_list(conn, call, account_sid, page.after, (size_t)page.size + 1, &keys,
                              &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__ListKeysResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__list_keys_response);
    bool has_more = count > (size_t)page.size;
    size_t shown = has_more ? (size_t)page.size : count;
    wire_key **items = ARENA_ARRAY(call->arena, wire_key *, shown);
    if (reply == NULL || items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < shown; i++) {
        items[i] = key_to_wire(call->arena, &keys[i]);
        if (items[i] == NULL)
            return call_no_room(err);
    }
    reply->items = items;
    reply->n_items = shown;
    if (has_more)
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, keys[shown - 1].sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

/* ---- revoke ---- */

struct revoke {
    const char *account_sid; /* "": whosever it is */
    const char *sid;
};

static enum err_code revoke_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct revoke *revoke = ctx;
    struct api_key key;
    enum err_code code = key_store_lock(conn, call, revoke->account_sid, revoke->sid, &key, err);
    if (code != ERR_OK || key.revoked_at_us != 0)
        return code; /* it was so before */
    code = key_store_revoke(conn, call, &key, err);
    if (code == ERR_OK)
        code = token_event_append(conn, call, "token.revoked", key.sid, key.account_sid,
                                  TOKEN_EVENT_REVOKED, err);
    return code;
}

enum err_code key_rpc_revoke(void *app, struct call *call,
                             const Taskrouter__Directory__V1__RevokeKeyRequest *request,
                             Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct gateway *gateway = app;
    struct revoke revoke = {.sid = request->sid};
    const char *owner = gateway_account_sid(gateway->settings);
    enum err_code code = directory_reach(gateway, call, "", "sid", &revoke.account_sid, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "SK", err);
    if (code == ERR_OK && owner != NULL && strcmp(revoke.account_sid, owner) == 0)
        revoke.account_sid = "";
    if (code == ERR_OK)
        code = db_tx_run(gateway->host.pool, call, revoke_tx, &revoke, err);
    if (code != ERR_OK)
        return code;
    auth_forget(gateway->auth, request->sid);
    outbox_wake(gateway->host.outbox);
    return ERR_OK;
}
