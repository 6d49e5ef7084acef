/* Handlers of decisions and of what only looks at them; app is a struct routing. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

enum err_code decide_rpc_decide(void *app, struct call *call,
                                const Taskrouter__Routing__V1__DecideRequest *request,
                                Taskrouter__Routing__V1__Decision **out_reply, struct err *err);

/* dry_run_rpc.c, compare_rpc.c */
enum err_code decide_rpc_dry_run(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__DryRunRequest *request,
                                 Taskrouter__Routing__V1__DryRunResponse **out_reply,
                                 struct err *err);
enum err_code decide_rpc_compare(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__CompareRulesRequest *request,
                                 Taskrouter__Routing__V1__CompareRulesResponse **out_reply,
                                 struct err *err);
