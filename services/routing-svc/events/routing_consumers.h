/* What this service applies of others' events: a table of durable consumers for app.c. */
#pragma once

#include <stddef.h>

#include "bus/bus.h"
#include "db/db.h"
#include "svc/workspaces.h"

extern const struct bus_consumer_def routing_consumers[]; /* context: struct routing */
extern const size_t routing_consumer_count;

/* workspace_born_fn: the workflow of the template FIFO, when the workspace is new here. */
enum err_code routing_workspace_born(struct db_conn *conn, struct call *call,
                                     const struct workspace_copy *workspace,
                                     struct err *err) MUST_CHECK;

/* workspace_gone_fn: what belonged to a deleted workspace goes with it. */
enum err_code routing_workspace_gone(struct db_conn *conn, struct call *call,
                                     const char *workspace_sid, struct err *err) MUST_CHECK;
