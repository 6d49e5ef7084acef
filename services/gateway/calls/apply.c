#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "call_store.h"
#include "calls_int.h"
#include "gateway.h"
#include "log/log.h"
#include "twilio/twiml.h"

enum { DURATION_MAX_S = 1000000, URL_MAX_BYTES = 2048, TRANSCRIPTION_MAX_BYTES = 32 << 10 };

#define SORRY                                                                                      \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say>We are sorry, your call cannot be "  \
    "taken.</Say><Hangup/></Response>"

/* ---- answers ---- */

enum err_code calls_answer(struct calls *calls, struct call *call, enum webhook_kind kind,
                           const struct twilio_param *params, size_t count,
                           struct webhook_answer *out, struct err *err)
{
    struct ask ask = {.calls = calls, .call = call, .kind = kind, .params = params, .count = count};
    enum err_code code =
        kind == WEBHOOK_SMS ? text_answer(&ask, out, err) : voice_answer(&ask, out, err);
    if (code == ERR_INVALID_ARGUMENT) { /* signed, but no call that could be found again */
        *out = (struct webhook_answer){200, TWIML_TYPE, STR(SORRY)};
        return ERR_OK;
    }
    return code;
}

/* ---- news of a call ---- */

struct news {
    const struct ask *ask;
    int64_t at_us;
    enum plan_step step; /* that the call is at */
    bool was_assigned;   /* Twilio's workspace gave it to somebody: */
    const char *worker_sid;
    const char *transcription; /* bounded copies, of the arena */
    const char *recording_sid;
    const char *recording_url;
    bool *is_changed; /* out */
};

static struct str param(const struct news *news, const char *name)
{
    return webhook_param(news->ask->params, news->ask->count, name);
}

static int64_t seconds(const struct news *news, const char *name)
{
    int64_t value = -1;
    (void)parse_i64(param(news, name), 0, DURATION_MAX_S, &value);
    return value;
}

static bool is_turn(const struct news *news, const char *turn)
{
    return str_eq_text(param(news, WEBHOOK_TURN), turn);
}

static bool hear_status(struct phone_call *row, const struct news *news)
{
    struct str status = param(news, "CallStatus");
    if (is_turn(news, "transfer"))
        return str_eq(status, STR("in-progress")) && phone_call_answer(row, "", news->at_us);
    if (param(news, "ParentCallSid").len > 0) /* of another leg */
        return false;
    return phone_call_hear_status(row, status, news->at_us, seconds(news, "CallDuration"));
}

static bool hear_recording(struct phone_call *row, const struct news *news)
{
    int64_t duration_s = seconds(news, "RecordingDuration");
    bool is_message = news->ask->kind == WEBHOOK_VOICE_VOICEMAIL || is_turn(news, "message");
    bool is_there = news->ask->kind == WEBHOOK_VOICE_VOICEMAIL ||
                    str_eq(param(news, "RecordingStatus"), STR("completed"));
    if (!is_there || news->recording_sid[0] == '\0' || duration_s == 0)
        return false;
    duration_s = duration_s < 0 ? 0 : duration_s;
    return is_message
               ? phone_call_hear_message(row, news->recording_sid, news->recording_url, duration_s)
               : phone_call_hear_recording(row, news->recording_sid, news->recording_url,
                                           duration_s);
}

static bool hear_transcription(struct phone_call *row, const struct news *news)
{
    if (!str_eq(param(news, "TranscriptionStatus"), STR("completed")) ||
        strcmp(row->transcription, news->transcription) == 0)
        return false;
    row->transcription = news->transcription;
    return true;
}

static bool hear_queue_end(struct phone_call *row, const struct news *news)
{
    struct str result = param(news, "QueueResult");
    if (str_eq(result, STR("hangup")))
        return phone_call_hear_status(row, STR("completed"), news->at_us, -1);
    return str_eq(result, STR("bridged")) && phone_call_answer(row, row->worker_sid, news->at_us);
}

/* call_change_fn */
static bool hear(struct phone_call *row, const void *ctx)
{
    const struct news *news = ctx;
    bool is_changed = false;
    if (news->was_assigned)
        is_changed = phone_call_answer(row, news->worker_sid, news->at_us);
    switch (news->ask->kind) {
    case WEBHOOK_VOICE_STATUS:
        is_changed |= hear_status(row, news);
        break;
    case WEBHOOK_RECORDING:
    case WEBHOOK_VOICE_VOICEMAIL:
        is_changed |= hear_recording(row, news);
        break;
    case WEBHOOK_TRANSCRIPTION:
        is_changed |= hear_transcription(row, news);
        break;
    case WEBHOOK_VOICE_QUEUE_END:
        is_changed |= hear_queue_end(row, news);
        break;
    case WEBHOOK_VOICE_TRANSFER_END:
        if (str_eq(param(news, "DialCallStatus"), STR("completed")))
            is_changed |= phone_call_answer(row, "", news->at_us);
        break;
    default:
        break;
    }
    if (row->status == PHONE_CALL_MISSED && news->step == PLAN_HANG_UP)
        row->status = PHONE_CALL_COMPLETED; /* it was to end so */
    *news->is_changed = is_changed;
    return is_changed;
}

/* ---- what follows from how the call is ---- */

/* A caller who was sent out of the queue is with nobody any more. */
static const char *why_canceled(const struct ask *ask)
{
    struct str result = webhook_param(ask->params, ask->count, "QueueResult");
    if (ask->row.answered_at_us != 0)
        return NULL;
    if (phone_call_is_over(&ask->row))
        return "hangup";
    if (ask->kind == WEBHOOK_VOICE_QUEUE_END && !str_eq(result, STR("bridged")) &&
        !str_starts_with(result, STR("redirected")))
        return "left the queue";
    return NULL;
}

static enum err_code workspace_settle(struct ask *ask, struct err *err)
{
    struct workspace_facts facts;
    struct phone_call *row = &ask->row;
    if (row->workspace_sid[0] != '\0' && row->account_sid[0] != '\0')
        return ERR_OK;
    enum err_code code =
        calls_workspace(ask->calls, ask->call, row->workspace_sid, CONSUMER_MS, &facts, err);
    if (code != ERR_OK)
        return code;
    row->workspace_sid = arena_strdup(ask->call->arena, facts.sid);
    row->account_sid = arena_strdup(ask->call->arena, facts.account_sid);
    if (arena_is_exhausted(ask->call->arena))
        return call_no_room(err);
    return call_store_plan(ask->calls->gateway->host.pool, ask->call, row, err);
}

static enum err_code settle(struct ask *ask, const struct plan *plan, bool is_news, struct err *err)
{
    struct phone_call *row = &ask->row;
    const char *reason = why_canceled(ask);
    bool has_task = plan->step == PLAN_QUEUE && !plan->is_twilio;
    enum err_code code = workspace_settle(ask, err);
    if (code == ERR_OK && has_task && reason == NULL && !phone_call_is_over(row))
        code = tasks_begin(ask->calls, ask->call, row, plan, CONSUMER_MS, err);
    if (code == ERR_OK && reason != NULL && !plan->is_twilio)
        code = tasks_cancel(ask->calls, ask->call, row, reason, err);
    bool can_be_called = row->from_number[0] == '+';
    bool wants_answer =
        row->status == PHONE_CALL_VOICEMAIL || (row->status == PHONE_CALL_MISSED && can_be_called);
    if (code == ERR_OK && wants_answer && !row->is_outbound)
        code = tasks_follow_up(ask->calls, ask->call, row, is_news, err);
    return code;
}

/* ---- applying ---- */

/* The call that a webhook is about, made when it is new. *out_found false: of another leg, whose
 * call we do not know. */
static enum err_code row_find(struct ask *ask, bool *out_found, struct err *err)
{
    struct str parent = webhook_param(ask->params, ask->count, "ParentCallSid");
    struct str direction = webhook_param(ask->params, ask->count, "Direction");
    struct str own = webhook_param(ask->params, ask->count, "CallSid");
    bool is_leg = parse_is_sid(parent, "CA");
    *out_found = true;
    if (!is_leg && str_eq(direction, STR("inbound")))
        return voice_row(ask, err);
    const char *key = arena_str_dup(ask->call->arena, is_leg ? parent : own);
    if (key == NULL)
        return call_no_room(err);
    phone_line_defaults(&ask->line);
    enum err_code code =
        call_store_get(ask->calls->gateway->host.pool, ask->call, "", key, &ask->row, err);
    *out_found = code == ERR_OK;
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Whether what comes may be the end of a call that nobody of ours has seen answered. */
static bool may_end(const struct ask *ask)
{
    struct str status = webhook_param(ask->params, ask->count, "CallStatus");
    bool is_status = ask->kind == WEBHOOK_VOICE_STATUS || ask->kind == WEBHOOK_VOICE_QUEUE_END;
    return is_status && ask->row.answered_at_us == 0 && !phone_call_is_over(&ask->row) &&
           (str_eq(status, STR("completed")) || ask->kind == WEBHOOK_VOICE_QUEUE_END);
}

static const char *bounded(const struct ask *ask, const char *name, size_t max_bytes)
{
    struct str value = webhook_param(ask->params, ask->count, name);
    value.len = value.len < max_bytes ? value.len : max_bytes;
    while (value.len > 0 && !str_is_utf8(value))
        value.len--;
    const char *copy = arena_str_dup(ask->call->arena, value);
    return copy != NULL ? copy : "";
}

static enum err_code voice_apply(struct ask *ask, const struct webhook_due *due, bool *is_changed,
                                 struct err *err)
{
    struct plan plan;
    plan_init(&plan, PLAN_NONE);
    enum err_code code =
        ask->row.plan[0] != '\0' ? plan_read(ask->row.plan, ask->call->arena, &plan, err) : ERR_OK;
    struct news news = {
        .ask = ask,
        .at_us = due->received_at_us,
        .step = plan.step,
        .worker_sid = "",
        .transcription = bounded(ask, "TranscriptionText", TRANSCRIPTION_MAX_BYTES),
        .recording_sid = ask_param(ask, "RecordingSid"),
        .recording_url = bounded(ask, "RecordingUrl", URL_MAX_BYTES),
        .is_changed = is_changed,
    };
    if (!phone_line_is_sound(str_from(news.recording_url)))
        news.recording_url = "";
    if (code == ERR_OK && plan.is_twilio && may_end(ask))
        code =
            tasks_find(ask->calls, ask->call, &ask->row, &news.was_assigned, &news.worker_sid, err);
    if (code == ERR_OK)
        code = call_store_change(ask->calls->gateway->host.pool, ask->call, ask->row.sid, hear,
                                 &news, &ask->row, err);
    return code == ERR_OK ? settle(ask, &plan, *is_changed, err) : code;
}

static enum err_code apply(void *ctx, struct call *call, const struct webhook_due *row,
                           const struct twilio_param *params, size_t count,
                           const char **out_outcome, struct err *err)
{
    struct ask ask = {
        .calls = ctx, .call = call, .kind = row->kind, .params = params, .count = count};
    bool is_found = false;
    bool is_changed = false;
    if (row->kind == WEBHOOK_SMS)
        return text_apply(&ask, row, out_outcome, err);
    enum err_code code = row_find(&ask, &is_found, err);
    *out_outcome = "unknown";
    if (code != ERR_OK || !is_found)
        return code;
    code = voice_apply(&ask, row, &is_changed, err);
    *out_outcome = is_changed ? "updated" : "unchanged";
    return code;
}

enum err_code calls_apply(void *ctx, struct call *call, const struct webhook_due *row,
                          const struct twilio_param *params, size_t count, const char **out_outcome,
                          struct err *err)
{
    enum err_code code = apply(ctx, call, row, params, count, out_outcome, err);
    if (code == ERR_DEADLINE_EXCEEDED) /* a service is slow: that is not the webhook's fault */
        return ERR_SET(err, ERR_UNAVAILABLE, "SERVICE_SLOW", "a service did not answer in time");
    return code;
}
