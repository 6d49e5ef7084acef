/* Handlers of the account and key methods; app is a struct gateway. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/directory/v1/directory.pb-c.h"

enum err_code account_rpc_create(void *app, struct call *call,
                                 const Taskrouter__Directory__V1__CreateAccountRequest *request,
                                 Taskrouter__Directory__V1__AccountSecret **out_reply,
                                 struct err *err);
enum err_code account_rpc_get(void *app, struct call *call,
                              const Taskrouter__Directory__V1__GetAccountRequest *request,
                              Taskrouter__Directory__V1__Account **out_reply, struct err *err);
enum err_code account_rpc_list(void *app, struct call *call,
                               const Taskrouter__Directory__V1__ListAccountsRequest *request,
                               Taskrouter__Directory__V1__ListAccountsResponse **out_reply,
                               struct err *err);
enum err_code account_rpc_update(void *app, struct call *call,
                                 const Taskrouter__Directory__V1__UpdateAccountRequest *request,
                                 Taskrouter__Directory__V1__Account **out_reply, struct err *err);
enum err_code account_rpc_second(void *app, struct call *call,
                                 const Taskrouter__Directory__V1__AccountActionRequest *request,
                                 Taskrouter__Directory__V1__AccountSecret **out_reply,
                                 struct err *err);
enum err_code
account_rpc_drop_second(void *app, struct call *call,
                        const Taskrouter__Directory__V1__AccountActionRequest *request,
                        Taskrouter__Directory__V1__Account **out_reply, struct err *err);
enum err_code account_rpc_promote(void *app, struct call *call,
                                  const Taskrouter__Directory__V1__AccountActionRequest *request,
                                  Taskrouter__Directory__V1__Account **out_reply, struct err *err);
enum err_code account_rpc_signing(void *app, struct call *call,
                                  const Taskrouter__Directory__V1__GetSigningTokenRequest *request,
                                  Taskrouter__Directory__V1__SigningToken **out_reply,
                                  struct err *err);

enum err_code key_rpc_create(void *app, struct call *call,
                             const Taskrouter__Directory__V1__CreateKeyRequest *request,
                             Taskrouter__Directory__V1__KeySecret **out_reply, struct err *err);
enum err_code key_rpc_list(void *app, struct call *call,
                           const Taskrouter__Directory__V1__ListKeysRequest *request,
                           Taskrouter__Directory__V1__ListKeysResponse **out_reply,
                           struct err *err);
enum err_code key_rpc_revoke(void *app, struct call *call,
                             const Taskrouter__Directory__V1__RevokeKeyRequest *request,
                             Google__Protobuf__Empty **out_reply, struct err *err);

/* The account that the caller works on, as account_reach. */
struct gateway;
enum err_code directory_reach(const struct gateway *gateway, const struct call *call,
                              const char *named, const char *field, const char **out_sid,
                              struct err *err) MUST_CHECK;

/* Errors: PERMISSION_DENIED OWNER_ONLY ("only … may <what>") for any other account. */
enum err_code directory_owner_only(const struct gateway *gateway, const struct call *call,
                                   const char *what, struct err *err) MUST_CHECK;
