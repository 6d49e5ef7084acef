/* Rows of runs. SQL in, domain structs out; texts live in the call's arena. */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "run.h"

/* Errors: NOT_FOUND RUN_NOT_FOUND. progress is filled. */
enum err_code run_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                            const char *sid, struct run *out, struct err *err) MUST_CHECK;

/* Newest first, those before `before` ("": from the newest); progress is filled. */
enum err_code run_store_list(struct db_conn *conn, struct call *call, const char *workspace_sid,
                             const char *before, size_t limit, struct run **out, size_t *out_count,
                             struct err *err) MUST_CHECK;

/*
 * A new run with its kinds, all of them waiting; within a transaction. Errors: ALREADY_EXISTS
 * SYNC_RUNNING, naming the one that is under way; ABORTED when that one ended meanwhile.
 */
enum err_code run_store_insert(struct db_conn *conn, struct call *call, const struct run *run,
                               unsigned kinds, struct err *err) MUST_CHECK;

/* Asks whoever makes the run to stop; one that nobody makes has failed with that, for the reason
 * given. Nothing happens to one that has ended. */
enum err_code run_store_cancel(struct db_conn *conn, struct call *call, const char *workspace_sid,
                               const char *sid, const char *detail, struct err *err) MUST_CHECK;

/* All of a workspace that is gone. */
enum err_code run_store_delete_all(struct db_conn *conn, struct call *call,
                                   const char *workspace_sid, struct err *err) MUST_CHECK;

/* Those that ended long ago. */
enum err_code run_store_prune(struct db_pool *pool, struct call *call, struct err *err) MUST_CHECK;

/* ---- For the one who makes a run ---- */

/* A run that is this process's until the lease ends. */
struct run_claim {
    struct run run; /* with its progress */
    int64_t epoch;
    int64_t takes; /* how often somebody began or went on, with this time */
    bool is_cancel_asked;
};

/* A run of the account that nobody makes; *out_found says whether there is one. */
enum err_code run_store_claim(struct db_pool *pool, struct call *call, const char *account_sid,
                              int64_t lease_ms, struct run_claim *out, bool *out_found,
                              struct err *err) MUST_CHECK;

/* Errors: ABORTED LEASE_LOST when the run is another's by now, has ended or is gone. */
enum err_code run_store_renew(struct db_pool *pool, struct call *call, const char *sid,
                              int64_t epoch, int64_t lease_ms, bool *out_is_cancel_asked,
                              struct err *err) MUST_CHECK;

/* So that another goes on with it at once. */
enum err_code run_store_release(struct db_pool *pool, struct call *call, const char *sid,
                                int64_t epoch, struct err *err) MUST_CHECK;

/* What it has met is forgotten. Errors: ABORTED LEASE_LOST. */
enum err_code run_store_end(struct db_pool *pool, struct call *call, const char *sid, int64_t epoch,
                            enum run_state state, const char *detail, struct err *err) MUST_CHECK;
