/* What clients send of a schedule, checked and in the form that is stored. */
#pragma once

#include "base/call.h"
#include "schedule.h"
#include "taskrouter/routing/v1/hours.pb-c.h"

/*
 * Everything of wire but what only we say (sid, accounts, version, dates) into *out: phone numbers
 * as E.164, the hours as text. Checks all but the queues' existence, without asking anybody.
 * Errors: INVALID_ARGUMENT with the field.
 */
enum err_code schedule_input(struct call *call, const char *workspace_zone,
                             const Taskrouter__Routing__V1__Schedule *wire, struct schedule *out,
                             struct err *err) MUST_CHECK;

/* A phone number in any form that can be read, to E.164 in the arena. Errors: INVALID_ARGUMENT
 * INVALID_PHONE_NUMBER (field). */
enum err_code schedule_line(struct call *call, const char *field, const char *text,
                            const char **out, struct err *err) MUST_CHECK;
