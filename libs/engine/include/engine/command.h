/*
 * What can be asked of the engine. Config commands tell facts that others own (upserts by version,
 * deletions): they are never refused for what they mean, only for text that does not parse. Task
 * and reservation commands may be refused. All views live for the call only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/ids.h"
#include "base/str.h"

/* Behind each: the member of the union that it uses. */
enum engine_command_kind {
    ENGINE_COMMAND_NONE,
    ENGINE_PUT_WORKSPACE,        /* workspace */
    ENGINE_PUT_ACTIVITY,         /* activity */
    ENGINE_PUT_CHANNEL,          /* channel */
    ENGINE_PUT_QUEUE,            /* queue */
    ENGINE_PUT_WORKFLOW,         /* workflow */
    ENGINE_PUT_WORKER,           /* worker */
    ENGINE_DELETE_WORKSPACE,     /* ref; with everything in it */
    ENGINE_DELETE_ACTIVITY,      /* ref */
    ENGINE_DELETE_CHANNEL,       /* ref */
    ENGINE_DELETE_QUEUE,         /* ref; waiting tasks stay in it and match nobody */
    ENGINE_DELETE_WORKFLOW,      /* ref; its tasks go on with their documents */
    ENGINE_DELETE_WORKER,        /* ref; pending reservations are canceled, accepted ones stay */
    ENGINE_CREATE_TASK,          /* create */
    ENGINE_UPDATE_TASK,          /* update */
    ENGINE_CANCEL_TASK,          /* action; from pending or reserved */
    ENGINE_WRAP_UP_TASK,         /* action; from assigned */
    ENGINE_COMPLETE_TASK,        /* action; from assigned or wrapping */
    ENGINE_DELETE_TASK,          /* action */
    ENGINE_ACCEPT_RESERVATION,   /* action */
    ENGINE_REJECT_RESERVATION,   /* action */
    ENGINE_CANCEL_RESERVATION,   /* action; callback failed, channel set-up failed */
    ENGINE_WRAP_UP_RESERVATION,  /* action; wraps the task up too */
    ENGINE_COMPLETE_RESERVATION, /* action; completes the task too */
    ENGINE_INSTRUCT_RESERVATION, /* action; see engine/instruction.h: accept and reject do so, the
                                    others are recorded */
    ENGINE_CANCEL_TASK_WITH,     /* update, with its reason; canceled as it changes: it is not
                                    routed again in between */
    ENGINE_COMMAND_COUNT,
};

struct engine_workspace {
    struct sid sid;
    struct sid account_sid;
    int64_t version;
    struct str name;
    struct sid default_activity_sid;
    struct sid timeout_activity_sid;
    bool is_single_tasking;
    bool is_lifo_first; /* prioritize_queue_order */
    bool is_mirrored;   /* somebody else routes it: nothing of it is kept, no task of it created */
};

struct engine_activity {
    struct sid sid;
    struct sid workspace_sid;
    int64_t version;
    struct str name;
    bool is_available;
};

struct engine_channel {
    struct sid sid; /* TC… */
    struct sid workspace_sid;
    int64_t version;
    struct str unique_name;
    bool is_optimized; /* an idle clock of its own */
};

struct engine_queue {
    struct sid sid;
    struct sid workspace_sid;
    int64_t version;
    struct str name;
    struct str target_workers; /* expression; empty matches nobody */
    int32_t max_reserved_workers;
    bool is_lifo;
    struct sid reservation_activity_sid; /* single-tasking only */
    struct sid assignment_activity_sid;
};

struct engine_workflow {
    struct sid sid;
    struct sid workspace_sid;
    int64_t version;
    struct str name;
    struct str configuration;      /* the document, JSON text */
    int64_t configuration_version; /* counts documents, from 1 */
    int64_t task_reservation_timeout_s;
    bool re_evaluate_tasks; /* drive waiting tasks through the document, if it is the newest */
};

struct engine_worker_channel {
    struct sid channel_sid; /* TC… */
    int32_t capacity;
    bool is_available;
};

struct engine_worker {
    struct sid sid;
    struct sid workspace_sid;
    int64_t version;
    struct str name;
    struct str attributes; /* JSON object */
    struct sid activity_sid;
    int64_t status_changed_us; /* when he was moved there; 0: not known. Before the router moved him
                                  somewhere: he stays there */
    bool reject_pending; /* RejectPendingReservations; when the activity is unavailable; of an older
                            version too, while he is */
    const struct engine_worker_channel *channels; /* one per task channel; a missing one counts as
                                                     capacity 1, available */
    size_t channel_count;
};

struct engine_ref {
    struct sid sid;
    struct sid workspace_sid;
};

struct engine_create {
    struct sid workspace_sid;
    struct str attributes;   /* empty: {} */
    struct sid workflow_sid; /* none: the workspace's only one */
    struct sid queue_sid;    /* with no workflow and no target: routed straight there */
    struct sid routing_target;
    struct str channel; /* TC SID or unique name; empty: "default" */
    bool has_ignore_capacity;
    bool ignore_capacity; /* legal with a worker target only, where the default is true */
    bool has_priority;
    int64_t priority; /* 0..2147483647 */
    bool has_timeout;
    int64_t timeout_s;        /* 1..1209600, default 86400 */
    int64_t virtual_start_us; /* 0: now; not in the future, not before 1900 */
    struct str call_id;
    struct str rules; /* that decided, for the event; opaque to the engine; empty: none */
};

struct engine_update {
    struct sid sid;
    struct sid workspace_sid;
    int64_t expected_version; /* 0: any */
    bool has_attributes;
    struct str attributes; /* replaces the document; re-drives a pending task */
    bool has_priority;
    int64_t priority;
    bool has_channel;
    struct str channel; /* TC SID or unique name */
    bool has_virtual_start;
    int64_t virtual_start_us;
    struct str reason; /* ENGINE_CANCEL_TASK_WITH only */
};

struct engine_action {
    struct sid sid; /* task or reservation */
    struct sid workspace_sid;
    int64_t expected_version; /* 0: any */
    struct str reason;        /* required by cancel and complete of a task */
    struct sid activity_sid;  /* reject: the worker's new activity, or none */
    struct str instruction;   /* accept: recorded, "" keeps what was; instruct: required */
    struct str instruction_data;
    int64_t timeout_s; /* wrap up: completed by itself then; 0 = never, at most 86400 */
};

struct engine_command {
    enum engine_command_kind kind;
    uint64_t tag; /* copied to every effect, so that the caller knows who caused it; 0 = timers */
    union {
        struct engine_workspace workspace;
        struct engine_activity activity;
        struct engine_channel channel;
        struct engine_queue queue;
        struct engine_workflow workflow;
        struct engine_worker worker;
        struct engine_ref ref;
        struct engine_create create;
        struct engine_update update;
        struct engine_action action;
    };
};
