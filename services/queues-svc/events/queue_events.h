/* What this service publishes, and what it applies of others' events (workspaces). */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "db/db.h"
#include "svc/workspaces.h"
#include "task_channel.h"
#include "task_queue.h"
#include "taskrouter/queues/v1/queues.pb-c.h"

/* Domain to wire; NULL when the arena is exhausted. */
Taskrouter__Queues__V1__TaskQueue *queue_to_wire(struct arena *arena,
                                                 const struct task_queue *queue);
Taskrouter__Queues__V1__TaskChannel *channel_to_wire(struct arena *arena,
                                                     const struct task_channel *channel);

/* Event rows, in the transaction of the change. type: "task-queue.created" and so on. */
enum err_code queue_event_append(struct db_conn *conn, struct call *call, const char *type,
                                 const struct task_queue *queue, bool is_deleted,
                                 struct err *err) MUST_CHECK;
enum err_code channel_event_append(struct db_conn *conn, struct call *call, const char *type,
                                   const struct task_channel *channel, bool is_deleted,
                                   struct err *err) MUST_CHECK;

/* workspace_born_fn: the five task channels with which every workspace is born. */
enum err_code queue_workspace_born(struct db_conn *conn, struct call *call,
                                   const struct workspace_copy *workspace,
                                   struct err *err) MUST_CHECK;

/* workspace_gone_fn: queues and channels of a deleted workspace. Its own event tells of them. */
enum err_code queue_workspace_gone(struct db_conn *conn, struct call *call,
                                   const char *workspace_sid, struct err *err) MUST_CHECK;
