/*
 * What an event says, as messages: rows of a task and a reservation, the entry of the log, and
 * changes to other resources. What the event leaves out stays empty in rows of tasks, which the
 * owner then keeps. Pure. Results live in the arena or borrow the form. NULL where nothing comes of
 * it; the arena says whether it was full.
 */
#pragma once

#include "event_form.h"

/* Of any event that has the task's parameters. NULL: it does not say the task's state. */
Taskrouter__Tasks__V1__Task *event_task(struct arena *arena, const struct event_form *form);

/* Of reservation.*; NULL for a reservation that never was one. */
Taskrouter__Tasks__V1__Reservation *event_reservation(struct arena *arena,
                                                      const struct event_form *form);

/* For the log, with Twilio's event_data. */
Taskrouter__Tasks__V1__Event *event_entry(struct arena *arena, const struct event_form *form);

/* Whether the event says all that a resource of its kind needs to be stored. */
bool event_is_complete(const struct event_form *form);

/* A new, empty message of the event's kind of resource, for event_overlay. */
ProtobufCMessage *event_new(struct arena *arena, const struct event_form *form);

/*
 * Lays what the event says over the resource: ours, or a new one where event_is_complete. True when
 * it differs now; then its date_updated is the event's.
 */
bool event_overlay(struct arena *arena, const struct event_form *form, ProtobufCMessage *resource);
