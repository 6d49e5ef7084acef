/* What is going on now in a workspace that Twilio routes: from our rows, for nothing of it is in
 * the router's memory. */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "base/err.h"
#include "engine/stats.h"
#include "mirror_store.h"
#include "tasks.h"

struct engine;

/*
 * An engine with the workspace's activities, channels, queues and workers and no tasks, to be asked
 * about workers and queues: made for one look, with the work of reading every worker. The caller
 * frees it. Errors: those of the store; RESOURCE_EXHAUSTED.
 */
enum err_code mirror_now_engine(struct tasks *tasks, struct call *call, const char *workspace_sid,
                                struct engine **out, struct err *err) MUST_CHECK;

/* Of the workspace's tasks under way those of a workspace, queue or workflow. False when the arena
 * is exhausted. */
bool mirror_now_tasks(const struct mirror_now *rows, size_t count, const struct sid *sid,
                      struct arena *arena, struct engine_task_stats *out);
