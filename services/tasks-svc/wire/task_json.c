#include "task_json.h"

#include "base/clock.h"
#include "jx/writer.h"
#include "task_wire.h"

/* Keys are plain ASCII, written with what is around them: "\"sid\":". */
#define KEY(name) STR("\"" name "\":")

static void put_key(struct buf *out, struct str key)
{
    if (out->len > 0 && out->data[out->len - 1] != '{') /* not the first of its object */
        buf_char(out, ',');
    buf_str_append(out, key);
}

/* Like all fields of proto3, left out when it has the value of none. */
static void put_str(struct buf *out, struct str key, struct str text)
{
    if (text.len == 0)
        return;
    put_key(out, key);
    jx_quote(out, text);
}

static void put_sid(struct buf *out, struct str key, const struct sid *sid)
{
    put_str(out, key, str_from(sid->text));
}

static void put_i64(struct buf *out, struct str key, int64_t value)
{
    if (value == 0)
        return;
    put_key(out, key);
    buf_char(out, '"');
    buf_i64(out, value);
    buf_char(out, '"');
}

static void put_time(struct buf *out, struct str key, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    if (at_us == 0)
        return;
    put_key(out, key);
    buf_char(out, '"');
    buf_text(out,
             at_us % US_PER_S == 0 ? clock_format_s(at_us, text) : clock_format_us(at_us, text));
    buf_char(out, '"');
}

static void put_enum(struct buf *out, struct str key, const ProtobufCEnumDescriptor *type,
                     int value)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
    if (value != 0 && known != NULL)
        put_str(out, key, str_from(known->name));
}

void task_json_put(struct buf *out, const struct task_row *row, int64_t now_us)
{
    buf_char(out, '{');
    put_sid(out, KEY("sid"), &row->sid);
    put_sid(out, KEY("accountSid"), &row->account_sid);
    put_sid(out, KEY("workspaceSid"), &row->workspace_sid);
    put_str(out, KEY("attributes"), row->attributes.len == 0 ? STR("{}") : row->attributes);
    put_enum(out, KEY("assignmentStatus"), &taskrouter__tasks__v1__task_status__descriptor,
             (int)task_status_to_wire(row->state));
    put_i64(out, KEY("priority"), row->priority);
    put_str(out, KEY("reason"), row->reason);
    put_i64(out, KEY("timeout"), row->timeout_s);
    put_sid(out, KEY("taskQueueSid"), &row->queue_sid);
    put_str(out, KEY("taskQueueName"), row->queue_name);
    put_sid(out, KEY("taskChannelSid"), &row->channel_sid);
    put_str(out, KEY("taskChannelUniqueName"), row->channel_name);
    put_sid(out, KEY("workflowSid"), &row->workflow_sid);
    put_str(out, KEY("workflowName"), row->workflow_name);
    if (row->ignore_capacity) {
        put_key(out, KEY("ignoreCapacity"));
        buf_text(out, "true");
    }
    put_sid(out, KEY("routingTarget"), &row->routing_target);
    put_i64(out, KEY("version"), row->version);
    put_time(out, KEY("dateCreated"), row->created_at_us);
    put_time(out, KEY("dateUpdated"), row->updated_at_us);
    put_time(out, KEY("taskQueueEnteredDate"), row->queue_entered_at_us);
    put_time(out, KEY("virtualStartTime"), row->virtual_start_us);
    put_i64(out, KEY("age"), task_age(row, now_us));
    put_str(out, KEY("addons"), STR("{}"));
    put_i64(out, KEY("workflowConfigurationVersion"), row->workflow_version);
    put_str(out, KEY("callId"), row->call_id);
    put_sid(out, KEY("workerSid"), &row->worker_sid);
    buf_char(out, '}');
}

void reservation_json_put(struct buf *out, const struct reservation_row *row)
{
    buf_char(out, '{');
    put_sid(out, KEY("sid"), &row->sid);
    put_sid(out, KEY("accountSid"), &row->account_sid);
    put_sid(out, KEY("workspaceSid"), &row->workspace_sid);
    put_sid(out, KEY("taskSid"), &row->task_sid);
    put_sid(out, KEY("workerSid"), &row->worker_sid);
    put_str(out, KEY("workerName"), row->worker_name);
    put_enum(out, KEY("reservationStatus"), &taskrouter__tasks__v1__reservation_status__descriptor,
             (int)reservation_status_to_wire(row->state));
    put_i64(out, KEY("version"), row->version);
    put_i64(out, KEY("timeout"), row->timeout_s);
    put_time(out, KEY("dateCreated"), row->created_at_us);
    put_time(out, KEY("dateUpdated"), row->updated_at_us);
    put_sid(out, KEY("taskQueueSid"), &row->queue_sid);
    put_sid(out, KEY("workflowSid"), &row->workflow_sid);
    put_str(out, KEY("instruction"), row->instruction);
    put_str(out, KEY("instructionData"), row->instruction_data);
    buf_char(out, '}');
}
