/* When mirrored workspaces are brought in step next, by themselves. */
#pragma once

#include "base/call.h"
#include "db/db.h"

/* Each mirrored workspace of the account has a time for the cause, at most so far away. */
enum err_code schedule_store_keep(struct db_pool *pool, struct call *call, const char *account_sid,
                                  const char *cause, int64_t within_ms, struct err *err) MUST_CHECK;

/* A workspace whose time has come, locked until the transaction ends; NULL when there is none. */
enum err_code schedule_store_due(struct db_conn *conn, struct call *call, const char *account_sid,
                                 const char *cause, const char **out_workspace_sid,
                                 struct err *err) MUST_CHECK;

enum err_code schedule_store_set(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *cause, int64_t in_ms, struct err *err) MUST_CHECK;

/* Of a workspace that is gone. */
enum err_code schedule_store_forget(struct db_conn *conn, struct call *call,
                                    const char *workspace_sid, struct err *err) MUST_CHECK;
