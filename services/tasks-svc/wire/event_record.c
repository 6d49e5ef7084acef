#include "event_record.h"

#include <stdio.h>

#include "base/buf.h"
#include "jx/writer.h"
#include "task_json.h"
#include "task_wire.h"

/* What the usual one takes, so that the buffer need not grow. */
enum { TASK_JSON_BYTES = 2000, RESERVATION_JSON_BYTES = 1000 };

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE",
                   "the events of a batch need too much memory; try again");
}

static enum err_code task_json(struct event_writer *writer, const struct engine_event *event,
                               struct err *err)
{
    if (writer->task == event->task)
        return ERR_OK;
    struct buf text;
    buf_init(&text, 0);
    (void)buf_reserve(&text, TASK_JSON_BYTES);
    task_json_put(&text, event->task, event->at_us);
    writer->task_json =
        buf_failed(&text) ? (struct str){NULL, 0} : arena_str(writer->arena, buf_str(&text));
    buf_fini(&text);
    writer->task = writer->task_json.ptr == NULL ? NULL : event->task;
    return writer->task == NULL ? no_room(err) : ERR_OK;
}

static void put_sid(struct buf *out, const char *key, const struct sid *sid)
{
    buf_text(out, key);
    buf_text(out, sid->text);
    buf_char(out, '"');
}

/* TaskEvent or ReservationEvent. */
static void put_data(struct buf *out, const struct engine_event *event, struct str task_json)
{
    const struct engine_event_more *more = engine_event_more(event);
    bool is_reservation = event->reservation != NULL;
    buf_char(out, '{');
    if (is_reservation) {
        buf_text(out, "\"reservation\":");
        reservation_json_put(out, event->reservation);
        buf_char(out, ',');
    }
    buf_text(out, "\"task\":");
    buf_str_append(out, task_json);
    if (!is_reservation && sid_is_set(&more->previous_queue_sid))
        put_sid(out, ",\"previousTaskQueueSid\":\"", &more->previous_queue_sid);
    if (is_reservation && sid_is_set(&more->wanted_activity_sid))
        put_sid(out, ",\"workerActivitySid\":\"", &more->wanted_activity_sid);
    buf_char(out, '}');
}

bool event_data_put(struct event_writer *writer, const struct engine_event *event, struct buf *out)
{
    if (task_json(writer, event, NULL) != ERR_OK)
        return false;
    put_data(out, event, writer->task_json);
    return !buf_failed(out);
}

static enum err_code take(struct event_writer *writer, const struct jx_writer *w, struct buf *text,
                          struct str *out, struct err *err)
{
    enum err_code code = jx_writer_finish(w, err);
    if (code == ERR_OK) {
        *out = arena_str(writer->arena, buf_str(text));
        if (out->ptr == NULL)
            code = no_room(err);
    }
    buf_fini(text);
    return code;
}

static enum err_code make_data(struct event_writer *writer, const struct engine_event *event,
                               struct str *out, struct err *err)
{
    struct buf text;
    buf_init(&text, 0);
    (void)buf_reserve(&text, writer->task_json.len + RESERVATION_JSON_BYTES);
    put_data(&text, event, writer->task_json);
    struct str made =
        buf_failed(&text) ? (struct str){NULL, 0} : arena_str(writer->arena, buf_str(&text));
    buf_fini(&text);
    if (made.ptr == NULL)
        return no_room(err);
    *out = made;
    return ERR_OK;
}

static void put_if_set(struct jx_writer *w, const char *key, struct str text)
{
    if (text.len > 0)
        jx_put_str(w, key, text);
}

static void put_number(struct jx_writer *w, const char *key, int64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)value);
    jx_put_text(w, key, digits);
}

/* {"qualified":12,…} as one text: what explains the choice later (rpc/explain_rpc.c). */
static void put_offer(struct jx_writer *w, const struct engine_offer *offer)
{
    struct buf text;
    struct jx_writer inner;
    buf_init(&text, 0);
    jx_writer_init(&inner, &text);
    jx_object_begin(&inner);
    jx_put_i64(&inner, "qualified", offer->qualified);
    jx_put_i64(&inner, "free", offer->free);
    jx_put_i64(&inner, "waiting", offer->waiting);
    jx_put_i64(&inner, "rank", offer->rank);
    jx_put_i64(&inner, "last", offer->last_sequence);
    if (offer->is_lifo)
        jx_put_bool(&inner, "lifo", true);
    if (offer->is_channel_clock)
        jx_put_bool(&inner, "channel_clock", true);
    if (offer->order_values.len > 0)
        jx_put_str(&inner, "order", offer->order_values);
    if (sid_is_set(&offer->next_sid)) {
        jx_put_text(&inner, "next", offer->next_sid.text);
        jx_put_i64(&inner, "next_last", offer->next_sequence);
    }
    if (offer->next_order_values.len > 0)
        jx_put_str(&inner, "next_order", offer->next_order_values);
    jx_object_end(&inner);
    if (jx_writer_finish(&inner, NULL) == ERR_OK)
        jx_put_str(w, "offer", buf_str(&text));
    buf_fini(&text);
}

static enum err_code make_extras(struct event_writer *writer, const struct engine_event *event,
                                 struct str *out, struct err *err)
{
    const struct engine_event_more *more = engine_event_more(event);
    struct buf text;
    struct jx_writer w;
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_object_begin(&w);
    put_if_set(&w, "task_queue_target_expression", event->queue_expression);
    put_if_set(&w, "previous_task_queue_sid", str_from(more->previous_queue_sid.text));
    put_if_set(&w, "previous_task_queue_name", more->previous_queue_name);
    put_if_set(&w, "workflow_filter_name", more->filter_name);
    put_if_set(&w, "workflow_filter_expression", more->filter_expression);
    put_if_set(&w, "workflow_filter_target_expression", more->target_expression);
    put_if_set(&w, "known_worker_sid", str_from(more->known_worker_sid.text));
    put_if_set(&w, "reason", event->reason);
    put_if_set(&w, "instruction", more->instruction);
    put_if_set(&w, "instruction_data", more->instruction_data);
    put_if_set(&w, "routing_rules", more->rules);
    if (event->offer != NULL)
        put_offer(&w, event->offer);
    if (event->worker != NULL) {
        put_if_set(&w, "worker_attributes", event->worker->attributes);
        put_if_set(&w, "worker_activity_sid", str_from(event->worker->activity_sid.text));
        put_if_set(&w, "worker_activity_name", event->worker->activity_name);
        put_number(&w, "worker_version", event->worker->version);
        put_number(&w, "worker_channel_capacity", event->worker->channel_capacity);
        put_number(&w, "worker_channel_consumed_capacity", event->worker->channel_consumed);
    }
    jx_object_end(&w);
    return take(writer, &w, &text, out, err);
}

void event_record_head(const struct engine_event *event, struct event_row *out)
{
    const struct task_row *task = event->task;
    const struct reservation_row *reservation = event->reservation;
    bool is_reservation = reservation != NULL;
    *out = (struct event_row){
        .sid = event->sid.text,
        .account_sid = task->account_sid.text,
        .workspace_sid = task->workspace_sid.text,
        .type = engine_event_name(event->type),
        .resource_type = is_reservation ? "reservation" : "task",
        .resource_sid = is_reservation ? reservation->sid.text : task->sid.text,
        .resource_version = is_reservation ? reservation->version : task->version,
        .task_sid = task->sid.text,
        .worker_sid = is_reservation ? reservation->worker_sid.text : task->worker_sid.text,
        .reservation_sid = is_reservation ? reservation->sid.text : "",
        .queue_sid = task->queue_sid.text,
        .workflow_sid = task->workflow_sid.text,
        .occurred_at_us = event->at_us,
        .source = TASKS_SOURCE,
        .actor_sid = "",
        .request_id = "",
        .data = STR("{}"),
        .extras = STR("{}"),
    };
}

enum err_code event_record_text(struct event_writer *writer, const struct engine_event *event,
                                struct event_row *out, struct err *err)
{
    enum err_code code = task_json(writer, event, err);
    if (code == ERR_OK)
        code = make_data(writer, event, &out->data, err);
    return code == ERR_OK ? make_extras(writer, event, &out->extras, err) : code;
}
