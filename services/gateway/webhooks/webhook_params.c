#include "webhook_params.h"

#include <string.h>

#include "base/call.h"
#include "jx/jx.h"
#include "jx/writer.h"

enum {
    PARAMS_MAX = 256,
    BODY_MAX_BYTES = 1 << 20,
    STORED_MAX_BYTES = 4 << 20, /* a body with every character escaped */
};

enum err_code webhook_params_of_form(const struct http_params *form, struct arena *arena,
                                     struct twilio_param **out, size_t *out_count, struct err *err)
{
    *out = ARENA_ARRAY(arena, struct twilio_param, form->count);
    *out_count = form->count;
    if (*out == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < form->count; i++)
        (*out)[i] = (struct twilio_param){form->items[i].name, form->items[i].value};
    return ERR_OK;
}

static struct str value_text(struct arena *arena, json_t *value)
{
    if (json_is_string(value)) {
        struct str text = {json_string_value(value), json_string_length(value)};
        return arena_str(arena, text);
    }
    struct buf json;
    struct jx_writer w;
    buf_init(&json, BODY_MAX_BYTES);
    jx_writer_init(&w, &json);
    jx_value(&w, value);
    struct str text =
        jx_writer_finish(&w, NULL) == ERR_OK ? arena_str(arena, buf_str(&json)) : (struct str){0};
    buf_fini(&json);
    return text;
}

enum err_code webhook_params_of_json(struct str body, struct arena *arena,
                                     struct twilio_param **out, size_t *out_count, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    const char *key = NULL;
    json_t *value = NULL;
    struct jx_limits limits = {.max_bytes = BODY_MAX_BYTES};
    enum err_code code = jx_parse_object(body, &limits, &root, err);
    if (code != ERR_OK)
        return code;
    if (json_object_size(root) > PARAMS_MAX)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "TOO_MANY_PARAMETERS",
                       "the body has %zu members; at most %d are allowed", json_object_size(root),
                       PARAMS_MAX);
    *out = ARENA_ARRAY(arena, struct twilio_param, json_object_size(root));
    *out_count = 0;
    if (*out == NULL)
        return call_no_room(err);
    json_object_foreach(root, key, value)
    {
        if (json_is_null(value))
            continue;
        struct twilio_param *param = &(*out)[(*out_count)++];
        param->name = arena_str(arena, str_from(key));
        param->value = value_text(arena, value);
        if (param->name.ptr == NULL || param->value.ptr == NULL)
            return call_no_room(err);
    }
    return ERR_OK;
}

enum err_code webhook_params_write(const struct twilio_param *params, size_t count,
                                   struct arena *arena, struct str *out, struct err *err)
{
    struct buf text;
    struct jx_writer w;
    buf_init(&text, STORED_MAX_BYTES);
    jx_writer_init(&w, &text);
    jx_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        jx_array_begin(&w);
        jx_str(&w, params[i].name);
        jx_str(&w, params[i].value);
        jx_array_end(&w);
    }
    jx_array_end(&w);
    enum err_code code = jx_writer_finish(&w, err);
    if (code == ERR_OK) {
        *out = arena_str(arena, buf_str(&text));
        if (out->ptr == NULL)
            code = call_no_room(err);
    }
    buf_fini(&text);
    return code;
}

static bool text_take(struct arena *arena, const json_t *pair, size_t index, struct str *out)
{
    const json_t *value = json_array_get(pair, index);
    struct str text = {json_string_value(value), json_string_length(value)};
    *out = text.ptr != NULL ? arena_str(arena, text) : text;
    return out->ptr != NULL;
}

enum err_code webhook_params_read(struct str text, struct arena *arena, struct twilio_param **out,
                                  size_t *out_count, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    struct jx_limits limits = {.max_bytes = STORED_MAX_BYTES};
    bool is_good = jx_parse(text, &limits, &root, NULL) == ERR_OK && json_is_array(root);
    size_t count = json_array_size(root);
    *out = ARENA_ARRAY(arena, struct twilio_param, count);
    *out_count = count;
    if (*out == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count && is_good; i++) {
        const json_t *pair = json_array_get(root, i);
        is_good = text_take(arena, pair, 0, &(*out)[i].name) &&
                  text_take(arena, pair, 1, &(*out)[i].value);
    }
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    return is_good ? ERR_OK
                   : ERR_SET(err, ERR_DATA_LOSS, "BAD_PARAMETERS",
                             "the stored parameters of a webhook are not as they were written");
}
