/* A synchronisation run: which kinds of resources of which workspace, and how it ended. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "kind.h"

enum run_state {
    RUN_STATE_NONE,
    RUN_STATE_RUNNING,
    RUN_STATE_CLEAN,   /* every kind was brought in step */
    RUN_STATE_PARTIAL, /* some kinds were not, or something could not be stored */
    RUN_STATE_FAILED,
    RUN_STATE_COUNT,
};

const char *run_state_name(enum run_state state); /* "RUNNING"; "" for RUN_STATE_NONE */
enum run_state run_state_from(struct str name);

/* Texts live as long as the request that read them. */
struct run {
    const char *sid; /* SY… */
    const char *account_sid;
    const char *workspace_sid;
    enum run_state state;
    const struct str *kinds; /* "activities", "queues", …: without the workspace */
    size_t kind_count;
    bool is_dry_run;
    bool is_light;
    const char *cause; /* manual, weekly, reconcile, … */
    const char *detail;
    int64_t started_at_us;
    int64_t ended_at_us;             /* 0 while running */
    int64_t revision;                /* grows whenever anything of it changes */
    const struct run_kind *progress; /* in order, the workspace first */
    size_t progress_count;
};

/*
 * How a run ends whose kinds ended so. FAILED: without the workspace, or with nothing done beside
 * it where something was asked for. Links in conflict wait for a person to decide and leave a run
 * CLEAN; anything else that could not be stored makes it PARTIAL.
 */
enum run_state run_outcome(const struct run_kind *progress, size_t count);
