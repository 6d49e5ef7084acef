/* Handlers of the worker methods; app is a struct workers. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum err_code worker_rpc_create(void *app, struct call *call,
                                const Taskrouter__Workers__V1__CreateWorkerRequest *request,
                                Taskrouter__Workers__V1__Worker **out_reply, struct err *err);
enum err_code worker_rpc_get(void *app, struct call *call,
                             const Taskrouter__Workers__V1__GetWorkerRequest *request,
                             Taskrouter__Workers__V1__Worker **out_reply, struct err *err);
enum err_code worker_rpc_list(void *app, struct call *call,
                              const Taskrouter__Workers__V1__ListWorkersRequest *request,
                              Taskrouter__Workers__V1__ListWorkersResponse **out_reply,
                              struct err *err);
enum err_code worker_rpc_update(void *app, struct call *call,
                                const Taskrouter__Workers__V1__UpdateWorkerRequest *request,
                                Taskrouter__Workers__V1__Worker **out_reply, struct err *err);
enum err_code worker_rpc_delete(void *app, struct call *call,
                                const Taskrouter__Workers__V1__DeleteWorkerRequest *request,
                                Google__Protobuf__Empty **out_reply, struct err *err);
