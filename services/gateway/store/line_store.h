/* Rows of phone lines. SQL in, domain structs out; texts live in the call's arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "phone_line.h"

/* Sets version and times. Errors: ALREADY_EXISTS PHONE_NUMBER_TAKEN (phone_number). */
enum err_code line_store_insert(struct db_conn *conn, struct call *call, struct phone_line *line,
                                struct err *err) MUST_CHECK;

/* key: SID or phone number. Errors: NOT_FOUND LINE_NOT_FOUND; so the next. */
enum err_code line_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                             const char *key, struct phone_line *out, struct err *err) MUST_CHECK;

/* The line with the number, of whatever workspace. *out_found false: there is none. */
enum err_code line_store_find(struct db_pool *pool, struct call *call, const char *phone_number,
                              struct phone_line *out, bool *out_found, struct err *err) MUST_CHECK;

/* Held until the transaction ends. */
enum err_code line_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                              const char *key, struct phone_line *out, struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. */
enum err_code line_store_list(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const char *after, size_t limit, struct phone_line **out,
                              size_t *out_count, struct err *err) MUST_CHECK;

/* Writes all fields but the number's owner and counts the version up; locked by the caller. Errors:
 * as of insert. */
enum err_code line_store_update(struct db_conn *conn, struct call *call, struct phone_line *line,
                                struct err *err) MUST_CHECK;

enum err_code line_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                struct err *err) MUST_CHECK;

/* At most limit of the workspace. */
enum err_code line_store_delete_some(struct db_pool *pool, struct call *call,
                                     const char *workspace_sid, int64_t limit, int64_t *out_removed,
                                     struct err *err) MUST_CHECK;
