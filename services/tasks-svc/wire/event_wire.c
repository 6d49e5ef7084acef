#include "event_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "mirror_apply.h"
#include "pbjson/pbjson.h"
#include "rpc/pb.h"
#include "svc/wire.h"
#include "task_wire.h"
#include "taskrouter/events/v1/events.pb-c.h"

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; ask for less at once");
}

/* ---- event_data ---- */

static void put(struct jx_writer *w, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        jx_put_text(w, key, text);
}

static void put_number(struct jx_writer *w, const char *key, int64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)value);
    jx_put_text(w, key, digits);
}

static void put_bool(struct jx_writer *w, const char *key, bool value)
{
    jx_put_text(w, key, value ? "true" : "false");
}

/* Epoch seconds, as Twilio writes them. */
static void put_time(struct jx_writer *w, const char *key, const Google__Protobuf__Timestamp *time)
{
    if (time != NULL)
        put_number(w, key, time->seconds);
}

static void put_task(struct jx_writer *w, const Taskrouter__Tasks__V1__Task *task)
{
    if (task == NULL)
        return;
    struct str status = task_status_name(task->assignment_status);
    put(w, "task_sid", task->sid);
    put(w, "task_attributes", task->attributes);
    put_number(w, "task_age", task->age);
    put_number(w, "task_priority", task->priority);
    jx_put_str(w, "task_assignment_status", status);
    if (str_eq_text(status, "canceled"))
        put(w, "task_canceled_reason", task->reason);
    if (str_eq_text(status, "completed"))
        put(w, "task_completed_reason", task->reason);
    put_number(w, "task_version", task->version);
    put_time(w, "task_date_created", task->date_created);
    put_time(w, "task_queue_entered_date", task->task_queue_entered_date);
    put_time(w, "task_virtual_start_time", task->virtual_start_time);
    put_number(w, "task_timeout", task->timeout);
    put_bool(w, "task_ignore_capacity", task->ignore_capacity);
    put(w, "task_routing_target", task->routing_target);
    put(w, "task_channel_sid", task->task_channel_sid);
    put(w, "task_channel_unique_name", task->task_channel_unique_name);
    put(w, "task_queue_sid", task->task_queue_sid);
    put(w, "task_queue_name", task->task_queue_name);
    put(w, "workflow_sid", task->workflow_sid);
    put(w, "workflow_name", task->workflow_name);
}

static void put_task_event(struct jx_writer *w, const ProtobufCMessage *message)
{
    const Taskrouter__Events__V1__TaskEvent *event = (const void *)message;
    put_task(w, event->task);
}

static void put_reservation_event(struct jx_writer *w, const ProtobufCMessage *message)
{
    const Taskrouter__Events__V1__ReservationEvent *event = (const void *)message;
    put_task(w, event->task);
    const Taskrouter__Tasks__V1__Reservation *reservation = event->reservation;
    if (reservation == NULL)
        return;
    put(w, "reservation_sid", reservation->sid);
    put_number(w, "reservation_version", reservation->version);
    put_number(w, "reservation_timeout", reservation->timeout);
    jx_put_str(w, "reservation_status", reservation_status_name(reservation->reservation_status));
    put(w, "worker_sid", reservation->worker_sid);
    put(w, "worker_name", reservation->worker_name);
}

static void put_worker_event(struct jx_writer *w, const ProtobufCMessage *message)
{
    const Taskrouter__Events__V1__WorkerEvent *event = (const void *)message;
    const Taskrouter__Workers__V1__Worker *worker = event->worker;
    if (worker == NULL)
        return;
    put(w, "worker_sid", worker->sid);
    put(w, "worker_name", worker->friendly_name);
    put(w, "worker_attributes", worker->attributes);
    put_number(w, "worker_version", worker->version);
    put(w, "worker_activity_sid", worker->activity_sid);
    put(w, "worker_activity_name", worker->activity_name);
    put_bool(w, "worker_available", worker->available);
    if (event->previous_activity_sid[0] != '\0') {
        put(w, "worker_previous_activity_sid", event->previous_activity_sid);
        put(w, "worker_previous_activity_name", event->previous_activity_name);
        put_number(w, "worker_time_in_previous_activity",
                   event->time_in_previous_activity_ms / 1000);
        put_number(w, "worker_time_in_previous_activity_ms", event->time_in_previous_activity_ms);
    }
    if (event->task_channel_sid[0] == '\0')
        return;
    put(w, "task_channel_sid", event->task_channel_sid);
    put_number(w, "worker_channel_previous_capacity", event->previous_capacity);
    for (size_t i = 0; i < worker->n_channels; i++) {
        if (strcmp(worker->channels[i]->task_channel_sid, event->task_channel_sid) != 0)
            continue;
        put(w, "task_channel_unique_name", worker->channels[i]->task_channel_unique_name);
        put_bool(w, "worker_channel_available", worker->channels[i]->available);
        put_number(w, "worker_channel_configured_capacity",
                   worker->channels[i]->configured_capacity);
    }
}

static void put_activity_event(struct jx_writer *w, const ProtobufCMessage *message)
{
    const Taskrouter__Events__V1__ActivityEvent *event = (const void *)message;
    if (event->activity == NULL)
        return;
    put(w, "activity_sid", event->activity->sid);
    put(w, "activity_name", event->activity->friendly_name);
    put_bool(w, "activity_available", event->activity->available);
}

static void put_workspace_event(struct jx_writer *w, const ProtobufCMessage *message)
{
    const Taskrouter__Events__V1__WorkspaceEvent *event = (const void *)message;
    if (event->workspace == NULL)
        return;
    put(w, "workspace_sid", event->workspace->sid);
    put(w, "workspace_name", event->workspace->friendly_name);
}

static void put_queue_event(struct jx_writer *w, const ProtobufCMessage *message)
{
    const Taskrouter__Events__V1__TaskQueueEvent *event = (const void *)message;
    if (event->task_queue == NULL)
        return;
    put(w, "task_queue_sid", event->task_queue->sid);
    put(w, "task_queue_name", event->task_queue->friendly_name);
    put(w, "task_queue_target_expression", event->task_queue->target_workers);
}

static void put_channel_event(struct jx_writer *w, const ProtobufCMessage *message)
{
    const Taskrouter__Events__V1__TaskChannelEvent *event = (const void *)message;
    if (event->task_channel == NULL)
        return;
    put(w, "task_channel_sid", event->task_channel->sid);
    put(w, "task_channel_name", event->task_channel->friendly_name);
    put(w, "task_channel_unique_name", event->task_channel->unique_name);
    put_bool(w, "task_channel_optimized_routing", event->task_channel->channel_optimized_routing);
}

static void put_workflow_event(struct jx_writer *w, const ProtobufCMessage *message)
{
    const Taskrouter__Events__V1__WorkflowEvent *event = (const void *)message;
    if (event->workflow == NULL)
        return;
    put(w, "workflow_sid", event->workflow->sid);
    put(w, "workflow_name", event->workflow->friendly_name);
}

/* Which message the data of a resource type is, and how its strings are made. */
struct data_row {
    const char *resource_type;
    const ProtobufCMessageDescriptor *type;
    void (*put)(struct jx_writer *w, const ProtobufCMessage *message);
};

static const struct data_row data_rows[] = {
    {"task",         &taskrouter__events__v1__task_event__descriptor,         put_task_event       },
    {"reservation",  &taskrouter__events__v1__reservation_event__descriptor,  put_reservation_event},
    {"worker",       &taskrouter__events__v1__worker_event__descriptor,       put_worker_event     },
    {"activity",     &taskrouter__events__v1__activity_event__descriptor,     put_activity_event   },
    {"workspace",    &taskrouter__events__v1__workspace_event__descriptor,    put_workspace_event  },
    {"task-queue",   &taskrouter__events__v1__task_queue_event__descriptor,   put_queue_event      },
    {"task-channel", &taskrouter__events__v1__task_channel_event__descriptor, put_channel_event    },
    {"workflow",     &taskrouter__events__v1__workflow_event__descriptor,     put_workflow_event   },
};

static void put_data(struct jx_writer *w, struct arena *arena, const struct event_row *row)
{
    for (size_t i = 0; i < ARRAY_LEN(data_rows); i++) {
        if (strcmp(data_rows[i].resource_type, row->resource_type) != 0)
            continue;
        ProtobufCMessage *message = NULL;
        if (pbjson_decode(row->data, data_rows[i].type, &pbjson_event, arena, &message, NULL,
                          NULL) == ERR_OK)
            data_rows[i].put(w, message);
        return;
    }
}

static void put_extras(struct jx_writer *w, const struct event_row *row)
{
    AUTO(jx_cleanup) json_t *extras = NULL;
    if (jx_parse_object(row->extras, NULL, &extras, NULL) != ERR_OK)
        return;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(extras, key, value)
    {
        jx_key(w, key);
        jx_value(w, value);
    }
}

static char *event_data(struct arena *arena, const struct event_row *row)
{
    struct buf text;
    struct jx_writer w;
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_object_begin(&w);
    if (strcmp(row->source, MIRROR_SOURCE) != 0) /* Twilio's own words are all of it */
        put_data(&w, arena, row);
    put_extras(&w, row);
    jx_object_end(&w);
    bool is_done = jx_writer_finish(&w, NULL) == ERR_OK;
    char *copy = is_done ? arena_str_dup(arena, buf_str(&text)) : NULL;
    buf_fini(&text);
    return copy;
}

/* ---- the message ---- */

/* "Reservation WR… accepted", "Worker WK… activity update". */
static char *description(struct arena *arena, const struct event_row *row)
{
    const char *verb = strchr(row->type, '.');
    char *text = arena_printf(arena, "%s %s %s", row->resource_type, row->resource_sid,
                              verb == NULL ? row->type : verb + 1);
    if (text == NULL)
        return NULL;
    if (text[0] >= 'a' && text[0] <= 'z')
        text[0] = (char)(text[0] - 'a' + 'A');
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '.' || *at == '-')
            *at = ' ';
    }
    return text;
}

static const char *actor_type(const struct event_row *row)
{
    static const struct {
        const char *prefix;
        const char *type;
    } actors[] = {
        {"US", "user"  },
        {"TK", "token" },
        {"WK", "worker"},
    };
    for (size_t i = 0; i < ARRAY_LEN(actors); i++) {
        if (strncmp(row->actor_sid, actors[i].prefix, strlen(actors[i].prefix)) == 0)
            return actors[i].type;
    }
    return "system";
}

enum err_code event_to_wire(struct arena *arena, const struct event_row *row,
                            Taskrouter__Tasks__V1__Event **out, struct err *err)
{
    Taskrouter__Tasks__V1__Event *wire = PB_NEW(arena, taskrouter__tasks__v1__event);
    if (wire == NULL)
        return no_room(err);
    wire->sid = wire_text(arena, row->sid);
    wire->account_sid = wire_text(arena, row->account_sid);
    wire->workspace_sid = wire_text(arena, row->workspace_sid);
    wire->event_type = wire_text(arena, row->type);
    wire->event_date = wire_time(arena, row->occurred_at_us);
    wire->description = description(arena, row);
    wire->event_data = event_data(arena, row);
    wire->actor_type = wire_text(arena, actor_type(row));
    wire->actor_sid = wire_text(arena, row->actor_sid);
    wire->resource_type = wire_text(arena, row->resource_type);
    wire->resource_sid = wire_text(arena, row->resource_sid);
    wire->resource_version = row->resource_version;
    wire->sequence = row->seq;
    wire->request_id = wire_text(arena, row->request_id);
    wire->source = wire_text(arena, row->source);
    if (wire->event_data == NULL || arena_is_exhausted(arena))
        return no_room(err);
    *out = wire;
    return ERR_OK;
}

enum err_code event_redact(struct arena *arena, Taskrouter__Tasks__V1__Event *event,
                           struct err *err)
{
    static const char key[] = "task_attributes";
    AUTO(jx_cleanup) json_t *data = NULL;
    enum err_code code = jx_parse_object(str_from(event->event_data), NULL, &data, err);
    if (code != ERR_OK || jx_get(data, key) == NULL)
        return code;
    (void)json_object_set_new(data, key, json_string("{}"));
    char *text = json_dumps(data, JSON_COMPACT);
    event->event_data = text == NULL ? NULL : arena_strdup(arena, text);
    free(text);
    return event->event_data == NULL ? no_room(err) : ERR_OK;
}
