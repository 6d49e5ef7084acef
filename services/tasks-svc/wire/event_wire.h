/* Rows of the log as the Event message, with Twilio's event_data: one object of strings. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "rows.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

/* A row whose data cannot be read gives its extras alone: history outlives its writers. Errors:
 * RESOURCE_EXHAUSTED. */
enum err_code event_to_wire(struct arena *arena, const struct event_row *row,
                            Taskrouter__Tasks__V1__Event **out, struct err *err) MUST_CHECK;

/* Takes the task's attributes out of event_data, which says {} instead. Errors: RESOURCE_EXHAUSTED.
 */
enum err_code event_redact(struct arena *arena, Taskrouter__Tasks__V1__Event *event,
                           struct err *err) MUST_CHECK;
