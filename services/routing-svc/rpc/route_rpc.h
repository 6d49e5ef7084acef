/* Handlers of Route and ValidateWorkflow, which change nothing; app is a struct routing. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/routing/v1/routing.pb-c.h"

enum err_code route_rpc_validate(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__ValidateWorkflowRequest *request,
                                 Google__Protobuf__Empty **out_reply, struct err *err);
enum err_code route_rpc_route(void *app, struct call *call,
                              const Taskrouter__Routing__V1__RouteRequest *request,
                              Taskrouter__Routing__V1__RouteResponse **out_reply, struct err *err);
