/*
 * The snapshots of all workspaces that are asked about. One is read when it is first needed, again
 * when something in it is known to have changed, and every few seconds it is made sure that it is
 * still of the newest revision. While the database is away the last one goes on.
 */
#pragma once

#include "base/call.h"
#include "snapshot.h"

struct routing;
struct snapshots;

struct snapshots *snapshots_new(struct routing *routing); /* borrowed */
void snapshots_free(struct snapshots *snapshots);         /* all released; NULL is allowed */

/*
 * The workspace's snapshot, for a caller who may see it; to be released. Errors: those of
 * workspaces_require; of the database when there is none yet. Threads: any.
 */
enum err_code snapshots_get(struct snapshots *snapshots, struct call *call,
                            const char *workspace_sid, struct snapshot **out,
                            struct err *err) MUST_CHECK;
void snapshots_release(struct snapshots *snapshots, struct snapshot *snapshot);

/* Something in it has changed: it is read again before it is given out. Threads: any. */
void snapshots_note_change(struct snapshots *snapshots, struct str workspace_sid);
