#include "payload.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "jx/jx.h"

enum kind { NONE, TEXT, NUMBER, FLAG, TIME, STATUS, KNOWN /* a number, null when not known */ };

struct member {
    const char *name;
    const char *from;
    enum kind kind;
};

#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, NONE                                                                           \
    }
#define COMMON                                                                                     \
    {"sid", "sid", TEXT}, {"account_sid", "accountSid", TEXT},                                     \
        {"workspace_sid", "workspaceSid", TEXT}, {"date_created", "dateCreated", TIME},            \
        {"date_updated", "dateUpdated", TIME},                                                     \
    {                                                                                              \
        "version", "version", TEXT                                                                 \
    }

/* clang-format off */
static const struct member worker_members[] = {
    COMMON,
    {"friendly_name", "friendlyName", TEXT},
    {"attributes", "attributes", TEXT},
    {"activity_sid", "activitySid", TEXT},
    {"activity_name", "activityName", TEXT},
    {"available", "available", FLAG},
    {"date_status_changed", "dateStatusChanged", TIME},
    END,
};

static const struct member task_members[] = {
    COMMON,
    {"attributes", "attributes", TEXT},
    {"addons", "addons", TEXT},
    {"age", "age", NUMBER},
    {"priority", "priority", NUMBER},
    {"timeout", "timeout", NUMBER},
    {"reason", "reason", TEXT},
    {"assignment_status", "assignmentStatus", STATUS},
    {"routing_target", "routingTarget", TEXT},
    {"queue_sid", "taskQueueSid", TEXT},
    {"queue_name", "taskQueueName", TEXT},
    {"workflow_sid", "workflowSid", TEXT},
    {"workflow_name", "workflowName", TEXT},
    {"task_channel_sid", "taskChannelSid", TEXT},
    {"task_channel_unique_name", "taskChannelUniqueName", TEXT},
    {"virtual_start_time", "virtualStartTime", TIME},
    END,
};

static const struct member reservation_members[] = {
    COMMON,
    {"worker_sid", "workerSid", TEXT},
    {"worker_name", "workerName", TEXT},
    {"task_sid", "taskSid", TEXT},
    {"reservation_status", "reservationStatus", STATUS},
    {"reservation_timeout", "timeout", NUMBER},
    END,
};

static const struct member channel_members[] = {
    COMMON,
    {"worker_sid", "workerSid", TEXT},
    {"task_channel_sid", "taskChannelSid", TEXT},
    {"task_channel_unique_name", "taskChannelUniqueName", TEXT},
    {"configured_capacity", "configuredCapacity", NUMBER},
    {"available", "available", FLAG},
    {"assigned_tasks", "assignedTasks", KNOWN},
    {"available_capacity_percentage", "availableCapacityPercentage", KNOWN},
    {"last_reserved_time", "lastReservedTime", TIME},
    END,
};

static const struct member activity_members[] = {
    COMMON,
    {"friendly_name", "friendlyName", TEXT},
    {"available", "available", FLAG},
    END,
};
/* clang-format on */

/* 64-bit integers are texts in proto3 JSON. */
static json_t *number_of(const json_t *value)
{
    int64_t number = 0;
    if (json_is_integer(value))
        return json_integer(json_integer_value(value));
    (void)parse_i64(str_from(json_string_value(value)), INT64_MIN, INT64_MAX, &number);
    return json_integer(number);
}

static json_t *time_of(const json_t *value)
{
    int64_t at_us = 0;
    if (!json_is_string(value) || !parse_time(str_from(json_string_value(value)), &at_us))
        return json_null();
    return json_integer(at_us / US_PER_S);
}

/* RESERVATION_STATUS_PENDING is "pending". */
static json_t *status_of(const json_t *value)
{
    char word[32] = "";
    const char *text = json_string_value(value);
    const char *tail = text == NULL ? NULL : strstr(text, "STATUS_");
    if (tail == NULL)
        return json_string("");
    tail += sizeof "STATUS_" - 1;
    for (size_t i = 0; tail[i] != '\0' && i + 1 < sizeof word; i++)
        word[i] = (char)(tail[i] >= 'A' && tail[i] <= 'Z' ? tail[i] - 'A' + 'a' : tail[i]);
    return json_string(word);
}

static json_t *value_of(const json_t *object, const struct member *member)
{
    const json_t *value = jx_get(object, member->from);
    switch (member->kind) {
    case NUMBER:
        return number_of(value);
    case KNOWN:
        return value == NULL ? json_null() : number_of(value);
    case FLAG:
        return json_boolean(json_is_true(value));
    case TIME:
        return time_of(value);
    case STATUS:
        return status_of(value);
    case TEXT:
    case NONE:
        break;
    }
    return json_string(json_is_string(value) ? json_string_value(value) : "");
}

static json_t *shape(const json_t *object, const struct member *members)
{
    json_t *made = json_object();
    for (; members->name != NULL; members++)
        (void)json_object_set_new(made, members->name, value_of(object, members));
    return made;
}

json_t *payload_worker(const json_t *worker)
{
    return shape(worker, worker_members);
}

/* The SDK reads addons as JSON. */
json_t *payload_task(const json_t *task)
{
    json_t *made = shape(task, task_members);
    if (json_string_length(json_object_get(made, "addons")) == 0)
        (void)json_object_set_new(made, "addons", json_string("{}"));
    return made;
}

json_t *payload_reservation(const json_t *reservation, const json_t *task)
{
    json_t *made = shape(reservation, reservation_members);
    (void)json_object_set_new(made, "task", payload_task(task));
    return made;
}

json_t *payload_channel(const json_t *channel)
{
    return shape(channel, channel_members);
}

json_t *payload_activity(const json_t *activity)
{
    return shape(activity, activity_members);
}

/* ---- events ---- */

static json_t *channel_event(const json_t *data)
{
    const json_t *channels = jx_get(jx_get(data, "worker"), "channels");
    const char *wanted = jx_get_text(data, "taskChannelSid", "");
    for (size_t i = 0; i < json_array_size(channels); i++) {
        const json_t *channel = json_array_get(channels, i);
        if (strcmp(jx_get_text(channel, "taskChannelSid", ""), wanted) == 0)
            return payload_channel(channel);
    }
    return NULL;
}

enum about { ABOUT_RESERVATION, ABOUT_TASK, ABOUT_WORKER, ABOUT_CHANNEL };

static const struct {
    const char *type;
    enum about about;
} events[] = {
    {"reservation.created",                ABOUT_RESERVATION},
    {"reservation.accepted",               ABOUT_RESERVATION},
    {"reservation.rejected",               ABOUT_RESERVATION},
    {"reservation.timeout",                ABOUT_RESERVATION},
    {"reservation.canceled",               ABOUT_RESERVATION},
    {"reservation.rescinded",              ABOUT_RESERVATION},
    {"reservation.completed",              ABOUT_RESERVATION},
    {"reservation.wrapup",                 ABOUT_RESERVATION},
    {"task.updated",                       ABOUT_TASK       },
    {"task.canceled",                      ABOUT_TASK       },
    {"task.completed",                     ABOUT_TASK       },
    {"task.wrapup",                        ABOUT_TASK       },
    {"worker.activity.update",             ABOUT_WORKER     },
    {"worker.attributes.update",           ABOUT_WORKER     },
    {"worker.capacity.update",             ABOUT_CHANNEL    },
    {"worker.channel.availability.update", ABOUT_CHANNEL    },
};

json_t *payload_event(struct str type, const json_t *data, const char **out_worker)
{
    const json_t *task = jx_get(data, "task");
    const json_t *reservation = jx_get(data, "reservation");
    const json_t *worker = jx_get(data, "worker");
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        if (!str_eq_text(type, events[i].type))
            continue;
        switch (events[i].about) {
        case ABOUT_RESERVATION:
            *out_worker = jx_get_text(reservation, "workerSid", "");
            return payload_reservation(reservation, task);
        case ABOUT_TASK:
            *out_worker = jx_get_text(task, "workerSid", "");
            return payload_task(task);
        case ABOUT_WORKER:
            *out_worker = jx_get_text(worker, "sid", "");
            return payload_worker(worker);
        case ABOUT_CHANNEL:
            *out_worker = jx_get_text(worker, "sid", "");
            return channel_event(data);
        }
    }
    return NULL;
}
