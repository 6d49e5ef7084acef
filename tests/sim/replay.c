#include "replay.h"

#include "base/arena.h"
#include "base/macros.h"
#include "engine/journal.h"

enum { ENTRY_BYTES = 64 << 20 };

void replay_init(struct replay *replay, const struct engine_config *config)
{
    *replay = (struct replay){.arena = arena_new(ENTRY_BYTES)};
    if (config != NULL)
        replay->config = *config;
    store_init(&replay->store);
    engine_effects_init(&replay->effects);
}

void replay_fini(struct replay *replay)
{
    engine_free(replay->engine);
    engine_effects_fini(&replay->effects);
    store_fini(&replay->store);
    arena_free(replay->arena);
    *replay = (struct replay){0};
}

static void replay_load(struct replay *replay, const struct journal_entry *entry)
{
    replay->config.seed = entry->seed;
    replay->store.event_sequence = entry->event_sequence;
    replay->store.row_sequence = entry->row_sequence;
    engine_free(replay->engine);
    replay->engine = engine_new(&replay->config);
    store_load(&replay->store, replay->engine, entry->now_us, &replay->effects);
    replay->loads++;
}

static void replay_apply(struct replay *replay, const struct journal_entry *entry)
{
    const struct engine_command *command = &entry->command;
    struct err err = {0};
    enum err_code code =
        engine_apply(replay->engine, command, entry->now_us, &replay->effects, &err);
    if (code != ERR_OK || !store_is_config(command->kind))
        return;
    struct sid sid = store_subject(command);
    const struct store_config *known = store_config(&replay->store, &sid);
    int64_t version = store_is_deletion(command->kind) ? (known == NULL ? 1 : known->version + 1)
                                                       : store_version(command);
    (void)store_config_put(&replay->store, command, version);
}

enum err_code replay_batch(struct replay *replay, struct str journal, struct err *err)
{
    struct journal_reader reader;
    engine_effects_reset(&replay->effects);
    enum err_code code = journal_open(&reader, journal, err);
    while (code == ERR_OK) {
        struct journal_entry entry;
        arena_reset(replay->arena);
        code = journal_next(&reader, replay->arena, &entry, err);
        if (code != ERR_OK || entry.kind == JOURNAL_NONE)
            break;
        replay->entries++;
        if (replay->engine == NULL && entry.kind != JOURNAL_LOAD)
            return ERR_SET(err, ERR_FAILED_PRECONDITION, "REPLAY_NO_START",
                           "the journal does not begin where the shard was first loaded");
        if (entry.kind == JOURNAL_LOAD)
            replay_load(replay, &entry);
        else if (entry.kind == JOURNAL_TICK)
            engine_tick(replay->engine, entry.now_us, &replay->effects);
        else
            replay_apply(replay, &entry);
    }
    if (code == ERR_OK)
        store_take(&replay->store, &replay->effects);
    return code;
}
