/* Handlers of the workspace methods; app is a struct workers. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum err_code workspace_rpc_create(void *app, struct call *call,
                                   const Taskrouter__Workers__V1__CreateWorkspaceRequest *request,
                                   Taskrouter__Workers__V1__Workspace **out_reply, struct err *err);
enum err_code workspace_rpc_get(void *app, struct call *call,
                                const Taskrouter__Workers__V1__GetWorkspaceRequest *request,
                                Taskrouter__Workers__V1__Workspace **out_reply, struct err *err);
enum err_code workspace_rpc_list(void *app, struct call *call,
                                 const Taskrouter__Workers__V1__ListWorkspacesRequest *request,
                                 Taskrouter__Workers__V1__ListWorkspacesResponse **out_reply,
                                 struct err *err);
enum err_code workspace_rpc_update(void *app, struct call *call,
                                   const Taskrouter__Workers__V1__UpdateWorkspaceRequest *request,
                                   Taskrouter__Workers__V1__Workspace **out_reply, struct err *err);
enum err_code workspace_rpc_delete(void *app, struct call *call,
                                   const Taskrouter__Workers__V1__DeleteWorkspaceRequest *request,
                                   Google__Protobuf__Empty **out_reply, struct err *err);
