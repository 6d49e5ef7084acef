/*
 * Which user a worker is: by the e-mail or the QuickBase id in its attributes, ASCII letters
 * compared without case. One user per worker and one worker per user; what is not clear is a
 * conflict that names both sides, never a guess. Links that there are stay. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* Texts are borrowed, never NULL; "" = none. */
struct link_user {
    const char *sid;
    const char *name;
    const char *email;
    const char *quickbase_id;
};

struct link_worker {
    const char *sid;
    const char *friendly_name;
    const char *email;
    const char *quickbase_id;
    const char *user_sid; /* whom it is linked to */

    /* What link_match says; in the arena. */
    const struct link_user *match; /* to be linked to; NULL: to nobody */
    const char *by;                /* "e-mail", "quickbaseUserId" or both; of a match */
    const char *conflict;          /* a sentence; NULL: none */
};

/* Errors: RESOURCE_EXHAUSTED. */
enum err_code link_match(struct arena *arena, const struct link_user *users, size_t user_count,
                         struct link_worker *workers, size_t worker_count,
                         struct err *err) MUST_CHECK;

/* "Jane Doe (jane@example.com, US…)": how a person is named in reports. */
const char *link_user_text(struct arena *arena, const struct link_user *user);
