/*
 * Resources as Twilio's browser SDK wants them: snake_case members, times in seconds since 1970.
 * Made from proto3 JSON of our messages, as events hold them. Pure.
 */
#pragma once

#include <jansson.h>

#include "base/str.h"

/* New objects, the caller's. Arguments may be NULL or lack members: every key is there all the
 * same. */
json_t *payload_worker(const json_t *worker);
json_t *payload_task(const json_t *task);
json_t *payload_reservation(const json_t *reservation, const json_t *task);
json_t *payload_channel(const json_t *channel);
json_t *payload_activity(const json_t *activity);

/*
 * What a worker's page is told of an event, from the event's data; NULL when it is told nothing.
 * *out_worker: whom it is for, within data.
 */
json_t *payload_event(struct str type, const json_t *data, const char **out_worker);
