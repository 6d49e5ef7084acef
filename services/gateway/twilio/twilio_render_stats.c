/* Statistics in Twilio's shapes: which members each kind has, combined or flat. */
#include <inttypes.h>
#include <stdio.h>

#include "base/macros.h"
#include "jx/writer.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/statistics.pb-c.h"
#include "twilio_ops.h"
#include "twilio_render.h"
#include "twilio_views.h"

enum { NUMBER_SIZE = 24 };

static bool has_tasks(enum twilio_stats kind)
{
    return kind == TWILIO_STATS_WORKSPACE || kind == TWILIO_STATS_QUEUE ||
           kind == TWILIO_STATS_WORKFLOW;
}

static void date_put(struct jx_writer *w, const char *key, const Google__Protobuf__Timestamp *time)
{
    int64_t at_us = wire_time_us(time);
    if (at_us == 0)
        jx_put_null(w, key);
    else
        jx_put_time_s(w, key, at_us);
}

static void sid_put(struct jx_writer *w, const char *key, const char *sid)
{
    jx_put_text(w, key, sid == NULL || sid[0] == '\0' ? NULL : sid);
}

/* ---- of now ---- */

static void activities_put(struct jx_writer *w,
                           const Taskrouter__Tasks__V1__RealtimeStatistics *stats)
{
    jx_key(w, "activity_statistics");
    jx_array_begin(w);
    for (size_t i = 0; i < stats->n_activity_statistics; i++) {
        const Taskrouter__Tasks__V1__ActivityStatistic *one = stats->activity_statistics[i];
        jx_object_begin(w);
        jx_put_text(w, "friendly_name", one->friendly_name);
        jx_put_i64(w, "workers", one->workers);
        sid_put(w, "sid", one->sid);
        jx_object_end(w);
    }
    jx_array_end(w);
}

static void tasks_put(struct jx_writer *w, const Taskrouter__Tasks__V1__RealtimeStatistics *stats)
{
    char key[NUMBER_SIZE];
    const Taskrouter__Tasks__V1__StatusStatistic none = {0};
    const Taskrouter__Tasks__V1__StatusStatistic *status =
        stats->tasks_by_status != NULL ? stats->tasks_by_status : &none;
    jx_put_i64(w, "longest_task_waiting_age", stats->longest_task_waiting_age);
    sid_put(w, "longest_task_waiting_sid", stats->longest_task_waiting_sid);
    jx_key(w, "tasks_by_priority");
    jx_object_begin(w);
    for (size_t i = 0; i < stats->n_tasks_by_priority; i++) {
        (void)snprintf(key, sizeof key, "%" PRId64, stats->tasks_by_priority[i]->priority);
        jx_put_i64(w, key, stats->tasks_by_priority[i]->tasks);
    }
    jx_object_end(w);
    jx_key(w, "tasks_by_status");
    jx_object_begin(w);
    jx_put_i64(w, "pending", status->pending);
    jx_put_i64(w, "reserved", status->reserved);
    jx_put_i64(w, "assigned", status->assigned);
    jx_put_i64(w, "wrapping", status->wrapping);
    jx_object_end(w);
    jx_put_i64(w, "total_tasks", stats->total_tasks);
}

static void realtime_members(struct jx_writer *w, enum twilio_stats kind,
                             const Taskrouter__Tasks__V1__RealtimeStatistics *given)
{
    Taskrouter__Tasks__V1__RealtimeStatistics none;
    taskrouter__tasks__v1__realtime_statistics__init(&none);
    const Taskrouter__Tasks__V1__RealtimeStatistics *stats = given != NULL ? given : &none;
    if (kind != TWILIO_STATS_WORKFLOW)
        activities_put(w, stats);
    if (has_tasks(kind))
        tasks_put(w, stats);
    if (kind == TWILIO_STATS_QUEUE) {
        jx_put_i64(w, "longest_relative_task_age_in_queue",
                   stats->longest_relative_task_age_in_queue);
        sid_put(w, "longest_relative_task_sid_in_queue", stats->longest_relative_task_sid_in_queue);
        jx_put_i64(w, "total_available_workers", stats->total_available_workers);
        jx_put_i64(w, "total_eligible_workers", stats->total_eligible_workers);
    }
    if (kind == TWILIO_STATS_WORKSPACE || kind == TWILIO_STATS_WORKERS)
        jx_put_i64(w, "total_workers", stats->total_workers);
}

/* ---- of the past ---- */

static void wait_put(struct jx_writer *w, const char *key,
                     const Taskrouter__Tasks__V1__WaitStatistic *wait)
{
    jx_key(w, key);
    jx_object_begin(w);
    jx_key(w, "avg");
    jx_double(w, wait == NULL ? 0 : wait->avg);
    jx_put_i64(w, "min", wait == NULL ? 0 : wait->min);
    jx_put_i64(w, "max", wait == NULL ? 0 : wait->max);
    jx_put_i64(w, "total", wait == NULL ? 0 : wait->total);
    jx_object_end(w);
}

static void side_put(struct jx_writer *w, const char *key,
                     const Taskrouter__Tasks__V1__SplitSide *side)
{
    jx_key(w, key);
    jx_object_begin(w);
    jx_put_i64(w, "tasks_canceled", side == NULL ? 0 : side->tasks_canceled);
    jx_put_i64(w, "reservations_accepted", side == NULL ? 0 : side->reservations_accepted);
    jx_object_end(w);
}

static void split_put(struct jx_writer *w, const Taskrouter__Tasks__V1__CumulativeStatistics *stats)
{
    char key[NUMBER_SIZE];
    jx_key(w, "split_by_wait_time");
    jx_object_begin(w);
    for (size_t i = 0; i < stats->n_split_by_wait_time; i++) {
        const Taskrouter__Tasks__V1__SplitStatistic *split = stats->split_by_wait_time[i];
        (void)snprintf(key, sizeof key, "%" PRId64, split->threshold);
        jx_key(w, key);
        jx_object_begin(w);
        side_put(w, "above", split->above);
        side_put(w, "below", split->below);
        jx_object_end(w);
    }
    jx_object_end(w);
}

static void durations_put(struct jx_writer *w,
                          const Taskrouter__Tasks__V1__CumulativeStatistics *stats)
{
    jx_key(w, "activity_durations");
    jx_array_begin(w);
    for (size_t i = 0; i < stats->n_activity_durations; i++) {
        const Taskrouter__Tasks__V1__DurationStatistic *one = stats->activity_durations[i];
        jx_object_begin(w);
        sid_put(w, "sid", one->sid);
        jx_put_text(w, "friendly_name", one->friendly_name);
        jx_put_i64(w, "min", one->min);
        jx_key(w, "avg");
        jx_double(w, one->avg);
        jx_put_i64(w, "max", one->max);
        jx_put_i64(w, "total", one->total);
        jx_object_end(w);
    }
    jx_array_end(w);
}

/* The flat form has the average as a whole number. */
static void task_counts_put(struct jx_writer *w, enum twilio_stats kind,
                            const Taskrouter__Tasks__V1__CumulativeStatistics *stats, bool is_flat)
{
    jx_key(w, "avg_task_acceptance_time");
    if (is_flat)
        jx_i64(w, (int64_t)stats->avg_task_acceptance_time);
    else
        jx_double(w, stats->avg_task_acceptance_time);
    wait_put(w, "wait_duration_until_accepted", stats->wait_duration_until_accepted);
    wait_put(w, "wait_duration_until_canceled", stats->wait_duration_until_canceled);
    if (kind == TWILIO_STATS_QUEUE)
        wait_put(w, "wait_duration_in_queue_until_accepted",
                 stats->wait_duration_in_queue_until_accepted);
    split_put(w, stats);
    jx_put_i64(w, "tasks_canceled", stats->tasks_canceled);
    jx_put_i64(w, "tasks_completed", stats->tasks_completed);
    jx_put_i64(w, "tasks_deleted", stats->tasks_deleted);
    jx_put_i64(w, "tasks_moved", stats->tasks_moved);
    if (kind == TWILIO_STATS_WORKSPACE)
        jx_put_i64(w, "tasks_created", stats->tasks_created);
    else
        jx_put_i64(w, "tasks_entered", stats->tasks_entered);
    if (kind != TWILIO_STATS_QUEUE)
        jx_put_i64(w, "tasks_timed_out_in_workflow", stats->tasks_timed_out_in_workflow);
}

static void cumulative_members(struct jx_writer *w, enum twilio_stats kind,
                               const Taskrouter__Tasks__V1__CumulativeStatistics *given,
                               bool is_flat)
{
    Taskrouter__Tasks__V1__CumulativeStatistics none;
    taskrouter__tasks__v1__cumulative_statistics__init(&none);
    const Taskrouter__Tasks__V1__CumulativeStatistics *stats = given != NULL ? given : &none;
    date_put(w, "start_time", stats->start_time);
    date_put(w, "end_time", stats->end_time);
    jx_put_i64(w, "reservations_created", stats->reservations_created);
    jx_put_i64(w, "reservations_accepted", stats->reservations_accepted);
    jx_put_i64(w, "reservations_rejected", stats->reservations_rejected);
    jx_put_i64(w, "reservations_timed_out", stats->reservations_timed_out);
    jx_put_i64(w, "reservations_canceled", stats->reservations_canceled);
    jx_put_i64(w, "reservations_rescinded", stats->reservations_rescinded);
    if (has_tasks(kind))
        task_counts_put(w, kind, stats, is_flat);
    else
        durations_put(w, stats);
}

/* ---- whole answers ---- */

static const Taskrouter__Tasks__V1__StatisticsReport *report_of(const ProtobufCMessage *message)
{
    INVARIANT(message->descriptor == &taskrouter__tasks__v1__statistics_report__descriptor);
    return (const void *)message;
}

static void ids_put(struct jx_writer *w, const struct twilio_view *view,
                    const Taskrouter__Tasks__V1__StatisticsReport *report)
{
    sid_put(w, "account_sid", report->account_sid);
    sid_put(w, "workspace_sid", report->workspace_sid);
    if (view->sid_key != NULL)
        sid_put(w, view->sid_key, report->sid);
}

static void both_put(struct jx_writer *w, enum twilio_stats kind,
                     const Taskrouter__Tasks__V1__StatisticsReport *report)
{
    if (kind != TWILIO_STATS_WORKER) {
        jx_key(w, "realtime");
        jx_object_begin(w);
        realtime_members(w, kind, report->realtime);
        jx_object_end(w);
    }
    jx_key(w, "cumulative");
    jx_object_begin(w);
    cumulative_members(w, kind, report->cumulative, false);
    jx_object_end(w);
}

void twilio_render_report(struct jx_writer *w, const struct twilio_op *op, const char *url,
                          const ProtobufCMessage *message)
{
    const Taskrouter__Tasks__V1__StatisticsReport *report = report_of(message);
    enum twilio_stats kind = op->view->stats;
    jx_object_begin(w);
    ids_put(w, op->view, report);
    if (op->part == TASKROUTER__TASKS__V1__STATISTICS_PART__STATISTICS_PART_REALTIME)
        realtime_members(w, kind, report->realtime);
    else if (op->part == TASKROUTER__TASKS__V1__STATISTICS_PART__STATISTICS_PART_CUMULATIVE)
        cumulative_members(w, kind, report->cumulative, true);
    else
        both_put(w, kind, report);
    jx_put_text(w, "url", url);
    jx_object_end(w);
}

void twilio_render_report_entry(struct jx_writer *w, const ProtobufCMessage *message)
{
    const Taskrouter__Tasks__V1__StatisticsReport *report = report_of(message);
    jx_object_begin(w);
    ids_put(w, &twilio_view_queue_stats, report);
    both_put(w, TWILIO_STATS_QUEUE, report);
    jx_object_end(w);
}

/* Without the ages in the queue, which the vendor's bulk answer has not. */
static void bulk_entry_put(struct jx_writer *w,
                           const Taskrouter__Tasks__V1__StatisticsReport *report)
{
    Taskrouter__Tasks__V1__RealtimeStatistics none;
    taskrouter__tasks__v1__realtime_statistics__init(&none);
    const Taskrouter__Tasks__V1__RealtimeStatistics *stats =
        report->realtime != NULL ? report->realtime : &none;
    jx_object_begin(w);
    sid_put(w, "task_queue_sid", report->sid);
    jx_put_i64(w, "total_available_workers", stats->total_available_workers);
    jx_put_i64(w, "total_eligible_workers", stats->total_eligible_workers);
    tasks_put(w, stats);
    activities_put(w, stats);
    jx_object_end(w);
}

void twilio_render_bulk(struct jx_writer *w, const char *account_sid, const char *workspace_sid,
                        const char *url, const ProtobufCMessage *reply)
{
    size_t count = 0;
    ProtobufCMessage *const *items = twilio_items_of(reply, &count);
    jx_object_begin(w);
    jx_put_text(w, "account_sid", account_sid);
    jx_put_text(w, "workspace_sid", workspace_sid);
    jx_key(w, "task_queue_data");
    jx_array_begin(w);
    for (size_t i = 0; i < count; i++)
        bulk_entry_put(w, report_of(items[i]));
    jx_array_end(w);
    jx_put_i64(w, "task_queue_response_count", (int64_t)count);
    jx_put_text(w, "url", url);
    jx_object_end(w);
}
