/* Handlers of the workflow methods; app is a struct routing. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/routing/v1/routing.pb-c.h"

enum err_code workflow_rpc_create(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__CreateWorkflowRequest *request,
                                  Taskrouter__Routing__V1__Workflow **out_reply, struct err *err);
enum err_code workflow_rpc_get(void *app, struct call *call,
                               const Taskrouter__Routing__V1__GetWorkflowRequest *request,
                               Taskrouter__Routing__V1__Workflow **out_reply, struct err *err);
enum err_code workflow_rpc_list(void *app, struct call *call,
                                const Taskrouter__Routing__V1__ListWorkflowsRequest *request,
                                Taskrouter__Routing__V1__ListWorkflowsResponse **out_reply,
                                struct err *err);
enum err_code workflow_rpc_update(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__UpdateWorkflowRequest *request,
                                  Taskrouter__Routing__V1__Workflow **out_reply, struct err *err);
enum err_code workflow_rpc_delete(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__DeleteWorkflowRequest *request,
                                  Google__Protobuf__Empty **out_reply, struct err *err);
enum err_code
workflow_rpc_versions(void *app, struct call *call,
                      const Taskrouter__Routing__V1__ListWorkflowVersionsRequest *request,
                      Taskrouter__Routing__V1__ListWorkflowVersionsResponse **out_reply,
                      struct err *err);
