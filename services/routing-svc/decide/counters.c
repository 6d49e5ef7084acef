#include "counters.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "base/map.h"
#include "log/log.h"
#include "rule_store.h"

enum {
    COUNTERS_LOCK_RANK = 310,
    COUNTERS_MAX = 20000, /* rules that matched since the last time; others are not counted */
    FLUSH_MS = 1000,
    ARENA_BYTES = 16 << 20,
};

struct counter {
    struct sid rule_sid;
    int64_t matches;
    int64_t last_at_us;
};

struct counters {
    struct db_pool *pool;
    struct lock lock;
    struct map waiting; /* guarded by the lock */
};

struct counters *counters_new(struct db_pool *pool)
{
    struct counters *counters = xcalloc(1, sizeof *counters);
    counters->pool = pool;
    lock_init(&counters->lock, "counters", COUNTERS_LOCK_RANK);
    map_init(&counters->waiting);
    return counters;
}

static void drop_all(struct map *map)
{
    for (size_t i = 0; i < map->count; i++)
        free(map->entries[i].value);
    map_fini(map);
}

void counters_free(struct counters *counters)
{
    if (counters == NULL)
        return;
    drop_all(&counters->waiting);
    lock_fini(&counters->lock);
    free(counters);
}

static void add(struct counters *counters, struct str rule_sid, int64_t matches, int64_t at_us)
{
    lock_take(&counters->lock);
    struct counter *counter = map_get(&counters->waiting, rule_sid);
    if (counter == NULL && counters->waiting.count < COUNTERS_MAX) {
        counter = xcalloc(1, sizeof *counter);
        counter->rule_sid = sid_from(rule_sid);
        (void)map_put(&counters->waiting, str_from(counter->rule_sid.text), counter);
    }
    if (counter != NULL) {
        counter->matches += matches;
        if (at_us > counter->last_at_us)
            counter->last_at_us = at_us;
    }
    lock_drop(&counters->lock);
}

void counters_add(struct counters *counters, struct str rule_sid, int64_t at_us)
{
    add(counters, rule_sid, 1, at_us);
}

static enum err_code store(struct counters *counters, struct call *call, const struct map *taken,
                           struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, taken->count);
    int64_t *matches = ARENA_ARRAY(call->arena, int64_t, taken->count);
    int64_t *last = ARENA_ARRAY(call->arena, int64_t, taken->count);
    if (sids == NULL || matches == NULL || last == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < taken->count; i++) {
        const struct counter *counter = taken->entries[i].value;
        sids[i] = str_from(counter->rule_sid.text);
        matches[i] = counter->matches;
        last[i] = counter->last_at_us;
    }
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    enum err_code code = db_acquire(counters->pool, call, &conn, err);
    return code == ERR_OK
               ? rule_counter_store_add(conn, call, sids, matches, last, taken->count, err)
               : code;
}

static enum err_code flush(struct counters *counters, struct call *call, struct err *err)
{
    lock_take(&counters->lock);
    struct map taken = counters->waiting;
    map_init(&counters->waiting);
    lock_drop(&counters->lock);
    enum err_code code = taken.count == 0 ? ERR_OK : store(counters, call, &taken, err);
    for (size_t i = 0; code != ERR_OK && i < taken.count; i++) {
        const struct counter *counter = taken.entries[i].value;
        add(counters, str_from(counter->rule_sid.text), counter->matches, counter->last_at_us);
    }
    drop_all(&taken);
    return code;
}

static enum err_code run(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    return flush(ctx, call, err);
}

const struct app_job_def counters_job = {
    .name = "rule counters",
    .run = run,
    .period_ms = FLUSH_MS,
    .budget_ms = 5000,
    .arena_bytes = ARENA_BYTES,
};

void counters_flush(void *ctx, int64_t until_mono_us)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct call call;
    struct err err = {.code = ERR_OK};
    int64_t left_ms = app_left_ms(until_mono_us);
    call_init(&call, arena, "rule counters", (left_ms < 100 ? 100 : left_ms) * US_PER_MS);
    if (flush(ctx, &call, &err) != ERR_OK)
        LOG_WARN(&call, "matches of rules are lost, the rest goes on", LOG_ERR(&err));
}
