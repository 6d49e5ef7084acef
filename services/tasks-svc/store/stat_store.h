/*
 * Statistics of the past: buckets of figures and workers' stays in activities. Written by the
 * projection alone, in the transaction that moves its cursor. Rows live as long as the call's
 * arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/ids.h"
#include "db/db.h"
#include "figures.h"
#include "stat_range.h"
#include "stays.h"

/* ---- The projection; within its transaction ---- */

/* Takes the shard's cursor for the rest of the transaction. */
enum err_code stat_store_lock_cursor(struct db_conn *conn, struct call *call, int shard,
                                     int64_t *out_seq, struct err *err) MUST_CHECK;
enum err_code stat_store_set_cursor(struct db_conn *conn, struct call *call, int shard, int64_t seq,
                                    struct err *err) MUST_CHECK;

struct stat_bucket {
    struct sid sid; /* WS, WQ, WW or WK */
    struct sid workspace_sid;
    struct sid channel_sid; /* none: the event named no channel */
    enum stat_level level;
    int64_t at_us;
    struct figures figures;
};

/* Adds the figures to what is stored, each key once in the list; buckets hold the sums then. */
enum err_code stat_store_add(struct db_conn *conn, struct call *call, struct stat_bucket *buckets,
                             size_t count, struct err *err) MUST_CHECK;

/* The last span of each of the workers that have one; each worker once in the list. */
enum err_code stat_store_last_spans(struct db_conn *conn, struct call *call, const struct sid *sids,
                                    size_t count, struct stat_span **out, size_t *out_count,
                                    struct err *err) MUST_CHECK;
/* Each key once. Those that have ended since they were read go into the stays of their day, when
 * they began and ended on one; has_ended[i] says which. */
enum err_code stat_store_put_spans(struct db_conn *conn, struct call *call,
                                   const struct stat_span *spans, const bool *has_ended,
                                   size_t count, struct err *err) MUST_CHECK;

/* ---- Reads ---- */

struct stat_query {
    const struct str *sids;
    size_t sid_count;
    const struct stat_piece *pieces;
    size_t piece_count;
    const char *channel_sid; /* NULL: all */
    bool with_lengths;
};

/* One stored bucket each, in no order. */
typedef void (*stat_row_fn)(void *ctx, const char *sid, int64_t at_us,
                            const struct figures *figures);
enum err_code stat_store_read(struct db_pool *pool, struct call *call,
                              const struct stat_query *query, stat_row_fn fn, void *ctx,
                              struct err *err) MUST_CHECK;

struct stat_duration {
    const char *activity_sid;
    int64_t spans;
    int64_t total_ms;
    int64_t min_ms;
    int64_t max_ms;
};

/* Stays within the range, cut at its edges: of some workers, or of all in the workspace (sids
 * NULL). */
enum err_code stat_store_durations(struct db_pool *pool, struct call *call,
                                   const char *workspace_sid, const struct str *sids, size_t count,
                                   int64_t start_us, int64_t end_us, struct stat_duration **out,
                                   size_t *out_count, struct err *err) MUST_CHECK;

struct stat_name {
    const char *sid;
    const char *name;
};

/* By our copy of what others own. */
enum err_code stat_store_activities(struct db_pool *pool, struct call *call,
                                    const char *workspace_sid, struct stat_name **out,
                                    size_t *out_count, struct err *err) MUST_CHECK;
enum err_code stat_store_queues(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                const char *after, size_t limit, const char *name,
                                struct stat_name **out, size_t *out_count,
                                struct err *err) MUST_CHECK;
/* Whether the workspace has the resource, of that kind. */
enum err_code stat_store_exists(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                const char *kind, const char *sid, bool *out_exists,
                                struct err *err) MUST_CHECK;
/* Which of the SIDs are queues of the workspace. */
enum err_code stat_store_queues_among(struct db_pool *pool, struct call *call,
                                      const char *workspace_sid, const struct str *sids,
                                      size_t count, struct str **out, size_t *out_count,
                                      struct err *err) MUST_CHECK;
/* SIDs of the resources of that kind and name, case ignored. */
enum err_code stat_store_named(struct db_pool *pool, struct call *call, const char *workspace_sid,
                               const char *kind, const char *name, struct str **out,
                               size_t *out_count, struct err *err) MUST_CHECK;

/* ---- Retention ---- */

/* Removes what began before minutes_us at minute resolution, and all that ended before all_us; at
 * most some thousand rows of each kind. *out_more: there may be more. */
enum err_code stat_store_prune(struct db_pool *pool, struct call *call, int64_t minutes_us,
                               int64_t all_us, bool *out_more, struct err *err) MUST_CHECK;
