/* Handlers of the service Hours: what schedules say; app is a struct routing. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/routing/v1/hours.pb-c.h"

enum err_code hours_rpc_get(void *app, struct call *call,
                            const Taskrouter__Routing__V1__GetHoursRequest *request,
                            Taskrouter__Routing__V1__HoursState **out_reply, struct err *err);
enum err_code hours_rpc_due(void *app, struct call *call,
                            const Taskrouter__Routing__V1__GetDueTimeRequest *request,
                            Taskrouter__Routing__V1__DueTime **out_reply, struct err *err);
