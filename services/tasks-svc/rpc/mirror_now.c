#include "mirror_now.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "config_change.h"
#include "engine/engine.h"
#include "log/log.h"
#include "task_access.h"

enum { ROWS_MAX = 50000, SCRATCH_BYTES = 512 << 20 };

/* ---- workers and queues ---- */

static void tell(struct engine *engine, struct arena *arena, const struct config_row *row,
                 struct engine_effects *effects)
{
    struct config_change change;
    struct err err;
    err_clear(&err);
    enum err_code code = config_change_load(arena, row, &change, &err);
    if (change.command.kind == ENGINE_PUT_WORKSPACE)
        change.command.workspace.is_mirrored = false; /* here it is looked at as ours are */
    if (code == ERR_OK)
        code = engine_apply(engine, &change.command, 1, effects, &err);
    if (code != ERR_OK)
        LOG_INFO(NULL, "a copy is not understood, going on without it",
                 LOG_STR("sid", row->sid.text), LOG_ERR(&err));
}

static enum err_code tell_all(struct tasks *tasks, struct call *scratch, const char *workspace_sid,
                              struct engine *engine, struct engine_effects *effects,
                              struct err *err)
{
    static const enum config_kind kinds[] = {CONFIG_KIND_WORKSPACE, CONFIG_KIND_ACTIVITY,
                                             CONFIG_KIND_CHANNEL, CONFIG_KIND_QUEUE,
                                             CONFIG_KIND_WORKER};
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < ARRAY_LEN(kinds) && code == ERR_OK; k++) {
        struct config_row *rows = NULL;
        size_t count = 0;
        arena_reset(scratch->arena);
        code = mirror_store_configs(tasks->host.pool, scratch, workspace_sid, kinds[k], ROWS_MAX,
                                    &rows, &count, err);
        for (size_t i = 0; i < count && code == ERR_OK; i++) {
            struct arena_mark mark = arena_mark(scratch->arena);
            tell(engine, scratch->arena, &rows[i], effects);
            arena_rewind(scratch->arena, mark);
        }
    }
    return code;
}

enum err_code mirror_now_engine(struct tasks *tasks, struct call *call, const char *workspace_sid,
                                struct engine **out, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(SCRATCH_BYTES);
    struct call scratch = *call;
    struct engine_effects effects;
    struct engine *engine = engine_new(NULL);
    scratch.arena = arena;
    engine_effects_init(&effects);
    enum err_code code = tell_all(tasks, &scratch, workspace_sid, engine, &effects, err);
    if (code == ERR_OK)
        engine_load_done(engine, 1, &effects);
    engine_effects_fini(&effects);
    if (code == ERR_OK)
        *out = engine;
    else
        engine_free(engine);
    return code;
}

/* ---- tasks ---- */

static bool is_of(const struct mirror_now *row, const struct sid *sid)
{
    if (strncmp(sid->text, "WQ", 2) == 0)
        return strcmp(row->queue_sid.text, sid->text) == 0;
    return strncmp(sid->text, "WW", 2) != 0 || strcmp(row->workflow_sid.text, sid->text) == 0;
}

static void note_oldest(struct sid *sid, int64_t *since_us, const struct sid *other_sid,
                        int64_t other_us)
{
    bool is_later =
        *since_us < other_us || (*since_us == other_us && strcmp(sid->text, other_sid->text) < 0);
    if (sid_is_set(sid) && is_later)
        return;
    *sid = *other_sid;
    *since_us = other_us;
}

/* Rows come by priority. */
static void add(struct engine_task_stats *out, const struct mirror_now *row, bool is_queue)
{
    struct engine_priority_count *last =
        out->priority_count == 0 ? NULL : &out->priorities[out->priority_count - 1];
    if (last == NULL || last->priority != row->priority) {
        last = &out->priorities[out->priority_count++];
        *last = (struct engine_priority_count){.priority = row->priority};
    }
    last->tasks += (size_t)row->tasks;
    out->by_state[row->state] += (size_t)row->tasks;
    out->total += (size_t)row->tasks;
    if (row->state != TASK_PENDING && row->state != TASK_RESERVED)
        return;
    note_oldest(&out->longest_sid, &out->longest_since_us, &row->oldest_sid, row->oldest_us);
    if (is_queue)
        note_oldest(&out->longest_in_queue_sid, &out->longest_in_queue_since_us, &row->entered_sid,
                    row->entered_us);
}

bool mirror_now_tasks(const struct mirror_now *rows, size_t count, const struct sid *sid,
                      struct arena *arena, struct engine_task_stats *out)
{
    bool is_queue = strncmp(sid->text, "WQ", 2) == 0;
    *out = (struct engine_task_stats){
        .priorities = ARENA_ARRAY(arena, struct engine_priority_count, count + 1)};
    for (size_t i = 0; i < count && out->priorities != NULL; i++) {
        if (is_of(&rows[i], sid))
            add(out, &rows[i], is_queue);
    }
    return out->priorities != NULL;
}
