#include "world.h"

#include <string.h>

static const char *activity(const char *workspace, const char *name, bool is_available)
{
    return at(suite_ok(&suite_admin, SUITE_WORKERS, "CreateActivity",
                       "{'workspaceSid':'%s','friendlyName':'%s','available':%s}", workspace, name,
                       is_available ? "true" : "false"),
              "sid");
}

static const char *queue(const char *workspace, const char *name, int reserved)
{
    return at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                       "{'workspaceSid':'%s','friendlyName':'%s','maxReservedWorkers':%d}",
                       workspace, name, reserved),
              "sid");
}

static bool is_known(const void *ctx)
{
    return suite_count("select count(*) from tasks.config_copy where sid = '%s'",
                       (const char *)ctx) == 1;
}

bool world_make(struct world *world, int workers, uint64_t seed)
{
    struct rng rng = {seed};
    *world = (struct world){.workspace = suite_workspace(), .worker_count = workers};
    world->available = activity(world->workspace, "On call", true);
    world->offline = activity(world->workspace, "Away", false);
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "UpdateWorkspace",
                   "{'workspace':{'sid':'%s','timeoutActivitySid':'%s'},'updateMask':"
                   "'timeoutActivitySid'}",
                   world->workspace, world->offline);
    world->queues[0] = queue(world->workspace, "One at a time", 1);
    world->queues[1] = queue(world->workspace, "Three at once", 3);
    /* The one with the skill for two seconds, then anybody, several at once. */
    world->workflow =
        at(suite_ok(&suite_admin, SUITE_ROUTING, "CreateWorkflow",
                    "{'workspaceSid':'%s','friendlyName':'All','taskReservationTimeout':2,"
                    "'configuration':'{`task_routing`:{`filters`:[{`filter_friendly_name`:`skill`,"
                    "`expression`:`skill != \\\\`\\\\``,`targets`:[{`queue`:`%s`,`expression`:"
                    "`worker.skill == task.skill`,`timeout`:2},{`queue`:`%s`}]}],"
                    "`default_filter`:{`queue`:`%s`}}}'}",
                    world->workspace, world->queues[0], world->queues[1], world->queues[1]),
           "sid");
    static const char *const skills[] = {"red", "green", "blue"};
    for (int i = 0; i < workers; i++) {
        world->workers[i] =
            at(suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorker",
                        "{'workspaceSid':'%s','friendlyName':'worker %d','activitySid':'%s',"
                        "'attributes':'{`skill`:`%s`}'}",
                        world->workspace, i, world->available,
                        skills[rng_below(&rng, (int)ARRAY_LEN(skills))]),
               "sid");
        (void)suite_ok(&suite_admin, SUITE_WORKERS, "UpdateWorkerChannel",
                       "{'workspaceSid':'%s','workerSid':'%s','channel':'default','capacity':%d}",
                       world->workspace, world->workers[i], 1 + rng_below(&rng, 3));
    }
    return world->workflow[0] != '\0' &&
           suite_until(is_known, world->workers[workers - 1], 20000) &&
           suite_until(is_known, world->workflow, 20000);
}
