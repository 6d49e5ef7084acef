#include "base/clock.h"
#include "calls_int.h"
#include "twilio/twiml.h"

#define ASK_FOR_MESSAGE                                                                            \
    "Nobody can take your call at the moment. Please leave a message after the tone, and we will " \
    "call you back."
#define NO_MESSAGE "We have not heard anything. Goodbye."

enum {
    MESSAGE_MAX_S = 300,
    SILENCE_S = 10,
    RING_S = 30,
    TRANSFER_MAX_S = 4 * 3600,
    MENU_TIMEOUT_S = 5,
    WAIT_PAUSE_S = 20,
};

/* ---- parts ---- */

struct draft {
    struct buf buf;
    struct twiml t;
    const char *language;
};

static void draft_init(struct draft *draft, const char *language)
{
    buf_init(&draft->buf, 2 * TWIML_BYTES_MAX);
    twiml_init(&draft->t, &draft->buf);
    draft->language = language[0] != '\0' ? language : "en-US";
}

static enum err_code draft_finish(struct draft *draft, struct arena *arena,
                                  struct webhook_answer *out, struct err *err)
{
    enum err_code code = twiml_finish(&draft->t, err);
    if (code == ERR_OK) {
        *out = (struct webhook_answer){200, TWIML_TYPE, arena_str(arena, buf_str(&draft->buf))};
        if (out->body.ptr == NULL)
            code = call_no_room(err);
    }
    buf_fini(&draft->buf);
    return code;
}

static void hear(struct draft *draft, const char *text)
{
    if (phone_line_is_sound(str_from(text)))
        twiml_play(&draft->t, text, 0);
    else
        twiml_say(&draft->t, text, draft->language);
}

static void hear_messages(struct draft *draft, const struct plan *plan)
{
    for (size_t i = 0; i < plan->message_count; i++)
        hear(draft, plan->messages[i]);
}

static const char *url(const struct ask *ask, const char *path)
{
    return calls_url(ask->calls, ask->call->arena, path);
}

/* ---- the verbs of each step ---- */

static void voicemail_put(struct ask *ask, struct draft *draft, const char *greeting)
{
    hear(draft, greeting[0] != '\0' ? greeting : ASK_FOR_MESSAGE);
    twiml_record(&draft->t,
                 &(struct twiml_record){
                     .action = url(ask, "/voice/voicemail?" WEBHOOK_TURN "=left"),
                     .max_length_s = MESSAGE_MAX_S,
                     .timeout_s = SILENCE_S,
                     .finish_on_key = "#",
                     .transcribe = true,
                     .transcribe_callback = url(ask, "/voice/transcription"),
                     .status_callback = url(ask, "/voice/recording?" WEBHOOK_TURN "=message"),
                     .status_events = "completed absent",
                 });
    twiml_say(&draft->t, NO_MESSAGE, "en-US");
    twiml_hangup(&draft->t);
}

static void queue_put(struct ask *ask, struct draft *draft, const struct plan *plan)
{
    twiml_enqueue(&draft->t, &(struct twiml_enqueue){
                                 .action = url(ask, "/voice/queue-end"),
                                 .wait_url = url(ask, "/voice/wait"),
                                 .name = ask->row.sid,
                                 .workflow_sid = plan->is_twilio ? plan->workflow_sid : NULL,
                                 .task = plan->attributes,
                                 .priority = plan->has_priority ? &plan->priority : NULL,
                                 .timeout_s = plan->has_timeout ? &plan->timeout_s : NULL,
                             });
}

static void transfer_put(struct ask *ask, struct draft *draft, const struct plan *plan)
{
    const char *own = ask->row.to_number;
    struct twiml_leg leg = {
        .address = plan->target,
        .status_callback = url(ask, "/voice/status?" WEBHOOK_TURN "=transfer"),
        .status_events = "answered",
    };
    twiml_dial_begin(&draft->t,
                     &(struct twiml_dial){
                         .action = url(ask, "/voice/transfer-end"),
                         .caller_id = own[0] == '+' ? own : NULL,
                         .timeout_s = RING_S,
                         .time_limit_s = TRANSFER_MAX_S,
                         .record = plan->records ? "record-from-answer-dual" : NULL,
                         .recording_callback = plan->records ? url(ask, "/voice/recording") : NULL,
                     });
    if (plan->target[0] == '+')
        twiml_number(&draft->t, &leg);
    else
        twiml_sip(&draft->t, &leg);
    twiml_end(&draft->t);
}

static void menu_put(struct ask *ask, struct draft *draft, int64_t turn)
{
    const struct line_menu *menu = &ask->line.menu;
    char *action = arena_printf(ask->call->arena, "/voice/menu?" WEBHOOK_TURN "=%d", (int)turn);
    twiml_gather_begin(&draft->t,
                       &(struct twiml_gather){
                           .action = action != NULL ? url(ask, action) : NULL,
                           .num_digits = 1,
                           .timeout_s = menu->timeout_s > 0 ? menu->timeout_s : MENU_TIMEOUT_S,
                           .finish_on_key = "",
                           .action_on_empty = true,
                       });
    if (menu->greeting[0] != '\0')
        hear(draft, menu->greeting);
    for (size_t i = 0; i < menu->option_count; i++) {
        const struct line_option *option = &menu->options[i];
        const char *key = option->digit[0] == '*'   ? "star"
                          : option->digit[0] == '#' ? "pound"
                                                    : option->digit;
        char *text = option->label[0] == '\0'
                         ? NULL
                         : arena_printf(ask->call->arena, "For %s, press %s.", option->label, key);
        if (text != NULL)
            twiml_say(&draft->t, text, draft->language);
    }
    twiml_end(&draft->t);
}

/* ---- answers ---- */

enum err_code answer_plan(struct ask *ask, const struct plan *plan, struct webhook_answer *out,
                          struct err *err)
{
    struct draft draft;
    draft_init(&draft, plan->language);
    hear_messages(&draft, plan);
    switch (plan->step) {
    case PLAN_MENU:
        menu_put(ask, &draft, 1);
        break;
    case PLAN_QUEUE:
        queue_put(ask, &draft, plan);
        break;
    case PLAN_VOICEMAIL:
        voicemail_put(ask, &draft, plan->last_words);
        break;
    case PLAN_TRANSFER:
        transfer_put(ask, &draft, plan);
        break;
    case PLAN_HANG_UP:
        hear(&draft, plan->last_words);
        twiml_hangup(&draft.t);
        break;
    case PLAN_NONE:
    case PLAN_STEP_COUNT:
        twiml_hangup(&draft.t);
        break;
    }
    return draft_finish(&draft, ask->call->arena, out, err);
}

enum err_code answer_menu(struct ask *ask, int64_t turn, struct webhook_answer *out,
                          struct err *err)
{
    struct draft draft;
    draft_init(&draft, ask->line.language);
    menu_put(ask, &draft, turn);
    return draft_finish(&draft, ask->call->arena, out, err);
}

enum err_code answer_voicemail(struct ask *ask, const char *greeting, struct webhook_answer *out,
                               struct err *err)
{
    struct draft draft;
    draft_init(&draft, ask->line.language);
    voicemail_put(ask, &draft, greeting);
    return draft_finish(&draft, ask->call->arena, out, err);
}

enum err_code answer_hang_up(struct ask *ask, const char *text, struct webhook_answer *out,
                             struct err *err)
{
    struct draft draft;
    draft_init(&draft, ask->line.language);
    if (text != NULL && text[0] != '\0')
        hear(&draft, text);
    twiml_hangup(&draft.t);
    return draft_finish(&draft, ask->call->arena, out, err);
}

enum err_code answer_nothing(struct ask *ask, struct webhook_answer *out, struct err *err)
{
    struct draft draft;
    draft_init(&draft, "");
    return draft_finish(&draft, ask->call->arena, out, err);
}

enum err_code answer_wait(struct ask *ask, const char *text, const char *music, bool leaves,
                          struct webhook_answer *out, struct err *err)
{
    struct draft draft;
    draft_init(&draft, ask->line.language);
    if (leaves) {
        twiml_leave(&draft.t);
        return draft_finish(&draft, ask->call->arena, out, err);
    }
    twiml_say(&draft.t, text, draft.language);
    if (music[0] != '\0')
        twiml_play(&draft.t, music, 0);
    else
        twiml_pause(&draft.t, WAIT_PAUSE_S);
    return draft_finish(&draft, ask->call->arena, out, err);
}

enum err_code answer_message(struct ask *ask, const char *text, struct webhook_answer *out,
                             struct err *err)
{
    struct draft draft;
    draft_init(&draft, "");
    twiml_message(&draft.t, text);
    return draft_finish(&draft, ask->call->arena, out, err);
}
