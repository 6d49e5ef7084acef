#include "bridge_redirect.h"

static const char *const state_names[REDIRECT_STATE_COUNT] = {[REDIRECT_NONE] = "",
#define X(name, text) [REDIRECT_##name] = (text),
                                                              REDIRECT_STATES(X)
#undef X
};

const char *redirect_state_name(enum redirect_state state)
{
    return state_names[state];
}

enum redirect_state redirect_state_from(struct str name)
{
    for (int i = REDIRECT_NONE + 1; i < REDIRECT_STATE_COUNT; i++)
        if (str_eq_text(name, state_names[i]))
            return (enum redirect_state)i;
    return REDIRECT_NONE;
}
