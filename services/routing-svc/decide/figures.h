/* What conditions say of queues and workers now, asked of tasks-svc at most once a second for a
 * queue, and never waited for long. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/err.h"

struct figures;
struct rpc_client;

enum { FIGURES_BUDGET_MS = 200 }; /* of one decision, for all it asks */

struct figure_set {
    bool is_known; /* false: tasks-svc could not be asked in time */
    int64_t waiting;
    int64_t longest_wait_s;
    int64_t workers_available;
    int64_t workers_total;
};

struct figures *figures_new(struct rpc_client *tasks); /* calls as the service; borrowed */
void figures_free(struct figures *figures);            /* NULL is allowed */

/* Of a queue, or (queue_sid "") of the whole workspace. until_mono_us: how long it may be waited
 * for. Threads: any. */
struct figure_set figures_get(struct figures *figures, const struct call *call,
                              const char *workspace_sid, const char *queue_sid,
                              int64_t until_mono_us);
