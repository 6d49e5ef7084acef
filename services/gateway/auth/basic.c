/* HTTP Basic: accounts and API keys. */
#include <string.h>

#include "account_store.h"
#include "auth_int.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/parse.h"
#include "key_store.h"
#include "log/log.h"
#include "vault.h"

/* Both are compared whatever the first says, so that the time tells nothing. */
static bool is_configured(const struct auth *auth, struct str user, struct str password)
{
    bool is_on = auth->account_sid != NULL && auth->auth_token != NULL;
    bool is_account = is_on && crypt_equal(user, str_from(auth->account_sid));
    bool is_secret = is_on && crypt_equal(password, str_from(auth->auth_token));
    return is_account && is_secret;
}

/* A key of the memory that no Bearer token can have: no token holds a NUL. */
static enum err_code hash_of(struct str user, struct str password, char hash[CRYPT_SHA256_HEX_SIZE],
                             struct err *err)
{
    struct buf text;
    buf_init(&text, SID_SIZE + AUTH_TOKEN_MAX + sizeof "basic");
    buf_append(&text, "basic", sizeof "basic");
    buf_append(&text, user.ptr, user.len);
    buf_append(&text, "", 1);
    buf_append(&text, password.ptr, password.len);
    enum err_code code = crypt_sha256_hex(buf_str(&text), hash, err);
    crypt_wipe(text.data, text.len);
    buf_fini(&text);
    return code;
}

/* Whether the password is what was sealed; false for nothing. */
static enum err_code is_sealed(const struct auth *auth, struct call *call, const char *sid,
                               struct str sealed, struct str password, bool *out_is_same,
                               struct err *err)
{
    struct str secret = {NULL, 0};
    *out_is_same = false;
    if (sealed.len == 0)
        return ERR_OK;
    enum err_code code = vault_open(auth->vault, call, sid, sealed, &secret, err);
    if (code == ERR_OK)
        *out_is_same = crypt_equal(secret, password);
    return code;
}

static struct token token_of(enum role role, const char *sid, const char *account_sid)
{
    return (struct token){
        .sid = sid,
        .account_sid = account_sid,
        .friendly_name = "",
        .role = role,
        .worker_sid = "",
        .workspace_sid = "",
        .user_sid = "",
    };
}

static enum err_code find_account(struct auth *auth, struct call *call, const char *sid,
                                  struct str password, struct token *out,
                                  enum token_state *out_state, struct err *err)
{
    struct account account;
    bool is_known = false;
    bool is_first = false;
    bool is_second = false;
    *out_state = TOKEN_BASIC;
    enum err_code code = account_store_find(auth->pool, call, sid, &account, &is_known, err);
    if (code != ERR_OK || !is_known)
        return code;
    code = is_sealed(auth, call, sid, account.auth_token, password, &is_first, err);
    if (code == ERR_OK)
        code = is_sealed(auth, call, sid, account.secondary_auth_token, password, &is_second, err);
    if (code != ERR_OK || (!is_first && !is_second))
        return code;
    *out = token_of(ROLE_ADMIN, account.sid, account.sid);
    *out_state = account.suspended_at_us != 0 ? TOKEN_SUSPENDED : TOKEN_VALID;
    return ERR_OK;
}

static enum err_code find_key(struct auth *auth, struct call *call, const char *sid,
                              struct str password, struct token *out, enum token_state *out_state,
                              struct err *err)
{
    struct api_key key;
    bool is_known = false;
    bool is_same = false;
    *out_state = TOKEN_BASIC;
    enum err_code code = key_store_find(auth->pool, call, sid, &key, &is_known, err);
    if (code == ERR_OK && is_known)
        code = is_sealed(auth, call, sid, key.secret, password, &is_same, err);
    if (code != ERR_OK || !is_same)
        return code;
    *out = token_of(key.role, key.sid, key.account_sid);
    *out_state = key.is_account_suspended ? TOKEN_SUSPENDED : TOKEN_VALID;
    struct err ignored = {0};
    if (clock_now_us() - key.last_used_at_us > AUTH_TOUCH_S * US_PER_S &&
        key_store_touch(auth->pool, call, sid, &ignored) != ERR_OK)
        LOG_WARN(call, "time of use of a key not noted", LOG_ERR(&ignored));
    return ERR_OK;
}

enum err_code auth_basic(struct auth *auth, struct call *call, struct str user, struct str password,
                         struct identity *out_who, struct err *err)
{
    struct auth_question question;
    struct token found;
    enum token_state state = TOKEN_BASIC;
    if (is_configured(auth, user, password)) {
        *out_who = (struct identity){ROLE_ADMIN, auth->account_sid, auth->account_sid, "", ""};
        return ERR_OK;
    }
    bool is_key = parse_is_sid(user, "SK");
    if ((!is_key && !parse_is_sid(user, "AC")) || password.len == 0 ||
        password.len > AUTH_TOKEN_MAX)
        return auth_refuse(TOKEN_BASIC, err);
    enum err_code code = hash_of(user, password, question.hash, err);
    if (code != ERR_OK || auth_recall(auth, call, &question, &code, out_who, err))
        return code;
    const char *sid = arena_str_dup(call->arena, user);
    if (sid == NULL)
        return call_no_room(err);
    code = is_key ? find_key(auth, call, sid, password, &found, &state, err)
                  : find_account(auth, call, sid, password, &found, &state, err);
    if (code != ERR_OK)
        return code;
    return auth_conclude(auth, &question, state == TOKEN_BASIC ? NULL : &found, state, out_who,
                         err);
}
