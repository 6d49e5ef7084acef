/*
 * What the engine writes and what it is loaded from: plain snapshots, one per table row.
 * A row carries all that is needed to go on exactly where it was. Texts are views: in effects they
 * live until engine_effects_reset, in what is loaded only for the call. Zero SIDs mean "none",
 * times are wall microseconds and 0 means "never" unless a comment says otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/ids.h"
#include "base/str.h"
#include "engine/state.h"

/* Special values of task_row.filter_index. */
enum {
    FILTER_DEFAULT = -1, /* the workflow's default filter */
    FILTER_DIRECT = -2,  /* no workflow: routed to a worker or queue */
};

/* Why a reserved task must be driven through its filters anew once it is released. */
enum task_redrive {
    REDRIVE_NONE,
    REDRIVE_ATTRIBUTES, /* they changed */
    REDRIVE_DOCUMENT,   /* ReEvaluateTasks: with the workflow's current document */
};

struct task_row {
    struct sid sid; /* WT… */
    struct sid account_sid;
    struct sid workspace_sid;
    enum task_state state;
    int64_t version;       /* from 1, one more per change */
    struct str attributes; /* JSON object, as given */
    int64_t priority;
    struct str reason; /* of the cancelation or completion */
    int64_t timeout_s; /* life before assignment */
    struct sid queue_sid;
    struct str queue_name; /* as of now; for replies and events, need not be stored */
    struct sid channel_sid;
    struct str channel_name;  /* unique name; need not be stored */
    struct sid workflow_sid;  /* none for direct routing */
    struct str workflow_name; /* need not be stored */
    bool ignore_capacity;
    struct sid routing_target; /* WK, WQ or WW, or none */
    struct sid worker_sid;     /* who has accepted it, or none */
    struct str call_id;        /* opaque to the engine */
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t virtual_start_us;
    int64_t queue_entered_at_us;
    int64_t assigned_at_us;
    int64_t ended_at_us;
    /* Where it is in its workflow. */
    int64_t workflow_version; /* of the document; 0 for direct routing */
    int32_t filter_index;     /* or FILTER_DEFAULT, FILTER_DIRECT */
    int32_t target_index;     /* within the filter */
    int64_t filter_base_us;   /* the filter's cumulative timeouts count from here */
    int64_t step_deadline_us; /* end of the current step; INT64_MAX = none */
    int32_t assignment_count; /* pending -> reserved so far */
    enum task_redrive redrive;
    int64_t sequence; /* creation order within the engine: the last tie-break */
};

struct reservation_row {
    struct sid sid; /* WR… */
    struct sid account_sid;
    struct sid workspace_sid;
    struct sid task_sid;
    struct sid worker_sid;
    struct str worker_name; /* as of now; need not be stored */
    enum reservation_state state;
    int64_t version;
    int64_t timeout_s;
    struct sid queue_sid;    /* none when routed to a worker directly */
    struct sid workflow_sid; /* none for direct routing */
    struct sid channel_sid;
    struct sid previous_activity_sid; /* single-tasking: where the worker was before the offer */
    struct str instruction;           /* the last one before or with the accept; "" = none */
    struct str instruction_data;      /* its parameters as JSON text, or "" */
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t expires_at_us; /* end of the offer; while wrapping: of the wrap-up, 0 = none */
    int64_t sequence;      /* grows with each reservation: the idle order of workers */
};

/* The activity the router moved a worker to, until workers-svc's own word arrives: a newer version
 * that does not say that it is about an earlier move. activity_sid none: nothing is overridden any
 * more, the row may be deleted. */
struct worker_override_row {
    struct sid worker_sid;
    struct sid workspace_sid;
    struct sid activity_sid;
    int64_t worker_version; /* the version it overrides; a newer one ends it */
    int64_t at_us;
};
