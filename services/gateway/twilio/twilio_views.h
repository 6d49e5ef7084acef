/* How each kind of message is shown: its members in order, its own URL and links. Tables only; they
 * are written by twilio_render.c. */
#pragma once

#include <stdbool.h>

enum twilio_show {
    TWILIO_SHOW_TEXT,       /* a string, "" too */
    TWILIO_SHOW_OPTIONAL,   /* a string; "" is null */
    TWILIO_SHOW_OBJECT,     /* JSON text as a string; "" is "{}" */
    TWILIO_SHOW_SID,        /* null unless it has the shape of a SID */
    TWILIO_SHOW_BOOL,       /* */
    TWILIO_SHOW_INT,        /* */
    TWILIO_SHOW_DATE,       /* ISO 8601, seconds; null when absent, never left out */
    TWILIO_SHOW_DATE_MS,    /* the same instant in milliseconds since 1970 */
    TWILIO_SHOW_ENUM,       /* "pending"; null when unspecified */
    TWILIO_SHOW_ENUM_UPPER, /* "FIFO" */
    TWILIO_SHOW_JSON,       /* JSON text as the value itself */
    TWILIO_SHOW_SID_URL,    /* where the resource of that SID is; null when that is nowhere */
    TWILIO_SHOW_CONSTANT,   /* the text in field */
    TWILIO_SHOW_URL,        /* template in field; null when a part of it is empty */
};

struct twilio_member {
    const char *key; /* NULL ends the list */
    enum twilio_show show;
    const char *field; /* proto field; a template of path and {proto_field} for URLs */
};

/* Which members a StatisticsReport has. */
enum twilio_stats {
    TWILIO_STATS_NONE,
    TWILIO_STATS_WORKSPACE,
    TWILIO_STATS_QUEUE,
    TWILIO_STATS_WORKFLOW,
    TWILIO_STATS_WORKERS, /* all, or as filtered */
    TWILIO_STATS_WORKER,  /* one: cumulative only */
};

struct twilio_view {
    const struct twilio_member *members; /* NULL: statistics */
    const struct twilio_member *links;   /* NULL: none */
    enum twilio_stats stats;
    const char *sid_key; /* of statistics: "task_queue_sid"; NULL: none */
};

extern const struct twilio_view twilio_view_workspace;
extern const struct twilio_view twilio_view_activity;
extern const struct twilio_view twilio_view_task_channel;
extern const struct twilio_view twilio_view_worker;
extern const struct twilio_view twilio_view_worker_channel;
extern const struct twilio_view twilio_view_task_queue;
extern const struct twilio_view twilio_view_workflow;
extern const struct twilio_view twilio_view_task;
extern const struct twilio_view twilio_view_task_reservation;
extern const struct twilio_view twilio_view_worker_reservation;
extern const struct twilio_view twilio_view_event;
extern const struct twilio_view twilio_view_workspace_stats;
extern const struct twilio_view twilio_view_queue_stats;
extern const struct twilio_view twilio_view_workflow_stats;
extern const struct twilio_view twilio_view_workers_stats;
extern const struct twilio_view twilio_view_worker_stats;
