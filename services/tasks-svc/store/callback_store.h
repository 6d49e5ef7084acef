/*
 * The outbox of callbacks: written from the event log together with the reader's cursor, claimed
 * and recorded by the senders of the replica that owns the shard, read and revived by operators.
 * Rows live as long as the call's arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/ids.h"
#include "db/db.h"

/* Texts are stored. */
#define CALLBACK_KIND_EVENT      "event"
#define CALLBACK_KIND_ASSIGNMENT "assignment"
#define CALLBACK_WAITING         "waiting"
#define CALLBACK_DELIVERED       "delivered"
#define CALLBACK_DEAD            "dead"
#define CALLBACK_DROPPED         "dropped"

/* A workspace or workflow, with or without a URL. */
struct callback_target {
    const char *sid;
    bool is_workflow;
    const char *workspace_sid;
    const char *name;
    const char *url;
    const char *fallback_url;
    const char *filter;
    int64_t change;
};

/* One to be written; texts are never NULL. */
struct callback_new {
    struct sid sid;
    const char *kind;
    const char *account_sid;
    const char *workspace_sid;
    const char *task_sid;
    const char *worker_sid;
    const char *reservation_sid;
    const char *event_sid;
    const char *event_type;
    const char *object_key;
    const char *url;
    const char *fallback_url;
    struct str parameters; /* JSON object of strings */
};

struct callback_due {
    const char *kind;
    const char *url;
    int64_t next_attempt_us;
    int64_t room; /* for callback_store_claim: at most so many */
};

struct callback_claim {
    int64_t id;
    const char *sid;
    bool is_assignment;
    const char *account_sid;
    const char *workspace_sid;
    const char *reservation_sid;
    const char *event_type;
    const char *url;
    const char *fallback_url;
    struct str parameters;
    const char *object_key;
    int64_t attempts; /* so far */
    int64_t expires_at_us;
    bool is_offer_open; /* assignments: the reservation is pending */
};

/* What became of a claimed one. Texts are never NULL. */
struct callback_outcome {
    int64_t id;
    const char *object_key;
    const char *state; /* CALLBACK_WAITING: to be tried again at next_attempt_us */
    int64_t next_attempt_us;
    int64_t attempts;
    const char *url; /* the one tried last */
    int64_t status;
    const char *error;
    const char *body;
    int64_t took_ms;
    const char *instruction;
    int64_t alert_code;
    const char *alert;
};

/* One as operators see it. */
struct callback_row {
    int64_t id;
    const char *sid;
    const char *kind;
    const char *state;
    const char *account_sid;
    const char *workspace_sid;
    const char *task_sid;
    const char *worker_sid;
    const char *reservation_sid;
    const char *event_sid;
    const char *event_type;
    const char *url;
    const char *fallback_url;
    const char *parameters;
    int64_t created_at_us;
    int64_t expires_at_us;
    int64_t next_attempt_us;
    int64_t attempts;
    int64_t last_attempt_us; /* 0: never tried */
    const char *last_url;
    int64_t last_status;
    const char *last_error;
    const char *last_body;
    int64_t took_ms;
    const char *instruction;
    int64_t alert_code;
    const char *alert;
    int64_t ended_at_us; /* 0: not yet */
};

/* NULL and "" = not asked for. */
struct callback_filter {
    const char *state;
    const char *kind;
    const char *url;
    const char *task_sid;
};

/* ---- From the log ---- */

enum err_code callback_store_cursor(struct db_conn *conn, struct call *call, int shard,
                                    int64_t *out_seq, struct err *err) MUST_CHECK;

/* What changed after that change, in order. */
enum err_code callback_store_targets(struct db_conn *conn, struct call *call, int shard,
                                     int64_t change, struct callback_target **out,
                                     size_t *out_count, struct err *err) MUST_CHECK;
enum err_code callback_store_drop_targets(struct db_conn *conn, struct call *call,
                                          const char *workspace_sid, struct err *err) MUST_CHECK;

/* Moves the cursor from one place to another and writes the rows, in one transaction. ABORTED
 * CURSOR_MOVED, and nothing written, when it was elsewhere: another process reads this shard. */
enum err_code callback_store_dispatch(struct db_conn *conn, struct call *call, int shard,
                                      int64_t from_seq, int64_t to_seq,
                                      const struct callback_new *rows, size_t count, int64_t now_us,
                                      int64_t expires_at_us, struct err *err) MUST_CHECK;

/* ---- Sending ---- */

enum err_code callback_store_due(struct db_conn *conn, struct call *call, int shard,
                                 struct callback_due **out, size_t *out_count,
                                 struct err *err) MUST_CHECK;
/* me: who claims. */
enum err_code callback_store_claim(struct db_conn *conn, struct call *call, int shard,
                                   const struct callback_due *due, size_t due_count, int64_t now_us,
                                   const char *me, struct callback_claim **out, size_t *out_count,
                                   struct err *err) MUST_CHECK;
/* Those that somebody else has claimed meanwhile are left alone. The next of each object may go. */
enum err_code callback_store_record(struct db_conn *conn, struct call *call, const char *me,
                                    const struct callback_outcome *outcomes, size_t count,
                                    int64_t now_us, struct err *err) MUST_CHECK;
enum err_code callback_store_reclaim(struct db_conn *conn, struct call *call, int shard,
                                     const char *me, int64_t now_us, struct err *err) MUST_CHECK;
enum err_code callback_store_unclaim(struct db_conn *conn, struct call *call, int shard,
                                     const char *me, struct err *err) MUST_CHECK;
/* Gives up what is too old, at most limit of them. */
enum err_code callback_store_expire(struct db_conn *conn, struct call *call, int shard,
                                    int64_t now_us, int64_t limit, int64_t *out_count,
                                    struct err *err) MUST_CHECK;
/* Lets those go that nobody let go. */
enum err_code callback_store_promote(struct db_conn *conn, struct call *call, int shard,
                                     int64_t now_us, struct err *err) MUST_CHECK;

/* ---- Housekeeping ---- */

/* Deletes up to 1000 of that state that ended before the time. */
enum err_code callback_store_forget(struct db_pool *pool, struct call *call, const char *state,
                                    int64_t before_us, int64_t *out_count,
                                    struct err *err) MUST_CHECK;
/* out_oldest_us: when the oldest that waits was made; 0 = none waits. */
enum err_code callback_store_counts(struct db_pool *pool, struct call *call, int64_t *out_dead,
                                    int64_t *out_waiting, int64_t *out_oldest_us,
                                    struct err *err) MUST_CHECK;

/* ---- Operators ---- */

/* Errors: NOT_FOUND CALLBACK_NOT_FOUND. */
enum err_code callback_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                 const char *sid, struct callback_row *out,
                                 struct err *err) MUST_CHECK;
/* Newest first; before: an id, or INT64_MAX. */
enum err_code callback_store_list(struct db_pool *pool, struct call *call,
                                  const char *workspace_sid, int64_t before, size_t limit,
                                  const struct callback_filter *filter, struct callback_row **out,
                                  size_t *out_count, struct err *err) MUST_CHECK;
/* sid NULL: the oldest dead event callbacks of the workspace, at most limit of them. */
enum err_code callback_store_resend(struct db_pool *pool, struct call *call,
                                    const char *workspace_sid, const char *sid, int64_t now_us,
                                    int64_t expires_at_us, int64_t limit, int64_t *out_count,
                                    struct err *err) MUST_CHECK;
