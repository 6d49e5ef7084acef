#include "route_walk.h"

#include <string.h>

#include "base/ids.h"
#include "expr/expr.h"
#include "route_rpc.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/statistics.pb-c.h"

enum { STEPS_MAX = 16 }; /* each may ask three services */

typedef Taskrouter__Tasks__V1__RealtimeStatistics figures;
typedef Taskrouter__Routing__V1__RouteTarget wire_target;
typedef Taskrouter__Routing__V1__RouteTrace wire_trace;

struct walking {
    struct routing *routing;
    struct call *call;
    const struct snapshot *snapshot;
    struct route_look *look;
    wire_trace *wire;
};

/* ---- skip_if ---- */

static const figures *ask_figures(const struct walking *walk, const char *queue_sid)
{
    Taskrouter__Tasks__V1__StatisticsRequest request;
    taskrouter__tasks__v1__statistics_request__init(&request);
    request.workspace_sid = arena_strdup(walk->call->arena, walk->snapshot->workspace_sid);
    request.sid = arena_strdup(walk->call->arena, queue_sid);
    request.part = TASKROUTER__TASKS__V1__STATISTICS_PART__STATISTICS_PART_REALTIME;
    Taskrouter__Tasks__V1__StatisticsReport *report = NULL;
    struct err err = {.code = ERR_OK};
    if (arena_is_exhausted(walk->call->arena) ||
        RPC_CALL(walk->routing->host.as_service[PEER_TASKS], walk->call,
                 "/taskrouter.tasks.v1.Statistics/GetQueueStatistics", &request.base,
                 taskrouter__tasks__v1__statistics_report, &report, &err) != ERR_OK)
        return NULL;
    return report->realtime;
}

/* workers.available, workers.unavailable, workers.WA…: members of the step's queue. */
static bool count_workers(void *ctx, enum expr_slot slot, struct str name,
                          struct expr_value *out_value)
{
    const figures *now = ctx;
    int64_t count = 0;
    if (slot != EXPR_SLOT_WORKERS)
        return false;
    if (str_eq_text(name, "available"))
        count = now->total_available_workers;
    else if (str_eq_text(name, "unavailable"))
        count = now->total_eligible_workers - now->total_available_workers;
    for (size_t i = 0; i < now->n_activity_statistics; i++) {
        if (str_eq_text(name, now->activity_statistics[i]->sid))
            count = now->activity_statistics[i]->workers;
    }
    *out_value = expr_value_i64(count);
    return true;
}

static bool would_skip(const struct walking *walk, const wire_target *target)
{
    struct err err = {.code = ERR_OK};
    struct expr *skip = NULL;
    if (target->skip_if[0] == '\0' ||
        expr_compile(str_from(target->skip_if), &expr_context_skip, &skip, &err) != ERR_OK)
        return false;
    bool uses_figures = expr_uses(skip, EXPR_SLOT_WORKERS);
    const figures *now = uses_figures ? ask_figures(walk, target->queue_sid) : NULL;
    bool is_true = false;
    if (uses_figures && now == NULL) {
        route_note(walk->call->arena, walk->wire,
                   "the router could not count the queue's workers; skip_if counts as false");
    } else {
        struct expr_env env = {.resolve = now == NULL ? NULL : count_workers,
                               .resolve_ctx = (void *)(uintptr_t)now};
        is_true = expr_eval(skip, &env);
    }
    expr_free(skip);
    return is_true;
}

/* ---- the walk ---- */

static const char *filter_name(const Taskrouter__Routing__V1__RouteResponse *step)
{
    if (step->filter_name[0] != '\0')
        return step->filter_name;
    return step->filter_index < 0 ? "default_filter" : "without a name";
}

static void note_passed(const struct walking *walk, size_t index)
{
    const wire_trace *wire = walk->wire;
    const wire_target *target = wire->workflow->targets[index];
    struct arena *arena = walk->call->arena;
    const char *name = wire->task_queue_name;
    route_note(arena, walk->wire,
               arena_printf(arena,
                            "target %zu of filter %.100s (queue %.100s) is passed over: %s, and "
                            "skip_if is true (%.200s)",
                            index + 1, filter_name(wire->workflow),
                            name[0] == '\0' ? target->queue_sid : name,
                            wire->n_workers == 0 ? "no worker of the queue is available"
                                                 : "no worker there can be asked at once",
                            target->skip_if));
}

/* Behind the last target: the next filter that matches, else the default one. */
static bool go_on(const struct walking *walk)
{
    wire_trace *wire = walk->wire;
    struct arena *arena = walk->call->arena;
    Taskrouter__Routing__V1__RouteResponse *next = NULL;
    struct err err = {.code = ERR_OK};
    if (wire->workflow->filter_index >= 0 &&
        route_find_from(walk->routing, walk->call, walk->snapshot->workspace_sid,
                        wire->workflow->workflow_sid, wire->decision->attributes,
                        walk->snapshot->is_mirrored, wire->workflow->filter_index + 1, &next,
                        &err) == ERR_OK) {
        wire->workflow = next;
        return true;
    }
    if (err.reason != NULL && strcmp(err.reason, "NO_TARGET") != 0)
        route_note(arena, wire, "the workflow could not be read on");
    wire->task_queue_sid = wire_text(arena, "");
    wire->task_queue_name = wire_text(arena, "");
    wire->n_workers = 0;
    wire->workflow_note =
        wire_text(arena, "the last target was passed over and no filter below takes the task: the "
                         "router would cancel it");
    return false;
}

void route_walk(struct routing *routing, struct call *call, const struct snapshot *snapshot,
                struct route_look *look, wire_trace *wire)
{
    struct walking walk = {routing, call, snapshot, look, wire};
    size_t index = 0;
    for (size_t steps = 0; wire->workflow->n_targets > 0; steps++) {
        const wire_target *target = wire->workflow->targets[index];
        bool is_taken = route_look_at(look, target->queue_sid, target, wire);
        if (is_taken || arena_is_exhausted(call->arena))
            return;
        if (steps == STEPS_MAX) {
            route_note(call->arena, wire, "further targets were not looked at");
            return;
        }
        if (!would_skip(&walk, target))
            return;
        note_passed(&walk, index);
        if (++index < wire->workflow->n_targets)
            continue;
        if (!go_on(&walk))
            return;
        index = 0;
    }
}
