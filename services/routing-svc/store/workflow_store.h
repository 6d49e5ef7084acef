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

/* Keeps it from being deleted until the transaction ends, if it is there. */
enum err_code workflow_store_hold(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *sid, bool *out_exists,
                                  struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. friendly_name NULL or "": all; so is queue_sid, which the
 * document names. *out_is_cut: there are more than were given out, because these have documents of
 * some 4 MB together. */
enum err_code workflow_store_list(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *after, size_t limit,
                                  const char *friendly_name, const char *queue_sid,
                                  struct workflow **out, size_t *out_count, bool *out_is_cut,
                                  struct err *err) MUST_CHECK;

/* Writes all fields and counts the version up; a new document gets a version of its own. The caller
 * has locked the row. */
enum err_code workflow_store_update(struct db_conn *conn, struct call *call,
                                    struct workflow *workflow, bool has_new_document,
                                    struct err *err) MUST_CHECK;

enum err_code workflow_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                    struct err *err) MUST_CHECK;

/* All of a workspace that is gone; what Twilio had becomes tombstones. */
enum err_code workflow_store_delete_all(struct db_conn *conn, struct call *call,
                                        const char *workspace_sid, struct err *err) MUST_CHECK;

/* Newest first, those before `before` (INT64_MAX: from the newest); cut as above. */
enum err_code workflow_version_store_list(struct db_conn *conn, struct call *call,
                                          const char *workflow_sid, int64_t before, size_t limit,
                                          struct workflow_version **out, size_t *out_count,
                                          bool *out_is_cut, struct err *err) MUST_CHECK;

/* ---- the mirror of Twilio: tombstones are rows too ---- */

/* The rows with these SIDs, of whatever workspace, held until the transaction ends. out_keys: the
 * name of each, folded as the unique index folds it; "" of tombstones. */
enum err_code workflow_store_mirror_find(struct db_conn *conn, struct call *call,
                                         const struct str *sids, size_t count,
                                         struct workflow **out, const char ***out_keys,
                                         size_t *out_count, struct err *err) MUST_CHECK;

/* Of each name its folded form and the SID of the workflow that has it, "" for none. */
enum err_code workflow_store_mirror_names(struct db_conn *conn, struct call *call,
                                          const char *workspace_sid, const struct str *names,
                                          size_t count, const char ***out_keys,
                                          const char ***out_holders, struct err *err) MUST_CHECK;

/* Writes all fields as they are, a new row or an old one; a new document becomes a version. */
enum err_code workflow_store_mirror_put(struct db_conn *conn, struct call *call,
                                        const struct workflow *workflow, bool has_new_document,
                                        struct err *err) MUST_CHECK;

/* Unchanged ones: their dates (0: as it was) and when they were observed. */
enum err_code workflow_store_mirror_observe(struct db_conn *conn, struct call *call,
                                            const struct workflow *workflows, size_t count,
                                            int64_t observed_at_us, struct err *err) MUST_CHECK;

/* Takes the names away from workflows that get others in the same transaction. */
enum err_code workflow_store_mirror_park(struct db_conn *conn, struct call *call,
                                         const struct str *sids, size_t count,
                                         struct err *err) MUST_CHECK;

/* Counts the version up. */
enum err_code workflow_store_mirror_vanish(struct db_conn *conn, struct call *call,
                                           struct workflow *workflow, int64_t observed_at_us,
                                           struct err *err) MUST_CHECK;
