/*
 * What a batch of the shard writes, in one pipelined transaction: the lease's guard first, then one
 * statement per table, whatever the number of rows. Commits everything or nothing.
 */
#pragma once

#include <stdint.h>

#include "base/call.h"
#include "db/db.h"
#include "engine/effects.h"
#include "mirror_store.h"
#include "rows.h"

/* The lease that the batch is written under. */
struct batch_guard {
    int shard;
    int64_t epoch;
    int64_t ttl_ms;
    int64_t event_seq; /* the counters after this batch */
    int64_t row_seq;
};

/* Everything borrowed until batch_store_send returns. */
struct batch_rows {
    const struct engine_effects *effects; /* rows, overrides, purges; events are packed */
    const struct packed_events *events;
    struct str journal; /* empty: none */
    int journal_part;   /* how many commits without an event came before, since the last with one */
    const struct config_row *const *configs;
    size_t config_count;
    const struct repeat_row *const *repeats;
    size_t repeat_count;
    const struct mirror_rows *mirror; /* of workspaces that Twilio routes; NULL: none */
    int64_t now_us;
    bool is_planned_anew; /* what the session knows of the tables' sizes is old */
};

/* Sends the batch; after an error there is nothing to wait for. */
enum err_code batch_store_send(struct db_conn *conn, struct call *call,
                               const struct batch_guard *guard, const struct batch_rows *rows,
                               struct err *err) MUST_CHECK;

/*
 * Waits until what was sent is on disk.
 * Errors (of both): FAILED_PRECONDITION GUARD_FAILED when the lease is another's; those of the
 * pipeline. After any error nothing is known to be stored, and after a broken connection not even
 * that.
 */
enum err_code batch_store_wait(struct db_conn *conn, struct call *call, struct err *err) MUST_CHECK;
