#include <string.h>

#include "base/ids.h"
#include "base/parse.h"
#include "message_fields.h"
#include "put.h"

enum { ARENA_BYTES = 64 << 20, TOGETHER = 200, PASSES_MAX = 10 };

typedef Taskrouter__Common__V1__MirrorResult wire_result;

/* One pass. */
struct settling {
    struct job *job;
    struct arena *arena;
    enum kind kind;
    enum twilio_resource resource;
    struct report report;
    struct run_item *items; /* conflicts first, then what changes its name */
    size_t count;
    struct mirror_batch batch;
    const struct run_item **was; /* of each in the batch */
    wire_result **results;
};

static bool is_conflict(const wire_result *result)
{
    return result->outcome == TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CONFLICTING;
}

/* A dry run has moved nobody away: those who would are judged together with the conflicts. */
static enum err_code try_unsettled(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct settling *settling = ctx;
    return progress_store_unsettled(job->writer.pool, call, job->run.sid, settling->kind,
                                    job->run.is_dry_run, TOGETHER, &settling->items,
                                    &settling->count, err);
}

/* ---- a dry run's names that would be free ---- */

/* The first SID of that kind in a sentence that is not the item's own. */
static struct str holder_in(const char *detail, const char *prefix, const char *own)
{
    for (const char *at = strstr(detail, prefix); at != NULL; at = strstr(at + 1, prefix)) {
        struct str sid = {at, strlen(at) < SID_LEN ? strlen(at) : SID_LEN};
        if (parse_is_sid(sid, prefix) && !str_eq_text(sid, own))
            return sid;
    }
    return (struct str){NULL, 0};
}

struct holders {
    struct str *sids;
    bool *are_gone;
    size_t count;
};

static enum err_code try_holders(struct job *job, struct call *call, void *ctx, struct err *err)
{
    const struct holders *holders = ctx;
    return progress_store_vanished(job->writer.pool, call, job->run.sid, holders->sids,
                                   holders->count, holders->are_gone, err);
}

/* What is in the way only of something that has vanished is none in a run that changes things. */
static enum err_code look_past_vanished(struct settling *settling, struct err *err)
{
    struct holders holders = {.count = settling->batch.count};
    holders.sids = ARENA_ARRAY(settling->arena, struct str, holders.count);
    holders.are_gone = ARENA_ARRAY(settling->arena, bool, holders.count);
    if (holders.sids == NULL || holders.are_gone == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < holders.count; i++) {
        const wire_result *result = settling->results[i];
        holders.sids[i] = STR("");
        if (is_conflict(result))
            holders.sids[i] =
                holder_in(result->detail, twilio_prefix(settling->resource), result->sid);
        if (holders.sids[i].ptr == NULL)
            holders.sids[i] = STR("");
    }
    enum err_code code = job_insist(settling->job, settling->arena, try_holders, &holders, err);
    for (size_t i = 0; i < holders.count && code == ERR_OK; i++) {
        if (holders.are_gone[i])
            code = expect_result(&settling->report, settling->resource, settling->batch.items[i],
                                 settling->results[i], err);
    }
    return code;
}

/* ---- one pass ---- */

static enum err_code put_together(struct settling *settling, const struct fetch *fetches,
                                  struct err *err)
{
    struct job *job = settling->job;
    ProtobufCMessage **items = ARENA_ARRAY(settling->arena, ProtobufCMessage *, settling->count);
    settling->was = ARENA_ARRAY(settling->arena, const struct run_item *, settling->count);
    if (items == NULL || settling->was == NULL)
        return call_no_room(err);
    settling->batch = (struct mirror_batch){.resource = settling->resource,
                                            .workspace_sid = job->run.workspace_sid,
                                            .items = items,
                                            .observed_at_us = INT64_MAX,
                                            .is_dry_run = job->run.is_dry_run};
    for (size_t i = 0; i < settling->count; i++) {
        if (fetches[i].is_gone || fetches[i].message == NULL)
            continue;
        settling->was[settling->batch.count] = &settling->items[i];
        items[settling->batch.count++] = fetches[i].message;
        if (fetches[i].observed_at_us < settling->batch.observed_at_us)
            settling->batch.observed_at_us = fetches[i].observed_at_us;
    }
    if (settling->batch.count == 0)
        return ERR_OK;
    enum err_code code = put_batch(&settling->report, &settling->batch, &settling->results, err);
    if (code == ERR_OK && job->run.is_dry_run)
        code = look_past_vanished(settling, err);
    return code;
}

static enum err_code read_again(struct settling *settling, struct err *err)
{
    struct job *job = settling->job;
    struct fetch *fetches = ARENA_ARRAY(settling->arena, struct fetch, settling->count);
    if (fetches == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < settling->count; i++)
        fetches[i] = (struct fetch){
            .resource = settling->resource,
            .path = twilio_path(settling->arena, settling->resource, job->run.workspace_sid, NULL,
                                settling->items[i].sid),
            .takes_odd = true,
        };
    if (arena_is_exhausted(settling->arena))
        return call_no_room(err);
    AUTO(fetch_many_end)
    struct fetch_many many = {.job = job, .fetches = fetches, .count = settling->count};
    enum err_code code = fetch_many(&many, err);
    return code == ERR_OK ? put_together(settling, fetches, err) : code;
}

/* *out_settled: how many conflicts are none any more. */
static enum err_code one_pass(struct settling *settling, const char *cursor, size_t *out_settled,
                              struct err *err)
{
    arena_reset(settling->arena);
    settling->batch = (struct mirror_batch){0};
    report_init(&settling->report, settling->job, settling->arena, settling->kind);
    enum err_code code = job_insist(settling->job, settling->arena, try_unsettled, settling, err);
    if (code == ERR_OK && settling->count > 0)
        code = read_again(settling, err);
    for (size_t i = 0; i < settling->batch.count && code == ERR_OK; i++) {
        bool was_conflict = settling->was[i]->outcome == OUTCOME_CONFLICTING;
        if (was_conflict && !is_conflict(settling->results[i]))
            report_settle(&settling->report, settling->results[i]);
    }
    *out_settled = settling->report.settled_count;
    return code == ERR_OK ? report_store(&settling->report, cursor, -1, err) : code;
}

enum err_code settle_rows(struct job *job, enum kind kind, enum twilio_resource resource,
                          const char *cursor, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct settling settling = {.job = job, .arena = arena, .kind = kind, .resource = resource};
    enum err_code code = ERR_OK;
    size_t settled = 1;
    for (int pass = 0; code == ERR_OK && settled > 0 && pass < PASSES_MAX; pass++) {
        if (job->kinds[kind].counts.conflicting == 0)
            return ERR_OK;
        code = one_pass(&settling, cursor, &settled, err);
    }
    return code;
}
