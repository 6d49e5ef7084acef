/* What the router has given workers to do: tasks-svc is asked. No connection to the database may be
 * held meanwhile. */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "worker.h"

struct workers;

/* Fills the load of these channels, all of one worker. While tasks-svc cannot be asked they stay
 * without one: the configuration can be read all the same. */
void load_peer_fill(struct workers *workers, struct call *call, const char *workspace_sid,
                    struct worker_channel *channels, size_t count);
