/* What workers have on their channels now: a look at the router's memory. */
#pragma once

#include "base/call.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

enum err_code load_rpc_workers(void *app, struct call *call,
                               const Taskrouter__Tasks__V1__ListWorkerLoadsRequest *request,
                               Taskrouter__Tasks__V1__ListWorkerLoadsResponse **out_reply,
                               struct err *err) MUST_CHECK;
