/* Handlers of decisions and of what only looks at them; app is a struct routing. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

enum err_code decide_rpc_decide(void *app, struct call *call,
                                const Taskrouter__Routing__V1__DecideRequest *request,
                                Taskrouter__Routing__V1__Decision **out_reply, struct err *err);
