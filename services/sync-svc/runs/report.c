#include "report.h"

#include <string.h>

#include "base/buf.h"
#include "jx/writer.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "runs_int.h"

static const struct metric_def things_def = {
    .name = "taskrouter_sync_things_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "What runs of the sync found, by kind and what became of it; not of dry runs",
    .labels = {"kind", "outcome"},
};

_Static_assert((int)OUTCOME_UNKNOWN ==
                   (int)TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UNKNOWN,
               "outcomes have the wire's numbers");

void report_init(struct report *report, struct job *job, struct arena *arena, enum kind kind)
{
    *report = (struct report){.job = job, .arena = arena, .kind = kind};
}

static void *grown(struct arena *arena, void *old, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return old;
    size_t wanted = *room == 0 ? 256 : 2 * *room;
    void *larger = arena_calloc(arena, wanted, size);
    if (larger == NULL)
        return NULL;
    if (count > 0)
        memcpy(larger, old, count * size);
    *room = wanted;
    return larger;
}

static void list(struct report *report, const struct run_item *item)
{
    void *items = grown(report->arena, report->items, report->item_count, &report->item_room,
                        sizeof *report->items);
    if (items == NULL)
        return; /* the arena says so when the report is stored */
    report->items = items;
    report->items[report->item_count++] = *item;
}

static void count(struct report *report, enum outcome outcome)
{
    counts_add(&report->counts, outcome);
    if (!report->job->run.is_dry_run)
        metric_inc(METRIC_SERIES(metric_register(&things_def), kind_name(report->kind),
                                 outcome_name(outcome)));
}

static const char *fields_text(struct report *report,
                               const Taskrouter__Common__V1__MirrorResult *result)
{
    struct buf text;
    struct jx_writer w;
    struct err err = {0};
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_array_begin(&w);
    for (size_t i = 0; i < result->n_fields; i++) {
        jx_object_begin(&w);
        jx_put_text(&w, "name", result->fields[i]->name);
        jx_put_text(&w, "ours", result->fields[i]->ours);
        jx_put_text(&w, "theirs", result->fields[i]->theirs);
        jx_object_end(&w);
    }
    jx_array_end(&w);
    const char *copy =
        jx_writer_finish(&w, &err) == ERR_OK ? arena_str_dup(report->arena, buf_str(&text)) : "[]";
    buf_fini(&text);
    return copy;
}

void report_add(struct report *report, const Taskrouter__Common__V1__MirrorResult *result)
{
    int number = (int)result->outcome;
    enum outcome outcome =
        number > OUTCOME_NONE && number < OUTCOME_COUNT ? (enum outcome)number : OUTCOME_UNKNOWN;
    count(report, outcome);
    if (outcome == OUTCOME_UNCHANGED)
        return;
    list(report, &(struct run_item){.kind = report->kind,
                                    .sid = result->sid,
                                    .friendly_name = result->friendly_name,
                                    .outcome = outcome,
                                    .fields = fields_text(report, result),
                                    .detail = result->detail});
}

void report_settle(struct report *report, const Taskrouter__Common__V1__MirrorResult *result)
{
    void *settled = grown(report->arena, report->settled, report->settled_count,
                          &report->settled_room, sizeof *report->settled);
    if (settled == NULL)
        return;
    enum outcome outcome = (enum outcome)result->outcome;
    report->settled = settled;
    report->settled[report->settled_count++] =
        (struct run_item){.kind = report->kind,
                          .sid = result->sid,
                          .outcome = outcome,
                          .fields = fields_text(report, result),
                          .detail = result->detail};
    count(report, outcome);
    report->counts.seen--;        /* it was counted before, */
    report->counts.conflicting--; /* as a conflict */
}

void report_note(struct report *report, const char *sid, const char *friendly_name,
                 enum outcome outcome, const char *detail)
{
    count(report, outcome);
    if (outcome == OUTCOME_UNCHANGED)
        return;
    list(report, &(struct run_item){.kind = report->kind,
                                    .sid = sid,
                                    .friendly_name = friendly_name,
                                    .outcome = outcome,
                                    .fields = "[]",
                                    .detail = detail});
}

void report_seen(struct report *report, const char *sid)
{
    void *seen = grown(report->arena, report->seen, report->seen_count, &report->seen_room,
                       sizeof *report->seen);
    if (seen == NULL)
        return;
    report->seen = seen;
    report->seen[report->seen_count++] = str_from(sid);
}

/* ---- storing ---- */

static enum err_code try_store(struct job *job, struct call *call, void *ctx, struct err *err)
{
    bool is_cancel_asked = false;
    enum err_code code = progress_store_step(&job->writer, call, ctx, &is_cancel_asked, err);
    if (code == ERR_OK && is_cancel_asked)
        job_halt_set(job, JOB_CANCELED);
    return code;
}

static void add_up(struct kind_counts *sum, const struct kind_counts *more)
{
    sum->seen += more->seen;
    sum->created += more->created;
    sum->updated += more->updated;
    sum->unchanged += more->unchanged;
    sum->vanished += more->vanished;
    sum->conflicting += more->conflicting;
    sum->linked += more->linked;
}

enum err_code report_store(struct report *report, const char *cursor, int64_t total,
                           struct err *err)
{
    struct job *job = report->job;
    if (arena_is_exhausted(report->arena))
        return call_no_room(err);
    size_t room = job->item_count < JOB_ITEMS_MAX ? (size_t)(JOB_ITEMS_MAX - job->item_count) : 0;
    struct progress_step step = {
        .kind = report->kind,
        .counts = report->counts,
        .total = total,
        .cursor = cursor,
        .items = report->items,
        .item_count = report->item_count < room ? report->item_count : room,
        .settled = report->settled,
        .settled_count = report->settled_count,
        .seen = report->seen,
        .seen_count = report->seen_count,
    };
    enum err_code code = job_insist(job, report->arena, try_store, &step, err);
    if (code != ERR_OK) {
        if (code == ERR_ABORTED)
            job_halt_set(job, JOB_LOST);
        return code;
    }
    job->item_count += (int64_t)step.item_count;
    add_up(&job->kinds[report->kind].counts, &report->counts);
    report->counts = (struct kind_counts){0};
    report->item_count = 0;
    report->settled_count = 0;
    report->seen_count = 0;
    runs_wake(job->runs);
    return job_check(job, err);
}
