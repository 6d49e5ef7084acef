/* Between the files of calls/. */
#pragma once

#include "base/call.h"
#include "base/ids.h"
#include "base/lock.h"
#include "base/map.h"
#include "calls.h"
#include "jx/jx.h"
#include "phone_call.h"
#include "phone_line.h"
#include "plan.h"
#include "svc/host.h"

struct rpc_client;

enum { CONSUMER_MS = 4000 }; /* for each service that a consumer asks */

/* For each service that is asked while a caller hears silence. */
int calls_patience_ms(const struct calls *calls);

struct calls {
    struct gateway *gateway;
    struct lock lock;      /* guards what follows */
    struct map workspaces; /* SID -> struct known_workspace, owned */
};

/* A webhook on its way to its answer. */
struct ask {
    struct calls *calls;
    struct call *call;
    enum webhook_kind kind;
    const struct twilio_param *params;
    size_t count;
    struct phone_call row;
    struct phone_line line; /* as good as none where has_line is false */
    bool has_line;
};

/* A parameter of the webhook as a text in the arena, cut at its size; never NULL ("" when the arena
 * is full, which a later step tells). */
const char *ask_param(const struct ask *ask, const char *name);

/* ---- common.c ---- */

/* call with a deadline that is budget_ms away at most, as the service itself. */
struct call calls_as_service(const struct call *call, int budget_ms);
struct rpc_client *calls_peer(const struct calls *calls, enum peer peer);

/* The object as text that fits into a task: what takes most room is cut until it does, but not what
 * the call is found again by. The object is changed so. NULL when the arena is full. */
const char *calls_attributes(const struct call *call, json_t *object);

/* Where Twilio finds path ("/voice/wait"): the public URL where it is configured. */
const char *calls_url(const struct calls *calls, struct arena *arena, const char *path);

struct workspace_facts {
    char sid[SID_SIZE]; /* "" : none */
    char account_sid[SID_SIZE];
    bool is_twilio;
};
/* named "": the configured workspace, or the account's only one. What workers-svc said is
 * remembered, and good enough while it is away. Errors: those of workers-svc. */
enum err_code calls_workspace(struct calls *calls, const struct call *call, const char *named,
                              int budget_ms, struct workspace_facts *out,
                              struct err *err) MUST_CHECK;

/* ---- decide.c ---- */

/* after_menu false: the call has just come; else option is what was chosen, NULL for nothing. Never
 * fails but for memory: what cannot be asked is not known. The row's workspace, customer and so on
 * are filled too. */
enum err_code calls_decide(struct ask *ask, bool after_menu, const struct line_option *option,
                           struct plan *out, struct err *err) MUST_CHECK;

/* What the rules make of a text message: as a plan to queue. The row has its workspace already. */
enum err_code calls_decide_text(struct ask *ask, const char *channel, const char *conversation_sid,
                                const char *body, struct plan *out, struct err *err) MUST_CHECK;

/* ---- twiml_answers.c ---- */

enum err_code answer_plan(struct ask *ask, const struct plan *plan, struct webhook_answer *out,
                          struct err *err) MUST_CHECK;
/* text, or the URL of a sound; then the menu again, turn counting from 1. */
enum err_code answer_menu(struct ask *ask, int64_t turn, struct webhook_answer *out,
                          struct err *err) MUST_CHECK;
enum err_code answer_voicemail(struct ask *ask, const char *greeting, struct webhook_answer *out,
                               struct err *err) MUST_CHECK;
/* text NULL or "": without a word. */
enum err_code answer_hang_up(struct ask *ask, const char *text, struct webhook_answer *out,
                             struct err *err) MUST_CHECK;
enum err_code answer_nothing(struct ask *ask, struct webhook_answer *out,
                             struct err *err) MUST_CHECK;
/* text: said, or the URL of a sound; then music (or silence). leaves: out of the queue instead. */
enum err_code answer_wait(struct ask *ask, const char *text, const char *music, bool leaves,
                          struct webhook_answer *out, struct err *err) MUST_CHECK;
enum err_code answer_message(struct ask *ask, const char *text, struct webhook_answer *out,
                             struct err *err) MUST_CHECK;

/* ---- voice.c, wait.c, texts.c ---- */

enum err_code voice_answer(struct ask *ask, struct webhook_answer *out, struct err *err) MUST_CHECK;
enum err_code wait_answer(struct ask *ask, struct webhook_answer *out, struct err *err) MUST_CHECK;
enum err_code text_answer(struct ask *ask, struct webhook_answer *out, struct err *err) MUST_CHECK;
enum err_code text_apply(struct ask *ask, const struct webhook_due *due, const char **out_outcome,
                         struct err *err) MUST_CHECK;

/* The row of the webhook's call, made when it is new, and its line. Errors: INVALID_ARGUMENT
 * NO_CALL when it names none. */
enum err_code voice_row(struct ask *ask, struct err *err) MUST_CHECK;

/* ---- tasks.c ---- */

/* Makes the task of a waiting call in a local workspace, unless it has one, and notes it in the
 * row. Errors: those of tasks-svc and of the database. */
enum err_code tasks_begin(struct calls *calls, const struct call *call, struct phone_call *row,
                          const struct plan *plan, int budget_ms, struct err *err) MUST_CHECK;

/* Makes another task in the place of the row's, as old and with its attributes, and notes it in the
 * row; once. A worker whom the plan names is not named again if it is worker_sid. *out_was_assigned
 * false: the task is assigned to nobody, nothing was done. */
enum err_code tasks_again(struct calls *calls, const struct call *call, struct phone_call *row,
                          const char *worker_sid, int budget_ms, bool *out_was_assigned,
                          struct err *err) MUST_CHECK;

/* Cancels it; one that is assigned or over stays as it is. */
enum err_code tasks_cancel(struct calls *calls, const struct call *call,
                           const struct phone_call *row, const char *reason,
                           struct err *err) MUST_CHECK;

/* Of a call in a workspace that Twilio routes: finds its task, and who had it. */
enum err_code tasks_find(struct calls *calls, const struct call *call, struct phone_call *row,
                         bool *out_was_assigned, const char **out_worker_sid,
                         struct err *err) MUST_CHECK;

/* Makes the voicemail or callback task of a call that is over, once, or brings it up to date with
 * what is known now (is_news). */
enum err_code tasks_follow_up(struct calls *calls, struct call *call, struct phone_call *row,
                              bool is_news, struct err *err) MUST_CHECK;
