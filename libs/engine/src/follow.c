#include "engine/follow.h"

#include "base/arena.h"
#include "engine/journal.h"

static enum err_code run_entry(struct engine *engine, const struct journal_entry *entry,
                               engine_told_fn told, void *ctx, struct engine_effects *out,
                               struct err *err)
{
    struct err refusal = {0};
    switch (entry->kind) {
    case JOURNAL_TICK:
        engine_tick(engine, entry->now_us, out);
        return ERR_OK;
    case JOURNAL_APPLY: {
        bool is_taken =
            engine_apply(engine, &entry->command, entry->now_us, out, &refusal) == ERR_OK;
        if (told != NULL)
            told(ctx, &entry->command, is_taken);
        return ERR_OK;
    }
    case JOURNAL_LOAD:
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "FOLLOW_RELOADED",
                       "the engine that is followed was loaded anew");
    case JOURNAL_NONE:
    case JOURNAL_KIND_COUNT:
        break;
    }
    return ERR_OK;
}

enum err_code engine_follow(struct engine *engine, struct str journal, struct arena *arena,
                            engine_told_fn told, void *ctx, struct engine_effects *out_effects,
                            struct err *err)
{
    struct journal_reader reader;
    struct journal_entry entry = {.kind = JOURNAL_TICK};
    enum err_code code = journal_open(&reader, journal, err);
    while (code == ERR_OK) {
        struct arena_mark mark = arena_mark(arena);
        code = journal_next(&reader, arena, &entry, err);
        if (code != ERR_OK || entry.kind == JOURNAL_NONE)
            break;
        code = run_entry(engine, &entry, told, ctx, out_effects, err);
        arena_rewind(arena, mark);
    }
    return code;
}
