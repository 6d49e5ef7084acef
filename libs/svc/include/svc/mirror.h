/*
 * Workspaces that Twilio routes ("mirrored"), as seen by an owner of resources. Writes of anybody
 * are refused inside with the reason MIRRORED, and the forwarder (rpc/forward.h) sends them on to
 * sync-svc, which makes them at Twilio first. What comes from there is put by the service Mirror of
 * each owner (workers/v1/mirror.proto has the conventions): judging what a Put does, what differs,
 * and the results in the words of common/v1/mirror.proto. Knows no rows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "rpc/forward.h"
#include "svc/workspaces.h"
#include "taskrouter/common/v1/mirror.pb-c.h"

struct call;
struct host;

enum {
    MIRROR_ITEMS_MAX = 200,    /* of a request */
    MIRROR_TEXT_MAX = 300,     /* characters of a value in a report */
    MIRROR_FIELDS_MAX = 24,    /* that may differ */
    MIRROR_BUDGET_MS = 20000,  /* for a write, Twilio's part of it included */
    MIRROR_PATIENCE_MS = 1000, /* for a connection to sync-svc */
    MIRROR_CALLS_MAX = 1024,   /* writes under way at once */
};

/* ---- writes ---- */

#define MIRRORED "MIRRORED" /* the reason */

/* UNAVAILABLE MIRRORED: what the caller sees when sync-svc cannot be reached. */
enum err_code mirror_refuse(const char *workspace_sid, struct err *err) MUST_CHECK;

/* workspaces_require for a write: of a workspace that is not mirrored. Errors: as there; MIRRORED.
 */
enum err_code mirror_require_local(const struct workspaces *workspaces, struct call *call,
                                   const char *sid, struct workspace_copy *out,
                                   struct err *err) MUST_CHECK;

/*
 * For whoever looks a resource up by SID: code as it came, and where it is NOT_FOUND in a mirrored
 * workspace, the detail goes on with what to do. option: of the command, "--queues".
 */
enum err_code mirror_missing(enum err_code code, bool is_mirrored, const char *option,
                             struct err *err);

/* For app.c, before host_serve, where MIRRORED is the only reason to forward: whatever is refused
 * with it goes to TASKROUTER_GRPC_SYNC. Not set: such writes are refused. */
void mirror_forward(struct host *host);

/* For services that forward for other reasons too: rpc_place_fn for the reason MIRRORED.
 * sync_target: app_settings.grpc_sync; NULL: refused. */
enum rpc_place mirror_place(const char *sync_target, struct rpc_route *out_route);

/* ---- requests of the service Mirror ----
 *
 * How a Put goes (mirror_put.h does it for few, named resources), in one transaction:
 * workspaces_lock; fill a struct mirror_item from each item and from the row of its SID;
 * mirror_gone_find; the keys of their names; mirror_items_settle; write what mirror_item_is_written
 * says, with the owner's events, unless it is a dry run; raise observed_at of the unchanged;
 * mirror_items_results.
 */

/* FAILED_PRECONDITION NOT_MIRRORED unless it is so. */
enum err_code mirror_check_mirrored(const char *workspace_sid, bool is_mirrored,
                                    struct err *err) MUST_CHECK;

/* workspaces_require for a Put or Vanish. Errors: as there; NOT_MIRRORED. */
enum err_code mirror_require_mirrored(const struct workspaces *workspaces, struct call *call,
                                      const char *sid, struct workspace_copy *out,
                                      struct err *err) MUST_CHECK;

/*
 * The number of items and when they were observed. A time in the future counts as now: another
 * clock must not keep later news out. Errors: INVALID_ARGUMENT TOO_MANY_ITEMS (items),
 * FIELD_REQUIRED (observed_at).
 */
enum err_code mirror_check_request(size_t item_count,
                                   const Google__Protobuf__Timestamp *observed_at,
                                   int64_t *out_observed_at_us, struct err *err) MUST_CHECK;

/* ---- what differs ---- */

/* Of one resource, in the order of the calls. Names as in the proto: "friendly_name". Texts in the
 * arena; when it is exhausted, fields are NULL and arena_is_exhausted says so. */
struct mirror_diff {
    struct arena *arena;
    Taskrouter__Common__V1__MirrorField *fields[MIRROR_FIELDS_MAX];
    size_t count;
};

void mirror_diff_init(struct mirror_diff *diff, struct arena *arena);
void mirror_diff_text(struct mirror_diff *diff, const char *name, const char *ours,
                      const char *theirs); /* NULL is "" */
void mirror_diff_i64(struct mirror_diff *diff, const char *name, int64_t ours, int64_t theirs);
void mirror_diff_bool(struct mirror_diff *diff, const char *name, bool ours, bool theirs);
/* Attributes and documents: equal when they are the same JSON value, or the same text. */
void mirror_diff_json(struct mirror_diff *diff, const char *name, const char *ours,
                      const char *theirs);

/* The same value whatever spaces and the order of members are; what is no JSON equals nothing. */
bool mirror_json_eq(struct str a, struct str b);

/* ---- what is done ---- */

typedef Taskrouter__Common__V1__MirrorOutcome mirror_outcome;

#define MIRROR_CREATED     TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CREATED
#define MIRROR_UPDATED     TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UPDATED
#define MIRROR_UNCHANGED   TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UNCHANGED
#define MIRROR_STALE       TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_STALE
#define MIRROR_CONFLICTING TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CONFLICTING
#define MIRROR_VANISHED    TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_VANISHED
#define MIRROR_UNKNOWN     TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UNKNOWN

/* What is stored of a resource. */
struct mirror_row {
    bool exists;
    bool is_vanished;       /* a tombstone */
    int64_t observed_at_us; /* 0: never, it was not put */
};

/* CREATED (so is a tombstone that comes back), STALE, UPDATED where something differs, UNCHANGED.
 */
mirror_outcome mirror_judge_put(const struct mirror_row *row, int64_t observed_at_us,
                                const struct mirror_diff *diff);

/* VANISHED, STALE, UNKNOWN. */
mirror_outcome mirror_judge_vanish(const struct mirror_row *row, int64_t observed_at_us);

/* Texts are copied, detail ("" for none) as well; diff may be NULL. NULL when the arena is
 * exhausted. */
Taskrouter__Common__V1__MirrorResult *
mirror_result(struct arena *arena, const char *sid, const char *friendly_name,
              mirror_outcome outcome, const struct mirror_diff *diff, const char *detail);

/* Takes the items over as they are. NULL when the arena is exhausted, or was. */
Taskrouter__Common__V1__MirrorResults *
mirror_results(struct arena *arena, Taskrouter__Common__V1__MirrorResult **items, size_t count);

/* ---- the items of a Put ---- */

struct mirror_kind {
    const char *prefix; /* "WQ" */
    const char *noun;   /* "task queue" */
};

/* Texts are borrowed. Fields without a word on it are the owner's to fill. */
struct mirror_item {
    const char *sid; /* as they came; so the next three. Never NULL */
    const char *friendly_name;
    const char *account_sid; /* "" stands for the workspace's; so the next */
    const char *workspace_sid;
    const char *problem;   /* why it cannot be stored whatever we have; NULL: it can */
    struct mirror_row row; /* what is stored under its SID, of whatever workspace */
    const char *row_workspace_sid;
    struct mirror_diff diff; /* init'ed */
    const char *name;        /* that only one live row may have, as shown; NULL: any number */
    const char *name_now;    /* folded, see mirror_names.h; "" without live row */
    const char *name_wanted;
    const char *name_holder;
    mirror_outcome outcome; /* out */
    const char *detail;     /* out; "" mostly */
};

/* Fills outcome and detail of all. Errors: RESOURCE_EXHAUSTED. */
enum err_code mirror_items_settle(struct call *call, const struct workspace_copy *workspace,
                                  const struct mirror_kind *kind, int64_t observed_at_us,
                                  struct mirror_item *items, size_t count,
                                  struct err *err) MUST_CHECK;

/* CREATED or UPDATED. */
bool mirror_item_is_written(const struct mirror_item *item);

/* NULL when the arena is exhausted. */
Taskrouter__Common__V1__MirrorResults *
mirror_items_results(struct arena *arena, const struct mirror_item *items, size_t count);

/* ---- SIDs that vanished before we heard of them: an older Put that comes later is STALE ----
 *
 * The service's migrations contain:
 *   create table mirror_gone (
 *       sid text primary key, workspace_sid text not null, observed_at timestamptz not null);
 *   create index mirror_gone_by_workspace on mirror_gone (workspace_sid);
 */

/* Fills row of items that have none. */
enum err_code mirror_gone_find(struct db_conn *conn, struct call *call, struct mirror_item *items,
                               size_t count, struct err *err) MUST_CHECK;
enum err_code mirror_gone_note(struct db_conn *conn, struct call *call, const char *workspace_sid,
                               const struct str *sids, size_t count, int64_t observed_at_us,
                               struct err *err) MUST_CHECK;
/* All of a workspace that is gone. */
enum err_code mirror_gone_delete_all(struct db_conn *conn, struct call *call,
                                     const char *workspace_sid, struct err *err) MUST_CHECK;
