/* This service's copy of which queues exist: what workflow documents and rules may name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"

/* Of the wanted SIDs, those that are no live queue of the workspace as far as known here. */
enum err_code queue_copy_store_missing(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, const struct str *wanted,
                                       size_t wanted_count, const char ***out, size_t *out_count,
                                       struct err *err) MUST_CHECK;

/* Of these SIDs, those that were queues and are no more; in the arena. */
enum err_code queue_copy_store_gone(struct db_conn *conn, struct call *call, const struct str *sids,
                                    size_t count, const struct str **out, size_t *out_count,
                                    struct err *err) MUST_CHECK;

/* If newer than what is stored. */
enum err_code queue_copy_store_put(struct db_conn *conn, struct call *call, const char *sid,
                                   const char *workspace_sid, int64_t version, bool is_deleted,
                                   struct err *err) MUST_CHECK;

enum err_code queue_copy_store_delete_all(struct db_conn *conn, struct call *call,
                                          const char *workspace_sid, struct err *err) MUST_CHECK;

/* Keeps all of them, none named twice, from being deleted until the transaction ends. *out_all
 * false: one was deleted already. */
enum err_code queue_copy_store_hold(struct db_conn *conn, struct call *call,
                                    const char *workspace_sid, const struct str *sids, size_t count,
                                    bool *out_all, struct err *err) MUST_CHECK;
