/* How far a run has got: its kinds, what it has met, what it found. SQL in, domain structs out;
 * texts live in the call's arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "run.h"

/* For run_store. progress of all runs given. */
enum err_code progress_store_fill(struct db_conn *conn, struct call *call, struct run *runs,
                                  size_t count, struct err *err) MUST_CHECK;
enum err_code progress_store_insert(struct db_conn *conn, struct call *call, const char *run_sid,
                                    const struct str *kinds, size_t count,
                                    struct err *err) MUST_CHECK;
enum err_code progress_store_forget(struct db_conn *conn, struct call *call, const char *run_sid,
                                    struct err *err) MUST_CHECK;

/* Who makes a run: every write of it is refused once the run is another's (ABORTED LEASE_LOST), and
 * says whether somebody asked to cancel. */
struct progress_writer {
    struct db_pool *pool;
    const char *run_sid;
    int64_t epoch;
    int64_t lease_ms; /* which a write renews */
};

enum err_code progress_store_begin(const struct progress_writer *writer, struct call *call,
                                   enum kind kind, struct err *err) MUST_CHECK;

/* error: "" = done. */
enum err_code progress_store_finish(const struct progress_writer *writer, struct call *call,
                                    enum kind kind, const char *error, struct err *err) MUST_CHECK;

/* Some way of a kind: stored whole or not at all. */
struct progress_step {
    enum kind kind;
    struct kind_counts counts; /* more */
    int64_t total;             /* -1 = as it was */
    const char *cursor;        /* where the kind goes on */
    const struct run_item *items;
    size_t item_count;
    const struct run_item *settled; /* conflicts of before, as what they have become */
    size_t settled_count;
    const struct str *seen; /* SIDs; those met before change nothing */
    size_t seen_count;
};

enum err_code progress_store_step(const struct progress_writer *writer, struct call *call,
                                  const struct progress_step *step, bool *out_is_cancel_asked,
                                  struct err *err) MUST_CHECK;

/* Which of the SIDs the run has not met in that kind: their indexes, in order. */
enum err_code progress_store_unseen(struct db_pool *pool, struct call *call, const char *run_sid,
                                    enum kind kind, const struct str *sids, size_t count,
                                    size_t **out, size_t *out_count, struct err *err) MUST_CHECK;

/* What it has met in that kind, in the order of the SIDs, after that one. */
enum err_code progress_store_seen(struct db_pool *pool, struct call *call, const char *run_sid,
                                  enum kind kind, const char *after, size_t limit,
                                  const char ***out, size_t *out_count, struct err *err) MUST_CHECK;
enum err_code progress_store_seen_count(struct db_pool *pool, struct call *call,
                                        const char *run_sid, enum kind kind, int64_t *out,
                                        struct err *err) MUST_CHECK;

/* Which of the SIDs are in its report as new; out: one for each. */
enum err_code progress_store_created(struct db_pool *pool, struct call *call, const char *run_sid,
                                     const struct str *sids, size_t count, bool *out,
                                     struct err *err) MUST_CHECK;

/* Likewise, those in its report as vanished. */
enum err_code progress_store_vanished(struct db_pool *pool, struct call *call, const char *run_sid,
                                      const struct str *sids, size_t count, bool *out,
                                      struct err *err) MUST_CHECK;

/* Conflicts of a kind; with_renamed: behind them what changes its name. sid and outcome are filled.
 */
enum err_code progress_store_unsettled(struct db_pool *pool, struct call *call, const char *run_sid,
                                       enum kind kind, bool with_renamed, size_t limit,
                                       struct run_item **out, size_t *out_count,
                                       struct err *err) MUST_CHECK;

/* When the last look at all of that kind began that came to its end; 0 = never. */
enum err_code progress_store_last_checked(struct db_pool *pool, struct call *call,
                                          const char *workspace_sid, enum kind kind,
                                          int64_t *out_at_us, struct err *err) MUST_CHECK;

enum err_code progress_store_count_items(struct db_pool *pool, struct call *call,
                                         const char *run_sid, int64_t *out,
                                         struct err *err) MUST_CHECK;

/* In the order found, after that one (0: from the first). kind: KIND_COUNT = all; outcome:
 * OUTCOME_NONE = all. */
enum err_code progress_store_items(struct db_conn *conn, struct call *call, const char *run_sid,
                                   int64_t after, enum kind kind, enum outcome outcome,
                                   size_t limit, struct run_item **out, size_t *out_count,
                                   struct err *err) MUST_CHECK;
