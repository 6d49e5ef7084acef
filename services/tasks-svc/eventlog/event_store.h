/* Reads of the event log. Rows live as long as the call's arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"
#include "rows.h"

/* NULL, "" and 0 = not asked for. */
struct event_filter {
    const char *type;
    const char *task_sid;
    const char *worker_sid;
    const char *reservation_sid;
    const char *queue_sid;
    const char *workflow_sid;
    const char *channel_sid; /* of a task channel; no index knows it */
    int64_t start_us;
    int64_t end_us;
    bool newest_first;
};

/* The event of that SID if it is one of the workspace's and satisfies the filter; *out_count is 0
 * otherwise. */
enum err_code event_store_one(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const char *sid, const struct event_filter *filter,
                              struct event_row **out, size_t *out_count,
                              struct err *err) MUST_CHECK;

enum err_code event_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const char *sid, struct event_row *out, struct err *err) MUST_CHECK;
/* after_seq: 0 for the beginning (newest first: of the end). */
enum err_code event_store_list(struct db_pool *pool, struct call *call, const char *workspace_sid,
                               int64_t after_seq, size_t limit, const struct event_filter *filter,
                               struct event_row **out, size_t *out_count,
                               struct err *err) MUST_CHECK;
enum err_code event_store_last(struct db_pool *pool, struct call *call, const char *workspace_sid,
                               int64_t *out_seq, struct err *err) MUST_CHECK;
enum err_code event_store_exists(struct db_pool *pool, struct call *call, const char *sid,
                                 bool *out_exists, struct err *err) MUST_CHECK;

/* What a consumer has to take next. */
enum err_code event_store_after(struct db_conn *conn, struct call *call, int shard, int64_t seq,
                                size_t limit, struct event_row **out, size_t *out_count,
                                struct err *err) MUST_CHECK;

/* The same without their texts: data and extras of our own events are in packed_event.own. Whole
 * batches: it may be more than limit by some; fewer only when there are no more. */
struct packed_event;
enum err_code event_store_packed_after(struct db_conn *conn, struct call *call, int shard,
                                       int64_t seq, size_t limit, struct packed_event **out,
                                       size_t *out_count, struct err *err) MUST_CHECK;

/* Merges what is new in the index of keys, which look-ups read through. Errors: of the database. */
enum err_code event_store_merge_keys(struct db_pool *pool, struct call *call,
                                     struct err *err) MUST_CHECK;

/* The events of one block (event_pack.h) behind after_seq, at most room; rows refer to the arena of
 * the call. */
enum err_code event_store_read(struct call *call, struct str payload, int64_t first_seq,
                               int64_t after_seq, struct event_row *out, size_t room,
                               size_t *out_count, struct err *err) MUST_CHECK;
