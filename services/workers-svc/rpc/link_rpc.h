/* Which user a worker is: handlers of the service Workers. Our own data, in mirrored workspaces
 * too. */
#pragma once

#include "base/call.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum err_code link_rpc_link(void *app, struct call *call,
                            const Taskrouter__Workers__V1__LinkWorkerRequest *request,
                            Taskrouter__Workers__V1__Worker **out_reply, struct err *err);
enum err_code link_rpc_unlink(void *app, struct call *call,
                              const Taskrouter__Workers__V1__UnlinkWorkerRequest *request,
                              Taskrouter__Workers__V1__Worker **out_reply, struct err *err);
