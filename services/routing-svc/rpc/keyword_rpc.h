/* Handlers of keywords; app is a struct routing. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

enum err_code keyword_rpc_create(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__CreateKeywordRequest *request,
                                 Taskrouter__Routing__V1__Keyword **out_reply, struct err *err);
enum err_code
keyword_rpc_create_defaults(void *app, struct call *call,
                            const Taskrouter__Routing__V1__CreateDefaultKeywordsRequest *request,
                            Taskrouter__Routing__V1__ListKeywordsResponse **out_reply,
                            struct err *err);
enum err_code keyword_rpc_get(void *app, struct call *call,
                              const Taskrouter__Routing__V1__GetKeywordRequest *request,
                              Taskrouter__Routing__V1__Keyword **out_reply, struct err *err);
enum err_code keyword_rpc_list(void *app, struct call *call,
                               const Taskrouter__Routing__V1__ListKeywordsRequest *request,
                               Taskrouter__Routing__V1__ListKeywordsResponse **out_reply,
                               struct err *err);
enum err_code keyword_rpc_update(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__UpdateKeywordRequest *request,
                                 Taskrouter__Routing__V1__Keyword **out_reply, struct err *err);
enum err_code keyword_rpc_delete(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__DeleteKeywordRequest *request,
                                 Google__Protobuf__Empty **out_reply, struct err *err);
enum err_code keyword_rpc_detect(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__DetectKeywordsRequest *request,
                                 Taskrouter__Routing__V1__DetectKeywordsResponse **out_reply,
                                 struct err *err);
