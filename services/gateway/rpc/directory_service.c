#include "directory_service.h"

#include "account_rpc.h"
#include "base/macros.h"
#include "token_rpc.h"
#include "user_rpc.h"

#define REQUEST(name)  Taskrouter__Directory__V1__##name##Request
#define RESPONSE(name) Taskrouter__Directory__V1__##name##Response
#define ACCOUNT        Taskrouter__Directory__V1__Account
#define ACCOUNT_SECRET Taskrouter__Directory__V1__AccountSecret
#define KEY_SECRET     Taskrouter__Directory__V1__KeySecret
#define SIGNING_TOKEN  Taskrouter__Directory__V1__SigningToken
#define USER           Taskrouter__Directory__V1__User
#define IDENTITY       Taskrouter__Common__V1__Identity
#define NOTHING        Google__Protobuf__Empty

static const struct rpc_method methods[] = {
    RPC_UNARY("Authenticate", token_rpc_authenticate, REQUEST(Authenticate), IDENTITY, 1000,
              ROLE_SERVICE, 0),
    RPC_UNARY("CreateToken", token_rpc_create, REQUEST(CreateToken), RESPONSE(CreateToken), 2000,
              ROLE_ADMIN, 0),
    RPC_UNARY("ListTokens", token_rpc_list, REQUEST(ListTokens), RESPONSE(ListTokens), 2000,
              ROLE_ADMIN, 0),
    RPC_UNARY("RevokeToken", token_rpc_revoke, REQUEST(RevokeToken), NOTHING, 2000, ROLE_ADMIN, 0),
    RPC_UNARY("CreateAccount", account_rpc_create, REQUEST(CreateAccount), ACCOUNT_SECRET, 2000,
              ROLE_ADMIN, 0),
    RPC_UNARY("GetAccount", account_rpc_get, REQUEST(GetAccount), ACCOUNT, 1000, ROLE_ADMIN, 0),
    RPC_UNARY("ListAccounts", account_rpc_list, REQUEST(ListAccounts), RESPONSE(ListAccounts), 2000,
              ROLE_ADMIN, 0),
    RPC_UNARY("UpdateAccount", account_rpc_update, REQUEST(UpdateAccount), ACCOUNT, 2000,
              ROLE_ADMIN, 0),
    RPC_UNARY("CreateSecondaryAuthToken", account_rpc_second, REQUEST(AccountAction),
              ACCOUNT_SECRET, 2000, ROLE_ADMIN, 0),
    RPC_UNARY("DeleteSecondaryAuthToken", account_rpc_drop_second, REQUEST(AccountAction), ACCOUNT,
              2000, ROLE_ADMIN, 0),
    RPC_UNARY("PromoteSecondaryAuthToken", account_rpc_promote, REQUEST(AccountAction), ACCOUNT,
              2000, ROLE_ADMIN, 0),
    RPC_UNARY("CreateKey", key_rpc_create, REQUEST(CreateKey), KEY_SECRET, 2000, ROLE_ADMIN, 0),
    RPC_UNARY("ListKeys", key_rpc_list, REQUEST(ListKeys), RESPONSE(ListKeys), 2000, ROLE_ADMIN, 0),
    RPC_UNARY("RevokeKey", key_rpc_revoke, REQUEST(RevokeKey), NOTHING, 2000, ROLE_ADMIN, 0),
    RPC_UNARY("GetSigningToken", account_rpc_signing, REQUEST(GetSigningToken), SIGNING_TOKEN, 1000,
              ROLE_SERVICE, 0),
    RPC_UNARY("CreateUser", user_rpc_create, REQUEST(CreateUser), USER, 2000, ROLE_ADMIN, 0),
    RPC_UNARY("GetUser", user_rpc_get, REQUEST(GetUser), USER, 1000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("ListUsers", user_rpc_list, REQUEST(ListUsers), RESPONSE(ListUsers), 2000,
              ROLE_SUPERVISOR, 0),
};

const struct rpc_service directory_service = {
    .descriptor = &taskrouter__directory__v1__directory__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
