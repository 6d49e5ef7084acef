/*
 * From a resource to its outbox row: what every service does behind every change, in the
 * transaction of the change. And back: from a message of the bus to the resource in it.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "base/call.h"
#include "bus/bus.h"
#include "bus/event.h"
#include "db/db.h"

/* One thing that happened. Texts are borrowed for the call. */
struct svc_event {
    const char *source; /* "/queues-svc" */
    const char *type;   /* Twilio's event name: "task-queue.created" */
    const char *workspace_sid;
    const char *account_sid;
    const char *subject_sid;      /* the resource that changed */
    int64_t version;              /* its version after the change */
    const ProtobufCMessage *data; /* a message of taskrouter.events.v1 */
};

/* Appends the event as CloudEvents JSON. Errors: those of db_query; RESOURCE_EXHAUSTED. */
enum err_code svc_event_append(struct db_conn *conn, struct call *call,
                               const struct svc_event *event, struct err *err) MUST_CHECK;

/* The events of many changes in one statement, in the order given; see outbox_append_many. */
enum err_code svc_events_append(struct db_conn *conn, struct call *call,
                                const struct svc_event *events, size_t count,
                                struct err *err) MUST_CHECK;

/*
 * What a consumer was handed, as a message of taskrouter.events.v1; both live in call->arena.
 * Members that we do not know are skipped. Errors: INVALID_ARGUMENT (to the dead letters);
 * RESOURCE_EXHAUSTED.
 */
enum err_code svc_event_read(struct call *call, const struct bus_msg *msg,
                             const ProtobufCMessageDescriptor *type, struct bus_event *out_envelope,
                             ProtobufCMessage **out_event, struct err *err) MUST_CHECK;

/* The error of an event without the resource that it is about. */
enum err_code svc_event_empty(const struct bus_msg *msg, struct err *err);
