#include "snapshots.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "base/map.h"
#include "log/log.h"
#include "routing.h"
#include "svc/check.h"
#include "workspace_zone.h"

enum {
    SNAPSHOTS_LOCK_RANK = 300,
    SNAPSHOTS_MAX = 512, /* workspaces; the one not asked about for longest goes first */
};

#define CHECK_US    (5 * US_PER_S)    /* between looks at the revision */
#define RETRY_US    (US_PER_S / 2)    /* after one that failed */
#define PATIENCE_US (800 * US_PER_MS) /* for the database, where there is an old one */

struct slot {
    struct sid workspace_sid;
    struct snapshot *current; /* NULL: none yet */
    uint64_t changes;         /* noted so far */
    uint64_t changes_seen;    /* by the current one */
    int64_t good_until_us;    /* monotonic: not looked at again before, unless it has changed */
    int64_t retry_at_us;      /* monotonic: nor then before this, after a failure, unless … */
    uint64_t changes_failed;  /* … something has changed since */
    int64_t used_us;
    bool is_loading;
};

struct snapshots {
    struct routing *routing;
    struct lock lock; /* guards all below and the refs of snapshots */
    struct cond loaded;
    struct map slots;      /* by workspace */
    struct snapshot *dead; /* to be freed once the lock is dropped */
};

struct snapshots *snapshots_new(struct routing *routing)
{
    struct snapshots *snapshots = xcalloc(1, sizeof *snapshots);
    snapshots->routing = routing;
    lock_init(&snapshots->lock, "snapshots", SNAPSHOTS_LOCK_RANK);
    cond_init(&snapshots->loaded);
    map_init(&snapshots->slots);
    return snapshots;
}

static void unref(struct snapshots *snapshots, struct snapshot *snapshot)
{
    if (snapshot == NULL || --snapshot->refs > 0)
        return;
    snapshot->next_dead = snapshots->dead;
    snapshots->dead = snapshot;
}

static void bury(struct snapshot *dead)
{
    while (dead != NULL) {
        struct snapshot *next = dead->next_dead;
        snapshot_free(dead);
        dead = next;
    }
}

/* Drops the lock, then frees what nobody has any more. */
static void leave(struct snapshots *snapshots)
{
    struct snapshot *dead = TAKE(snapshots->dead);
    lock_drop(&snapshots->lock);
    bury(dead);
}

void snapshots_free(struct snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    for (size_t i = 0; i < snapshots->slots.count; i++) {
        struct slot *slot = snapshots->slots.entries[i].value;
        unref(snapshots, slot->current);
        free(slot);
    }
    bury(snapshots->dead);
    map_fini(&snapshots->slots);
    cond_fini(&snapshots->loaded);
    lock_fini(&snapshots->lock);
    free(snapshots);
}

/* ---- slots; the lock is held ---- */

static void slot_drop(struct snapshots *snapshots, struct slot *slot)
{
    (void)map_remove(&snapshots->slots, str_from(slot->workspace_sid.text));
    unref(snapshots, slot->current);
    free(slot);
}

static void make_room(struct snapshots *snapshots)
{
    struct slot *oldest = NULL;
    for (size_t i = 0; i < snapshots->slots.count; i++) {
        struct slot *slot = snapshots->slots.entries[i].value;
        if (!slot->is_loading && (oldest == NULL || slot->used_us < oldest->used_us))
            oldest = slot;
    }
    if (oldest != NULL)
        slot_drop(snapshots, oldest);
}

static struct slot *slot_of(struct snapshots *snapshots, const char *workspace_sid)
{
    struct slot *slot = map_get(&snapshots->slots, str_from(workspace_sid));
    if (slot != NULL)
        return slot;
    if (snapshots->slots.count >= SNAPSHOTS_MAX)
        make_room(snapshots);
    slot = xcalloc(1, sizeof *slot);
    slot->workspace_sid = sid_from(str_from(workspace_sid));
    (void)map_put(&snapshots->slots, str_from(slot->workspace_sid.text), slot);
    return slot;
}

static bool is_good(const struct slot *slot, int64_t now_us)
{
    if (slot->current == NULL)
        return false;
    bool is_new = slot->changes == slot->changes_seen && now_us < slot->good_until_us;
    bool is_resting = slot->changes == slot->changes_failed && now_us < slot->retry_at_us;
    return is_new || is_resting;
}

/* ---- reading ---- */

/* A call of ours that ends early where an old snapshot can take the place. */
static struct call bounded(const struct call *call, bool has_old)
{
    struct call own = *call;
    int64_t until_us = clock_mono_us() + PATIENCE_US;
    if (has_old && (own.deadline_mono_us == 0 || own.deadline_mono_us > until_us))
        own.deadline_mono_us = until_us;
    return own;
}

static enum err_code read_revision(struct routing *routing, struct call *call,
                                   const char *workspace_sid, struct decision_revision *out,
                                   struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    enum err_code code = db_acquire(routing->host.pool, call, &conn, err);
    return code == ERR_OK ? decision_revision_store_get(conn, call, workspace_sid, out, err) : code;
}

/* UTC where nobody tells; once somebody does, that is a change. */
static const char *zone_of(struct routing *routing, struct call *call, const char *workspace_sid)
{
    const char *zone = NULL;
    struct err err = {.code = ERR_OK};
    if (workspace_zone(routing, call, workspace_sid, &zone, &err) != ERR_OK || zone == NULL ||
        !hours_zone_is_known(zone))
        return "UTC";
    return zone;
}

/* *out stays NULL when the old one is of the newest revision. */
static enum err_code read_newest(struct routing *routing, struct call *call,
                                 const char *workspace_sid, const struct snapshot *old,
                                 struct snapshot **out, struct err *err)
{
    struct decision_revision revision;
    enum err_code code = read_revision(routing, call, workspace_sid, &revision, err);
    if (code != ERR_OK)
        return code;
    if (old != NULL && old->revision == revision.revision &&
        old->is_mirrored == revision.is_mirrored)
        return ERR_OK;
    const char *zone = zone_of(routing, call, workspace_sid);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    code = db_acquire(routing->host.pool, call, &conn, err);
    return code == ERR_OK ? snapshot_load(conn, call, workspace_sid, &revision, zone, out, err)
                          : code;
}

/* After the database was asked; the lock is held. */
static enum err_code settle(struct snapshots *snapshots, struct slot *slot, uint64_t changes,
                            enum err_code code, struct snapshot *newest, struct err *err)
{
    int64_t now_us = clock_mono_us();
    slot->is_loading = false;
    cond_broadcast(&snapshots->loaded);
    if (code == ERR_OK) {
        if (newest != NULL) {
            unref(snapshots, slot->current);
            slot->current = newest;
            newest->refs = 1;
        }
        slot->changes_seen = changes;
        slot->good_until_us = now_us + CHECK_US;
        slot->retry_at_us = 0;
        return ERR_OK;
    }
    if (code == ERR_NOT_FOUND || slot->current == NULL) {
        slot_drop(snapshots, slot);
        return code;
    }
    err_clear(err);
    slot->retry_at_us = now_us + RETRY_US;
    slot->changes_failed = changes;
    return ERR_OK;
}

/* The lock is held before and after, not meanwhile. */
static enum err_code refresh(struct snapshots *snapshots, struct slot *slot, struct call *call,
                             struct err *err)
{
    struct snapshot *newest = NULL;
    struct snapshot *old = slot->current;
    uint64_t changes = slot->changes;
    struct sid workspace_sid = slot->workspace_sid;
    slot->is_loading = true;
    if (old != NULL)
        old->refs++;
    leave(snapshots);
    struct call own = bounded(call, old != NULL);
    enum err_code code =
        read_newest(snapshots->routing, &own, workspace_sid.text, old, &newest, err);
    if (code != ERR_OK && code != ERR_NOT_FOUND && old != NULL)
        LOG_WARN(call, "rules cannot be read, the last ones go on",
                 LOG_STR("workspace_sid", workspace_sid.text), LOG_ERR(err));
    lock_take(&snapshots->lock);
    unref(snapshots, old);
    return settle(snapshots, slot, changes, code, newest, err);
}

/* With the lock held: a snapshot that may be given out, referenced. */
static enum err_code take(struct snapshots *snapshots, struct call *call, const char *workspace_sid,
                          struct snapshot **out, struct err *err)
{
    for (;;) {
        enum err_code code = call_check(call, err);
        if (code != ERR_OK)
            return code;
        int64_t now_us = clock_mono_us();
        struct slot *slot = slot_of(snapshots, workspace_sid);
        slot->used_us = now_us;
        bool is_only_old = slot->current != NULL && slot->changes == slot->changes_seen;
        if (is_good(slot, now_us) || (slot->is_loading && is_only_old)) {
            slot->current->refs++;
            *out = slot->current;
            return ERR_OK;
        }
        if (slot->is_loading) {
            (void)cond_wait_until(&snapshots->loaded, &snapshots->lock, now_us + PATIENCE_US);
            continue;
        }
        code = refresh(snapshots, slot, call, err);
        if (code != ERR_OK)
            return code;
    }
}

static bool is_known(struct snapshots *snapshots, const char *workspace_sid)
{
    lock_take(&snapshots->lock);
    const struct slot *slot = map_get(&snapshots->slots, str_from(workspace_sid));
    bool has_one = slot != NULL && slot->current != NULL;
    lock_drop(&snapshots->lock);
    return has_one;
}

enum err_code snapshots_get(struct snapshots *snapshots, struct call *call,
                            const char *workspace_sid, struct snapshot **out, struct err *err)
{
    struct workspace_copy workspace;
    enum err_code code = check_sid("workspace_sid", workspace_sid, "WS", err);
    if (code == ERR_OK && !is_known(snapshots, workspace_sid))
        code = workspaces_require(&snapshots->routing->workspaces, call, workspace_sid, &workspace,
                                  err);
    if (code != ERR_OK)
        return code;
    struct snapshot *snapshot = NULL;
    lock_take(&snapshots->lock);
    code = take(snapshots, call, workspace_sid, &snapshot, err);
    leave(snapshots);
    if (code != ERR_OK)
        return code;
    code = workspace_check_access(call, snapshot->account_sid, workspace_sid, err);
    if (code != ERR_OK) {
        snapshots_release(snapshots, snapshot);
        return code;
    }
    *out = snapshot;
    return ERR_OK;
}

void snapshots_release(struct snapshots *snapshots, struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    lock_take(&snapshots->lock);
    unref(snapshots, snapshot);
    leave(snapshots);
}

void snapshots_note_change(struct snapshots *snapshots, struct str workspace_sid)
{
    lock_take(&snapshots->lock);
    struct slot *slot = map_get(&snapshots->slots, workspace_sid);
    if (slot != NULL)
        slot->changes++;
    lock_drop(&snapshots->lock);
}
