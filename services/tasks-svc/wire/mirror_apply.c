#include "mirror_apply.h"

#include <string.h>

#include "base/macros.h"
#include "base/map.h"
#include "base/parse.h"
#include "jx/jx.h"
#include "svc/check.h"
#include "svc/mirror.h"
#include "svc/wire.h"
#include "task_wire.h"

enum { JSON_MAX_BYTES = 64 << 10, REASON_MAX = 4096, TEXT_MAX = 255 };

bool mirror_is_source(const char *source)
{
    return strcmp(source, MIRROR_SOURCE) == 0 || strcmp(source, MIRROR_SYNC_SOURCE) == 0;
}

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; send less at once");
}

static struct sid sid_of(const char *text)
{
    return sid_from(str_from(text));
}

/* ---- items ---- */

/* The items under way. */
struct reading {
    struct arena *arena;
    const Taskrouter__Tasks__V1__ApplyRequest *request;
    struct mirror_apply *apply;
    struct map seen; /* SIDs of rows */
};

/* Keeps the detail of the refusal as the item's conflict. True when there was none. */
static bool conflicts_not(const struct reading *reading, struct apply_item *item,
                          enum err_code code, const struct err *why)
{
    if (code != ERR_OK)
        item->conflict = arena_strdup(reading->arena, why->detail);
    return code == ERR_OK;
}

static enum err_code check_json(const char *field, const char *text, struct err *err)
{
    static const struct jx_limits limits = {.max_bytes = JSON_MAX_BYTES, .allows_duplicates = true};
    AUTO(jx_cleanup) json_t *json = NULL;
    if (text[0] == '\0' || jx_parse_object(str_from(text), &limits, &json, NULL) == ERR_OK)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "JSON_INVALID", field,
                     "%s must be a JSON object of at most %d bytes", field, JSON_MAX_BYTES);
}

/* A SID of the row that may be missing. */
struct reference {
    const char *field;
    const char *sid;
    const char *prefix;
};

static bool check_row(struct reading *reading, struct apply_item *item, const char *prefix,
                      const char *workspace_sid, const struct reference *references, size_t count)
{
    struct err err;
    err_clear(&err);
    enum err_code code = check_sid("sid", item->sid.text, prefix, &err);
    if (code == ERR_OK && workspace_sid[0] != '\0' &&
        strcmp(workspace_sid, reading->request->workspace_sid) != 0)
        code = ERR_SET(&err, ERR_INVALID_ARGUMENT, "OTHER_WORKSPACE", "it is in workspace %s",
                       workspace_sid);
    if (code == ERR_OK && map_put(&reading->seen, str_from(item->sid.text), item) != NULL)
        code = ERR_SET(&err, ERR_INVALID_ARGUMENT, "TWICE", "%s is twice in this request",
                       item->sid.text);
    for (size_t i = 0; code == ERR_OK && i < count; i++)
        code =
            check_optional_sid(references[i].field, references[i].sid, references[i].prefix, &err);
    return conflicts_not(reading, item, code, &err);
}

static enum task_state task_state_of(const Taskrouter__Tasks__V1__Task *wire)
{
    struct str name = task_status_name(wire->assignment_status);
    return name.len == 0 ? TASK_NONE : task_state_from(name);
}

static enum err_code check_task_texts(const Taskrouter__Tasks__V1__Task *wire, struct err *err)
{
    enum err_code code = check_json("attributes", wire->attributes, err);
    if (code == ERR_OK)
        code = check_text("reason", wire->reason, 0, REASON_MAX, err);
    if (code == ERR_OK)
        code = check_text("call_id", wire->call_id, 0, TEXT_MAX, err);
    if (code == ERR_OK && strlen(wire->routing_target) > SID_LEN)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SID", "routing_target",
                         "routing_target must be a SID");
    if (code == ERR_OK && task_state_of(wire) == TASK_NONE)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "assignment_status",
                         "assignment_status is required");
    return code;
}

/* Twilio knows nothing of our calls: what we told it of one comes back in the attributes. */
static struct str call_id_of(struct arena *arena, const Taskrouter__Tasks__V1__Task *wire)
{
    AUTO(jx_cleanup) json_t *attributes = NULL;
    if (wire->call_id[0] != '\0')
        return str_from(wire->call_id);
    if (jx_parse_object(str_from(wire->attributes), NULL, &attributes, NULL) != ERR_OK)
        return STR("");
    const char *call_id = jx_get_text(attributes, "callId", "");
    return strlen(call_id) > TEXT_MAX ? STR("") : str_from(arena_strdup(arena, call_id));
}

static void read_task(struct reading *reading, const Taskrouter__Tasks__V1__Task *wire,
                      struct apply_item *item)
{
    const struct reference references[] = {
        {"task_queue_sid",   wire->task_queue_sid,   "WQ"},
        {"task_channel_sid", wire->task_channel_sid, "TC"},
        {"workflow_sid",     wire->workflow_sid,     "WW"},
        {"worker_sid",       wire->worker_sid,       "WK"},
    };
    struct err err;
    err_clear(&err);
    item->kind = APPLY_ITEM_TASK;
    item->sid = sid_of(wire->sid);
    if (!check_row(reading, item, "WT", wire->workspace_sid, references, ARRAY_LEN(references)) ||
        !conflicts_not(reading, item, check_task_texts(wire, &err), &err))
        return;
    item->task = (struct task_row){
        .sid = item->sid,
        .workspace_sid = sid_of(reading->request->workspace_sid),
        .state = task_state_of(wire),
        .attributes = str_from(wire->attributes),
        .priority = wire->priority,
        .reason = str_from(wire->reason),
        .timeout_s = wire->timeout,
        .queue_sid = sid_of(wire->task_queue_sid),
        .queue_name = str_from(wire->task_queue_name),
        .channel_sid = sid_of(wire->task_channel_sid),
        .channel_name = str_from(wire->task_channel_unique_name),
        .workflow_sid = sid_of(wire->workflow_sid),
        .workflow_name = str_from(wire->workflow_name),
        .ignore_capacity = wire->ignore_capacity,
        .routing_target = sid_of(wire->routing_target),
        .worker_sid = sid_of(wire->worker_sid),
        .call_id = call_id_of(reading->arena, wire),
        .created_at_us = wire_time_us(wire->date_created),
        .updated_at_us = wire_time_us(wire->date_updated),
        .virtual_start_us = wire_time_us(wire->virtual_start_time),
        .queue_entered_at_us = wire_time_us(wire->task_queue_entered_date),
    };
}

static enum reservation_state reservation_state_of(const Taskrouter__Tasks__V1__Reservation *wire)
{
    struct str name = reservation_status_name(wire->reservation_status);
    return name.len == 0 ? RESERVATION_NONE : reservation_state_from(name);
}

static enum err_code check_reservation_texts(const Taskrouter__Tasks__V1__Reservation *wire,
                                             struct err *err)
{
    enum err_code code = check_json("instruction_data", wire->instruction_data, err);
    if (code == ERR_OK)
        code = check_text("instruction", wire->instruction, 0, TEXT_MAX, err);
    if (code == ERR_OK && reservation_state_of(wire) == RESERVATION_NONE)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "reservation_status",
                         "reservation_status is required");
    return code;
}

static void read_reservation(struct reading *reading,
                             const Taskrouter__Tasks__V1__Reservation *wire,
                             struct apply_item *item)
{
    const struct reference references[] = {
        {"task_sid",       wire->task_sid,       "WT"},
        {"worker_sid",     wire->worker_sid,     "WK"},
        {"task_queue_sid", wire->task_queue_sid, "WQ"},
        {"workflow_sid",   wire->workflow_sid,   "WW"},
    };
    struct err err;
    err_clear(&err);
    item->kind = APPLY_ITEM_RESERVATION;
    item->sid = sid_of(wire->sid);
    if (!check_row(reading, item, "WR", wire->workspace_sid, references, ARRAY_LEN(references)) ||
        !conflicts_not(reading, item, check_reservation_texts(wire, &err), &err))
        return;
    item->reservation = (struct reservation_row){
        .sid = item->sid,
        .workspace_sid = sid_of(reading->request->workspace_sid),
        .task_sid = sid_of(wire->task_sid),
        .worker_sid = sid_of(wire->worker_sid),
        .worker_name = str_from(wire->worker_name),
        .state = reservation_state_of(wire),
        .timeout_s = wire->timeout,
        .queue_sid = sid_of(wire->task_queue_sid),
        .workflow_sid = sid_of(wire->workflow_sid),
        .instruction = str_from(wire->instruction),
        .instruction_data = str_from(wire->instruction_data),
        .created_at_us = wire_time_us(wire->date_created),
        .updated_at_us = wire_time_us(wire->date_updated),
    };
}

static void read_sid(struct reading *reading, const char *sid, enum apply_item_kind kind,
                     struct apply_item *item)
{
    struct err err;
    err_clear(&err);
    bool is_task = kind == APPLY_ITEM_DELETED || strncmp(sid, "WR", 2) != 0;
    item->kind = kind;
    item->sid = sid_of(sid);
    (void)conflicts_not(reading, item,
                        check_sid("sid", item->sid.text, is_task ? "WT" : "WR", &err), &err);
}

/* ---- the event ---- */

static struct sid member(const json_t *data, const char *key)
{
    struct str text = str_from(jx_get_text(data, key, ""));
    return parse_is_sid(text, NULL) ? sid_from(text) : (struct sid){0};
}

/* What the event's data names; what the event names itself goes first. */
static enum err_code read_data(struct arena *arena, const char *text, struct mirror_event *out,
                               struct err *err)
{
    static const struct jx_limits limits = {.max_bytes = JSON_MAX_BYTES};
    AUTO(jx_cleanup) json_t *data = NULL;
    if (jx_parse_object(str_from(text), &limits, &data, NULL) != ERR_OK)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "JSON_INVALID", "event.event_data",
                         "event_data must be a JSON object of at most %d bytes", JSON_MAX_BYTES);
    if (!sid_is_set(&out->task_sid))
        out->task_sid = member(data, "task_sid");
    if (!sid_is_set(&out->reservation_sid))
        out->reservation_sid = member(data, "reservation_sid");
    out->worker_sid = member(data, "worker_sid");
    out->queue_sid = member(data, "task_queue_sid");
    out->workflow_sid = member(data, "workflow_sid");
    out->data = arena_str(arena, str_from(text));
    return out->data.ptr == NULL ? no_room(err) : ERR_OK;
}

static enum err_code read_event(struct reading *reading, struct err *err)
{
    const Taskrouter__Tasks__V1__Event *wire = reading->request->event;
    struct mirror_event *event = ARENA_NEW(reading->arena, struct mirror_event);
    if (event == NULL)
        return no_room(err);
    enum err_code code = check_sid("event.sid", wire->sid, "EV", err);
    if (code == ERR_OK)
        code = check_text("event.event_type", wire->event_type, 1, TEXT_MAX, err);
    if (code == ERR_OK)
        code = check_text("event.actor_sid", wire->actor_sid, 0, TEXT_MAX, err);
    if (code == ERR_OK)
        code = check_text("event.request_id", wire->request_id, 0, TEXT_MAX, err);
    if (code == ERR_OK && wire_time_us(wire->event_date) <= 0)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "event.event_date",
                         "an event needs its date");
    if (code != ERR_OK)
        return code;
    event->is_of_reservation = strcmp(wire->resource_type, "reservation") == 0;
    if (!event->is_of_reservation && strcmp(wire->resource_type, "task") != 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_VALUE", "event.resource_type",
                         "only events of tasks and reservations are applied here, those of "
                         "a %s go to its owner",
                         wire->resource_type);
    code = check_sid("event.resource_sid", wire->resource_sid,
                     event->is_of_reservation ? "WR" : "WT", err);
    if (code != ERR_OK)
        return code;
    event->sid = sid_of(wire->sid);
    event->type = wire->event_type;
    event->at_us = wire_time_us(wire->event_date);
    event->actor_sid = wire->actor_sid;
    event->request_id = wire->request_id;
    if (event->is_of_reservation)
        event->reservation_sid = sid_of(wire->resource_sid);
    else
        event->task_sid = sid_of(wire->resource_sid);
    reading->apply->event = event;
    return read_data(reading->arena, wire->event_data, event, err);
}

/* ---- the request ---- */

static void read_items(struct reading *reading)
{
    const Taskrouter__Tasks__V1__ApplyRequest *request = reading->request;
    struct apply_item *next = reading->apply->items;
    for (size_t i = 0; i < request->n_tasks; i++)
        read_task(reading, request->tasks[i], next++);
    for (size_t i = 0; i < request->n_reservations; i++)
        read_reservation(reading, request->reservations[i], next++);
    for (size_t i = 0; i < request->n_vanished_sids; i++)
        read_sid(reading, request->vanished_sids[i], APPLY_ITEM_VANISHED, next++);
    for (size_t i = 0; i < request->n_deleted_sids; i++)
        read_sid(reading, request->deleted_sids[i], APPLY_ITEM_DELETED, next++);
}

enum err_code mirror_apply_read(struct arena *arena,
                                const Taskrouter__Tasks__V1__ApplyRequest *request,
                                struct mirror_apply *out, struct err *err)
{
    struct reading reading = {.arena = arena, .request = request, .apply = out};
    size_t count = request->n_tasks + request->n_reservations + request->n_vanished_sids +
                   request->n_deleted_sids;
    const Google__Protobuf__Timestamp *observed = request->observed_at;
    if (observed == NULL && request->event != NULL)
        observed = request->event->event_date;
    *out = (struct mirror_apply){.item_count = count, .is_dry_run = request->dry_run};
    enum err_code code = check_sid("workspace_sid", request->workspace_sid, "WS", err);
    if (code == ERR_OK)
        code = mirror_check_request(count, observed, &out->observed_at_us, err);
    if (code == ERR_OK && request->event != NULL)
        code = read_event(&reading, err);
    if (code != ERR_OK)
        return code;
    out->items = ARENA_ARRAY(arena, struct apply_item, count);
    if (out->items == NULL)
        return no_room(err);
    map_init(&reading.seen);
    read_items(&reading);
    map_fini(&reading.seen);
    return arena_is_exhausted(arena) ? no_room(err) : ERR_OK;
}
