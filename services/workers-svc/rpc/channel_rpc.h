/* Handlers of the worker channel methods; app is a struct workers. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum err_code channel_rpc_get(void *app, struct call *call,
                              const Taskrouter__Workers__V1__GetWorkerChannelRequest *request,
                              Taskrouter__Workers__V1__WorkerChannel **out_reply, struct err *err);
enum err_code channel_rpc_list(void *app, struct call *call,
                               const Taskrouter__Workers__V1__ListWorkerChannelsRequest *request,
                               Taskrouter__Workers__V1__ListWorkerChannelsResponse **out_reply,
                               struct err *err);
enum err_code channel_rpc_update(void *app, struct call *call,
                                 const Taskrouter__Workers__V1__UpdateWorkerChannelRequest *request,
                                 Taskrouter__Workers__V1__WorkerChannel **out_reply,
                                 struct err *err);

/* Streams all workers of a workspace with their channels, in order of SID. */
enum err_code worker_rpc_export(void *app, struct call *call,
                                const Taskrouter__Workers__V1__ExportWorkersRequest *request,
                                struct rpc_stream *stream, struct err *err);
