/* The rules of a workspace: everything else belongs to one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define WORKSPACE_NAME_MAX 64 /* characters */

enum provider {
    PROVIDER_NONE,
    PROVIDER_LOCAL,  /* this suite routes */
    PROVIDER_TWILIO, /* Twilio routes, this suite mirrors */
    PROVIDER_COUNT,
};

enum queue_order {
    QUEUE_ORDER_NONE,
    QUEUE_ORDER_FIFO,
    QUEUE_ORDER_LIFO,
    QUEUE_ORDER_COUNT,
};

const char *provider_name(enum provider provider); /* "LOCAL", "TWILIO" */
enum provider provider_from(struct str name);
const char *queue_order_name(enum queue_order order); /* "FIFO", "LIFO" */
enum queue_order queue_order_from(struct str name);

/* Texts are never NULL, owned by whoever filled the struct (a request's arena). */
struct workspace {
    const char *sid;
    const char *account_sid;
    const char *friendly_name;
    enum provider provider;
    const char *default_activity_sid;
    const char *default_activity_name; /* read only */
    const char *timeout_activity_sid;
    const char *timeout_activity_name; /* read only */
    const char *event_callback_url;    /* or "" */
    const char *events_filter;         /* comma-separated event types; "" = all */
    bool multi_task_enabled;
    enum queue_order prioritize_queue_order;
    const char *time_zone;     /* IANA name */
    const char *template_name; /* "NONE", "FIFO"; fixed at creation */
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
};

/* Errors: INVALID_ARGUMENT naming the field. */
enum err_code workspace_check(const struct workspace *workspace, struct err *err) MUST_CHECK;

/* What a caller asks for must be types that there are. (A mirror takes what Twilio has, newer ones
 * too.) Errors: INVALID_ARGUMENT INVALID_EVENTS_FILTER. */
enum err_code workspace_check_events(const struct workspace *workspace, struct err *err) MUST_CHECK;

/* What a workspace is born with unless the caller says otherwise; the first is its default and
 * timeout activity. Source: reference section 1. */
struct activity_default {
    const char *friendly_name;
    bool available;
};

#define ACTIVITY_DEFAULT_COUNT 3
extern const struct activity_default activity_defaults[ACTIVITY_DEFAULT_COUNT];
