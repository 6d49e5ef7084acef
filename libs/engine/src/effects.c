#include "engine/effects.h"

#include "base/arena.h"
#include "base/macros.h"

/* A batch is bounded by its commands; this only turns a runaway into an abort instead of swap. */
#define EFFECTS_MAX_BYTES ((size_t)4 << 30)

static const char *const event_names[ENGINE_EVENT_COUNT] = {[ENGINE_EVENT_NONE] = "none",
#define X(name, text) [ENGINE_EVENT_##name] = (text),
                                                            ENGINE_EVENTS(X)
#undef X
};

const char *engine_event_name(enum engine_event_type type)
{
    return event_names[type];
}

const struct engine_event_more *engine_event_more(const struct engine_event *event)
{
    static const struct engine_event_more nothing = {
        .previous_queue_name = {"", 0},
        .filter_name = {"", 0},
        .filter_expression = {"", 0},
        .target_expression = {"", 0},
        .instruction = {"", 0},
        .instruction_data = {"", 0},
        .rules = {"", 0}
    };
    return event->more == NULL ? &nothing : event->more;
}

void engine_effects_init(struct engine_effects *effects)
{
    *effects = (struct engine_effects){.arena = arena_new(EFFECTS_MAX_BYTES), .batch = 1};
}

void engine_effects_fini(struct engine_effects *effects)
{
    arena_free(effects->arena);
    *effects = (struct engine_effects){0};
}

void engine_effects_reset(struct engine_effects *effects)
{
    arena_reset(effects->arena);
    effects->first = NULL;
    effects->last = NULL;
    effects->count = 0;
    effects->event_count = 0;
    effects->batch++;
    effects->subject = (struct sid){0};
    effects->spare = NULL;
    effects->spare_bytes = 0;
}
