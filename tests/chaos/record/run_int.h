/* Shared by the parts of the recorder. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "chaos.h"
#include "history.h"
#include "suite_int.h"

enum {
    REPLICAS_MAX = 5,
    SCENES_MAX = 8,
    SPARES_MAX = 200,
    ACTORS_MAX = 64,
    WORKERS_MAX = 64,
    QUEUES = 2
};

/* splitmix64, one state per actor. */
struct rng {
    uint64_t state;
};

/* What the run routes in; made once, then read only. */
struct world {
    const char *workspace;
    const char *available; /* activities */
    const char *offline;
    const char *queues[QUEUES];
    const char *workflow;
    const char *workers[WORKERS_MAX];
    int worker_count;
};

/* One tasks-svc process with its place; the process itself belongs to the nemesis. */
struct replica {
    struct rpc_client *client;
    struct process *process;
    const char **env;
    const char *http;
    int64_t back_at_us; /* down: when to start it again; 0 = it is up */
    int64_t cont_at_us; /* stopped: when to let it go on; 0 = it runs */
};

struct actor {
    struct run *run;
    struct scene *scene;
    const char *name;
    int number;
    struct rng rng;
    struct arena *arena; /* reset by each round */
    int target;          /* the replica it talks to */
    pthread_t thread;
};

/* A workspace alone in its shard, with its own people and its own history. */
struct scene {
    struct run *run;
    struct history *history;
    struct world world;
    struct observers *observers;
    struct actor actors[ACTORS_MAX];
    int actor_count;
};

/* A workspace that went to a shard which has its own already: its events are in that log too. */
struct spare {
    const char *workspace;
    int shard;
};

struct run {
    const struct chaos_options *options;
    struct spare spares[SPARES_MAX];
    int spare_count;
    struct scene scenes[SCENES_MAX]; /* as many as shards */
    struct replica replicas[REPLICAS_MAX];
    bool is_loading;        /* atomic: creators create, the config actor changes */
    bool is_ending;         /* atomic: all actors return */
    int64_t acks;           /* atomic: changes acknowledged */
    int64_t last_ack;       /* atomic: when */
    int64_t longest_gap_us; /* between two acknowledged changes; atomic, written roughly */
    int64_t faults;
};

static inline bool run_flag(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

/* ---- rng.c ---- */

uint64_t rng_next(struct rng *rng);
int rng_below(struct rng *rng, int limit); /* 0..limit-1 */
bool rng_hits(struct rng *rng, int percent);

/* ---- actor.c: calls that are recorded ---- */

enum outcome {
    OUTCOME_OK,
    OUTCOME_REFUSED, /* for certain: it has had no effect */
    OUTCOME_UNKNOWN,
};

struct result {
    enum outcome outcome;
    const json_t *body; /* of OUTCOME_OK, in actor->arena */
    int64_t version;
};

/* What the checker wants to know of a request beside its method. NULL where there is none. */
struct about {
    const char *key;     /* idempotency */
    const char *subject; /* SID that it names */
};

void actor_init(struct actor *actor, struct scene *scene, const char *name, int number);
void actor_fini(struct actor *actor);

/* Calls and records. request is written like those of the suite. */
struct result actor_change(struct actor *actor, enum suite_service service, const char *method,
                           struct about about, const char *format, ...) PRINTF_LIKE(5, 6);

/* Not recorded; OUTCOME_OK or OUTCOME_UNKNOWN. */
struct result actor_read(struct actor *actor, enum suite_service service, const char *method,
                         const char *format, ...) PRINTF_LIKE(4, 5);

/* ---- load.c ---- */

void *creator_main(void *ctx); /* struct actor, as the next two */
void *agent_main(void *ctx);
void *config_main(void *ctx);

/* ---- observe.c ---- */

struct observers;

struct observers *observers_start(struct scene *scene);
void observers_stop(struct observers *observers);

/* Whether all have seen the log up to last, JetStream's our own events up to last_own. */
bool observers_have(struct observers *observers, int64_t last, int64_t last_own);

/* ---- final.c ---- */

/* Waits until no task is live; false when some still are after a while. */
bool final_drain(struct scene *scene);

/* Waits until nothing is written any more and the observers have caught up (for a while), and
 * records the log and what is left of every task and reservation. False when it cannot be read. */
bool final_read(struct scene *scene);

/* ---- nemesis.c: main thread only ---- */

bool replicas_start(struct run *run);
void replicas_stop(struct run *run);

/* Faults until the load's time is over, then everything comes back; false when something does not
 * get ready. */
bool nemesis_load(struct run *run);
