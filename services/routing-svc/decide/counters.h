/* How often rules matched, kept in memory and stored once a second: a decision writes nothing. What
 * a process that is killed has not yet stored is lost. */
#pragma once

#include <stdint.h>

#include "app/app.h"
#include "base/str.h"

struct counters;
struct db_pool;

struct counters *counters_new(struct db_pool *pool); /* borrowed */
void counters_free(struct counters *counters);       /* NULL is allowed */

/* Threads: any. */
void counters_add(struct counters *counters, struct str rule_sid, int64_t at_us);

/* The job that stores them; its context is the counters. */
extern const struct app_job_def counters_job;

/* The same at the end of the service; ctx is the counters. An app_close_fn. */
void counters_flush(void *ctx, int64_t until_mono_us);
