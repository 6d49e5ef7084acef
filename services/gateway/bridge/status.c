/*
 * status_callback_url of instructions: the provider calls one URL with the status of a call, which
 * is ours. So what it tells us is written, and told to the application in the same words, signed as
 * the provider would, until it has arrived.
 */
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "bridge_int.h"
#include "calls_int.h"
#include "gateway.h"
#include "httpc/httpc.h"
#include "jx/writer.h"
#include "log/log.h"
#include "signing.h"
#include "status_store.h"
#include "twilio/form.h"
#include "twilio/signature.h"
#include "webhook.h"

enum {
    LEASE_S = 25,
    TELL_MS = 20000, /* of one: longer than its parts, shorter than the lease */
    TIMEOUT_MS = 5000,
    REPLY_BYTES = 4096,
    ATTEMPTS_MAX = 16,
    BACKOFF_MS = 1000, /* doubles */
    BACKOFF_MAX_MS = 600000,
    PARAMS_BYTES = 64 << 10,
};

/* ---- what is to be told ---- */

struct wish {
    const char *url; /* "": nobody */
    const char *events;
    bool is_get;
};

static struct wish wish_of(const struct bridge_leg *leg, const json_t *options)
{
    if (!leg->is_conference)
        return (struct wish){.url = jx_get_text(options, "status_callback_url", ""),
                             .events = jx_get_text(options, "status_callback_events", ""),
                             .is_get = true};
    return (struct wish){
        .url = jx_get_text(options, "status_callback", ""),
        .events = jx_get_text(options, "status_callback_event", ""),
        .is_get = strcmp(jx_get_text(options, "status_callback_method", ""), "GET") == 0,
    };
}

static bool is_ours(struct str name)
{
    return str_eq(name, STR(WEBHOOK_RESERVATION)) || str_eq(name, STR(WEBHOOK_ATTEMPT)) ||
           str_eq(name, STR(WEBHOOK_TURN));
}

static enum err_code caller_of(struct bridge *bridge, struct call *call,
                               const struct bridge_leg *leg, const char **out, struct err *err)
{
    struct phone_call row;
    *out = "";
    if (leg->call_sid[0] == '\0')
        return ERR_OK;
    enum err_code code = bridge_row(bridge, call, leg, &row, err);
    if (code == ERR_OK)
        *out = row.call_sid;
    if (code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    return ERR_OK;
}

/* The provider's parameters, and the caller's call beside them. */
static enum err_code parameters_of(struct call *call, const struct twilio_param *params,
                                   size_t count, const char *caller, const char **out,
                                   struct err *err)
{
    struct buf text;
    struct jx_writer w;
    buf_init(&text, PARAMS_BYTES);
    jx_writer_init(&w, &text);
    jx_object_begin(&w);
    for (size_t i = 0; i < count; i++) {
        if (is_ours(params[i].name))
            continue;
        jx_key_str(&w, params[i].name);
        jx_str(&w, params[i].value);
    }
    if (caller[0] != '\0')
        jx_put_text(&w, "taskCallSid", caller);
    jx_object_end(&w);
    enum err_code code = jx_writer_finish(&w, err);
    *out = code == ERR_OK ? arena_str_dup(call->arena, buf_str(&text)) : NULL;
    buf_fini(&text);
    return code == ERR_OK && *out == NULL ? call_no_room(err) : code;
}

enum err_code bridge_status_note(struct bridge *bridge, struct call *call,
                                 const struct bridge_leg *leg, const struct twilio_param *params,
                                 size_t count, struct err *err)
{
    AUTO(jx_cleanup) json_t *options = NULL;
    struct str word = webhook_param(params, count, "CallStatus");
    const char *caller = "";
    bool is_new = false;
    enum err_code code = bridge_options(leg, &options, err);
    if (code != ERR_OK)
        return code;
    struct wish wish = wish_of(leg, options);
    if (wish.url[0] == '\0' || !leg_is_wanted_event(wish.events, word))
        return ERR_OK;
    struct leg_status status = {
        .reservation_sid = leg->reservation_sid,
        .provider_call_sid = arena_str_dup(call->arena, webhook_param(params, count, "CallSid")),
        .status = arena_str_dup(call->arena, word),
        .workspace_sid = leg->workspace_sid,
        .url = wish.url,
        .is_get = wish.is_get,
    };
    code = caller_of(bridge, call, leg, &caller, err);
    if (code == ERR_OK)
        code = parameters_of(call, params, count, caller, &status.parameters, err);
    if (code == ERR_OK && arena_is_exhausted(call->arena))
        code = call_no_room(err);
    if (code == ERR_OK)
        code = status_store_put(bridge->gateway->host.pool, call, &status, &is_new, err);
    if (is_new)
        bridge_status_wake(bridge);
    return code;
}

/* ---- telling ---- */

struct message {
    struct twilio_param *params;
    size_t count;
    const char *url;
    const char *body;
    const char *headers[4];
};

static enum err_code params_read(struct call *call, const struct leg_status *status,
                                 json_t **out_root, struct message *out, struct err *err)
{
    const char *name = NULL;
    json_t *value = NULL;
    enum err_code code = jx_parse_object(str_from(status->parameters), NULL, out_root, err);
    if (code != ERR_OK)
        return code;
    out->params = ARENA_ARRAY(call->arena, struct twilio_param, json_object_size(*out_root) + 1);
    if (out->params == NULL)
        return call_no_room(err);
    json_object_foreach(*out_root, name, value) out->params[out->count++] =
        (struct twilio_param){str_from(name), str_from(json_string_value(value))};
    return ERR_OK;
}

/* A fragment is neither sent nor signed. */
static void address(struct call *call, const struct leg_status *status, struct message *message)
{
    struct buf form;
    buf_init(&form, 0);
    twilio_form_encode(&form, message->params, message->count);
    message->body = arena_str_dup(call->arena, buf_str(&form));
    buf_fini(&form);
    int length = (int)strcspn(status->url, "#");
    const char *joint = strchr(status->url, '?') == NULL ? "?" : "&";
    message->url =
        status->is_get && message->body != NULL
            ? arena_printf(call->arena, "%.*s%s%s", length, status->url, joint, message->body)
            : arena_printf(call->arena, "%.*s", length, status->url);
}

/* token empty: the account has none. */
static enum err_code sign(struct call *call, const struct leg_status *status, struct str token,
                          struct message *message, struct err *err)
{
    char signature[TWILIO_SIGNATURE_SIZE] = "";
    size_t count = 0;
    if (!status->is_get)
        message->headers[count++] =
            "Content-Type: application/x-www-form-urlencoded; charset=utf-8";
    message->headers[count++] = arena_printf(call->arena, "I-Twilio-Idempotency-Token: %s.%s",
                                             status->provider_call_sid, status->status);
    if (token.len > 0) {
        enum err_code code =
            twilio_sign(token, str_from(message->url), status->is_get ? NULL : message->params,
                        status->is_get ? 0 : message->count, signature, err);
        if (code != ERR_OK)
            return code;
        message->headers[count++] = arena_printf(call->arena, "X-Twilio-Signature: %s", signature);
    }
    message->headers[count] = NULL;
    return ERR_OK;
}

/* Never unsigned because something is away. */
static enum err_code token_of(struct bridge *bridge, struct call *call,
                              const struct leg_status *status, struct str *out, struct err *err)
{
    const struct gateway *gateway = bridge->gateway;
    struct workspace_facts facts;
    struct signing signing = {gateway->host.pool, gateway->vault,
                              gateway_account_sid(gateway->settings),
                              gateway_auth_token(gateway->settings)};
    enum err_code code =
        calls_workspace(gateway->calls, call, status->workspace_sid, BRIDGE_ASK_MS, &facts, err);
    if (code == ERR_OK)
        code = signing_token(&signing, call, facts.account_sid, out, err);
    if (code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    return ERR_OK;
}

static enum err_code later(struct bridge *bridge, struct call *call,
                           const struct leg_status *status, const char *why, struct err *err)
{
    int64_t wait_ms = BACKOFF_MS;
    for (int64_t i = 1; i < status->attempts && wait_ms < BACKOFF_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms > BACKOFF_MAX_MS)
        wait_ms = BACKOFF_MAX_MS;
    return status_store_rest(bridge->gateway->host.pool, call, status,
                             clock_now_us() + wait_ms * US_PER_MS, why, err);
}

static enum err_code dead(struct bridge *bridge, struct call *call, const struct leg_status *status,
                          const char *why, struct err *err)
{
    LOG_WARN(call, "an application could not be told of a worker's call",
             LOG_STR("reservation", status->reservation_sid), LOG_STR("status", status->status),
             LOG_STR("why", why));
    return status_store_end(bridge->gateway->host.pool, call, status->id, false, why, err);
}

static enum err_code outcome(struct bridge *bridge, struct call *call,
                             const struct leg_status *status, const struct httpc_request *request,
                             struct err *err)
{
    bool is_answered = request->outcome == HTTPC_ANSWERED;
    bool is_hopeless =
        request->outcome == HTTPC_PRIVATE_ADDRESS || request->outcome == HTTPC_BAD_URL;
    if (is_answered && request->status >= 200 && request->status < 300)
        return status_store_end(bridge->gateway->host.pool, call, status->id, true, "", err);
    const char *why = is_answered
                          ? arena_printf(call->arena, "the answer's status was %d", request->status)
                          : arena_strdup(call->arena, request->error);
    if (why == NULL)
        return call_no_room(err);
    return is_hopeless || status->attempts >= ATTEMPTS_MAX ? dead(bridge, call, status, why, err)
                                                           : later(bridge, call, status, why, err);
}

static enum err_code tell(struct bridge *bridge, struct call *call, const struct leg_status *status,
                          struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    struct message message = {.count = 0};
    struct str token = {NULL, 0};
    struct err why = {0};
    enum err_code code = token_of(bridge, call, status, &token, &why);
    if (code != ERR_OK)
        return later(bridge, call, status, why.detail, err);
    code = params_read(call, status, &root, &message, &why);
    if (code != ERR_OK) /* it would be so every time */
        return dead(bridge, call, status, why.detail, err);
    address(call, status, &message);
    if (message.url != NULL)
        code = sign(call, status, token, &message, err);
    if (code == ERR_OK && arena_is_exhausted(call->arena))
        code = call_no_room(err);
    if (code != ERR_OK)
        return code;
    struct httpc_request request = {
        .url = message.url,
        .method = status->is_get ? HTTPC_GET : HTTPC_POST,
        .body = str_from(status->is_get ? "" : message.body),
        .headers = message.headers,
        .timeout_ms = TIMEOUT_MS,
    };
    buf_init(&request.reply, 0);
    code = httpc_run(bridge->httpc, &request)
               ? outcome(bridge, call, status, &request, err)
               : later(bridge, call, status, "too many are told of calls at once", err);
    httpc_request_fini(&request);
    return code;
}

enum err_code bridge_status_run(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    struct bridge *bridge = ctx;
    bool is_found = true;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && is_found && !app_job_is_stopping(job)) {
        struct arena_mark mark = arena_mark(call->arena);
        struct leg_status status;
        call->deadline_mono_us = clock_mono_us() + TELL_MS * US_PER_MS;
        code = status_store_take(bridge->gateway->host.pool, call,
                                 clock_now_us() + LEASE_S * US_PER_S, &status, &is_found, err);
        if (code == ERR_OK && is_found)
            code = tell(bridge, call, &status, err);
        arena_rewind(call->arena, mark);
    }
    return code;
}

struct httpc *bridge_status_client(const struct gateway_settings *settings)
{
    return httpc_open(&(struct httpc_options){
        .user_agent = "TaskRouter/0.1 (gateway)",
        .ca_file = settings->callback_ca_file,
        .max_transfers = BRIDGE_TELLERS,
        .max_response_bytes = REPLY_BYTES,
        .allows_private = settings->callback_allow_private,
    });
}
