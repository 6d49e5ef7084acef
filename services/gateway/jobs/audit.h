/*
 * The audit log: who changed, or tried to change, what. Entries are queued by requests and written
 * in batches by a job, so that no request waits for them; the queue is bounded, and while it is
 * full requests that change something are refused (audit_reserve): nothing happens unrecorded.
 * Threads: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/app.h"
#include "audit_store.h"

struct audit;

/* pool is borrowed. max_age_ms: older rows are removed; 0 = never. */
struct audit *audit_new(struct db_pool *pool, int64_t max_age_ms);

/* Entries not written by then are lost, and said so in the log. NULL is allowed. */
void audit_free(struct audit *audit);

/* Starts the job; once. */
void audit_start(struct audit *audit, struct app *app);

/* Takes a place for one entry. Errors: UNAVAILABLE AUDIT_BEHIND. */
enum err_code audit_reserve(struct audit *audit, struct err *err) MUST_CHECK;

/* Fills the place taken; texts are copied. */
void audit_add(struct audit *audit, const struct audit_row *row);

/* Writes all that is queued, at most until the call's deadline. By one thread at a time: the job,
 * and after its end the shutdown. */
enum err_code audit_flush(struct audit *audit, struct call *call, struct err *err) MUST_CHECK;
