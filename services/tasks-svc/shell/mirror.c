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
#include "mirror_apply.h"
#include "mirror_merge.h"
#include "rpc/pb.h"
#include "shard_int.h"
#include "svc/mirror.h"

typedef Taskrouter__Common__V1__MirrorResult wire_result;

/* Places on the desk. */
struct desk_task {
    struct mirror_task task;
    bool is_dirty;
    const struct shard_op *changed_by; /* the last one that did; its version grows once for each */
};

struct desk_reservation {
    struct mirror_reservation reservation;
    bool is_dirty;
};

void desk_init(struct mirror_desk *desk)
{
    map_init(&desk->tasks);
    map_init(&desk->reservations);
    map_init(&desk->events);
}

void desk_fini(struct mirror_desk *desk)
{
    map_fini(&desk->tasks);
    map_fini(&desk->reservations);
    map_fini(&desk->events);
}

void desk_clear(struct mirror_desk *desk)
{
    map_clear(&desk->tasks);
    map_clear(&desk->reservations);
    map_clear(&desk->events);
    desk->is_read = false;
    desk->has_news = false;
    err_clear(&desk->failure);
    desk->new_events = (struct sid_list){0};
}

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE",
                   "the batch needs too much memory; try again");
}

/* Without memory the batch fails. */
static void list_add(struct batch *batch, struct sid_list *list, const struct sid *sid)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        struct sid *items = ARENA_ARRAY(batch->shard->arena, struct sid, capacity);
        if (items == NULL) {
            batch->failure.code = no_room(&batch->failure);
            return;
        }
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *sid;
}

static struct desk_task *desk_task(struct shard *shard, const struct sid *sid)
{
    struct desk_task *place = map_get(&shard->desk.tasks, str_from(sid->text));
    if (place != NULL || !sid_is_set(sid))
        return place;
    place = ARENA_NEW(shard->arena, struct desk_task);
    if (place == NULL)
        return NULL;
    place->task.row.sid = *sid;
    (void)map_put(&shard->desk.tasks, str_from(place->task.row.sid.text), place);
    return place;
}

static struct desk_reservation *desk_reservation(struct shard *shard, const struct sid *sid)
{
    struct desk_reservation *place = map_get(&shard->desk.reservations, str_from(sid->text));
    if (place != NULL || !sid_is_set(sid))
        return place;
    place = ARENA_NEW(shard->arena, struct desk_reservation);
    if (place == NULL)
        return NULL;
    place->reservation.row.sid = *sid;
    (void)map_put(&shard->desk.reservations, str_from(place->reservation.row.sid.text), place);
    return place;
}

/* ---- reading ---- */

/* SIDs that the batch's operations name. */
struct asking {
    struct arena *arena;
    struct str *items[3]; /* tasks, reservations, events */
    size_t count[3];
    size_t room;
};

enum { ASK_TASKS, ASK_RESERVATIONS, ASK_EVENTS };

static void ask_for(struct asking *asking, int what, const struct sid *sid)
{
    if (sid_is_set(sid))
        asking->items[what][asking->count[what]++] = str_from(sid->text);
}

static void ask_for_op(struct asking *asking, const struct shard_op *op)
{
    const struct mirror_apply *apply = op->mirror;
    for (size_t i = 0; apply != NULL && i < apply->item_count; i++) {
        const struct apply_item *item = &apply->items[i];
        bool is_task = strncmp(item->sid.text, "WT", 2) == 0;
        if (item->conflict == NULL)
            ask_for(asking, is_task ? ASK_TASKS : ASK_RESERVATIONS, &item->sid);
        ask_for(asking, ASK_TASKS, &item->reservation.task_sid);
    }
    if (apply != NULL && apply->event != NULL) {
        ask_for(asking, ASK_EVENTS, &apply->event->sid);
        ask_for(asking, ASK_TASKS, &apply->event->task_sid);
        ask_for(asking, ASK_RESERVATIONS, &apply->event->reservation_sid);
    }
    if (apply == NULL && op->is_own_only && op->command.kind != ENGINE_COMMAND_NONE)
        ask_for(asking, op->reply == SHARD_REPLY_TASK ? ASK_TASKS : ASK_RESERVATIONS,
                &op->command.action.sid);
}

/* Whether rows of a mirrored workspace are needed to answer it. */
static bool reads_rows(const struct shard *shard, const struct shard_op *op)
{
    if (op->mirror != NULL)
        return true;
    return op->is_own_only && op->command.kind != ENGINE_COMMAND_NONE &&
           engine_is_mirrored(shard->engine, &op->workspace_sid);
}

static void put_task(void *ctx, const struct mirror_task *task)
{
    struct desk_task *place = desk_task(ctx, &task->row.sid);
    if (place != NULL)
        place->task = *task;
}

static void put_reservation(void *ctx, const struct mirror_reservation *reservation)
{
    struct desk_reservation *place = desk_reservation(ctx, &reservation->row.sid);
    if (place != NULL)
        place->reservation = *reservation;
}

static void put_event(void *ctx, const char *sid)
{
    struct shard *shard = ctx;
    (void)map_put(&shard->desk.events, str_from(sid), shard);
}

/* What all operations of the batch need, at the first that needs any. */
static enum err_code read_desk(struct batch *batch, struct err *err)
{
    struct shard *shard = batch->shard;
    struct asking asking = {.arena = shard->arena};
    if (shard->desk.is_read) {
        *err = shard->desk.failure;
        return err->code;
    }
    for (size_t i = 0; i < batch->op_count; i++) {
        if (reads_rows(shard, batch->ops[i]))
            asking.room +=
                4 + (batch->ops[i]->mirror == NULL ? 0 : 2 * batch->ops[i]->mirror->item_count);
    }
    for (size_t what = 0; what < ARRAY_LEN(asking.items); what++)
        asking.items[what] = ARENA_ARRAY(shard->arena, struct str, asking.room);
    if (arena_is_exhausted(shard->arena))
        return no_room(err);
    for (size_t i = 0; i < batch->op_count; i++) {
        if (reads_rows(shard, batch->ops[i]))
            ask_for_op(&asking, batch->ops[i]);
    }
    enum err_code code = mirror_store_read(
        shard->conn, &batch->call,
        &(struct mirror_ask){asking.items[ASK_TASKS], asking.count[ASK_TASKS],
                             asking.items[ASK_RESERVATIONS], asking.count[ASK_RESERVATIONS],
                             asking.items[ASK_EVENTS], asking.count[ASK_EVENTS]},
        put_task, put_reservation, put_event, shard, err);
    if (code == ERR_OK && arena_is_exhausted(shard->arena))
        code = no_room(err);
    shard->desk.is_read = true;
    shard->desk.failure = *err;
    return code;
}

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
        a->batch->failure.code = no_room(&a->batch->failure);
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
        a->batch->failure.code = no_room(&a->batch->failure);
        return;
    }
    event->sid = told->sid;
    event->type = type_from(told->type);
    event->at_us = told->at_us;
    pack(a, event,
         &(struct event_origin){.source = MIRROR_SOURCE, .type = told->type, .extras = told->data});
    (void)map_put(&desk->events, str_from(told->sid.text), desk);
    list_add(a->batch, &desk->new_events, &told->sid);
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

/* True for the first change of the task by this operation. */
static bool note_change(struct applying *a, struct desk_task *place)
{
    if (place->changed_by == a->op)
        return false;
    place->changed_by = a->op;
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
    if (is_news && task != NULL && task->changed_by != a->op)
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

enum err_code mirror_apply_op(struct batch *batch, struct shard_op *op)
{
    struct known_workspace known;
    enum err_code code = check_workspace(batch->shard, op, &known);
    if (code == ERR_OK)
        code = read_desk(batch, &op->err);
    if (code != ERR_OK)
        return code;
    struct applying a = {
        .batch = batch,
        .shard = batch->shard,
        .op = op,
        .apply = op->mirror,
        .arena = op->call->arena,
        .account_sid = known.account_sid,
        .results = ARENA_ARRAY(op->call->arena, wire_result *, op->mirror->item_count),
        .changed = ARENA_ARRAY(op->call->arena, struct desk_task *, 2 * op->mirror->item_count),
        .is_dry_run = op->mirror->is_dry_run,
    };
    if (a.results == NULL || a.changed == NULL)
        return no_room(&op->err);
    apply_all(&a);
    Taskrouter__Common__V1__MirrorResults *reply =
        mirror_results(a.arena, a.results, a.result_count);
    if (arena_is_exhausted(batch->shard->arena))
        return no_room(&batch->failure); /* half of it is on the desk: nothing is stored */
    if (reply == NULL) /* it is stored all the same: asking again gives the outcome */
        return no_room(&op->err);
    op->message = &reply->base;
    return ERR_OK;
}

/* ---- writes of others ---- */

enum err_code mirror_check_own(struct batch *batch, struct shard_op *op)
{
    if (!op->is_own_only)
        return ERR_OK;
    enum err_code code = read_desk(batch, &op->err);
    if (code != ERR_OK)
        return code;
    bool is_reservation = op->reply == SHARD_REPLY_RESERVATION;
    const struct sid *sid = &op->command.action.sid;
    const char *own = op->call->who.worker_sid;
    const char *worker = NULL;
    if (is_reservation) {
        const struct desk_reservation *place = desk_reservation(batch->shard, sid);
        if (place != NULL && place->reservation.is_there)
            worker = place->reservation.row.worker_sid.text;
    } else {
        const struct desk_task *place = desk_task(batch->shard, sid);
        if (place != NULL && place->task.is_there && !place->task.is_deleted)
            worker = place->task.row.worker_sid.text;
    }
    if (worker == NULL)
        return ERR_SET(&op->err, ERR_NOT_FOUND,
                       is_reservation ? "RESERVATION_NOT_FOUND" : "TASK_NOT_FOUND",
                       "there is no %s %s in this workspace; if it exists at Twilio, run "
                       "taskrouter sync --all",
                       is_reservation ? "reservation" : "task", sid->text);
    if (own[0] != '\0' && strcmp(own, worker) == 0)
        return ERR_OK;
    return ERR_SET(&op->err, ERR_PERMISSION_DENIED, "NOT_YOURS",
                   "an agent may act only on the %s of its own worker",
                   is_reservation ? "reservations" : "tasks");
}

/* ---- to be written ---- */

bool mirror_rows_of(struct batch *batch, struct mirror_rows *out)
{
    struct mirror_desk *desk = &batch->shard->desk;
    struct arena *arena = batch->shard->arena;
    *out = (struct mirror_rows){.events = desk->new_events.items,
                                .event_count = desk->new_events.count};
    if (!desk->has_news)
        return true;
    const struct mirror_task **tasks =
        ARENA_ARRAY(arena, const struct mirror_task *, desk->tasks.count);
    const struct mirror_reservation **reservations =
        ARENA_ARRAY(arena, const struct mirror_reservation *, desk->reservations.count);
    if (tasks == NULL || reservations == NULL)
        return false;
    for (size_t i = 0; i < desk->tasks.count; i++) {
        const struct desk_task *place = desk->tasks.entries[i].value;
        if (place->is_dirty)
            tasks[out->task_count++] = &place->task;
    }
    for (size_t i = 0; i < desk->reservations.count; i++) {
        const struct desk_reservation *place = desk->reservations.entries[i].value;
        if (place->is_dirty)
            reservations[out->reservation_count++] = &place->reservation;
    }
    out->tasks = tasks;
    out->reservations = reservations;
    return true;
}
