#include "bridge_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "bridge_store.h"
#include "bus/bus.h"
#include "call_store.h"
#include "gateway.h"
#include "jx/jx.h"
#include "log/log.h"
#include "plan.h"
#include "svc/event.h"
#include "taskrouter/events/v1/events.pb-c.h"

enum {
    DIAL_PERIOD_MS = 1000,
    DIAL_BUDGET_MS = 30000,
    TIMEOUT_MAX_S = 600,
    ADDRESS_MAX = 256,
    STALE_S = 600, /* whoever accepted so long ago does not wait for the telephone any more */
};

typedef Taskrouter__Tasks__V1__Reservation wire_reservation;

/* ---- which reservations are dialled ---- */

/* Pending ones by dequeue and conference; accepted ones unless something else was to be done with
 * the call. */
static bool is_dialled(const wire_reservation *reservation)
{
    const char *instruction = reservation->instruction;
    bool is_wanted = strcmp(instruction, "dequeue") == 0 || strcmp(instruction, "conference") == 0;
    switch (reservation->reservation_status) {
    case TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_PENDING:
        return is_wanted;
    case TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_ACCEPTED:
        return is_wanted || instruction[0] == '\0' || strcmp(instruction, "accept") == 0;
    default:
        return false;
    }
}

/* A call that waits in a queue of ours, with that task. */
static enum err_code waits(struct call *call, const struct phone_call *row,
                           const wire_reservation *reservation, bool *out_waits, struct err *err)
{
    struct plan plan;
    *out_waits = false;
    if (row->plan[0] == '\0' || row->is_outbound || phone_call_is_over(row) ||
        row->answered_at_us != 0 || strcmp(row->workspace_sid, reservation->workspace_sid) != 0)
        return ERR_OK;
    if (row->task_sid[0] != '\0' && strcmp(row->task_sid, reservation->task_sid) != 0)
        return ERR_OK;
    enum err_code code = plan_read(row->plan, call->arena, &plan, err);
    *out_waits = code == ERR_OK && plan.step == PLAN_QUEUE && !plan.is_twilio;
    return code;
}

/* Where the instruction says so itself. */
static void wishes_read(struct call *call, const wire_reservation *reservation,
                        struct bridge_leg *leg)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    leg->is_conference = strcmp(reservation->instruction, "conference") == 0;
    if ((!leg->is_conference && strcmp(reservation->instruction, "dequeue") != 0) ||
        jx_parse_object(str_from(reservation->instruction_data), NULL, &root, NULL) != ERR_OK)
        return;
    struct str to = str_from(jx_get_text(root, "to", ""));
    struct str from = str_from(jx_get_text(root, "from", ""));
    int64_t timeout_s = jx_get_i64(root, "timeout", 0);
    leg->options = reservation->instruction_data;
    leg->timeout_s = timeout_s > 0 && timeout_s <= TIMEOUT_MAX_S ? timeout_s : 0;
    if (to.len <= ADDRESS_MAX)
        leg->to_address = arena_str_dup(call->arena, to);
    if (from.len <= ADDRESS_MAX)
        leg->from_number = arena_str_dup(call->arena, from);
}

static enum err_code record(struct bridge *bridge, struct call *call, const struct phone_call *row,
                            const wire_reservation *reservation, struct err *err)
{
    bool is_new = false;
    struct bridge_leg leg = {
        .reservation_sid = reservation->sid,
        .call_sid = row->sid,
        .task_sid = reservation->task_sid,
        .worker_sid = reservation->worker_sid,
        .workspace_sid = reservation->workspace_sid,
        .is_pending = reservation->reservation_status ==
                      TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_PENDING,
        .to_address = "",
        .from_number = "",
        .options = "",
    };
    wishes_read(call, reservation, &leg);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    enum err_code code = bridge_store_insert(bridge->gateway->host.pool, call, &leg, &is_new, err);
    if (is_new)
        bridge_wake(bridge);
    return code;
}

/* Instructions that nobody carries out: whoever gave them would wait for ever. */
static void tell_ignored(struct call *call, const wire_reservation *reservation)
{
    const char *instruction = reservation->instruction;
    if (strcmp(instruction, "call") != 0 && strcmp(instruction, "redirect") != 0)
        return;
    LOG_WARN(call,
             "the instructions call and redirect are not carried out: use dequeue or conference, "
             "or place the call yourself",
             LOG_STR("reservation", reservation->sid), LOG_STR("instruction", instruction));
}

static enum err_code on_reservation(void *ctx, struct call *call, const struct bus_msg *msg,
                                    struct err *err)
{
    struct bridge *bridge = ctx;
    struct bus_event envelope;
    ProtobufCMessage *message = NULL;
    struct phone_call row;
    bool is_waiting = false;
    enum err_code code =
        svc_event_read(call, msg, &taskrouter__events__v1__reservation_event__descriptor, &envelope,
                       &message, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Events__V1__ReservationEvent *event = (const void *)message;
    if (event->reservation == NULL)
        return svc_event_empty(msg, err);
    bool is_stale = msg->stored_at_us < clock_now_us() - STALE_S * US_PER_S;
    if (!is_stale)
        tell_ignored(call, event->reservation);
    if (event->task == NULL || event->task->call_id[0] == '\0' || is_stale ||
        !is_dialled(event->reservation))
        return ERR_OK;
    code = call_store_get(bridge->gateway->host.pool, call, "", event->task->call_id, &row, err);
    if (code == ERR_NOT_FOUND) /* whoever made the task named a call that is none of ours */
        return ERR_OK;
    if (code == ERR_OK)
        code = waits(call, &row, event->reservation, &is_waiting, err);
    return code == ERR_OK && is_waiting ? record(bridge, call, &row, event->reservation, err)
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

static const struct bus_consumer_def consumers[] = {
    {.durable = "gateway-bridge-accepted",
     .subject = "taskrouter.*.reservation.accepted",
     .handler = on_reservation,
     .from = BUS_FROM_FIRST},
    {.durable = "gateway-bridge-instructed",
     .subject = "taskrouter.*.reservation.instructed",
     .handler = on_reservation,
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

struct bridge *bridge_new(struct gateway *gateway)
{
    struct bridge *bridge = xcalloc(1, sizeof *bridge);
    bridge->gateway = gateway;
    return bridge;
}

void bridge_start(struct bridge *bridge, struct app *app)
{
    for (size_t i = 0; i < BRIDGE_JOBS; i++)
        bridge->jobs[i] = app_job_start(app, &dial_job, bridge);
    atomic_store(&bridge->has_jobs, true);
    host_consume(&bridge->gateway->host, consumers, ARRAY_LEN(consumers), bridge);
}

void bridge_free(struct bridge *bridge)
{
    free(bridge);
}

void bridge_wake(struct bridge *bridge)
{
    if (!atomic_load(&bridge->has_jobs))
        return;
    for (size_t i = 0; i < BRIDGE_JOBS; i++)
        app_job_wake(bridge->jobs[i]);
}

struct call bridge_as_service(const struct call *call, int budget_ms)
{
    struct call copy = *call;
    copy.deadline_mono_us = clock_mono_us() + budget_ms * US_PER_MS;
    copy.who = (struct identity){ROLE_SERVICE, "service:gateway", "", "", ""};
    return copy;
}
