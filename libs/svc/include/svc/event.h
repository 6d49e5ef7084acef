/*
 * From a resource to its outbox row: what every service does behind every change, in the
 * transaction of the change.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"

/* One thing that happened. Texts are borrowed for the call. */
struct svc_event {
    const char *source;           /* "/queues-svc" */
    const char *type;             /* Twilio's event name: "task-queue.created" */
    const char *workspace_sid;
    const char *account_sid;
    const char *subject_sid;      /* the resource that changed */
    int64_t version;              /* its version after the change */
    const ProtobufCMessage *data; /* a message of taskrouter.events.v1 */
};

/* Appends the event as CloudEvents JSON. Errors: those of db_query; RESOURCE_EXHAUSTED. */
enum err_code svc_event_append(struct db_conn *conn, struct call *call,
                               const struct svc_event *event, struct err *err) MUST_CHECK;
