/* Rows of accounts. SQL in, domain structs out; texts live in the call's arena. Auth tokens go in
 * and out sealed. */
#pragma once

#include <stddef.h>

#include "account.h"
#include "base/call.h"
#include "db/db.h"

/* Sets version and times. */
enum err_code account_store_insert(struct db_conn *conn, struct call *call, struct account *account,
                                   struct err *err) MUST_CHECK;

/* Makes sure that the configured account has a row. */
enum err_code account_store_adopt(struct db_conn *conn, struct call *call, const char *sid,
                                  const char *friendly_name, struct err *err) MUST_CHECK;

/* *out_is_known false: there is none. */
enum err_code account_store_find(struct db_pool *pool, struct call *call, const char *sid,
                                 struct account *out, bool *out_is_known,
                                 struct err *err) MUST_CHECK;

/* Holds the row until the transaction ends. Errors: NOT_FOUND ACCOUNT_NOT_FOUND (sid). */
enum err_code account_store_lock(struct db_conn *conn, struct call *call, const char *sid,
                                 struct account *out, struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. only: that one account; "" = all. */
enum err_code account_store_list(struct db_conn *conn, struct call *call, const char *after,
                                 const char *only, size_t limit, struct account **out,
                                 size_t *out_count, struct err *err) MUST_CHECK;

/* Writes all of it with the next version; the caller has locked the row. */
enum err_code account_store_update(struct db_conn *conn, struct call *call, struct account *account,
                                   struct err *err) MUST_CHECK;
