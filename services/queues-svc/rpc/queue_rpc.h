/* Handlers of the task queue methods; app is a struct queues. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/queues/v1/queues.pb-c.h"

enum err_code queue_rpc_create(void *app, struct call *call,
                               const Taskrouter__Queues__V1__CreateTaskQueueRequest *request,
                               Taskrouter__Queues__V1__TaskQueue **out_reply, struct err *err);
enum err_code queue_rpc_get(void *app, struct call *call,
                            const Taskrouter__Queues__V1__GetTaskQueueRequest *request,
                            Taskrouter__Queues__V1__TaskQueue **out_reply, struct err *err);
enum err_code queue_rpc_list(void *app, struct call *call,
                             const Taskrouter__Queues__V1__ListTaskQueuesRequest *request,
                             Taskrouter__Queues__V1__ListTaskQueuesResponse **out_reply,
                             struct err *err);
enum err_code queue_rpc_update(void *app, struct call *call,
                               const Taskrouter__Queues__V1__UpdateTaskQueueRequest *request,
                               Taskrouter__Queues__V1__TaskQueue **out_reply, struct err *err);
enum err_code queue_rpc_delete(void *app, struct call *call,
                               const Taskrouter__Queues__V1__DeleteTaskQueueRequest *request,
                               Google__Protobuf__Empty **out_reply, struct err *err);
