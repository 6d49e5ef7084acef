/* Rows of users. SQL in, domain structs out; texts live in the call's arena. */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "user.h"

/* Sets version and times. Errors: ALREADY_EXISTS EMAIL_TAKEN (email). */
enum err_code user_store_insert(struct db_conn *conn, struct call *call, struct user *user,
                                struct err *err) MUST_CHECK;

/* sid or email; the other is "". Errors: NOT_FOUND USER_NOT_FOUND. */
enum err_code user_store_get(struct db_conn *conn, struct call *call, const char *account_sid,
                             const char *sid, const char *email, struct user *out,
                             struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. */
enum err_code user_store_list(struct db_conn *conn, struct call *call, const char *account_sid,
                              const char *after, size_t limit, struct user **out, size_t *out_count,
                              struct err *err) MUST_CHECK;
