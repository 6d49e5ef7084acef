/*
 * Following another engine: one that was loaded from the rows as they were after some commit is
 * told what the other was told since, commit by commit, and is where the other is then. The
 * follower serves nobody; whoever feeds it compares what it decides with what the other one wrote.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/engine.h"

struct arena;

/* Each command that the other engine was told; is_taken: this one takes it too. */
typedef void (*engine_told_fn)(void *ctx, const struct engine_command *command, bool is_taken);

/*
 * Runs the journal (engine/journal.h) of one commit; what it decides is appended to out_effects.
 * The arena is for the entries and is left as it was. told may be NULL.
 * **Errors:** FAILED_PRECONDITION FOLLOW_RELOADED when the other engine was loaded anew there, so
 * that this one has to be, too; those of the journal. After an error the engine is of no use.
 */
enum err_code engine_follow(struct engine *engine, struct str journal, struct arena *arena,
                            engine_told_fn told, void *ctx, struct engine_effects *out_effects,
                            struct err *err) MUST_CHECK;

/*
 * The end of following: from here the engine serves as one that was loaded from the rows as they
 * are now. Of workers who were deleted meanwhile it knows what the rows know, their SIDs, so that a
 * replay, which loads where this one takes over, says the same.
 */
void engine_follow_end(struct engine *engine);
