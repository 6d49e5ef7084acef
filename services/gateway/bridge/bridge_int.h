/* Between the files of bridge/. */
#pragma once

#include <stdatomic.h>

#include "app/app.h"
#include "base/call.h"
#include "bridge.h"
#include "bridge_leg.h"
#include "bridge_redirect.h"
#include "jx/jx.h"
#include "phone_call.h"

enum {
    BRIDGE_JOBS = 2,        /* each calls one worker at a time */
    BRIDGE_TELLERS = 3,     /* each tells an application of a call's status at a time */
    BRIDGE_ASK_MS = 4000,   /* of other services */
    BRIDGE_PLACE_MS = 9000, /* of a POST to the provider */
    BRIDGE_AGAIN_MS = 1000, /* until what surely was not done is tried again */
    BRIDGE_SETTLE_S = 10,   /* until consequences that were not drawn are drawn by somebody else */
    BRIDGE_LEGS_MAX = 4,    /* workers who are called for a call, one after the other */
};

/* Why a leg failed where nothing can be dialled at all: told once. */
#define BRIDGE_NOT_CONFIGURED                                                                      \
    "no telephony: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN of sync-svc"

struct Taskrouter__Tasks__V1__Task;

struct bridge {
    struct gateway *gateway;
    struct app_job *jobs[BRIDGE_JOBS];
    struct app_job *tellers[BRIDGE_TELLERS];
    struct httpc *httpc; /* theirs */
    atomic_bool has_jobs;
    atomic_bool is_told;        /* that there are no credentials */
    int64_t heard_from_mono_us; /* since then there is news; what came before may be on its way */
};

void bridge_wake(struct bridge *bridge);
void bridge_status_wake(struct bridge *bridge);

/* Until when there may be news of what is begun now. */
int64_t bridge_unheard_until_us(const struct bridge *bridge);
/* Whether what was begun before this process has had its time to be heard of too. */
bool bridge_may_give_up(const struct bridge *bridge);
/* Whether what was begun then is not to be tried any more. */
bool bridge_is_impatient(const struct bridge *bridge, int64_t begun_at_us);

/* call with a deadline that is budget_ms away at most, as the service itself. */
struct call bridge_as_service(const struct call *call, int budget_ms);

/* app_job_fn: calls whoever is to be called, and gives up what was never heard of again. */
enum err_code bridge_dial(struct app_job *job, struct call *call, void *ctx, struct err *err);

/* What follows from the leg's state for its reservation, task and call; as often as it is said.
 * at_us: since when. Errors: those of tasks-svc and of the database. */
enum err_code bridge_settle(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                            int64_t at_us, struct err *err) MUST_CHECK;

/* The worker talks with the caller since at_us. Errors as above. */
enum err_code bridge_connected(struct bridge *bridge, struct call *call,
                               const struct bridge_leg *leg, int64_t at_us,
                               struct err *err) MUST_CHECK;

/* Writes worker_call_sid to the attributes of the leg's task, while it is assigned. What cannot be
 * written is only logged: the call goes on. */
void bridge_note_worker_call(struct bridge *bridge, struct call *call,
                             const struct bridge_leg *leg);

/* The leg's task. Errors: those of tasks-svc. */
enum err_code bridge_task_get(struct bridge *bridge, struct call *call,
                              const struct bridge_leg *leg,
                              struct Taskrouter__Tasks__V1__Task **out, struct err *err) MUST_CHECK;

/* The worker has taken the call, whether or not the caller is there: a pending reservation is
 * accepted. */
enum err_code bridge_taken(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                           struct err *err) MUST_CHECK;

/* The row of the leg's call; an empty one where the leg is of no call. Errors: as call_store_get.
 */
enum err_code bridge_row(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                         struct phone_call *out, struct err *err) MUST_CHECK;

/* The worker of an accepted reservation was not reached: the task of a caller who waits is free for
 * the next one; that of a caller who has left goes to wrapping. Errors as above. */
enum err_code bridge_release(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                             struct err *err) MUST_CHECK;

/* Its task goes to wrapping, unless it is past that. */
enum err_code bridge_wrap_up(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                             struct err *err) MUST_CHECK;

/* The caller of the row has nobody any more who was called for the leg, whose task ends; the caller
 * waits on with another one, for the next worker, BRIDGE_LEGS_MAX times. Errors as above. */
enum err_code bridge_requeue(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                             struct phone_call *row, struct err *err) MUST_CHECK;

/* Whether the caller waits in a queue of ours, with that task. */
enum err_code bridge_waits(struct call *call, const struct phone_call *row,
                           const char *workspace_sid, const char *task_sid, bool *out_waits,
                           struct err *err) MUST_CHECK;

/* What the instruction said; *out is the caller's, NULL when it said nothing. */
enum err_code bridge_options(const struct bridge_leg *leg, json_t **out,
                             struct err *err) MUST_CHECK;

/* TwiML by which the worker waits in the conference, in the call's arena. */
enum err_code bridge_room(struct call *call, const struct bridge_leg *leg, const char **out,
                          struct err *err) MUST_CHECK;

/* The worker has answered and is in the conference: sends the caller there, once. Errors: what it
 * may be tried again after. */
enum err_code bridge_join(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                          int64_t at_us, struct err *err) MUST_CHECK;

/* Ends the worker's call. Errors: it may be tried again; what is refused is only logged. */
enum err_code bridge_hang_up(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                             struct err *err) MUST_CHECK;

/* The caller of the call (CL…) does not wait any more, or only not for the task when it is named:
 * workers who have not answered are not called any more. Errors as above. */
enum err_code bridge_left(struct bridge *bridge, struct call *call, const char *call_sid,
                          const char *task_sid, struct err *err) MUST_CHECK;

/* A leg that rings: ended when the caller has left meanwhile. Errors as above. */
enum err_code bridge_ringing(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                             struct err *err) MUST_CHECK;

/* The provider has placed a leg that somebody has moved meanwhile: ended unless that was good.
 * Errors as above. */
enum err_code bridge_late(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                          struct err *err) MUST_CHECK;

/* The reservation has ended: the worker is not called any more, if nobody has answered. Errors as
 * above. */
enum err_code bridge_gone(struct bridge *bridge, struct call *call, const char *reservation_sid,
                          struct err *err) MUST_CHECK;

/* What sync-svc's failures mean for what it was to do: */
bool bridge_is_unsure(enum err_code code, const struct err *why); /* it may have been done */
bool bridge_is_away(enum err_code code); /* it was not, and may go well later */

/* Whether sync-svc is there, so that it is known that what is not asked then was not done. Errors:
 * it may be tried again. */
enum err_code bridge_look(struct bridge *bridge, struct call *call, struct err *err) MUST_CHECK;

/* ---- status.c ---- */

/* The provider tells of the leg's call: so is who instructed it, if that is wished. */
enum err_code bridge_status_note(struct bridge *bridge, struct call *call,
                                 const struct bridge_leg *leg, const struct twilio_param *params,
                                 size_t count, struct err *err) MUST_CHECK;

/* app_job_fn */
enum err_code bridge_status_run(struct app_job *job, struct call *call, void *ctx, struct err *err);

struct gateway_settings;
struct httpc *bridge_status_client(const struct gateway_settings *settings); /* never NULL */

/* ---- redirect.c ---- */

/* The reservation's instruction is redirect: the caller is to be sent away. */
enum err_code bridge_redirect_record(struct bridge *bridge, struct call *call,
                                     const struct bridge_redirect *redirect,
                                     struct err *err) MUST_CHECK;

/* The reservation that was instructed so has been accepted; that it was instructed may be heard of
 * later. */
enum err_code bridge_redirect_accepted(struct bridge *bridge, struct call *call,
                                       const struct bridge_redirect *redirect,
                                       struct err *err) MUST_CHECK;

/* The caller has left the queue by a redirection, or the call is over. */
enum err_code bridge_redirect_hear(struct bridge *bridge, struct call *call,
                                   const struct phone_call *row, struct err *err) MUST_CHECK;

/* A turn of the jobs. */
enum err_code bridge_redirect_run(struct bridge *bridge, struct app_job *job, struct call *call,
                                  struct err *err) MUST_CHECK;

/* FAILED with the reason, unless its state is not `from` any more; logged, and settled. */
enum err_code bridge_give_up(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                             const char *why, struct err *err) MUST_CHECK;
