#include "run.h"

static const char *const state_names[RUN_STATE_COUNT] = {
    [RUN_STATE_NONE] = "",           [RUN_STATE_RUNNING] = "RUNNING", [RUN_STATE_CLEAN] = "CLEAN",
    [RUN_STATE_PARTIAL] = "PARTIAL", [RUN_STATE_FAILED] = "FAILED",
};

const char *run_state_name(enum run_state state)
{
    return (unsigned)state < RUN_STATE_COUNT ? state_names[state] : "";
}

enum run_state run_state_from(struct str name)
{
    for (int i = RUN_STATE_NONE + 1; i < RUN_STATE_COUNT; i++) {
        if (str_eq_text(name, state_names[i]))
            return (enum run_state)i;
    }
    return RUN_STATE_NONE;
}

enum run_state run_outcome(const struct run_kind *progress, size_t count)
{
    size_t done = 0;
    size_t failed = 0;
    bool is_in_conflict = false;
    for (size_t i = 0; i < count; i++) {
        const struct run_kind *kind = &progress[i];
        bool is_done = kind->state == KIND_STATE_DONE;
        if (kind->kind == KIND_WORKSPACE) {
            if (!is_done)
                return RUN_STATE_FAILED;
            continue;
        }
        done += is_done ? 1 : 0;
        failed += is_done ? 0 : 1;
        is_in_conflict |= kind->kind != KIND_LINKS && kind->counts.conflicting > 0;
    }
    if (failed == 0)
        return is_in_conflict ? RUN_STATE_PARTIAL : RUN_STATE_CLEAN;
    return done > 0 ? RUN_STATE_PARTIAL : RUN_STATE_FAILED;
}
