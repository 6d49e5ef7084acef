/*
 * The log of a real run, fed to a fresh engine: the journal of each commit goes in, and each event
 * that comes out must be the stored one: SID, type, time, subjects, data, extras.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct db_conn;

struct replay_report {
    int64_t batches, events, loads, entries, journal_bytes, payload_bytes;
    int64_t foreign;       /* events of other services, which the router only keeps */
    struct buf difference; /* the first one; empty: none */
};

void replay_report_init(struct replay_report *report);
void replay_report_fini(struct replay_report *report);

/* Errors: the database's; FAILED_PRECONDITION when the log does not begin with the shard's first
 * load, or a commit has no journal. A difference is no error. */
enum err_code replay_log(struct db_conn *conn, int shard, struct replay_report *report,
                         struct err *err) MUST_CHECK;
