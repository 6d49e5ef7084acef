/* Rows of runs. SQL in, domain structs out; texts live in the call's arena. */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "run.h"

/* Errors: NOT_FOUND RUN_NOT_FOUND. */
enum err_code run_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                            const char *sid, struct run *out, struct err *err) MUST_CHECK;

/* Newest first, those before `before` ("": from the newest). */
enum err_code run_store_list(struct db_conn *conn, struct call *call, const char *workspace_sid,
                             const char *before, size_t limit, struct run **out, size_t *out_count,
                             struct err *err) MUST_CHECK;

/* All of a workspace that is gone. */
enum err_code run_store_delete_all(struct db_conn *conn, struct call *call,
                                   const char *workspace_sid, struct err *err) MUST_CHECK;
