/* The methods of the service Mirror, for mirror_service.c. */
#pragma once

#include "base/call.h"
#include "taskrouter/workers/v1/mirror.pb-c.h"

enum err_code mirror_rpc_put_workspace(void *app, struct call *call,
                                       const Taskrouter__Workers__V1__PutWorkspaceRequest *request,
                                       Taskrouter__Common__V1__MirrorResult **out_reply,
                                       struct err *err);
enum err_code
mirror_rpc_put_activities(void *app, struct call *call,
                          const Taskrouter__Workers__V1__PutActivitiesRequest *request,
                          Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err);
enum err_code mirror_rpc_put_workers(void *app, struct call *call,
                                     const Taskrouter__Workers__V1__PutWorkersRequest *request,
                                     Taskrouter__Common__V1__MirrorResults **out_reply,
                                     struct err *err);
enum err_code
mirror_rpc_put_channels(void *app, struct call *call,
                        const Taskrouter__Workers__V1__PutWorkerChannelsRequest *request,
                        Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err);
enum err_code mirror_rpc_vanish(void *app, struct call *call,
                                const Taskrouter__Workers__V1__VanishRequest *request,
                                Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err);
