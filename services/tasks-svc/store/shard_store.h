/*
 * Taking a shard's lease, and reading back everything a shard needs to go on: pages of rows handed
 * to a function, so that a large shard does not have to fit into one result.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"
#include "engine/rows.h"
#include "rows.h"

struct shard_lease {
    int64_t epoch; /* 0: another process runs the shard; -1: somebody has the row just now */
    int64_t event_seq;
    int64_t row_seq;
};

/* Takes the lease when it is free; the session then also holds an advisory lock, so that a crash
 * frees the shard at once. */
enum err_code shard_store_take(struct db_conn *conn, struct call *call, int shard, int shard_count,
                               const char *owner, const char *address, int64_t ttl_ms,
                               struct shard_lease *out, struct err *err) MUST_CHECK;

enum err_code shard_store_release(struct db_conn *conn, struct call *call, int shard, int64_t epoch,
                                  struct err *err) MUST_CHECK;

/* ---- Handing over ---- */

/* The owner says who follows ("" = nobody after all); the successor says that it may. */
enum err_code shard_store_name_successor(struct db_conn *conn, struct call *call, int shard,
                                         int64_t epoch, const char *successor,
                                         struct err *err) MUST_CHECK;
enum err_code shard_store_warm(struct db_conn *conn, struct call *call, int shard,
                               const char *successor, struct err *err) MUST_CHECK;

enum shard_given {
    SHARD_GIVEN_NONE, /* somebody else follows by now, or has followed */
    SHARD_GIVEN_SOON,
    SHARD_GIVEN_NOW, /* released: take it */
};

/* out_is_told: the lease says that the successor is ready. */
enum err_code shard_store_is_given(struct db_conn *conn, struct call *call, int shard,
                                   const char *successor, enum shard_given *out, bool *out_is_told,
                                   struct err *err) MUST_CHECK;

/* The number of shards the database was laid out for; 0 when none was taken yet. */
enum err_code shard_store_count(struct db_pool *pool, struct call *call, int64_t *out_count,
                                struct err *err) MUST_CHECK;

/* Gets one row; rows live for the call only. An error ends the loading. */
typedef enum err_code (*shard_config_fn)(void *ctx, const struct config_row *row, struct err *err);
typedef enum err_code (*shard_document_fn)(void *ctx, const struct sid *workflow_sid,
                                           int64_t version, struct str configuration,
                                           struct err *err);
typedef enum err_code (*shard_task_fn)(void *ctx, const struct task_row *row, struct err *err);
typedef enum err_code (*shard_reservation_fn)(void *ctx, const struct reservation_row *row,
                                              struct err *err);
typedef enum err_code (*shard_idle_fn)(void *ctx, const struct sid *worker_sid,
                                       const struct sid *channel_sid, int64_t sequence);
typedef void (*shard_override_fn)(void *ctx, const struct worker_override_row *row);
/* at_us: when it was used. */
typedef void (*shard_repeat_fn)(void *ctx, const struct repeat_row *row, int64_t at_us);

enum err_code shard_store_configs(struct db_conn *conn, struct call *call, int shard,
                                  enum config_kind kind, shard_config_fn fn, void *ctx,
                                  struct err *err) MUST_CHECK;
/* What gets live tasks: a document before the first task that entered it, the reservations of a
 * page's tasks behind them. */
struct shard_task_fns {
    shard_document_fn document;
    void (*task_ahead)(void *ctx, const struct sid *sid); /* such a task comes soon */
    shard_task_fn task;
    shard_reservation_fn reservation;
};
/* Live tasks in the order of their numbers. */
enum err_code shard_store_tasks(struct db_conn *conn, struct call *call, int shard,
                                const struct shard_task_fns *fns, void *ctx,
                                struct err *err) MUST_CHECK;
enum err_code shard_store_idle(struct db_conn *conn, struct call *call, int shard, shard_idle_fn fn,
                               void *ctx, struct err *err) MUST_CHECK;
enum err_code shard_store_overrides(struct db_conn *conn, struct call *call, int shard,
                                    shard_override_fn fn, void *ctx, struct err *err) MUST_CHECK;
/* The newest keys without their replies; at most limit. */
enum err_code shard_store_repeats(struct db_conn *conn, struct call *call, int shard, int64_t limit,
                                  shard_repeat_fn fn, void *ctx, struct err *err) MUST_CHECK;
/* Those used since then, oldest first. */
enum err_code shard_store_repeats_since(struct db_conn *conn, struct call *call, int shard,
                                        int64_t since_us, int64_t limit, shard_repeat_fn fn,
                                        void *ctx, struct err *err) MUST_CHECK;

/* ---- The log of commits ---- */

/* A place in it: behind a commit. */
struct shard_place {
    int64_t event_seq; /* the last event so far */
    int part;          /* commits without an event since the last with one */
    int64_t at_us;     /* the router's time of the last commit; 0: the log is empty */
};

enum err_code shard_store_place(struct db_conn *conn, struct call *call, int shard,
                                struct shard_place *out, struct err *err) MUST_CHECK;

/* The counters that the lease has. Within a transaction, its pauses may be longer from then on. */
enum err_code shard_store_counters(struct db_conn *conn, struct call *call, int shard,
                                   int64_t *out_event_seq, int64_t *out_row_seq,
                                   struct err *err) MUST_CHECK;

/* One commit; texts live as long as the call's arena. */
struct shard_commit {
    struct shard_place place; /* behind it */
    int64_t first_seq;        /* of its events; there are none when place.part is not 0 */
    struct str payload;       /* packed events */
    struct str journal;       /* empty: none was kept */
};

/* At most limit, in order. Errors: RESOURCE_EXHAUSTED. */
enum err_code shard_store_commits(struct db_conn *conn, struct call *call, int shard,
                                  const struct shard_place *after, int64_t limit,
                                  struct shard_commit **out, size_t *out_count,
                                  struct err *err) MUST_CHECK;

/* The copies of the resources named, in no order. */
enum err_code shard_store_configs_named(struct db_conn *conn, struct call *call, int shard,
                                        const struct str *sids, size_t count, shard_config_fn fn,
                                        void *ctx, struct err *err) MUST_CHECK;

/* One key with its reply; *out_found false when it was never used (or is forgotten). */
enum err_code shard_store_repeat(struct db_conn *conn, struct call *call, int shard,
                                 const char *account_sid, const char *method, struct str key,
                                 struct repeat_row *out, bool *out_found,
                                 struct err *err) MUST_CHECK;

/* How far the relay is. */
enum err_code shard_store_cursor(struct db_conn *conn, struct call *call, int shard,
                                 int64_t *out_seq, struct err *err) MUST_CHECK;
enum err_code shard_store_cursor_set(struct db_conn *conn, struct call *call, int shard,
                                     int64_t seq, struct err *err) MUST_CHECK;
