/* Handlers of taskrouter.sync.v1.Sync; app is a struct sync. */
#pragma once

#include "base/call.h"
#include "rpc/server.h"
#include "taskrouter/sync/v1/sync.pb-c.h"

enum err_code run_rpc_start(void *app, struct call *call,
                            const Taskrouter__Sync__V1__StartRunRequest *request,
                            Taskrouter__Sync__V1__Run **out_reply, struct err *err);
enum err_code run_rpc_cancel(void *app, struct call *call,
                             const Taskrouter__Sync__V1__CancelRunRequest *request,
                             Taskrouter__Sync__V1__Run **out_reply, struct err *err);
enum err_code run_rpc_get(void *app, struct call *call,
                          const Taskrouter__Sync__V1__GetRunRequest *request,
                          Taskrouter__Sync__V1__Run **out_reply, struct err *err);
enum err_code run_rpc_list(void *app, struct call *call,
                           const Taskrouter__Sync__V1__ListRunsRequest *request,
                           Taskrouter__Sync__V1__ListRunsResponse **out_reply, struct err *err);
enum err_code run_rpc_watch(void *app, struct call *call,
                            const Taskrouter__Sync__V1__GetRunRequest *request,
                            struct rpc_stream *stream, struct err *err);
enum err_code run_rpc_items(void *app, struct call *call,
                            const Taskrouter__Sync__V1__ListRunItemsRequest *request,
                            Taskrouter__Sync__V1__ListRunItemsResponse **out_reply,
                            struct err *err);
enum err_code run_rpc_check(void *app, struct call *call,
                            const Taskrouter__Sync__V1__CheckUpstreamRequest *request,
                            Taskrouter__Sync__V1__CheckUpstreamResponse **out_reply,
                            struct err *err);
