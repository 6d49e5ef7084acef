#include "upkeep.h"

#include <stdlib.h>

#include "app/app.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "call_store.h"
#include "text_store.h"

enum { PERIOD_MS = 600000, ROWS = 1000 };

struct upkeep {
    struct db_pool *pool;
    int64_t call_max_age_ms;
};

typedef enum err_code prune_fn(struct db_pool *pool, struct call *call, int64_t older_than_us,
                               int64_t limit, int64_t *out_removed, struct err *err);

static enum err_code run(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    static prune_fn *const prunes[] = {call_store_prune, text_store_prune};
    const struct upkeep *upkeep = ctx;
    int64_t before_us = clock_now_us() - upkeep->call_max_age_ms * US_PER_MS;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(prunes) && code == ERR_OK; i++) {
        int64_t removed = upkeep->call_max_age_ms > 0 ? ROWS : 0;
        while (code == ERR_OK && removed == ROWS && !app_job_is_stopping(job))
            code = prunes[i](upkeep->pool, call, before_us, ROWS, &removed, err);
    }
    return code;
}

static const struct app_job_def job = {
    .name = "upkeep",
    .run = run,
    .period_ms = PERIOD_MS,
    .runs_at_start = true,
};

struct upkeep *upkeep_new(struct db_pool *pool, int64_t call_max_age_ms)
{
    struct upkeep *upkeep = xcalloc(1, sizeof *upkeep);
    upkeep->pool = pool;
    upkeep->call_max_age_ms = call_max_age_ms;
    return upkeep;
}

void upkeep_free(struct upkeep *upkeep)
{
    free(upkeep);
}

void upkeep_start(struct upkeep *upkeep, struct app *app)
{
    (void)app_job_start(app, &job, upkeep);
}
