#include "bridge_leg.h"

#include "base/macros.h"

static const char *const state_names[LEG_STATE_COUNT] = {[LEG_NONE] = "",
#define X(name, text) [LEG_##name] = (text),
                                                         LEG_STATES(X)
#undef X
};

const char *leg_state_name(enum leg_state state)
{
    return state_names[state];
}

enum leg_state leg_state_from(struct str name)
{
    for (int i = LEG_NONE + 1; i < LEG_STATE_COUNT; i++)
        if (str_eq_text(name, state_names[i]))
            return (enum leg_state)i;
    return LEG_NONE;
}

static const char *const caller_names[LEG_CALLER_COUNT] = {
    [LEG_CALLER_WAITS] = "",
    [LEG_CALLER_ASKED] = "asked",
    [LEG_CALLER_JOINED] = "joined",
    [LEG_CALLER_LOST] = "lost",
};

const char *leg_caller_name(enum leg_caller caller)
{
    return caller_names[caller];
}

enum leg_caller leg_caller_from(struct str name)
{
    for (int i = LEG_CALLER_WAITS + 1; i < LEG_CALLER_COUNT; i++)
        if (str_eq_text(name, caller_names[i]))
            return (enum leg_caller)i;
    return LEG_CALLER_WAITS;
}

enum leg_state leg_hear(enum leg_state state, struct str provider_status)
{
    static const struct {
        const char *word;
        enum leg_state state;
    } rows[] = {
        {"queued",      LEG_RINGING },
        {"initiated",   LEG_RINGING },
        {"ringing",     LEG_RINGING },
        {"in-progress", LEG_ANSWERED},
        {"completed",   LEG_ENDED   }, /* said only of calls that were
  answered */
        {"no-answer",   LEG_FAILED  },
        {"busy",        LEG_FAILED  },
        {"failed",      LEG_FAILED  },
        {"canceled",    LEG_FAILED  },
    };
    enum leg_state heard = LEG_NONE;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq_text(provider_status, rows[i].word))
            heard = rows[i].state;
    if (heard == LEG_NONE || state == LEG_ENDED)
        return state;
    if (state == LEG_FAILED)
        return heard == LEG_RINGING ? state : heard;
    if (state == LEG_ANSWERED && heard == LEG_FAILED)
        return LEG_ENDED;
    return heard > state ? heard : state;
}

static const char *event_of(struct str provider_status)
{
    switch (leg_hear(LEG_NONE, provider_status)) {
    case LEG_RINGING:
        return str_eq(provider_status, STR("ringing")) ? "ringing" : "initiated";
    case LEG_ANSWERED:
        return "answered";
    case LEG_ENDED:
    case LEG_FAILED:
        return "completed";
    case LEG_NONE:
    case LEG_RECORDED:
    case LEG_PLACING:
    case LEG_STATE_COUNT:
        break;
    }
    return NULL;
}

bool leg_is_wanted_event(const char *events, struct str provider_status)
{
    const char *event = event_of(provider_status);
    struct str rest = str_from(events[0] == '\0' ? "completed" : events);
    while (event != NULL && rest.ptr != NULL) {
        struct str words = str_split(&rest, ',');
        while (words.ptr != NULL)
            if (str_eq_text(str_split(&words, ' '), event))
                return true;
    }
    return false;
}
