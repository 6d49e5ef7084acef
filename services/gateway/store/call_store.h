/*
 * Rows of calls. SQL in, domain structs out; texts live in the call's arena. Whoever changes a call
 * locks its row, has domain/phone_call.h say what becomes of it, and writes it whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"
#include "phone_call.h"

/* Inserts the call unless one with its call_sid is there, and reads what is there. Fill sid,
 * account_sid, workspace_sid, call_sid, direction, status, numbers, line_sid and started_at_us; the
 * others are set to their beginnings. *out_is_new may be NULL. */
enum err_code call_store_open(struct db_pool *pool, struct call *call,
                              struct phone_call *phone_call, bool *out_is_new,
                              struct err *err) MUST_CHECK;

/* key: the SID, or the provider's. workspace_sid "": of whatever workspace. Errors: NOT_FOUND
 * CALL_NOT_FOUND; so the next. */
enum err_code call_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                             const char *key, struct phone_call *out, struct err *err) MUST_CHECK;

/* By its task: the one that waited, or the follow-up. */
enum err_code call_store_of_task(struct db_pool *pool, struct call *call, const char *task_sid,
                                 struct phone_call *out, struct err *err) MUST_CHECK;

/* By key as above, held until the transaction ends. */
enum err_code call_store_lock(struct db_conn *conn, struct call *call, const char *key,
                              struct phone_call *out, struct err *err) MUST_CHECK;

/* Writes all fields that may change (not the plan) and counts the version up; locked by the caller.
 */
enum err_code call_store_update(struct db_conn *conn, struct call *call,
                                struct phone_call *phone_call, struct err *err) MUST_CHECK;

/* What of a call is asked for by bridge and webhooks: locks the row of key, has fn change it, and
 * writes it when fn says so. *out: as it is then. */
typedef bool call_change_fn(struct phone_call *phone_call, const void *ctx);
enum err_code call_store_change(struct db_pool *pool, struct call *call, const char *key,
                                call_change_fn *fn, const void *ctx, struct phone_call *out,
                                struct err *err) MUST_CHECK;

/*
 * Sets the plan, with what goes with it (workspace, account, line, customer, menu path), where
 * plan_no is still the one that was read; then reads what is there: of two at once the first wins,
 * and both go on with his plan. *phone_call is rewritten.
 */
enum err_code call_store_plan(struct db_pool *pool, struct call *call,
                              struct phone_call *phone_call, struct err *err) MUST_CHECK;

struct call_filter {
    const char *workspace_sid;
    enum phone_call_status status; /* NONE = all */
    const char *from_number;       /* "" = all; so the next */
    const char *customer_sid;
    const char *task_sid;
    const char *before; /* SID of the last one before; "" = from the newest */
    size_t limit;
};

/* Newest first. */
enum err_code call_store_list(struct db_pool *pool, struct call *call,
                              const struct call_filter *filter, struct phone_call **out,
                              size_t *out_count, struct err *err) MUST_CHECK;

/* Removes at most limit of those that were made before. */
enum err_code call_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                               int64_t limit, int64_t *out_removed, struct err *err) MUST_CHECK;
