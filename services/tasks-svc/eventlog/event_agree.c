#include "event_agree.h"

#include <string.h>

#include "base/macros.h"
#include "event_pack.h"
#include "event_record.h"

static const struct engine_effect *next_event(const struct engine_effect *effect)
{
    while (effect != NULL && effect->kind != ENGINE_EVENT)
        effect = effect->next;
    return effect;
}

static enum err_code differ(const struct event_row *stored, const char *what, struct err *err)
{
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "FOLLOW_DIVERGED",
                   "%s %s of the log was decided otherwise: %s", stored->type, stored->sid, what);
}

static enum err_code compare(const struct event_row *stored, const struct engine_event *event,
                             struct err *err)
{
    struct event_row made;
    event_record_head(event, &made);
    const struct {
        const char *name;
        const char *was;
        const char *is;
    } texts[] = {
        {"type",        stored->type,            made.type           },
        {"resource",    stored->resource_sid,    made.resource_sid   },
        {"workspace",   stored->workspace_sid,   made.workspace_sid  },
        {"task",        stored->task_sid,        made.task_sid       },
        {"worker",      stored->worker_sid,      made.worker_sid     },
        {"reservation", stored->reservation_sid, made.reservation_sid},
        {"queue",       stored->queue_sid,       made.queue_sid      },
        {"workflow",    stored->workflow_sid,    made.workflow_sid   },
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(texts[i].was, texts[i].is) != 0)
            return differ(stored, texts[i].name, err);
    }
    if (stored->resource_version != made.resource_version)
        return differ(stored, "version", err);
    return stored->occurred_at_us == made.occurred_at_us ? ERR_OK : differ(stored, "time", err);
}

static enum err_code compare_all(const struct packed_event *stored, size_t count,
                                 const struct engine_effects *made, struct err *err)
{
    const struct engine_effect *effect = next_event(made->first);
    for (size_t i = 0; i < count; i++) {
        if (stored[i].own == NULL || stored[i].is_mirrored) /* another service's, or Twilio's */
            continue;
        if (effect == NULL)
            return differ(&stored[i].row, "not at all", err);
        enum err_code code = compare(&stored[i].row, effect->event, err);
        if (code != ERR_OK)
            return code;
        effect = next_event(effect->next);
    }
    if (effect != NULL)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "FOLLOW_DIVERGED", "the log has no %s %s",
                       engine_event_name(effect->event->type), effect->event->sid.text);
    return ERR_OK;
}

enum err_code event_agree(struct arena *arena, struct str payload, int64_t count,
                          const struct engine_effects *made, struct err *err)
{
    struct arena_mark mark = arena_mark(arena);
    struct packed_event *stored = NULL;
    size_t stored_count = 0;
    enum err_code code = event_unpack(arena, payload, 1, &stored, &stored_count, err);
    if (code == ERR_OK && (int64_t)stored_count != count)
        code = ERR_SET(err, ERR_FAILED_PRECONDITION, "FOLLOW_DIVERGED",
                       "a commit has %zu events where its numbers say %lld", stored_count,
                       (long long)count);
    if (code == ERR_OK)
        code = compare_all(stored, stored_count, made, err);
    arena_rewind(arena, mark);
    return code;
}
