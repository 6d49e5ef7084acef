/* Handlers of rules and their versions; app is a struct routing. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

enum err_code rule_rpc_create(void *app, struct call *call,
                              const Taskrouter__Routing__V1__CreateRuleRequest *request,
                              Taskrouter__Routing__V1__Rule **out_reply, struct err *err);
enum err_code rule_rpc_get(void *app, struct call *call,
                           const Taskrouter__Routing__V1__GetRuleRequest *request,
                           Taskrouter__Routing__V1__Rule **out_reply, struct err *err);
enum err_code rule_rpc_list(void *app, struct call *call,
                            const Taskrouter__Routing__V1__ListRulesRequest *request,
                            Taskrouter__Routing__V1__ListRulesResponse **out_reply,
                            struct err *err);
enum err_code rule_rpc_update(void *app, struct call *call,
                              const Taskrouter__Routing__V1__UpdateRuleRequest *request,
                              Taskrouter__Routing__V1__Rule **out_reply, struct err *err);
enum err_code rule_rpc_delete(void *app, struct call *call,
                              const Taskrouter__Routing__V1__DeleteRuleRequest *request,
                              Google__Protobuf__Empty **out_reply, struct err *err);
enum err_code rule_rpc_validate(void *app, struct call *call,
                                const Taskrouter__Routing__V1__ValidateRuleRequest *request,
                                Taskrouter__Routing__V1__ValidateRuleResponse **out_reply,
                                struct err *err);

/* rule_version_rpc.c */
enum err_code rule_rpc_versions(void *app, struct call *call,
                                const Taskrouter__Routing__V1__ListRuleVersionsRequest *request,
                                Taskrouter__Routing__V1__ListRuleVersionsResponse **out_reply,
                                struct err *err);
enum err_code rule_rpc_diff(void *app, struct call *call,
                            const Taskrouter__Routing__V1__DiffRuleVersionsRequest *request,
                            Taskrouter__Routing__V1__DiffRuleVersionsResponse **out_reply,
                            struct err *err);
enum err_code rule_rpc_roll_back(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__RollBackRuleRequest *request,
                                 Taskrouter__Routing__V1__Rule **out_reply, struct err *err);
