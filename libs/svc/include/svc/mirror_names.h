/*
 * Unique names within one Put request of a mirror: which of the items may have the name that they
 * come with, when the others of the same request get theirs at the same moment. So two rows that
 * swapped their names upstream are no conflict, nor is a chain of renamings. Pure; refuses to know
 * what rows are, and how names are compared: it is given keys that are equal where names clash.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct mirror_name {
    const char *sid;
    const char *now;      /* the key that our live row has; "" when there is none */
    const char *wanted;   /* the key that it comes with */
    const char *holder;   /* SID of the live row with that key now; "" when there is none */
    bool is_kept;         /* the row keeps what it has, whatever comes: stale, unchanged, refused */
    const char *taken_by; /* out: the SID that has or gets the key instead of this one; or NULL */
};

/* Sets taken_by where an item cannot have its name. Of two that want the same one the first gets
 * it; who is refused keeps the name that it has. SIDs must differ. */
void mirror_names_resolve(struct mirror_name *names, size_t count);
