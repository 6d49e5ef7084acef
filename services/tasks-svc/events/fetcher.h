/*
 * Read-your-writes: what a request names and the router has not been told of yet is asked of its
 * owner by gRPC and put into the shard, then the request goes on. Runs on a few threads of its own
 * behind a bounded queue, because neither the shard nor the loop may wait for other services.
 */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "base/err.h"
#include "shell.h"

struct fetcher;
struct rpc_client;

struct fetcher_options {
    struct shell *shell;
    struct rpc_client *workers; /* all three call as the service itself */
    struct rpc_client *queues;
    struct rpc_client *routing;
};

struct fetcher *fetcher_open(const struct fetcher_options *options);
void fetcher_close(struct fetcher *fetcher); /* finishes what waits; NULL is allowed */

/* A request that waits; kept by its owner until resume is called, exactly once, on a thread of the
 * fetcher. code: whether everything could be fetched; not found counts as fetched. */
struct fetch_job {
    struct sid workspace_sid;
    unsigned unknown; /* enum shard_unknown */
    struct sid workflow_sid;
    bool re_evaluate_tasks; /* of that workflow: drive them through what is fetched */
    struct sid worker_sid;
    struct sid queue_sid; /* with SHARD_UNKNOWN_QUEUE: only that one; else all of the workspace */
    void (*resume)(struct fetch_job *job, enum err_code code, const struct err *err);
};

/* False when too much waits already; resume is not called then. Threads: any. */
bool fetcher_push(struct fetcher *fetcher, struct fetch_job *job);

/* The same at once, on the caller's thread. Errors: UNAVAILABLE when an owner is away; NOT_FOUND
 * WORKSPACE_NOT_FOUND. */
enum err_code fetcher_run(struct fetcher *fetcher, struct call *call, const struct fetch_job *job,
                          struct err *err) MUST_CHECK;
