/*
 * Reading our events: the CloudEvents 1.0 envelope that libs/outbox writes. Says what is in the
 * envelope; what data means is the consumer's business.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Texts are NUL-terminated, live in the arena and are "" when absent. */
struct bus_event {
    struct str id;     /* EV SID */
    struct str source; /* "/workers-svc" */
    struct str type;   /* without "com.taskrouter.": "worker.activity.update" */
    struct str workspace_sid;
    struct str account_sid;
    struct str resource_sid; /* CloudEvents subject */
    struct str request_id;
    struct str actor_sid;
    struct str actor_type;
    int64_t at_us;    /* CloudEvents time */
    int64_t version;  /* of the resource, from 1; 0 = absent */
    int64_t sequence; /* tasks-svc's log position; 0 = absent */
    struct str data;  /* JSON text of data: one object; "{}" when absent */
};

/*
 * Reads one payload. Unknown members are ignored: producers may be newer.
 * Errors: INVALID_ARGUMENT, reason EVENT_INVALID, naming the member; RESOURCE_EXHAUSTED when the
 * arena is full.
 */
enum err_code bus_event_parse(struct arena *arena, struct str payload, struct bus_event *out,
                              struct err *err) MUST_CHECK;
