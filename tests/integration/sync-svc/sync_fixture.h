/* Runs against a world of the tests' own: workspaces there, sync-svc with its credentials, and
 * looks at what a run did. From the main thread. */
#pragma once

#include "suite.h"
#include "world.h"

#define TOKEN "a-token-of-the-tests-and-nobody"

#define S SUITE_SYNC

/* suite_main with all five services and a world; sync-svc of the suite itself has no credentials.
 */
int sync_main(const char *name, const struct test_case *cases, size_t count, int argc, char **argv);

/* A process of sync-svc with the credentials of the world, and calls go to it; more: settings in
 * front of the usual ones, NULL-terminated, or NULL. */
struct process *sync_start(const char *const *more);

/* Ends it in good order, or kills it; and calls go to the suite's own again. */
void sync_stop(struct process *process);
void sync_kill(struct process *process);

/* A new workspace in an empty world, with activities, channels, queues, a workflow, tasks and
 * reservations, and so many workers. Its SID. */
const char *world_workspace(int workers);

/* The n-th resource with that prefix of the last workspace, from 1. */
const char *sid_of(const char *prefix, int n);
const char *list_of(const char *name); /* "Workers": its path */
void put_worker(int n, const char *friendly_name, const char *attributes);
void put_worker_of(int n, const char *friendly_name, const char *attributes, int activity);
void put_activity(int n, const char *friendly_name, bool is_available);
void put_task(int n, const char *status);
void put_reservation(int n, int task, const char *status);

/* Begins a run; more: members of the request behind the workspace, as ",'dryRun':true". Its SID. */
const char *run_begin(const char *workspace, const char *more);
/* As it is when it has ended; NULL after a failed check. */
const json_t *run_ended(const char *workspace, const char *sid);
const json_t *run_now(const char *workspace, const char *more); /* both */

/* All kinds but the links, which want a gateway. */
#define ALL_KINDS                                                                                  \
    ",'kinds':['activities','task_channels','queues','workflows','workers','worker_channels',"     \
    "'tasks']"

/* A kind of a run: "seen created updated unchanged vanished conflicting". */
const char *counts_of(const json_t *run, const char *kind);
const json_t *kind_of(const json_t *run, const char *kind);

/* The items of a run, all of them, or those of a kind with that outcome. */
const json_t *items_of(const char *workspace, const char *sid, const char *kind,
                       const char *outcome);

/* A text that changes when any row of what is mirrored does. */
const char *rows_now(void);
