/* Handlers of the token methods; app is a struct gateway. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/directory/v1/directory.pb-c.h"

enum err_code token_rpc_authenticate(void *app, struct call *call,
                                     const Taskrouter__Directory__V1__AuthenticateRequest *request,
                                     Taskrouter__Common__V1__Identity **out_reply, struct err *err);
enum err_code token_rpc_create(void *app, struct call *call,
                               const Taskrouter__Directory__V1__CreateTokenRequest *request,
                               Taskrouter__Directory__V1__CreateTokenResponse **out_reply,
                               struct err *err);
enum err_code token_rpc_list(void *app, struct call *call,
                             const Taskrouter__Directory__V1__ListTokensRequest *request,
                             Taskrouter__Directory__V1__ListTokensResponse **out_reply,
                             struct err *err);
enum err_code token_rpc_revoke(void *app, struct call *call,
                               const Taskrouter__Directory__V1__RevokeTokenRequest *request,
                               Google__Protobuf__Empty **out_reply, struct err *err);

/* The account that the caller works in. Errors: INVALID_ARGUMENT for a service of ours that works
 * for nobody. */
enum err_code directory_account(const struct call *call, const char **out_account_sid,
                                struct err *err) MUST_CHECK;
