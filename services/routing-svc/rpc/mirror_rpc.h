/* Handlers of the service Mirror: what Twilio has comes in here; app is a struct routing. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/routing/v1/mirror.pb-c.h"

enum err_code mirror_rpc_put_workflows(void *app, struct call *call,
                                       const Taskrouter__Routing__V1__PutWorkflowsRequest *request,
                                       Taskrouter__Common__V1__MirrorResults **out_reply,
                                       struct err *err);
enum err_code mirror_rpc_vanish(void *app, struct call *call,
                                const Taskrouter__Routing__V1__VanishRequest *request,
                                Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err);
