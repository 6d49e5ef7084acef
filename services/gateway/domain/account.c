#include "account.h"

#include <string.h>

enum err_code account_reach(const struct identity *who, const char *owner_sid, const char *named,
                            const char *field, const char **out_sid, struct err *err)
{
    if (who->workspace_sid[0] != '\0')
        return ERR_SET(err, ERR_PERMISSION_DENIED, "WORKSPACE_RESTRICTED",
                       "your token is restricted to workspace %s; accounts and keys need one that "
                       "is not",
                       who->workspace_sid);
    bool is_owner = owner_sid[0] != '\0' && strcmp(who->account_sid, owner_sid) == 0;
    if (named[0] != '\0' && !is_owner && strcmp(named, who->account_sid) != 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "ACCOUNT_NOT_FOUND", field, "there is no account %s",
                         named);
    *out_sid = named[0] != '\0' ? named : who->account_sid;
    return ERR_OK;
}

enum err_code account_check_name(const char *name, struct err *err)
{
    struct str text = str_from(name);
    if (str_trim(text).len > 0 && str_utf8_count(text) <= ACCOUNT_NAME_MAX)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                     "friendlyName must have 1 to %d characters that are not all spaces",
                     ACCOUNT_NAME_MAX);
}

/* A key of role agent would have no worker; such callers have worker tokens, which keys sign. */
enum err_code api_key_check(const struct api_key *key, const struct identity *maker,
                            struct err *err)
{
    enum err_code code = account_check_name(key->friendly_name, err);
    if (code != ERR_OK)
        return code;
    if (key->role != ROLE_VIEWER && key->role != ROLE_SUPERVISOR && key->role != ROLE_ADMIN)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_ROLE", "role",
                         "role must be one of: viewer, supervisor, admin");
    if (key->role > maker->role)
        return ERR_FIELD(err, ERR_PERMISSION_DENIED, "ROLE_TOO_HIGH", "role",
                         "role must be at most your own, %s", role_name(maker->role));
    return ERR_OK;
}
