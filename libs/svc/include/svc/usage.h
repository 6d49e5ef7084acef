/* Whether live tasks still need something that is about to be deleted: tasks-svc is asked. */
#pragma once

#include "base/call.h"

struct rpc_client;

/*
 * Refuses while a pending or reserved task is in the queue (workflow_sid "") or controlled by the
 * workflow (queue_sid ""). tasks: client of tasks-svc that calls as the service.
 * Errors: FAILED_PRECONDITION IN_USE; UNAVAILABLE when tasks-svc cannot be asked.
 */
enum err_code usage_check_tasks(struct rpc_client *tasks, struct call *call,
                                const char *workspace_sid, const char *queue_sid,
                                const char *workflow_sid, struct err *err) MUST_CHECK;
