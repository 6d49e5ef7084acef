#include <string.h>

#include "check.h"
#include "put.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

/*
 * The workspace itself, first of all kinds: whether everything is set up so that the others can
 * work, and the row that they hang on. Done again by whoever goes on with a run, and counted once.
 */

enum { ARENA_BYTES = 4 << 20, CHECK_MS = 10000, CHECK_LEAST_MS = 3000, CONTACT_MS = 5000 };

struct checking {
    struct check check;
    int64_t until_mono_us; /* of the patience */
};

/* The last attempt ends with the patience, or soon after: it has to have time to learn why. */
static enum err_code try_check(struct job *job, struct call *call, void *ctx, struct err *err)
{
    const struct runs_options *options = job->options;
    struct checking *checking = ctx;
    int64_t now_us = clock_mono_us();
    int64_t until_us = now_us + CHECK_MS * US_PER_MS;
    if (until_us > checking->until_mono_us)
        until_us = checking->until_mono_us;
    if (until_us < now_us + CHECK_LEAST_MS * US_PER_MS)
        until_us = now_us + CHECK_LEAST_MS * US_PER_MS;
    call->deadline_mono_us = until_us;
    return check_run(&(struct check_options){.host = options->host,
                                             .upstream = options->upstream,
                                             .account_sid = options->account_sid},
                     call, job->run.workspace_sid, &checking->check, err);
}

struct adopting {
    struct mirror_batch batch;
    Taskrouter__Common__V1__MirrorResult **results;
};

static enum err_code try_adopt(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct adopting *adopting = ctx;
    return mirror_put(job->options->host, call, &adopting->batch, &adopting->results, err);
}

static enum err_code adopt(struct job *job, struct arena *arena, const struct check *check,
                           struct report *report, struct err *err)
{
    ProtobufCMessage *item = &check->workspace->base;
    struct adopting adopting = {
        .batch = {.resource = TWILIO_WORKSPACE,
                  .workspace_sid = job->run.workspace_sid,
                  .items = &item,
                  .count = 1,
                  .observed_at_us = check->observed_at_us,
                  .is_dry_run = job->run.is_dry_run}
    };
    enum err_code code = job_insist(job, arena, try_adopt, &adopting, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Common__V1__MirrorResult *result = adopting.results[0];
    if (result->outcome == TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CONFLICTING)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "WORKSPACE_CONFLICTING",
                       "workspace %s cannot be mirrored here: %s", job->run.workspace_sid,
                       result->detail);
    job->is_new = job->run.is_dry_run &&
                  result->outcome == TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CREATED;
    report_add(report, result);
    return ERR_OK;
}

/* Somebody waits for a run that was asked for, perhaps to learn whether the settings are right: the
 * first contact shows it soon. Runs that begin by themselves have time. */
static int64_t contact_ms(const struct job *job)
{
    bool is_first = job->kinds[KIND_WORKSPACE].state != KIND_STATE_DONE;
    bool has_time =
        strcmp(job->run.cause, "weekly") == 0 || strcmp(job->run.cause, "reconcile") == 0;
    bool is_short = is_first && !has_time && job->options->patience_ms > CONTACT_MS;
    return is_short ? CONTACT_MS : job->options->patience_ms;
}

enum err_code do_workspace(struct job *job, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct report report;
    report_init(&report, job, arena, KIND_WORKSPACE);
    job->patience_ms = contact_ms(job);
    struct checking checking = {.until_mono_us = clock_mono_us() + job->patience_ms * US_PER_MS};
    enum err_code code = job_insist(job, arena, try_check, &checking, err);
    job->patience_ms = job->options->patience_ms;
    if (code == ERR_OK)
        code = adopt(job, arena, &checking.check, &report, err);
    bool is_counted = job->kinds[KIND_WORKSPACE].counts.seen > 0;
    if (code == ERR_OK && !is_counted)
        code = report_store(&report, "", 1, err);
    return code;
}
