/* Rows of API keys. SQL in, domain structs out; texts live in the call's arena. Secrets go in and
 * out sealed. */
#pragma once

#include <stddef.h>

#include "account.h"
#include "base/call.h"
#include "db/db.h"

/* Sets created_at_us. */
enum err_code key_store_insert(struct db_conn *conn, struct call *call, struct api_key *key,
                               struct err *err) MUST_CHECK;

/* *out_is_known false: there is none. */
enum err_code key_store_find(struct db_pool *pool, struct call *call, const char *sid,
                             struct api_key *out, bool *out_is_known, struct err *err) MUST_CHECK;

/* Holds the row until the transaction ends. account_sid "": whosever it is. Errors: NOT_FOUND
 * KEY_NOT_FOUND (sid). */
enum err_code key_store_lock(struct db_conn *conn, struct call *call, const char *account_sid,
                             const char *sid, struct api_key *out, struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. */
enum err_code key_store_list(struct db_conn *conn, struct call *call, const char *account_sid,
                             const char *after, size_t limit, struct api_key **out,
                             size_t *out_count, struct err *err) MUST_CHECK;

/* Its secret is gone for good; the caller has locked the row. */
enum err_code key_store_revoke(struct db_conn *conn, struct call *call, struct api_key *key,
                               struct err *err) MUST_CHECK;

/* Says that the key was used just now. */
enum err_code key_store_touch(struct db_pool *pool, struct call *call, const char *sid,
                              struct err *err) MUST_CHECK;
