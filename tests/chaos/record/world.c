#include "world.h"

#include <string.h>

enum { HEARD_MS = 20000 };

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

/* A workspace goes to the shard that its SID gives: made until every shard has one. */
static bool find_workspaces(struct run *run)
{
    int missing = run->options->shards;
    for (int i = 0; i < SPARES_MAX && missing > 0; i++) {
        const char *workspace = suite_workspace();
        if (!suite_until(is_known, workspace, HEARD_MS))
            return false;
        int64_t shard =
            suite_count("select shard from tasks.config_copy where sid = '%s'", workspace);
        if (shard < 0 || shard >= run->options->shards)
            return false;
        if (run->scenes[shard].world.workspace == NULL) {
            run->scenes[shard].world.workspace = workspace;
            missing--;
        } else {
            run->spares[run->spare_count++] = (struct spare){workspace, (int)shard};
        }
    }
    return missing == 0;
}

static bool furnish(struct world *world, int workers, uint64_t seed)
{
    struct rng rng = {seed};
    world->worker_count = workers;
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
           suite_until(is_known, world->workers[workers - 1], HEARD_MS) &&
           suite_until(is_known, world->workflow, HEARD_MS);
}

bool worlds_make(struct run *run)
{
    bool is_made = find_workspaces(run);
    for (int i = 0; i < run->options->shards && is_made; i++)
        is_made =
            furnish(&run->scenes[i].world, run->options->workers, run->options->seed + (uint64_t)i);
    return is_made;
}
