#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "engine/follow.h"
#include "engine_int.h"

enum { DEFAULT_CAPACITY = 1, PERCENT = 100 };

bool worker_is_free(const struct worker *worker, const struct worker_channel *slot)
{
    return !worker->is_deleted && worker->activity != NULL && worker->activity->is_available &&
           slot->is_available && slot->consumed < slot->capacity + (MUTATED(1) ? 1 : 0) &&
           (!worker->workspace->is_single_tasking || worker->open_reservations == 0);
}

struct worker_channel *worker_slot(struct worker *worker, struct channel *channel)
{
    if (channel->index >= worker->channel_count) {
        uint32_t count = worker->workspace->channel_count;
        INVARIANT(channel->index < count);
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
        size_t size = sizeof *worker->channels;
        worker->channels = (struct worker_channel **)xrealloc(worker->channels, count, size);
        for (uint32_t i = worker->channel_count; i < count; i++)
            worker->channels[i] = NULL;
        worker->channel_count = count;
    }
    struct worker_channel *slot = worker->channels[channel->index];
    if (slot == NULL) {
        slot = xcalloc(1, sizeof *slot);
        slot->channel = channel;
        slot->capacity = DEFAULT_CAPACITY;
        slot->is_available = true;
        list_init(&slot->members);
        slot->is_free = worker_is_free(worker, slot);
        worker->channels[channel->index] = slot;
    }
    return slot;
}

void worker_set_channel_fields(struct worker *worker)
{
    struct list *channels = &worker->workspace->channels;
    for (struct list_node *node = list_first(channels); node != NULL;
         node = list_next(channels, node)) {
        struct channel *channel = LIST_ENTRY(node, struct channel, node);
        if (channel->fields[0] == NULL)
            continue;
        const struct worker_channel *slot = worker_slot(worker, channel);
        int64_t used = slot->consumed;
        int64_t percentage = slot->capacity <= 0 || used >= slot->capacity
                                 ? 0
                                 : (slot->capacity - used) * PERCENT / slot->capacity;
        struct expr_field *const *fields = slot->channel->fields;
        expr_record_set_i64(worker->record, fields[CHANNEL_FIELD_CAPACITY], slot->capacity);
        expr_record_set_i64(worker->record, fields[CHANNEL_FIELD_ASSIGNED], slot->accepted);
        expr_record_set_i64(worker->record, fields[CHANNEL_FIELD_PERCENTAGE], percentage);
    }
}

/* The texts are his own or his activity's: whoever changes those sets them again. */
static void worker_set_fields(const struct engine *engine, struct worker *worker)
{
    expr_record_set_view(worker->record, engine->fields[WORKER_FIELD_SID], sid_str(&worker->sid));
    expr_record_set_view(worker->record, engine->fields[WORKER_FIELD_NAME], worker->name);
    expr_record_set_view(worker->record, engine->fields[WORKER_FIELD_ACTIVITY_SID],
                         sid_str(&worker->activity->sid));
    expr_record_set_view(worker->record, engine->fields[WORKER_FIELD_ACTIVITY_NAME],
                         worker->activity->name);
    if (worker->workspace->channel_readers > 0)
        worker_set_channel_fields(worker);
}

/* --- membership in queues ----------------------------------------------------------------- */

static void queue_count(struct queue *queue, const struct activity *activity, int delta)
{
    if (activity->index >= queue->activity_capacity) {
        uint32_t capacity = queue->workspace->activity_count;
        queue->activity_counts =
            xrealloc(queue->activity_counts, capacity, sizeof *queue->activity_counts);
        for (uint32_t i = queue->activity_capacity; i < capacity; i++)
            queue->activity_counts[i] = 0;
        queue->activity_capacity = capacity;
    }
    uint32_t *count = &queue->activity_counts[activity->index];
    *count = (uint32_t)((int64_t)*count + delta);
}

struct queue_member *queue_find(const struct engine *engine, const struct queue *queue,
                                const struct worker *worker)
{
    if (engine->marked == worker)
        return queue->mark;
    const struct list *members = &worker->queue_members;
    for (struct list_node *node = list_first(members); node != NULL;
         node = list_next(members, node)) {
        struct queue_member *member = LIST_ENTRY(node, struct queue_member, worker_node);
        if (member->queue == queue)
            return member;
    }
    return NULL;
}

static void queue_regard_known(struct engine *engine, const struct queue *queue,
                               struct worker *worker, bool is_member, bool is_by_name)
{
    struct known_space space;
    struct str name = is_by_name ? worker->name : sid_str(&worker->sid);
    struct known *known =
        map_get(&worker->workspace->known, class_known_key(&space, is_by_name, name));
    if (known == NULL)
        return;
    for (struct list_node *node = list_first(&known->classes); node != NULL;
         node = list_next(&known->classes, node)) {
        struct task_class *class = LIST_ENTRY(node, struct task_class, known_node);
        if (class->queue == queue)
            class_regard_worker(engine, class, worker, is_member);
    }
}

/* Whether he belongs to the queue, and what of its classes is not found by looking up. */
static void queue_regard_member(struct engine *engine, struct queue *queue, struct worker *worker)
{
    struct queue_member *member = queue_find(engine, queue, worker);
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = worker->record}};
    bool is_wanted = !worker->is_deleted && !queue->is_deleted && queue->target != NULL &&
                     expr_eval(queue->target, &env);
    if (is_wanted && member == NULL) {
        member = xcalloc(1, sizeof *member);
        member->queue = queue;
        member->worker = worker;
        list_append(&queue->members, &member->queue_node);
        list_append(&worker->queue_members, &member->worker_node);
        queue->member_count++;
        queue_count(queue, worker->activity, 1);
        if (worker->workspace->channel_readers > 0) /* the classes' expressions may be these */
            worker_set_channel_fields(worker);
        if (engine->marked == worker)
            queue->mark = member;
    } else if (!is_wanted && member != NULL) {
        list_remove(&member->queue_node);
        list_remove(&member->worker_node);
        queue->member_count--;
        queue_count(queue, worker->activity, -1);
        queue->mark = NULL;
        free(member);
    } else if (!is_wanted) {
        return;
    }
    for (struct list_node *node = list_first(&queue->open_classes); node != NULL;
         node = list_next(&queue->open_classes, node))
        class_regard_worker(engine, LIST_ENTRY(node, struct task_class, open_node), worker,
                            is_wanted);
    if (worker->workspace->known.count == 0)
        return;
    queue_regard_known(engine, queue, worker, is_wanted, false);
    queue_regard_known(engine, queue, worker, is_wanted, true);
}

void queue_regard_worker(struct engine *engine, struct queue *queue, struct worker *worker)
{
    queue_regard_member(engine, queue, worker);
    worker_regard_anchored(engine, worker, queue);
}

static void worker_mark(struct engine *engine, struct worker *worker, bool is_on)
{
    engine->marked = is_on ? worker : NULL;
    struct list *queues = &worker->queue_members;
    for (struct list_node *node = list_first(queues); node != NULL;
         node = list_next(queues, node)) {
        struct queue_member *member = LIST_ENTRY(node, struct queue_member, worker_node);
        member->queue->mark = is_on ? member : NULL;
    }
    for (uint32_t i = 0; i < worker->channel_count; i++) {
        if (worker->channels[i] == NULL)
            continue;
        struct list *classes = &worker->channels[i]->members;
        for (struct list_node *node = list_first(classes); node != NULL;
             node = list_next(classes, node)) {
            struct class_member *member = LIST_ENTRY(node, struct class_member, worker_node);
            member->class->mark = is_on ? member : NULL;
        }
    }
}

/* All queues of the workspace look at the worker again, and of the classes those that are not
 * looked up, those he is in, and those where he is found now. */
void worker_regard_queues(struct engine *engine, struct worker *worker)
{
    worker_mark(engine, worker, true);
    struct list *queues = &worker->workspace->queues;
    for (struct list_node *node = list_first(queues); node != NULL; node = list_next(queues, node))
        queue_regard_member(engine, LIST_ENTRY(node, struct queue, node), worker);
    worker_index(engine, worker);
    worker_regard_anchored(engine, worker, NULL);
    worker_mark(engine, worker, false);
    queue_regard_known(engine, NULL, worker, true, false);
}

/* Of the classes that name this worker, those that read what changes while working. */
static void worker_regard_known_readers(struct engine *engine, struct worker *worker,
                                        bool is_by_name)
{
    struct known_space space;
    struct str name = is_by_name ? worker->name : sid_str(&worker->sid);
    struct known *known =
        map_get(&worker->workspace->known, class_known_key(&space, is_by_name, name));
    if (known == NULL)
        return;
    for (struct list_node *node = list_first(&known->classes); node != NULL;
         node = list_next(&known->classes, node)) {
        struct task_class *class = LIST_ENTRY(node, struct task_class, known_node);
        if (class->reads_activity || class->reads_channel)
            class_regard_worker(engine, class, worker,
                                class->queue == NULL ||
                                    queue_find(engine, class->queue, worker) != NULL);
    }
}

/* Only where the expression reads what changes while working: activity or channel use. */
static void worker_regard_readers(struct engine *engine, struct worker *worker, bool of_activity,
                                  bool of_channel)
{
    struct list *queues = &worker->workspace->queues;
    for (struct list_node *node = list_first(queues); node != NULL;
         node = list_next(queues, node)) {
        struct queue *queue = LIST_ENTRY(node, struct queue, node);
        bool is_affected =
            (of_activity && (queue->reads_activity || queue->activity_readers > 0)) ||
            (of_channel && (queue->reads_channel || queue->channel_readers > 0));
        if (is_affected)
            queue_regard_worker(engine, queue, worker);
    }
    if (worker->workspace->known.count == 0)
        return;
    worker_regard_known_readers(engine, worker, false);
    worker_regard_known_readers(engine, worker, true);
}

/* --- being free --------------------------------------------------------------------------- */

void worker_refresh(struct engine *engine, struct worker *worker)
{
    bool is_ready = false;
    for (uint32_t i = 0; i < worker->channel_count; i++) {
        struct worker_channel *slot = worker->channels[i];
        if (slot == NULL || slot->is_free == worker_is_free(worker, slot))
            continue;
        slot->is_free = !slot->is_free;
        is_ready = is_ready || slot->is_free;
        for (struct list_node *node = list_first(&slot->members); node != NULL;
             node = list_next(&slot->members, node)) {
            struct class_member *member = LIST_ENTRY(node, struct class_member, worker_node);
            if (slot->is_free)
                member_become_free(member);
            else
                member_become_busy(member);
        }
    }
    if (is_ready)
        match_worker_ready(engine, worker);
}

/* After an offer: where the worker is still free, he now comes last. */
static void worker_requeue(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->channel_count; i++) {
        struct worker_channel *slot = worker->channels[i];
        if (slot == NULL || !slot->is_free)
            continue;
        for (struct list_node *node = list_first(&slot->members); node != NULL;
             node = list_next(&slot->members, node)) {
            struct class_member *member = LIST_ENTRY(node, struct class_member, worker_node);
            member_requeue(member);
        }
    }
}

void worker_use_changed(struct engine *engine, struct worker *worker)
{
    if (worker->workspace->channel_readers > 0) {
        worker_set_channel_fields(worker);
        worker_regard_readers(engine, worker, false, true);
    }
    worker_refresh(engine, worker);
}

void worker_consume(struct engine *engine, struct worker *worker, struct channel *channel,
                    int64_t sequence)
{
    struct worker_channel *slot = worker_slot(worker, channel);
    slot->consumed++;
    worker->open_reservations++;
    bool is_later = sequence > worker->last_sequence && !MUTATED(4);
    if (sequence > slot->last_sequence)
        slot->last_sequence = sequence;
    if (is_later)
        worker->last_sequence = sequence;
    /* Out of the heaps first: fewer of them have to be put in order. */
    worker_refresh(engine, worker);
    worker_requeue(worker);
    worker_use_changed(engine, worker);
}

void worker_note_accepted(struct engine *engine, struct worker *worker, struct channel *channel)
{
    worker_slot(worker, channel)->accepted++;
    worker_use_changed(engine, worker);
}

void worker_release(struct engine *engine, struct worker *worker, struct channel *channel,
                    bool was_accepted)
{
    struct worker_channel *slot = worker_slot(worker, channel);
    INVARIANT(slot->consumed > 0 && worker->open_reservations > 0);
    slot->consumed -= MUTATED(3) && slot->consumed > 1 ? 2 : 1;
    worker->open_reservations--;
    if (was_accepted)
        slot->accepted--;
    worker_use_changed(engine, worker);
}

static void worker_set_activity(struct engine *engine, struct worker *worker,
                                struct activity *activity)
{
    if (worker->activity == activity)
        return;
    struct list *queues = &worker->queue_members;
    for (struct list_node *node = list_first(queues); node != NULL;
         node = list_next(queues, node)) {
        struct queue *queue = LIST_ENTRY(node, struct queue_member, worker_node)->queue;
        queue_count(queue, worker->activity, -1);
        queue_count(queue, activity, 1);
    }
    if (!worker->is_deleted) {
        worker->activity->worker_count--;
        activity->worker_count++;
    }
    worker->activity = activity;
    worker_set_fields(engine, worker);
    worker_regard_readers(engine, worker, true, false);
    worker_refresh(engine, worker);
}

void worker_move(struct engine *engine, struct worker *worker, struct activity *activity)
{
    if (worker->activity == activity)
        return;
    worker->has_override = true;
    worker->override_at_us = engine->now_us;
    worker_set_activity(engine, worker, activity);
    emit_override(engine, worker, true);
}

/* --- config ------------------------------------------------------------------------------- */

/* The worker of that name; made as a deleted one when it is not known. */
struct worker *worker_ghost(struct engine *engine, struct workspace *workspace,
                            const struct sid *sid)
{
    struct worker *worker = map_get(&engine->workers, sid_str(sid));
    if (worker != NULL)
        return worker;
    worker = xcalloc(1, sizeof *worker);
    worker->sid = *sid;
    worker->workspace = workspace;
    worker->is_deleted = true;
    struct err err;
    enum err_code code = expr_record_new(STR("{}"), &worker->record, &err);
    INVARIANT(code == ERR_OK);
    list_init(&worker->queue_members);
    list_init(&worker->postings);
    list_init(&worker->reservations);
    list_append(&workspace->workers, &worker->node);
    (void)map_put(&engine->workers, sid_str(&worker->sid), worker);
    return worker;
}

/* --- names -------------------------------------------------------------------------------- */

static void worker_forget_name(struct worker *worker)
{
    struct known *known = worker->name_known;
    if (known == NULL)
        return;
    list_remove(&worker->name_node);
    worker->name_known = NULL;
    known_drop(worker->workspace, known);
}

static void worker_tell_name(struct worker *worker)
{
    struct known_space space;
    worker->name_known = known_need(worker->workspace, class_known_key(&space, true, worker->name));
    list_append(&worker->name_known->workers, &worker->name_node);
}

void workspace_need_names(struct workspace *workspace)
{
    if (workspace->has_names)
        return;
    workspace->has_names = true;
    for (struct list_node *node = list_first(&workspace->workers); node != NULL;
         node = list_next(&workspace->workers, node)) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (!worker->is_deleted)
            worker_tell_name(worker);
    }
}

static void worker_take_record(struct worker *worker, struct expr_record *record)
{
    expr_record_move_fields(worker->record, record);
    expr_record_free(worker->record);
    worker->record = record;
}

/* As worker_ghost would have made it: open reservations and idle clocks stay. */
static void worker_become_ghost(struct worker *worker)
{
    struct err err;
    struct expr_record *record = NULL;
    enum err_code code = expr_record_new(STR("{}"), &record, &err);
    INVARIANT(code == ERR_OK);
    expr_record_free(worker->record);
    worker->record = record;
    worker_forget_name(worker);
    text_free(&worker->name);
    worker->version = 0;
    worker->activity = NULL;
    worker->ref = NULL;
    worker->ref_batch = 0;
    for (uint32_t i = 0; i < worker->channel_count; i++) {
        if (worker->channels[i] == NULL)
            continue;
        worker->channels[i]->capacity = DEFAULT_CAPACITY;
        worker->channels[i]->is_available = true;
    }
}

void engine_follow_end(struct engine *engine)
{
    for (size_t i = 0; i < engine->workers.count; i++) {
        struct worker *worker = engine->workers.entries[i].value;
        if (worker->is_deleted)
            worker_become_ghost(worker);
    }
}

static void worker_take_channels(struct engine *engine, struct worker *worker,
                                 const struct engine_worker *told)
{
    for (uint32_t i = 0; i < worker->channel_count; i++) {
        if (worker->channels[i] == NULL)
            continue;
        worker->channels[i]->capacity = DEFAULT_CAPACITY;
        worker->channels[i]->is_available = true;
    }
    for (size_t i = 0; i < told->channel_count; i++) {
        const struct engine_worker_channel *from = &told->channels[i];
        struct channel *channel = channel_need(engine, worker->workspace, &from->channel_sid);
        struct worker_channel *slot = worker_slot(worker, channel);
        slot->capacity = from->capacity;
        slot->is_available = from->is_available;
    }
}

/* Steps that ask for him by the name that he had. */
static void worker_drop_name(struct engine *engine, struct worker *worker)
{
    struct known_space space;
    struct known *known =
        map_get(&worker->workspace->known, class_known_key(&space, true, worker->name));
    if (known == NULL)
        return;
    for (struct list_node *node = list_first(&known->classes); node != NULL;
         node = list_next(&known->classes, node))
        class_regard_worker(engine, LIST_ENTRY(node, struct task_class, known_node), worker, false);
}

/* An older word that comes late, or the other of two about one version: where he is is known, but
 * not yet that what he was offered is rejected. While he is there it still is. */
static void worker_hear_late(struct engine *engine, struct worker *worker,
                             const struct engine_worker *told)
{
    if (told->reject_pending && !worker->is_deleted && !worker->activity->is_available)
        reservation_reject_all(engine, worker);
}

/* Something else of him was changed, by who had not heard yet that the router has moved him. Of two
 * moves the later one counts; so for workers-svc, too. */
static bool is_before_override(const struct worker *worker, const struct engine_worker *told,
                               const struct activity *activity)
{
    return worker->has_override && told->status_changed_us != 0 &&
           told->status_changed_us < worker->override_at_us && worker->activity != activity;
}

enum err_code config_put_worker(struct engine *engine, const struct engine_command *command,
                                struct err *err)
{
    const struct engine_worker *told = &command->worker;
    struct expr_record *record = NULL;
    struct worker *worker = map_get(&engine->workers, sid_str(&told->sid));
    if (worker != NULL && told->version <= worker->version) {
        worker_hear_late(engine, worker, told);
        return ERR_OK;
    }
    struct str attributes = told->attributes.len == 0 ? STR("{}") : told->attributes;
    if (expr_record_new(attributes, &record, err) != ERR_OK) {
        if (err != NULL)
            (void)snprintf(err->field, sizeof err->field, "attributes");
        return ERR_INVALID_ARGUMENT;
    }
    worker = worker_ghost(engine, workspace_need(engine, &told->workspace_sid), &told->sid);
    bool is_same = !worker->is_deleted && str_eq(worker->name, told->name) &&
                   str_eq(expr_record_json(worker->record), attributes);
    worker->version = told->version;
    worker_take_record(worker, record);
    if (!str_eq_nocase(worker->name, told->name))
        worker_drop_name(engine, worker);
    worker_forget_name(worker);
    text_set(&worker->name, told->name);
    if (worker->workspace->has_names)
        worker_tell_name(worker);
    struct activity *activity = activity_need(engine, worker->workspace, &told->activity_sid);
    if (worker->is_deleted) {
        worker->activity = activity;
        worker->is_deleted = false;
        activity->worker_count++;
    }
    if (worker->has_override && !engine->is_loading) {
        worker->has_override = is_before_override(worker, told, activity);
        emit_override(engine, worker, worker->has_override);
    }
    if (!worker->has_override)
        worker_set_activity(engine, worker, activity);
    worker_take_channels(engine, worker, told);
    worker_set_fields(engine, worker);
    if (is_same || MUTATED(9))
        worker_regard_readers(engine, worker, false, true);
    else
        worker_regard_queues(engine, worker);
    worker_refresh(engine, worker);
    if (told->reject_pending && !worker->activity->is_available)
        reservation_reject_all(engine, worker);
    return ERR_OK;
}

void worker_unref(struct engine *engine, struct worker *worker)
{
    INVARIANT(worker->refs > 0);
    worker->refs--;
    if (worker->refs > 0 || !worker->is_deleted)
        return;
    (void)map_remove(&engine->workers, sid_str(&worker->sid));
    worker_free(engine, worker);
}

enum err_code config_delete_worker(struct engine *engine, const struct engine_command *command,
                                   struct err *err)
{
    (void)err;
    struct worker *worker = map_get(&engine->workers, sid_str(&command->ref.sid));
    if (worker == NULL || worker->is_deleted)
        return ERR_OK;
    worker->refs++;
    worker->is_deleted = true;
    worker->activity->worker_count--;
    worker_refresh(engine, worker);
    worker_regard_queues(engine, worker);
    if (worker->has_override) {
        worker->has_override = false;
        emit_override(engine, worker, false);
    }
    struct list_node *node = list_first(&worker->reservations);
    while (node != NULL) {
        struct reservation *reservation = LIST_ENTRY(node, struct reservation, worker_node);
        node = list_next(&worker->reservations, node);
        if (reservation->state != RESERVATION_PENDING)
            continue;
        struct task *task = reservation->task;
        reservation_end(engine, reservation, RESERVATION_STEP_CANCEL, STR("Worker deleted"), NULL);
        if (task->pending_reservations == 0)
            task_step(engine, task, TASK_STEP_RELEASED);
    }
    worker_unref(engine, worker);
    return ERR_OK;
}

void worker_free(struct engine *engine, struct worker *worker)
{
    if (worker == NULL)
        return;
    while (!list_is_empty(&worker->queue_members)) {
        struct queue_member *member =
            LIST_ENTRY(list_first(&worker->queue_members), struct queue_member, worker_node);
        list_remove(&member->queue_node);
        list_remove(&member->worker_node);
        free(member);
    }
    for (uint32_t i = 0; i < worker->channel_count; i++) {
        if (worker->channels[i] == NULL)
            continue;
        struct list *members = &worker->channels[i]->members;
        while (!list_is_empty(members))
            class_drop_member(LIST_ENTRY(list_first(members), struct class_member, worker_node));
        free(worker->channels[i]);
    }
    free(worker->channels);
    worker_unindex(worker);
    worker_forget_name(worker);
    list_remove(&worker->node);
    heap_remove(&engine->ready_workers, &worker->ready);
    expr_record_free(worker->record);
    text_free(&worker->name);
    free(worker);
}
