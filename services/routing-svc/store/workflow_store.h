/*
 * Rows of workflows and of their documents. SQL in, domain structs out; texts live in the call's
 * arena. Every function takes a connection, so that the caller decides what is one transaction.
 */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "workflow.h"

/* With its first document. Sets versions and times. Errors: ALREADY_EXISTS WORKFLOW_NAME_TAKEN
 * (friendly_name). */
enum err_code workflow_store_insert(struct db_conn *conn, struct call *call,
                                    struct workflow *workflow, struct err *err) MUST_CHECK;

/* Errors: NOT_FOUND WORKFLOW_NOT_FOUND. */
enum err_code workflow_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *sid, struct workflow *out, struct err *err) MUST_CHECK;
enum err_code workflow_store_lock(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *sid, struct workflow *out,
                                  struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. friendly_name NULL or "": all; so is queue_sid, which the
 * document names. */
enum err_code workflow_store_list(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *after, size_t limit,
                                  const char *friendly_name, const char *queue_sid,
                                  struct workflow **out, size_t *out_count,
                                  struct err *err) MUST_CHECK;

/* Writes all fields and counts the version up; a new document gets a version of its own. The caller
 * has locked the row. */
enum err_code workflow_store_update(struct db_conn *conn, struct call *call,
                                    struct workflow *workflow, bool has_new_document,
                                    struct err *err) MUST_CHECK;

enum err_code workflow_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                    struct err *err) MUST_CHECK;

/* All of a workspace that is gone. */
enum err_code workflow_store_delete_all(struct db_conn *conn, struct call *call,
                                        const char *workspace_sid, struct err *err) MUST_CHECK;

/* Newest first, those before `before` (INT64_MAX: from the newest). */
enum err_code workflow_version_store_list(struct db_conn *conn, struct call *call,
                                          const char *workflow_sid, int64_t before, size_t limit,
                                          struct workflow_version **out, size_t *out_count,
                                          struct err *err) MUST_CHECK;
