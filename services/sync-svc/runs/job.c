#include "job.h"

#include <string.h>

#include "base/ids.h"
#include "runs_int.h"

enum { REST_FIRST_MS = 100, REST_LONGEST_MS = 3000 };

enum job_halt job_halt(const struct job *job)
{
    return (enum job_halt)atomic_load(&job->halt);
}

void job_halt_set(struct job *job, enum job_halt halt)
{
    int none = JOB_GOES_ON;
    if (atomic_compare_exchange_strong(&job->halt, &none, (int)halt))
        runs_wake(job->runs);
}

enum err_code job_check(const struct job *job, struct err *err)
{
    if (job_halt(job) == JOB_GOES_ON)
        return ERR_OK;
    return ERR_SET(err, ERR_CANCELLED, "RUN_HALTED", "the sync run is to stop");
}

bool job_rest(struct job *job, int64_t ms)
{
    int64_t until_us = clock_mono_us() + ms * US_PER_MS;
    while (job_halt(job) == JOB_GOES_ON && clock_mono_us() < until_us)
        runs_wait(job->runs, until_us);
    return job_halt(job) == JOB_GOES_ON;
}

void job_call(struct call *call, struct arena *arena)
{
    call_init(call, arena, "sync run", JOB_CALL_MS * US_PER_MS);
    call->who.role = ROLE_SERVICE;
    call->who.actor_sid = "service:sync-svc";
}

bool job_is_passing(enum err_code code, const struct err *err)
{
    switch (code) {
    case ERR_UNAVAILABLE:
    case ERR_DEADLINE_EXCEEDED:
        return true;
    case ERR_RESOURCE_EXHAUSTED: /* unless it is we who have no room */
        return err->reason == NULL || strcmp(err->reason, "REQUEST_TOO_LARGE") != 0;
    case ERR_ABORTED:
        return err->reason == NULL || strcmp(err->reason, "LEASE_LOST") != 0;
    default:
        return false;
    }
}

/* Between half of the step and the whole of it. */
static int64_t rest_ms(int attempts)
{
    uint32_t chance = 0;
    int64_t step_ms = REST_FIRST_MS;
    for (int i = 1; i < attempts && step_ms < REST_LONGEST_MS; i++)
        step_ms *= 2;
    random_bytes(&chance, sizeof chance);
    return step_ms / 2 + (int64_t)(chance % (uint32_t)(step_ms / 2 + 1));
}

enum err_code job_insist(struct job *job, struct arena *arena, job_try_fn attempt, void *ctx,
                         struct err *err)
{
    int64_t patience_ms = atomic_load(&job->is_away) ? 0 : job->patience_ms;
    int64_t until_us = clock_mono_us() + patience_ms * US_PER_MS;
    for (int attempts = 1;; attempts++) {
        struct call call;
        enum err_code code = job_check(job, err);
        if (code != ERR_OK)
            return code;
        struct arena_mark mark = arena_mark(arena);
        job_call(&call, arena);
        code = attempt(job, &call, ctx, err);
        if (code == ERR_OK || !job_is_passing(code, err))
            return code;
        arena_rewind(arena, mark);
        if (clock_mono_us() >= until_us) {
            atomic_store(&job->is_away, true);
            return code;
        }
        if (!job_rest(job, rest_ms(attempts)))
            return job_check(job, err);
        err_clear(err);
    }
}
