/* Handlers of the service Hours: schedules; app is a struct routing. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/routing/v1/hours.pb-c.h"

enum err_code schedule_rpc_create(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__CreateScheduleRequest *request,
                                  Taskrouter__Routing__V1__Schedule **out_reply, struct err *err);
enum err_code schedule_rpc_get(void *app, struct call *call,
                               const Taskrouter__Routing__V1__GetScheduleRequest *request,
                               Taskrouter__Routing__V1__Schedule **out_reply, struct err *err);
enum err_code schedule_rpc_list(void *app, struct call *call,
                                const Taskrouter__Routing__V1__ListSchedulesRequest *request,
                                Taskrouter__Routing__V1__ListSchedulesResponse **out_reply,
                                struct err *err);
enum err_code schedule_rpc_update(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__UpdateScheduleRequest *request,
                                  Taskrouter__Routing__V1__Schedule **out_reply, struct err *err);
enum err_code schedule_rpc_delete(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__DeleteScheduleRequest *request,
                                  Google__Protobuf__Empty **out_reply, struct err *err);
