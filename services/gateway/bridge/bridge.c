#include "bridge_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "bridge_store.h"
#include "bus/bus.h"
#include "call_store.h"
#include "calls_int.h"
#include "gateway.h"
#include "httpc/httpc.h"
#include "jx/jx.h"
#include "plan.h"
#include "svc/event.h"
#include "taskrouter/events/v1/events.pb-c.h"

enum {
    DIAL_PERIOD_MS = 1000,
    DIAL_BUDGET_MS = 30000,
    TIMEOUT_S = 60, /* of ringing by an instruction; the router waits as long */
    TIMEOUT_MAX_S = 600,
    ADDRESS_MAX = 256,
    URL_MAX_BYTES = 2048,
    STALE_S = 600, /* whoever accepted so long ago does not wait for the telephone any more */
};

typedef Taskrouter__Tasks__V1__Reservation wire_reservation;

/* ---- which reservations are dialled ---- */

static bool is_instructed(const wire_reservation *reservation, const char *instruction)
{
    return strcmp(reservation->instruction, instruction) == 0;
}

static bool is_accepted(const wire_reservation *reservation)
{
    return reservation->reservation_status ==
           TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_ACCEPTED;
}

static bool is_pending(const wire_reservation *reservation)
{
    return reservation->reservation_status ==
           TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_PENDING;
}

/* Pending ones by dequeue, conference and call; accepted ones unless something else was to be done
 * with the call. */
static bool is_dialled(const wire_reservation *reservation)
{
    bool is_wanted = is_instructed(reservation, "dequeue") ||
                     is_instructed(reservation, "conference") || is_instructed(reservation, "call");
    if (is_pending(reservation))
        return is_wanted;
    return is_accepted(reservation) &&
           (is_wanted || is_instructed(reservation, "") || is_instructed(reservation, "accept"));
}

enum err_code bridge_waits(struct call *call, const struct phone_call *row,
                           const char *workspace_sid, const char *task_sid, bool *out_waits,
                           struct err *err)
{
    struct plan plan;
    *out_waits = false;
    if (row->plan[0] == '\0' || row->is_outbound || phone_call_is_over(row) ||
        row->answered_at_us != 0 || strcmp(row->workspace_sid, workspace_sid) != 0)
        return ERR_OK;
    if (row->task_sid[0] != '\0' && strcmp(row->task_sid, task_sid) != 0)
        return ERR_OK;
    enum err_code code = plan_read(row->plan, call->arena, &plan, err);
    *out_waits = code == ERR_OK && plan.step == PLAN_QUEUE && !plan.is_twilio;
    return code;
}

static const char *short_text(struct arena *arena, const json_t *root, const char *name,
                              size_t max_bytes)
{
    struct str text = str_from(jx_get_text(root, name, ""));
    return text.len <= max_bytes ? arena_str_dup(arena, text) : "";
}

/* Where the instruction says so itself. */
static void wishes_read(struct call *call, const wire_reservation *reservation,
                        struct bridge_leg *leg)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    bool is_plain = is_instructed(reservation, "") || is_instructed(reservation, "accept");
    leg->is_conference = is_instructed(reservation, "conference");
    if (is_plain)
        return;
    leg->timeout_s = TIMEOUT_S;
    if (jx_parse_object(str_from(reservation->instruction_data), NULL, &root, NULL) != ERR_OK)
        return;
    int64_t timeout_s = jx_get_i64(root, "timeout", 0);
    if (timeout_s > 0)
        leg->timeout_s = timeout_s <= TIMEOUT_MAX_S ? timeout_s : TIMEOUT_MAX_S;
    leg->options = reservation->instruction_data;
    leg->to_address = short_text(call->arena, root, "to", ADDRESS_MAX);
    leg->from_number = short_text(call->arena, root, "from", ADDRESS_MAX);
    if (is_instructed(reservation, "call"))
        leg->url = short_text(call->arena, root, "url", URL_MAX_BYTES);
}

/* Whether the event tells of an instruction, not of what it led to. */
static bool is_news(const wire_reservation *reservation)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    return is_pending(reservation) ||
           (jx_parse_object(str_from(reservation->instruction_data), NULL, &root, NULL) == ERR_OK &&
            jx_get_bool(root, "accept", false));
}

static enum err_code record(struct bridge *bridge, struct call *call, const char *call_sid,
                            const wire_reservation *reservation, struct err *err)
{
    bool is_new = false;
    struct bridge_leg leg = {
        .reservation_sid = reservation->sid,
        .call_sid = call_sid,
        .task_sid = reservation->task_sid,
        .worker_sid = reservation->worker_sid,
        .workspace_sid = reservation->workspace_sid,
        .is_pending = is_pending(reservation),
        .version = reservation->version,
        .to_address = "",
        .from_number = "",
        .options = "",
        .url = "",
    };
    wishes_read(call, reservation, &leg);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    if (is_instructed(reservation, "call") && leg.url[0] == '\0')
        return ERR_OK; /* accepted by somebody who has called already */
    enum err_code code = bridge_store_insert(bridge->gateway->host.pool, call, &leg,
                                             is_news(reservation), &is_new, err);
    if (is_new)
        bridge_wake(bridge);
    return code;
}

/* In a workspace that Twilio routes, Twilio does all of it. */
static enum err_code is_ours(struct bridge *bridge, struct call *call, const char *workspace_sid,
                             bool *out_is_ours, struct err *err)
{
    struct workspace_facts facts = {.is_twilio = true};
    enum err_code code =
        calls_workspace(bridge->gateway->calls, call, workspace_sid, BRIDGE_ASK_MS, &facts, err);
    *out_is_ours = code == ERR_OK && !facts.is_twilio;
    if (code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    return ERR_OK;
}

/* Whatever the task is about: the application says what the worker hears. */
static enum err_code on_call(struct bridge *bridge, struct call *call, const char *call_id,
                             const wire_reservation *reservation, struct err *err)
{
    struct phone_call row;
    bool is_here = false;
    const char *call_sid = "";
    enum err_code code = is_ours(bridge, call, reservation->workspace_sid, &is_here, err);
    if (code != ERR_OK || !is_here)
        return code;
    if (call_id[0] != '\0') {
        code = call_store_get(bridge->gateway->host.pool, call, reservation->workspace_sid, call_id,
                              &row, err);
        if (code != ERR_OK && code != ERR_NOT_FOUND)
            return code;
        call_sid = code == ERR_OK ? row.sid : "";
        err_clear(err);
    }
    return record(bridge, call, call_sid, reservation, err);
}

static enum err_code on_redirect(struct bridge *bridge, struct call *call,
                                 const wire_reservation *reservation, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    bool is_here = false;
    enum err_code code = is_ours(bridge, call, reservation->workspace_sid, &is_here, err);
    if (code != ERR_OK || !is_here ||
        jx_parse_object(str_from(reservation->instruction_data), NULL, &root, NULL) != ERR_OK)
        return code;
    struct bridge_redirect redirect = {
        .reservation_sid = reservation->sid,
        .version = reservation->version,
        .workspace_sid = reservation->workspace_sid,
        .task_sid = reservation->task_sid,
        .worker_sid = reservation->worker_sid,
        .call_sid = short_text(call->arena, root, "call_sid", ADDRESS_MAX),
        .url = short_text(call->arena, root, "url", URL_MAX_BYTES),
        .is_pending = is_pending(reservation),
        .accepts = jx_get_bool(root, "accept", false),
    };
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    if (redirect.call_sid[0] == '\0' || redirect.url[0] == '\0')
        return ERR_OK; /* accepted by somebody who has redirected already */
    return redirect.is_pending || redirect.accepts
               ? bridge_redirect_record(bridge, call, &redirect, err)
               : bridge_redirect_accepted(bridge, call, &redirect, err);
}

/* A leg that was to be settled with a pending reservation: what was left to the application, and
 * what could not be canceled any more. */
static enum err_code on_accepted(struct bridge *bridge, struct call *call, const char *sid,
                                 int64_t at_us, struct err *err)
{
    struct db_pool *pool = bridge->gateway->host.pool;
    struct bridge_leg leg;
    bool is_done = false;
    enum err_code code = bridge_store_accept(
        pool, call, sid, clock_now_us() + BRIDGE_SETTLE_S * US_PER_S, &leg, &is_done, err);
    if (!is_done)
        return code;
    bool is_left = leg.url[0] != '\0' ? leg.state == LEG_ANSWERED || leg.state == LEG_ENDED
                                      : leg.state == LEG_FAILED;
    if (!is_left)
        return ERR_OK;
    code = bridge_settle(bridge, call, &leg, at_us, err);
    return code == ERR_OK ? bridge_store_settled(pool, call, &leg, err) : code;
}

static enum err_code carry_out(struct bridge *bridge, struct call *call, const char *call_id,
                               const wire_reservation *reservation, struct err *err)
{
    struct phone_call row;
    bool is_waiting = false;
    if (is_instructed(reservation, "redirect"))
        return on_redirect(bridge, call, reservation, err);
    if (is_instructed(reservation, "call"))
        return on_call(bridge, call, call_id, reservation, err);
    if (call_id[0] == '\0')
        return ERR_OK;
    enum err_code code = call_store_get(bridge->gateway->host.pool, call, "", call_id, &row, err);
    if (code == ERR_NOT_FOUND) { /* whoever made the task named a call that is none of ours */
        err_clear(err);
        return ERR_OK;
    }
    if (code == ERR_OK)
        code = bridge_waits(call, &row, reservation->workspace_sid, reservation->task_sid,
                            &is_waiting, err);
    return code == ERR_OK && is_waiting ? record(bridge, call, row.sid, reservation, err) : code;
}

/* The event's reservation in *out, NULL when it is too old. */
static enum err_code reservation_read(struct call *call, const struct bus_msg *msg,
                                      const Taskrouter__Events__V1__ReservationEvent **out,
                                      struct err *err)
{
    struct bus_event envelope;
    ProtobufCMessage *message = NULL;
    *out = NULL;
    enum err_code code =
        svc_event_read(call, msg, &taskrouter__events__v1__reservation_event__descriptor, &envelope,
                       &message, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Events__V1__ReservationEvent *event = (const void *)message;
    if (event->reservation == NULL)
        return svc_event_empty(msg, err);
    if (event->task != NULL && msg->stored_at_us >= clock_now_us() - STALE_S * US_PER_S)
        *out = event;
    return ERR_OK;
}

/* Whether there may be anything of ours: most reservations are not of calls. */
static bool concerns(const Taskrouter__Events__V1__ReservationEvent *event)
{
    return event != NULL &&
           (event->task->call_id[0] != '\0' || is_instructed(event->reservation, "call") ||
            is_instructed(event->reservation, "redirect"));
}

static enum err_code on_reservation(void *ctx, struct call *call, const struct bus_msg *msg,
                                    struct err *err)
{
    struct bridge *bridge = ctx;
    const Taskrouter__Events__V1__ReservationEvent *event = NULL;
    enum err_code code = reservation_read(call, msg, &event, err);
    if (code != ERR_OK || !concerns(event))
        return code;
    bool is_wanted =
        is_dialled(event->reservation) || is_instructed(event->reservation, "redirect");
    if (is_wanted) /* before what it may take the place of is accepted with it */
        code = carry_out(bridge, call, event->task->call_id, event->reservation, err);
    return code == ERR_OK && is_accepted(event->reservation)
               ? on_accepted(bridge, call, event->reservation->sid, msg->stored_at_us, err)
               : code;
}

static enum err_code on_gone(void *ctx, struct call *call, const struct bus_msg *msg,
                             struct err *err)
{
    const Taskrouter__Events__V1__ReservationEvent *event = NULL;
    enum err_code code = reservation_read(call, msg, &event, err);
    return code == ERR_OK && concerns(event) ? bridge_gone(ctx, call, event->reservation->sid, err)
                                             : code;
}

static enum err_code on_canceled(void *ctx, struct call *call, const struct bus_msg *msg,
                                 struct err *err)
{
    struct bridge *bridge = ctx;
    struct bus_event envelope;
    ProtobufCMessage *message = NULL;
    struct phone_call row;
    enum err_code code = svc_event_read(call, msg, &taskrouter__events__v1__task_event__descriptor,
                                        &envelope, &message, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Events__V1__TaskEvent *event = (const void *)message;
    if (event->task == NULL)
        return svc_event_empty(msg, err);
    bool is_stale = msg->stored_at_us < clock_now_us() - STALE_S * US_PER_S;
    if (event->task->call_id[0] == '\0' || is_stale)
        return ERR_OK;
    code = call_store_get(bridge->gateway->host.pool, call, event->task->workspace_sid,
                          event->task->call_id, &row, err);
    if (code != ERR_OK)
        return code == ERR_NOT_FOUND ? ERR_OK : code;
    return bridge_left(bridge, call, row.sid, event->task->sid, err);
}

/* ---- life ---- */

#define ENDED(state)                                                                               \
    {                                                                                              \
        .durable = "gateway-bridge-" state, .subject = "taskrouter.*.reservation." state,          \
        .handler = on_gone, .from = BUS_FROM_FIRST                                                 \
    }

static const struct bus_consumer_def consumers[] = {
    {.durable = "gateway-bridge-accepted",
     .subject = "taskrouter.*.reservation.accepted",
     .handler = on_reservation,
     .from = BUS_FROM_FIRST},
    {.durable = "gateway-bridge-instructed",
     .subject = "taskrouter.*.reservation.instructed",
     .handler = on_reservation,
     .from = BUS_FROM_FIRST},
    ENDED("timeout"),
    ENDED("rejected"),
    ENDED("rescinded"),
    {.durable = "gateway-bridge-dropped",
     .subject = "taskrouter.*.reservation.canceled",
     .handler = on_gone,
     .from = BUS_FROM_FIRST},
    {.durable = "gateway-bridge-canceled",
     .subject = "taskrouter.*.task.canceled",
     .handler = on_canceled,
     .from = BUS_FROM_FIRST},
};

static const struct app_job_def dial_job = {
    .name = "bridge",
    .run = bridge_dial,
    .period_ms = DIAL_PERIOD_MS,
    .budget_ms = DIAL_BUDGET_MS,
    .runs_at_start = true,
};

static const struct app_job_def teller_job = {
    .name = "bridge-statuses",
    .run = bridge_status_run,
    .period_ms = DIAL_PERIOD_MS,
    .budget_ms = DIAL_BUDGET_MS,
    .runs_at_start = true,
};

struct bridge *bridge_new(struct gateway *gateway)
{
    struct bridge *bridge = xcalloc(1, sizeof *bridge);
    bridge->gateway = gateway;
    bridge->httpc = bridge_status_client(gateway->settings);
    return bridge;
}

void bridge_start(struct bridge *bridge, struct app *app)
{
    bridge->heard_from_mono_us = clock_mono_us();
    for (size_t i = 0; i < BRIDGE_JOBS; i++)
        bridge->jobs[i] = app_job_start(app, &dial_job, bridge);
    for (size_t i = 0; i < BRIDGE_TELLERS; i++)
        bridge->tellers[i] = app_job_start(app, &teller_job, bridge);
    atomic_store(&bridge->has_jobs, true);
    host_consume(&bridge->gateway->host, consumers, ARRAY_LEN(consumers), bridge);
}

void bridge_free(struct bridge *bridge)
{
    if (bridge == NULL)
        return;
    httpc_close(bridge->httpc);
    free(bridge);
}

void bridge_wake(struct bridge *bridge)
{
    if (!atomic_load(&bridge->has_jobs))
        return;
    for (size_t i = 0; i < BRIDGE_JOBS; i++)
        app_job_wake(bridge->jobs[i]);
}

void bridge_status_wake(struct bridge *bridge)
{
    if (!atomic_load(&bridge->has_jobs))
        return;
    for (size_t i = 0; i < BRIDGE_TELLERS; i++)
        app_job_wake(bridge->tellers[i]);
}

int64_t bridge_unheard_until_us(const struct bridge *bridge)
{
    return clock_now_us() + bridge->gateway->settings->bridge_unheard_ms * US_PER_MS;
}

bool bridge_may_give_up(const struct bridge *bridge)
{
    return clock_mono_us() - bridge->heard_from_mono_us >=
           bridge->gateway->settings->bridge_unheard_ms * US_PER_MS;
}

bool bridge_is_impatient(const struct bridge *bridge, int64_t begun_at_us)
{
    return clock_now_us() - begun_at_us > bridge->gateway->settings->bridge_patience_ms * US_PER_MS;
}

struct call bridge_as_service(const struct call *call, int budget_ms)
{
    struct call copy = *call;
    copy.deadline_mono_us = clock_mono_us() + budget_ms * US_PER_MS;
    copy.who = (struct identity){ROLE_SERVICE, "service:gateway", "", "", ""};
    return copy;
}
