/*
 * Lists of tasks. By SID and filters alone PostgreSQL does it all (task_store_list). Other orders
 * and expressions are made as svc/match.h says: rows are read in order and tested, or the ones that
 * an index finds are sorted here. Orders that begin with the priority go from one priority to the
 * next, several at a time while they have few tasks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "read_rpc.h"
#include "svc/check.h"
#include "svc/match.h"
#include "svc/order.h"
#include "svc/page.h"
#include "task_access.h"
#include "task_order_store.h"
#include "task_wire.h"

#define TASKS_TAG "ta"

typedef Taskrouter__Tasks__V1__ListTasksRequest list_request;
typedef Taskrouter__Tasks__V1__ListTasksResponse list_response;

enum { FIELD_CREATED, FIELD_PRIORITY, FIELD_START };

static const char *const ordering_names[] = {
    [FIELD_CREATED] = "DateCreated",
    [FIELD_PRIORITY] = "Priority",
    [FIELD_START] = "VirtualStartTime",
};

/* In cursors, besides the SID; not where the order is by SID alone. */
enum { NUMBER_PRIORITY, NUMBER_START, NUMBER_IS_BEGIN, NUMBER_COUNT };

enum { LEVELS_MAX = 64, SCRATCH_BYTES = 8 << 20 };

/* A list under way. */
struct listing {
    struct tasks *tasks;
    struct call *call;
    struct call scratch; /* the same with memory for one batch of rows */
    const char *workspace_sid;
    struct order order;
    struct task_filter filter;
    struct match match;
    struct task_scan scan; /* where the reading is, and what is read */
    bool is_by_priority;   /* first of all */
    bool is_priority_desc;
    int64_t levels[LEVELS_MAX]; /* the priorities that are read now */
    size_t level_count;
    struct sid after;
    bool has_after; /* within the levels */
    struct task_row *kept;
    size_t kept_count;
    size_t page_size;
    size_t read;
    bool is_stopped;
    bool is_mirrored; /* Twilio routes the workspace: DateCreated is not the order of SIDs */
};

/* Of the order's times the one that cursors hold: an order has one of the two. */
static int64_t time_of(const struct listing *list, const struct task_key *key)
{
    bool is_by_created =
        list->scan.order == TASK_SCAN_CREATED || list->scan.order == TASK_SCAN_CREATED_DESC;
    return is_by_created ? key->created_us : key->start_us;
}

static size_t number_count(const struct listing *list)
{
    bool is_by_sid = list->scan.order == TASK_SCAN_SID || list->scan.order == TASK_SCAN_SID_DESC;
    return is_by_sid && !list->is_by_priority ? 0 : NUMBER_COUNT;
}

static char *cursor_behind(struct listing *list, const struct task_key *key, bool is_begin)
{
    const int64_t numbers[NUMBER_COUNT] = {
        [NUMBER_PRIORITY] = key->priority,
        [NUMBER_START] = time_of(list, key),
        [NUMBER_IS_BEGIN] = is_begin ? 1 : 0,
    };
    char *text = order_key(list->call->arena, numbers, number_count(list), key->sid.text);
    return text == NULL ? NULL : page_cursor(list->call->arena, list->order.tag, text);
}

/* Behind the last row read, or before the levels that would have been next. */
static char *cursor_stopped(struct listing *list)
{
    struct task_key key = {
        .sid = list->after,
        .priority = list->scan.after_priority,
        .start_us = list->scan.after_start_us,
        .created_us = list->scan.after_start_us,
    };
    if (list->has_after)
        return cursor_behind(list, &key, false);
    key.sid = sid_from(STR("WT00000000000000000000000000000000"));
    key.priority = list->levels[0];
    return cursor_behind(list, &key, true);
}

static enum err_code fill(struct listing *list, list_response **out_reply, struct err *err)
{
    struct arena *arena = list->call->arena;
    list_response *reply = PB_NEW(arena, taskrouter__tasks__v1__list_tasks_response);
    Taskrouter__Tasks__V1__Task **wires =
        ARENA_ARRAY(arena, Taskrouter__Tasks__V1__Task *, list->kept_count);
    if (reply == NULL || wires == NULL)
        return rpc_no_room(err);
    if (list->kept_count > list->page_size) {
        list->kept_count = list->page_size;
        struct task_key key = task_key_of(&list->kept[list->kept_count - 1]);
        reply->next_cursor = cursor_behind(list, &key, false);
    } else if (list->is_stopped) {
        reply->next_cursor = cursor_stopped(list);
    }
    int64_t now_us = clock_now_us();
    for (size_t i = 0; i < list->kept_count; i++)
        wires[i] = task_to_wire(arena, &list->kept[i], now_us);
    reply->items = wires;
    reply->n_items = list->kept_count;
    if (arena_is_exhausted(arena))
        return rpc_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

static bool is_full(const struct listing *list)
{
    return list->kept_count > list->page_size;
}

/* ---- reading ---- */

/* Out of the memory of the batch. */
static struct task_row keep(struct arena *arena, const struct task_row *row)
{
    struct task_row task = *row;
    struct str *const texts[] = {&task.attributes, &task.reason,       &task.call_id,
                                 &task.queue_name, &task.channel_name, &task.workflow_name};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = arena_str(arena, *texts[i]);
    return task;
}

static void take(struct listing *list, const struct task_scan_row *row)
{
    struct task_key key = task_key_of(&row->task);
    list->after = key.sid;
    list->scan.after = list->after.text;
    list->scan.after_start_us = time_of(list, &key);
    list->scan.after_priority = key.priority;
    list->has_after = true;
    if (row->is_match && match_row(&list->match, row->task.attributes, NULL))
        list->kept[list->kept_count++] = keep(list->call->arena, &row->task);
}

/* One stretch of the order. */
static enum err_code read_stretch(struct listing *list, size_t *out_count, struct err *err)
{
    struct task_scan_row *rows = NULL;
    arena_reset(list->scratch.arena);
    enum err_code code =
        task_order_scan(list->tasks->host.pool, &list->scratch, &list->scan, &rows, out_count, err);
    for (size_t i = 0; code == ERR_OK && i < *out_count && !is_full(list); i++)
        take(list, &rows[i]);
    return code;
}

/* ---- what an index found, sorted here ---- */

static int compare_i64(int64_t a, int64_t b, bool is_desc)
{
    int result = a < b ? -1 : a > b;
    return is_desc ? -result : result;
}

/* Where two tasks go in the list. */
static int compare_keys(const struct listing *list, const struct task_key *a,
                        const struct task_key *b)
{
    bool is_desc = false;
    int result = 0;
    for (size_t i = 0; i < list->order.count && result == 0; i++) {
        is_desc = list->order.clauses[i].is_desc;
        if (list->order.clauses[i].field == FIELD_PRIORITY)
            result = compare_i64(a->priority, b->priority, is_desc);
        else if (list->order.clauses[i].field == FIELD_START)
            result = compare_i64(a->start_us, b->start_us, is_desc);
        else if (list->is_mirrored)
            result = compare_i64(a->created_us, b->created_us, is_desc);
        else
            result = is_desc ? strcmp(b->sid.text, a->sid.text) : strcmp(a->sid.text, b->sid.text);
    }
    if (result != 0)
        return result;
    /* as the statements do: by SID in the direction that they scan in */
    is_desc = list->scan.order == TASK_SCAN_SID_DESC || list->scan.order == TASK_SCAN_START_DESC ||
              list->scan.order == TASK_SCAN_CREATED_DESC;
    return is_desc ? strcmp(b->sid.text, a->sid.text) : strcmp(a->sid.text, b->sid.text);
}

static void merge(const struct listing *list, struct task_key *keys, struct task_key *scratch,
                  size_t count)
{
    size_t half = count / 2;
    size_t a = 0;
    size_t b = half;
    for (size_t i = 0; i < count; i++) {
        bool takes_a = a < half && (b == count || compare_keys(list, &keys[a], &keys[b]) <= 0);
        scratch[i] = takes_a ? keys[a++] : keys[b++];
    }
    memcpy(keys, scratch, count * sizeof *keys);
}

/* Some thousands at most; qsort has no context. */
static void sort_keys(const struct listing *list, struct task_key *keys, struct task_key *scratch,
                      size_t count)
{
    if (count < 2)
        return;
    sort_keys(list, keys, scratch, count / 2);
    sort_keys(list, keys + count / 2, scratch, count - count / 2);
    merge(list, keys, scratch, count);
}

static const struct task_scan_row *row_of(const struct task_scan_row *rows, size_t count,
                                          const struct task_key *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].task.sid.text, key->sid.text) == 0)
            return &rows[i];
    }
    return NULL; /* gone since */
}

/* The found ones behind the place where the list is. */
static enum err_code read_found(struct listing *list, struct task_key *keys, size_t count,
                                struct err *err)
{
    struct task_key *scratch = ARENA_ARRAY(list->call->arena, struct task_key, count);
    if (scratch == NULL)
        return rpc_no_room(err);
    sort_keys(list, keys, scratch, count);
    const struct task_key after = {list->after, list->scan.after_priority,
                                   list->scan.after_start_us, list->scan.after_start_us};
    size_t next = 0;
    while (list->has_after && next < count && compare_keys(list, &keys[next], &after) <= 0)
        next++;
    while (next < count && !is_full(list)) {
        size_t some = count - next < MATCH_BATCH ? count - next : MATCH_BATCH;
        struct task_scan_row *rows = NULL;
        size_t row_count = 0;
        arena_reset(list->scratch.arena);
        enum err_code code =
            task_order_rows(list->tasks->host.pool, &list->scratch, list->workspace_sid,
                            &list->scan.where, &keys[next], some, &rows, &row_count, err);
        if (code != ERR_OK)
            return code;
        for (size_t i = next; i < next + some && !is_full(list); i++) {
            const struct task_scan_row *row = row_of(rows, row_count, &keys[i]);
            if (row != NULL)
                take(list, row);
        }
        next += some;
        list->read += some;
    }
    return ERR_OK;
}

static enum err_code find(struct listing *list, struct task_key **out, size_t *out_count,
                          struct err *err)
{
    const struct db_param docs[] = {match_key_param(&list->match, 0),
                                    match_key_param(&list->match, 1)};
    return task_order_find(list->tasks->host.pool, list->call, list->workspace_sid,
                           &list->scan.where, docs, MATCH_FOUND_MAX + 1, out, out_count, err);
}

/* ---- the order without priorities in front ---- */

static bool can_find(const struct listing *list)
{
    const struct task_filter *filter = &list->filter;
    const char *const texts[] = {filter->workflow_sid, filter->queue_sid, filter->worker_sid,
                                 filter->channel, filter->routing_target};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i] != NULL && texts[i][0] != '\0')
            return true;
    }
    return list->match.key_count > 0 || filter->state_count > 0 || filter->has_priority;
}

/* Until the page is full, the rows are at their end, or it is enough. */
static enum err_code read_all(struct listing *list, bool may_find, struct err *err)
{
    struct match_scan scan = {.page_size = list->page_size, .can_find = may_find};
    enum err_code code = ERR_OK;
    enum match_step step = MATCH_GO_ON;
    while (code == ERR_OK && step == MATCH_GO_ON) {
        size_t count = 0;
        code = read_stretch(list, &count, err);
        list->read += count;
        step = match_next(&scan, MATCH_BATCH, count, list->kept_count);
        if (code != ERR_OK || step != MATCH_FIND)
            continue;
        struct task_key *keys = NULL;
        code = find(list, &keys, &count, err);
        if (code == ERR_OK && match_found(&scan, count))
            return read_found(list, keys, count, err);
        step = MATCH_GO_ON;
    }
    list->is_stopped = step == MATCH_STOP;
    return code;
}

/* ---- by priority first ---- */

/* Reads the levels; *out_is_done false: there are too many tasks for so many levels at once. */
static enum err_code read_levels(struct listing *list, bool *out_is_done, struct err *err)
{
    struct task_key *keys = NULL;
    size_t count = 0;
    list->scan.where.priorities = list->levels;
    list->scan.where.priority_count = list->level_count;
    *out_is_done = true;
    enum err_code code = find(list, &keys, &count, err);
    if (code != ERR_OK)
        return code;
    if (count <= MATCH_FOUND_MAX)
        return read_found(list, keys, count, err);
    *out_is_done = list->level_count == 1;
    return *out_is_done ? read_all(list, false, err) : ERR_OK;
}

/* The levels behind the last one; none: the end. */
static enum err_code next_levels(struct listing *list, const int64_t *after, size_t limit,
                                 struct err *err)
{
    list->has_after = false;
    list->scan.after = "";
    list->scan.after_start_us = 0;
    list->scan.after_priority = 0;
    if (list->filter.has_priority) {
        bool is_first = after == NULL;
        list->levels[0] = list->filter.priority;
        list->level_count = is_first ? 1 : 0;
        return ERR_OK;
    }
    return task_order_levels(list->tasks->host.pool, list->call, list->workspace_sid,
                             list->is_priority_desc, after, limit, list->levels, &list->level_count,
                             err);
}

static enum err_code read_by_priority(struct listing *list, struct err *err)
{
    size_t at_once = 1;
    enum err_code code = ERR_OK;
    if (list->level_count == 0) /* else the cursor says where to go on */
        code = next_levels(list, NULL, at_once, err);
    while (code == ERR_OK && list->level_count > 0 && !is_full(list) && !list->is_stopped) {
        bool is_done = false;
        int64_t last = list->levels[list->level_count - 1];
        code = read_levels(list, &is_done, err);
        if (code != ERR_OK || is_full(list) || list->is_stopped)
            break;
        if (!is_done) { /* one at a time */
            list->level_count = 1;
            at_once = 1;
            continue;
        }
        at_once = at_once * 4 > LEVELS_MAX ? LEVELS_MAX : at_once * 4;
        code = next_levels(list, &last, at_once, err);
        list->is_stopped = list->level_count > 0 && list->read >= MATCH_SCAN_MAX;
    }
    return code;
}

/* ---- the request ---- */

static enum err_code task_states(struct call *call, const list_request *request,
                                 struct task_filter *filter, struct err *err)
{
    struct str *states = ARENA_ARRAY(call->arena, struct str, request->n_assignment_status);
    if (states == NULL)
        return rpc_no_room(err);
    for (size_t i = 0; i < request->n_assignment_status; i++) {
        states[i] = task_status_name(request->assignment_status[i]);
        if (states[i].len == 0)
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_VALUE", "assignment_status",
                             "assignment_status must be pending, reserved, assigned, wrapping, "
                             "completed or canceled");
    }
    filter->states = states;
    filter->state_count = request->n_assignment_status;
    return ERR_OK;
}

static enum err_code check_target(const char *sid, struct err *err)
{
    static const char *const prefixes[] = {"WK", "WQ", "WW"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (sid[0] == '\0' || check_sid("routing_target", sid, prefixes[i], NULL) == ERR_OK)
            return ERR_OK;
    }
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SID", "routing_target",
                     "routing_target must be the SID of a worker, task queue or workflow");
}

static enum err_code filter_from(struct call *call, const list_request *request,
                                 struct task_filter *filter, struct err *err)
{
    enum err_code code = check_optional_sid("workflow_sid", request->workflow_sid, "WW", err);
    if (code == ERR_OK)
        code = check_optional_sid("task_queue_sid", request->task_queue_sid, "WQ", err);
    if (code == ERR_OK)
        code = check_optional_sid("worker_sid", request->worker_sid, "WK", err);
    if (code == ERR_OK)
        code = check_target(request->routing_target, err);
    if (code != ERR_OK)
        return code;
    *filter = (struct task_filter){
        .workflow_sid = request->workflow_sid,
        .queue_sid = request->task_queue_sid,
        .has_priority = request->_priority_case != 0,
        .priority = request->priority,
        .worker_sid = request->worker_sid,
        .channel = request->task_channel,
        .workflow_name = request->workflow_name,
        .queue_name = request->task_queue_name,
        .routing_target = request->routing_target,
    };
    return task_states(call, request, filter, err);
}

/* Our SIDs hold the time. */
static enum task_scan_order order_by_created(const struct listing *list, bool is_desc)
{
    if (list->is_mirrored)
        return is_desc ? TASK_SCAN_CREATED_DESC : TASK_SCAN_CREATED;
    return is_desc ? TASK_SCAN_SID_DESC : TASK_SCAN_SID;
}

/* Which way the statements go, from the clauses. */
static enum err_code order_from(struct listing *list, const char *text, struct err *err)
{
    enum err_code code =
        order_parse(text, TASKS_TAG, ordering_names, ARRAY_LEN(ordering_names), &list->order, err);
    bool has_created = false;
    bool has_start = false;
    for (size_t i = 0; code == ERR_OK && i < list->order.count; i++) {
        const struct order_clause *clause = &list->order.clauses[i];
        if (clause->field == FIELD_PRIORITY) {
            list->is_by_priority = i == 0;
            list->is_priority_desc = clause->is_desc;
            list->scan.priority_sign = clause->is_desc ? -1 : 1;
            continue;
        }
        has_created = has_created || clause->field == FIELD_CREATED;
        has_start = has_start || clause->field == FIELD_START;
        if (clause->field == FIELD_CREATED)
            list->scan.order = order_by_created(list, clause->is_desc);
        else
            list->scan.order = clause->is_desc ? TASK_SCAN_START_DESC : TASK_SCAN_START;
    }
    if (list->is_by_priority)
        list->scan.priority_sign = 0; /* the same for all that is read at once */
    if (code == ERR_OK && has_created && has_start)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_ORDERING", "ordering",
                         "Ordering cannot have DateCreated together with VirtualStartTime; leave "
                         "one of them out");
    return code;
}

static enum err_code place_from(struct listing *list, const char *after, struct err *err)
{
    int64_t numbers[NUMBER_COUNT] = {0};
    const char *sid = "";
    if (after[0] != '\0' && !order_key_read(after, numbers, number_count(list), &sid))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_CURSOR", "cursor",
                         "cursor is not one that this list gave out; begin again without it");
    bool is_begin = numbers[NUMBER_IS_BEGIN] != 0;
    list->after = sid_from(str_from(is_begin ? "" : sid));
    list->has_after = list->after.text[0] != '\0';
    list->scan.after = list->after.text;
    list->scan.after_start_us = is_begin ? 0 : numbers[NUMBER_START];
    list->scan.after_priority = numbers[NUMBER_PRIORITY];
    if (list->is_by_priority && after[0] != '\0') {
        list->levels[0] = numbers[NUMBER_PRIORITY];
        list->level_count = 1;
    }
    return ERR_OK;
}

/* Everything but the plain list by SID. */
static enum err_code list_ordered(struct listing *list, list_response **out_reply, struct err *err)
{
    bool is_known = false;
    enum err_code code = task_order_resolve(list->tasks->host.pool, list->call, list->workspace_sid,
                                            &list->filter, &is_known, err);
    AUTO(arena_cleanup) struct arena *scratch = arena_new(SCRATCH_BYTES);
    list->scratch = *list->call;
    list->scratch.arena = scratch;
    list->kept = ARENA_ARRAY(list->call->arena, struct task_row, list->page_size + 1);
    if (code == ERR_OK && list->kept == NULL)
        code = rpc_no_room(err);
    list->scan.workspace_sid = list->workspace_sid;
    list->scan.where.filter = &list->filter;
    list->scan.limit = MATCH_BATCH;
    if (list->filter.has_priority && !list->is_by_priority) {
        list->levels[0] = list->filter.priority;
        list->scan.where.priorities = list->levels;
        list->scan.where.priority_count = 1;
    }
    if (code == ERR_OK && is_known && !list->match.is_never)
        code = list->is_by_priority ? read_by_priority(list, err)
                                    : read_all(list, can_find(list), err);
    return code == ERR_OK ? fill(list, out_reply, err) : code;
}

static enum err_code list_plain(struct listing *list, list_response **out_reply, struct err *err)
{
    /* one more than the page tells whether there is a next one */
    enum err_code code =
        task_store_list(list->tasks->host.pool, list->call, list->workspace_sid, list->scan.after,
                        list->page_size + 1, &list->filter, &list->kept, &list->kept_count, err);
    return code == ERR_OK ? fill(list, out_reply, err) : code;
}

static enum err_code run(struct listing *list, const list_request *request,
                         list_response **out_reply, struct err *err)
{
    if (request->_has_addons_case != 0 && request->has_addons)
        list->match.is_never = true;
    if (request->evaluate_task_attributes[0] != '\0') {
        enum err_code code =
            match_add(&list->match, "evaluate_task_attributes", "EvaluateTaskAttributes",
                      request->evaluate_task_attributes, err);
        if (code != ERR_OK)
            return code;
    }
    bool is_plain = number_count(list) == 0 && list->scan.order == TASK_SCAN_SID &&
                    list->match.expr_count == 0 && !list->match.is_never &&
                    request->routing_target[0] == '\0';
    return is_plain ? list_plain(list, out_reply, err) : list_ordered(list, out_reply, err);
}

READ_RPC(read_rpc_tasks, ListTasksRequest, ListTasksResponse)
{
    struct page page;
    struct listing list = {.tasks = app, .call = call, .workspace_sid = request->workspace_sid};
    const char *ordering = request->ordering;
    enum err_code code = access_require(list.tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = access_is_mirrored(list.tasks, call, request->workspace_sid, &list.is_mirrored, err);
    if (list.is_mirrored && ordering[0] == '\0')
        ordering = "DateCreated:asc"; /* the default, which needs a scan of its own there */
    if (code == ERR_OK)
        code = order_from(&list, ordering, err);
    if (code == ERR_OK)
        code =
            page_from(call->arena, list.order.tag, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = place_from(&list, page.after, err);
    if (code == ERR_OK)
        code = filter_from(call, request, &list.filter, err);
    if (code != ERR_OK)
        return code;
    list.page_size = (size_t)page.size;
    match_init(&list.match, call->arena, &match_context_task, NULL, 0);
    code = run(&list, request, out_reply, err);
    match_fini(&list.match);
    return code;
}
