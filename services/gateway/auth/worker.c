/* Worker tokens: whose secret signed them. */
#include <string.h>

#include "account_store.h"
#include "auth_int.h"
#include "base/buf.h"
#include "base/clock.h"
#include "crypt/jwt.h"
#include "key_store.h"
#include "vault.h"
#include "worker_token.h"

static bool is_signed(struct str token, struct str secret)
{
    return secret.len > 0 && crypt_jwt_verify(token, secret, NULL) == ERR_OK;
}

static enum err_code check_sealed(struct auth *auth, struct call *call, const char *sid,
                                  struct str sealed, struct str token, bool *out_is_signed,
                                  struct err *err)
{
    struct str secret = {NULL, 0};
    if (sealed.len == 0)
        return ERR_OK;
    enum err_code code = vault_open(auth->vault, call, sid, sealed, &secret, err);
    if (code == ERR_OK && is_signed(token, secret))
        *out_is_signed = true;
    return code;
}

/* The account that the key signs for is the key's own, whatever the token says. */
static enum err_code by_key(struct auth *auth, struct call *call, const struct worker_token *read,
                            struct str token, enum token_state *out_state, struct err *err)
{
    struct api_key key;
    bool is_known = false;
    bool is_good = false;
    enum err_code code = key_store_find(auth->pool, call, read->issuer, &key, &is_known, err);
    if (code != ERR_OK || !is_known || strcmp(key.account_sid, read->account_sid) != 0)
        return code;
    code = check_sealed(auth, call, key.sid, key.secret, token, &is_good, err);
    if (is_good)
        *out_state = key.is_account_suspended ? TOKEN_SUSPENDED : TOKEN_VALID;
    return code;
}

static enum err_code by_account(struct auth *auth, struct call *call,
                                const struct worker_token *read, struct str token,
                                enum token_state *out_state, struct err *err)
{
    struct account account;
    bool is_known = false;
    bool is_good = false;
    if (auth->account_sid != NULL && auth->auth_token != NULL &&
        strcmp(read->issuer, auth->account_sid) == 0 &&
        is_signed(token, str_from(auth->auth_token))) {
        *out_state = TOKEN_VALID;
        return ERR_OK;
    }
    enum err_code code =
        account_store_find(auth->pool, call, read->issuer, &account, &is_known, err);
    if (code != ERR_OK || !is_known)
        return code;
    code = check_sealed(auth, call, account.sid, account.auth_token, token, &is_good, err);
    if (code == ERR_OK)
        code = check_sealed(auth, call, account.sid, account.secondary_auth_token, token, &is_good,
                            err);
    if (is_good)
        *out_state = account.suspended_at_us != 0 ? TOKEN_SUSPENDED : TOKEN_VALID;
    return code;
}

/* A key of the memory that no API token can have, which holds no NUL: who shows a worker's token
 * where API tokens are asked for (the services' gRPC) must not find it there, without its policies.
 */
static enum err_code hash_of(struct str token, char hash[CRYPT_SHA256_HEX_SIZE], struct err *err)
{
    struct buf text;
    buf_init(&text, WORKER_TOKEN_MAX + sizeof "worker");
    buf_append(&text, "worker", sizeof "worker");
    buf_str_append(&text, token);
    enum err_code code = crypt_sha256_hex(buf_str(&text), hash, err);
    buf_fini(&text);
    return code;
}

enum err_code auth_worker(struct auth *auth, struct call *call, struct str token,
                          struct worker_token *out_token, struct identity *out_who, struct err *err)
{
    struct auth_question question;
    enum token_state state = TOKEN_FORGED;
    enum err_code code = worker_token_read(call->arena, token, out_token, err);
    if (code == ERR_OK)
        code = worker_token_check_time(out_token, clock_now_us(), err);
    if (code != ERR_OK) {
        auth_count_refusal("worker_token");
        return code;
    }
    const char *text = arena_str_dup(call->arena, token); /* the end is marked for libjwt */
    if (text == NULL)
        return call_no_room(err);
    token = str_from(text);
    code = hash_of(token, question.hash, err);
    if (code != ERR_OK || auth_recall(auth, call, &question, &code, out_who, err))
        return code;
    code = out_token->is_capability ? by_account(auth, call, out_token, token, &state, err)
                                    : by_key(auth, call, out_token, token, &state, err);
    if (code != ERR_OK)
        return code;
    struct token found = {
        .sid = out_token->issuer, /* ends with it */
        .account_sid = out_token->account_sid,
        .friendly_name = "",
        .role = ROLE_AGENT,
        .worker_sid = out_token->worker_sid,
        .workspace_sid = out_token->workspace_sid,
        .user_sid = out_token->worker_sid, /* who acts */
        .expires_at_us = out_token->expires_at_us,
    };
    return auth_conclude(auth, &question, state == TOKEN_FORGED ? NULL : &found, state, out_who,
                         err);
}
