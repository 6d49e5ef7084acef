/*
 * The rows of a mirrored workspace, which their owners keep: puts there what Twilio said, marks
 * what vanished, reads back. One way for all kinds of resources, over the owners' Mirror services.
 * Knows neither Twilio nor why something is written.
 *
 * Errors of all: the owner's; UNAVAILABLE while it is away; RESOURCE_EXHAUSTED. Results live in
 * call->arena. Threads: any; blocks.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "svc/host.h"
#include "taskrouter/common/v1/mirror.pb-c.h"
#include "twilio_json.h"

/* The peers that a host needs for this. */
#define MIRROR_PEERS                                                                               \
    (PEER_BIT(PEER_WORKERS) | PEER_BIT(PEER_QUEUES) | PEER_BIT(PEER_ROUTING) | PEER_BIT(PEER_TASKS))

struct mirror_batch {
    enum twilio_resource resource;
    const char *workspace_sid;
    ProtobufCMessage *const *items; /* of the resource's type; any number, sent 200 at a time */
    size_t count;
    int64_t observed_at_us; /* when Twilio was asked */
    bool is_dry_run;
};

/* One result for each item, in order. */
enum err_code mirror_put(const struct host *host, struct call *call,
                         const struct mirror_batch *batch,
                         Taskrouter__Common__V1__MirrorResult ***out_results,
                         struct err *err) MUST_CHECK;

struct mirror_gone {
    enum twilio_resource resource; /* all but worker channels, which go with their worker */
    const char *workspace_sid;
    const char *const *sids; /* any number */
    size_t count;
    int64_t observed_at_us;
    bool is_dry_run;
    bool is_deleted; /* of tasks: somebody deleted them; else they are no longer there */
};

/* One result for each SID, in order. */
enum err_code mirror_vanish(const struct host *host, struct call *call,
                            const struct mirror_gone *gone,
                            Taskrouter__Common__V1__MirrorResult ***out_results,
                            struct err *err) MUST_CHECK;

/*
 * A resource as its owner has it. parent_sid: of worker channels, else not looked at. sid may be a
 * unique name where the owner takes one. client: an owner's, as_service or as_caller of the host.
 * Errors: NOT_FOUND.
 */
enum err_code mirror_get(struct rpc_client *client, struct call *call,
                         enum twilio_resource resource, const char *workspace_sid,
                         const char *parent_sid, const char *sid, ProtobufCMessage **out_message,
                         struct err *err) MUST_CHECK;

enum peer mirror_owner(enum twilio_resource resource);
