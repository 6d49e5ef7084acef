#include <string.h>

#include "message_fields.h"
#include "put.h"

enum { ARENA_BYTES = 128 << 20 };

/* A page of ours on its way. */
struct look {
    struct job *job;
    struct arena *arena;
    enum kind kind;
    enum twilio_resource resource;
    struct report report;
    struct ours ours;
    struct fetch *candidates; /* those that the run has not met, to be asked for at Twilio */
    size_t count;
};

static enum err_code try_candidates(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct look *look = ctx;
    size_t *indexes = NULL;
    size_t count = 0;
    struct str *sids = ARENA_ARRAY(call->arena, struct str, look->ours.count);
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < look->ours.count; i++)
        sids[i] = str_from(field_text(look->ours.items[i], "sid"));
    enum err_code code = progress_store_unseen(job->writer.pool, call, job->run.sid, look->kind,
                                               sids, look->ours.count, &indexes, &count, err);
    if (code != ERR_OK)
        return code;
    struct fetch *candidates = ARENA_ARRAY(call->arena, struct fetch, count);
    if (candidates == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        const ProtobufCMessage *item = look->ours.items[indexes[i]];
        candidates[i] = (struct fetch){
            .resource = look->resource,
            .path = twilio_path(call->arena, look->resource, job->run.workspace_sid,
                                field_text(item, "task_sid"), field_text(item, "sid")),
        };
    }
    look->candidates = candidates;
    look->count = count;
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

struct going {
    struct mirror_gone gone;
    Taskrouter__Common__V1__MirrorResult **results;
};

static enum err_code try_vanish(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct going *going = ctx;
    return mirror_vanish(job->options->host, call, &going->gone, &going->results, err);
}

/* The SID at the end of a path. */
static const char *sid_in(const struct fetch *candidate)
{
    return strrchr(candidate->path, '/') + 1;
}

static enum err_code mark_gone(struct look *look, struct err *err)
{
    const struct job *job = look->job;
    const char **sids = ARENA_ARRAY(look->arena, const char *, look->count);
    struct going going = {
        .gone = {.resource = look->resource,
                 .workspace_sid = job->run.workspace_sid,
                 .sids = sids,
                 .observed_at_us = INT64_MAX,
                 .is_dry_run = job->run.is_dry_run}
    };
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < look->count; i++) {
        const struct fetch *candidate = &look->candidates[i];
        if (!candidate->is_gone)
            continue;
        sids[going.gone.count++] = sid_in(candidate);
        if (candidate->observed_at_us <
            going.gone.observed_at_us) /* the first that was asked for */
            going.gone.observed_at_us = candidate->observed_at_us;
    }
    if (going.gone.count == 0)
        return ERR_OK;
    enum err_code code = job_insist(look->job, look->arena, try_vanish, &going, err);
    for (size_t i = 0; i < going.gone.count && code == ERR_OK; i++) {
        if (going.results[i]->outcome !=
            TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UNKNOWN) /* gone here as well */
            report_add(&look->report, going.results[i]);
    }
    return code;
}

/* They are there after all: the list had shifted under the paging, or they have ended since. */
static enum err_code put_present(struct look *look, struct err *err)
{
    size_t count = 0;
    int64_t observed_at_us = INT64_MAX;
    ProtobufCMessage **items = ARENA_ARRAY(look->arena, ProtobufCMessage *, look->count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < look->count; i++) {
        const struct fetch *candidate = &look->candidates[i];
        if (candidate->is_gone)
            continue;
        items[count++] = candidate->message;
        report_seen(&look->report, sid_in(candidate));
        if (candidate->observed_at_us < observed_at_us)
            observed_at_us = candidate->observed_at_us;
    }
    if (count == 0)
        return ERR_OK;
    if (look->resource == TWILIO_TASK)
        return put_tasks(&look->report, items, count, observed_at_us, err);
    return put_rows(&look->report, look->resource, items, count, observed_at_us, NULL, err);
}

static enum err_code one_page(struct look *look, const char *cursor, const char *mark,
                              const char **out_next, struct err *err)
{
    arena_reset(look->arena);
    report_init(&look->report, look->job, look->arena, look->kind);
    enum err_code code =
        ours_page(look->job, look->arena, look->resource, cursor, &look->ours, err);
    if (code == ERR_OK)
        code = job_insist(look->job, look->arena, try_candidates, look, err);
    if (code != ERR_OK)
        return code;
    AUTO(fetch_many_end)
    struct fetch_many many = {.job = look->job, .fetches = look->candidates, .count = look->count};
    code = fetch_many(&many, err);
    if (code == ERR_OK)
        code = mark_gone(look, err);
    if (code == ERR_OK)
        code = put_present(look, err);
    const char *next = arena_printf(look->job->arena, "%s%s", mark, look->ours.next_cursor);
    if (code == ERR_OK && next == NULL)
        code = call_no_room(err);
    if (code == ERR_OK)
        code = report_store(&look->report, next, -1, err);
    if (code == ERR_OK)
        *out_next = next + strlen(mark);
    return code;
}

enum err_code vanish_rows(struct job *job, enum kind kind, enum twilio_resource resource,
                          const char *cursor, const char *cursor_prefix, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct look look = {.job = job, .arena = arena, .kind = kind, .resource = resource};
    enum err_code code = ERR_OK;
    do {
        code = one_page(&look, cursor, cursor_prefix, &cursor, err);
    } while (code == ERR_OK && cursor[0] != '\0');
    return code;
}
