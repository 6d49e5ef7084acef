/* The rows that a batch's operations are about, read once and written once: see mirror.c. */
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "desk_int.h"
#include "mirror_apply.h"

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

enum err_code desk_no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE",
                   "the batch needs too much memory; try again");
}

void desk_list_add(struct batch *batch, struct sid_list *list, const struct sid *sid)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        struct sid *items = ARENA_ARRAY(batch->shard->arena, struct sid, capacity);
        if (items == NULL) {
            batch->failure.code = desk_no_room(&batch->failure);
            return;
        }
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *sid;
}

struct desk_task *desk_task(struct shard *shard, const struct sid *sid)
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

struct desk_reservation *desk_reservation(struct shard *shard, const struct sid *sid)
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

static void ask_for_apply(struct asking *asking, const struct mirror_apply *apply)
{
    for (size_t i = 0; i < apply->item_count; i++) {
        const struct apply_item *item = &apply->items[i];
        bool is_task = strncmp(item->sid.text, "WT", 2) == 0;
        if (item->conflict == NULL)
            ask_for(asking, is_task ? ASK_TASKS : ASK_RESERVATIONS, &item->sid);
        ask_for(asking, ASK_TASKS, &item->reservation.task_sid);
    }
    if (apply->event != NULL) {
        ask_for(asking, ASK_EVENTS, &apply->event->sid);
        ask_for(asking, ASK_TASKS, &apply->event->task_sid);
        ask_for(asking, ASK_RESERVATIONS, &apply->event->reservation_sid);
    }
}

static void ask_for_op(struct asking *asking, const struct shard_op *op)
{
    for (size_t i = 0; i < op->mirror_count; i++)
        ask_for_apply(asking, &op->mirror[i]);
    if (op->mirror == NULL && op->is_own_only && op->command.kind != ENGINE_COMMAND_NONE)
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

/* How many SIDs of a kind the operation may name. */
static size_t room_for(const struct shard_op *op)
{
    size_t room = 4;
    for (size_t i = 0; i < op->mirror_count; i++)
        room += 4 + 2 * op->mirror[i].item_count;
    return room;
}

enum err_code desk_read(struct batch *batch, struct err *err)
{
    struct shard *shard = batch->shard;
    struct asking asking = {.arena = shard->arena};
    if (shard->desk.is_read) {
        *err = shard->desk.failure;
        return err->code;
    }
    for (size_t i = 0; i < batch->op_count; i++) {
        if (reads_rows(shard, batch->ops[i]))
            asking.room += room_for(batch->ops[i]);
    }
    for (size_t what = 0; what < ARRAY_LEN(asking.items); what++)
        asking.items[what] = ARENA_ARRAY(shard->arena, struct str, asking.room);
    if (arena_is_exhausted(shard->arena))
        return desk_no_room(err);
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
        code = desk_no_room(err);
    shard->desk.is_read = true;
    shard->desk.failure = *err;
    return code;
}

/* ---- writes of others ---- */

enum err_code mirror_check_own(struct batch *batch, struct shard_op *op)
{
    if (!op->is_own_only)
        return ERR_OK;
    enum err_code code = desk_read(batch, &op->err);
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
