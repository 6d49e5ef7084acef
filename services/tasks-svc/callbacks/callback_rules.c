#include "callback_rules.h"

#include "jx/jx.h"
#include "twilio/event_types.h"

enum { BACKOFF_MAX_MS = 10 * 60 * 1000 };

bool callback_is_wanted(struct str filter, const char *event_type)
{
    bool names_any = false;
    struct str rest = filter;
    while (rest.ptr != NULL) {
        struct str name = str_trim(str_split(&rest, ','));
        if (str_eq_text(name, event_type))
            return true;
        names_any = names_any || name.len > 0;
    }
    return !names_any && twilio_is_event_type(str_from(event_type));
}

int64_t callback_backoff_ms(int64_t first_ms, int64_t attempts, uint64_t chance)
{
    int64_t wait_ms = first_ms < 1 ? 1 : first_ms;
    for (int64_t i = 1; i < attempts && wait_ms < BACKOFF_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms > BACKOFF_MAX_MS)
        wait_ms = BACKOFF_MAX_MS;
    return wait_ms - (int64_t)(chance % (uint64_t)(wait_ms / 2 + 1));
}

/* ---- answers ---- */

static bool is_json_type(struct str content_type)
{
    struct str rest = content_type;
    struct str type = str_trim(str_split(&rest, ';'));
    return str_eq_nocase(type, STR("application/json"));
}

static enum err_code warn(struct callback_answer *out, int64_t code, const char *words)
{
    *out = (struct callback_answer){
        .kind = CALLBACK_ANSWER_WARNING, .alert_code = code, .alert = words};
    return ERR_OK;
}

enum err_code callback_answer_read(struct arena *arena, struct str content_type, struct str body,
                                   struct callback_answer *out, struct err *err)
{
    *out = (struct callback_answer){.kind = CALLBACK_ANSWER_NONE};
    struct str text = str_trim(body);
    if (text.len == 0)
        return ERR_OK;
    if (!is_json_type(content_type))
        return warn(out, 40000, "the answer has a body, but not of type application/json");
    AUTO(jx_cleanup) json_t *root = NULL;
    const struct jx_limits limits = {.allows_duplicates = true};
    if (jx_parse_object(text, &limits, &root, NULL) != ERR_OK)
        return warn(out, 40001, "the answer's body is no JSON object");
    if (json_object_size(root) == 0)
        return ERR_OK;
    const json_t *name = jx_get(root, "instruction");
    if (name == NULL)
        return warn(out, 40005, "the answer's JSON has no instruction");
    if (!json_is_string(name))
        return warn(out, 55555, "the answer's instruction is no text");
    out->kind = CALLBACK_ANSWER_INSTRUCTION;
    out->instruction =
        arena_str(arena, (struct str){json_string_value(name), json_string_length(name)});
    if (out->instruction.ptr == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "ANSWER_TOO_LARGE", "the answer is too large");
    return ERR_OK;
}
