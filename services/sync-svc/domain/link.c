#include "link.h"

#include "base/call.h"
#include "base/map.h"
#include "base/str.h"

/* Users with one e-mail or id: the first two. */
struct owner {
    const struct link_user *user;
    const struct link_user *other;
};

struct matching {
    struct arena *arena;
    struct map by_email;  /* lower-case e-mail -> struct owner */
    struct map by_id;     /* lower-case QuickBase id -> struct owner */
    struct map by_worker; /* user's SID -> struct link_worker that is linked to it, or claims it */
};

/* Trimmed, ASCII letters small. */
static struct str key_of(struct arena *arena, const char *text)
{
    struct str trimmed = str_trim(str_from(text));
    char *copy = arena_str_dup(arena, trimmed);
    if (copy == NULL)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < trimmed.len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a');
    }
    return (struct str){copy, trimmed.len};
}

static void own(struct matching *matching, struct map *map, const char *text,
                const struct link_user *user)
{
    struct str key = key_of(matching->arena, text);
    struct owner *owner = key.len == 0 ? NULL : map_get(map, key);
    if (key.len == 0)
        return;
    if (owner != NULL) {
        if (owner->other == NULL)
            owner->other = user;
        return;
    }
    owner = ARENA_NEW(matching->arena, struct owner);
    if (owner == NULL)
        return;
    owner->user = user;
    (void)map_put(map, key, owner);
}

static const struct owner *owner_of(struct matching *matching, const struct map *map,
                                    const char *text)
{
    struct str key = key_of(matching->arena, text);
    return key.len == 0 ? NULL : map_get(map, key);
}

const char *link_user_text(struct arena *arena, const struct link_user *user)
{
    bool has_name = user->name[0] != '\0';
    return arena_printf(arena, "%s%s%s%s%s%s", has_name ? user->name : "user ",
                        has_name ? " (" : "", user->email, user->email[0] == '\0' ? "" : ", ",
                        user->sid, has_name ? ")" : "");
}

static const char *worker_text(struct arena *arena, const struct link_worker *worker)
{
    return arena_printf(arena, "%s (%s)", worker->friendly_name, worker->sid);
}

/* ---- one worker ---- */

static const char *ambiguous(struct matching *matching, const char *what, const char *value,
                             const struct owner *owner)
{
    return arena_printf(matching->arena, "the %s %s is that of two users, %s and %s", what, value,
                        link_user_text(matching->arena, owner->user),
                        link_user_text(matching->arena, owner->other));
}

static void find_match(struct matching *matching, struct link_worker *worker)
{
    const struct owner *email = owner_of(matching, &matching->by_email, worker->email);
    const struct owner *id = owner_of(matching, &matching->by_id, worker->quickbase_id);
    if (email != NULL && email->other != NULL)
        worker->conflict = ambiguous(matching, "e-mail", worker->email, email);
    else if (id != NULL && id->other != NULL)
        worker->conflict = ambiguous(matching, "quickbaseUserId", worker->quickbase_id, id);
    else if (email != NULL && id != NULL && email->user != id->user)
        worker->conflict = arena_printf(
            matching->arena, "the e-mail %s is that of %s, but the quickbaseUserId %s that of %s",
            worker->email, link_user_text(matching->arena, email->user), worker->quickbase_id,
            link_user_text(matching->arena, id->user));
    else if (email != NULL || id != NULL)
        worker->match = email != NULL ? email->user : id->user;
    worker->by = email == NULL ? "quickbaseUserId"
                 : id == NULL  ? "e-mail"
                               : "e-mail and quickbaseUserId";
}

/* The user may be somebody else's, or be claimed by two. */
static void claim(struct matching *matching, struct link_worker *worker)
{
    struct arena *arena = matching->arena;
    const struct link_user *user = worker->match;
    struct link_worker *holder = map_get(&matching->by_worker, str_from(user->sid));
    if (holder == NULL) {
        (void)map_put(&matching->by_worker, str_from(user->sid), worker);
        return;
    }
    bool is_linked = holder->user_sid[0] != '\0';
    worker->match = NULL;
    worker->conflict = arena_printf(arena, "%s is%s %s", link_user_text(arena, user),
                                    is_linked ? " linked already to worker" : " claimed by worker",
                                    worker_text(arena, holder));
    if (is_linked)
        return;
    if (holder->conflict == NULL)
        holder->conflict = arena_printf(arena, "%s is claimed by worker %s",
                                        link_user_text(arena, user), worker_text(arena, worker));
    holder->match = NULL;
}

enum err_code link_match(struct arena *arena, const struct link_user *users, size_t user_count,
                         struct link_worker *workers, size_t worker_count, struct err *err)
{
    struct matching matching = {.arena = arena};
    map_init(&matching.by_email);
    map_init(&matching.by_id);
    map_init(&matching.by_worker);
    for (size_t i = 0; i < user_count; i++) {
        own(&matching, &matching.by_email, users[i].email, &users[i]);
        own(&matching, &matching.by_id, users[i].quickbase_id, &users[i]);
    }
    for (size_t i = 0; i < worker_count; i++) {
        workers[i].match = NULL;
        workers[i].conflict = NULL;
        if (workers[i].user_sid[0] != '\0')
            (void)map_put(&matching.by_worker, str_from(workers[i].user_sid), &workers[i]);
        else
            find_match(&matching, &workers[i]);
    }
    for (size_t i = 0; i < worker_count; i++) {
        if (workers[i].match != NULL)
            claim(&matching, &workers[i]);
    }
    map_fini(&matching.by_email);
    map_fini(&matching.by_id);
    map_fini(&matching.by_worker);
    return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}
