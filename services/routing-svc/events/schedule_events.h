/* Schedules of business hours: domain to wire and back, compiled, and the event row of a change. */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "db/db.h"
#include "hours/hours.h"
#include "schedule.h"
#include "taskrouter/routing/v1/hours.pb-c.h"

/* Errors: RESOURCE_EXHAUSTED. */
enum err_code schedule_to_wire(struct call *call, const struct schedule *schedule,
                               Taskrouter__Routing__V1__Schedule **out, struct err *err) MUST_CHECK;

/* The JSON of weekly_schedule, holidays and special_hours, which is what schedule.hours has. */
enum err_code schedule_hours_text(struct call *call, const Taskrouter__Routing__V1__Schedule *wire,
                                  struct str *out, struct err *err) MUST_CHECK;

/* Checks the hours of a wire schedule and, unless out is NULL, compiles them. workspace_zone stands
 * in for a time_zone that is empty. Errors: those of hours_schedule_new. */
enum err_code schedule_wire_compile(struct call *call,
                                    const Taskrouter__Routing__V1__Schedule *wire,
                                    const char *workspace_zone, struct hours_schedule **out,
                                    struct err *err) MUST_CHECK;

/* The same of a stored one; *out is the caller's (hours_schedule_free). */
enum err_code schedule_compile(struct call *call, const struct schedule *schedule,
                               const char *workspace_zone, struct hours_schedule **out,
                               struct err *err) MUST_CHECK;

/* type: "schedule.updated". In the transaction of the change. */
enum err_code schedule_event_append(struct db_conn *conn, struct call *call,
                                    const struct schedule *schedule, const char *type,
                                    bool is_deleted, struct err *err) MUST_CHECK;
