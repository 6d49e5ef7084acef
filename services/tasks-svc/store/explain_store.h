/* Reads for explanations: what only the history knows. */
#pragma once

#include <stdint.h>

#include "base/call.h"
#include "db/db.h"

/* When a worker's offer of that sequence was made, before the reservation given; 0 = not found. */
enum err_code explain_store_offer_at(struct db_pool *pool, struct call *call,
                                     const char *workspace_sid, const char *worker_sid,
                                     const char *before_sid, int64_t sequence, int64_t *out_at_us,
                                     struct err *err) MUST_CHECK;
