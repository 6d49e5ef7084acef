/*
 * Rows of task channels. SQL in, domain structs out; texts live in the call's arena.
 * Every function takes a connection, so that the caller decides what is one transaction.
 */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "task_channel.h"

/* Sets version and times. Errors: ALREADY_EXISTS CHANNEL_NAME_TAKEN (unique_name). */
enum err_code channel_store_insert(struct db_conn *conn, struct call *call,
                                   struct task_channel *channel, struct err *err) MUST_CHECK;

/* A default channel, where it is not there yet; *out_is_new says whether it was made now. */
enum err_code channel_store_insert_default(struct db_conn *conn, struct call *call,
                                           struct task_channel *channel, bool *out_is_new,
                                           struct err *err) MUST_CHECK;

/* key: TC SID or unique name. Errors: NOT_FOUND CHANNEL_NOT_FOUND. */
enum err_code channel_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                const char *key, struct task_channel *out,
                                struct err *err) MUST_CHECK;

/* The same, holding the row until the transaction ends. */
enum err_code channel_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *key, struct task_channel *out,
                                 struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. */
enum err_code channel_store_list(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *after, size_t limit, struct task_channel **out,
                                 size_t *out_count, struct err *err) MUST_CHECK;

/* Writes all fields and counts the version up; the caller has locked the row. */
enum err_code channel_store_update(struct db_conn *conn, struct call *call,
                                   struct task_channel *channel, struct err *err) MUST_CHECK;

enum err_code channel_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                   struct err *err) MUST_CHECK;

/* All of a workspace that is gone; what Twilio had becomes tombstones. */
enum err_code channel_store_delete_all(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, struct err *err) MUST_CHECK;

/* ---- the mirror of Twilio: tombstones are rows too; as in queue_store.h ---- */

enum err_code channel_store_mirror_find(struct db_conn *conn, struct call *call,
                                        const struct str *sids, size_t count,
                                        struct task_channel **out, size_t *out_count,
                                        struct err *err) MUST_CHECK;
enum err_code channel_store_mirror_names(struct db_conn *conn, struct call *call,
                                         const char *workspace_sid, const struct str *names,
                                         size_t count, const char ***out_holders,
                                         struct err *err) MUST_CHECK;
enum err_code channel_store_mirror_put(struct db_conn *conn, struct call *call,
                                       const struct task_channel *channel,
                                       struct err *err) MUST_CHECK;
enum err_code channel_store_mirror_observe(struct db_conn *conn, struct call *call,
                                           const struct task_channel *channels, size_t count,
                                           int64_t observed_at_us, struct err *err) MUST_CHECK;
enum err_code channel_store_mirror_park(struct db_conn *conn, struct call *call,
                                        const struct str *sids, size_t count,
                                        struct err *err) MUST_CHECK;
enum err_code channel_store_mirror_vanish(struct db_conn *conn, struct call *call,
                                          struct task_channel *channel, int64_t observed_at_us,
                                          struct err *err) MUST_CHECK;
