/*
 * Rows as a mirror of Twilio writes them: many by one statement, tombstones included. The caller
 * holds the workspace's row (mirror_workspace_store_lock, or workspace_store_lock). Judges nothing:
 * it is told what to write, with versions and dates. Arrays in and out are parallel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "activity.h"
#include "base/call.h"
#include "db/db.h"
#include "worker.h"
#include "workspace.h"

/* What is stored beside one item of a request. */
struct mirror_found {
    bool exists; /* tombstones too; in whatever workspace */
    bool is_vanished;
    int64_t observed_at_us; /* 0: never */
    const char *name_key;   /* of the row; equal where names clash; "" when there is none */
    const char *wanted_key; /* of the item */
    const char *holder_sid; /* the live row that has the item's name now, or "" */
};

/* ---- workspaces ---- */

/* Holds the row, which may be a tombstone; nothing when there is none. */
enum err_code mirror_workspace_store_lock(struct db_conn *conn, struct call *call, const char *sid,
                                          struct err *err) MUST_CHECK;

/* *out_row is filled when out_found->exists, but for the names of activities. */
enum err_code mirror_workspace_store_find(struct db_conn *conn, struct call *call,
                                          const struct workspace *wanted, struct workspace *out_row,
                                          struct mirror_found *out_found,
                                          struct err *err) MUST_CHECK;

/* known_version: that of the row which was found, 0 when there was none. Errors: ABORTED when
 * another one put it meanwhile: begin again. */
enum err_code mirror_workspace_store_put(struct db_conn *conn, struct call *call,
                                         const struct workspace *workspace, int64_t known_version,
                                         int64_t observed_at_us, struct err *err) MUST_CHECK;

/* The workspace and all in it. */
enum err_code mirror_workspace_store_vanish(struct db_conn *conn, struct call *call,
                                            const struct workspace *workspace,
                                            int64_t observed_at_us, struct err *err) MUST_CHECK;

/* ---- activities ---- */

/* names: "" where only the row is asked for. */
enum err_code mirror_activity_store_find(struct db_conn *conn, struct call *call,
                                         const char *workspace_sid, const struct str *sids,
                                         const struct str *names, size_t count,
                                         struct activity **out_rows,
                                         struct mirror_found **out_found,
                                         struct err *err) MUST_CHECK;

/* Frees the names of rows that are put next, so that they may change hands. */
enum err_code mirror_activity_store_park(struct db_conn *conn, struct call *call,
                                         const struct str *sids, size_t count,
                                         struct err *err) MUST_CHECK;

/* items: at least one, all of one workspace; with version and dates. */
enum err_code mirror_activity_store_put(struct db_conn *conn, struct call *call,
                                        const struct activity *const *items, size_t count,
                                        int64_t observed_at_us, struct err *err) MUST_CHECK;

/* Counts versions up, but not those of tombstones. */
enum err_code mirror_activity_store_vanish(struct db_conn *conn, struct call *call,
                                           const struct str *sids, size_t count,
                                           int64_t observed_at_us, struct err *err) MUST_CHECK;

/* ---- workers ---- */

/* What else is looked up for a worker. */
struct mirror_worker_found {
    struct mirror_found base;
    struct worker row;
    const char *activity_name; /* of the activity that the item names */
    bool activity_available;
    bool has_activity;      /* it is there, no tombstone */
    bool activity_vanished; /* it is a tombstone */
    bool attributes_storable;
};

/* wanted: SID, name, attributes and activity of each. */
enum err_code mirror_worker_store_find(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid,
                                       const struct worker *const *wanted, size_t count,
                                       struct mirror_worker_found **out_found,
                                       struct err *err) MUST_CHECK;

enum err_code mirror_worker_store_park(struct db_conn *conn, struct call *call,
                                       const struct str *sids, size_t count,
                                       struct err *err) MUST_CHECK;

/* As mirror_activity_store_put; the users of workers stay. */
enum err_code mirror_worker_store_put(struct db_conn *conn, struct call *call,
                                      const struct worker *const *items, size_t count,
                                      int64_t observed_at_us, struct err *err) MUST_CHECK;

enum err_code mirror_worker_store_vanish(struct db_conn *conn, struct call *call,
                                         const struct str *sids, size_t count,
                                         int64_t observed_at_us, struct err *err) MUST_CHECK;

/* Counts versions up, for changes of channels. */
enum err_code mirror_worker_store_touch(struct db_conn *conn, struct call *call,
                                        const struct str *sids, size_t count,
                                        struct err *err) MUST_CHECK;

/* ---- channels of workers ---- */

struct mirror_channel_found {
    bool has_worker;       /* there is such a worker, no tombstone */
    bool has_task_channel; /* as far as known here */
    bool exists;
    int64_t observed_at_us;
    struct worker_channel row; /* the defaults when there is none */
};

/* wanted: worker and task channel of each. */
enum err_code mirror_channel_store_find(struct db_conn *conn, struct call *call,
                                        const char *workspace_sid,
                                        const struct worker_channel *const *wanted, size_t count,
                                        struct mirror_channel_found **out_found,
                                        struct err *err) MUST_CHECK;

enum err_code mirror_channel_store_put(struct db_conn *conn, struct call *call,
                                       const struct worker_channel *const *items, size_t count,
                                       int64_t observed_at_us, struct err *err) MUST_CHECK;
