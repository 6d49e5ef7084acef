/*
 * Input: a line with a task's attributes, a line with a worker's, the rest a routing document.
 * What is taken is routed: the task is created, offered, left alone until time ends it; nothing may
 * stay behind. What is refused says why and changes nothing.
 */
#include <string.h>

#include "base/macros.h"
#include "engine/engine.h"
#include "engine/workflow_doc.h"
#include "fuzz.h"

#define START_US INT64_C(1700000000000000)
#define DAY_US   (INT64_C(86400) * 1000000)

struct world {
    struct engine *engine;
    struct engine_effects effects;
    struct sid workspace;
};

static struct sid sid_of(const char *prefix)
{
    return sid_make(prefix, START_US, 1, 1);
}

static bool tell(struct world *world, struct engine_command command)
{
    struct err err = {0};
    size_t before = world->effects.count;
    enum err_code code = engine_apply(world->engine, &command, START_US, &world->effects, &err);
    INVARIANT(code == ERR_OK || (err.detail[0] != '\0' && world->effects.count == before));
    return code == ERR_OK;
}

static void tell_basics(struct world *world, const struct workflow_doc *doc)
{
    (void)tell(world, (struct engine_command){
                          .kind = ENGINE_PUT_WORKSPACE,
                          .workspace = {.sid = world->workspace, .version = 1}
    });
    (void)tell(world, (struct engine_command){
                          .kind = ENGINE_PUT_ACTIVITY,
                          .activity = {.sid = sid_of("WA"),
                                       .workspace_sid = world->workspace,
                                       .version = 1,
                                       .is_available = true}
    });
    (void)tell(world, (struct engine_command){
                          .kind = ENGINE_PUT_CHANNEL,
                          .channel = {.sid = sid_of("TC"),
                                      .workspace_sid = world->workspace,
                                      .version = 1,
                                      .unique_name = STR("default")}
    });
    for (size_t i = 0; i < doc->queue_count; i++)
        (void)tell(world, (struct engine_command){
                              .kind = ENGINE_PUT_QUEUE,
                              .queue = {.sid = sid_from(doc->queues[i]),
                                        .workspace_sid = world->workspace,
                                        .version = 1,
                                        .target_workers = STR("1==1"),
                                        .max_reserved_workers = 2}
        });
}

static void route(struct str task, struct str worker, struct str document,
                  const struct workflow_doc *doc)
{
    struct world world = {.engine = engine_new(NULL), .workspace = sid_of("WS")};
    engine_effects_init(&world.effects);
    tell_basics(&world, doc);
    engine_load_done(world.engine, START_US, &world.effects);
    (void)tell(&world, (struct engine_command){
                           .kind = ENGINE_PUT_WORKER,
                           .worker = {.sid = sid_of("WK"),
                                      .workspace_sid = world.workspace,
                                      .version = 1,
                                      .name = STR("w"),
                                      .attributes = worker,
                                      .activity_sid = sid_of("WA")}
    });
    bool is_told = tell(&world, (struct engine_command){
                                    .kind = ENGINE_PUT_WORKFLOW,
                                    .workflow = {.sid = sid_of("WW"),
                                                 .workspace_sid = world.workspace,
                                                 .version = 1,
                                                 .configuration = document,
                                                 .configuration_version = 1}
    });
    INVARIANT(is_told);
    for (int i = 0; i < 2; i++)
        (void)tell(&world, (struct engine_command){
                               .kind = ENGINE_CREATE_TASK,
                               .create = {.workspace_sid = world.workspace, .attributes = task}
        });
    int64_t now_us;
    while ((now_us = engine_next_timer_us(world.engine)) != INT64_MAX) {
        INVARIANT(now_us <= START_US + 2 * DAY_US);
        engine_effects_reset(&world.effects);
        engine_tick(world.engine, now_us, &world.effects);
    }
    struct engine_stats stats;
    engine_stats_get(world.engine, &stats);
    INVARIANT(stats.tasks == 0 && stats.reservations_open == 0);
    engine_free(world.engine);
    engine_effects_fini(&world.effects);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct str rest = {.ptr = (const char *)data, .len = size};
    struct str task = str_split(&rest, '\n');
    struct str worker = str_split(&rest, '\n');
    struct workflow_doc *doc = workflow_doc_parse(rest, &err);
    if (doc == NULL)
        INVARIANT(err.code != ERR_OK && err.detail[0] != '\0');
    else
        route(task, worker, rest, doc);
    workflow_doc_free(doc);
    return 0;
}
