/* Handlers of the user methods; app is a struct gateway. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/directory/v1/directory.pb-c.h"

enum err_code user_rpc_create(void *app, struct call *call,
                              const Taskrouter__Directory__V1__CreateUserRequest *request,
                              Taskrouter__Directory__V1__User **out_reply, struct err *err);
enum err_code user_rpc_get(void *app, struct call *call,
                           const Taskrouter__Directory__V1__GetUserRequest *request,
                           Taskrouter__Directory__V1__User **out_reply, struct err *err);
enum err_code user_rpc_list(void *app, struct call *call,
                            const Taskrouter__Directory__V1__ListUsersRequest *request,
                            Taskrouter__Directory__V1__ListUsersResponse **out_reply,
                            struct err *err);
