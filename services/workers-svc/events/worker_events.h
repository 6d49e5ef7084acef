/* What this service publishes: domain to wire, and the event rows of each kind of change. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "activity.h"
#include "base/call.h"
#include "db/db.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "worker.h"
#include "workspace.h"

/* QUEUE_ORDER_NONE for what is none. */
enum queue_order queue_order_from_wire(Taskrouter__Workers__V1__QueueOrder order);

/* NULL when the arena is exhausted. */
Taskrouter__Workers__V1__Workspace *workspace_to_wire(struct arena *arena,
                                                      const struct workspace *workspace);
Taskrouter__Workers__V1__Activity *activity_to_wire(struct arena *arena,
                                                    const struct activity *activity);
Taskrouter__Workers__V1__WorkerChannel *channel_to_wire(struct arena *arena,
                                                        const struct worker_channel *channel);
/* channels may be NULL: left out. */
Taskrouter__Workers__V1__Worker *worker_to_wire(struct arena *arena, const struct worker *worker,
                                                const struct worker_channel *channels,
                                                size_t channel_count);

/* Event rows, in the transaction of the change. type: "workspace.created" and so on. */
enum err_code workspace_event_append(struct db_conn *conn, struct call *call, const char *type,
                                     const struct workspace *workspace, bool is_deleted,
                                     struct err *err) MUST_CHECK;
enum err_code activity_event_append(struct db_conn *conn, struct call *call, const char *type,
                                    const struct activity *activity, bool is_deleted,
                                    struct err *err) MUST_CHECK;

/* Of many activities, in the order given. */
struct activity_news {
    const struct activity *activity;
    const char *type; /* "activity.updated" */
    bool is_deleted;
};

enum err_code activity_events_append(struct db_conn *conn, struct call *call,
                                     const struct activity_news *news, size_t count,
                                     struct err *err) MUST_CHECK;

/* What a worker event tells beyond the worker itself. */
struct worker_change {
    const char *type; /* "worker.activity.update" */
    bool is_deleted;
    const struct worker *before; /* of activity updates, else NULL */
    bool reject_pending_reservations;
    const struct worker_channel *channel_before; /* of channel updates, else NULL */
};

/* Reads the worker's channels, so that the event carries them all. */
enum err_code worker_event_append(struct db_conn *conn, struct call *call,
                                  const struct worker *worker, const struct worker_change *change,
                                  struct err *err) MUST_CHECK;

/* Of many workers, in the order given, in few statements. */
struct worker_news {
    const struct worker *worker;
    struct worker_change change;
};

enum err_code worker_events_append(struct db_conn *conn, struct call *call,
                                   const struct worker_news *news, size_t count,
                                   struct err *err) MUST_CHECK;
