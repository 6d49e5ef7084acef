/*
 * Rules are asked on a few threads of their own behind a bounded queue, because neither the shard
 * nor the loop may wait for routing-svc. What rules mean is svc/decide.h.
 */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

struct decider;
struct deciding;

struct deciding *deciding_open(struct decider *decider);
void deciding_close(struct deciding *deciding); /* finishes what waits; NULL is allowed */

/* Whether somebody has to be asked at all. Never blocks. Threads: any. */
bool deciding_has_to(struct deciding *deciding, const char *workspace_sid);

/* A request that waits; kept by its owner until resume is called, exactly once, on one of the
 * threads. Meanwhile they alone use call->arena. */
struct decide_job {
    struct call *call;
    Taskrouter__Tasks__V1__CreateTaskRequest *request; /* a decision was laid over it, or not */
    void (*resume)(struct decide_job *job, enum err_code code, const struct err *err);
};

/* False when too much waits already; resume is not called then. Threads: any. */
bool deciding_push(struct deciding *deciding, struct decide_job *job);
