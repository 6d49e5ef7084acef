/*
 * Rows of schedules of business hours, and of whom they are for. SQL in, domain structs out; texts
 * live in the call's arena. Every function takes a connection, so that the caller decides what is
 * one transaction.
 */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "schedule.h"

/* Sets version and times. Errors: ALREADY_EXISTS SCHEDULE_NAME_TAKEN (name), QUEUE_HAS_HOURS
 * (task_queue_sids), LINE_HAS_HOURS (phone_numbers), DEFAULT_EXISTS (is_default), which name the
 * other schedule. */
enum err_code schedule_store_insert(struct db_conn *conn, struct call *call,
                                    struct schedule *schedule, struct err *err) MUST_CHECK;

/* Errors: NOT_FOUND SCHEDULE_NOT_FOUND. */
enum err_code schedule_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *sid, struct schedule *out, struct err *err) MUST_CHECK;
enum err_code schedule_store_lock(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *sid, struct schedule *out,
                                  struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. *out_is_cut: there are more than were given out, because
 * these have hours of some MB together. */
enum err_code schedule_store_list(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *after, size_t limit,
                                  struct schedule **out, size_t *out_count, bool *out_is_cut,
                                  struct err *err) MUST_CHECK;

/* The phone line's, else the queue's, else the default one. phone_number E.164 or "", queue_sid or
 * "". *out_found false: none. */
enum err_code schedule_store_find(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *phone_number,
                                  const char *queue_sid, struct schedule *out, bool *out_found,
                                  struct err *err) MUST_CHECK;

/* Writes all fields and counts the version up. The caller has locked the row. Errors: as insert. */
enum err_code schedule_store_update(struct db_conn *conn, struct call *call,
                                    struct schedule *schedule, struct err *err) MUST_CHECK;
enum err_code schedule_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                    struct err *err) MUST_CHECK;

/* All of a workspace that is gone. */
enum err_code schedule_store_delete_all(struct db_conn *conn, struct call *call,
                                        const char *workspace_sid, struct err *err) MUST_CHECK;

/* A queue that is gone leaves its schedule, which comes back as it is now. *out_found false: it had
 * none. */
enum err_code schedule_store_release_queue(struct db_conn *conn, struct call *call,
                                           const char *workspace_sid, const char *queue_sid,
                                           struct schedule *out, bool *out_found,
                                           struct err *err) MUST_CHECK;

/* ---- the workspace's zone, in the copy of it ---- */

/* NULL: not told yet. */
enum err_code workspace_zone_store_get(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, const char **out,
                                       struct err *err) MUST_CHECK;

/* is_news: from an event; else it was asked for, and is kept only where nothing is known. */
enum err_code workspace_zone_store_put(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, const char *time_zone,
                                       bool is_news, struct err *err) MUST_CHECK;
