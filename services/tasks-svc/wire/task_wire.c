#include "task_wire.h"

#include "base/clock.h"
#include "base/macros.h"
#include "rpc/pb.h"
#include "svc/wire.h"

static const Taskrouter__Tasks__V1__TaskStatus task_statuses[TASK_STATE_COUNT] = {
    [TASK_NONE] = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_UNSPECIFIED,
    [TASK_PENDING] = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_PENDING,
    [TASK_RESERVED] = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_RESERVED,
    [TASK_ASSIGNED] = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_ASSIGNED,
    [TASK_WRAPPING] = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_WRAPPING,
    [TASK_COMPLETED] = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_COMPLETED,
    [TASK_CANCELED] = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_CANCELED,
};

static const Taskrouter__Tasks__V1__ReservationStatus
    reservation_statuses[RESERVATION_STATE_COUNT] = {
        [RESERVATION_NONE] =
            TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_UNSPECIFIED,
        [RESERVATION_PENDING] =
            TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_PENDING,
        [RESERVATION_ACCEPTED] =
            TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_ACCEPTED,
        [RESERVATION_REJECTED] =
            TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_REJECTED,
        [RESERVATION_TIMEOUT] =
            TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_TIMEOUT,
        [RESERVATION_CANCELED] =
            TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_CANCELED,
        [RESERVATION_RESCINDED] =
            TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_RESCINDED,
        [RESERVATION_WRAPPING] =
            TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_WRAPPING,
        [RESERVATION_COMPLETED] =
            TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_COMPLETED,
};

struct str task_status_name(Taskrouter__Tasks__V1__TaskStatus status)
{
    for (int state = TASK_NONE + 1; state < TASK_STATE_COUNT; state++) {
        if (task_statuses[state] == status)
            return str_from(task_state_name((enum task_state)state));
    }
    return (struct str){NULL, 0};
}

struct str reservation_status_name(Taskrouter__Tasks__V1__ReservationStatus status)
{
    for (int state = RESERVATION_NONE + 1; state < RESERVATION_STATE_COUNT; state++) {
        if (reservation_statuses[state] == status)
            return str_from(reservation_state_name((enum reservation_state)state));
    }
    return (struct str){NULL, 0};
}

Taskrouter__Tasks__V1__TaskStatus task_status_to_wire(enum task_state state)
{
    return task_statuses[state];
}

int64_t task_age(const struct task_row *row, int64_t now_us)
{
    return now_us > row->created_at_us ? (now_us - row->created_at_us) / US_PER_S : 0;
}

Taskrouter__Tasks__V1__ReservationStatus reservation_status_to_wire(enum reservation_state state)
{
    return reservation_statuses[state];
}

/* A copy of a view; never NULL unless the arena is exhausted. */
static char *copy(struct arena *arena, struct str text)
{
    return text.len == 0 ? arena_strdup(arena, "") : arena_str_dup(arena, text);
}

static char *copy_sid(struct arena *arena, const struct sid *sid)
{
    return arena_strdup(arena, sid->text);
}

Taskrouter__Tasks__V1__Task *task_to_wire(struct arena *arena, const struct task_row *row,
                                          int64_t now_us)
{
    Taskrouter__Tasks__V1__Task *wire = PB_NEW(arena, taskrouter__tasks__v1__task);
    if (wire == NULL)
        return NULL;
    wire->sid = copy_sid(arena, &row->sid);
    wire->account_sid = copy_sid(arena, &row->account_sid);
    wire->workspace_sid = copy_sid(arena, &row->workspace_sid);
    wire->attributes = row->attributes.len == 0 ? arena_strdup(arena, "{}")
                                                : arena_str_dup(arena, row->attributes);
    wire->assignment_status = task_statuses[row->state];
    wire->priority = row->priority;
    wire->reason = copy(arena, row->reason);
    wire->timeout = row->timeout_s;
    wire->task_queue_sid = copy_sid(arena, &row->queue_sid);
    wire->task_queue_name = copy(arena, row->queue_name);
    wire->task_channel_sid = copy_sid(arena, &row->channel_sid);
    wire->task_channel_unique_name = copy(arena, row->channel_name);
    wire->workflow_sid = copy_sid(arena, &row->workflow_sid);
    wire->workflow_name = copy(arena, row->workflow_name);
    wire->ignore_capacity = row->ignore_capacity;
    wire->routing_target = copy_sid(arena, &row->routing_target);
    wire->version = row->version;
    wire->date_created = wire_time(arena, row->created_at_us);
    wire->date_updated = wire_time(arena, row->updated_at_us);
    wire->task_queue_entered_date = wire_time(arena, row->queue_entered_at_us);
    wire->virtual_start_time = wire_time(arena, row->virtual_start_us);
    wire->age = task_age(row, now_us);
    wire->addons = arena_strdup(arena, "{}");
    wire->workflow_configuration_version = row->workflow_version;
    wire->call_id = copy(arena, row->call_id);
    wire->worker_sid = copy_sid(arena, &row->worker_sid);
    return arena_is_exhausted(arena) ? NULL : wire;
}

Taskrouter__Tasks__V1__Reservation *reservation_to_wire(struct arena *arena,
                                                        const struct reservation_row *row)
{
    Taskrouter__Tasks__V1__Reservation *wire = PB_NEW(arena, taskrouter__tasks__v1__reservation);
    if (wire == NULL)
        return NULL;
    wire->sid = copy_sid(arena, &row->sid);
    wire->account_sid = copy_sid(arena, &row->account_sid);
    wire->workspace_sid = copy_sid(arena, &row->workspace_sid);
    wire->task_sid = copy_sid(arena, &row->task_sid);
    wire->worker_sid = copy_sid(arena, &row->worker_sid);
    wire->worker_name = copy(arena, row->worker_name);
    wire->reservation_status = reservation_statuses[row->state];
    wire->version = row->version;
    wire->timeout = row->timeout_s;
    wire->date_created = wire_time(arena, row->created_at_us);
    wire->date_updated = wire_time(arena, row->updated_at_us);
    wire->task_queue_sid = copy_sid(arena, &row->queue_sid);
    wire->workflow_sid = copy_sid(arena, &row->workflow_sid);
    wire->instruction = copy(arena, row->instruction);
    wire->instruction_data = copy(arena, row->instruction_data);
    return arena_is_exhausted(arena) ? NULL : wire;
}
