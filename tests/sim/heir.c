#include "heir.h"

#include "base/macros.h"
#include "engine/follow.h"
#include "faults.h"

enum { ARENA_BYTES = 64 << 20 };

void heir_init(struct heir *heir)
{
    *heir = (struct heir){.arena = arena_new(ARENA_BYTES)};
}

void heir_drop(struct heir *heir)
{
    if (heir->engine == NULL)
        return;
    engine_free(TAKE(heir->engine));
    engine_effects_fini(&heir->effects);
}

void heir_fini(struct heir *heir)
{
    heir_drop(heir);
    arena_free(heir->arena);
}

bool heir_start(struct heir *heir, const struct store *store, const struct engine_config *config,
                int64_t now_us, int commits)
{
    heir->engine = process_load(store, config, now_us, &heir->effects);
    heir->left = commits;
    bool is_settled = heir->effects.count == 0;
    if (!is_settled)
        heir_drop(heir);
    return is_settled;
}

bool heir_follow(struct heir *heir, const struct process *owner)
{
    struct err err = {0};
    if (FAULT(FAULT_MISSED_COMMIT) && heir->left == 1)
        return true;
    engine_effects_reset(&heir->effects);
    arena_reset(heir->arena);
    enum err_code code = engine_follow(heir->engine, buf_str(&owner->journal.bytes), heir->arena,
                                       NULL, NULL, &heir->effects, &err);
    if (code != ERR_OK)
        heir_drop(heir);
    return code == ERR_OK;
}
