/*
 * Workspaces that Twilio routes: what was observed there is laid over the rows we have, in the
 * shard's own batch. The rows that a batch is about are read once, before the first of its
 * operations; from then on nobody else writes them, for the lease guards the commit. So operations
 * of one batch see each other, and what is not stored in the end has changed nothing.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/macros.h"
#include "desk_int.h"
#include "mirror_apply.h"
#include "mirror_merge.h"
#include "rpc/pb.h"
#include "svc/mirror.h"

typedef Taskrouter__Common__V1__MirrorResult wire_result;
typedef Taskrouter__Tasks__V1__ApplyOutcome wire_outcome;

/* ---- one observation ---- */

/* One Apply under way. */
struct applying {
    struct batch *batch;
    struct shard *shard;
    struct shard_op *op;
    const struct mirror_apply *apply;
    struct arena *arena; /* of the reply */
    struct sid account_sid;
    wire_result **results;
    size_t result_count;
    struct desk_task **changed; /* tasks, each once; room for one per item */
    size_t changed_count;
    bool is_dry_run;
};

static void add_result(struct applying *a, const struct apply_item *item, mirror_outcome outcome,
                       const struct mirror_diff *diff, const char *detail)
{
    a->results[a->result_count++] =
        mirror_result(a->arena, item->sid.text, "", outcome, diff, detail);
}

static void put_conflict(struct applying *a, const struct apply_item *item, const char *why)
{
    add_result(a, item, MIRROR_CONFLICTING, NULL, why);
}

/* ---- events ---- */

static void pack(struct applying *a, const struct engine_event *event,
                 const struct event_origin *origin)
{
    const struct mirror_event *told = a->apply->event;
    const struct call *call = a->op->call;
    bool is_told = origin->extras.len > 0;
    event_pack_mirrored(
        &a->shard->packer, event, is_told ? told->actor_sid : "",
        is_told && told->request_id[0] != '\0' ? told->request_id : call->request_id, origin);
}

/* Copies of the rows as they are now: later operations go on changing those on the desk. */
static struct engine_event *new_event(struct applying *a, const struct mirror_task *task,
                                      const struct mirror_reservation *reservation)
{
    struct arena *arena = a->shard->arena;
    struct engine_event *event = ARENA_NEW(arena, struct engine_event);
    struct task_row *task_copy = ARENA_NEW(arena, struct task_row);
    struct reservation_row *copy = ARENA_NEW(arena, struct reservation_row);
    struct engine_worker_ref *worker = ARENA_NEW(arena, struct engine_worker_ref);
    if (event == NULL || task_copy == NULL || copy == NULL || worker == NULL)
        return NULL;
    *task_copy = task->row;
    event->task = task_copy;
    if (reservation == NULL)
        return event;
    *copy = reservation->row;
    worker->sid = copy->worker_sid;
    worker->name = copy->worker_name;
    event->reservation = copy;
    event->worker = worker;
    return event;
}

/* Something that Twilio did not tell us of by an event: found out by asking, or done through us. */
static void tell(struct applying *a, enum engine_event_type type, const struct mirror_task *task,
                 const struct mirror_reservation *reservation)
{
    if (a->is_dry_run || !task->is_there)
        return;
    struct engine_event *event = new_event(a, task, reservation);
    if (event == NULL) {
        a->batch->failure.code = desk_no_room(&a->batch->failure);
        return;
    }
    event->sid = sid_new("EV");
    event->type = type;
    event->at_us = a->batch->now_us;
    if (type == ENGINE_EVENT_TASK_CANCELED || type == ENGINE_EVENT_RESERVATION_CANCELED)
        event->reason = STR(MIRROR_VANISHED_REASON);
    pack(a, event,
         &(struct event_origin){.source = MIRROR_SYNC_SOURCE, .type = engine_event_name(type)});
}

static enum engine_event_type type_from(const char *name)
{
    for (int type = ENGINE_EVENT_NONE + 1; type < ENGINE_EVENT_COUNT; type++) {
        if (strcmp(name, engine_event_name((enum engine_event_type)type)) == 0)
            return (enum engine_event_type)type;
    }
    return ENGINE_EVENT_NONE;
}

/* What the event itself says of queue and workflow goes before the row, which may be later. */
static void aim(struct task_row *task, const struct mirror_event *told)
{
    if (sid_is_set(&told->queue_sid) && strcmp(task->queue_sid.text, told->queue_sid.text) != 0) {
        task->queue_sid = told->queue_sid;
        task->queue_name = STR("");
    }
    if (sid_is_set(&told->workflow_sid))
        task->workflow_sid = told->workflow_sid;
}

/* The task and the reservation that the event is about, as the observation leaves them; what we do
 * not have is made of what the event says. */
static void find_rows(struct applying *a, struct mirror_task *task,
                      struct mirror_reservation *reservation)
{
    const struct mirror_event *told = a->apply->event;
    const struct desk_reservation *offer = desk_reservation(a->shard, &told->reservation_sid);
    *reservation = (struct mirror_reservation){.row = {.sid = told->reservation_sid}};
    if (offer != NULL)
        *reservation = offer->reservation;
    if (!sid_is_set(&reservation->row.worker_sid))
        reservation->row.worker_sid = told->worker_sid;
    const struct sid *task_sid =
        sid_is_set(&told->task_sid) ? &told->task_sid : &reservation->row.task_sid;
    const struct desk_task *place = desk_task(a->shard, task_sid);
    *task = (struct mirror_task){
        .row = {.sid = *task_sid, .attributes = STR("{}")}
    };
    if (place != NULL && place->task.is_there)
        *task = place->task;
    task->row.account_sid = a->account_sid;
    task->row.workspace_sid = a->op->workspace_sid;
    aim(&task->row, told);
}

static void log_event(struct applying *a)
{
    const struct mirror_event *told = a->apply->event;
    struct mirror_desk *desk = &a->shard->desk;
    struct mirror_task task;
    struct mirror_reservation reservation;
    if (told == NULL || a->is_dry_run)
        return;
    find_rows(a, &task, &reservation);
    struct engine_event *event = new_event(a, &task, told->is_of_reservation ? &reservation : NULL);
    if (event == NULL) {
        a->batch->failure.code = desk_no_room(&a->batch->failure);
        return;
    }
    event->sid = told->sid;
    event->type = type_from(told->type);
    event->at_us = told->at_us;
    pack(a, event,
         &(struct event_origin){.source = MIRROR_SOURCE, .type = told->type, .extras = told->data});
    (void)map_put(&desk->events, str_from(told->sid.text), desk);
    desk_list_add(a->batch, &desk->new_events, &told->sid);
    desk->has_news = true;
}

/* ---- rows ---- */

static void store_task(struct applying *a, struct desk_task *place, const struct mirror_task *task)
{
    if (a->is_dry_run)
        return;
    place->task = *task;
    place->task.is_there = true;
    place->is_dirty = true;
    a->shard->desk.has_news = true;
}

static void store_reservation(struct applying *a, struct desk_reservation *place,
                              const struct mirror_reservation *reservation)
{
    if (a->is_dry_run)
        return;
    place->reservation = *reservation;
    place->reservation.is_there = true;
    place->is_dirty = true;
    a->shard->desk.has_news = true;
}

static bool has_taken(const struct reservation_row *row)
{
    return row->state == RESERVATION_ACCEPTED || row->state == RESERVATION_WRAPPING ||
           row->state == RESERVATION_COMPLETED;
}

/* True for the first change of the task by this observation. */
static bool note_change(struct applying *a, struct desk_task *place)
{
    if (place->changed_by == a->apply)
        return false;
    place->changed_by = a->apply;
    a->changed[a->changed_count++] = place;
    return true;
}

/* Who has accepted a task is known from its reservation alone. */
static void note_worker(struct applying *a, const struct reservation_row *row)
{
    struct desk_task *place = desk_task(a->shard, &row->task_sid);
    if (place == NULL || !place->task.is_there || place->task.is_ours || !has_taken(row) ||
        sid_is_set(&place->task.row.worker_sid))
        return;
    struct mirror_task task = place->task;
    task.row.worker_sid = row->worker_sid;
    task.row.version += note_change(a, place) ? 1 : 0;
    store_task(a, place, &task);
}

static void note_workers_of(struct applying *a, const struct sid *task_sid)
{
    const struct map *reservations = &a->shard->desk.reservations;
    for (size_t i = 0; i < reservations->count; i++) {
        const struct desk_reservation *place = reservations->entries[i].value;
        if (place->reservation.is_there &&
            strcmp(place->reservation.row.task_sid.text, task_sid->text) == 0)
            note_worker(a, &place->reservation.row);
    }
}

static bool is_elsewhere(const struct applying *a, bool is_there, bool is_ours,
                         const struct sid *workspace_sid)
{
    return is_there && (is_ours || strcmp(workspace_sid->text, a->op->workspace_sid.text) != 0);
}

static void apply_task(struct applying *a, const struct apply_item *item)
{
    struct desk_task *place = desk_task(a->shard, &item->sid);
    struct mirror_task merged;
    struct mirror_diff diff;
    if (place == NULL)
        return;
    const struct mirror_task *ours = &place->task;
    if (is_elsewhere(a, ours->is_there, ours->is_ours, &ours->row.workspace_sid)) {
        put_conflict(a, item, "there is a task of that SID already, which is not mirrored here");
        return;
    }
    struct task_row theirs = item->task;
    theirs.account_sid = a->account_sid;
    mirror_diff_init(&diff, a->arena);
    mirror_outcome outcome =
        mirror_merge_task(ours, &theirs, a->apply->observed_at_us, &merged, &diff);
    bool is_news = outcome == MIRROR_CREATED || outcome == MIRROR_UPDATED;
    if (is_news)
        (void)note_change(a, place);
    if (is_news || merged.observed_at_us > ours->observed_at_us)
        store_task(a, place, &merged);
    if (outcome == MIRROR_CREATED)
        note_workers_of(a, &item->sid);
    add_result(a, item, outcome, &diff, "");
}

static const char *what_lacks(const struct mirror_reservation *ours,
                              const struct reservation_row *theirs)
{
    if (ours->is_there)
        return NULL;
    if (!sid_is_set(&theirs->task_sid))
        return "it is new and its task is missing";
    return sid_is_set(&theirs->worker_sid) ? NULL : "it is new and its worker is missing";
}

/* Of its task, where the observation does not say: for rows as complete as our own. */
static void fill_reservation(struct applying *a, struct reservation_row *row)
{
    const struct desk_task *place = desk_task(a->shard, &row->task_sid);
    row->account_sid = a->account_sid;
    if (place == NULL || !place->task.is_there)
        return;
    row->channel_sid = place->task.row.channel_sid;
    if (!sid_is_set(&row->workflow_sid))
        row->workflow_sid = place->task.row.workflow_sid;
}

static void apply_reservation(struct applying *a, const struct apply_item *item)
{
    struct desk_reservation *place = desk_reservation(a->shard, &item->sid);
    struct mirror_reservation merged;
    struct mirror_diff diff;
    if (place == NULL)
        return;
    const struct mirror_reservation *ours = &place->reservation;
    const char *lacks = what_lacks(ours, &item->reservation);
    if (is_elsewhere(a, ours->is_there, ours->is_ours, &ours->row.workspace_sid))
        lacks = "there is a reservation of that SID already, which is not mirrored here";
    if (lacks != NULL) {
        put_conflict(a, item, lacks);
        return;
    }
    struct reservation_row theirs = item->reservation;
    fill_reservation(a, &theirs);
    mirror_diff_init(&diff, a->arena);
    mirror_outcome outcome =
        mirror_merge_reservation(ours, &theirs, a->apply->observed_at_us, &merged, &diff);
    bool is_news = outcome == MIRROR_CREATED || outcome == MIRROR_UPDATED;
    if (is_news || merged.observed_at_us > ours->observed_at_us)
        store_reservation(a, place, &merged);
    if (is_news)
        note_worker(a, &merged.row);
    struct desk_task *task = desk_task(a->shard, &merged.row.task_sid);
    if (is_news && task != NULL && task->changed_by != a->apply)
        a->changed[a->changed_count++] = task; /* told of, but not another version of it */
    add_result(a, item, outcome, &diff, "");
}

/* ---- what is no longer there ---- */

static void cancel_reservation(struct applying *a, struct desk_reservation *place, bool is_told)
{
    struct mirror_reservation canceled = place->reservation;
    const struct desk_task *task = desk_task(a->shard, &canceled.row.task_sid);
    canceled.row.state = RESERVATION_CANCELED;
    canceled.row.version++;
    canceled.row.updated_at_us = a->batch->now_us;
    if (a->apply->observed_at_us > canceled.observed_at_us)
        canceled.observed_at_us = a->apply->observed_at_us;
    store_reservation(a, place, &canceled);
    if (is_told && task != NULL)
        tell(a, ENGINE_EVENT_RESERVATION_CANCELED, &task->task, &canceled);
}

static void cancel_open_ones(struct applying *a, const struct sid *task_sid, bool is_told)
{
    const struct map *reservations = &a->shard->desk.reservations;
    for (size_t i = 0; i < reservations->count; i++) {
        struct desk_reservation *place = reservations->entries[i].value;
        const struct mirror_reservation *one = &place->reservation;
        if (one->is_there && !one->is_ours && reservation_is_open(one->row.state) &&
            strcmp(one->row.task_sid.text, task_sid->text) == 0)
            cancel_reservation(a, place, is_told);
    }
}

static mirror_outcome vanish_task(struct applying *a, const struct apply_item *item)
{
    struct desk_task *place = desk_task(a->shard, &item->sid);
    if (place == NULL || !place->task.is_there ||
        is_elsewhere(a, true, place->task.is_ours, &place->task.row.workspace_sid))
        return MIRROR_UNKNOWN;
    if (place->task.is_deleted || task_is_terminal(place->task.row.state))
        return MIRROR_UNCHANGED;
    if (place->task.observed_at_us > a->apply->observed_at_us)
        return MIRROR_STALE;
    struct mirror_task canceled = place->task;
    canceled.observed_at_us = a->apply->observed_at_us;
    canceled.row.state = TASK_CANCELED;
    canceled.row.reason = STR(MIRROR_VANISHED_REASON);
    canceled.row.version++;
    canceled.row.updated_at_us = a->batch->now_us;
    canceled.row.ended_at_us = a->batch->now_us;
    cancel_open_ones(a, &item->sid, true);
    store_task(a, place, &canceled);
    tell(a, ENGINE_EVENT_TASK_CANCELED, &canceled, NULL);
    return MIRROR_VANISHED;
}

static mirror_outcome vanish_reservation(struct applying *a, const struct apply_item *item)
{
    struct desk_reservation *place = desk_reservation(a->shard, &item->sid);
    if (place == NULL || !place->reservation.is_there ||
        is_elsewhere(a, true, place->reservation.is_ours, &place->reservation.row.workspace_sid))
        return MIRROR_UNKNOWN;
    if (!reservation_is_open(place->reservation.row.state))
        return MIRROR_UNCHANGED;
    if (place->reservation.observed_at_us > a->apply->observed_at_us)
        return MIRROR_STALE;
    cancel_reservation(a, place, true);
    return MIRROR_VANISHED;
}

/* Of one that we never heard of a row is kept all the same: what is told of its life may come
 * later, and must not bring it to life. */
static mirror_outcome delete_task(struct applying *a, const struct apply_item *item)
{
    struct desk_task *place = desk_task(a->shard, &item->sid);
    if (place == NULL ||
        is_elsewhere(a, place->task.is_there, place->task.is_ours, &place->task.row.workspace_sid))
        return MIRROR_UNKNOWN;
    if (place->task.is_deleted)
        return MIRROR_UNCHANGED;
    struct mirror_task deleted = place->task;
    bool was_there = deleted.is_there;
    if (!was_there) {
        struct mirror_diff none;
        const struct task_row unknown = {
            .sid = item->sid,
            .account_sid = a->account_sid,
            .workspace_sid = a->op->workspace_sid,
            .state = TASK_CANCELED,
        };
        mirror_diff_init(&none, a->arena);
        (void)mirror_merge_task(&place->task, &unknown, a->apply->observed_at_us, &deleted, &none);
    }
    deleted.is_deleted = true;
    deleted.row.version += was_there ? 1 : 0;
    if (a->apply->observed_at_us > deleted.observed_at_us)
        deleted.observed_at_us = a->apply->observed_at_us;
    cancel_open_ones(a, &item->sid, false);
    store_task(a, place, &deleted);
    return was_there ? MIRROR_VANISHED : MIRROR_UNKNOWN;
}

static void apply_item(struct applying *a, const struct apply_item *item)
{
    bool is_task = strncmp(item->sid.text, "WT", 2) == 0;
    if (item->conflict != NULL) {
        put_conflict(a, item, item->conflict);
        return;
    }
    switch (item->kind) {
    case APPLY_ITEM_TASK:
        apply_task(a, item);
        return;
    case APPLY_ITEM_RESERVATION:
        apply_reservation(a, item);
        return;
    case APPLY_ITEM_VANISHED:
        add_result(a, item, is_task ? vanish_task(a, item) : vanish_reservation(a, item), NULL, "");
        return;
    case APPLY_ITEM_DELETED:
        add_result(a, item, delete_task(a, item), NULL, "");
        return;
    case APPLY_ITEM_NONE:
        return;
    }
}

/* ---- the operation ---- */

static void apply_all(struct applying *a)
{
    const struct mirror_apply *apply = a->apply;
    bool is_known = apply->event != NULL &&
                    map_get(&a->shard->desk.events, str_from(apply->event->sid.text)) != NULL;
    for (size_t i = 0; i < apply->item_count; i++) {
        if (is_known && apply->items[i].conflict == NULL)
            add_result(a, &apply->items[i], MIRROR_UNCHANGED, NULL, "");
        else
            apply_item(a, &apply->items[i]);
    }
    if (!is_known)
        log_event(a);
    /* Whoever follows the stream has to hear of what no event told. */
    for (size_t i = 0; apply->event == NULL && i < a->changed_count; i++)
        tell(a, ENGINE_EVENT_TASK_UPDATED, &a->changed[i]->task, NULL);
}

static enum err_code check_workspace(struct shard *shard, struct shard_op *op,
                                     struct known_workspace *out)
{
    if (directory_get(shard->shell, op->workspace_sid.text, out) && !out->is_deleted)
        return mirror_check_mirrored(op->workspace_sid.text, out->is_mirrored, &op->err);
    op->unknown = SHARD_UNKNOWN_WORKSPACE; /* asked for, with may_fetch */
    return ERR_FIELD(&op->err, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid",
                     "there is no workspace %s", op->workspace_sid.text);
}

/* NULL without memory: when it was the reply's, all is stored the same, and asking again gives the
 * outcome. */
static Taskrouter__Common__V1__MirrorResults *apply_one(struct batch *batch, struct shard_op *op,
                                                        const struct mirror_apply *apply,
                                                        const struct sid *account_sid)
{
    struct applying a = {
        .batch = batch,
        .shard = batch->shard,
        .op = op,
        .apply = apply,
        .arena = op->call->arena,
        .account_sid = *account_sid,
        .results = ARENA_ARRAY(op->call->arena, wire_result *, apply->item_count),
        .changed = ARENA_ARRAY(op->call->arena, struct desk_task *, 2 * apply->item_count),
        .is_dry_run = apply->is_dry_run,
    };
    if (a.results == NULL || a.changed == NULL)
        return NULL;
    apply_all(&a);
    return mirror_results(a.arena, a.results, a.result_count);
}

static wire_outcome *outcome_of(struct batch *batch, struct shard_op *op,
                                const struct mirror_apply *apply, const struct sid *account_sid)
{
    struct arena *arena = op->call->arena;
    wire_outcome *outcome = PB_NEW(arena, taskrouter__tasks__v1__apply_outcome);
    if (outcome == NULL)
        return NULL;
    if (apply->refusal != NULL) {
        outcome->code = (int32_t)apply->refusal->code;
        outcome->reason = arena_strdup(arena, apply->refusal->reason);
        outcome->detail = arena_strdup(arena, apply->refusal->detail);
        return outcome->reason == NULL || outcome->detail == NULL ? NULL : outcome;
    }
    outcome->results = apply_one(batch, op, apply, account_sid);
    return outcome->results == NULL ? NULL : outcome;
}

static ProtobufCMessage *apply_many(struct batch *batch, struct shard_op *op,
                                    const struct sid *account_sid)
{
    struct arena *arena = op->call->arena;
    Taskrouter__Tasks__V1__ApplyManyResponse *reply =
        PB_NEW(arena, taskrouter__tasks__v1__apply_many_response);
    wire_outcome **items = ARENA_ARRAY(arena, wire_outcome *, op->mirror_count);
    if (reply == NULL || items == NULL)
        return NULL;
    for (size_t i = 0; i < op->mirror_count; i++) {
        items[i] = outcome_of(batch, op, &op->mirror[i], account_sid);
        if (items[i] == NULL)
            return NULL;
    }
    reply->items = items;
    reply->n_items = op->mirror_count;
    return &reply->base;
}

enum err_code mirror_apply_op(struct batch *batch, struct shard_op *op)
{
    struct known_workspace known;
    enum err_code code = check_workspace(batch->shard, op, &known);
    if (code == ERR_OK)
        code = desk_read(batch, &op->err);
    if (code != ERR_OK)
        return code;
    if (op->is_many) {
        op->message = apply_many(batch, op, &known.account_sid);
    } else {
        Taskrouter__Common__V1__MirrorResults *reply =
            apply_one(batch, op, op->mirror, &known.account_sid);
        op->message = reply == NULL ? NULL : &reply->base;
    }
    if (arena_is_exhausted(batch->shard->arena))
        return desk_no_room(&batch->failure); /* half of it is on the desk: nothing is stored */
    return op->message == NULL ? desk_no_room(&op->err) : ERR_OK;
}
