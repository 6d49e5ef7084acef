#include "base/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/str.h"

static const char *const role_names[ROLE_COUNT] = {[ROLE_NONE] = "none",
#define X(name, text) [ROLE_##name] = (text),
                                                   ROLES(X)
#undef X
};

const char *role_name(enum role role)
{
    return (unsigned)role < ROLE_COUNT ? role_names[role] : role_names[ROLE_NONE];
}

enum role role_from(const char *name)
{
    for (int i = ROLE_NONE + 1; i < ROLE_COUNT; i++) {
        if (name != NULL && strcmp(name, role_names[i]) == 0)
            return (enum role)i;
    }
    return ROLE_NONE;
}

void call_init(struct call *call, struct arena *arena, const char *name, int64_t budget_us)
{
    *call = (struct call){
        .arena = arena,
        .deadline_mono_us = budget_us <= 0 ? 0 : clock_mono_us() + budget_us,
        .who = {ROLE_NONE, "", "", "", ""},
        .name = name,
    };
    struct sid id = sid_new("RQ");
    memcpy(call->request_id, id.text, SID_SIZE);
}

int64_t call_left_us(const struct call *call)
{
    if (call->deadline_mono_us == 0)
        return INT64_MAX;
    int64_t left = call->deadline_mono_us - clock_mono_us();
    return left > 0 ? left : 0;
}

enum err_code call_check(const struct call *call, struct err *err)
{
    if (call_left_us(call) > 0)
        return ERR_OK;
    return ERR_SET(err, ERR_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED",
                   "the time allowed for this request has passed; try again");
}

enum err_code call_no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; send a smaller one or ask for less at once");
}
