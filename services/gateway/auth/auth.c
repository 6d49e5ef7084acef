#include "auth_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "token_store.h"

enum { AUTH_LOCK_RANK = 300, CACHE_MAX = 4096 };

#define VALID_FOR_US   (5 * US_PER_S)
#define INVALID_FOR_US (2 * US_PER_S)

static const struct metric_def failures_def = {
    .name = "taskrouter_gateway_auth_failures_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Requests refused because of their credentials, by reason.",
    .labels = {"reason"},
};

/* One token as it was when last looked up. Owned by the map; key is hash. */
struct known {
    char hash[CRYPT_SHA256_HEX_SIZE];
    enum token_state state;
    enum role role;
    char *sid;
    char *actor_sid;
    char *account_sid;
    char *worker_sid;
    char *workspace_sid;
    int64_t expires_at_us; /* 0: never */
    int64_t until_mono_us; /* believed until then */
};

void auth_count_refusal(const char *reason)
{
    metric_inc(METRIC_SERIES(metric_register(&failures_def), reason));
}

static void known_free(struct known *known)
{
    free(known->sid);
    free(known->actor_sid);
    free(known->account_sid);
    free(known->worker_sid);
    free(known->workspace_sid);
    free(known);
}

struct auth *auth_new(const char *account_sid, const char *auth_token, const struct vault *vault)
{
    struct auth *auth = xcalloc(1, sizeof *auth);
    auth->account_sid = account_sid;
    auth->auth_token = auth_token;
    auth->vault = vault;
    lock_init(&auth->lock, "auth", AUTH_LOCK_RANK);
    map_init(&auth->known);
    return auth;
}

void auth_pool_set(struct auth *auth, struct db_pool *pool)
{
    auth->pool = pool;
}

static void known_clear(struct auth *auth)
{
    for (size_t i = 0; i < auth->known.count; i++)
        known_free(auth->known.entries[i].value);
    map_clear(&auth->known);
}

void auth_free(struct auth *auth)
{
    if (auth == NULL)
        return;
    known_clear(auth);
    map_fini(&auth->known);
    lock_fini(&auth->lock);
    free(auth);
}

void auth_forget(struct auth *auth, const char *token_sid)
{
    lock_take(&auth->lock);
    auth->forgets++;
    bool is_all = token_sid == NULL || token_sid[0] == '\0';
    if (is_all)
        known_clear(auth);
    for (size_t i = auth->known.count; !is_all && i > 0; i--) { /* removal moves the last one */
        struct known *known = auth->known.entries[i - 1].value;
        if (known->sid == NULL || strcmp(known->sid, token_sid) != 0)
            continue;
        (void)map_remove(&auth->known, str_from(known->hash));
        known_free(known);
    }
    lock_drop(&auth->lock);
}

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; send a smaller one");
}

/* Who acts: the user whose token it is, or the token itself. */
static const char *actor_of(const struct token *token)
{
    return token->user_sid[0] != '\0' ? token->user_sid : token->sid;
}

enum err_code auth_refuse(enum token_state state, struct err *err)
{
    auth_count_refusal(token_state_name(state));
    return token_state_check(state, err);
}

/* Under the lock. True: the answer is *out_code. */
static bool answer(struct auth *auth, struct call *call, const char *hash, enum err_code *out_code,
                   struct identity *out_who, struct err *err)
{
    const struct known *known = map_get(&auth->known, str_from(hash));
    if (known == NULL || known->until_mono_us <= clock_mono_us())
        return false;
    enum token_state state = known->state;
    if (state == TOKEN_VALID && known->expires_at_us != 0 && known->expires_at_us <= clock_now_us())
        state = TOKEN_EXPIRED;
    if (state != TOKEN_VALID) {
        *out_code = auth_refuse(state, err);
        return true;
    }
    *out_who = (struct identity){
        .role = known->role,
        .actor_sid = arena_strdup(call->arena, known->actor_sid),
        .account_sid = arena_strdup(call->arena, known->account_sid),
        .worker_sid = arena_strdup(call->arena, known->worker_sid),
        .workspace_sid = arena_strdup(call->arena, known->workspace_sid),
    };
    *out_code = ERR_OK;
    if (arena_is_exhausted(call->arena)) {
        *out_who = (struct identity){ROLE_NONE, "", "", "", ""};
        *out_code = no_room(err);
    }
    return true;
}

static bool hash_of(struct str token, char hash[CRYPT_SHA256_HEX_SIZE], enum err_code *out_code,
                    struct err *err)
{
    if (token.len == 0 || token.len > AUTH_TOKEN_MAX) {
        *out_code = auth_refuse(TOKEN_UNKNOWN, err);
        return false;
    }
    *out_code = crypt_token_hash(token, hash, err);
    return *out_code == ERR_OK;
}

bool auth_token_cached(void *ctx, struct call *call, struct str token, enum err_code *out_code,
                       struct identity *out_who, struct err *err)
{
    struct auth *auth = ctx;
    char hash[CRYPT_SHA256_HEX_SIZE];
    if (!hash_of(token, hash, out_code, err))
        return true;
    lock_take(&auth->lock);
    bool is_answered = answer(auth, call, hash, out_code, out_who, err);
    lock_drop(&auth->lock);
    return is_answered;
}

bool auth_recall(struct auth *auth, struct call *call, struct auth_question *question,
                 enum err_code *out_code, struct identity *out_who, struct err *err)
{
    lock_take(&auth->lock);
    question->forgets = auth->forgets;
    bool is_answered = answer(auth, call, question->hash, out_code, out_who, err);
    lock_drop(&auth->lock);
    return is_answered;
}

static void remember(struct auth *auth, const struct auth_question *question,
                     const struct token *token, enum token_state state)
{
    struct known *known = xcalloc(1, sizeof *known);
    known->state = state;
    memcpy(known->hash, question->hash, sizeof known->hash);
    known->until_mono_us =
        clock_mono_us() + (known->state == TOKEN_VALID ? VALID_FOR_US : INVALID_FOR_US);
    if (token != NULL) {
        known->role = token->role;
        known->sid = xstrdup(token->sid);
        known->actor_sid = xstrdup(actor_of(token));
        known->account_sid = xstrdup(token->account_sid);
        known->worker_sid = xstrdup(token->worker_sid);
        known->workspace_sid = xstrdup(token->workspace_sid);
        known->expires_at_us = token->expires_at_us;
    }
    lock_take(&auth->lock);
    if (auth->forgets != question->forgets) { /* it may have been revoked since it was read */
        lock_drop(&auth->lock);
        known_free(known);
        return;
    }
    if (auth->known.count >= CACHE_MAX)
        known_clear(auth);
    /* The old key lives in the old value: take it out before it goes. */
    struct known *old = map_remove(&auth->known, str_from(known->hash));
    (void)map_put(&auth->known, str_from(known->hash), known);
    lock_drop(&auth->lock);
    if (old != NULL)
        known_free(old);
}

enum err_code auth_conclude(struct auth *auth, const struct auth_question *question,
                            const struct token *token, enum token_state state,
                            struct identity *out_who, struct err *err)
{
    remember(auth, question, token, state);
    if (state != TOKEN_VALID)
        return auth_refuse(state, err);
    *out_who = (struct identity){
        .role = token->role,
        .actor_sid = actor_of(token),
        .account_sid = token->account_sid,
        .worker_sid = token->worker_sid,
        .workspace_sid = token->workspace_sid,
    };
    return ERR_OK;
}

enum err_code auth_token(void *ctx, struct call *call, struct str token, struct identity *out_who,
                         struct err *err)
{
    struct auth *auth = ctx;
    struct auth_question question;
    enum err_code code = ERR_OK;
    if (!hash_of(token, question.hash, &code, err) ||
        auth_recall(auth, call, &question, &code, out_who, err))
        return code;
    struct token found;
    bool is_known = false;
    code = token_store_by_hash(auth->pool, call, question.hash, &found, &is_known, err);
    if (code != ERR_OK)
        return code;
    int64_t now_us = clock_now_us();
    const struct token *known = is_known ? &found : NULL;
    code = auth_conclude(auth, &question, known, token_state_at(known, now_us), out_who, err);
    struct err ignored = {0};
    if (code == ERR_OK && now_us - found.last_used_at_us > AUTH_TOUCH_S * US_PER_S &&
        token_store_touch(auth->pool, call, found.sid, &ignored) != ERR_OK)
        LOG_WARN(call, "time of use of a token not noted", LOG_ERR(&ignored));
    return code;
}

enum err_code auth_token_end(struct auth *auth, struct call *call, struct str token,
                             int64_t *out_expires_at_us, struct err *err)
{
    char hash[CRYPT_SHA256_HEX_SIZE];
    enum err_code code = ERR_OK;
    if (!hash_of(token, hash, &code, err))
        return code;
    struct token found;
    bool is_known = false;
    code = token_store_by_hash(auth->pool, call, hash, &found, &is_known, err);
    if (code != ERR_OK)
        return code;
    enum token_state state = token_state_at(is_known ? &found : NULL, clock_now_us());
    if (state != TOKEN_VALID)
        return auth_refuse(state, err);
    *out_expires_at_us = found.expires_at_us;
    return ERR_OK;
}
