/* Rows of tasks and reservations that Twilio routes, as last observed, and which of its events were
 * applied: read before the shard decides, written in its batch. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"
#include "engine/rows.h"
#include "rows.h"

/* What is stored of one. Of a row that is not there: the SID alone. */
struct mirror_task {
    struct task_row row;
    bool is_there;
    bool is_ours;   /* routed here: not to be touched */
    bool is_purged; /* out of the lists */
    bool is_deleted;
    int64_t observed_at_us;
};

struct mirror_reservation {
    struct reservation_row row;
    bool is_there;
    bool is_ours;
    int64_t observed_at_us;
};

/* What a batch asks for. */
struct mirror_ask {
    const struct str *tasks;
    size_t task_count;
    const struct str *reservations;
    size_t reservation_count;
    const struct str *events; /* SIDs */
    size_t event_count;
};

/* Gets one row; texts live as long as the call's arena. */
typedef void (*mirror_task_fn)(void *ctx, const struct mirror_task *task);
typedef void (*mirror_reservation_fn)(void *ctx, const struct mirror_reservation *reservation);
typedef void (*mirror_event_fn)(void *ctx, const char *sid);

/* The tasks named and those of the reservations named; the reservations named and those of the
 * tasks named that were not turned down; the events that were applied. One round trip. */
enum err_code mirror_store_read(struct db_conn *conn, struct call *call,
                                const struct mirror_ask *ask, mirror_task_fn task_fn,
                                mirror_reservation_fn reservation_fn, mirror_event_fn event_fn,
                                void *ctx, struct err *err) MUST_CHECK;

/* What a batch writes. */
struct mirror_rows {
    const struct mirror_task *const *tasks;
    size_t task_count;
    const struct mirror_reservation *const *reservations;
    size_t reservation_count;
    const struct sid *events;
    size_t event_count;
};

/* Within the pipeline of the batch. */
enum err_code mirror_store_add(struct db_conn *conn, struct call *call, int shard,
                               const struct mirror_rows *rows, int64_t now_us,
                               struct err *err) MUST_CHECK;

/* Ended tasks whose time in the lists is over leave them. */
enum err_code mirror_store_purge(struct db_pool *pool, struct call *call, int shard,
                                 int64_t before_us, int64_t limit, int64_t *out_removed,
                                 struct err *err) MUST_CHECK;
/* Events applied before that are forgotten. */
enum err_code mirror_store_forget(struct db_pool *pool, struct call *call, int shard,
                                  int64_t before_us, int64_t limit, int64_t *out_removed,
                                  struct err *err) MUST_CHECK;

/* ---- Of now ---- */

/* What a worker has on a channel. */
struct mirror_load {
    const char *worker_sid;
    const char *channel_sid;
    int64_t accepted;
    int64_t open;     /* pending, accepted, wrapping */
    int64_t capacity; /* 1 where nobody told it */
};

enum err_code mirror_store_loads(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                 const struct str *workers, size_t worker_count,
                                 struct mirror_load **out, size_t *out_count,
                                 struct err *err) MUST_CHECK;

/* Tasks under way that have all of this in common. */
struct mirror_now {
    struct sid queue_sid;
    struct sid workflow_sid;
    enum task_state state;
    int64_t priority;
    int64_t tasks;
    int64_t oldest_us; /* creation of the oldest */
    struct sid oldest_sid;
    int64_t entered_us; /* when the one came into its queue that is there longest */
    struct sid entered_sid;
};

/* By priority. channel_sid NULL: all channels. */
enum err_code mirror_store_now(struct db_pool *pool, struct call *call, const char *workspace_sid,
                               const char *channel_sid, struct mirror_now **out, size_t *out_count,
                               struct err *err) MUST_CHECK;

/* The copies of one kind that the workspace has, not deleted ones; at most limit. */
enum err_code mirror_store_configs(struct db_pool *pool, struct call *call,
                                   const char *workspace_sid, enum config_kind kind, int64_t limit,
                                   struct config_row **out, size_t *out_count,
                                   struct err *err) MUST_CHECK;
