/*
 * An event callback of Twilio, read: which of the event types it is, what that type asks for, and
 * the parameters by name. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "taskrouter/sync/v1/sync.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "twilio_json.h"

/* What is done about an event. */
enum event_action {
    EVENT_NONE,    /* a type of which we know nothing: ignored */
    EVENT_LOG,     /* of a task or reservation: its rows, and the event to the log */
    EVENT_DELETED, /* of a task: somebody deleted it, and the event to the log */
    EVENT_OVERLAY, /* what it says over what we have; unknown: made of it if it says all, else asked
                      for */
    EVENT_FETCH,   /* it says too little: Twilio is asked */
    EVENT_CHANNELS, /* the same for the channels of a worker */
    EVENT_CHANNEL,  /* EVENT_OVERLAY of one of these */
    EVENT_VANISH,
};

struct event_kind {
    const char *type; /* "task.created" */
    enum twilio_resource resource;
    enum event_action action;
    Taskrouter__Tasks__V1__ReservationStatus status; /* of reservation.*; UNSPECIFIED: none */
    bool is_creation;
};

/* The types of the reference, one row each. */
extern const struct event_kind event_kinds[];
extern const size_t event_kind_count;

/* Borrows the request. Texts are never NULL. */
struct event_form {
    struct event_kind kind; /* of a type that is not in the table: made up from its family */
    const char *type;
    const char *sid; /* EV…; made of the contents when the event has none */
    const char *account_sid;
    const char *workspace_sid;
    const char *resource_sid; /* of what kind.resource says */
    int64_t at_us;            /* when it happened */
    Taskrouter__Sync__V1__WebhookParameter *const *params;
    size_t param_count;
};

/* The value of a parameter; "" when absent. */
const char *event_param(const struct event_form *form, const char *name);

/* Errors: INVALID_ARGUMENT EVENT_INVALID (field names the parameter) for what can be no event;
 * RESOURCE_EXHAUSTED. */
enum err_code event_form_read(struct arena *arena,
                              const Taskrouter__Sync__V1__ApplyWebhookRequest *request,
                              struct event_form *out, struct err *err) MUST_CHECK;
