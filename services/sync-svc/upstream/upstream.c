#include "upstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/breaker.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "crypt/crypt.h"
#include "jx/jx.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "pace.h"
#include "retry.h"

enum {
    UPSTREAM_LOCK_RANK = 350,
    REPLY_BYTES_MAX = 16 << 20, /* a page of 1000 workers with whole attributes is 5 MiB */
    PATH_BYTES_MAX = 2048,
    MARGIN_US = 20 * 1000, /* of the caller's deadline, for the way back */
    ASKED_MAX_S = 3600,
    STATUS_UNAUTHORIZED = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_TOO_MANY = 429,
    STATUS_SERVER = 500,
};

struct upstream {
    char *url;
    const char *url_setting;
    const char *api;
    char *authorization; /* a whole header line; NULL = no credentials */
    int64_t timeout_ms;
    int64_t concurrency;
    struct httpc *httpc;

    struct lock lock;
    struct cond changed; /* one came back */
    struct pace pace;
    struct breaker breaker;
    int64_t in_flight;
    int64_t asked_until_us; /* Twilio wants to be left alone; 0 = never */
    bool is_stopped;
    struct cond stopped;
    char why[160]; /* the last failure, in words for people */
};

static const struct metric_def calls_def = {
    .name = "taskrouter_upstream_calls_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Attempts of calls of Twilio's API, by method and outcome (status class or why not)",
    .labels = {"api", "method", "outcome"},
};

static const struct metric_def time_def = {
    .name = "taskrouter_upstream_call_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "Time of one attempt of a call of Twilio's API",
    .labels = {"api", "method"},
};

static const struct metric_def away_def = {
    .name = "taskrouter_upstream_away",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "1 while Twilio's API is left alone because it failed several times in a row",
    .labels = {"api"},
};

/* ---- life ---- */

static char *authorization_line(const char *account_sid, const char *auth_token)
{
    struct buf clear;
    struct buf line;
    if (account_sid == NULL || auth_token == NULL)
        return NULL;
    buf_init(&clear, 0);
    buf_init(&line, 0);
    buf_printf(&clear, "%s:%s", account_sid, auth_token);
    buf_text(&line, "Authorization: Basic ");
    crypt_base64(&line, buf_str(&clear).ptr, buf_str(&clear).len);
    INVARIANT(!buf_failed(&clear) && !buf_failed(&line)); /* lengths are bounded by the settings */
    char *copy = buf_take(&line);
    char *secret = buf_take(&clear);
    crypt_wipe(secret, strlen(secret));
    free(secret);
    return copy;
}

struct upstream *upstream_open(const struct upstream_options *options)
{
    struct upstream *upstream = xcalloc(1, sizeof *upstream);
    upstream->url = xstrdup(options->url);
    upstream->url_setting = options->url_setting;
    upstream->api = options->api;
    upstream->authorization = authorization_line(options->account_sid, options->auth_token);
    upstream->timeout_ms = options->timeout_ms;
    upstream->concurrency = options->concurrency;
    pace_init(&upstream->pace, options->rate, options->burst, clock_mono_us());
    lock_init(&upstream->lock, "upstream", UPSTREAM_LOCK_RANK);
    cond_init(&upstream->changed);
    cond_init(&upstream->stopped);
    upstream->httpc = httpc_open(&(struct httpc_options){
        .user_agent = "TaskRouter/0.1 (sync-svc)",
        .ca_file = options->ca_file,
        .max_transfers = (int)options->concurrency,
        .max_response_bytes = REPLY_BYTES_MAX,
        .allows_private = true, /* the operator named it, no outsider */
        .offers_http2 = true,
    });
    return upstream;
}

void upstream_stop(struct upstream *upstream)
{
    lock_take(&upstream->lock);
    upstream->is_stopped = true;
    cond_broadcast(&upstream->stopped);
    cond_broadcast(&upstream->changed);
    lock_drop(&upstream->lock);
}

void upstream_close(struct upstream *upstream)
{
    if (upstream == NULL)
        return;
    httpc_close(upstream->httpc);
    cond_fini(&upstream->changed);
    cond_fini(&upstream->stopped);
    lock_fini(&upstream->lock);
    if (upstream->authorization != NULL)
        crypt_wipe(upstream->authorization, strlen(upstream->authorization));
    free(upstream->authorization);
    free(upstream->url);
    free(upstream);
}

struct upstream_state upstream_state(struct upstream *upstream)
{
    lock_take(&upstream->lock);
    int64_t now_us = clock_mono_us();
    struct upstream_state state = {
        .is_configured = upstream->authorization != NULL,
        .is_away = breaker_is_open(&upstream->breaker),
        .in_flight = upstream->in_flight,
    };
    if (state.is_away)
        state.retry_in_us = breaker_wait_us(&upstream->breaker, now_us);
    if (upstream->asked_until_us > now_us)
        state.asked_us = upstream->asked_until_us - now_us;
    lock_drop(&upstream->lock);
    return state;
}

/* ---- the way in ---- */

/* Under the lock. */
static enum err_code fail_away(const struct upstream *upstream, int64_t wait_us, struct err *err)
{
    return ERR_SET(err, ERR_UNAVAILABLE, "UPSTREAM_AWAY",
                   "Twilio's API does not answer (%s); the next try is in %lld ms. Check "
                   "%s and the network if this lasts",
                   upstream->why, (long long)(wait_us / US_PER_MS), upstream->url_setting);
}

static enum err_code fail_busy(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "UPSTREAM_BUSY",
                   "more calls of Twilio's API are asked for than TASKROUTER_TWILIO_RATE and "
                   "_CONCURRENCY let through in the time there is; try again later");
}

static enum err_code fail_stopped(struct err *err)
{
    return ERR_SET(err, ERR_UNAVAILABLE, "UPSTREAM_AWAY", "the service is ending; try again");
}

/* False when the service ends meanwhile. */
static bool rest(struct upstream *upstream, int64_t wait_us)
{
    int64_t until_us = clock_mono_us() + wait_us;
    bool is_in_time = true;
    lock_take(&upstream->lock);
    while (!upstream->is_stopped && is_in_time)
        is_in_time = cond_wait_until(&upstream->stopped, &upstream->lock, until_us);
    bool goes_on = !upstream->is_stopped;
    lock_drop(&upstream->lock);
    return goes_on;
}

/* Under the lock, with room: how long to wait, and the code. */
static enum err_code take_turn(struct upstream *upstream, int64_t until_us, int64_t *out_wait_us,
                               struct err *err)
{
    int64_t now_us = clock_mono_us();
    if (breaker_ask(&upstream->breaker, now_us) == BREAKER_WAIT)
        return fail_away(upstream, breaker_wait_us(&upstream->breaker, now_us), err);
    *out_wait_us = pace_take(&upstream->pace, now_us, until_us - now_us);
    if (*out_wait_us >= 0)
        return ERR_OK;
    breaker_forget(&upstream->breaker);
    return fail_busy(err);
}

/* Waits for room and the call's turn. On success one more is in flight. */
static enum err_code enter(struct upstream *upstream, const struct call *call, struct err *err)
{
    int64_t until_us = clock_mono_us() + call_left_us(call) - MARGIN_US;
    int64_t wait_us = 0;
    enum err_code code = ERR_OK;
    bool is_in_time = true;
    lock_take(&upstream->lock);
    while (upstream->in_flight >= upstream->concurrency && is_in_time && !upstream->is_stopped)
        is_in_time = cond_wait_until(&upstream->changed, &upstream->lock, until_us);
    if (upstream->is_stopped)
        code = fail_stopped(err);
    else if (upstream->in_flight >= upstream->concurrency)
        code = fail_busy(err);
    else
        code = take_turn(upstream, until_us, &wait_us, err);
    if (code == ERR_OK)
        upstream->in_flight++;
    lock_drop(&upstream->lock);
    if (code == ERR_OK && wait_us > 0)
        (void)rest(upstream, wait_us); /* a service that ends lets the call go at once */
    return code;
}

/* Under the lock. */
static void remember(struct upstream *upstream, const struct httpc_request *http)
{
    if (http->outcome == HTTPC_ANSWERED)
        (void)snprintf(upstream->why, sizeof upstream->why, "status %d", http->status);
    else
        (void)snprintf(upstream->why, sizeof upstream->why, "%s", http->error);
}

/* Under the lock. An answer in its senses takes back what was asked before. */
static void note_asked(struct upstream *upstream, const struct httpc_request *http, int64_t now_us)
{
    bool is_refused = http->status == STATUS_TOO_MANY || http->status >= STATUS_SERVER;
    int64_t asked_s = http->retry_after_s < ASKED_MAX_S ? http->retry_after_s : ASKED_MAX_S;
    if (http->outcome != HTTPC_ANSWERED)
        return;
    if (!is_refused)
        upstream->asked_until_us = 0;
    else if (asked_s > 0)
        upstream->asked_until_us = now_us + asked_s * US_PER_S;
}

static void leave(struct upstream *upstream, enum retry_outcome outcome,
                  const struct httpc_request *http)
{
    int64_t now_us = clock_mono_us();
    bool is_up = !retry_is_down(outcome, http->status);
    lock_take(&upstream->lock);
    upstream->in_flight--;
    bool has_changed = breaker_note(&upstream->breaker, is_up, now_us);
    bool is_open = breaker_is_open(&upstream->breaker);
    if (!is_up)
        remember(upstream, http);
    note_asked(upstream, http, now_us);
    if (http->status == STATUS_TOO_MANY && http->retry_after_s > 0)
        pace_rest(&upstream->pace, now_us + http->retry_after_s * US_PER_S);
    cond_signal(&upstream->changed);
    lock_drop(&upstream->lock);
    if (!has_changed)
        return;
    metric_set(METRIC_SERIES(metric_register(&away_def), upstream->api), is_open ? 1 : 0);
    if (is_open)
        LOG_WARN(NULL, "Twilio's API failed several times in a row and is left alone for a while");
    else
        LOG_INFO(NULL, "Twilio's API answers again");
}

/* ---- one attempt ---- */

static const char *method_name(enum httpc_method method)
{
    switch (method) {
    case HTTPC_GET:
        return "GET";
    case HTTPC_POST:
        return "POST";
    case HTTPC_PATCH:
        return "PATCH";
    case HTTPC_DELETE:
        return "DELETE";
    }
    return "";
}

static enum retry_outcome outcome_of(const struct httpc_request *http)
{
    switch (http->outcome) {
    case HTTPC_ANSWERED:
        return RETRY_ANSWERED;
    case HTTPC_PRIVATE_ADDRESS:
    case HTTPC_BAD_URL:
        return RETRY_UNSENT;
    case HTTPC_NONE:
    case HTTPC_FAILED:
    case HTTPC_TIMED_OUT:
    case HTTPC_TOO_LARGE:
    case HTTPC_ABORTED:
        break;
    }
    return http->was_sent ? RETRY_UNKNOWN : RETRY_UNSENT;
}

static void note_attempt(const struct upstream *upstream, struct call *call,
                         const struct upstream_request *request, const struct httpc_request *http,
                         int attempt)
{
    char outcome[16] = "failed";
    if (http->outcome == HTTPC_ANSWERED)
        (void)snprintf(outcome, sizeof outcome, "%dxx", http->status / 100);
    if (http->outcome == HTTPC_TIMED_OUT)
        (void)snprintf(outcome, sizeof outcome, "timeout");
    metric_inc(METRIC_SERIES(metric_register(&calls_def), upstream->api,
                             method_name(request->method), outcome));
    metric_observe_us(
        METRIC_SERIES(metric_register(&time_def), upstream->api, method_name(request->method)),
        http->took_us);
    LOG_INFO(call, "call of Twilio's API", LOG_STR("method", method_name(request->method)),
             LOG_VIEW("path", request->path), LOG_I64("status", http->status),
             LOG_STR("error", http->error), LOG_I64("attempt", attempt),
             LOG_I64("took_ms", http->took_us / US_PER_MS));
}

static bool is_repeatable(const struct upstream_request *request)
{
    return request->is_repeatable || request->method != HTTPC_POST;
}

/* Fills the HTTP request; everything it points to is the call's. */
static enum err_code prepare(struct upstream *upstream, struct call *call,
                             const struct upstream_request *request, struct httpc_request *http,
                             struct err *err)
{
    size_t count = 0;
    const char **headers = ARENA_ARRAY(call->arena, const char *, 6);
    struct buf form;
    buf_init(&form, 0);
    twilio_form_encode(&form, request->params, request->param_count);
    struct str encoded = arena_str(call->arena, buf_str(&form));
    bool has_query = request->method != HTTPC_POST && request->param_count > 0;
    bool is_made = !buf_failed(&form) && headers != NULL;
    buf_fini(&form);
    if (!is_made)
        return call_no_room(err);
    const char *glue = memchr(request->path.ptr, '?', request->path.len) != NULL ? "&" : "?";
    *http = (struct httpc_request){
        .url =
            arena_printf(call->arena, "%s%.*s%s%.*s", upstream->url, (int)request->path.len,
                         request->path.ptr, has_query ? glue : "", has_query ? (int)encoded.len : 0,
                         encoded.ptr == NULL ? "" : encoded.ptr),
        .method = request->method,
        .headers = headers,
        /* one that libcurl repeats by itself would be refused the second time, and nobody would
         * know that the first had been carried out */
        .is_once = request->method == HTTPC_POST,
    };
    headers[count++] = upstream->authorization;
    headers[count++] = "Accept: application/json";
    if (request->method == HTTPC_POST) {
        http->body = encoded;
        headers[count++] = "Content-Type: application/x-www-form-urlencoded";
    }
    if (request->if_match.len > 0)
        headers[count++] = arena_printf(call->arena, "If-Match: %.*s", (int)request->if_match.len,
                                        request->if_match.ptr);
    headers[count] = NULL;
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

/* ---- what came back ---- */

static enum err_code fail_credentials(const struct upstream_reply *reply, struct err *err)
{
    return ERR_SET(
        err, ERR_FAILED_PRECONDITION, "UPSTREAM_CREDENTIALS",
        "Twilio refused the credentials (status %d, code %lld): check TWILIO_ACCOUNT_SID and "
        "TWILIO_AUTH_TOKEN",
        reply->status, (long long)reply->code);
}

/* What the reply says of an error; anything that is no such object is left out. */
static void read_error(struct call *call, struct upstream_reply *reply)
{
    struct err ignored = {0};
    AUTO(jx_cleanup) json_t *root = NULL;
    struct jx_limits limits = {.max_bytes = 64 << 10};
    if (jx_parse_object(reply->body, &limits, &root, &ignored) != ERR_OK)
        return;
    reply->code = jx_get_i64(root, "code", 0);
    const char *message = arena_strdup(call->arena, jx_get_text(root, "message", ""));
    reply->message = message == NULL ? "" : message;
}

static enum err_code take_answer(const struct upstream *upstream, struct call *call,
                                 const struct httpc_request *http, struct upstream_reply *out,
                                 struct err *err)
{
    out->status = http->status;
    out->etag = arena_strdup(call->arena, http->etag);
    out->body = arena_str(call->arena, buf_str(&http->reply));
    out->message = "";
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    if (http->status >= 400)
        read_error(call, out);
    if (http->status == STATUS_UNAUTHORIZED || http->status == STATUS_FORBIDDEN)
        return fail_credentials(out, err);
    if (http->status == STATUS_TOO_MANY)
        return ERR_SET(
            err, ERR_RESOURCE_EXHAUSTED, "UPSTREAM_BUSY",
            "Twilio limits the rate of calls (429); lower TASKROUTER_TWILIO_RATE or try again "
            "later");
    if (http->status >= STATUS_SERVER)
        return ERR_SET(err, ERR_UNAVAILABLE, "UPSTREAM_AWAY",
                       "Twilio's API is out of order (status %d); try again later", http->status);
    if (http->status < 200 || (http->status >= 300 && http->status < 400))
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_NOT_TWILIO",
                       "what answers at %s is no API of Twilio's (status %d); check the address",
                       upstream->url_setting, http->status);
    return ERR_OK;
}

static enum err_code fail_unanswered(const struct upstream *upstream,
                                     const struct httpc_request *http, struct err *err)
{
    return ERR_SET(err, ERR_UNAVAILABLE, "UPSTREAM_AWAY",
                   "Twilio's API could not be reached: %s. Check %s and the network", http->error,
                   upstream->url_setting);
}

/* ---- the call ---- */

static enum err_code check(const struct upstream *upstream, const struct upstream_request *request,
                           struct err *err)
{
    if (upstream->authorization == NULL)
        return ERR_SET(
            err, ERR_FAILED_PRECONDITION, "UPSTREAM_NOT_CONFIGURED",
            "Twilio's credentials are missing: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN of "
            "sync-svc");
    bool is_good =
        request->path.len > 1 && request->path.len <= PATH_BYTES_MAX && request->path.ptr[0] == '/';
    for (size_t i = 0; i < request->path.len && is_good; i++)
        is_good = request->path.ptr[i] > ' ' && request->path.ptr[i] <= '~' &&
                  request->path.ptr[i] != '#';
    for (size_t i = 0; i < request->if_match.len && is_good; i++)
        is_good = request->if_match.ptr[i] >= ' ' && request->if_match.ptr[i] <= '~';
    if (!is_good)
        return ERR_FIELD(
            err, ERR_INVALID_ARGUMENT, "INVALID_PATH", "path",
            "path must begin with / and hold visible ASCII only, and If-Match printable "
            "ASCII");
    return ERR_OK;
}

/* *out_wait_us: before the next attempt; -1 = there is none and the code is the answer. */
static enum err_code attempt(struct upstream *upstream, struct call *call,
                             const struct upstream_request *request, struct upstream_reply *out,
                             int64_t *out_wait_us, struct err *err)
{
    struct httpc_request http;
    *out_wait_us = -1;
    enum err_code code = prepare(upstream, call, request, &http, err);
    if (code == ERR_OK)
        code = enter(upstream, call, err);
    if (code != ERR_OK)
        return code;
    int64_t left_us = call_left_us(call) - MARGIN_US;
    http.timeout_ms = (int)(upstream->timeout_ms < left_us / US_PER_MS ? upstream->timeout_ms
                                                                       : left_us / US_PER_MS);
    if (http.timeout_ms < 1)
        http.timeout_ms = 1;
    out->attempts++;
    if (!httpc_run(upstream->httpc, &http)) { /* the client is closing */
        http.outcome = HTTPC_ABORTED;
        (void)snprintf(http.error, sizeof http.error, "the service is ending");
    }
    enum retry_outcome outcome = outcome_of(&http);
    leave(upstream, outcome, &http);
    note_attempt(upstream, call, request, &http, out->attempts);
    if (outcome == RETRY_UNKNOWN || http.status >= STATUS_SERVER)
        out->is_unsure = true;
    struct retry_case retry = {
        .outcome = outcome,
        .status = http.status,
        .retry_after_ms = http.retry_after_s * 1000,
        .is_repeatable = is_repeatable(request),
        .attempts = out->attempts,
        .left_us = call_left_us(call) - MARGIN_US,
    };
    random_bytes(&retry.chance, sizeof retry.chance);
    code = http.outcome == HTTPC_ANSWERED ? take_answer(upstream, call, &http, out, err)
                                          : fail_unanswered(upstream, &http, err);
    if (code != ERR_OK && http.outcome != HTTPC_ABORTED)
        *out_wait_us = retry_wait_us(&retry);
    httpc_request_fini(&http);
    return code;
}

enum err_code upstream_call(struct upstream *upstream, struct call *call,
                            const struct upstream_request *request, struct upstream_reply *out,
                            struct err *err)
{
    int64_t began_us = clock_mono_us();
    int64_t wait_us = 0;
    *out = (struct upstream_reply){.etag = "", .message = ""};
    enum err_code code = check(upstream, request, err);
    if (code != ERR_OK)
        return code;
    for (;;) {
        code = attempt(upstream, call, request, out, &wait_us, err);
        if (code == ERR_OK || wait_us < 0)
            break;
        if (!rest(upstream, wait_us))
            return fail_stopped(err);
        err_clear(err);
    }
    out->took_us = clock_mono_us() - began_us;
    return code;
}
