#include "figures.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "base/map.h"
#include "log/log.h"
#include "rpc/client.h"
#include "taskrouter/tasks/v1/statistics.pb-c.h"

enum {
    FIGURES_LOCK_RANK = 320,
    FIGURES_MAX = 2048, /* queues remembered; all are forgotten when there are more */
    ARENA_BYTES = 1 << 20,
};

#define FRESH_US US_PER_S

/* The queue's, or the workspace's. */
struct known {
    struct sid sid;
    struct figure_set figures;
    int64_t asked_mono_us;
};

struct figures {
    struct rpc_client *tasks;
    struct lock lock;
    struct map known; /* by SID; guarded by the lock */
};

struct figures *figures_new(struct rpc_client *tasks)
{
    struct figures *figures = xcalloc(1, sizeof *figures);
    figures->tasks = tasks;
    lock_init(&figures->lock, "figures", FIGURES_LOCK_RANK);
    map_init(&figures->known);
    return figures;
}

static void forget_all(struct figures *figures)
{
    for (size_t i = 0; i < figures->known.count; i++)
        free(figures->known.entries[i].value);
    map_clear(&figures->known);
}

void figures_free(struct figures *figures)
{
    if (figures == NULL)
        return;
    forget_all(figures);
    map_fini(&figures->known);
    lock_fini(&figures->lock);
    free(figures);
}

static bool look(struct figures *figures, const char *sid, struct figure_set *out)
{
    lock_take(&figures->lock);
    const struct known *known = map_get(&figures->known, str_from(sid));
    bool is_fresh = known != NULL && clock_mono_us() - known->asked_mono_us < FRESH_US;
    if (is_fresh)
        *out = known->figures;
    lock_drop(&figures->lock);
    return is_fresh;
}

static void keep(struct figures *figures, const char *sid, const struct figure_set *set)
{
    lock_take(&figures->lock);
    struct known *known = map_get(&figures->known, str_from(sid));
    if (known == NULL) {
        if (figures->known.count >= FIGURES_MAX)
            forget_all(figures);
        known = xcalloc(1, sizeof *known);
        known->sid = sid_from(str_from(sid));
        (void)map_put(&figures->known, str_from(known->sid.text), known);
    }
    known->figures = *set;
    known->asked_mono_us = clock_mono_us();
    lock_drop(&figures->lock);
}

static struct figure_set from_wire(const Taskrouter__Tasks__V1__RealtimeStatistics *now,
                                   bool is_queue)
{
    return (struct figure_set){
        .is_known = true,
        .waiting = now->tasks_by_status == NULL ? 0 : now->tasks_by_status->pending,
        .longest_wait_s = now->longest_task_waiting_age,
        .workers_available = now->total_available_workers,
        .workers_total = is_queue ? now->total_eligible_workers : now->total_workers,
    };
}

static enum err_code ask(struct figures *figures, struct call *call, const char *workspace_sid,
                         const char *queue_sid, struct figure_set *out, struct err *err)
{
    bool is_queue = queue_sid[0] != '\0';
    Taskrouter__Tasks__V1__StatisticsRequest request;
    taskrouter__tasks__v1__statistics_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.sid = arena_strdup(call->arena, queue_sid);
    request.part = TASKROUTER__TASKS__V1__STATISTICS_PART__STATISTICS_PART_REALTIME;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    Taskrouter__Tasks__V1__StatisticsReport *report = NULL;
    enum err_code code =
        RPC_CALL(figures->tasks, call,
                 is_queue ? "/taskrouter.tasks.v1.Statistics/GetQueueStatistics"
                          : "/taskrouter.tasks.v1.Statistics/GetWorkspaceStatistics",
                 &request.base, taskrouter__tasks__v1__statistics_report, &report, err);
    if (code == ERR_OK && report->realtime != NULL)
        *out = from_wire(report->realtime, is_queue);
    return code;
}

struct figure_set figures_get(struct figures *figures, const struct call *call,
                              const char *workspace_sid, const char *queue_sid,
                              int64_t until_mono_us)
{
    const char *sid = queue_sid[0] == '\0' ? workspace_sid : queue_sid;
    struct figure_set set = {.is_known = false};
    if (look(figures, sid, &set) || clock_mono_us() >= until_mono_us)
        return set;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct call own = *call;
    struct err err = {.code = ERR_OK};
    own.arena = arena;
    own.deadline_mono_us = until_mono_us;
    if (ask(figures, &own, workspace_sid, queue_sid, &set, &err) != ERR_OK)
        LOG_WARN(call, "a queue's figures cannot be asked, they count as unknown",
                 LOG_STR("workspace_sid", workspace_sid), LOG_ERR(&err));
    keep(figures, sid, &set);
    return set;
}
