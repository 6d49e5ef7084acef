#include "engine/state.h"

struct task_edge {
    enum task_state to;
    bool leaves; /* the task is gone afterwards; to is the state it is in then */
};

/* An absent cell is zero: refused. Laid out by hand: clang-format 14 crashes on it. */
/* clang-format off */
static const struct task_edge task_edges[TASK_STATE_COUNT][TASK_STEP_COUNT] = {
    [TASK_NONE][TASK_STEP_CREATED] = {.to = TASK_PENDING},
    [TASK_PENDING][TASK_STEP_RESERVED] = {.to = TASK_RESERVED},
    [TASK_PENDING][TASK_STEP_CANCEL] = {.to = TASK_CANCELED},
    [TASK_PENDING][TASK_STEP_GIVEN_UP] = {.to = TASK_CANCELED},
    [TASK_PENDING][TASK_STEP_DELETE] = {.to = TASK_PENDING, .leaves = true},
    [TASK_RESERVED][TASK_STEP_RELEASED] = {.to = TASK_PENDING},
    [TASK_RESERVED][TASK_STEP_ACCEPTED] = {.to = TASK_ASSIGNED},
    [TASK_RESERVED][TASK_STEP_CANCEL] = {.to = TASK_CANCELED},
    [TASK_RESERVED][TASK_STEP_GIVEN_UP] = {.to = TASK_CANCELED},
    [TASK_RESERVED][TASK_STEP_DELETE] = {.to = TASK_RESERVED, .leaves = true},
    [TASK_ASSIGNED][TASK_STEP_WRAP_UP] = {.to = TASK_WRAPPING},
    [TASK_ASSIGNED][TASK_STEP_COMPLETE] = {.to = TASK_COMPLETED},
    [TASK_ASSIGNED][TASK_STEP_DELETE] = {.to = TASK_ASSIGNED, .leaves = true},
    [TASK_ASSIGNED][TASK_STEP_CLEANED_UP] = {.to = TASK_ASSIGNED, .leaves = true},
    [TASK_WRAPPING][TASK_STEP_COMPLETE] = {.to = TASK_COMPLETED},
    [TASK_WRAPPING][TASK_STEP_DELETE] = {.to = TASK_WRAPPING, .leaves = true},
    [TASK_WRAPPING][TASK_STEP_CLEANED_UP] = {.to = TASK_WRAPPING, .leaves = true},
    [TASK_COMPLETED][TASK_STEP_DELETE] = {.to = TASK_COMPLETED, .leaves = true},
    [TASK_COMPLETED][TASK_STEP_CLEANED_UP] = {.to = TASK_COMPLETED, .leaves = true},
    [TASK_CANCELED][TASK_STEP_DELETE] = {.to = TASK_CANCELED, .leaves = true},
    [TASK_CANCELED][TASK_STEP_CLEANED_UP] = {.to = TASK_CANCELED, .leaves = true},
};
/* clang-format on */

static const enum reservation_state
    reservation_edges[RESERVATION_STATE_COUNT][RESERVATION_STEP_COUNT] = {
        [RESERVATION_NONE][RESERVATION_STEP_CREATED] = RESERVATION_PENDING,
        [RESERVATION_PENDING][RESERVATION_STEP_ACCEPT] = RESERVATION_ACCEPTED,
        [RESERVATION_PENDING][RESERVATION_STEP_REJECT] = RESERVATION_REJECTED,
        [RESERVATION_PENDING][RESERVATION_STEP_TIME_OUT] = RESERVATION_TIMEOUT,
        [RESERVATION_PENDING][RESERVATION_STEP_CANCEL] = RESERVATION_CANCELED,
        [RESERVATION_PENDING][RESERVATION_STEP_RESCIND] = RESERVATION_RESCINDED,
        [RESERVATION_ACCEPTED][RESERVATION_STEP_CANCEL] = RESERVATION_CANCELED,
        [RESERVATION_ACCEPTED][RESERVATION_STEP_WRAP_UP] = RESERVATION_WRAPPING,
        [RESERVATION_ACCEPTED][RESERVATION_STEP_COMPLETE] = RESERVATION_COMPLETED,
        [RESERVATION_WRAPPING][RESERVATION_STEP_CANCEL] = RESERVATION_CANCELED,
        [RESERVATION_WRAPPING][RESERVATION_STEP_COMPLETE] = RESERVATION_COMPLETED,
};

static const char *const task_state_names[TASK_STATE_COUNT] = {[TASK_NONE] = "none",
#define X(name, text) [TASK_##name] = (text),
                                                               TASK_STATES(X)
#undef X
};

static const char *const task_step_names[TASK_STEP_COUNT] = {[TASK_STEP_NONE] = "none",
#define X(name, text) [TASK_STEP_##name] = (text),
                                                             TASK_STEPS(X)
#undef X
};

static const char *const reservation_state_names[RESERVATION_STATE_COUNT] = {[RESERVATION_NONE] =
                                                                                 "none",
#define X(name, text) [RESERVATION_##name] = (text),
                                                                             RESERVATION_STATES(X)
#undef X
};

static const char *const reservation_step_names[RESERVATION_STEP_COUNT] = {[RESERVATION_STEP_NONE] =
                                                                               "none",
#define X(name, text) [RESERVATION_STEP_##name] = (text),
                                                                           RESERVATION_STEPS(X)
#undef X
};

enum task_state task_next(enum task_state state, enum task_step step)
{
    const struct task_edge *edge = &task_edges[state][step];
    return edge->leaves ? TASK_NONE : edge->to;
}

bool task_may_leave(enum task_state state, enum task_step step)
{
    return task_edges[state][step].leaves;
}

enum reservation_state reservation_next(enum reservation_state state, enum reservation_step step)
{
    return reservation_edges[state][step];
}

bool task_is_terminal(enum task_state state)
{
    return state == TASK_COMPLETED || state == TASK_CANCELED;
}

bool reservation_is_open(enum reservation_state state)
{
    return state == RESERVATION_PENDING || state == RESERVATION_ACCEPTED ||
           state == RESERVATION_WRAPPING;
}

const char *task_state_name(enum task_state state)
{
    return task_state_names[state];
}

const char *task_step_name(enum task_step step)
{
    return task_step_names[step];
}

const char *reservation_state_name(enum reservation_state state)
{
    return reservation_state_names[state];
}

const char *reservation_step_name(enum reservation_step step)
{
    return reservation_step_names[step];
}

enum task_state task_state_from(struct str name)
{
    for (int i = TASK_NONE + 1; i < TASK_STATE_COUNT; i++) {
        if (str_eq_text(name, task_state_names[i]))
            return (enum task_state)i;
    }
    return TASK_NONE;
}

enum reservation_state reservation_state_from(struct str name)
{
    for (int i = RESERVATION_NONE + 1; i < RESERVATION_STATE_COUNT; i++) {
        if (str_eq_text(name, reservation_state_names[i]))
            return (enum reservation_state)i;
    }
    return RESERVATION_NONE;
}
