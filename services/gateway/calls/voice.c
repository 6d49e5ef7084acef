#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "call_store.h"
#include "calls_int.h"
#include "gateway.h"
#include "line_store.h"
#include "log/log.h"
#include "twilio/phone.h"

#define THANKS "Thank you for your message. Goodbye."

enum { ADDRESS_MAX_BYTES = 128, TRIES = 3 };

/* ---- the row ---- */

/* E.164; what is none as it came, cut. */
static const char *number_of(const struct ask *ask, const char *name)
{
    struct arena *arena = ask->call->arena;
    struct str text = webhook_param(ask->params, ask->count, name);
    struct phone phone;
    const char *made = NULL;
    switch (phone_parse(text, ask->calls->gateway->settings->phone_region, &phone)) {
    case PHONE_NUMBER:
        made = arena_strdup(arena, phone.e164);
        break;
    case PHONE_ANONYMOUS:
        made = "anonymous";
        break;
    case PHONE_NONE:
    case PHONE_ADDRESS:
        while (text.len > ADDRESS_MAX_BYTES || (text.len > 0 && !str_is_utf8(text)))
            text.len = text.len > ADDRESS_MAX_BYTES ? ADDRESS_MAX_BYTES : text.len - 1;
        made = arena_str_dup(arena, text);
        break;
    }
    return made != NULL ? made : "";
}

/* A line that cannot be read is no reason to lose the call; the database is asked again anyway. */
static enum err_code line_find(struct ask *ask, const char *number, struct err *err)
{
    struct db_pool *pool = ask->calls->gateway->host.pool;
    phone_line_defaults(&ask->line);
    ask->has_line = false;
    if (number[0] == '\0')
        return ERR_OK;
    return line_store_find(pool, ask->call, number, &ask->line, &ask->has_line, err);
}

enum err_code voice_row(struct ask *ask, struct err *err)
{
    struct str call_sid = webhook_param(ask->params, ask->count, "CallSid");
    struct sid sid = sid_new("CL");
    if (!parse_is_sid(call_sid, "CA"))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "NO_CALL", "CallSid names no call");
    struct phone_call row = {
        .sid = sid.text,
        .call_sid = arena_str_dup(ask->call->arena, call_sid),
        .status = PHONE_CALL_RINGING,
        .from_number = number_of(ask, "From"),
        .to_number = number_of(ask, "To"),
        .started_at_us = clock_now_us(),
    };
    enum err_code code = line_find(ask, row.to_number, err);
    if (code != ERR_OK)
        return code;
    row.line_sid = ask->line.sid;
    row.account_sid = ask->line.account_sid;
    row.workspace_sid = ask->line.workspace_sid;
    if (arena_is_exhausted(ask->call->arena))
        return call_no_room(err);
    code = call_store_open(ask->calls->gateway->host.pool, ask->call, &row, NULL, err);
    ask->row = row;
    return code;
}

/* ---- plans ---- */

/* Of two at once the first one's plan is that of both. */
static enum err_code plan_settle(struct ask *ask, const struct plan *wanted, struct plan *out,
                                 struct err *err)
{
    enum err_code code = plan_write(wanted, ask->call->arena, &ask->row.plan, err);
    if (code == ERR_OK)
        code = call_store_plan(ask->calls->gateway->host.pool, ask->call, &ask->row, err);
    return code == ERR_OK ? plan_read(ask->row.plan, ask->call->arena, out, err) : code;
}

static bool is_for_good(enum err_code code)
{
    return code == ERR_INVALID_ARGUMENT || code == ERR_NOT_FOUND || code == ERR_OUT_OF_RANGE ||
           code == ERR_FAILED_PRECONDITION;
}

/*
 * The task of a call that is to wait. While tasks-svc is away the call waits without it, and the
 * consumers make it as soon as they can; where it is refused, the caller is asked for a message.
 */
static enum err_code begin(struct ask *ask, struct plan *plan, struct err *err)
{
    struct err refusal = {0};
    enum err_code code = tasks_begin(ask->calls, ask->call, &ask->row, plan,
                                     calls_patience_ms(ask->calls), &refusal);
    if (code == ERR_OK)
        return ERR_OK;
    LOG_ERROR(ask->call, "the task of a call could not be made",
              LOG_STR("phone_call", ask->row.sid), LOG_BOOL("for_good", is_for_good(code)),
              LOG_ERR(&refusal));
    if (!is_for_good(code))
        return ERR_OK;
    struct plan instead = *plan;
    instead.step = PLAN_VOICEMAIL;
    instead.last_words = ask->line.voicemail_greeting;
    instead.workflow_sid = "";
    instead.task_queue_sid = "";
    return plan_settle(ask, &instead, plan, err);
}

static enum err_code go_on(struct ask *ask, struct plan *plan, struct webhook_answer *out,
                           struct err *err)
{
    enum err_code code = plan->step == PLAN_QUEUE ? begin(ask, plan, err) : ERR_OK;
    return code == ERR_OK ? answer_plan(ask, plan, out, err) : code;
}

static enum err_code arrive(struct ask *ask, struct webhook_answer *out, struct err *err)
{
    struct plan wanted;
    struct plan plan;
    enum err_code code = ERR_OK;
    if (phone_call_is_over(&ask->row))
        return answer_hang_up(ask, NULL, out, err);
    if (ask->row.plan[0] != '\0') {
        code = plan_read(ask->row.plan, ask->call->arena, &plan, err);
    } else {
        code = calls_decide(ask, false, NULL, &wanted, err);
        if (code == ERR_OK)
            code = plan_settle(ask, &wanted, &plan, err);
    }
    return code == ERR_OK ? go_on(ask, &plan, out, err) : code;
}

/* ---- the menu ---- */

static const struct line_option *option_of(const struct ask *ask)
{
    struct str digits = webhook_param(ask->params, ask->count, "Digits");
    for (size_t i = 0; i < ask->line.menu.option_count; i++)
        if (str_eq_text(digits, ask->line.menu.options[i].digit))
            return &ask->line.menu.options[i];
    return NULL;
}

static enum err_code choose(struct ask *ask, struct webhook_answer *out, struct err *err)
{
    struct plan plan;
    struct plan wanted;
    int64_t turn = 1;
    if (ask->row.plan[0] == '\0' || phone_call_is_over(&ask->row))
        return arrive(ask, out, err);
    enum err_code code = plan_read(ask->row.plan, ask->call->arena, &plan, err);
    if (code != ERR_OK)
        return code;
    if (plan.step != PLAN_MENU)
        return go_on(ask, &plan, out, err);
    const struct line_option *option = option_of(ask);
    int64_t tries = ask->line.menu.max_tries > 0 ? ask->line.menu.max_tries : TRIES;
    (void)parse_i64(webhook_param(ask->params, ask->count, WEBHOOK_TURN), 1, 1000, &turn);
    if ((option == NULL || option->action == LINE_REPEAT) && turn < tries)
        return answer_menu(ask, turn + 1, out, err);
    if (option != NULL && option->action == LINE_REPEAT)
        option = NULL;
    if (option != NULL)
        ask->row.menu_path =
            arena_printf(ask->call->arena, "%s%s", ask->row.menu_path, option->digit);
    code = arena_is_exhausted(ask->call->arena) ? call_no_room(err)
                                                : calls_decide(ask, true, option, &wanted, err);
    if (code == ERR_OK)
        code = plan_settle(ask, &wanted, &plan, err);
    return code == ERR_OK ? go_on(ask, &plan, out, err) : code;
}

/* ---- ends ---- */

static enum err_code message_answer(struct ask *ask, struct webhook_answer *out, struct err *err)
{
    struct plan plan;
    plan_init(&plan, PLAN_VOICEMAIL);
    enum err_code code =
        ask->row.plan[0] != '\0' ? plan_read(ask->row.plan, ask->call->arena, &plan, err) : ERR_OK;
    bool has_own = plan.step == PLAN_VOICEMAIL && plan.last_words[0] != '\0';
    return code == ERR_OK
               ? answer_voicemail(ask, has_own ? plan.last_words : ask->line.voicemail_greeting,
                                  out, err)
               : code;
}

static enum err_code queue_end(struct ask *ask, struct webhook_answer *out, struct err *err)
{
    struct str result = webhook_param(ask->params, ask->count, "QueueResult");
    if (str_eq(result, STR("hangup")))
        return answer_nothing(ask, out, err);
    if (str_eq(result, STR("bridged")) || str_starts_with(result, STR("redirected")))
        return answer_hang_up(ask, NULL, out, err);
    return message_answer(ask, out, err); /* it was sent away, or there was no room */
}

static enum err_code transfer_end(struct ask *ask, struct webhook_answer *out, struct err *err)
{
    struct str status = webhook_param(ask->params, ask->count, "DialCallStatus");
    if (str_eq(status, STR("completed")) || str_eq(status, STR("answered")))
        return answer_hang_up(ask, NULL, out, err);
    return message_answer(ask, out, err);
}

static enum err_code left(struct ask *ask, struct webhook_answer *out, struct err *err)
{
    if (webhook_param(ask->params, ask->count, "RecordingSid").len > 0)
        return answer_hang_up(ask, THANKS, out, err);
    if (str_eq(webhook_param(ask->params, ask->count, WEBHOOK_TURN), STR("left")))
        return answer_hang_up(ask, NULL, out, err);
    return message_answer(ask, out, err);
}

enum err_code voice_answer(struct ask *ask, struct webhook_answer *out, struct err *err)
{
    enum err_code code = voice_row(ask, err);
    if (code != ERR_OK)
        return code;
    switch (ask->kind) {
    case WEBHOOK_VOICE_MENU:
        return choose(ask, out, err);
    case WEBHOOK_VOICE_QUEUE_END:
        return queue_end(ask, out, err);
    case WEBHOOK_VOICE_VOICEMAIL:
        return left(ask, out, err);
    case WEBHOOK_VOICE_TRANSFER_END:
        return transfer_end(ask, out, err);
    case WEBHOOK_VOICE_WAIT:
        return wait_answer(ask, out, err);
    default:
        return arrive(ask, out, err);
    }
}
