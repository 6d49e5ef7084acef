/* The processes of this service and the shards: who lives, who should run what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "cluster_store.h"
#include "log/log.h"
#include "shard_int.h"
#include "share.h"

enum {
    LOOK_MS = 100,     /* how often the leases are looked at */
    LOOK_SOON_MS = 10, /* the same while a shard is handed over, or somebody guessed wrong */
    LOOK_BUDGET_MS = 1000,
    FREE_FOR_ALL_MS = 300, /* a shard that its taker does not take is anybody's */
    CALM_MS = 2000,        /* so long the processes must be the same before shards move */
    MOVE_PAUSE_MS = 300,   /* between two moves */
    PATIENCE_MS = 120000,  /* with a successor who does not get ready, unless we leave */
    ARENA_BYTES = 4 << 20,
};

struct cluster {
    struct shell *shell;
    pthread_t thread;
    struct cond changed; /* with the shell's lock */

    /* shell->lock */
    bool is_ending;
    bool is_leaving;
    bool is_hurried;
    bool is_alone; /* the last look saw nobody else who takes shards */
    int held;      /* shards whose lease is ours, as last seen */
    int64_t next_look_mono_us;

    /* The thread's own. */
    struct db_conn *conn;
    struct arena *arena;
    int64_t beat_mono_us; /* when the next one is due */
    uint64_t members;     /* hash of the living */
    int64_t members_mono_us;
    int64_t moved_mono_us;
    int64_t *free_mono_us; /* per shard: since when it is free; 0 = it is not */
    bool is_failing;
};

/* ---- what a look means for one shard ---- */

/* Under the lock, as all up to the look itself. */
static void want(struct shard *shard, enum shard_want wanted)
{
    shard->needs_poke = shard->needs_poke || shard->want != wanted;
    shard->want = wanted;
}

/* True when the place of the shard changed. */
static bool note_place(struct shard *shard, const struct shard_row *row, bool is_ours)
{
    const char *address = row->is_free || is_ours ? "" : row->address;
    bool is_other = strcmp(shard->owner_address, address) != 0;
    (void)snprintf(shard->owner_address, sizeof shard->owner_address, "%s", address);
    return is_other;
}

static bool is_living(const struct cluster_row *seen, const char *instance)
{
    for (size_t i = 0; i < seen->replica_count; i++) {
        if (strcmp(seen->replicas[i].instance, instance) == 0)
            return true;
    }
    return false;
}

/* The lease is ours. */
static void note_heir(struct cluster *cluster, struct shard *shard, const struct cluster_row *seen,
                      const struct shard_row *row)
{
    if (shard->heir[0] == '\0')
        return;
    int64_t now = clock_mono_us();
    bool is_late = !cluster->is_leaving && now - shard->heir_mono_us > PATIENCE_MS * US_PER_MS;
    if (is_late)
        cluster->moved_mono_us = now + PATIENCE_MS * US_PER_MS; /* and not again at once */
    if (is_late || !is_living(seen, shard->heir))
        shard->heir[0] = '\0'; /* the thread takes it back */
    else if (strcmp(row->successor, shard->heir) == 0 && row->is_successor_warm)
        shard->is_heir_warm = true;
    else
        return;
    shard->needs_poke = true;
}

/* True when somebody who waits for the shard should try again. */
static bool note_shard(struct cluster *cluster, const struct cluster_row *seen, int index,
                       bool should_take)
{
    struct shell *shell = cluster->shell;
    struct shard *shard = &shell->shards[index];
    const struct shard_row *row = &seen->shards[index];
    bool is_ours = strcmp(row->owner, shell->instance) == 0;
    bool is_old = row->epoch < shard->taken_epoch ||
                  (is_ours && !row->is_free && row->epoch == shard->given_epoch);
    if (is_old)
        return false;
    if (row->is_free) {
        if (should_take)
            want(shard, SHARD_WANT_OWN);
    } else if (is_ours) {
        want(shard, SHARD_WANT_OWN);
        note_heir(cluster, shard, seen, row);
    } else {
        want(shard,
             strcmp(row->successor, shell->instance) == 0 ? SHARD_WANT_WARM : SHARD_WANT_NONE);
    }
    cluster->held += is_ours && !row->is_free;
    if (!is_ours && row->event_seq > shard->foreign_seq) {
        shard->foreign_seq = row->event_seq;
        shell->commits++;
        cond_broadcast(&shell->committed);
    }
    return note_place(shard, row, is_ours);
}

/* ---- one look ---- */

/* since: when it was first seen free. Whoever should take it has a while; then anybody may. */
static bool should_take(struct cluster *cluster, const struct share *share, const size_t *takers,
                        size_t shard, bool is_leaving)
{
    int64_t now = clock_mono_us();
    int64_t *since = &cluster->free_mono_us[shard];
    if (!share->shards[shard].is_free) {
        *since = 0;
        return false;
    }
    if (*since == 0)
        *since = now;
    if (is_leaving)
        return false;
    size_t taker = takers[shard];
    return (taker != SHARE_NOBODY &&
            strcmp(share->replicas[taker].instance, cluster->shell->instance) == 0) ||
           now - *since > FREE_FOR_ALL_MS * US_PER_MS;
}

/* Whom the shards are handed to; after note_shard. True while one is handed over. */
static bool plan_moves(struct cluster *cluster, struct share *share, struct share_shard *rows)
{
    struct shell *shell = cluster->shell;
    int64_t now = clock_mono_us();
    size_t shard = 0;
    size_t replica = 0;
    bool is_moving = false;
    for (size_t i = 0; i < share->shard_count; i++) {
        if (shell->shards[i].heir[0] == '\0')
            continue;
        rows[i].successor = shell->shards[i].heir;
        is_moving = true;
    }
    bool is_calm = now - cluster->members_mono_us > CALM_MS * US_PER_MS &&
                   now - cluster->moved_mono_us > MOVE_PAUSE_MS * US_PER_MS;
    if (!cluster->is_leaving && !is_calm)
        return is_moving;
    while (share_next_move(share, shell->instance, &shard, &replica)) {
        struct shard *moved = &shell->shards[shard];
        (void)snprintf(moved->heir, sizeof moved->heir, "%s", share->replicas[replica].instance);
        moved->is_heir_warm = false;
        moved->heir_mono_us = now;
        moved->needs_poke = true;
        rows[shard].successor = moved->heir;
        cluster->moved_mono_us = now;
        is_moving = true;
        if (!cluster->is_leaving)
            break;
    }
    return is_moving;
}

static void note_members(struct cluster *cluster, const struct cluster_row *seen)
{
    uint64_t members = 0;
    for (size_t i = 0; i < seen->replica_count; i++)
        members = members * 31 +
                  hash_bytes(seen->replicas[i].instance, strlen(seen->replicas[i].instance));
    if (members == cluster->members)
        return;
    cluster->members = members;
    cluster->members_mono_us = clock_mono_us();
}

static void apply(struct cluster *cluster, struct call *call, const struct cluster_row *seen)
{
    struct shell *shell = cluster->shell;
    size_t count = (size_t)shell->shard_count;
    struct share_replica *replicas =
        ARENA_ARRAY(call->arena, struct share_replica, seen->replica_count + 1);
    struct share_shard *rows = ARENA_ARRAY(call->arena, struct share_shard, count);
    size_t *takers = ARENA_ARRAY(call->arena, size_t, count);
    if (replicas == NULL || rows == NULL || takers == NULL)
        return;
    size_t others = 0;
    for (size_t i = 0; i < seen->replica_count; i++) {
        replicas[i] =
            (struct share_replica){seen->replicas[i].instance, seen->replicas[i].is_leaving};
        others += !replicas[i].is_leaving && strcmp(replicas[i].instance, shell->instance) != 0;
    }
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct share_shard){seen->shards[i].owner, seen->shards[i].successor,
                                       seen->shards[i].is_free};
    struct share share = {replicas, seen->replica_count, rows, count};
    share_takers(&share, takers);
    note_members(cluster, seen);
    bool is_moved = false;
    int64_t next_ms = LOOK_MS;
    lock_take(&shell->lock);
    bool is_leaving = cluster->is_leaving;
    shell->is_blind = false;
    cluster->held = 0;
    cluster->is_alone = others == 0;
    for (size_t i = 0; i < count; i++) {
        bool takes = should_take(cluster, &share, takers, i, is_leaving);
        is_moved = note_shard(cluster, seen, (int)i, takes) || is_moved;
        bool is_soon = rows[i].is_free || rows[i].successor[0] != '\0';
        int64_t left_ms = is_soon ? LOOK_SOON_MS : seen->shards[i].left_ms + 1;
        if (left_ms < next_ms)
            next_ms = left_ms;
    }
    if (plan_moves(cluster, &share, rows))
        next_ms = LOOK_SOON_MS;
    cluster->next_look_mono_us = clock_mono_us() + next_ms * US_PER_MS;
    cond_broadcast(&cluster->changed);
    lock_drop(&shell->lock);
    for (size_t i = 0; i < count; i++)
        shard_poke(&shell->shards[i]);
    if (is_moved && shell->on_places != NULL)
        shell->on_places(shell->ctx);
}

static enum err_code beat(struct cluster *cluster, struct call *call, bool is_leaving,
                          struct err *err)
{
    struct shell *shell = cluster->shell;
    int64_t now = clock_mono_us();
    if (now < cluster->beat_mono_us)
        return ERR_OK;
    enum err_code code = cluster_store_beat(cluster->conn, call, shell->instance, shell->address,
                                            is_leaving, shell->lease_ms, err);
    if (code == ERR_OK)
        cluster->beat_mono_us = now + shell->lease_ms * US_PER_MS / 4;
    return code;
}

static void look(struct cluster *cluster, bool is_leaving)
{
    struct call call;
    struct err err;
    struct cluster_row seen;
    err_clear(&err);
    arena_reset(cluster->arena);
    call_init(&call, cluster->arena, "cluster", LOOK_BUDGET_MS * US_PER_MS);
    enum err_code code = beat(cluster, &call, is_leaving, &err);
    if (code == ERR_OK)
        code = cluster_store_look(cluster->conn, &call, cluster->shell->shard_count, &seen, &err);
    if (code == ERR_OK) {
        apply(cluster, &call, &seen);
        cluster->is_failing = false;
        return;
    }
    bool was_failing = cluster->is_failing;
    if (!was_failing)
        LOG_WARN(NULL, "the leases of the shards cannot be read, going on with what is known",
                 LOG_ERR(&err));
    cluster->is_failing = true;
    cluster->beat_mono_us = 0; /* a new session has to hold our lock again */
    lock_take(&cluster->shell->lock);
    cluster->next_look_mono_us = clock_mono_us() + LOOK_MS * US_PER_MS;
    cluster->shell->is_blind = was_failing; /* one failure may be our own: we were stopped */
    if (was_failing) {                      /* nobody to hand over to, as far as we can see */
        cluster->is_alone = true;
        cond_broadcast(&cluster->changed);
    }
    lock_drop(&cluster->shell->lock);
}

/* ---- the thread ---- */

static void leave(struct cluster *cluster)
{
    struct call call;
    struct err err;
    arena_reset(cluster->arena);
    call_init(&call, cluster->arena, "leave", LOOK_BUDGET_MS * US_PER_MS);
    if (cluster_store_leave(cluster->conn, &call, cluster->shell->instance, &err) != ERR_OK)
        LOG_INFO(NULL, "the others could not be told that we end, they will see it");
}

static void *cluster_main(void *ctx)
{
    struct cluster *cluster = ctx;
    struct shell *shell = cluster->shell;
    bool was_leaving = false;
    for (;;) {
        lock_take(&shell->lock);
        bool is_in_time = true;
        while (is_in_time && !cluster->is_ending && !cluster->is_hurried)
            is_in_time =
                cond_wait_until(&cluster->changed, &shell->lock, cluster->next_look_mono_us);
        bool is_ending = cluster->is_ending;
        bool is_leaving = cluster->is_leaving;
        cluster->is_hurried = false;
        lock_drop(&shell->lock);
        if (is_ending)
            break;
        if (is_leaving && !was_leaving)
            cluster->beat_mono_us = 0;
        was_leaving = is_leaving;
        look(cluster, is_leaving);
    }
    leave(cluster);
    return NULL;
}

struct cluster *cluster_open(struct shell *shell, const char *address)
{
    struct cluster *cluster = xcalloc(1, sizeof *cluster);
    cluster->shell = shell;
    shell->address = xstrdup(address);
    cond_init(&cluster->changed);
    cluster->free_mono_us = xcalloc((size_t)shell->shard_count, sizeof *cluster->free_mono_us);
    cluster->conn = db_conn_open(&(struct db_options){
        .url = shell->database_url, .name = shell->service, .schema = shell->schema});
    cluster->arena = arena_new(ARENA_BYTES);
    int failed = pthread_create(&cluster->thread, NULL, cluster_main, cluster);
    INVARIANT(failed == 0);
    return cluster;
}

void cluster_look_again(struct cluster *cluster)
{
    if (cluster == NULL)
        return;
    struct shell *shell = cluster->shell;
    lock_take(&shell->lock);
    int64_t soon = clock_mono_us() + LOOK_SOON_MS * US_PER_MS;
    if (cluster->next_look_mono_us > soon) {
        cluster->next_look_mono_us = soon;
        cond_broadcast(&cluster->changed);
    }
    lock_drop(&shell->lock);
}

void cluster_leave(struct cluster *cluster, int64_t until_mono_us)
{
    if (cluster == NULL)
        return;
    struct shell *shell = cluster->shell;
    bool is_in_time = true;
    lock_take(&shell->lock);
    cluster->is_leaving = true;
    cluster->is_hurried = true;
    cluster->is_alone = false; /* somebody may have come since the last look */
    cond_broadcast(&cluster->changed);
    while (is_in_time && cluster->held > 0 && !cluster->is_alone)
        is_in_time = cond_wait_until(&cluster->changed, &shell->lock, until_mono_us);
    lock_drop(&shell->lock);
}

void cluster_close(struct cluster *cluster)
{
    if (cluster == NULL)
        return;
    struct shell *shell = cluster->shell;
    lock_take(&shell->lock);
    cluster->is_ending = true;
    cond_broadcast(&cluster->changed);
    lock_drop(&shell->lock);
    (void)pthread_join(cluster->thread, NULL);
    db_conn_close(cluster->conn);
    arena_free(cluster->arena);
    cond_fini(&cluster->changed);
    free(cluster->free_mono_us);
    free(cluster);
}
