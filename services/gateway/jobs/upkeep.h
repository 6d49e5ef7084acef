/* Removes what has been kept long enough: calls, and conversations by text messages. */
#pragma once

#include <stdint.h>

struct app;
struct db_pool;
struct upkeep;

/* call_max_age_ms: 0 keeps all. */
struct upkeep *upkeep_new(struct db_pool *pool, int64_t call_max_age_ms);
void upkeep_free(struct upkeep *upkeep); /* NULL is allowed */
void upkeep_start(struct upkeep *upkeep, struct app *app);
