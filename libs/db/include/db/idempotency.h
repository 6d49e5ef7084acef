/*
 * The same key twice has one effect. The key is claimed and the reply stored in the transaction of
 * the effect itself; a concurrent twin waits at the unique index and then gets the first reply.
 * Transactions must be DB_READ_COMMITTED.
 *
 * The service's migrations contain (text in libs/db/README.md):
 *   create table idempotency (
 *       account_sid text not null, method text not null, key text not null,
 *       request_hash text not null, reply bytea, created_at timestamptz not null default now(),
 *       primary key (account_sid, method, key));
 *   create index idempotency_created_at on idempotency (created_at);
 */
#pragma once

#include <stdbool.h>

#include "db/db.h"

#define IDEMPOTENCY_KEY_MAX 255 /* bytes */

/* One use of a key. Fill the first three, keep it on the stack. */
struct idempotency {
    const char *method; /* RPC name */
    struct str key;     /* empty: the caller wants none; claim and finish do nothing */
    struct str request; /* bytes that must be the same on a repeat (the packed message) */
    bool is_repeat;     /* out: reply holds the first reply; do nothing more */
    struct str reply;   /* out: lives as long as the call's arena */
};

/*
 * First thing in the transaction. The account is call->who.account_sid.
 * Errors: ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED (another request), INVALID_ARGUMENT for a bad key.
 */
enum err_code idempotency_claim(struct db_conn *conn, struct call *call, struct idempotency *use,
                                struct err *err) MUST_CHECK;

/* Last thing before the transaction's function returns: stores the reply. */
enum err_code idempotency_finish(struct db_conn *conn, struct call *call,
                                 const struct idempotency *use, struct str reply,
                                 struct err *err) MUST_CHECK;

/* Forgets keys older than that; a job's work. */
enum err_code idempotency_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                                int64_t *out_removed, struct err *err) MUST_CHECK;
