/* Callbacks as operators see them: looked at, listed, sent again. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/tasks/v1/callbacks.pb-c.h"

#define CALLBACK_RPC(name, Request, Reply)                                                         \
    enum err_code name(void *app, struct call *call,                                               \
                       const Taskrouter__Tasks__V1__##Request *request,                            \
                       Taskrouter__Tasks__V1__##Reply **out_reply, struct err *err)

CALLBACK_RPC(callback_rpc_get, GetCallbackRequest, Callback);
CALLBACK_RPC(callback_rpc_list, ListCallbacksRequest, ListCallbacksResponse);
CALLBACK_RPC(callback_rpc_resend, ResendCallbackRequest, Callback);
CALLBACK_RPC(callback_rpc_resend_dead, ResendDeadCallbacksRequest, ResendDeadCallbacksResponse);
