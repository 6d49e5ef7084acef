/*
 * Rows of this service that are not the engine's own: the event log and the copies of what other
 * services own. Texts are views or NUL-terminated borrowed texts of whoever made the row.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ids.h"
#include "base/str.h"

/* Names are CONFIG_KIND_<first column>; texts are stored. In loading order. */
#define CONFIG_KINDS(X)                                                                            \
    X(WORKSPACE, "workspace")                                                                      \
    X(ACTIVITY, "activity")                                                                        \
    X(CHANNEL, "channel")                                                                          \
    X(QUEUE, "queue")                                                                              \
    X(WORKFLOW, "workflow")                                                                        \
    X(WORKER, "worker")

enum config_kind {
    CONFIG_KIND_NONE,
#define X(name, text) CONFIG_KIND_##name,
    CONFIG_KINDS(X)
#undef X
        CONFIG_KIND_COUNT,
};

const char *config_kind_name(enum config_kind kind);

/* One resource of another service as last told. */
struct config_row {
    enum config_kind kind;
    struct sid sid;
    struct sid account_sid;
    struct sid workspace_sid; /* of a workspace: its own */
    struct str name;
    int64_t version;
    bool is_deleted;
    bool is_mirrored;    /* workspaces: Twilio routes it; not a column, the document says so */
    struct str document; /* proto3 JSON of the resource */
    /* Workflows: the routing document, kept for tasks that entered it. */
    int64_t configuration_version;
    struct str configuration;
};

/* One entry of the log. "" where there is none; texts are never NULL. */
struct event_row {
    int64_t seq;
    const char *sid; /* EV… */
    const char *account_sid;
    const char *workspace_sid;
    const char *type; /* "task.created" */
    const char *resource_type;
    const char *resource_sid;
    int64_t resource_version;
    const char *task_sid;
    const char *worker_sid;
    const char *reservation_sid;
    const char *queue_sid;
    const char *workflow_sid;
    int64_t occurred_at_us;
    const char *actor_sid;
    const char *request_id;
    const char *source; /* "/tasks-svc" for ours */
    struct str data;    /* proto3 JSON of the event message */
    struct str extras;  /* JSON object of strings */
};

/* A used idempotency key with the reply it got. */
struct repeat_row {
    const char *account_sid;
    const char *method;
    struct str key;
    struct sid request_hash;
    struct str reply; /* packed message */
};

/* The events of one commit, as eventlog/ packs them. */
struct packed_events {
    struct str payload;
    const int64_t *keys; /* what it can be looked up by */
    size_t key_count;
    size_t count;      /* events, whose numbers follow the last commit's */
    int64_t at_us;     /* the router's time */
    int64_t oldest_us; /* of its events */
};
