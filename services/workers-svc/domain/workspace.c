#include "workspace.h"

#include <string.h>

#include "base/name.h"
#include "twilio/event_types.h"

enum { TIME_ZONE_MAX = 64, EVENTS_FILTER_MAX = 4096 };

const struct activity_default activity_defaults[ACTIVITY_DEFAULT_COUNT] = {
    {"Offline",     false},
    {"Available",   true },
    {"Unavailable", false},
};

static const char *const provider_names[PROVIDER_COUNT] = {
    [PROVIDER_NONE] = "",
    [PROVIDER_LOCAL] = "LOCAL",
    [PROVIDER_TWILIO] = "TWILIO",
};

static const char *const order_names[QUEUE_ORDER_COUNT] = {
    [QUEUE_ORDER_NONE] = "",
    [QUEUE_ORDER_FIFO] = "FIFO",
    [QUEUE_ORDER_LIFO] = "LIFO",
};

const char *provider_name(enum provider provider)
{
    return (unsigned)provider < PROVIDER_COUNT ? provider_names[provider] : "";
}

enum provider provider_from(struct str name)
{
    for (int i = PROVIDER_NONE + 1; i < PROVIDER_COUNT; i++) {
        if (str_eq_text(name, provider_names[i]))
            return (enum provider)i;
    }
    return PROVIDER_NONE;
}

const char *queue_order_name(enum queue_order order)
{
    return (unsigned)order < QUEUE_ORDER_COUNT ? order_names[order] : "";
}

enum queue_order queue_order_from(struct str name)
{
    for (int i = QUEUE_ORDER_NONE + 1; i < QUEUE_ORDER_COUNT; i++) {
        if (str_eq_text(name, order_names[i]))
            return (enum queue_order)i;
    }
    return QUEUE_ORDER_NONE;
}

/* The shape of an IANA name: "Area/Place", "UTC", "Etc/GMT+5". */
static bool is_time_zone(struct str name)
{
    if (name.len == 0 || name.len > TIME_ZONE_MAX || name.ptr[0] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && memchr("_+-/", c, 4) == NULL)
            return false;
    }
    return true;
}

static bool is_events_filter(struct str filter)
{
    if (filter.len > EVENTS_FILTER_MAX)
        return false;
    for (size_t i = 0; i < filter.len; i++) {
        char c = filter.ptr[i];
        if (!(c >= 'a' && c <= 'z') && memchr("-., ", c, 4) == NULL)
            return false;
    }
    return true;
}

/* Of Twilio's catalogue, or what we have beside. */
static bool is_event_type(struct str name)
{
    return twilio_is_event_type(name) || str_eq_text(name, "reservation.instructed");
}

enum err_code workspace_check_events(const struct workspace *workspace, struct err *err)
{
    struct str rest = str_from(workspace->events_filter);
    while (rest.ptr != NULL) {
        struct str name = str_trim(str_split(&rest, ','));
        if (name.len > 0 && !is_event_type(name))
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_EVENTS_FILTER", "events_filter",
                             "eventsFilter names %.*s, which is no type of event",
                             name.len > 64 ? 64 : (int)name.len, name.ptr);
    }
    return ERR_OK;
}

enum err_code workspace_check(const struct workspace *workspace, struct err *err)
{
    struct str name = str_from(workspace->friendly_name);
    if (!name_is_good(name, WORKSPACE_NAME_MAX))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                         "friendlyName must have 1 to %d characters, not all of them spaces, none "
                         "a control character",
                         WORKSPACE_NAME_MAX);
    if (workspace->provider == PROVIDER_NONE)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_PROVIDER", "provider",
                         "provider must be local or twilio");
    if (workspace->prioritize_queue_order == QUEUE_ORDER_NONE)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_QUEUE_ORDER", "prioritize_queue_order",
                         "prioritizeQueueOrder must be FIFO or LIFO");
    if (!is_time_zone(str_from(workspace->time_zone)))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_TIME_ZONE", "time_zone",
                         "timeZone must be an IANA name such as America/New_York");
    if (!is_events_filter(str_from(workspace->events_filter)))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_EVENTS_FILTER", "events_filter",
                         "eventsFilter must be event types such as task.created, separated by "
                         "commas");
    return ERR_OK;
}
