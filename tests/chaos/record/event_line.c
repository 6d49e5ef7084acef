#include "event_line.h"

#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/parse.h"
#include "base/str.h"
#include "history.h"
#include "jx/jx.h"

/* Members of event_data that the checker reads, and their names in the history. */
static const struct {
    const char *from;
    const char *to;
    bool is_number;
} members[] = {
    {"task_sid",                           "task",   false},
    {"task_version",                       "tv",     true },
    {"task_assignment_status",             "st",     false},
    {"task_channel_sid",                   "ch",     false},
    {"reservation_sid",                    "res",    false},
    {"reservation_status",                 "rst",    false},
    {"worker_sid",                         "worker", false},
    {"worker_version",                     "wv",     true },
    {"worker_channel_capacity",            "cap",    true },
    {"worker_channel_configured_capacity", "cap",    true },
};

static void put_key(json_t *line, const char *attributes)
{
    AUTO(jx_cleanup) json_t *object = NULL;
    if (jx_parse_object(str_from(attributes), NULL, &object, NULL) != ERR_OK)
        return;
    const char *key = jx_get_text(object, "key", NULL);
    if (key != NULL)
        (void)json_object_set_new(line, "key", json_string(key));
}

static void put_members(json_t *line, const char *event_data)
{
    AUTO(jx_cleanup) json_t *data = NULL;
    if (jx_parse_object(str_from(event_data), NULL, &data, NULL) != ERR_OK) {
        (void)json_object_set_new(line, "bad", json_true());
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *text = jx_get_text(data, members[i].from, NULL);
        int64_t number = 0;
        if (text == NULL)
            continue;
        if (!members[i].is_number)
            (void)json_object_set_new(line, members[i].to, json_string(text));
        else if (parse_i64(str_from(text), INT64_MIN, INT64_MAX, &number))
            (void)json_object_set_new(line, members[i].to, json_integer((json_int_t)number));
    }
    put_key(line, jx_get_text(data, "task_attributes", "{}"));
}

json_t *event_line(const char *kind, const Taskrouter__Tasks__V1__Event *event)
{
    json_t *line = history_line(kind);
    struct str data = str_from(event->event_data);
    (void)json_object_set_new(line, "q", json_integer((json_int_t)event->sequence));
    (void)json_object_set_new(line, "sid", json_string(event->sid));
    (void)json_object_set_new(line, "e", json_string(event->event_type));
    (void)json_object_set_new(line, "r", json_string(event->resource_sid));
    (void)json_object_set_new(line, "v", json_integer((json_int_t)event->resource_version));
    (void)json_object_set_new(line, "src", json_string(event->source));
    (void)json_object_set_new(line, "rid", json_string(event->request_id));
    (void)json_object_set_new(line, "ws", json_string(event->workspace_sid));
    if (event->event_date != NULL) {
        int64_t at_us = event->event_date->seconds * US_PER_S + event->event_date->nanos / 1000;
        (void)json_object_set_new(line, "at", json_integer((json_int_t)at_us));
    }
    (void)json_object_set_new(line, "h",
                              json_integer((json_int_t)(hash_bytes(data.ptr, data.len) >> 1)));
    put_members(line, event->event_data);
    return line;
}
