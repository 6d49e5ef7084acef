/* Calls of Twilio's voice API. Source of names and codes: Twilio's public reference of the Calls
 * resource. */
#include <stdio.h>
#include <string.h>

#include "jx/jx.h"
#include "telephony.h"
#include "twilio/form.h"
#include "upstream.h"

enum {
    PARAMS_MAX = 16,
    NOT_IN_PROGRESS = 21220, /* of a change: the call is over, or has not begun */
    STATUS_NOT_FOUND = 404,
    STATUS_ERROR = 400,
};

struct params {
    struct twilio_param items[PARAMS_MAX];
    size_t count;
};

static void add(struct params *params, const char *name, const char *value)
{
    INVARIANT(params->count < PARAMS_MAX);
    if (value != NULL && value[0] != '\0')
        params->items[params->count++] = (struct twilio_param){str_from(name), str_from(value)};
}

static void add_number(struct params *params, struct call *call, const char *name, int64_t value)
{
    if (value > 0)
        add(params, name, arena_printf(call->arena, "%lld", (long long)value));
}

static void add_script(struct params *params, const struct telephony_script *script)
{
    add(params, "Twiml", script->twiml);
    add(params, "Url", script->url);
}

static enum err_code fail_unknown(struct err *err)
{
    char why[sizeof err->detail];
    (void)snprintf(why, sizeof why, "%s", err->detail);
    err_clear(err);
    return ERR_SET(err, ERR_UNAVAILABLE, "OUTCOME_UNKNOWN",
                   "it is not known whether the call was placed or changed (%.300s); look before "
                   "doing it again",
                   why);
}

/* Errors of the way there, in telephony's words. */
static enum err_code fail_call(const struct upstream_reply *reply, bool is_change,
                               enum err_code code, struct err *err)
{
    if (is_change && reply->is_unsure)
        return fail_unknown(err);
    if (strcmp(err->reason, "UPSTREAM_NOT_CONFIGURED") != 0)
        return code;
    err_clear(err);
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "TELEPHONY_NOT_CONFIGURED",
                   "calls cannot be placed or changed: set TWILIO_ACCOUNT_SID and "
                   "TWILIO_AUTH_TOKEN of sync-svc");
}

static enum err_code fail_refused(const struct upstream_reply *reply, struct err *err)
{
    if (reply->status == STATUS_NOT_FOUND)
        return ERR_SET(err, ERR_NOT_FOUND, "CALL_NOT_FOUND", "Twilio knows no such call");
    if (reply->code == NOT_IN_PROGRESS)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "CALL_ENDED",
                       "the call is not in progress: %.300s", reply->message);
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "CALL_REFUSED",
                   "Twilio refused (status %d, code %lld): %.300s", reply->status,
                   (long long)reply->code, reply->message);
}

static enum err_code read_call(struct call *call, const struct upstream_reply *reply,
                               bool is_change, struct telephony_call *out, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    struct err ignored = {0};
    const char *sid = jx_parse_object(reply->body, NULL, &root, &ignored) == ERR_OK
                          ? jx_get_text(root, "sid", "")
                          : "";
    if (sid[0] == '\0') {
        (void)ERR_SET(err, ERR_UNAVAILABLE, "UPSTREAM_AWAY",
                      "what answered is no call of Twilio's voice API; check "
                      "TASKROUTER_TWILIO_VOICE_URL");
        return is_change ? fail_unknown(err) : ERR_UNAVAILABLE;
    }
    out->sid = arena_strdup(call->arena, sid);
    out->status = arena_strdup(call->arena, jx_get_text(root, "status", ""));
    out->to = arena_strdup(call->arena, jx_get_text(root, "to", ""));
    out->from = arena_strdup(call->arena, jx_get_text(root, "from", ""));
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

/* Below the account: "Calls", "Calls/CA…". */
static enum err_code ask(const struct twilio_voice *voice, struct call *call,
                         enum httpc_method method, const char *what, const struct params *params,
                         bool is_repeatable, struct telephony_call *out, struct err *err)
{
    struct upstream_reply reply;
    bool is_change = method == HTTPC_POST && !is_repeatable;
    const char *path = arena_printf(call->arena, "/2010-04-01/Accounts/%s/%s.json",
                                    voice->account_sid == NULL ? "none" : voice->account_sid, what);
    if (path == NULL || arena_is_exhausted(call->arena))
        return call_no_room(err);
    struct upstream_request request = {
        .method = method,
        .path = str_from(path),
        .params = params == NULL ? NULL : params->items,
        .param_count = params == NULL ? 0 : params->count,
        .is_repeatable = is_repeatable,
    };
    enum err_code code = upstream_call(voice->upstream, call, &request, &reply, err);
    if (code != ERR_OK)
        return fail_call(&reply, is_change, code, err);
    return reply.status >= STATUS_ERROR ? fail_refused(&reply, err)
                                        : read_call(call, &reply, is_change, out, err);
}

static enum err_code ask_one(const struct twilio_voice *voice, struct call *call,
                             enum httpc_method method, const char *sid, const struct params *params,
                             bool is_repeatable, struct telephony_call *out, struct err *err)
{
    const char *what = arena_printf(call->arena, "Calls/%s", sid);
    if (what == NULL)
        return call_no_room(err);
    return ask(voice, call, method, what, params, is_repeatable, out, err);
}

static enum err_code place(void *ctx, struct call *call, const struct telephony_place *wanted,
                           struct telephony_call *out, struct err *err)
{
    struct params params = {.count = 0};
    add(&params, "To", wanted->to);
    add(&params, "From", wanted->from);
    add_script(&params, &wanted->script);
    add(&params, "StatusCallback", wanted->status_callback_url);
    if (wanted->status_callback_url[0] != '\0') {
        add(&params, "StatusCallbackEvent", "initiated");
        add(&params, "StatusCallbackEvent", "ringing");
        add(&params, "StatusCallbackEvent", "answered");
        add(&params, "StatusCallbackEvent", "completed");
    }
    add_number(&params, call, "Timeout", wanted->timeout_s);
    add_number(&params, call, "TimeLimit", wanted->time_limit_s);
    add(&params, "Record", wanted->is_recorded ? "true" : "");
    add(&params, "RecordingStatusCallback",
        wanted->is_recorded ? wanted->recording_callback_url : "");
    return ask(ctx, call, HTTPC_POST, "Calls", &params, false, out, err);
}

/* New instructions begin anew when they are given twice, so it is not repeated by itself. */
static enum err_code redirect(void *ctx, struct call *call, const char *sid,
                              const struct telephony_script *script, struct telephony_call *out,
                              struct err *err)
{
    struct params params = {.count = 0};
    add_script(&params, script);
    return ask_one(ctx, call, HTTPC_POST, sid, &params, false, out, err);
}

static enum err_code get(void *ctx, struct call *call, const char *sid, struct telephony_call *out,
                         struct err *err)
{
    return ask_one(ctx, call, HTTPC_GET, sid, NULL, true, out, err);
}

static enum err_code hang_up(void *ctx, struct call *call, const char *sid,
                             struct telephony_call *out, struct err *err)
{
    struct params params = {.count = 0};
    add(&params, "Status", "completed");
    enum err_code code = ask_one(ctx, call, HTTPC_POST, sid, &params, true, out, err);
    if (code == ERR_OK || strcmp(err->reason, "CALL_ENDED") != 0)
        return code;
    err_clear(err);
    return get(ctx, call, sid, out, err);
}

const struct telephony_provider twilio_voice_provider = {
    .name = "twilio",
    .place = place,
    .redirect = redirect,
    .hang_up = hang_up,
    .get = get,
};
