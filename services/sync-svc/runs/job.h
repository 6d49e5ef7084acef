/* A run while this process makes it: what all steps of it share. Private to runs/. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/clock.h"
#include "progress_store.h"
#include "run_store.h"
#include "runs.h"

enum {
    JOB_CALL_MS = 30000,    /* for one call of Twilio with its repetitions, or of an owner */
    JOB_LEASE_MS = 10000,   /* how soon another process goes on after ours died */
    JOB_ITEMS_MAX = 100000, /* of a report; what is beyond is counted only */
};

/* Why a run stops before its end. */
enum job_halt {
    JOB_GOES_ON,
    JOB_STOPPING, /* the process ends: another one goes on */
    JOB_CANCELED,
    JOB_LOST, /* another process has it */
};

struct job {
    struct runs *runs;
    const struct runs_options *options;
    struct arena *arena; /* as long as this process makes the run */
    struct run run;
    struct run_kind kinds[KIND_COUNT]; /* kept in step with what is stored; by kind */
    struct progress_writer writer;
    int64_t takes;
    bool is_new; /* a dry run of a workspace that is not here yet */
    int64_t item_count;
    int64_t patience_ms; /* changes between kinds only */
    atomic_bool is_away; /* patience was in vain once: Twilio is not waited for again */
    atomic_int halt;     /* enum job_halt */
};

enum job_halt job_halt(const struct job *job);
void job_halt_set(struct job *job, enum job_halt halt);

/* ERR_OK, or CANCELLED RUN_HALTED. */
enum err_code job_check(const struct job *job, struct err *err) MUST_CHECK;

/* Waits; false when the run is to stop. */
bool job_rest(struct job *job, int64_t ms);

/* A call of the service itself with JOB_CALL_MS, in that arena. */
void job_call(struct call *call, struct arena *arena);

/* Whether a call with that error may go better in a moment. */
bool job_is_passing(enum err_code code, const struct err *err);

/*
 * Something that is done again over passing errors for as long as there is patience: for calls of
 * Twilio and of owners. Every attempt has a fresh call in the arena given, which is rewound when
 * one failed.
 */
typedef enum err_code (*job_try_fn)(struct job *job, struct call *call, void *ctx, struct err *err);
enum err_code job_insist(struct job *job, struct arena *arena, job_try_fn attempt, void *ctx,
                         struct err *err) MUST_CHECK;

/* The kinds; each does its part of the run from its cursor on. */
enum err_code do_workspace(struct job *job, struct err *err) MUST_CHECK;
enum err_code do_list(struct job *job, enum kind kind, struct err *err) MUST_CHECK;
enum err_code do_worker_channels(struct job *job, struct err *err) MUST_CHECK;
enum err_code do_tasks(struct job *job, struct err *err) MUST_CHECK;
enum err_code do_links(struct job *job, struct err *err) MUST_CHECK;

/* All of them, and the end. */
void job_run(struct job *job);
