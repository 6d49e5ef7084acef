/*
 * What other services own, on its way into the shard: from an event, from a gRPC reply or from our
 * stored copy, as one command for the engine and one row for the copy.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "bus/event.h"
#include "engine/command.h"
#include "rows.h"

struct config_change {
    struct engine_command command; /* a put or a deletion */
    struct config_row row;
    const struct event_row *event; /* to be logged; NULL: no event told it */
    struct sid *queue_sids;        /* workflows: the queues its document names */
    size_t queue_count;
    bool is_mirrored;    /* it is known to be in a workspace that Twilio routes */
    bool lacks_document; /* the event left it out: the change is no more than what is logged */
};

/* From a resource message (Workspace, Activity, TaskChannel, TaskQueue, Workflow, Worker), which
 * must live as long as the change. Errors: INVALID_ARGUMENT for what is no such resource or has no
 * SID; RESOURCE_EXHAUSTED. */
enum err_code config_change_make(struct arena *arena, const ProtobufCMessage *resource,
                                 bool is_deleted, struct config_change *out,
                                 struct err *err) MUST_CHECK;

/* From our copy. */
enum err_code config_change_load(struct arena *arena, const struct config_row *row,
                                 struct config_change *out, struct err *err) MUST_CHECK;

/* From an event of another service; everything lives in the arena. */
enum err_code config_change_from_event(struct arena *arena, const struct bus_event *event,
                                       struct config_change *out, struct err *err) MUST_CHECK;
