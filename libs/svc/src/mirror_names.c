#include "svc/mirror_names.h"

#include "base/str.h"

static bool is_same(const char *a, const char *b)
{
    return str_eq(str_from(a), str_from(b));
}

/* The row stays as it is. */
static bool stays(const struct mirror_name *name)
{
    return name->is_kept || name->taken_by != NULL;
}

static bool is_in(const struct mirror_name *names, size_t count, const char *sid)
{
    for (size_t i = 0; i < count; i++) {
        if (is_same(names[i].sid, sid))
            return true;
    }
    return false;
}

/* Who stands in the way of the nth as far as known; NULL: nobody. */
static const char *find_other(const struct mirror_name *names, size_t count, size_t n)
{
    const struct mirror_name *name = &names[n];
    if (name->holder[0] != '\0' && !is_in(names, count, name->holder))
        return name->holder;
    for (size_t i = 0; i < count; i++) {
        const struct mirror_name *other = &names[i];
        bool has_it = is_same(other->now, name->wanted);
        bool gets_it = !stays(other) && is_same(other->wanted, name->wanted);
        bool comes_first = i < n || has_it;
        if (i != n && ((stays(other) && has_it) || (gets_it && comes_first)))
            return other->sid;
    }
    return NULL;
}

void mirror_names_resolve(struct mirror_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        names[i].taken_by = NULL;
    bool is_settled = false; /* each round but the last refuses one more at least */
    while (!is_settled) {
        is_settled = true;
        for (size_t i = 0; i < count; i++) {
            if (stays(&names[i]) || is_same(names[i].now, names[i].wanted))
                continue;
            names[i].taken_by = find_other(names, count, i);
            is_settled = is_settled && names[i].taken_by == NULL;
        }
    }
}
