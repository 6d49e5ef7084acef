#include "mirror_merge.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"

/* ---- which is later ---- */

/* Stages of a life; states within one come and go, or exclude each other. */
enum stage {
    STAGE_NONE,
    STAGE_WAITING,
    STAGE_TAKEN,
    STAGE_WRAPPING,
    STAGE_CANCELED, /* may be replaced by another end */
    STAGE_ENDED,
};

static const enum stage task_stages[TASK_STATE_COUNT] = {
    [TASK_PENDING] = STAGE_WAITING,   [TASK_RESERVED] = STAGE_WAITING,
    [TASK_ASSIGNED] = STAGE_TAKEN,    [TASK_WRAPPING] = STAGE_WRAPPING,
    [TASK_CANCELED] = STAGE_CANCELED, [TASK_COMPLETED] = STAGE_ENDED,
};

static const enum stage reservation_stages[RESERVATION_STATE_COUNT] = {
    [RESERVATION_PENDING] = STAGE_WAITING,   [RESERVATION_ACCEPTED] = STAGE_TAKEN,
    [RESERVATION_WRAPPING] = STAGE_WRAPPING, [RESERVATION_CANCELED] = STAGE_CANCELED,
    [RESERVATION_REJECTED] = STAGE_ENDED,    [RESERVATION_TIMEOUT] = STAGE_ENDED,
    [RESERVATION_RESCINDED] = STAGE_ENDED,   [RESERVATION_COMPLETED] = STAGE_ENDED,
};

/* A place in the order of observations. */
struct moment {
    enum stage stage;
    int64_t at_us;
    int state;
};

/* At equal places the other one is: then both say the same of the state. */
static bool is_later(struct moment theirs, struct moment ours)
{
    if (theirs.stage != ours.stage)
        return theirs.stage > ours.stage;
    if (theirs.at_us != ours.at_us)
        return theirs.at_us > ours.at_us;
    return theirs.state >= ours.state;
}

static bool is_task_later(const struct task_row *theirs, int64_t at_us,
                          const struct mirror_task *ours)
{
    const struct moment a = {task_stages[theirs->state], at_us, (int)theirs->state};
    struct moment b = {task_stages[ours->row.state], ours->observed_at_us, (int)ours->row.state};
    if (b.stage == STAGE_CANCELED && str_eq_text(ours->row.reason, MIRROR_VANISHED_REASON))
        b.at_us = 0; /* only because we did not know better */
    return is_later(a, b);
}

static bool is_reservation_later(const struct reservation_row *theirs, int64_t at_us,
                                 const struct mirror_reservation *ours)
{
    const struct moment a = {reservation_stages[theirs->state], at_us, (int)theirs->state};
    const struct moment b = {reservation_stages[ours->row.state], ours->observed_at_us,
                             (int)ours->row.state};
    return is_later(a, b);
}

/* ---- one field ---- */

static void take_sid(struct sid *ours, const struct sid *theirs, bool is_taken)
{
    if (sid_is_set(theirs) && (is_taken || !sid_is_set(ours)))
        *ours = *theirs;
}

static void take_text(struct str *ours, struct str theirs, bool is_taken)
{
    if (theirs.len > 0 && (is_taken || ours->len == 0))
        *ours = theirs;
}

static void take_i64(int64_t *ours, int64_t theirs, bool is_taken)
{
    if (theirs != 0 && (is_taken || *ours == 0))
        *ours = theirs;
}

/* To the second: that is what all ways of telling it have in common. */
static void take_date(int64_t *ours, int64_t theirs, bool is_taken)
{
    if (theirs / US_PER_S != *ours / US_PER_S)
        take_i64(ours, theirs, is_taken);
}

static void take_json(struct str *ours, struct str theirs, bool is_taken)
{
    if (!mirror_json_eq(*ours, theirs))
        take_text(ours, theirs, is_taken);
}

/* The first end that was seen; both may be 0. */
static int64_t first_of(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a == 0 ? b : a;
    return a < b ? a : b;
}

static int64_t last_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- what differs ---- */

static void diff_sid(struct mirror_diff *diff, const char *name, const struct sid *ours,
                     const struct sid *theirs)
{
    mirror_diff_text(diff, name, ours->text, theirs->text);
}

static void diff_str(struct mirror_diff *diff, const char *name, struct str ours, struct str theirs)
{
    if (!str_eq(ours, theirs))
        mirror_diff_text(diff, name, arena_str_dup(diff->arena, ours),
                         arena_str_dup(diff->arena, theirs));
}

static void diff_date(struct mirror_diff *diff, const char *name, int64_t ours, int64_t theirs)
{
    char texts[2][CLOCK_TEXT_SIZE] = {"", ""};
    if (ours == theirs)
        return;
    if (ours != 0)
        (void)clock_format_s(ours, texts[0]);
    if (theirs != 0)
        (void)clock_format_s(theirs, texts[1]);
    mirror_diff_text(diff, name, texts[0], texts[1]);
}

static void diff_tasks(struct mirror_diff *diff, const struct task_row *ours,
                       const struct task_row *theirs)
{
    mirror_diff_text(diff, "assignment_status", task_state_name(ours->state),
                     task_state_name(theirs->state));
    diff_str(diff, "attributes", ours->attributes, theirs->attributes);
    mirror_diff_i64(diff, "priority", ours->priority, theirs->priority);
    diff_str(diff, "reason", ours->reason, theirs->reason);
    mirror_diff_i64(diff, "timeout", ours->timeout_s, theirs->timeout_s);
    diff_sid(diff, "task_queue_sid", &ours->queue_sid, &theirs->queue_sid);
    diff_sid(diff, "task_channel_sid", &ours->channel_sid, &theirs->channel_sid);
    diff_sid(diff, "workflow_sid", &ours->workflow_sid, &theirs->workflow_sid);
    mirror_diff_bool(diff, "ignore_capacity", ours->ignore_capacity, theirs->ignore_capacity);
    diff_sid(diff, "routing_target", &ours->routing_target, &theirs->routing_target);
    diff_sid(diff, "worker_sid", &ours->worker_sid, &theirs->worker_sid);
    diff_str(diff, "call_id", ours->call_id, theirs->call_id);
    diff_date(diff, "date_created", ours->created_at_us, theirs->created_at_us);
    diff_date(diff, "virtual_start_time", ours->virtual_start_us, theirs->virtual_start_us);
    diff_date(diff, "task_queue_entered_date", ours->queue_entered_at_us,
              theirs->queue_entered_at_us);
}

static void diff_reservations(struct mirror_diff *diff, const struct reservation_row *ours,
                              const struct reservation_row *theirs)
{
    mirror_diff_text(diff, "reservation_status", reservation_state_name(ours->state),
                     reservation_state_name(theirs->state));
    diff_sid(diff, "task_sid", &ours->task_sid, &theirs->task_sid);
    diff_sid(diff, "worker_sid", &ours->worker_sid, &theirs->worker_sid);
    mirror_diff_i64(diff, "timeout", ours->timeout_s, theirs->timeout_s);
    diff_sid(diff, "task_queue_sid", &ours->queue_sid, &theirs->queue_sid);
    diff_sid(diff, "workflow_sid", &ours->workflow_sid, &theirs->workflow_sid);
    diff_str(diff, "instruction", ours->instruction, theirs->instruction);
    diff_str(diff, "instruction_data", ours->instruction_data, theirs->instruction_data);
    diff_date(diff, "date_created", ours->created_at_us, theirs->created_at_us);
}

/* ---- tasks ---- */

/* theirs over ours: all they say when taken, else only what ours does not say. */
static void lay_task(struct task_row *ours, const struct task_row *theirs, bool is_taken)
{
    if (is_taken) {
        ours->state = theirs->state;
        ours->priority = theirs->priority;
    }
    ours->ignore_capacity = ours->ignore_capacity || theirs->ignore_capacity; /* never unset */
    take_json(&ours->attributes, theirs->attributes, is_taken);
    take_text(&ours->reason, theirs->reason, is_taken);
    take_i64(&ours->timeout_s, theirs->timeout_s, is_taken);
    if (is_taken && sid_is_set(&theirs->queue_sid) &&
        strcmp(ours->queue_sid.text, theirs->queue_sid.text) != 0)
        ours->queue_name = theirs->queue_name; /* not the old one's */
    take_sid(&ours->queue_sid, &theirs->queue_sid, is_taken);
    take_text(&ours->queue_name, theirs->queue_name, is_taken);
    take_sid(&ours->channel_sid, &theirs->channel_sid, is_taken);
    take_text(&ours->channel_name, theirs->channel_name, is_taken);
    take_sid(&ours->workflow_sid, &theirs->workflow_sid, is_taken);
    take_text(&ours->workflow_name, theirs->workflow_name, is_taken);
    take_sid(&ours->routing_target, &theirs->routing_target, is_taken);
    take_sid(&ours->worker_sid, &theirs->worker_sid, is_taken);
    take_text(&ours->call_id, theirs->call_id, is_taken);
    take_date(&ours->created_at_us, theirs->created_at_us, is_taken);
    take_date(&ours->virtual_start_us, theirs->virtual_start_us, is_taken);
    take_date(&ours->queue_entered_at_us, theirs->queue_entered_at_us, is_taken);
    ours->updated_at_us = last_of(ours->updated_at_us, theirs->updated_at_us);
}

static int64_t end_of(const struct task_row *task, int64_t observed_at_us)
{
    if (!task_is_terminal(task->state))
        return 0;
    return task->updated_at_us != 0 ? task->updated_at_us : observed_at_us;
}

static void new_task(const struct task_row *theirs, int64_t observed_at_us, struct mirror_task *out)
{
    *out = (struct mirror_task){.row = *theirs, .observed_at_us = observed_at_us};
    struct task_row *row = &out->row;
    row->version = 1;
    row->created_at_us = row->created_at_us != 0 ? row->created_at_us : observed_at_us;
    row->updated_at_us = last_of(row->updated_at_us, row->created_at_us);
    row->ended_at_us = end_of(theirs, observed_at_us);
    row->filter_index = FILTER_DIRECT;
    row->step_deadline_us = INT64_MAX;
    row->sequence = 0; /* recovery passes over it: see shard_load_tasks */
}

mirror_outcome mirror_merge_task(const struct mirror_task *ours, const struct task_row *theirs,
                                 int64_t observed_at_us, struct mirror_task *out,
                                 struct mirror_diff *diff)
{
    if (!ours->is_there) {
        new_task(theirs, observed_at_us, out);
        return MIRROR_CREATED;
    }
    *out = *ours;
    bool is_taken = !ours->is_deleted && is_task_later(theirs, observed_at_us, ours);
    out->observed_at_us = last_of(ours->observed_at_us, observed_at_us);
    if (!ours->is_deleted)
        lay_task(&out->row, theirs, is_taken);
    out->row.ended_at_us =
        first_of(ours->row.ended_at_us, is_taken ? end_of(theirs, observed_at_us) : 0);
    diff_tasks(diff, &ours->row, &out->row);
    if (diff->count > 0) {
        out->row.version++;
        return MIRROR_UPDATED;
    }
    if (is_taken)
        return MIRROR_UNCHANGED;
    struct mirror_diff said;
    struct task_row wanted = ours->row;
    mirror_diff_init(&said, diff->arena);
    lay_task(&wanted, theirs, true);
    diff_tasks(&said, &ours->row, &wanted);
    return said.count > 0 ? MIRROR_STALE : MIRROR_UNCHANGED;
}

/* ---- reservations ---- */

static void lay_reservation(struct reservation_row *ours, const struct reservation_row *theirs,
                            bool is_taken)
{
    if (is_taken)
        ours->state = theirs->state;
    take_sid(&ours->task_sid, &theirs->task_sid, false); /* it never changes */
    take_sid(&ours->worker_sid, &theirs->worker_sid, false);
    take_text(&ours->worker_name, theirs->worker_name, is_taken);
    take_i64(&ours->timeout_s, theirs->timeout_s, is_taken);
    take_sid(&ours->queue_sid, &theirs->queue_sid, is_taken);
    take_sid(&ours->channel_sid, &theirs->channel_sid, is_taken);
    take_sid(&ours->workflow_sid, &theirs->workflow_sid, is_taken);
    take_text(&ours->instruction, theirs->instruction, is_taken);
    take_text(&ours->instruction_data, theirs->instruction_data, is_taken);
    take_date(&ours->created_at_us, theirs->created_at_us, is_taken);
    ours->updated_at_us = last_of(ours->updated_at_us, theirs->updated_at_us);
}

static void new_reservation(const struct reservation_row *theirs, int64_t observed_at_us,
                            struct mirror_reservation *out)
{
    *out = (struct mirror_reservation){.row = *theirs, .observed_at_us = observed_at_us};
    struct reservation_row *row = &out->row;
    row->version = 1;
    row->created_at_us = row->created_at_us != 0 ? row->created_at_us : observed_at_us;
    row->updated_at_us = last_of(row->updated_at_us, row->created_at_us);
    row->sequence = 0;
}

mirror_outcome mirror_merge_reservation(const struct mirror_reservation *ours,
                                        const struct reservation_row *theirs,
                                        int64_t observed_at_us, struct mirror_reservation *out,
                                        struct mirror_diff *diff)
{
    if (!ours->is_there) {
        new_reservation(theirs, observed_at_us, out);
        return MIRROR_CREATED;
    }
    *out = *ours;
    bool is_taken = is_reservation_later(theirs, observed_at_us, ours);
    out->observed_at_us = last_of(ours->observed_at_us, observed_at_us);
    lay_reservation(&out->row, theirs, is_taken);
    diff_reservations(diff, &ours->row, &out->row);
    if (diff->count > 0) {
        out->row.version++;
        return MIRROR_UPDATED;
    }
    if (is_taken)
        return MIRROR_UNCHANGED;
    struct mirror_diff said;
    struct reservation_row wanted = ours->row;
    mirror_diff_init(&said, diff->arena);
    lay_reservation(&wanted, theirs, true);
    diff_reservations(&said, &ours->row, &wanted);
    return said.count > 0 ? MIRROR_STALE : MIRROR_UNCHANGED;
}
