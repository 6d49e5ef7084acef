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
