#include "kind.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool is_light;
} kinds[KIND_COUNT] = {
#define X(name, text, is_light) [KIND_##name] = {text, is_light},
    KINDS(X)
#undef X
};

static const char *const state_names[KIND_STATE_COUNT] = {
    [KIND_STATE_NONE] = "",     [KIND_STATE_WAITING] = "WAITING", [KIND_STATE_RUNNING] = "RUNNING",
    [KIND_STATE_DONE] = "DONE", [KIND_STATE_FAILED] = "FAILED",
};

static const char *const outcome_names[OUTCOME_COUNT] = {
    [OUTCOME_NONE] = "",
    [OUTCOME_CREATED] = "CREATED",
    [OUTCOME_UPDATED] = "UPDATED",
    [OUTCOME_UNCHANGED] = "UNCHANGED",
    [OUTCOME_STALE] = "STALE",
    [OUTCOME_CONFLICTING] = "CONFLICTING",
    [OUTCOME_VANISHED] = "VANISHED",
    [OUTCOME_UNKNOWN] = "UNKNOWN",
};

const char *kind_name(enum kind kind)
{
    return (unsigned)kind < KIND_COUNT ? kinds[kind].name : "";
}

enum kind kind_from(struct str name)
{
    int kind = 0;
    while (kind < KIND_COUNT && !str_eq_text(name, kinds[kind].name))
        kind++;
    return (enum kind)kind;
}

unsigned kinds_all(bool is_light)
{
    unsigned all = 0;
    for (int i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].is_light || !is_light)
            all |= KIND_BIT(i);
    }
    return all;
}

static enum err_code fail_unknown(struct str name, bool is_light, struct err *err)
{
    char known[256] = "";
    size_t len = 0;
    for (int i = KIND_WORKSPACE + 1; i < KIND_COUNT && len < sizeof known; i++) {
        if ((kinds_all(is_light) & KIND_BIT(i)) != 0)
            len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", len > 0 ? ", " : "",
                                    kinds[i].name);
    }
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "UNKNOWN_KIND", "kinds",
                     "kinds of a %s run are %s; not %.*s", is_light ? "light" : "full", known,
                     (int)(name.len < 64 ? name.len : 64), name.ptr == NULL ? "" : name.ptr);
}

enum err_code kinds_from(const struct str *names, size_t count, bool is_light, unsigned *out,
                         struct err *err)
{
    unsigned all = kinds_all(is_light);
    unsigned set = count == 0 ? all : KIND_BIT(KIND_WORKSPACE);
    for (size_t i = 0; i < count; i++) {
        enum kind kind = kind_from(names[i]);
        if (kind == KIND_COUNT || (all & KIND_BIT(kind)) == 0)
            return fail_unknown(names[i], is_light, err);
        set |= KIND_BIT(kind);
    }
    *out = set;
    return ERR_OK;
}

static int position(const char *const *names, int count, struct str name)
{
    for (int i = 1; i < count; i++) {
        if (str_eq_text(name, names[i]))
            return i;
    }
    return 0;
}

const char *kind_state_name(enum kind_state state)
{
    return (unsigned)state < KIND_STATE_COUNT ? state_names[state] : "";
}

enum kind_state kind_state_from(struct str name)
{
    return (enum kind_state)position(state_names, KIND_STATE_COUNT, name);
}

const char *outcome_name(enum outcome outcome)
{
    return (unsigned)outcome < OUTCOME_COUNT ? outcome_names[outcome] : "";
}

enum outcome outcome_from(struct str name)
{
    return (enum outcome)position(outcome_names, OUTCOME_COUNT, name);
}

void counts_add(struct kind_counts *counts, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_CREATED:
        counts->created++;
        break;
    case OUTCOME_UPDATED:
        counts->updated++;
        break;
    case OUTCOME_UNCHANGED:
    case OUTCOME_STALE:
        counts->unchanged++;
        break;
    case OUTCOME_CONFLICTING:
        counts->conflicting++;
        break;
    case OUTCOME_VANISHED:
        counts->vanished++;
        return;
    case OUTCOME_UNKNOWN:
    case OUTCOME_NONE:
    case OUTCOME_COUNT:
        return;
    }
    counts->seen++;
}
