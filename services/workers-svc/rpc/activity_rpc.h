/* Handlers of the activity methods; app is a struct workers. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum err_code activity_rpc_create(void *app, struct call *call,
                                  const Taskrouter__Workers__V1__CreateActivityRequest *request,
                                  Taskrouter__Workers__V1__Activity **out_reply, struct err *err);
enum err_code activity_rpc_get(void *app, struct call *call,
                               const Taskrouter__Workers__V1__GetActivityRequest *request,
                               Taskrouter__Workers__V1__Activity **out_reply, struct err *err);
enum err_code activity_rpc_list(void *app, struct call *call,
                                const Taskrouter__Workers__V1__ListActivitiesRequest *request,
                                Taskrouter__Workers__V1__ListActivitiesResponse **out_reply,
                                struct err *err);
enum err_code activity_rpc_update(void *app, struct call *call,
                                  const Taskrouter__Workers__V1__UpdateActivityRequest *request,
                                  Taskrouter__Workers__V1__Activity **out_reply, struct err *err);
enum err_code activity_rpc_delete(void *app, struct call *call,
                                  const Taskrouter__Workers__V1__DeleteActivityRequest *request,
                                  Google__Protobuf__Empty **out_reply, struct err *err);
