/*
 * A run under faults: real services on a private PostgreSQL and NATS, actors that call them,
 * observers of their events, and a nemesis that kills what it finds. Everything that a client could
 * see goes into a history; tests/chaos/check says what it proves. On libs of
 * tests/integration/suite: suite_start comes first, with TASKS_SET.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum chaos_fault {
    FAULT_NONE,
    FAULT_KILL_TASKS = 1 << 0,  /* SIGKILL of a tasks-svc replica */
    FAULT_PAUSE_TASKS = 1 << 1, /* SIGSTOP for up to 3 s */
    FAULT_TERM_TASKS = 1 << 2,  /* SIGTERM: hand-over in good order */
    FAULT_KILL_POSTGRES = 1 << 3,
    FAULT_KILL_NATS = 1 << 4,
    FAULT_KILL_OTHERS = 1 << 5, /* workers-svc, queues-svc or routing-svc */
    FAULT_KILL_OWNER = 1 << 6,  /* SIGKILL of the replica that owns the shard */
    FAULT_ALL = 0x7F,
};

struct chaos_options {
    const char *history_path; /* of several shards: ".0", ".1", … is added */
    uint64_t seed;
    int shards;   /* of tasks-svc, as its environment says; a workspace is made for each */
    int replicas; /* of tasks-svc; the suite has started the first */
    int load_ms;  /* how long the nemesis and the actors go on */
    int creators; /* per shard; so the next two */
    int agents;
    int workers;
    int create_pause_ms; /* of each creator between two tasks: the load's bound */
    int fault_every_ms;  /* mean pause between two faults */
    unsigned faults;     /* enum chaos_fault */
    int fault_count;     /* ends the load after so many, if earlier; 0 = by time alone */
    FILE *progress;      /* a line every few seconds; NULL = none */
    const bool *is_over; /* set by a signal handler: ends the load early; may be NULL */
};

/* Where the history of a shard is; returns out. */
char *chaos_history_path(const struct chaos_options *options, int shard, char *out, size_t size);

/* Runs the load, brings everything back, lets all tasks end, and reads what is left. False when the
 * run itself did not work (a process would not start); the verdict is the checker's. From the main
 * thread. */
bool chaos_run(const struct chaos_options *options);
