/* What the log says by itself. */
#include <string.h>

#include "check_int.h"

static struct event_rec *log_at(const struct checker *checker, size_t index)
{
    return checker->log.items[index];
}

/* ---- log-order ---- */

void rule_log_order(struct checker *checker)
{
    struct map seen;
    const struct event_rec *before = NULL;
    map_init(&seen);
    if (checker->log.count == 0)
        blame(checker, checker->line_count, 0, "the log is empty");
    for (size_t i = 0; i < checker->log.count; i++) {
        struct event_rec *event = log_at(checker, i);
        int64_t want = next_sequence(checker, before == NULL ? 0 : before->q);
        if (event->q != want)
            blame(checker, event->line, before == NULL ? 0 : before->line,
                  "sequence %lld where %lld should be", (long long)event->q, (long long)want);
        const struct event_rec *twin = map_get(&seen, str_from(event->sid));
        if (twin != NULL)
            blame(checker, event->line, twin->line, "event %s is in the log twice", event->sid);
        (void)map_put(&seen, str_from(event->sid), event);
        before = event;
    }
    map_fini(&seen);
}

/* ---- states ---- */

static const char *const stage_names[] = {
    [STAGE_NONE] = "none",         [STAGE_PENDING] = "pending",   [STAGE_RESERVED] = "reserved",
    [STAGE_ASSIGNED] = "assigned", [STAGE_WRAPPING] = "wrapping", [STAGE_COMPLETED] = "completed",
    [STAGE_CANCELED] = "canceled",
};

#define IN(stage) (1U << (unsigned)(stage))
#define LIVE      (IN(STAGE_PENDING) | IN(STAGE_RESERVED) | IN(STAGE_ASSIGNED) | IN(STAGE_WRAPPING))
#define ENDED     (IN(STAGE_COMPLETED) | IN(STAGE_CANCELED))

/* The table of libs/engine/README.md by the events that tell its steps. to NONE: stays. */
static const struct {
    const char *type;
    unsigned from;
    enum task_stage to;
    bool leaves;
} task_steps[] = {
    {"task.created",            IN(STAGE_NONE),                          STAGE_PENDING,   false},
    {"task.canceled",           IN(STAGE_PENDING) | IN(STAGE_RESERVED),  STAGE_CANCELED,  false},
    {"task.wrapup",             IN(STAGE_ASSIGNED),                      STAGE_WRAPPING,  false},
    {"task.completed",          IN(STAGE_ASSIGNED) | IN(STAGE_WRAPPING), STAGE_COMPLETED, false},
    {"task.updated",            LIVE | ENDED,                            STAGE_NONE,      false},
    {"task.deleted",            LIVE | ENDED,                            STAGE_NONE,      true },
    {"task.system-deleted",     LIVE | ENDED,                            STAGE_NONE,      true },
    {"workflow.entered",        IN(STAGE_PENDING) | IN(STAGE_RESERVED),  STAGE_NONE,      false},
    {"workflow.target-matched", IN(STAGE_PENDING) | IN(STAGE_RESERVED),  STAGE_NONE,      false},
    {"workflow.skipped",        IN(STAGE_PENDING) | IN(STAGE_RESERVED),  STAGE_NONE,      false},
    {"task-queue.entered",      IN(STAGE_PENDING) | IN(STAGE_RESERVED),  STAGE_NONE,      false},
    {"task-queue.moved",        IN(STAGE_PENDING) | IN(STAGE_RESERVED),  STAGE_NONE,      false},
    {"task-queue.timeout",      IN(STAGE_PENDING) | IN(STAGE_RESERVED),  STAGE_NONE,      false},
};

/* The same for reservations; from by name, NULL ends the list. */
static const struct {
    const char *type;
    const char *from[3];
    const char *to;
} reservation_steps[] = {
    {"reservation.accepted",  {"pending", NULL, NULL},             "accepted" },
    {"reservation.rejected",  {"pending", NULL, NULL},             "rejected" },
    {"reservation.timeout",   {"pending", NULL, NULL},             "timeout"  },
    {"reservation.rescinded", {"pending", NULL, NULL},             "rescinded"},
    {"reservation.canceled",  {"pending", "accepted", "wrapping"}, "canceled" },
    {"reservation.wrapup",    {"accepted", NULL, NULL},            "wrapping" },
    {"reservation.completed", {"accepted", "wrapping", NULL},      "completed"},
};

static void move_task(struct checker *checker, struct thing *task, const struct event_rec *event)
{
    for (size_t i = 0; i < ARRAY_LEN(task_steps); i++) {
        if (!is_same(task_steps[i].type, event->type))
            continue;
        if ((task_steps[i].from & IN(task->stage)) == 0 || task->is_gone)
            blame(checker, event->line, task->last == NULL ? 0 : task->last->line,
                  "%s of task %s, which is %s%s", event->type, task->sid, stage_names[task->stage],
                  task->is_gone ? " and gone" : "");
        if (task_steps[i].to != STAGE_NONE)
            task->stage = task_steps[i].to;
        task->is_gone = task->is_gone || task_steps[i].leaves;
        if (event->status[0] != '\0' && !is_same(event->status, stage_names[task->stage]))
            blame(checker, event->line, task->last == NULL ? 0 : task->last->line,
                  "%s shows the task as %s, by the log it is %s", event->type, event->status,
                  stage_names[task->stage]);
        return;
    }
}

static bool may_step(const char *status, size_t step)
{
    for (size_t i = 0; i < ARRAY_LEN(reservation_steps[step].from); i++) {
        const char *from = reservation_steps[step].from[i];
        if (from != NULL && is_same(from, status))
            return true;
    }
    return false;
}

static void open_offer(struct checker *checker, struct thing *task, const struct event_rec *event)
{
    bool is_offered = (IN(task->stage) & (IN(STAGE_PENDING) | IN(STAGE_RESERVED))) != 0;
    if (!is_offered || task->is_gone)
        blame(checker, event->line, task->last == NULL ? 0 : task->last->line,
              "task %s is offered while it is %s%s", task->sid, stage_names[task->stage],
              task->is_gone ? " and gone" : "");
    if (is_offered)
        task->stage = STAGE_RESERVED;
    task->open_offers++;
}

static void end_offer(struct checker *checker, struct thing *task, const struct event_rec *event,
                      bool is_accepted)
{
    task->open_offers--;
    if (is_accepted) {
        if (task->stage != STAGE_RESERVED)
            blame(checker, event->line, task->last == NULL ? 0 : task->last->line,
                  "task %s is accepted while it is %s", task->sid, stage_names[task->stage]);
        task->stage = STAGE_ASSIGNED;
    } else if (task->stage == STAGE_RESERVED && task->open_offers == 0 && !task->is_gone) {
        task->stage = STAGE_PENDING;
        task->releases++;
    }
}

static void move_reservation(struct checker *checker, struct thing *reservation, struct thing *task,
                             const struct event_rec *event)
{
    if (is_same(event->type, "reservation.created")) {
        if (reservation->status[0] != '\0')
            blame(checker, event->line, reservation->last == NULL ? 0 : reservation->last->line,
                  "reservation %s is created twice", reservation->sid);
        reservation->status = "pending";
        open_offer(checker, task, event);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(reservation_steps); i++) {
        if (!is_same(reservation_steps[i].type, event->type))
            continue;
        if (!may_step(reservation->status, i))
            blame(checker, event->line, reservation->last == NULL ? 0 : reservation->last->line,
                  "%s of reservation %s, which is %s", event->type, reservation->sid,
                  reservation->status[0] == '\0' ? "not there" : reservation->status);
        bool was_offer = is_same(reservation->status, "pending");
        reservation->status = reservation_steps[i].to;
        if (event->res_status[0] != '\0' && !is_same(event->res_status, reservation->status))
            blame(checker, event->line, 0, "%s shows the reservation as %s", event->type,
                  event->res_status);
        if (was_offer)
            end_offer(checker, task, event, is_same(reservation->status, "accepted"));
        return;
    }
}

void rule_states(struct checker *checker)
{
    for (size_t i = 0; i < checker->log.count; i++) {
        struct event_rec *event = log_at(checker, i);
        if (event->task[0] == '\0' || !is_own(event))
            continue;
        struct thing *task = thing_of(checker, event->task);
        struct thing *reservation = event->res[0] == '\0' ? NULL : thing_of(checker, event->res);
        if (task == NULL || !task->is_task ||
            (event->res[0] != '\0' && (reservation == NULL || reservation->is_task))) {
            blame(checker, event->line, 0, "%s of a task or reservation that was never created",
                  event->type);
            continue;
        }
        if (reservation != NULL) {
            move_reservation(checker, reservation, task, event);
            reservation->last = event;
        } else {
            move_task(checker, task, event);
        }
        task->last = event;
    }
}

/* ---- versions ---- */

/* Going back to pending has no event of its own, but a version. */
static void check_task_version(struct checker *checker, struct thing *task, int64_t *releases,
                               const struct event_rec *event)
{
    int64_t least = task->version + *releases;
    if (event->tv < least || event->tv > least + 1 || (task->version == 0 && event->tv != 1))
        blame(checker, event->line, task->last == NULL ? 0 : task->last->line,
              "task %s has version %lld after %lld%s", task->sid, (long long)event->tv,
              (long long)task->version, *releases > 0 ? " and a release" : "");
    task->version = event->tv;
    *releases = 0;
}

static void check_reservation_version(struct checker *checker, struct thing *reservation,
                                      const struct event_rec *event)
{
    if (event->v != reservation->version + 1)
        blame(checker, event->line, reservation->last == NULL ? 0 : reservation->last->line,
              "reservation %s has version %lld after %lld", reservation->sid, (long long)event->v,
              (long long)reservation->version);
    reservation->version = event->v;
}

/* Of other services: they may come late, so order does not count, but none may be missing. */
struct told {
    const char *sid;
    int64_t newest;
    int64_t count;
    size_t line;
};

static void note_told(struct checker *checker, struct map *tolds, struct map *versions,
                      const struct event_rec *event)
{
    const char *version = arena_printf(checker->arena, "%s %lld", event->r, (long long)event->v);
    struct told *told = map_get(tolds, str_from(event->r));
    if (told == NULL) {
        told = ARENA_NEW(checker->arena, struct told);
        told->sid = event->r;
        (void)map_put(tolds, str_from(told->sid), told);
    }
    if (map_put(versions, str_from(version), told) == NULL)
        told->count++;
    if (event->v > told->newest) {
        told->newest = event->v;
        told->line = event->line;
    }
}

/* Replays the offers once more for the releases between two events of a task. */
struct offers {
    int64_t open;
    int64_t releases;
    bool is_taken;
};

static struct offers *offers_of(struct checker *checker, struct map *all, const char *task_sid)
{
    struct offers *offers = map_get(all, str_from(task_sid));
    if (offers == NULL) {
        offers = ARENA_NEW(checker->arena, struct offers);
        (void)map_put(all, str_from(task_sid), offers);
    }
    return offers;
}

static void count_offer(struct offers *offers, const struct event_rec *event)
{
    static const char *const ends[] = {"reservation.rejected", "reservation.timeout",
                                       "reservation.canceled", "reservation.rescinded"};
    if (is_same(event->type, "reservation.created"))
        offers->open++;
    if (is_same(event->type, "reservation.accepted") || is_same(event->type, "task.canceled") ||
        is_same(event->type, "task.deleted") || is_same(event->type, "task.system-deleted"))
        offers->is_taken = true;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (is_same(event->type, ends[i]) && --offers->open == 0 && !offers->is_taken)
            offers->releases++;
    }
}

void rule_versions(struct checker *checker)
{
    struct map offers;
    struct map tolds;
    struct map versions;
    map_init(&offers);
    map_init(&tolds);
    map_init(&versions);
    for (size_t i = 0; i < checker->log.count; i++) {
        struct event_rec *event = log_at(checker, i);
        struct thing *task = thing_of(checker, event->task);
        struct thing *reservation = thing_of(checker, event->res);
        if (!is_own(event)) {
            note_told(checker, &tolds, &versions, event);
            continue;
        }
        if (task == NULL)
            continue;
        struct offers *of_task = offers_of(checker, &offers, task->sid);
        check_task_version(checker, task, &of_task->releases, event);
        count_offer(of_task, event);
        if (reservation != NULL && is_same(event->r, reservation->sid))
            check_reservation_version(checker, reservation, event);
    }
    for (size_t i = 0; i < tolds.count; i++) {
        const struct told *told = tolds.entries[i].value;
        if (told->count != told->newest)
            blame(checker, told->line, 0, "%s has come to version %lld, but %lld are in the log",
                  told->sid, (long long)told->newest, (long long)told->count);
    }
    for (size_t i = 0; i < offers.count; i++) {
        struct thing *task = thing_of(checker, offers.entries[i].key.ptr);
        if (task != NULL) /* what is left has these too */
            task->version += ((struct offers *)offers.entries[i].value)->releases;
    }
    map_fini(&offers);
    map_fini(&tolds);
    map_fini(&versions);
}

/* ---- one-worker ---- */

void rule_one_worker(struct checker *checker)
{
    for (size_t i = 0; i < checker->log.count; i++) {
        struct event_rec *event = log_at(checker, i);
        struct thing *task = thing_of(checker, event->task);
        if (!is_same(event->type, "reservation.accepted") || task == NULL)
            continue;
        if (task->accepted != NULL)
            blame(checker, event->line, task->accepted->line, "task %s is assigned to %s and to %s",
                  task->sid, task->accepted->worker, event->worker);
        task->accepted = event;
    }
}

/* ---- capacity ---- */

/* A worker's channel. */
struct slot {
    const char *name;
    int64_t open;
    int64_t version; /* of the worker, newest heard of */
    int64_t capacity;
    const struct event_rec *last;
    struct vec changes; /* all in the log, heard of or not */
};

static struct slot *slot_of(struct checker *checker, struct map *slots, const char *worker,
                            const char *channel)
{
    const char *name = arena_printf(checker->arena, "%s %s", worker, channel);
    struct slot *slot = map_get(slots, str_from(name));
    if (slot == NULL) {
        slot = ARENA_NEW(checker->arena, struct slot);
        slot->name = name;
        slot->capacity = 1; /* what a channel is born with */
        (void)map_put(slots, str_from(name), slot);
    }
    return slot;
}

static bool is_capacity_change(const struct event_rec *event)
{
    return !is_own(event) && event->has_cap && strncmp(event->type, "worker.", 7) == 0 &&
           event->channel[0] != '\0';
}

/* The router may have asked workers-svc before the event came: a change that was made before the
 * offer counts, wherever it stands in the log. */
static int64_t bound_of(const struct slot *slot, const struct event_rec *offer)
{
    int64_t bound = slot->capacity;
    for (size_t i = slot->changes.count; i-- > 0;) {
        const struct event_rec *change = slot->changes.items[i];
        if (change->q < offer->q)
            break;
        if (change->at_us <= offer->at_us && change->cap > bound)
            bound = change->cap;
    }
    return bound;
}

static void take_slot(struct checker *checker, struct slot *slot, const struct event_rec *offer)
{
    int64_t bound = bound_of(slot, offer);
    if (slot->open >= bound)
        blame(checker, offer->line, slot->last == NULL ? 0 : slot->last->line,
              "%s has %lld open reservations and is offered one more; the capacity is %lld",
              slot->name, (long long)slot->open, (long long)bound);
    slot->open++;
    slot->last = offer;
}

static bool ends_reservation(const struct event_rec *event)
{
    static const char *const ends[] = {"reservation.rejected", "reservation.timeout",
                                       "reservation.canceled", "reservation.rescinded",
                                       "reservation.completed"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (is_same(event->type, ends[i]))
            return true;
    }
    return false;
}

void rule_capacity(struct checker *checker)
{
    struct map slots;
    map_init(&slots);
    for (size_t i = 0; i < checker->log.count; i++) {
        struct event_rec *event = log_at(checker, i);
        if (is_capacity_change(event))
            vec_add(&slot_of(checker, &slots, event->worker, event->channel)->changes, event);
    }
    for (size_t i = 0; i < checker->log.count; i++) {
        struct event_rec *event = log_at(checker, i);
        const struct thing *reservation = thing_of(checker, event->res);
        if (is_capacity_change(event)) {
            struct slot *slot = slot_of(checker, &slots, event->worker, event->channel);
            if (event->v >= slot->version) {
                slot->version = event->v;
                slot->capacity = event->cap;
            }
        } else if (is_same(event->type, "reservation.created")) {
            take_slot(checker, slot_of(checker, &slots, event->worker, event->channel), event);
        } else if (ends_reservation(event) && reservation != NULL) {
            slot_of(checker, &slots, reservation->created->worker, reservation->created->channel)
                ->open--;
        }
    }
    for (size_t i = 0; i < slots.count; i++)
        vec_fini(&((struct slot *)slots.entries[i].value)->changes);
    map_fini(&slots);
}
