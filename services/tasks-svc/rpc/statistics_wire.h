/* Figures and counts as messages. Everything lives in the arena given; NULL when it is exhausted.
 */
#pragma once

#include "base/arena.h"
#include "engine/stats.h"
#include "figures.h"
#include "stat_store.h"
#include "statistics_ask.h"
#include "taskrouter/tasks/v1/statistics.pb-c.h"

typedef Taskrouter__Tasks__V1__RealtimeStatistics realtime_wire;
typedef Taskrouter__Tasks__V1__CumulativeStatistics cumulative_wire;

/* tasks and workers may be NULL. */
realtime_wire *realtime_to_wire(struct arena *arena, const struct engine_task_stats *tasks,
                                const struct engine_worker_stats *workers, int64_t now_us);

cumulative_wire *cumulative_to_wire(struct arena *arena, const struct figures *figures,
                                    const struct stat_ask *ask, int64_t start_us, int64_t end_us);

/* Every activity of names, with what the durations say of it. False when there is no room. */
bool durations_to_wire(struct arena *arena, const struct stat_duration *durations, size_t count,
                       const struct stat_name *names, size_t name_count, cumulative_wire *out);
