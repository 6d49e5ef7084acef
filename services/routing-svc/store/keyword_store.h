/* Rows of keywords; as workflow_store.h. */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "keyword.h"

/* Sets version and times. */
enum err_code keyword_store_insert(struct db_conn *conn, struct call *call, struct keyword *keyword,
                                   struct err *err) MUST_CHECK;

/* Errors: NOT_FOUND KEYWORD_NOT_FOUND. */
enum err_code keyword_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                const char *sid, struct keyword *out, struct err *err) MUST_CHECK;
enum err_code keyword_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *sid, struct keyword *out, struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. department "": any. */
enum err_code keyword_store_list(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *after, size_t limit, const char *department,
                                 struct keyword **out, size_t *out_count,
                                 struct err *err) MUST_CHECK;

/* Writes all fields and counts the version up. The caller has locked the row. */
enum err_code keyword_store_update(struct db_conn *conn, struct call *call, struct keyword *keyword,
                                   struct err *err) MUST_CHECK;

enum err_code keyword_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                   struct err *err) MUST_CHECK;

/* All of a workspace that is gone. */
enum err_code keyword_store_delete_all(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, struct err *err) MUST_CHECK;
