#include "log_keys.h"

#include "event_store.h"
#include "shell.h"

enum { PERIOD_MS = 500 };

static enum err_code run(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    const struct log_keys *keys = ctx;
    for (int i = 0; i < shell_shard_count(keys->shell); i++) {
        if (shell_is_owner(keys->shell, i))
            return event_store_merge_keys(keys->pool, call, err); /* one index for all shards */
    }
    return ERR_OK;
}

const struct app_job_def log_keys_job = {.name = "log-keys", .run = run, .period_ms = PERIOD_MS};
