/*
 * Whether an engine decided what the log says that another one did: the events it made of a commit
 * beside the stored ones. Texts that only readers see (names, data) are not compared; what follows
 * from a decision is: which event, when, about which task, reservation, worker, queue, version. Nor
 * are the events' own SIDs: an engine counts its events from the number that it was loaded with.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct engine_effects;

/*
 * payload: the commit's block (event_pack.h), empty for none; count: how many events it must have,
 * those of other services included. The arena is left as it was.
 * **Errors:** FAILED_PRECONDITION FOLLOW_DIVERGED, which names the first difference; those of
 * event_unpack.
 */
enum err_code event_agree(struct arena *arena, struct str payload, int64_t count,
                          const struct engine_effects *made, struct err *err) MUST_CHECK;
