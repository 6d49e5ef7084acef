#include "upkeep.h"

#include "base/clock.h"
#include "routing.h"
#include "rule_store.h"

enum { PERIOD_MS = 600000, ROWS = 1000 };

static enum err_code run(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    const struct routing *routing = ctx;
    int64_t max_age_ms = routing->settings->rule_version_max_age_ms;
    int64_t removed = max_age_ms > 0 ? ROWS : 0;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && removed == ROWS && !app_job_is_stopping(job))
        code = rule_version_store_prune(
            routing->host.pool, call, clock_now_us() - max_age_ms * US_PER_MS, ROWS, &removed, err);
    return code;
}

const struct app_job_def upkeep_job = {
    .name = "upkeep",
    .run = run,
    .period_ms = PERIOD_MS,
    .runs_at_start = true,
};
