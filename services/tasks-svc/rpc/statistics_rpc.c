#include "statistics_rpc.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/map.h"
#include "engine/engine.h"
#include "engine/stats.h"
#include "mirror_now.h"
#include "shell.h"
#include "stat_store.h"
#include "statistics_ask.h"
#include "statistics_wire.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "task_access.h"

#define QUEUES_TAG "qs"

enum {
    DEFAULT_MINUTES = 15,
    DEFAULT_SERIES_MINUTES = 1440,
    BULK_MAX = 50,
    POINTS_MAX = 1500,
};

#define MINUTE_US (60 * US_PER_S)

typedef Taskrouter__Tasks__V1__StatisticsRequest stat_request;
typedef Taskrouter__Tasks__V1__StatisticsReport stat_report;

static bool wants_realtime(Taskrouter__Tasks__V1__StatisticsPart part)
{
    return part != TASKROUTER__TASKS__V1__STATISTICS_PART__STATISTICS_PART_CUMULATIVE;
}

static bool wants_cumulative(Taskrouter__Tasks__V1__StatisticsPart part)
{
    return part != TASKROUTER__TASKS__V1__STATISTICS_PART__STATISTICS_PART_REALTIME;
}

static enum err_code ask_from(struct tasks *tasks, struct call *call, const stat_request *request,
                              struct stat_ask *out, struct err *err)
{
    struct stat_fields fields = {
        .workspace_sid = request->workspace_sid,
        .minutes = request->minutes,
        .default_minutes = DEFAULT_MINUTES,
        .start = request->start_date,
        .end = request->end_date,
        .channel = request->task_channel,
        .splits = request->split_by_wait_time,
        .split_count = request->n_split_by_wait_time,
        .unit_us = MINUTE_US,
    };
    return stat_ask_from(tasks, call, &fields, out, err);
}

static stat_report *report_new(struct call *call, const struct stat_ask *ask,
                               const char *workspace_sid, const char *sid)
{
    stat_report *report = PB_NEW(call->arena, taskrouter__tasks__v1__statistics_report);
    if (report == NULL)
        return NULL;
    report->account_sid = wire_text(call->arena, ask->account_sid);
    report->workspace_sid = wire_text(call->arena, workspace_sid);
    report->sid = wire_text(call->arena, sid);
    return report;
}

/* ---- of now: a look at the router's memory ---- */

/* One of those that are looked at. */
struct now_item {
    struct sid sid; /* WS, WQ or WW */
    struct engine_task_stats tasks;
    struct engine_worker_stats workers;
};

/* Workers: who of them is meant. */
struct now_workers {
    struct sid queue_sid;    /* none: of the whole workspace */
    const struct str *named; /* NULL: by whatever name */
    size_t named_count;
    struct str *sids; /* out, when narrowed */
    size_t count;
    size_t capacity;
};

struct now_look {
    struct now_item *items;
    size_t count;
    struct sid channel_sid;      /* none: all */
    struct now_workers *workers; /* NULL: not asked for */
    int64_t now_us;              /* out */
};

static bool is_named(const struct now_workers *who, const struct sid *sid)
{
    for (size_t i = 0; i < who->named_count; i++) {
        if (str_eq_text(who->named[i], sid->text))
            return true;
    }
    return who->named == NULL;
}

struct take_ctx {
    struct arena *arena;
    const struct engine *engine;
    struct now_workers *who;
    struct engine_worker_stats *out;
};

/* The worker is one of those: he counts where he is. */
static bool take_worker(void *ctx, const struct sid *sid)
{
    struct take_ctx *take = ctx;
    struct now_workers *who = take->who;
    struct engine_worker_view view;
    if (!is_named(who, sid) || !engine_worker_get(take->engine, sid, &view))
        return true;
    if (who->count == who->capacity) {
        size_t capacity = who->capacity == 0 ? 64 : who->capacity * 2;
        struct str *sids = ARENA_ARRAY(take->arena, struct str, capacity);
        if (sids == NULL)
            return false;
        if (who->count > 0)
            memcpy(sids, who->sids, who->count * sizeof *sids);
        who->sids = sids;
        who->capacity = capacity;
    }
    who->sids[who->count++] = arena_str(take->arena, str_from(sid->text));
    take->out->workers++;
    for (size_t i = 0; i < take->out->activity_count; i++) {
        if (strcmp(take->out->activities[i].sid.text, view.activity_sid.text) == 0)
            take->out->activities[i].workers++;
    }
    return true;
}

/* Only some of the workers of the workspace: counted one by one. */
static void look_at_workers(struct now_look *look, const struct engine *engine, struct arena *arena)
{
    struct now_workers *who = look->workers;
    struct engine_worker_stats *out = &look->items[0].workers;
    struct take_ctx take = {arena, engine, who, out};
    out->workers = 0;
    for (size_t i = 0; i < out->activity_count; i++)
        out->activities[i].workers = 0;
    if (sid_is_set(&who->queue_sid)) {
        engine_queue_workers(engine, &who->queue_sid, take_worker, &take);
        return;
    }
    for (size_t i = 0; i < who->named_count; i++) {
        struct sid sid = sid_from(who->named[i]);
        (void)take_worker(&take, &sid);
    }
}

static enum err_code look_now(struct shard_op *op, struct engine *engine, int64_t now_us,
                              struct err *err)
{
    struct now_look *look = op->look_ctx;
    struct arena *arena = op->call->arena;
    const struct sid *channel = sid_is_set(&look->channel_sid) ? &look->channel_sid : NULL;
    look->now_us = now_us;
    for (size_t i = 0; i < look->count; i++) {
        struct now_item *item = &look->items[i];
        (void)engine_task_stats_get(engine, &item->sid, channel, arena, &item->tasks);
        (void)engine_worker_stats_get(engine, &item->sid, arena, &item->workers);
    }
    if (look->workers != NULL &&
        (sid_is_set(&look->workers->queue_sid) || look->workers->named != NULL))
        look_at_workers(look, engine, arena);
    return arena_is_exhausted(arena) ? rpc_no_room(err) : ERR_OK;
}

/* Of a workspace that Twilio routes. */
static enum err_code look_at_rows(struct tasks *tasks, const struct stat_ask *ask,
                                  struct shard_op *op, struct err *err)
{
    struct now_look *look = op->look_ctx;
    struct engine *engine = NULL;
    struct mirror_now *rows = NULL;
    size_t count = 0;
    enum err_code code = mirror_store_now(tasks->host.pool, op->call, op->workspace_sid.text,
                                          ask->channel_sid, &rows, &count, err);
    if (code == ERR_OK)
        code = mirror_now_engine(tasks, op->call, op->workspace_sid.text, &engine, err);
    if (code != ERR_OK)
        return code;
    code = look_now(op, engine, clock_now_us(), err);
    engine_free(engine);
    for (size_t i = 0; i < look->count && code == ERR_OK; i++) {
        struct now_item *item = &look->items[i];
        if (!mirror_now_tasks(rows, count, &item->sid, op->call->arena, &item->tasks))
            code = rpc_no_room(err);
    }
    return code;
}

static enum err_code run_look(struct tasks *tasks, struct call *call, const char *workspace_sid,
                              const struct stat_ask *ask, struct now_look *look, struct err *err)
{
    bool is_mirrored = false;
    if (ask->channel_sid != NULL)
        look->channel_sid = sid_from(str_from(ask->channel_sid));
    struct shard_op op = {
        .call = call,
        .workspace_sid = sid_from(str_from(workspace_sid)),
        .look = look_now,
        .look_ctx = look,
    };
    enum err_code code = access_is_mirrored(tasks, call, workspace_sid, &is_mirrored, err);
    if (code != ERR_OK)
        return code;
    return is_mirrored ? look_at_rows(tasks, ask, &op, err) : shell_run(tasks->shell, &op, err);
}

/* What a kind of resource shows: Twilio's table, reference section 4. */
static enum err_code put_now(struct arena *arena, const struct now_item *item, int64_t now_us,
                             stat_report *report, struct err *err)
{
    bool is_queue = strncmp(item->sid.text, "WQ", 2) == 0;
    bool is_workflow = strncmp(item->sid.text, "WW", 2) == 0;
    realtime_wire *out =
        realtime_to_wire(arena, &item->tasks, is_workflow ? NULL : &item->workers, now_us);
    if (out == NULL)
        return rpc_no_room(err);
    out->total_available_workers =
        (int64_t)item->workers.available; /* workers.available of rules */
    if (is_queue)
        out->total_eligible_workers = (int64_t)item->workers.workers;
    else
        out->total_workers = (int64_t)item->workers.workers;
    report->realtime = out;
    return ERR_OK;
}

/* ---- of the past ---- */

/* Sums by resource. */
struct past_sums {
    struct arena *arena;
    struct map places;  /* SID -> place + 1; unused when is_one */
    struct figures *of; /* by place */
    bool is_one;        /* all into the first */
};

static void past_row(void *ctx, const char *sid, int64_t at_us, const struct figures *figures)
{
    struct past_sums *sums = ctx;
    (void)at_us;
    size_t place = sums->is_one ? 1 : (size_t)(uintptr_t)map_get(&sums->places, str_from(sid));
    if (place > 0)
        figures_add(&sums->of[place - 1], sums->arena, figures, true);
}

static enum err_code read_past(struct tasks *tasks, struct call *call, const struct stat_ask *ask,
                               const struct str *sids, size_t count, struct past_sums *sums,
                               struct err *err)
{
    struct stat_piece pieces[STAT_PIECES_MAX];
    struct stat_query query = {
        .sids = sids,
        .sid_count = count,
        .pieces = pieces,
        .channel_sid = ask->channel_sid,
        .with_lengths = ask->split_count > 0,
    };
    /* lengths of waits are not kept by the day */
    query.piece_count = stat_pieces(ask->start_us, ask->end_us,
                                    ask->split_count > 0 ? STAT_HOUR : STAT_DAY, pieces);
    return stat_store_read(tasks->host.pool, call, &query, past_row, sums, err);
}

static enum err_code put_past(struct tasks *tasks, struct call *call, const struct stat_ask *ask,
                              const struct str *sids, size_t count, stat_report *report,
                              struct err *err)
{
    struct figures figures = {0};
    struct past_sums sums = {.arena = call->arena, .of = &figures, .is_one = true};
    enum err_code code = read_past(tasks, call, ask, sids, count, &sums, err);
    if (code != ERR_OK)
        return code;
    report->cumulative = cumulative_to_wire(call->arena, &figures, ask, ask->start_us, ask->end_us);
    return report->cumulative == NULL ? rpc_no_room(err) : ERR_OK;
}

static enum err_code put_durations(struct tasks *tasks, struct call *call,
                                   const struct stat_ask *ask, const char *workspace_sid,
                                   const struct str *sids, size_t count, stat_report *report,
                                   struct err *err)
{
    struct stat_duration *durations = NULL;
    struct stat_name *names = NULL;
    size_t duration_count = 0;
    size_t name_count = 0;
    int64_t end_us = ask->end_us < ask->now_us ? ask->end_us : ask->now_us;
    enum err_code code =
        stat_store_activities(tasks->host.pool, call, workspace_sid, &names, &name_count, err);
    if (code == ERR_OK)
        code = stat_store_durations(tasks->host.pool, call, workspace_sid, sids, count,
                                    ask->start_us, end_us, &durations, &duration_count, err);
    if (code != ERR_OK)
        return code;
    return durations_to_wire(call->arena, durations, duration_count, names, name_count,
                             report->cumulative)
               ? ERR_OK
               : rpc_no_room(err);
}

/* ---- one resource ---- */

/* Tasks of a workspace, queue or workflow. */
static enum err_code report_tasks(struct tasks *tasks, struct call *call,
                                  const stat_request *request, const struct stat_ask *ask,
                                  const char *sid, stat_report **out_reply, struct err *err)
{
    stat_report *report = report_new(call, ask, request->workspace_sid, sid);
    struct now_item item = {.sid = sid_from(str_from(sid))};
    struct now_look look = {.items = &item, .count = 1};
    struct str view = str_from(sid);
    enum err_code code = report == NULL ? rpc_no_room(err) : ERR_OK;
    if (code == ERR_OK && wants_realtime(request->part))
        code = run_look(tasks, call, request->workspace_sid, ask, &look, err);
    if (code == ERR_OK && wants_realtime(request->part))
        code = put_now(call->arena, &item, look.now_us, report, err);
    if (code == ERR_OK && wants_cumulative(request->part))
        code = put_past(tasks, call, ask, &view, 1, report, err);
    *out_reply = report;
    return code;
}

static enum err_code report_one(struct tasks *tasks, struct call *call, const stat_request *request,
                                const char *prefix, stat_report **out_reply, struct err *err)
{
    struct stat_ask ask;
    enum err_code code = ask_from(tasks, call, request, &ask, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, prefix, err);
    if (code == ERR_OK)
        code = stat_ask_resource(tasks, call, request->workspace_sid, "sid", request->sid, err);
    return code == ERR_OK ? report_tasks(tasks, call, request, &ask, request->sid, out_reply, err)
                          : code;
}

STAT_RPC(statistics_rpc_workspace, StatisticsRequest, StatisticsReport)
{
    struct stat_ask ask;
    enum err_code code = ask_from(app, call, request, &ask, err);
    return code == ERR_OK
               ? report_tasks(app, call, request, &ask, request->workspace_sid, out_reply, err)
               : code;
}

STAT_RPC(statistics_rpc_queue, StatisticsRequest, StatisticsReport)
{
    return report_one(app, call, request, "WQ", out_reply, err);
}

STAT_RPC(statistics_rpc_workflow, StatisticsRequest, StatisticsReport)
{
    return report_one(app, call, request, "WW", out_reply, err);
}

/* ---- workers ---- */

/* Twilio switches these off in workspaces with many workers; here it is a setting. */
static enum err_code check_worker_limit(struct tasks *tasks, struct call *call,
                                        const stat_request *request, const struct stat_ask *ask,
                                        struct err *err)
{
    struct now_item item = {.sid = sid_from(str_from(request->workspace_sid))};
    struct now_look look = {.items = &item, .count = 1};
    if (tasks->statistics_workers == 0)
        return ERR_OK;
    enum err_code code = run_look(tasks, call, request->workspace_sid, ask, &look, err);
    if (code != ERR_OK || item.workers.workers <= (size_t)tasks->statistics_workers)
        return code;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "LIMIT_REACHED",
                   "workspace %s has %zu workers, and statistics of workers are off above %lld "
                   "(TASKROUTER_LIMIT_WORKER_STATISTICS)",
                   request->workspace_sid, item.workers.workers,
                   (long long)tasks->statistics_workers);
}

/* Whom the filters mean; none of them: everybody. */
static enum err_code workers_from(struct tasks *tasks, struct call *call,
                                  const stat_request *request, struct now_workers *out,
                                  struct err *err)
{
    struct str *named = NULL;
    size_t count = 0;
    const char *queue = request->task_queue_sid;
    enum err_code code = check_optional_sid("task_queue_sid", queue, "WQ", err);
    if (code == ERR_OK && queue[0] == '\0' && request->task_queue_name[0] != '\0') {
        code = stat_store_named(tasks->host.pool, call, request->workspace_sid, "queue",
                                request->task_queue_name, &named, &count, err);
        if (code == ERR_OK && count == 0)
            code = ERR_FIELD(err, ERR_NOT_FOUND, "QUEUE_NOT_FOUND", "task_queue_name",
                             "there is no task queue %.64s in this workspace",
                             request->task_queue_name);
        if (code == ERR_OK)
            out->queue_sid = sid_from(named[0]);
    } else if (code == ERR_OK && queue[0] != '\0') {
        code = stat_ask_resource(tasks, call, request->workspace_sid, "task_queue_sid", queue, err);
        out->queue_sid = sid_from(str_from(queue));
    }
    if (code != ERR_OK || request->friendly_name[0] == '\0')
        return code;
    named = NULL;
    code = stat_store_named(tasks->host.pool, call, request->workspace_sid, "worker",
                            request->friendly_name, &named, &out->named_count, err);
    out->named = named;
    return code;
}

STAT_RPC(statistics_rpc_workers, StatisticsRequest, StatisticsReport)
{
    struct tasks *tasks = app;
    struct stat_ask ask;
    struct now_workers who = {0};
    struct now_item item = {.sid = sid_from(str_from(request->workspace_sid))};
    struct now_look look = {.items = &item, .count = 1, .workers = &who};
    struct str all = str_from(request->workspace_sid);
    enum err_code code = ask_from(tasks, call, request, &ask, err);
    if (code == ERR_OK)
        code = check_worker_limit(tasks, call, request, &ask, err);
    if (code == ERR_OK)
        code = workers_from(tasks, call, request, &who, err);
    if (code != ERR_OK)
        return code;
    bool is_narrowed = sid_is_set(&who.queue_sid) || who.named != NULL;
    stat_report *report = report_new(call, &ask, request->workspace_sid, "");
    code = report == NULL ? rpc_no_room(err) : ERR_OK;
    if (code == ERR_OK && (wants_realtime(request->part) || is_narrowed))
        code = run_look(tasks, call, request->workspace_sid, &ask, &look, err);
    if (code == ERR_OK && wants_realtime(request->part)) {
        report->realtime = realtime_to_wire(call->arena, NULL, &item.workers, look.now_us);
        code = report->realtime == NULL ? rpc_no_room(err) : ERR_OK;
    }
    if (code == ERR_OK && report->realtime != NULL)
        report->realtime->total_workers = (int64_t)item.workers.workers;
    const struct str *sids = is_narrowed ? who.sids : &all;
    size_t count = is_narrowed ? who.count : 1;
    if (code == ERR_OK && wants_cumulative(request->part))
        code = put_past(tasks, call, &ask, sids, count, report, err);
    struct str nobody = STR("");
    if (code == ERR_OK && wants_cumulative(request->part))
        code = put_durations(tasks, call, &ask, request->workspace_sid,
                             !is_narrowed    ? NULL
                             : who.count > 0 ? who.sids
                                             : &nobody,
                             who.count > 0 ? who.count : 1, report, err);
    *out_reply = report;
    return code;
}

STAT_RPC(statistics_rpc_worker, StatisticsRequest, StatisticsReport)
{
    struct tasks *tasks = app;
    struct stat_ask ask;
    struct str sid = str_from(request->sid);
    enum err_code code = ask_from(tasks, call, request, &ask, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "WK", err);
    if (code == ERR_OK)
        code = stat_ask_resource(tasks, call, request->workspace_sid, "sid", request->sid, err);
    if (code == ERR_OK)
        code = check_worker_limit(tasks, call, request, &ask, err);
    if (code != ERR_OK)
        return code;
    stat_report *report = report_new(call, &ask, request->workspace_sid, request->sid);
    if (report == NULL)
        return rpc_no_room(err);
    code = put_past(tasks, call, &ask, &sid, 1, report, err);
    if (code == ERR_OK)
        code = put_durations(tasks, call, &ask, request->workspace_sid, &sid, 1, report, err);
    *out_reply = report;
    return code;
}

/* ---- many queues ---- */

/* Stands for one that the workspace has not: it has zeros. */
static const struct sid no_queue = {"WQ"};

static bool is_listed(const struct str *sids, size_t count, const char *sid)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_text(sids[i], sid))
            return true;
    }
    return false;
}

static enum err_code report_queues(struct tasks *tasks, struct call *call,
                                   const Taskrouter__Tasks__V1__ListQueueStatisticsRequest *request,
                                   const struct stat_ask *ask, const struct str *sids, size_t count,
                                   stat_report **reports, struct err *err)
{
    struct str *own = NULL;
    size_t own_count = 0;
    struct now_item *items = ARENA_ARRAY(call->arena, struct now_item, count);
    struct past_sums sums = {.arena = call->arena,
                             .of = ARENA_ARRAY(call->arena, struct figures, count)};
    struct now_look look = {.items = items, .count = count};
    if (items == NULL || sums.of == NULL)
        return rpc_no_room(err);
    enum err_code code = stat_store_queues_among(tasks->host.pool, call, request->workspace_sid,
                                                 sids, count, &own, &own_count, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        reports[i] = report_new(call, ask, request->workspace_sid, sids[i].ptr);
        items[i].sid = is_listed(own, own_count, sids[i].ptr) ? sid_from(sids[i]) : no_queue;
        if (reports[i] == NULL)
            return rpc_no_room(err);
    }
    if (wants_realtime(request->part))
        code = run_look(tasks, call, request->workspace_sid, ask, &look, err);
    for (size_t i = 0; i < count && code == ERR_OK && wants_realtime(request->part); i++)
        code = put_now(call->arena, &items[i], look.now_us, reports[i], err);
    if (code != ERR_OK || !wants_cumulative(request->part))
        return code;
    map_init(&sums.places);
    for (size_t i = 0; i < count; i++) /* NOLINTNEXTLINE(performance-no-int-to-ptr): a number */
        (void)map_put(&sums.places, sids[i], (void *)(uintptr_t)(i + 1));
    code = read_past(tasks, call, ask, own, own_count, &sums, err);
    map_fini(&sums.places);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        reports[i]->cumulative =
            cumulative_to_wire(call->arena, &sums.of[i], ask, ask->start_us, ask->end_us);
        code = reports[i]->cumulative == NULL ? rpc_no_room(err) : ERR_OK;
    }
    return code;
}

/* The queues named, each once, or a page of them. */
static enum err_code queues_from(struct tasks *tasks, struct call *call,
                                 const Taskrouter__Tasks__V1__ListQueueStatisticsRequest *request,
                                 struct str **out, size_t *out_count, char **out_cursor,
                                 struct err *err)
{
    struct page page;
    struct stat_name *names = NULL;
    size_t named = request->n_task_queue_sids;
    size_t count = named;
    enum err_code code =
        page_from(call->arena, QUEUES_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK && named > BULK_MAX)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "task_queue_sids",
                         "task_queue_sids takes at most %d SIDs", BULK_MAX);
    if (code == ERR_OK && named == 0)
        code =
            stat_store_queues(tasks->host.pool, call, request->workspace_sid, page.after,
                              (size_t)page.size + 1, request->friendly_name, &names, &count, err);
    if (code != ERR_OK)
        return code;
    bool has_more = named == 0 && count > (size_t)page.size;
    if (has_more)
        count = (size_t)page.size;
    *out = ARENA_ARRAY(call->arena, struct str, count);
    if (*out == NULL)
        return rpc_no_room(err);
    *out_count = 0;
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        const char *sid = named > 0 ? request->task_queue_sids[i] : names[i].sid;
        code = check_sid("task_queue_sids", sid, "WQ", err);
        if (!is_listed(*out, *out_count, sid))
            (*out)[(*out_count)++] = str_from(sid);
    }
    if (has_more)
        *out_cursor = page_cursor(call->arena, QUEUES_TAG, (*out)[count - 1].ptr);
    return code;
}

STAT_RPC(statistics_rpc_queues, ListQueueStatisticsRequest, ListQueueStatisticsResponse)
{
    struct tasks *tasks = app;
    struct stat_ask ask;
    struct str *sids = NULL;
    size_t count = 0;
    char *cursor = NULL;
    struct stat_fields fields = {
        .workspace_sid = request->workspace_sid,
        .minutes = request->minutes,
        .default_minutes = DEFAULT_MINUTES,
        .start = request->start_date,
        .end = request->end_date,
        .channel = request->task_channel,
        .splits = request->split_by_wait_time,
        .split_count = request->n_split_by_wait_time,
        .unit_us = MINUTE_US,
    };
    enum err_code code = stat_ask_from(tasks, call, &fields, &ask, err);
    if (code == ERR_OK)
        code = queues_from(tasks, call, request, &sids, &count, &cursor, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Tasks__V1__ListQueueStatisticsResponse *reply =
        PB_NEW(call->arena, taskrouter__tasks__v1__list_queue_statistics_response);
    stat_report **reports = ARENA_ARRAY(call->arena, stat_report *, count);
    if (reply == NULL || reports == NULL)
        return rpc_no_room(err);
    code = report_queues(tasks, call, request, &ask, sids, count, reports, err);
    reply->items = reports;
    reply->n_items = count;
    if (cursor != NULL)
        reply->next_cursor = cursor;
    *out_reply = reply;
    return code;
}

/* ---- series ---- */

struct interval {
    int64_t unit_us;
    enum stat_level level;
};

static struct interval interval_from(Taskrouter__Tasks__V1__StatisticsInterval wire)
{
    switch (wire) {
    case TASKROUTER__TASKS__V1__STATISTICS_INTERVAL__STATISTICS_INTERVAL_1M:
        return (struct interval){MINUTE_US, STAT_MINUTE};
    case TASKROUTER__TASKS__V1__STATISTICS_INTERVAL__STATISTICS_INTERVAL_5M:
        return (struct interval){5 * MINUTE_US, STAT_MINUTE};
    case TASKROUTER__TASKS__V1__STATISTICS_INTERVAL__STATISTICS_INTERVAL_15M:
        return (struct interval){15 * MINUTE_US, STAT_MINUTE};
    case TASKROUTER__TASKS__V1__STATISTICS_INTERVAL__STATISTICS_INTERVAL_1D:
        return (struct interval){stat_level_us(STAT_DAY), STAT_DAY};
    default:
        return (struct interval){stat_level_us(STAT_HOUR), STAT_HOUR};
    }
}

struct series {
    struct arena *arena;
    struct figures *points;
    int64_t start_us;
    int64_t unit_us;
};

static void series_row(void *ctx, const char *sid, int64_t at_us, const struct figures *figures)
{
    struct series *series = ctx;
    (void)sid;
    figures_add(&series->points[(at_us - series->start_us) / series->unit_us], series->arena,
                figures, true);
}

static enum err_code series_check(struct tasks *tasks, const struct stat_ask *ask,
                                  struct interval interval, struct err *err)
{
    int64_t minutes_us = ask->now_us - tasks->statistics_minutes_ms * US_PER_MS;
    if ((ask->end_us - ask->start_us) / interval.unit_us > POINTS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "interval",
                         "a series has at most %d intervals: take a longer one or a shorter range",
                         POINTS_MAX);
    if (interval.level == STAT_MINUTE && ask->start_us < stat_floor(minutes_us, interval.unit_us))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "STATISTICS_TOO_OLD", "interval",
                         "so far back statistics are kept by the hour: take 1h or 1d");
    if (interval.level == STAT_DAY && ask->split_count > 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CONFLICT", "split_by_wait_time",
                         "waits are not split by the day: take 1h or a shorter interval");
    return ERR_OK;
}

static enum err_code fill_series(struct tasks *tasks, struct call *call, const char *sid,
                                 const struct stat_ask *ask, struct interval interval,
                                 Taskrouter__Tasks__V1__StatisticsSeries *reply, struct err *err)
{
    size_t count = (size_t)((ask->end_us - ask->start_us) / interval.unit_us);
    struct str view = str_from(sid);
    struct stat_piece piece = {interval.level, ask->start_us, ask->end_us};
    struct series series = {
        .arena = call->arena,
        .points = ARENA_ARRAY(call->arena, struct figures, count),
        .start_us = ask->start_us,
        .unit_us = interval.unit_us,
    };
    struct stat_query query = {
        .sids = &view,
        .sid_count = 1,
        .pieces = &piece,
        .piece_count = 1,
        .channel_sid = ask->channel_sid,
        .with_lengths = ask->split_count > 0,
    };
    reply->points = ARENA_ARRAY(call->arena, cumulative_wire *, count);
    if (series.points == NULL || reply->points == NULL)
        return rpc_no_room(err);
    enum err_code code = stat_store_read(tasks->host.pool, call, &query, series_row, &series, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        int64_t from_us = ask->start_us + (int64_t)i * interval.unit_us;
        reply->points[i] = cumulative_to_wire(call->arena, &series.points[i], ask, from_us,
                                              from_us + interval.unit_us);
        code = reply->points[i] == NULL ? rpc_no_room(err) : ERR_OK;
    }
    reply->n_points = code == ERR_OK ? count : 0;
    return code;
}

STAT_RPC(statistics_rpc_series, StatisticsSeriesRequest, StatisticsSeries)
{
    struct tasks *tasks = app;
    struct stat_ask ask;
    struct interval interval = interval_from(request->interval);
    bool is_workspace = request->sid[0] == '\0';
    struct stat_fields fields = {
        .workspace_sid = request->workspace_sid,
        .minutes = request->minutes,
        .default_minutes = DEFAULT_SERIES_MINUTES,
        .start = request->start_date,
        .end = request->end_date,
        .channel = request->task_channel,
        .splits = request->split_by_wait_time,
        .split_count = request->n_split_by_wait_time,
        .unit_us = interval.unit_us,
    };
    enum err_code code = stat_ask_from(tasks, call, &fields, &ask, err);
    if (code == ERR_OK && !is_workspace)
        code = stat_ask_resource(tasks, call, request->workspace_sid, "sid", request->sid, err);
    if (code == ERR_OK)
        code = series_check(tasks, &ask, interval, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Tasks__V1__StatisticsSeries *reply =
        PB_NEW(call->arena, taskrouter__tasks__v1__statistics_series);
    if (reply == NULL)
        return rpc_no_room(err);
    reply->account_sid = wire_text(call->arena, ask.account_sid);
    reply->workspace_sid = wire_text(call->arena, request->workspace_sid);
    reply->sid = wire_text(call->arena, is_workspace ? request->workspace_sid : request->sid);
    *out_reply = reply;
    return fill_series(tasks, call, is_workspace ? request->workspace_sid : request->sid, &ask,
                       interval, reply, err);
}
