#include "plan.h"

#include "base/call.h"
#include "jx/jx.h"
#include "jx/writer.h"

enum { PLAN_BYTES_MAX = 256 << 10 };

static const char *const step_names[PLAN_STEP_COUNT] = {[PLAN_NONE] = "",
#define X(name, text) [PLAN_##name] = (text),
                                                        PLAN_STEPS(X)
#undef X
};

/* Texts of a plan by their names. */
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"last_words",     offsetof(struct plan, last_words)    },
    {"target",         offsetof(struct plan, target)        },
    {"attributes",     offsetof(struct plan, attributes)    },
    {"workflow_sid",   offsetof(struct plan, workflow_sid)  },
    {"task_queue_sid", offsetof(struct plan, task_queue_sid)},
    {"worker_sid",     offsetof(struct plan, worker_sid)    },
    {"language",       offsetof(struct plan, language)      },
    {"music",          offsetof(struct plan, music)         },
};

static const char **text_at(struct plan *plan, size_t index)
{
    return (const char **)(void *)((char *)plan + texts[index].offset);
}

void plan_init(struct plan *plan, enum plan_step step)
{
    *plan = (struct plan){.step = step};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *text_at(plan, i) = "";
}

/* ---- writing ---- */

static void members_write(const struct plan *plan, struct jx_writer *w)
{
    struct plan copy = *plan;
    jx_put_text(w, "step", step_names[plan->step]);
    jx_put_bool(w, "is_twilio", plan->is_twilio);
    jx_put_bool(w, "announces", plan->announces);
    jx_put_bool(w, "records", plan->records);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        jx_put_text(w, texts[i].name, *text_at(&copy, i));
    if (plan->has_priority)
        jx_put_i64(w, "priority", plan->priority);
    if (plan->has_timeout)
        jx_put_i64(w, "timeout_s", plan->timeout_s);
    jx_key(w, "messages");
    jx_array_begin(w);
    for (size_t i = 0; i < plan->message_count; i++)
        jx_text(w, plan->messages[i]);
    jx_array_end(w);
    jx_key(w, "rules");
    jx_array_begin(w);
    for (size_t i = 0; i < plan->rule_count; i++) {
        jx_object_begin(w);
        jx_put_text(w, "sid", plan->rules[i].sid);
        jx_put_text(w, "name", plan->rules[i].name);
        jx_put_i64(w, "version", plan->rules[i].version);
        jx_object_end(w);
    }
    jx_array_end(w);
}

enum err_code plan_write(const struct plan *plan, struct arena *arena, const char **out,
                         struct err *err)
{
    struct buf text;
    struct jx_writer w;
    buf_init(&text, PLAN_BYTES_MAX);
    jx_writer_init(&w, &text);
    jx_object_begin(&w);
    members_write(plan, &w);
    jx_object_end(&w);
    enum err_code code = jx_writer_finish(&w, err);
    if (code == ERR_OK) {
        *out = arena_str_dup(arena, buf_str(&text));
        if (*out == NULL)
            code = call_no_room(err);
    }
    buf_fini(&text);
    return code;
}

/* ---- reading ---- */

static enum plan_step step_from(const char *name)
{
    for (int i = PLAN_NONE + 1; i < PLAN_STEP_COUNT; i++)
        if (str_eq_text(str_from(name), step_names[i]))
            return (enum plan_step)i;
    return PLAN_NONE;
}

static void lists_read(const json_t *root, struct arena *arena, struct plan *out)
{
    const json_t *messages = jx_get(root, "messages");
    const json_t *rules = jx_get(root, "rules");
    for (size_t i = 0; i < json_array_size(messages) && i < PLAN_MESSAGES_MAX; i++) {
        const char *text = json_string_value(json_array_get(messages, i));
        out->messages[out->message_count++] = arena_strdup(arena, text != NULL ? text : "");
    }
    for (size_t i = 0; i < json_array_size(rules) && i < PLAN_RULES_MAX; i++) {
        const json_t *rule = json_array_get(rules, i);
        out->rules[out->rule_count++] = (struct plan_rule){
            .sid = arena_strdup(arena, jx_get_text(rule, "sid", "")),
            .name = arena_strdup(arena, jx_get_text(rule, "name", "")),
            .version = jx_get_i64(rule, "version", 0),
        };
    }
}

enum err_code plan_read(const char *text, struct arena *arena, struct plan *out, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    plan_init(out, PLAN_NONE);
    if (jx_parse_object(str_from(text), NULL, &root, NULL) == ERR_OK)
        out->step = step_from(jx_get_text(root, "step", ""));
    if (out->step == PLAN_NONE)
        return ERR_SET(err, ERR_DATA_LOSS, "BAD_PLAN",
                       "the stored plan of a call is not as it was written");
    out->is_twilio = jx_get_bool(root, "is_twilio", false);
    out->announces = jx_get_bool(root, "announces", false);
    out->records = jx_get_bool(root, "records", false);
    out->has_priority = json_is_integer(jx_get(root, "priority"));
    out->priority = jx_get_i64(root, "priority", 0);
    out->has_timeout = json_is_integer(jx_get(root, "timeout_s"));
    out->timeout_s = jx_get_i64(root, "timeout_s", 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *text_at(out, i) = arena_strdup(arena, jx_get_text(root, texts[i].name, ""));
    lists_read(root, arena, out);
    return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}
