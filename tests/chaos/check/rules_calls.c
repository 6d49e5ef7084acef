/* What callers were told, against the log. */
#include <string.h>

#include "check_int.h"

/* ---- acknowledged ---- */

static bool is_about(const struct op_rec *op)
{
    const struct event_rec *effect = op->effect;
    if (is_same(op->row->method, "CreateTask"))
        return is_same(effect->r, op->ok->sid);
    return is_same(op->row->is_task ? effect->task : effect->res, op->ok->subject);
}

/* A reply shows a reservation right after the event, a task after all that followed at once. */
static bool is_version_right(struct checker *checker, const struct op_rec *op)
{
    const struct event_rec *effect = op->effect;
    const struct thing *task = thing_of(checker, effect->task);
    if (is_same(op->row->method, "DeleteTask"))
        return true;
    if (!op->row->is_task)
        return op->ok->version == effect->v && is_same(op->ok->status, effect->res_status);
    return op->ok->version >= effect->tv && task != NULL && op->ok->version <= task->version;
}

void rule_acknowledged(struct checker *checker)
{
    for (size_t i = 0; i < checker->ops.count; i++) {
        const struct op_rec *op = checker->ops.items[i];
        if (op->ok == NULL)
            continue;
        if (op->effect == NULL)
            blame(checker, op->ok->line, op->ok->end_line, "%s was acknowledged, but no %s has %s",
                  op->row->method, op->row->event, op->ok->rid);
        else if (!is_about(op))
            blame(checker, op->ok->end_line, op->effect->line,
                  "%s was acknowledged for something else than %s tells", op->row->method,
                  op->row->event);
        else if (!is_version_right(checker, op))
            blame(checker, op->ok->end_line, op->effect->line,
                  "%s was acknowledged with another version or state than %s tells",
                  op->row->method, op->row->event);
    }
}

/* ---- once ---- */

static void check_answers(struct checker *checker, const struct op_rec *op)
{
    const struct call_rec *with_effect = NULL;
    for (size_t i = 0; i < op->calls.count; i++) {
        const struct call_rec *call = op->calls.items[i];
        if (call->effect != NULL && with_effect != NULL)
            blame(checker, call->effect->line, with_effect->effect->line,
                  "key %s of %s has had its effect twice", call->key, call->method);
        if (call->effect != NULL)
            with_effect = call;
        if (call->outcome == OUTCOME_OK &&
            (!is_same(call->sid, op->ok->sid) || call->version != op->ok->version))
            blame(checker, call->end_line, op->ok->end_line,
                  "key %s of %s was answered in two ways", call->key, call->method);
    }
}

void rule_once(struct checker *checker)
{
    struct map creates; /* keys that were sent */
    struct map created;
    map_init(&creates);
    map_init(&created);
    for (size_t i = 0; i < checker->ops.count; i++) {
        const struct op_rec *op = checker->ops.items[i];
        struct call_rec *first = op->calls.items[0];
        if (first->key[0] != '\0')
            check_answers(checker, op);
        if (is_same(first->method, "CreateTask"))
            (void)map_put(&creates, str_from(first->key), first);
    }
    for (size_t i = 0; i < checker->log.count; i++) {
        struct event_rec *event = checker->log.items[i];
        if (!is_same(event->type, "task.created"))
            continue;
        const struct event_rec *twin = map_put(&created, str_from(event->key), event);
        if (twin != NULL)
            blame(checker, event->line, twin->line, "two tasks were made for key %s", event->key);
        if (map_get(&creates, str_from(event->key)) == NULL)
            blame(checker, event->line, 0, "a task with key %s, which nobody sent", event->key);
    }
    map_fini(&creates);
    map_fini(&created);
}

/* ---- refused ---- */

void rule_refused(struct checker *checker)
{
    for (size_t i = 0; i < checker->log.count; i++) {
        const struct event_rec *event = checker->log.items[i];
        const struct call_rec *call = map_get(&checker->calls_by_rid, str_from(event->rid));
        if (call != NULL && call->outcome == OUTCOME_REFUSED)
            blame(checker, call->end_line, event->line, "%s was refused, and yet there is %s",
                  call->method, event->type);
    }
}

/* ---- one-effect ---- */

static bool is_command_event(const char *type)
{
    static const char *const types[] = {
        "task.created", "task.updated",         "task.wrapup",        "task.completed",
        "task.deleted", "reservation.accepted", "reservation.wrapup", "reservation.completed"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (is_same(types[i], type))
            return true;
    }
    return false;
}

void rule_one_effect(struct checker *checker)
{
    for (size_t i = 0; i < checker->calls.count; i++) {
        const struct call_rec *call = checker->calls.items[i];
        if (call->second != NULL)
            blame(checker, call->line, call->second->line, "one %s has had its effect twice",
                  call->method);
    }
    for (size_t i = 0; i < checker->log.count; i++) {
        const struct event_rec *event = checker->log.items[i];
        if (is_own(event) && is_command_event(event->type) &&
            map_get(&checker->calls_by_rid, str_from(event->rid)) == NULL)
            blame(checker, event->line, 0, "%s that nobody asked for", event->type);
    }
}

/* ---- real-time ---- */

static void check_pair(struct checker *checker, const struct op_rec *a, const struct op_rec *b)
{
    if (a->ended_us < b->begun_us && a->effect->q > b->effect->q) {
        const struct call_rec *later = b->calls.items[0];
        blame(checker, a->ok->end_line, later->line,
              "%s was acknowledged before %s began, but its %s stands behind", a->row->method,
              b->row->method, a->row->event);
    }
}

void rule_real_time(struct checker *checker)
{
    for (size_t i = 0; i < checker->things.count; i++) {
        const struct thing *task = checker->things.entries[i].value;
        for (size_t k = 0; k < task->ops.count; k++) {
            for (size_t m = 0; m < task->ops.count; m++)
                check_pair(checker, task->ops.items[k], task->ops.items[m]);
        }
    }
}

/* ---- reads ---- */

void rule_reads(struct checker *checker)
{
    for (size_t i = 0; i < checker->things.count; i++) {
        const struct thing *task = checker->things.entries[i].value;
        for (size_t k = 0; k < task->reads.count; k++) {
            const struct call_rec *read = task->reads.items[k];
            for (size_t m = 0; m < task->ops.count; m++) {
                const struct op_rec *op = task->ops.items[m];
                if (op->ended_us < read->begun_us && read->version < op->effect->tv)
                    blame(checker, op->ok->end_line, read->end_line,
                          "GetTask began after %s was acknowledged and gives version %lld, older "
                          "than %lld",
                          op->row->method, (long long)read->version, (long long)op->effect->tv);
            }
        }
    }
}

/* ---- accepts ---- */

void rule_accepts(struct checker *checker)
{
    struct map taken;
    map_init(&taken);
    for (size_t i = 0; i < checker->ends.count; i++) {
        struct call_rec *call = checker->ends.items[i];
        if (call->outcome != OUTCOME_OK || !is_same(call->method, "AcceptReservation"))
            continue;
        const struct call_rec *first = map_get(&taken, str_from(call->task));
        if (first != NULL && !is_same(first->sid, call->sid))
            blame(checker, first->end_line, call->end_line,
                  "two agents were told that task %s is theirs", call->task);
        if (first == NULL)
            (void)map_put(&taken, str_from(call->task), call);
    }
    map_fini(&taken);
}
