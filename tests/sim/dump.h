/* Effects as text, in full, for comparing two engines byte for byte and for the trace. */
#pragma once

#include "base/buf.h"
#include "engine/engine.h"

struct store;

/* store: what is said of workers whom it knows as deleted is left out, since a loaded engine knows
 * only their SIDs; NULL = nothing is left out. */
void dump_effects(struct buf *out, const struct engine_effects *effects, const struct store *store);
void dump_effect(struct buf *out, const struct engine_effect *effect, const struct store *store);

void dump_task_row(struct buf *out, const struct task_row *row);

/* A command in one line. */
void dump_command(struct buf *out, const struct engine_command *command);
