#include "account_rpc.h"

#include <string.h>

#include "account_store.h"
#include "auth.h"
#include "base/clock.h"
#include "base/ids.h"
#include "crypt/crypt.h"
#include "gateway.h"
#include "outbox/outbox.h"
#include "signing.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "token_events.h"
#include "token_rpc.h"
#include "vault.h"

#define LIST_TAG "ac"

enum { AUTH_TOKEN_BYTES = 16, AUTH_TOKEN_SIZE = 2 * AUTH_TOKEN_BYTES + 1 };

typedef Taskrouter__Directory__V1__Account wire_account;
typedef Taskrouter__Directory__V1__AccountSecret wire_secret;

static const char *owner_of(const struct gateway *gateway)
{
    const char *sid = gateway_account_sid(gateway->settings);
    return sid == NULL ? "" : sid;
}

enum err_code directory_reach(const struct gateway *gateway, const struct call *call,
                              const char *named, const char *field, const char **out_sid,
                              struct err *err)
{
    const char *own = NULL;
    enum err_code code = directory_account(call, &own, err);
    return code == ERR_OK ? account_reach(&call->who, owner_of(gateway), named, field, out_sid, err)
                          : code;
}

enum err_code directory_owner_only(const struct gateway *gateway, const struct call *call,
                                   const char *what, struct err *err)
{
    const char *own = NULL;
    enum err_code code = directory_reach(gateway, call, "", "sid", &own, err);
    if (code != ERR_OK || strcmp(own, owner_of(gateway)) == 0)
        return code;
    return ERR_SET(err, ERR_PERMISSION_DENIED, "OWNER_ONLY",
                   "only the account of the gateway's configuration may %s", what);
}

static wire_account *account_to_wire(const struct gateway *gateway, struct arena *arena,
                                     const struct account *account)
{
    wire_account *wire = PB_NEW(arena, taskrouter__directory__v1__account);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, account->sid);
    wire->friendly_name = wire_text(arena, account->friendly_name);
    wire->suspended = account->suspended_at_us != 0;
    wire->is_owner = strcmp(account->sid, owner_of(gateway)) == 0;
    wire->has_auth_token = account->auth_token.len > 0;
    wire->has_secondary_auth_token = account->secondary_auth_token.len > 0;
    wire->version = account->version;
    wire->date_created = wire_time(arena, account->created_at_us);
    wire->date_updated = wire_time(arena, account->updated_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

static enum err_code reply_with(const struct gateway *gateway, struct call *call,
                                const struct account *account, wire_account **out_reply,
                                struct err *err)
{
    *out_reply = account_to_wire(gateway, call->arena, account);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}

static enum err_code reply_secret(const struct gateway *gateway, struct call *call,
                                  const struct account *account, const char *secret,
                                  wire_secret **out_reply, struct err *err)
{
    wire_secret *reply = PB_NEW(call->arena, taskrouter__directory__v1__account_secret);
    if (reply == NULL)
        return call_no_room(err);
    reply->auth_token = wire_text(call->arena, secret);
    reply->account = account_to_wire(gateway, call->arena, account);
    if (reply->auth_token == NULL || reply->account == NULL)
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

/* ---- create, get, list ---- */

static enum err_code create_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct account *account = ctx;
    enum err_code code = account_store_insert(conn, call, account, err);
    return code == ERR_OK ? token_event_append(conn, call, "token.created", account->sid,
                                               account->sid, account->version, err)
                          : code;
}

enum err_code account_rpc_create(void *app, struct call *call,
                                 const Taskrouter__Directory__V1__CreateAccountRequest *request,
                                 wire_secret **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    struct sid sid = sid_new("AC");
    struct account account = {.sid = sid.text, .friendly_name = request->friendly_name};
    char secret[AUTH_TOKEN_SIZE];
    enum err_code code = directory_owner_only(gateway, call, "create accounts", err);
    if (code == ERR_OK)
        code = account_check_name(account.friendly_name, err);
    if (code != ERR_OK)
        return code;
    crypt_random_hex(secret, AUTH_TOKEN_BYTES);
    code = vault_seal(gateway->vault, call, sid.text, str_from(secret), &account.auth_token, err);
    if (code == ERR_OK)
        code = db_tx_run(gateway->host.pool, call, create_tx, &account, err);
    if (code == ERR_OK)
        code = reply_secret(gateway, call, &account, secret, out_reply, err);
    crypt_wipe(secret, sizeof secret);
    if (code == ERR_OK)
        outbox_wake(gateway->host.outbox);
    return code;
}

enum err_code account_rpc_get(void *app, struct call *call,
                              const Taskrouter__Directory__V1__GetAccountRequest *request,
                              wire_account **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    const char *sid = NULL;
    struct account account;
    bool is_known = false;
    enum err_code code = check_sid("sid", request->sid, "AC", err);
    if (code == ERR_OK)
        code = directory_reach(gateway, call, request->sid, "sid", &sid, err);
    if (code == ERR_OK)
        code = account_store_find(gateway->host.pool, call, sid, &account, &is_known, err);
    if (code != ERR_OK)
        return code;
    if (!is_known)
        return ERR_FIELD(err, ERR_NOT_FOUND, "ACCOUNT_NOT_FOUND", "sid", "there is no account %s",
                         sid);
    return reply_with(gateway, call, &account, out_reply, err);
}

enum err_code account_rpc_list(void *app, struct call *call,
                               const Taskrouter__Directory__V1__ListAccountsRequest *request,
                               Taskrouter__Directory__V1__ListAccountsResponse **out_reply,
                               struct err *err)
{
    struct gateway *gateway = app;
    struct page page;
    const char *own = NULL;
    struct account *accounts = NULL;
    size_t count = 0;
    enum err_code code = directory_reach(gateway, call, "", "sid", &own, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(gateway->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = account_store_list(conn, call, page.after,
                                  strcmp(own, owner_of(gateway)) == 0 ? "" : own,
                                  (size_t)page.size + 1, &accounts, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__ListAccountsResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__list_accounts_response);
    bool has_more = count > (size_t)page.size;
    size_t shown = has_more ? (size_t)page.size : count;
    wire_account **items = ARENA_ARRAY(call->arena, wire_account *, shown);
    if (reply == NULL || items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < shown; i++) {
        items[i] = account_to_wire(gateway, call->arena, &accounts[i]);
        if (items[i] == NULL)
            return call_no_room(err);
    }
    reply->items = items;
    reply->n_items = shown;
    if (has_more)
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, accounts[shown - 1].sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

/* ---- changes ---- */

/* May refuse. Sets *out_ends when something that let in does so no longer. */
typedef enum err_code account_change_fn(void *ctx, struct account *account, bool *out_ends,
                                        struct err *err);

struct change {
    const char *sid;
    bool has_version;
    int64_t version;
    account_change_fn *apply;
    void *ctx;
    struct account account;
};

static enum err_code change_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct change *change = ctx;
    struct account *account = &change->account;
    bool is_end = false;
    enum err_code code = account_store_lock(conn, call, change->sid, account, err);
    if (code == ERR_OK)
        code = check_version(change->has_version, change->version, account->version, err);
    if (code == ERR_OK)
        code = change->apply(change->ctx, account, &is_end, err);
    if (code == ERR_OK)
        code = account_store_update(conn, call, account, err);
    if (code == ERR_OK && is_end)
        code = token_event_append(conn, call, "token.revoked", account->sid, account->sid,
                                  account->version, err);
    return code;
}

static enum err_code change_run(struct gateway *gateway, struct call *call, const char *sid,
                                struct change *change, struct err *err)
{
    enum err_code code = check_sid("sid", sid, "AC", err);
    if (code == ERR_OK)
        code = directory_reach(gateway, call, sid, "sid", &change->sid, err);
    if (code == ERR_OK)
        code = db_tx_run(gateway->host.pool, call, change_tx, change, err);
    if (code != ERR_OK)
        return code;
    auth_forget(gateway->auth, NULL); /* others hear it by event */
    outbox_wake(gateway->host.outbox);
    return ERR_OK;
}

struct update {
    const struct gateway *gateway;
    struct call *call;
    const Taskrouter__Directory__V1__UpdateAccountRequest *request;
};

static enum err_code update_apply(void *ctx, struct account *account, bool *out_ends,
                                  struct err *err)
{
    const struct update *update = ctx;
    const Taskrouter__Directory__V1__UpdateAccountRequest *request = update->request;
    bool was_suspended = account->suspended_at_us != 0;
    enum err_code code = ERR_OK;
    if (request->_friendly_name_case != 0) {
        account->friendly_name = request->friendly_name;
        code = account_check_name(account->friendly_name, err);
    }
    if (code != ERR_OK || request->_suspended_case == 0 || request->suspended == was_suspended)
        return code;
    code = directory_owner_only(update->gateway, update->call, "suspend accounts or end it", err);
    if (code == ERR_OK && strcmp(account->sid, owner_of(update->gateway)) == 0)
        return ERR_FIELD(err, ERR_FAILED_PRECONDITION, "OWNER_NOT_SUSPENDABLE", "suspended",
                         "the account of the gateway's configuration cannot be suspended");
    account->suspended_at_us = request->suspended ? clock_now_us() : 0;
    *out_ends = request->suspended;
    return code;
}

enum err_code account_rpc_update(void *app, struct call *call,
                                 const Taskrouter__Directory__V1__UpdateAccountRequest *request,
                                 wire_account **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    struct update update = {gateway, call, request};
    struct change change = {
        .has_version = request->_expected_version_case != 0,
        .version = request->expected_version,
        .apply = update_apply,
        .ctx = &update,
    };
    enum err_code code = change_run(gateway, call, request->sid, &change, err);
    return code == ERR_OK ? reply_with(gateway, call, &change.account, out_reply, err) : code;
}

/* ---- auth tokens ---- */

static enum err_code check_own_token(const struct account *account, struct err *err)
{
    if (account->auth_token.len > 0)
        return ERR_OK;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "AUTH_TOKEN_CONFIGURED",
                   "the auth token of this account is in the configuration "
                   "(TASKROUTER_AUTH_TOKEN); change it there");
}

/* A second one that was there is replaced. ctx: the sealed token. */
static enum err_code second_apply(void *ctx, struct account *account, bool *out_ends,
                                  struct err *err)
{
    const struct str *sealed = ctx;
    enum err_code code = check_own_token(account, err);
    *out_ends = account->secondary_auth_token.len > 0;
    account->secondary_auth_token = *sealed;
    return code;
}

static enum err_code check_second(const struct account *account, struct err *err)
{
    if (account->secondary_auth_token.len > 0)
        return ERR_OK;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "NO_SECONDARY_AUTH_TOKEN",
                   "the account has no secondary auth token; create one first");
}

static enum err_code drop_apply(void *ctx, struct account *account, bool *out_ends, struct err *err)
{
    (void)ctx;
    enum err_code code = check_second(account, err);
    *out_ends = true;
    account->secondary_auth_token = (struct str){NULL, 0};
    return code;
}

static enum err_code promote_apply(void *ctx, struct account *account, bool *out_ends,
                                   struct err *err)
{
    (void)ctx;
    enum err_code code = check_second(account, err);
    *out_ends = true;
    account->auth_token = account->secondary_auth_token;
    account->secondary_auth_token = (struct str){NULL, 0};
    return code;
}

static struct change action(const Taskrouter__Directory__V1__AccountActionRequest *request,
                            account_change_fn *apply, void *ctx)
{
    return (struct change){
        .has_version = request->_expected_version_case != 0,
        .version = request->expected_version,
        .apply = apply,
        .ctx = ctx,
    };
}

enum err_code account_rpc_second(void *app, struct call *call,
                                 const Taskrouter__Directory__V1__AccountActionRequest *request,
                                 wire_secret **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    struct str sealed = {NULL, 0};
    struct change change = action(request, second_apply, &sealed);
    char secret[AUTH_TOKEN_SIZE];
    crypt_random_hex(secret, AUTH_TOKEN_BYTES);
    enum err_code code =
        vault_seal(gateway->vault, call, request->sid, str_from(secret), &sealed, err);
    if (code == ERR_OK)
        code = change_run(gateway, call, request->sid, &change, err);
    if (code == ERR_OK)
        code = reply_secret(gateway, call, &change.account, secret, out_reply, err);
    crypt_wipe(secret, sizeof secret);
    return code;
}

enum err_code
account_rpc_drop_second(void *app, struct call *call,
                        const Taskrouter__Directory__V1__AccountActionRequest *request,
                        wire_account **out_reply, struct err *err)
{
    struct change change = action(request, drop_apply, NULL);
    enum err_code code = change_run(app, call, request->sid, &change, err);
    return code == ERR_OK ? reply_with(app, call, &change.account, out_reply, err) : code;
}

enum err_code account_rpc_promote(void *app, struct call *call,
                                  const Taskrouter__Directory__V1__AccountActionRequest *request,
                                  wire_account **out_reply, struct err *err)
{
    struct change change = action(request, promote_apply, NULL);
    enum err_code code = change_run(app, call, request->sid, &change, err);
    return code == ERR_OK ? reply_with(app, call, &change.account, out_reply, err) : code;
}

/* ---- for tasks-svc ---- */

enum err_code account_rpc_signing(void *app, struct call *call,
                                  const Taskrouter__Directory__V1__GetSigningTokenRequest *request,
                                  Taskrouter__Directory__V1__SigningToken **out_reply,
                                  struct err *err)
{
    struct gateway *gateway = app;
    struct signing signing = {gateway->host.pool, gateway->vault,
                              gateway_account_sid(gateway->settings),
                              gateway_auth_token(gateway->settings)};
    struct str secret = {NULL, 0};
    enum err_code code = check_sid("account_sid", request->account_sid, "AC", err);
    if (code == ERR_OK)
        code = signing_token(&signing, call, request->account_sid, &secret, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__SigningToken *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__signing_token);
    if (reply == NULL)
        return call_no_room(err);
    reply->auth_token = arena_str_dup(call->arena, secret);
    *out_reply = reply;
    return reply->auth_token == NULL ? call_no_room(err) : ERR_OK;
}
