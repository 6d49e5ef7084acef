#include "webhook_auth.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "account_store.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "crypt/crypt.h"
#include "gateway.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "twilio/signature.h"
#include "twilio_url.h"
#include "vault.h"

enum { OWN_MAX = 2, AUTH_LOCK_RANK = 320 };

#define OWN_FRESH_US (5 * US_PER_S)

static const struct metric_def refused_def = {
    .name = "taskrouter_webhooks_refused_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Webhooks refused because of their signature.",
    .labels = {"reason"},
};

struct webhook_auth {
    struct gateway *gateway;
    struct twilio_proxies *proxies;
    struct lock lock;   /* guards what follows */
    char *own[OWN_MAX]; /* of our account, from the database; NULL = none */
    int64_t own_until_mono_us;
};

enum err_code webhook_auth_new(struct gateway *gateway, struct webhook_auth **out, struct err *err)
{
    struct twilio_proxies *proxies = NULL;
    enum err_code code = twilio_proxies_new(gateway->settings->trusted_proxies, &proxies, err);
    if (code != ERR_OK)
        return code;
    struct webhook_auth *auth = xcalloc(1, sizeof *auth);
    auth->gateway = gateway;
    auth->proxies = proxies;
    lock_init(&auth->lock, "webhook auth", AUTH_LOCK_RANK);
    *out = auth;
    return ERR_OK;
}

static void secret_free(char *secret)
{
    if (secret == NULL)
        return;
    crypt_wipe(secret, strlen(secret));
    free(secret);
}

void webhook_auth_free(struct webhook_auth *auth)
{
    if (auth == NULL)
        return;
    for (int i = 0; i < OWN_MAX; i++)
        secret_free(auth->own[i]);
    lock_fini(&auth->lock);
    twilio_proxies_free(auth->proxies);
    free(auth);
}

/* ---- tokens of our account ---- */

/* NULL when there is none, or it cannot be opened. */
static char *opened(struct webhook_auth *auth, struct call *call, const char *sid,
                    struct str sealed)
{
    struct str secret = {NULL, 0};
    struct err err = {0};
    if (sealed.len == 0)
        return NULL;
    if (vault_open(auth->gateway->vault, call, sid, sealed, &secret, &err) != ERR_OK) {
        LOG_WARN(call, "an auth token of our account cannot be opened, webhooks go without it",
                 LOG_ERR(&err));
        return NULL;
    }
    return xstrdup(secret.ptr);
}

/* What cannot be read now is tried again with the next webhook. */
static void own_read(struct webhook_auth *auth, struct call *call)
{
    struct account account;
    struct err err = {0};
    bool is_known = false;
    const char *sid = gateway_account_sid(auth->gateway->settings);
    char *own[OWN_MAX] = {NULL, NULL};
    if (sid == NULL)
        return;
    if (account_store_find(auth->gateway->host.pool, call, sid, &account, &is_known, &err) !=
        ERR_OK) {
        LOG_WARN(call, "the auth tokens of our account cannot be read now", LOG_ERR(&err));
        return;
    }
    if (is_known && account.suspended_at_us == 0) {
        own[0] = opened(auth, call, sid, account.auth_token);
        own[1] = opened(auth, call, sid, account.secondary_auth_token);
    }
    lock_take(&auth->lock);
    for (int i = 0; i < OWN_MAX; i++) {
        char *before = auth->own[i];
        auth->own[i] = own[i];
        own[i] = before;
    }
    auth->own_until_mono_us = clock_mono_us() + OWN_FRESH_US;
    lock_drop(&auth->lock);
    for (int i = 0; i < OWN_MAX; i++)
        secret_free(own[i]);
}

/* Copies in the arena, since another request may replace them meanwhile. */
static size_t own_copy(struct webhook_auth *auth, struct call *call, struct str out[OWN_MAX])
{
    size_t count = 0;
    lock_take(&auth->lock);
    bool is_fresh = auth->own_until_mono_us > clock_mono_us();
    lock_drop(&auth->lock);
    if (!is_fresh)
        own_read(auth, call);
    lock_take(&auth->lock);
    for (int i = 0; i < OWN_MAX; i++) {
        if (auth->own[i] != NULL)
            out[count++] = arena_str(call->arena, str_from(auth->own[i]));
    }
    lock_drop(&auth->lock);
    return count;
}

/* ---- the check ---- */

struct presented {
    struct str signature;
    struct str url;
    const struct twilio_param *params;
    size_t count;
    struct str body;
    bool is_form;
};

static bool is_made_with(const struct presented *seen, struct str token)
{
    if (token.len == 0)
        return false;
    return seen->is_form
               ? twilio_verify(token, seen->signature, seen->url, seen->params, seen->count)
               : twilio_verify_body(token, seen->signature, seen->url, seen->body);
}

/* As the sender called it: the part that the proxy or the configuration knows, and the target as it
 * was sent. */
static struct str url_of(struct webhook_auth *auth, struct http_request *req)
{
    const char *root =
        twilio_root_url(auth->proxies, auth->gateway->settings->public_url, req, req->call->arena);
    struct str query = req->target;
    (void)str_split(&query, '?');
    const char *url = NULL;
    if (root != NULL)
        url = arena_printf(req->call->arena, "%s%.*s%s%.*s", root, STR_ARG(req->path),
                           query.ptr != NULL ? "?" : "", STR_ARG(query));
    return str_from(url);
}

static const char *const refusal_names[WEBHOOK_REFUSAL_COUNT] = {
#define X(name, text) [WEBHOOK_REFUSAL_##name] = (text),
    WEBHOOK_REFUSALS(X)
#undef X
};

static enum err_code refuse(struct webhook_auth *auth, const struct http_request *req,
                            enum webhook_refusal refusal, const char *reason, const char *detail,
                            struct err *err)
{
    struct webhook_tally *tally = &auth->gateway->tally;
    metric_inc(METRIC_SERIES(metric_register(&refused_def), refusal_names[refusal]));
    (void)atomic_fetch_add(&tally->refused[refusal], 1);
    atomic_store(&tally->refused_at_us, clock_now_us());
    LOG_WARN(req->call, "webhook refused", LOG_STR("reason", refusal_names[refusal]),
             LOG_STR("route", req->route->pattern), LOG_STR("peer", req->peer));
    return ERR_SET(err, ERR_PERMISSION_DENIED, reason, "%s", detail);
}

enum err_code webhook_auth_check(struct webhook_auth *auth, struct http_request *req,
                                 const struct twilio_param *params, size_t count, bool is_form,
                                 struct err *err)
{
    const struct gateway_settings *settings = auth->gateway->settings;
    struct presented seen = {
        .signature = http_header(req, "X-Twilio-Signature"),
        .url = url_of(auth, req),
        .params = params,
        .count = count,
        .body = req->body,
        .is_form = is_form,
    };
    const char *const configured[] = {settings->twilio_auth_token,
                                      settings->twilio_auth_token_previous, settings->auth_token};
    struct str own[OWN_MAX];
    bool has_token = false;
    if (seen.url.ptr == NULL)
        return call_no_room(err);
    if (seen.signature.len == 0)
        return refuse(auth, req, WEBHOOK_REFUSAL_MISSING, "SIGNATURE_MISSING",
                      "webhooks are taken with the header X-Twilio-Signature only", err);
    for (size_t i = 0; i < ARRAY_LEN(configured); i++) {
        has_token = has_token || configured[i] != NULL;
        if (is_made_with(&seen, str_from(configured[i])))
            return ERR_OK;
    }
    size_t own_count = own_copy(auth, req->call, own);
    for (size_t i = 0; i < own_count; i++) {
        has_token = true;
        if (is_made_with(&seen, own[i]))
            return ERR_OK;
    }
    if (!has_token)
        return refuse(
            auth, req, WEBHOOK_REFUSAL_NO_TOKEN, "SIGNATURE_UNCHECKED",
            "no signature can be checked here; set TWILIO_AUTH_TOKEN to the auth token of "
            "the Twilio account",
            err);
    return refuse(
        auth, req, WEBHOOK_REFUSAL_INVALID, "SIGNATURE_INVALID",
        "X-Twilio-Signature does not fit the request; check that TWILIO_AUTH_TOKEN is the "
        "account's and that TASKROUTER_PUBLIC_URL is the URL that Twilio calls",
        err);
}
