/* What workers-svc cannot tell of a worker's channel, added to its events on the way into the log:
 * how many tasks he has on it, and what is left of its capacity. */
#pragma once

#include "base/call.h"

struct bus_event;
struct config_change;
struct shell;

/* Adds to the extras of capacity and availability updates, from the router's memory; other events
 * stay as they are. Errors: those of the shell. */
enum err_code worker_load_note(struct shell *shell, struct call *call, struct config_change *change,
                               const struct bus_event *event, struct err *err) MUST_CHECK;
