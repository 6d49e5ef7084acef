/*
 * A service's own copy of the workspaces, in its table workspace_copy: fed by workspace.* events,
 * and by asking workers-svc about one it has not heard of yet, so that a workspace can be used the
 * moment it was created. Also the one place that decides whether a caller may see a workspace.
 *
 * The service's migrations contain:
 *   create table workspace_copy (
 *       sid text primary key, account_sid text not null, friendly_name text not null,
 *       version bigint not null, deleted_at timestamptz, provider text); -- null: not told yet
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/ids.h"
#include "db/db.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

struct bus_msg;
struct outbox;
struct rpc_client;

struct workspace_copy {
    const char *sid;
    const char *account_sid;
    const char *friendly_name;
    int64_t version;
    bool is_mirrored;      /* Twilio routes it: see svc/mirror.h */
    bool is_fifo;          /* made from the template FIFO; for born only, so are the next */
    bool is_new;           /* heard of for the first time: true exactly once for a workspace */
    const char *time_zone; /* IANA name */
};

/* The SIDs of the queue ("WQ") and the workflow ("WW") that come with the template FIFO. */
struct sid workspace_fifo_sid(const char *prefix, const char *workspace_sid);

/* Called in the transaction that stores a workspace or news of it: makes what every workspace is
 * born with. May run twice for the same one; is_new tells the first time. NULL where there is
 * nothing to make. */
typedef enum err_code (*workspace_born_fn)(struct db_conn *conn, struct call *call,
                                           const struct workspace_copy *workspace, struct err *err);

/* Called in the transaction that marks a workspace deleted: removes what belonged to it. */
typedef enum err_code (*workspace_gone_fn)(struct db_conn *conn, struct call *call,
                                           const char *workspace_sid, struct err *err);

/* Filled by app.c; borrowed by all below. */
struct workspaces {
    struct db_pool *pool;
    struct rpc_client *workers; /* client of workers-svc that calls as the service */
    struct outbox *outbox;      /* woken when born or gone may have written events */
    workspace_born_fn born;
    workspace_gone_fn gone; /* NULL: nothing belongs to it here */
};

/* Refuses like an unknown workspace when the caller belongs to another account or is restricted to
 * another workspace. Our own services (no account asserted) may see all. */
enum err_code workspace_check_access(const struct call *call, const char *account_sid,
                                     const char *workspace_sid, struct err *err) MUST_CHECK;

/*
 * The workspace that a request names, checked: well-formed, known, not deleted, visible to the
 * caller. Errors: INVALID_ARGUMENT (workspace_sid), NOT_FOUND WORKSPACE_NOT_FOUND, UNAVAILABLE when
 * it is unknown here and workers-svc is away.
 */
enum err_code workspaces_require(const struct workspaces *workspaces, struct call *call,
                                 const char *sid, struct workspace_copy *out,
                                 struct err *err) MUST_CHECK;

/*
 * Keeps the workspace from being deleted until the caller's transaction ends: what is made in it
 * meanwhile is seen, and removed, by its deletion. Others may hold it too.
 * Errors: NOT_FOUND WORKSPACE_NOT_FOUND when it was deleted since workspaces_require.
 */
enum err_code workspaces_hold(struct db_conn *conn, struct call *call, const char *sid,
                              struct err *err) MUST_CHECK;

/* Like workspaces_hold, but for one at a time: whoever puts what Twilio has. */
enum err_code workspaces_lock(struct db_conn *conn, struct call *call, const char *sid,
                              struct err *err) MUST_CHECK;

/* The consumer of "taskrouter.*.workspace.>": applies the event if it is newer than what is stored.
 * Errors: those of svc_event_read and of the database. */
enum err_code workspaces_consume(const struct workspaces *workspaces, struct call *call,
                                 const struct bus_msg *msg, struct err *err) MUST_CHECK;
