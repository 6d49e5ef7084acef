/* Tasks and reservations as messages. Texts are copied into the arena. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "engine/rows.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

#define TASKS_SOURCE "/tasks-svc" /* of our events */

/* NULL when the arena is exhausted. now_us: for the age. */
Taskrouter__Tasks__V1__Task *task_to_wire(struct arena *arena, const struct task_row *row,
                                          int64_t now_us);
Taskrouter__Tasks__V1__Reservation *reservation_to_wire(struct arena *arena,
                                                        const struct reservation_row *row);

/* Whole seconds since the creation. */
int64_t task_age(const struct task_row *row, int64_t now_us);

Taskrouter__Tasks__V1__TaskStatus task_status_to_wire(enum task_state state);
Taskrouter__Tasks__V1__ReservationStatus reservation_status_to_wire(enum reservation_state state);

/* The stored name of a wire status; the empty view for one that is unspecified or unknown. */
struct str task_status_name(Taskrouter__Tasks__V1__TaskStatus status);
struct str reservation_status_name(Taskrouter__Tasks__V1__ReservationStatus status);
