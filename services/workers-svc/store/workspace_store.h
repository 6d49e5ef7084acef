/*
 * Rows of workspaces. SQL in, domain structs out; texts live in the call's arena. Every function
 * takes a connection, so that the caller decides what is one transaction.
 */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "workspace.h"

/* Sets version and times. Errors: ALREADY_EXISTS WORKSPACE_NAME_TAKEN (friendly_name). */
enum err_code workspace_store_insert(struct db_conn *conn, struct call *call,
                                     struct workspace *workspace, struct err *err) MUST_CHECK;

/* Errors: NOT_FOUND WORKSPACE_NOT_FOUND. Says nothing of who may see it. */
enum err_code workspace_store_get(struct db_conn *conn, struct call *call, const char *sid,
                                  struct workspace *out, struct err *err) MUST_CHECK;
enum err_code workspace_store_lock(struct db_conn *conn, struct call *call, const char *sid,
                                   struct workspace *out, struct err *err) MUST_CHECK;

/* Of the account ("" = of all), only that workspace when only_sid is not "", in order of SID. */
struct workspace_filter {
    const char *account_sid;
    const char *only_sid;
    const char *friendly_name;
    const char *after;
    size_t limit;
};

enum err_code workspace_store_list(struct db_conn *conn, struct call *call,
                                   const struct workspace_filter *filter, struct workspace **out,
                                   size_t *out_count, struct err *err) MUST_CHECK;

/* Writes what may change and counts the version up; the caller has locked the row. */
enum err_code workspace_store_update(struct db_conn *conn, struct call *call,
                                     struct workspace *workspace, struct err *err) MUST_CHECK;

/* With everything in it. */
enum err_code workspace_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                     struct err *err) MUST_CHECK;
