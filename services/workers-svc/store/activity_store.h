/* Rows of activities; see workspace_store.h for how stores are used. */
#pragma once

#include <stddef.h>

#include "activity.h"
#include "base/call.h"
#include "db/db.h"

/* Sets version and times. Errors: ALREADY_EXISTS ACTIVITY_NAME_TAKEN (friendly_name). */
enum err_code activity_store_insert(struct db_conn *conn, struct call *call,
                                    struct activity *activity, struct err *err) MUST_CHECK;

/* Errors: NOT_FOUND ACTIVITY_NOT_FOUND; the field is activity_sid. */
enum err_code activity_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *sid, struct activity *out, struct err *err) MUST_CHECK;
enum err_code activity_store_lock(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *sid, struct activity *out,
                                  struct err *err) MUST_CHECK;

struct activity_filter {
    const char *workspace_sid;
    const char *friendly_name; /* "" = all */
    const bool *available;     /* NULL = all */
    const char *after;
    size_t limit;
};

enum err_code activity_store_list(struct db_conn *conn, struct call *call,
                                  const struct activity_filter *filter, struct activity **out,
                                  size_t *out_count, struct err *err) MUST_CHECK;

enum err_code activity_store_update(struct db_conn *conn, struct call *call,
                                    struct activity *activity, struct err *err) MUST_CHECK;

/* Errors: FAILED_PRECONDITION ACTIVITY_IN_USE while a worker is in it or the workspace names it. */
enum err_code activity_store_delete(struct db_conn *conn, struct call *call,
                                    const struct activity *activity, struct err *err) MUST_CHECK;
