#include <stdio.h>

#include "base/macros.h"
#include "metrics/metrics.h"
#include "shard_int.h"

enum shell_metric {
    M_CREATED,
    M_COMPLETED,
    M_CANCELED,
    M_TIMEOUTS,
    M_WAIT_RESERVE,
    M_WAIT_ACCEPT,
    M_BATCH,
    M_COMMIT,
    M_PHASE,
    M_FAILED,
    M_OWNER,
    M_RECOVERY,
    M_TAKEN,
    M_DEPTH,
    M_COUNT,
};

#define PLAIN(kind_, unit_, name_, help_)                                                          \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .unit = (unit_), .help = (help_)                         \
    }
#define PER(label_, kind_, unit_, name_, help_)                                                    \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .unit = (unit_), .help = (help_), .labels = {(label_) }  \
    }

static const struct metric_def defs[M_COUNT] = {
    [M_CREATED] = PLAIN(METRIC_COUNTER, "", "taskrouter_tasks_created_total", "Tasks created"),
    [M_COMPLETED] =
        PLAIN(METRIC_COUNTER, "", "taskrouter_tasks_completed_total", "Tasks completed"),
    [M_CANCELED] = PLAIN(METRIC_COUNTER, "", "taskrouter_tasks_canceled_total",
                         "Tasks canceled, by callers or by the router"),
    [M_TIMEOUTS] = PLAIN(METRIC_COUNTER, "", "taskrouter_reservations_timeout_total",
                         "Reservations that nobody answered in time"),
    [M_WAIT_RESERVE] = PLAIN(METRIC_HISTOGRAM, "seconds", "taskrouter_task_reserve_wait_seconds",
                             "From a task's creation to each offer of it"),
    [M_WAIT_ACCEPT] = PLAIN(METRIC_HISTOGRAM, "seconds", "taskrouter_queue_wait_seconds",
                            "From a task's creation to its acceptance"),
    [M_BATCH] = PLAIN(METRIC_HISTOGRAM, "", "taskrouter_shard_batch_operations",
                      "Operations served by one commit"),
    [M_COMMIT] =
        PLAIN(METRIC_HISTOGRAM, "seconds", "taskrouter_shard_commit_seconds", "Time of one commit"),
    [M_PHASE] = PER("phase", METRIC_HISTOGRAM, "seconds", "taskrouter_shard_phase_seconds",
                    "Where the time of an operation goes: wait (in the queue, per operation); per "
                    "batch decide, send, commit, answer"),
    [M_FAILED] = PER("reason", METRIC_COUNTER, "", "taskrouter_shard_commit_failures_total",
                     "Commits that failed, after which the shard loaded again"),
    [M_OWNER] = PER("shard", METRIC_GAUGE, "", "taskrouter_shard_owner",
                    "1 while this process runs the shard"),
    [M_RECOVERY] = PER("shard", METRIC_GAUGE, "seconds", "taskrouter_shard_recovery_seconds",
                       "Time of the last load of the shard"),
    [M_TAKEN] = PER("way", METRIC_COUNTER, "", "taskrouter_shard_taken_total",
                    "Shards taken: warm, prepared while another process ran them, or cold"),
    [M_DEPTH] = PER("shard", METRIC_GAUGE, "", "taskrouter_shard_queue_depth",
                    "Operations that wait for the shard"),
};

static struct metric *metric_of(enum shell_metric which)
{
    return metric_register(&defs[which]);
}

/* Handles for what is counted per event; metric_single is cheap but not free. */
static struct metric_series *series[M_COUNT];
static struct metric_series *phases[SHELL_PHASE_COUNT];

static const char *const phase_names[SHELL_PHASE_COUNT] = {
    [SHELL_PHASE_WAIT] = "wait",     [SHELL_PHASE_DECIDE] = "decide", [SHELL_PHASE_SEND] = "send",
    [SHELL_PHASE_COMMIT] = "commit", [SHELL_PHASE_ANSWER] = "answer",
};

void shell_metrics_open(void)
{
    for (int i = 0; i < M_COUNT; i++) {
        if (defs[i].labels[0] == NULL)
            series[i] = metric_single(&defs[i]);
    }
    for (int i = 0; i < SHELL_PHASE_COUNT; i++)
        phases[i] = METRIC_SERIES(metric_of(M_PHASE), phase_names[i]);
}

void shell_metrics_phase(enum shell_phase phase, int64_t took_us)
{
    metric_observe_us(phases[phase], took_us);
}

static int64_t age_us(const struct engine_event *event)
{
    return event->at_us > event->task->created_at_us ? event->at_us - event->task->created_at_us
                                                     : 0;
}

void shell_metrics_event(const struct engine_event *event)
{
    if (event->type == ENGINE_EVENT_TASK_CREATED)
        metric_inc(series[M_CREATED]);
    else if (event->type == ENGINE_EVENT_TASK_COMPLETED)
        metric_inc(series[M_COMPLETED]);
    else if (event->type == ENGINE_EVENT_TASK_CANCELED)
        metric_inc(series[M_CANCELED]);
    else if (event->type == ENGINE_EVENT_RESERVATION_TIMEOUT)
        metric_inc(series[M_TIMEOUTS]);
    else if (event->type == ENGINE_EVENT_RESERVATION_CREATED)
        metric_observe_us(series[M_WAIT_RESERVE], age_us(event));
    else if (event->type == ENGINE_EVENT_RESERVATION_ACCEPTED)
        metric_observe_us(series[M_WAIT_ACCEPT], age_us(event));
}

void shell_metrics_batch(size_t ops, int64_t commit_us)
{
    metric_observe(series[M_BATCH], (int64_t)ops);
    metric_observe_us(series[M_COMMIT], commit_us);
}

void shell_metrics_failed(const char *reason)
{
    metric_inc(METRIC_SERIES(metric_of(M_FAILED), reason == NULL ? "UNKNOWN" : reason));
}

static struct metric_series *of_shard(enum shell_metric which, int shard)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", shard);
    return METRIC_SERIES(metric_of(which), text);
}

void shell_metrics_state(int shard, bool is_owner)
{
    metric_set(of_shard(M_OWNER, shard), is_owner ? 1 : 0);
}

void shell_metrics_recovered(int shard, bool is_warm, int64_t took_us)
{
    metric_inc(METRIC_SERIES(metric_of(M_TAKEN), is_warm ? "warm" : "cold"));
    metric_set(of_shard(M_RECOVERY, shard), took_us);
}

void shell_metrics_depth(int shard, size_t depth)
{
    metric_set(of_shard(M_DEPTH, shard), (int64_t)depth);
}
