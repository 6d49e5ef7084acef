#include "put.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

typedef Taskrouter__Tasks__V1__Task wire_task;

struct last_checked {
    int64_t at_us;
};

static enum err_code try_last_checked(struct job *job, struct call *call, void *ctx,
                                      struct err *err)
{
    struct last_checked *last = ctx;
    return progress_store_last_checked(job->writer.pool, call, job->run.workspace_sid, KIND_TASKS,
                                       &last->at_us, err);
}

static bool has_ended(const wire_task *task)
{
    return task->assignment_status == TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_COMPLETED ||
           task->assignment_status == TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_CANCELED;
}

/*
 * Whether the task's reservations are asked for, which is a call for each. They are not where
 * nothing can be new: of a task that had ended before the last full run looked at it; and, in a
 * light run, of one that waits as it did.
 */
static bool wants_reservations(const struct job *job, const wire_task *task, enum outcome outcome,
                               int64_t last_checked_us)
{
    if (outcome != OUTCOME_UNCHANGED)
        return outcome != OUTCOME_CONFLICTING;
    if (has_ended(task))
        return wire_time_us(task->date_updated) >= last_checked_us;
    return !job->run.is_light ||
           task->assignment_status != TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_PENDING;
}

static enum err_code follow(struct report *report, struct fetch *lists, size_t count,
                            struct err *err)
{
    AUTO(fetch_many_end)
    struct fetch_many many = {.job = report->job, .fetches = lists, .count = count};
    enum err_code code = fetch_many(&many, err);
    return code == ERR_OK ? put_lists(report, TWILIO_RESERVATION, lists, count, true, err) : code;
}

enum err_code put_tasks(struct report *report, ProtobufCMessage *const *items, size_t count,
                        int64_t observed_at_us, struct err *err)
{
    struct job *job = report->job;
    struct last_checked last = {0};
    size_t wanted = 0;
    enum outcome *outcomes = ARENA_ARRAY(report->arena, enum outcome, count);
    struct fetch *lists = ARENA_ARRAY(report->arena, struct fetch, count);
    if (outcomes == NULL || lists == NULL)
        return call_no_room(err);
    enum err_code code = job_insist(job, report->arena, try_last_checked, &last, err);
    if (code == ERR_OK)
        code = put_rows(report, TWILIO_TASK, items, count, observed_at_us, outcomes, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        const wire_task *task = (const void *)items[i];
        if (wants_reservations(job, task, outcomes[i], last.at_us))
            lists[wanted++] = (struct fetch){
                .resource = TWILIO_RESERVATION,
                .path = twilio_path(report->arena, TWILIO_RESERVATION, job->run.workspace_sid,
                                    task->sid, NULL),
                .query = FETCH_PAGE_SIZE,
            };
    }
    return arena_is_exhausted(report->arena) ? call_no_room(err)
                                             : follow(report, lists, wanted, err);
}
