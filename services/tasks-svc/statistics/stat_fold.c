#include "stat_fold.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "jx/jx.h"
#include "task_wire.h"

enum { EVENT_MAX_BYTES = 16 << 20, FIRST_CAPACITY = 64 };

void stat_fold_init(struct stat_fold *fold, struct arena *arena)
{
    *fold = (struct stat_fold){.arena = arena};
    map_init(&fold->by_key);
}

void stat_fold_fini(struct stat_fold *fold)
{
    map_fini(&fold->by_key);
}

/* ---- buckets ---- */

struct bucket_key {
    struct sid sid;
    struct sid channel_sid;
    char level;
    int64_t at_us;
};

/* As bytes without gaps. */
enum { KEY_SIZE = 2 * sizeof(struct sid) + sizeof(char) + sizeof(int64_t) };

static void key_write(const struct bucket_key *key, char out[KEY_SIZE])
{
    char *at = out;
    memcpy(at, &key->sid, sizeof key->sid);
    at += sizeof key->sid;
    memcpy(at, &key->channel_sid, sizeof key->channel_sid);
    at += sizeof key->channel_sid;
    *at++ = key->level;
    memcpy(at, &key->at_us, sizeof key->at_us);
}

/* Room for one more. */
static void *grown(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t bigger = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    void *copy = arena_calloc(arena, bigger, size);
    if (copy == NULL)
        return NULL;
    if (count > 0)
        memcpy(copy, items, count * size);
    *capacity = bigger;
    return copy;
}

/* The map's values are places + 1: the array moves. */
static struct stat_bucket *bucket_need(struct stat_fold *fold, const struct sid *sid,
                                       const struct sid *workspace, const struct sid *channel,
                                       enum stat_level level, int64_t at_us)
{
    char bytes[KEY_SIZE];
    struct bucket_key key = {*sid, *channel, (char)level, stat_floor(at_us, stat_level_us(level))};
    key_write(&key, bytes);
    uintptr_t place = (uintptr_t)map_get(&fold->by_key, (struct str){bytes, KEY_SIZE});
    if (place != 0)
        return &fold->buckets[place - 1];
    struct str copy = arena_str(fold->arena, (struct str){bytes, KEY_SIZE});
    struct stat_bucket *items = grown(fold->arena, fold->buckets, fold->bucket_count,
                                      &fold->bucket_capacity, sizeof *items);
    if (copy.ptr == NULL || items == NULL)
        return NULL;
    fold->buckets = items;
    items[fold->bucket_count++] = (struct stat_bucket){
        .sid = *sid,
        .workspace_sid = *workspace,
        .channel_sid = *channel,
        .level = level,
        .at_us = key.at_us,
    };
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): a number, never followed */
    (void)map_put(&fold->by_key, copy, (void *)(uintptr_t)fold->bucket_count);
    return &items[fold->bucket_count - 1];
}

void stat_fold_finish(struct stat_fold *fold)
{
    size_t minutes = fold->bucket_count;
    for (size_t i = 0; i < minutes; i++) {
        for (enum stat_level level = STAT_HOUR; level <= STAT_DAY; level++) {
            struct stat_bucket from = fold->buckets[i]; /* a copy: the array moves */
            struct stat_bucket *into = bucket_need(fold, &from.sid, &from.workspace_sid,
                                                   &from.channel_sid, level, from.at_us);
            if (into == NULL)
                return;
            figures_add(&into->figures, fold->arena, &from.figures, level == STAT_HOUR);
        }
    }
}

/* ---- what each type counts ---- */

enum fold_scope {
    OF_WORKSPACE = 1 << 0,
    OF_WORKFLOW = 1 << 1,
    OF_QUEUE = 1 << 2,
    OF_WORKER = 1 << 3,
    OF_LEFT_QUEUE = 1 << 4,
    OF_TASK = OF_WORKSPACE | OF_WORKFLOW | OF_QUEUE,
};

struct fold_rule {
    const char *type;
    enum figure figure;
    unsigned scopes;
    bool has_wait;
};

/* clang-format off: one row a line, in columns */
static const struct fold_rule rules[] = {
    {"task.created",          FIGURE_TASKS_CREATED,          OF_WORKSPACE,                               false},
    {"workflow.entered",      FIGURE_TASKS_ENTERED,          OF_WORKFLOW,                                false},
    {"task-queue.entered",    FIGURE_TASKS_ENTERED,          OF_QUEUE,                                   false},
    {"task-queue.moved",      FIGURE_TASKS_MOVED,            OF_WORKSPACE | OF_WORKFLOW | OF_LEFT_QUEUE, false},
    {"task.canceled",         FIGURE_TASKS_CANCELED,         OF_TASK,                                    true },
    {"task.completed",        FIGURE_TASKS_COMPLETED,        OF_TASK,                                    false},
    {"task.deleted",          FIGURE_TASKS_DELETED,          OF_TASK,                                    false},
    {"task.system-deleted",   FIGURE_TASKS_DELETED,          OF_TASK,                                    false},
    {"workflow.timeout",      FIGURE_TASKS_TIMED_OUT,        OF_WORKSPACE | OF_WORKFLOW,                 false},
    {"reservation.created",   FIGURE_RESERVATIONS_CREATED,   OF_TASK | OF_WORKER,                        false},
    {"reservation.accepted",  FIGURE_RESERVATIONS_ACCEPTED,  OF_TASK | OF_WORKER,                        true },
    {"reservation.rejected",  FIGURE_RESERVATIONS_REJECTED,  OF_TASK | OF_WORKER,                        false},
    {"reservation.timeout",   FIGURE_RESERVATIONS_TIMED_OUT, OF_TASK | OF_WORKER,                        false},
    {"reservation.canceled",  FIGURE_RESERVATIONS_CANCELED,  OF_TASK | OF_WORKER,                        false},
    {"reservation.rescinded", FIGURE_RESERVATIONS_RESCINDED, OF_TASK | OF_WORKER,                        false},
};
/* clang-format on */

static const struct fold_rule *rule_of(const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (strcmp(rules[i].type, type) == 0)
            return &rules[i];
    }
    return NULL;
}

/* What the data of an event of a task says beside the row. */
struct fold_facts {
    struct sid workspace_sid;
    struct sid channel_sid;
    struct sid left_queue_sid;
    struct sid activity_sid; /* where the router moves the worker */
    int64_t created_us;
    int64_t entered_us;
};

static struct sid sid_member(const json_t *object, const char *key)
{
    return sid_from(str_from(jx_get_text(object, key, "")));
}

static int64_t time_member(const json_t *object, const char *key, int64_t otherwise)
{
    int64_t at_us = otherwise;
    (void)parse_time(str_from(jx_get_text(object, key, "")), &at_us);
    return at_us;
}

static bool data_parse(const struct event_row *row, json_t **out)
{
    static const struct jx_limits limits = {.max_bytes = EVENT_MAX_BYTES,
                                            .allows_duplicates = true};
    return jx_parse_object(row->data, &limits, out, NULL) == ERR_OK;
}

/* Of events from before the log was packed. */
static bool facts_parse(const struct event_row *row, struct fold_facts *out)
{
    AUTO(jx_cleanup) json_t *data = NULL;
    if (!data_parse(row, &data))
        return false;
    const json_t *task = jx_get(data, "task");
    *out = (struct fold_facts){
        .workspace_sid = sid_from(str_from(row->workspace_sid)),
        .channel_sid = sid_member(task, "taskChannelSid"),
        .left_queue_sid = sid_member(data, "previousTaskQueueSid"),
        .activity_sid = sid_member(data, "workerActivitySid"),
        .created_us = time_member(task, "dateCreated", row->occurred_at_us),
        .entered_us = time_member(task, "taskQueueEnteredDate", row->occurred_at_us),
    };
    return true;
}

static bool facts_read(const struct packed_event *event, struct fold_facts *out)
{
    const struct engine_event *own = event->own;
    if (own == NULL)
        return facts_parse(&event->row, out);
    *out = (struct fold_facts){
        .workspace_sid = own->task->workspace_sid,
        .channel_sid = own->task->channel_sid,
        .left_queue_sid = engine_event_more(own)->previous_queue_sid,
        .created_us = own->task->created_at_us,
        .entered_us = own->task->queue_entered_at_us,
    };
    if (own->reservation != NULL)
        out->activity_sid = engine_event_more(own)->wanted_activity_sid;
    return true;
}

static void count_in(struct stat_fold *fold, const struct fold_rule *rule,
                     const struct event_row *row, const struct fold_facts *facts, struct sid sid)
{
    bool is_queue = strncmp(sid.text, "WQ", 2) == 0;
    bool is_worker = strncmp(sid.text, "WK", 2) == 0;
    if (!sid_is_set(&sid))
        return;
    struct stat_bucket *bucket = bucket_need(fold, &sid, &facts->workspace_sid, &facts->channel_sid,
                                             STAT_MINUTE, row->occurred_at_us);
    if (bucket == NULL)
        return;
    struct figures *figures = &bucket->figures;
    int64_t age_ms = (row->occurred_at_us - facts->created_us) / US_PER_MS;
    int64_t in_queue_ms = (row->occurred_at_us - facts->entered_us) / US_PER_MS;
    if (rule->has_wait && !is_worker)
        figures_add_wait(figures, fold->arena,
                         rule->figure == FIGURE_TASKS_CANCELED ? WAIT_CANCELED : WAIT_ACCEPTED,
                         age_ms);
    if (rule->figure == FIGURE_RESERVATIONS_ACCEPTED && is_queue)
        figures_add_wait(figures, fold->arena, WAIT_IN_QUEUE, in_queue_ms);
    figures->counts[rule->figure]++;
}

static void move_add(struct stat_fold *fold, const struct stat_move *move)
{
    struct stat_move *items =
        grown(fold->arena, fold->moves, fold->move_count, &fold->move_capacity, sizeof *items);
    if (items == NULL)
        return;
    fold->moves = items;
    items[fold->move_count++] = *move;
}

static void fold_own(struct stat_fold *fold, const struct packed_event *event)
{
    const struct event_row *row = &event->row;
    const struct fold_rule *rule = rule_of(row->type);
    struct fold_facts facts;
    if (rule == NULL || !facts_read(event, &facts))
        return;
    const struct {
        enum fold_scope scope;
        struct sid sid;
    } places[] = {
        {OF_WORKSPACE,  facts.workspace_sid                  },
        {OF_WORKFLOW,   sid_from(str_from(row->workflow_sid))},
        {OF_QUEUE,      sid_from(str_from(row->queue_sid))   },
        {OF_WORKER,     sid_from(str_from(row->worker_sid))  },
        {OF_LEFT_QUEUE, facts.left_queue_sid                 },
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if ((rule->scopes & places[i].scope) != 0)
            count_in(fold, rule, row, &facts, places[i].sid);
    }
    if (sid_is_set(&facts.activity_sid))
        move_add(fold, &(struct stat_move){
                           .worker_sid = sid_from(str_from(row->worker_sid)),
                           .workspace_sid = facts.workspace_sid,
                           .activity_sid = facts.activity_sid,
                           .at_us = row->occurred_at_us,
                       });
}

/* Any event of a worker says where he is. */
static void fold_worker(struct stat_fold *fold, const struct event_row *row)
{
    AUTO(jx_cleanup) json_t *data = NULL;
    if (!data_parse(row, &data))
        return;
    const json_t *worker = jx_get(data, "worker");
    struct stat_move move = {
        .worker_sid = sid_from(str_from(row->worker_sid)),
        .workspace_sid = sid_from(str_from(row->workspace_sid)),
        .activity_sid = sid_member(worker, "activitySid"),
        .at_us = row->occurred_at_us,
        .since_us = time_member(worker, "dateStatusChanged", 0),
        .version = row->resource_version,
    };
    bool is_deleted = jx_get_bool(data, "deleted", false);
    if (is_deleted)
        move.activity_sid = (struct sid){0};
    if (sid_is_set(&move.worker_sid) && (is_deleted || sid_is_set(&move.activity_sid)))
        move_add(fold, &move);
}

void stat_fold_event(struct stat_fold *fold, const struct packed_event *event)
{
    if (event->is_mirrored || strcmp(event->row.source, TASKS_SOURCE) == 0)
        fold_own(fold, event);
    else if (strncmp(event->row.type, "worker.", strlen("worker.")) == 0)
        fold_worker(fold, &event->row);
}
