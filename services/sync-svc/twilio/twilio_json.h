/*
 * Twilio's JSON into our messages: a table per resource says which member becomes which field, of
 * which type and size. Strict, because what is half understood would be stored: a member of another
 * type, a foreign SID or a text beyond its bound refuses the resource and names the member. Members
 * that we do not know are skipped; absent ones and nulls leave the field empty where Twilio may
 * leave them out. Knows no HTTP and stores nothing.
 *
 * Errors of all: UNAVAILABLE UPSTREAM_GARBLED (empty, cut or broken: asking again may help; the
 * answer of a write may have been lost this way though it was carried out), FAILED_PRECONDITION
 * UPSTREAM_NOT_TWILIO (something else answers at TASKROUTER_TWILIO_URL), FAILED_PRECONDITION
 * UPSTREAM_UNEXPECTED (a resource with a member that is not as documented: field names it), and
 * RESOURCE_EXHAUSTED when the arena is full. What is read lives as long as the arena. Threads: any.
 */
#pragma once

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum twilio_resource {
    TWILIO_WORKSPACE,      /* becomes a Taskrouter__Workers__V1__Workspace; so on below */
    TWILIO_ACTIVITY,       /* Taskrouter__Workers__V1__Activity */
    TWILIO_WORKER,         /* Taskrouter__Workers__V1__Worker */
    TWILIO_WORKER_CHANNEL, /* Taskrouter__Workers__V1__WorkerChannel */
    TWILIO_TASK_QUEUE,     /* Taskrouter__Queues__V1__TaskQueue */
    TWILIO_TASK_CHANNEL,   /* Taskrouter__Queues__V1__TaskChannel */
    TWILIO_WORKFLOW,       /* Taskrouter__Routing__V1__Workflow */
    TWILIO_TASK,           /* Taskrouter__Tasks__V1__Task */
    TWILIO_RESERVATION,    /* Taskrouter__Tasks__V1__Reservation */
    TWILIO_RESOURCE_COUNT,
};

const char *twilio_noun(enum twilio_resource resource);   /* "task queue", for sentences */
const char *twilio_prefix(enum twilio_resource resource); /* "WQ" */

/*
 * "/v1/Workspaces/WS…/TaskQueues", with "/WQ…" behind it when sid is not NULL. parent_sid: the
 * worker of worker channels, the task of reservations; else not looked at. NULL when the arena is
 * full. Must be well-formed SIDs.
 */
const char *twilio_path(struct arena *arena, enum twilio_resource resource,
                        const char *workspace_sid, const char *parent_sid, const char *sid);

/* A resource as the body of an answer. *out_message is of the type in the table above. Versions are
 * not in the JSON and stay 0; provider is PROVIDER_TWILIO. */
enum err_code twilio_read(struct arena *arena, enum twilio_resource resource, struct str body,
                          ProtobufCMessage **out_message, struct err *err) MUST_CHECK;

/* The same of a value that was parsed. */
enum err_code twilio_read_value(struct arena *arena, enum twilio_resource resource,
                                const json_t *value, ProtobufCMessage **out_message,
                                struct err *err) MUST_CHECK;

/* One of a list. One that is not as documented does not refuse its page. */
struct twilio_item {
    const char *sid;
    ProtobufCMessage *message; /* NULL: detail says why not */
    const char *detail;        /* else "" */
};

struct twilio_page {
    struct twilio_item *items;
    size_t count;
    /* The query of meta.next_page_url, for the same path; "" behind the last page. The URL's host
     * and path are not looked at, so that no answer leads elsewhere. */
    const char *next_query;
};

/* A list page. Refuses one of another list, and items without a well-formed SID. */
enum err_code twilio_read_page(struct arena *arena, enum twilio_resource resource, struct str body,
                               struct twilio_page *out, struct err *err) MUST_CHECK;
