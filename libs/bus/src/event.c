#include "bus/event.h"

#include "base/parse.h"
#include "jx/jx.h"
#include "jx/writer.h"

static const char type_prefix[] = "com.taskrouter.";

/* A text member of the envelope; absent gives "". */
static bool take_text(struct arena *arena, const json_t *root, const char *key, struct str *out)
{
    *out = arena_str(arena, str_from(jx_get_text(root, key, "")));
    return out->ptr != NULL;
}

static enum err_code take_data(struct arena *arena, json_t *root, struct bus_event *out,
                               struct err *err)
{
    json_t *data = json_object_get(root, "data");
    if (data == NULL || json_is_null(data)) {
        out->data = STR("{}");
        return ERR_OK;
    }
    if (!json_is_object(data))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID", "data",
                         "data must be an object, not %s", jx_type_name(data));
    struct buf text;
    struct jx_writer writer;
    buf_init(&text, 0);
    jx_writer_init(&writer, &text);
    jx_value(&writer, data);
    enum err_code code = jx_writer_finish(&writer, err);
    if (code == ERR_OK)
        out->data = arena_str(arena, buf_str(&text));
    buf_fini(&text);
    return code;
}

/* A count that may be a number or, because CloudEvents knows only 32-bit integers, text. */
static enum err_code take_count(const json_t *root, const char *key, int64_t *out, struct err *err)
{
    const json_t *value = json_object_get(root, key);
    bool is_ok = true;
    if (json_is_integer(value))
        *out = json_integer_value(value);
    else if (json_is_string(value))
        is_ok = parse_i64(str_from(json_string_value(value)), 0, INT64_MAX, out);
    else
        is_ok = value == NULL || json_is_null(value);
    if (is_ok && *out >= 0)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID", key,
                     "%s must be a whole number, not negative", key);
}

static enum err_code take_numbers(json_t *root, struct bus_event *out, struct err *err)
{
    struct str time = str_from(jx_get_text(root, "time", ""));
    if (time.len > 0 && !parse_time(time, &out->at_us))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID", "time",
                         "time must be RFC 3339 text");
    enum err_code code = take_count(root, "resourceversion", &out->version, err);
    return code == ERR_OK ? take_count(root, "sequence", &out->sequence, err) : code;
}

enum err_code bus_event_parse(struct arena *arena, struct str payload, struct bus_event *out,
                              struct err *err)
{
    struct bus_event event = {0};
    AUTO(jx_cleanup) json_t *root = NULL;
    enum err_code code = jx_parse_object(payload, NULL, &root, err);
    if (code != ERR_OK)
        return code;
    const struct {
        const char *key;
        struct str *to;
    } members[] = {
        {"id",           &event.id           },
        {"source",       &event.source       },
        {"type",         &event.type         },
        {"subject",      &event.resource_sid },
        {"workspacesid", &event.workspace_sid},
        {"accountsid",   &event.account_sid  },
        {"requestid",    &event.request_id   },
        {"actorsid",     &event.actor_sid    },
        {"actortype",    &event.actor_type   },
    };
    bool is_kept = true;
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        is_kept = is_kept && take_text(arena, root, members[i].key, members[i].to);
    code = take_numbers(root, &event, err);
    if (code == ERR_OK)
        code = take_data(arena, root, &event, err);
    if (code != ERR_OK)
        return code;
    if (!is_kept || event.data.ptr == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the event does not fit the memory of one call");
    if (event.id.len == 0 || event.type.len == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID",
                         event.id.len == 0 ? "id" : "type", "id and type must be given as text");
    struct str prefix = str_from(type_prefix);
    if (str_starts_with(event.type, prefix)) {
        event.type.ptr += prefix.len;
        event.type.len -= prefix.len;
    }
    *out = event;
    return ERR_OK;
}
