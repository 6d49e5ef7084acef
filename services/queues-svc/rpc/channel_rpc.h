/* Handlers of the task channel methods; app is a struct queues. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/queues/v1/queues.pb-c.h"

enum err_code channel_rpc_create(void *app, struct call *call,
                                 const Taskrouter__Queues__V1__CreateTaskChannelRequest *request,
                                 Taskrouter__Queues__V1__TaskChannel **out_reply, struct err *err);
enum err_code channel_rpc_get(void *app, struct call *call,
                              const Taskrouter__Queues__V1__GetTaskChannelRequest *request,
                              Taskrouter__Queues__V1__TaskChannel **out_reply, struct err *err);
enum err_code channel_rpc_list(void *app, struct call *call,
                               const Taskrouter__Queues__V1__ListTaskChannelsRequest *request,
                               Taskrouter__Queues__V1__ListTaskChannelsResponse **out_reply,
                               struct err *err);
enum err_code channel_rpc_update(void *app, struct call *call,
                                 const Taskrouter__Queues__V1__UpdateTaskChannelRequest *request,
                                 Taskrouter__Queues__V1__TaskChannel **out_reply, struct err *err);
enum err_code channel_rpc_delete(void *app, struct call *call,
                                 const Taskrouter__Queues__V1__DeleteTaskChannelRequest *request,
                                 Google__Protobuf__Empty **out_reply, struct err *err);
