#include "token.h"

#include <inttypes.h>
#include <string.h>

#include "base/parse.h"

static const struct {
    const char *name;
    const char *reason;
    const char *advice;
} states[TOKEN_STATE_COUNT] = {
    [TOKEN_STATE_NONE] = {"none",      "TOKEN_UNKNOWN",       "send a valid token"      },
    [TOKEN_UNKNOWN] = {"unknown",   "TOKEN_UNKNOWN",
                          "the token is not known here; check that it was copied whole" },
    [TOKEN_VALID] = {"valid",     "",                    ""                        },
    [TOKEN_REVOKED] = {"revoked",   "TOKEN_REVOKED",
                          "the token was revoked; ask an admin for another one"         },
    [TOKEN_EXPIRED] = {"expired",   "TOKEN_EXPIRED",
                          "the token has expired; ask an admin for another one"         },
    [TOKEN_SUSPENDED] = {"suspended", "ACCOUNT_SUSPENDED",
                          "the account is suspended; ask the owner of this installation"},
    [TOKEN_FORGED] = {"forged",    "TOKEN_INVALID",
                          "the worker token was not signed with the secret of its issuer, a key or "
                      "an account that is known here"                                   },
    [TOKEN_BASIC] = {"basic",     "CREDENTIALS_INVALID",
                          "the account SID or its auth token, or the key's SID or its secret, is "
                     "wrong; check both"                                                },
};

const char *token_state_name(enum token_state state)
{
    return states[state].name;
}

static enum err_code check_sid(const char *field, const char *shown, const char *sid,
                               const char *prefix, struct err *err)
{
    if (sid[0] == '\0' || parse_is_sid(str_from(sid), prefix))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SID", field,
                     "%s must be a SID: %s followed by 32 hexadecimal digits", shown, prefix);
}

static enum err_code check_name(const char *name, struct err *err)
{
    struct str text = str_from(name);
    if (str_trim(text).len > 0 && str_utf8_count(text) <= TOKEN_NAME_MAX)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                     "friendlyName must have 1 to %d characters that are not all spaces",
                     TOKEN_NAME_MAX);
}

/* A token must not be a way around its maker's own limits. */
static enum err_code check_maker(const struct token *token, const struct identity *maker,
                                 struct err *err)
{
    if (token->role > maker->role)
        return ERR_FIELD(err, ERR_PERMISSION_DENIED, "ROLE_TOO_HIGH", "role",
                         "role must be at most your own, %s", role_name(maker->role));
    if (maker->workspace_sid[0] != '\0' && strcmp(maker->workspace_sid, token->workspace_sid) != 0)
        return ERR_FIELD(err, ERR_PERMISSION_DENIED, "WORKSPACE_RESTRICTED", "workspace_sid",
                         "your token is restricted to workspace %s; give that workspaceSid",
                         maker->workspace_sid);
    return ERR_OK;
}

enum err_code token_check(const struct token *token, const struct identity *maker, struct err *err)
{
    enum err_code code = check_name(token->friendly_name, err);
    if (code != ERR_OK)
        return code;
    if (token->role < ROLE_VIEWER || token->role > ROLE_ADMIN)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_ROLE", "role",
                         "role must be one of: viewer, agent, supervisor, admin");
    code = check_sid("worker_sid", "workerSid", token->worker_sid, "WK", err);
    if (code == ERR_OK)
        code = check_sid("workspace_sid", "workspaceSid", token->workspace_sid, "WS", err);
    if (code == ERR_OK)
        code = check_sid("user_sid", "userSid", token->user_sid, "US", err);
    if (code != ERR_OK)
        return code;
    if (token->role == ROLE_AGENT && token->worker_sid[0] == '\0')
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "worker_sid",
                         "a token of role agent needs workerSid, the worker that it acts for");
    return check_maker(token, maker, err);
}

enum err_code token_check_ttl(int64_t ttl_s, struct err *err)
{
    if (ttl_s >= 0 && ttl_s <= TOKEN_TTL_MAX_S)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "ttl_s",
                     "ttlS must be 0 (never expires) to %" PRId64 " seconds", TOKEN_TTL_MAX_S);
}

enum token_state token_state_at(const struct token *token, int64_t now_us)
{
    if (token == NULL)
        return TOKEN_UNKNOWN;
    if (token->revoked_at_us != 0)
        return TOKEN_REVOKED;
    if (token->expires_at_us != 0 && token->expires_at_us <= now_us)
        return TOKEN_EXPIRED;
    if (token->is_account_suspended)
        return TOKEN_SUSPENDED;
    return TOKEN_VALID;
}

enum err_code token_state_check(enum token_state state, struct err *err)
{
    if (state == TOKEN_VALID)
        return ERR_OK;
    return ERR_SET(err, ERR_UNAUTHENTICATED, states[state].reason, "%s", states[state].advice);
}
