/* A workspace to route in, made through the services, and the moves of a task's life. */
#pragma once

#include "suite.h"

#define TASKS_SET                                                                                  \
    (SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_QUEUES) | SUITE_BIT(SUITE_ROUTING) |               \
     SUITE_BIT(SUITE_TASKS))

/* Texts live as long as the suite. */
struct place {
    const char *workspace;
    const char *available; /* activities */
    const char *offline;
    const char *queue;
    const char *workflow;
};

/* A workspace with the activities Available and Offline (default and timeout), one queue that
 * matches everybody, and a workflow that sends everything there. timeout_s: of reservations, 0 =
 * 120. SIDs are "" after a failed check. */
struct place place_new(int timeout_s);

/* The same in a workspace that is there already. */
struct place place_in(const char *workspace, int timeout_s);

/* A worker in the available activity. capacity: of the channel default. */
const char *place_worker(const struct place *place, const char *name, int capacity);

/* Waits until the router has heard of the resource in that version; false after 10 s. */
bool place_heard(const json_t *resource);

/* The same for a worker as he is now. */
bool place_knows(const struct place *place, const char *worker_sid);

/* CreateTask; its SID. */
const char *task_new(const struct place *place, const char *attributes);

/* So many tasks that wait like a new one, past the router's back: its next load finds them. */
void place_fill(const struct place *place, int count);

/* The first reservation of the task (or worker) in that state, waiting up to 10 s; "" when none. */
const char *reservation_of(const struct place *place, const char *filter, const char *sid,
                           const char *state);

const char *task_status(const struct place *place, const char *task_sid);

/* The number of the newest event. */
int64_t log_last(void);

/* Events of the type in the place's log, and the tasks they are about. */
struct log_count {
    int64_t events;
    int64_t tasks;
};
struct log_count log_count(const struct place *place, const char *type);

/* Whether the log is what it promises: sequences from 1 without a gap, and no event twice. */
bool is_log_whole(void);

/* Whether every event of ours in the log came out on JetStream, in order; waits up to 20 s. */
bool is_log_published(void);
