#include "statistics_ask.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "fetcher.h"
#include "shell.h"
#include "stat_store.h"
#include "svc/check.h"
#include "svc/wire.h"
#include "task_access.h"
#include "task_store.h"

enum { SPLIT_MAX_S = 31536000, MINUTE_S = 60, MS_PER_MINUTE = 60000, MINUTES_PER_DAY = 1440 };

/* Which resources there can be statistics of. */
static const struct {
    const char *prefix;
    const char *kind;
    const char *reason;
    const char *name;
} kinds[] = {
    {"WQ", "queue",    "QUEUE_NOT_FOUND",    "task queue"},
    {"WW", "workflow", "WORKFLOW_NOT_FOUND", "workflow"  },
    {"WK", "worker",   "WORKER_NOT_FOUND",   "worker"    },
};

/* What was made an instant ago may not have been told yet: its owner is asked, once. */
static enum err_code fetch(struct tasks *tasks, struct call *call, const char *workspace_sid,
                           const char *sid, struct err *err)
{
    struct fetch_job job = {.workspace_sid = sid_from(str_from(workspace_sid))};
    struct sid wanted = sid_from(str_from(sid));
    bool is_mirrored = false;
    enum err_code code = access_is_mirrored(tasks, call, workspace_sid, &is_mirrored, err);
    if (code != ERR_OK || is_mirrored)
        return code;
    if (strncmp(sid, "WQ", 2) == 0) {
        job.unknown = SHARD_UNKNOWN_QUEUE;
        job.queue_sid = wanted;
    } else if (strncmp(sid, "WW", 2) == 0) {
        job.unknown = SHARD_UNKNOWN_WORKFLOW;
        job.workflow_sid = wanted;
    } else {
        job.unknown = SHARD_UNKNOWN_WORKER;
        job.worker_sid = wanted;
    }
    code = fetcher_run(tasks->fetcher, call, &job, err);
    /* while the owner is away it is as unknown as before; another process has to be told so */
    return code == ERR_UNAVAILABLE && !shell_is_elsewhere(err->reason) ? ERR_OK : code;
}

enum err_code stat_ask_resource(struct tasks *tasks, struct call *call, const char *workspace_sid,
                                const char *field, const char *sid, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        bool is_there = false;
        if (strncmp(sid, kinds[i].prefix, 2) != 0)
            continue;
        enum err_code code = stat_store_exists(tasks->host.pool, call, workspace_sid, kinds[i].kind,
                                               sid, &is_there, err);
        if (code == ERR_OK && !is_there)
            code = fetch(tasks, call, workspace_sid, sid, err);
        if (code == ERR_OK && !is_there)
            code = stat_store_exists(tasks->host.pool, call, workspace_sid, kinds[i].kind, sid,
                                     &is_there, err);
        if (code != ERR_OK || is_there)
            return code;
        return ERR_FIELD(err, ERR_NOT_FOUND, kinds[i].reason, field,
                         "there is no %s %s in this workspace", kinds[i].name, sid);
    }
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SID", field,
                     "%s must be the SID of a task queue, workflow or worker", field);
}

/* ---- the range ---- */

static enum err_code range_from(const struct tasks *tasks, const struct stat_fields *fields,
                                struct stat_ask *out, struct err *err)
{
    int64_t keep_minutes = tasks->statistics_keep_ms / MS_PER_MINUTE;
    int64_t minutes = fields->minutes == 0 ? fields->default_minutes : fields->minutes;
    int64_t end_us = wire_time_us(fields->end);
    int64_t start_us = wire_time_us(fields->start);
    enum err_code code = check_range("minutes", minutes, 1, keep_minutes, err);
    if (code != ERR_OK)
        return code;
    if (end_us == 0 || end_us > out->now_us)
        end_us = out->now_us;
    if (start_us == 0)
        start_us = end_us - minutes * MINUTE_S * US_PER_S;
    if (start_us >= end_us)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE",
                         fields->start == NULL ? "end_date" : "start_date",
                         "start_date must be before end_date and not in the future");
    if (start_us < out->now_us - keep_minutes * MINUTE_S * US_PER_S)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "STATISTICS_TOO_OLD",
                         fields->start == NULL ? "end_date" : "start_date",
                         "statistics reach back %lld days: ask for a later start",
                         (long long)(keep_minutes / MINUTES_PER_DAY));
    /* What is not kept by the minute any more begins and ends at hours. */
    int64_t minutes_us = out->now_us - tasks->statistics_minutes_ms * US_PER_MS;
    int64_t hour_us = stat_level_us(STAT_HOUR);
    int64_t start_unit_us =
        start_us < minutes_us && fields->unit_us < hour_us ? hour_us : fields->unit_us;
    int64_t end_unit_us =
        end_us < minutes_us && fields->unit_us < hour_us ? hour_us : fields->unit_us;
    out->start_us = stat_floor(start_us, start_unit_us);
    out->end_us = stat_ceil(end_us, end_unit_us);
    return ERR_OK;
}

static enum err_code check_splits(const struct stat_fields *fields, struct err *err)
{
    if (fields->split_count > SPLITS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "split_by_wait_time",
                         "split_by_wait_time takes at most %d thresholds", SPLITS_MAX);
    for (size_t i = 0; i < fields->split_count; i++) {
        enum err_code code =
            check_range("split_by_wait_time", fields->splits[i], 1, SPLIT_MAX_S, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* ---- the rest ---- */

static enum err_code channel_from(struct tasks *tasks, struct call *call,
                                  const struct stat_fields *fields, struct stat_ask *out,
                                  struct err *err)
{
    struct str *named = NULL;
    size_t count = 0;
    bool is_there = false;
    enum err_code code = ERR_OK;
    if (fields->channel == NULL || fields->channel[0] == '\0')
        return ERR_OK;
    if (parse_is_sid(str_from(fields->channel), "TC"))
        code = stat_store_exists(tasks->host.pool, call, fields->workspace_sid, "channel",
                                 fields->channel, &is_there, err);
    else
        code = stat_store_named(tasks->host.pool, call, fields->workspace_sid, "channel",
                                fields->channel, &named, &count, err);
    if (code != ERR_OK)
        return code;
    if (!is_there && count == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CHANNEL_NOT_FOUND", "task_channel",
                         "there is no task channel %.64s in this workspace", fields->channel);
    out->channel_sid = is_there ? fields->channel : arena_str_dup(call->arena, named[0]);
    return out->channel_sid == NULL ? rpc_no_room(err) : ERR_OK;
}

static enum err_code account_of(struct tasks *tasks, struct call *call, const char *workspace_sid,
                                const char **out, struct err *err)
{
    struct sid account;
    if (shell_workspace(tasks->shell, workspace_sid, &account) != SHELL_KNOWS_LIVE)
        return task_store_account(tasks->host.pool, call, workspace_sid, out, err);
    *out = arena_strdup(call->arena, account.text);
    return *out == NULL ? rpc_no_room(err) : ERR_OK;
}

enum err_code stat_ask_from(struct tasks *tasks, struct call *call,
                            const struct stat_fields *fields, struct stat_ask *out, struct err *err)
{
    *out = (struct stat_ask){
        .now_us = clock_now_us(),
        .splits = fields->splits,
        .split_count = fields->split_count,
    };
    enum err_code code = access_require(tasks, call, fields->workspace_sid, err);
    if (code == ERR_OK)
        code = range_from(tasks, fields, out, err);
    if (code == ERR_OK)
        code = check_splits(fields, err);
    if (code == ERR_OK)
        code = channel_from(tasks, call, fields, out, err);
    return code == ERR_OK ? account_of(tasks, call, fields->workspace_sid, &out->account_sid, err)
                          : code;
}
