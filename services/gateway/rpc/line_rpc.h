/* Handlers of the line methods; app is a struct gateway. */
#pragma once

#include "google/protobuf/empty.pb-c.h"
#include "rpc/server.h"
#include "taskrouter/directory/v1/calls.pb-c.h"

enum err_code line_rpc_create(void *app, struct call *call,
                              const Taskrouter__Directory__V1__CreateLineRequest *request,
                              Taskrouter__Directory__V1__Line **out_reply, struct err *err);
enum err_code line_rpc_get(void *app, struct call *call,
                           const Taskrouter__Directory__V1__GetLineRequest *request,
                           Taskrouter__Directory__V1__Line **out_reply, struct err *err);
enum err_code line_rpc_list(void *app, struct call *call,
                            const Taskrouter__Directory__V1__ListLinesRequest *request,
                            Taskrouter__Directory__V1__ListLinesResponse **out_reply,
                            struct err *err);
enum err_code line_rpc_update(void *app, struct call *call,
                              const Taskrouter__Directory__V1__UpdateLineRequest *request,
                              Taskrouter__Directory__V1__Line **out_reply, struct err *err);
enum err_code line_rpc_delete(void *app, struct call *call,
                              const Taskrouter__Directory__V1__DeleteLineRequest *request,
                              Google__Protobuf__Empty **out_reply, struct err *err);
