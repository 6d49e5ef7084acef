/*
 * The engine's events as rows of the log: the data that will be published (proto3 JSON of a message
 * of taskrouter.events.v1) and, as extras, what Twilio's event_data has beside it.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "engine/effects.h"
#include "rows.h"

/* Remembers the last task written, because several events in a row speak of the same. */
struct event_writer {
    struct arena *arena;
    const struct task_row *task;
    struct str task_json;
};

/* All but seq, actor_sid, request_id, which are the caller's, and data and extras. Texts are views
 * into the event. */
void event_record_head(const struct engine_event *event, struct event_row *out);

/* data, appended to out, whatever stands there. False when out or the writer's arena is full. */
bool event_data_put(struct event_writer *writer, const struct engine_event *event, struct buf *out);

/* data and extras, in the writer's arena. Errors: RESOURCE_EXHAUSTED. */
enum err_code event_record_text(struct event_writer *writer, const struct engine_event *event,
                                struct event_row *out, struct err *err) MUST_CHECK;
