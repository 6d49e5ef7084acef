#include "callback_params.h"

#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"
#include "event_wire.h"
#include "jx/jx.h"
#include "jx/writer.h"

enum { NAME_MAX_BYTES = 128 };

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "EVENT_TOO_LARGE",
                   "the event needs too much memory as a callback");
}

/* "task_queue_sid" is "TaskQueueSid"; cut at the size. */
static const char *pascal(const char *snake, char out[NAME_MAX_BYTES])
{
    size_t len = 0;
    bool starts = true;
    for (; *snake != '\0' && len + 1 < NAME_MAX_BYTES; snake++) {
        if (*snake == '_') {
            starts = true;
            continue;
        }
        char c = *snake;
        if (starts && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        out[len++] = c;
        starts = false;
    }
    out[len] = '\0';
    return out;
}

/* What the log has and a callback has not: said already for every event, or not among the
 * parameters that Twilio's receivers know. */
static bool is_left_out(const char *key)
{
    static const char *const keys[] = {
        "workspace_sid",
        "workspace_name",
        "worker_available",
        "task_timeout",
        "reservation_timeout",
        "reservation_status",
        "offer",
        "worker_channel_configured_capacity",
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static void put_number(struct jx_writer *w, const char *key, int64_t value)
{
    struct buf digits;
    buf_init(&digits, 32);
    buf_i64(&digits, value);
    jx_put_str(w, key, buf_str(&digits));
    buf_fini(&digits);
}

/* The event's data: strings by snake_case name. */
static enum err_code read_event(struct arena *arena, const struct event_row *row,
                                Taskrouter__Tasks__V1__Event **out_wire, json_t **out_data,
                                struct err *err)
{
    enum err_code code = event_to_wire(arena, row, out_wire, err);
    if (code == ERR_OK)
        code = jx_parse_object(str_from((*out_wire)->event_data), NULL, out_data, err);
    return code;
}

static enum err_code take(struct arena *arena, const struct jx_writer *w, struct buf *text,
                          struct str *out, struct err *err)
{
    enum err_code code = jx_writer_finish(w, err);
    if (code == ERR_OK) {
        *out = arena_str(arena, buf_str(text));
        if (out->ptr == NULL)
            code = no_room(err);
    }
    buf_fini(text);
    return code;
}

/* There are no operating units here; an account is one, with the account's digits. */
static void put_operating_unit(struct jx_writer *w, const char *account_sid)
{
    struct sid unit = sid_from(str_from(account_sid));
    if (!sid_is_set(&unit))
        return;
    unit.text[0] = 'O';
    unit.text[1] = 'U';
    jx_put_text(w, "OperatingUnitSid", unit.text);
}

static void put_common(struct jx_writer *w, const struct event_row *row, const char *description,
                       const char *workspace_name)
{
    jx_put_text(w, "EventType", row->type);
    jx_put_text(w, "AccountSid", row->account_sid);
    jx_put_text(w, "WorkspaceSid", row->workspace_sid);
    jx_put_text(w, "WorkspaceName", workspace_name);
    jx_put_text(w, "EventDescription", description);
    jx_put_text(w, "ResourceType", row->resource_type);
    jx_put_text(w, "ResourceSid", row->resource_sid);
    jx_put_text(w, "Sid", row->sid);
    put_operating_unit(w, row->account_sid);
    put_number(w, "Timestamp", row->occurred_at_us / US_PER_S);
    put_number(w, "TimestampMs", row->occurred_at_us / US_PER_MS);
}

enum err_code callback_params_event(struct arena *arena, const struct event_row *row,
                                    const char *workspace_name, struct str *out, struct err *err)
{
    Taskrouter__Tasks__V1__Event *wire = NULL;
    AUTO(jx_cleanup) json_t *data = NULL;
    enum err_code code = read_event(arena, row, &wire, &data, err);
    if (code != ERR_OK)
        return code;
    struct buf text;
    struct jx_writer w;
    const char *key = NULL;
    json_t *value = NULL;
    char name[NAME_MAX_BYTES];
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_object_begin(&w);
    put_common(&w, row, wire->description, workspace_name);
    json_object_foreach(data, key, value)
    {
        if (!is_left_out(key) && json_is_string(value))
            jx_put_text(&w, pascal(key, name), json_string_value(value));
    }
    jx_object_end(&w);
    return take(arena, &w, &text, out, err);
}

enum err_code callback_params_assignment(struct arena *arena, const struct event_row *row,
                                         const char *workspace_name, struct str *out,
                                         struct err *err)
{
    static const char *const keys[] = {
        "workflow_sid",
        "task_queue_sid",
        "worker_sid",
        "worker_name",
        "worker_attributes",
        "task_sid",
        "task_attributes",
        "task_age",
        "task_priority",
        "task_channel_sid",
        "task_channel_unique_name",
        "reservation_sid",
    };
    Taskrouter__Tasks__V1__Event *wire = NULL;
    AUTO(jx_cleanup) json_t *data = NULL;
    enum err_code code = read_event(arena, row, &wire, &data, err);
    if (code != ERR_OK)
        return code;
    struct buf text;
    struct jx_writer w;
    char name[NAME_MAX_BYTES];
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_object_begin(&w);
    put_number(&w, "Timestamp", row->occurred_at_us / US_PER_S);
    jx_put_text(&w, "AccountSid", row->account_sid);
    jx_put_text(&w, "WorkspaceSid", row->workspace_sid);
    jx_put_text(&w, "WorkspaceName", workspace_name);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        jx_put_text(&w, pascal(keys[i], name), jx_get_text(data, keys[i], ""));
    jx_object_end(&w);
    return take(arena, &w, &text, out, err);
}

enum err_code callback_params_read(struct arena *arena, struct str json,
                                   struct twilio_param **out_params, size_t *out_count,
                                   struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    if (jx_parse_object(json, NULL, &root, NULL) != ERR_OK)
        return ERR_SET(err, ERR_DATA_LOSS, "BAD_PARAMETERS",
                       "the stored parameters of a callback are no JSON object");
    struct twilio_param *params = ARENA_ARRAY(arena, struct twilio_param, json_object_size(root));
    size_t count = 0;
    const char *key = NULL;
    json_t *value = NULL;
    if (params == NULL)
        return no_room(err);
    json_object_foreach(root, key, value)
    {
        const struct str text = {json_string_value(value), json_string_length(value)};
        params[count].name = arena_str(arena, str_from(key));
        params[count].value = arena_str(arena, text);
        count++;
    }
    if (arena_is_exhausted(arena))
        return no_room(err);
    *out_params = params;
    *out_count = count;
    return ERR_OK;
}
