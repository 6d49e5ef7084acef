/* What this service publishes: domain to wire, and the event row of a change. */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "db/db.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "workflow.h"

/* NULL when the arena is exhausted. */
Taskrouter__Routing__V1__Workflow *workflow_to_wire(struct arena *arena,
                                                    const struct workflow *workflow);

/* What a workflow event tells beyond the workflow itself. */
struct workflow_change {
    const char *type; /* "workflow.updated" */
    bool is_deleted;
    bool re_evaluate_tasks;
};

/* In the transaction of the change. */
enum err_code workflow_event_append(struct db_conn *conn, struct call *call,
                                    const struct workflow *workflow,
                                    const struct workflow_change *change,
                                    struct err *err) MUST_CHECK;
