/* What all handlers of this service begin with: the workspace that the request names, if the caller
 * may see it. */
#pragma once

#include "activity.h"
#include "base/call.h"
#include "db/db.h"
#include "worker.h"
#include "workspace.h"

/* Errors: INVALID_ARGUMENT (workspace_sid), NOT_FOUND WORKSPACE_NOT_FOUND. */
enum err_code access_workspace(struct db_conn *conn, struct call *call, const char *sid,
                               struct workspace *out, struct err *err) MUST_CHECK;

/* The same, holding the workspace's row. */
enum err_code access_workspace_lock(struct db_conn *conn, struct call *call, const char *sid,
                                    struct workspace *out, struct err *err) MUST_CHECK;

/* A worker or an activity of that workspace, by SID. Errors: those of the stores; in a mirrored
 * workspace they say what to do about one that exists at Twilio. */
enum err_code access_worker(struct db_conn *conn, struct call *call,
                            const struct workspace *workspace, const char *sid, struct worker *out,
                            struct err *err) MUST_CHECK;
enum err_code access_worker_lock(struct db_conn *conn, struct call *call,
                                 const struct workspace *workspace, const char *sid,
                                 struct worker *out, struct err *err) MUST_CHECK;
enum err_code access_activity(struct db_conn *conn, struct call *call,
                              const struct workspace *workspace, const char *sid,
                              struct activity *out, struct err *err) MUST_CHECK;
enum err_code access_activity_lock(struct db_conn *conn, struct call *call,
                                   const struct workspace *workspace, const char *sid,
                                   struct activity *out, struct err *err) MUST_CHECK;

/* Before a write: UNAVAILABLE MIRRORED in a workspace that Twilio routes, which sends the request
 * on to sync-svc (svc/mirror.h). After all that can be judged here: access, form, version. */
enum err_code access_local(const struct workspace *workspace, struct err *err) MUST_CHECK;
