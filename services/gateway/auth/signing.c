#include "signing.h"

#include <string.h>

#include "account_store.h"
#include "vault.h"

enum err_code signing_token(const struct signing *signing, struct call *call,
                            const char *account_sid, struct str *out, struct err *err)
{
    struct account account;
    bool is_known = false;
    enum err_code code =
        account_store_find(signing->pool, call, account_sid, &account, &is_known, err);
    if (code != ERR_OK)
        return code;
    if (is_known && account.auth_token.len > 0)
        return vault_open(signing->vault, call, account.sid, account.auth_token, out, err);
    if (signing->auth_token == NULL || signing->account_sid == NULL ||
        strcmp(account_sid, signing->account_sid) != 0)
        return ERR_SET(err, ERR_NOT_FOUND, "ACCOUNT_NOT_FOUND", "there is no auth token of %s",
                       account_sid);
    *out = str_from(signing->auth_token);
    return ERR_OK;
}
