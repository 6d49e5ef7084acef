#include "user_peer.h"

#include "rpc/client.h"
#include "taskrouter/directory/v1/directory.pb-c.h"
#include "workers.h"

enum err_code user_peer_require(struct workers *workers, struct call *call, const char *account_sid,
                                const char *user_sid, struct err *err)
{
    struct call asking = *call; /* whoever links: the user must be one of the workspace's account */
    asking.who.account_sid = account_sid;
    Taskrouter__Directory__V1__GetUserRequest request;
    taskrouter__directory__v1__get_user_request__init(&request);
    request.sid = arena_strdup(call->arena, user_sid);
    if (request.sid == NULL)
        return call_no_room(err);
    Taskrouter__Directory__V1__User *user = NULL;
    enum err_code code = RPC_CALL(workers->host.as_service[PEER_GATEWAY], &asking,
                                  "/taskrouter.directory.v1.Directory/GetUser", &request.base,
                                  taskrouter__directory__v1__user, &user, err);
    if (code == ERR_NOT_FOUND)
        return ERR_FIELD(err, ERR_NOT_FOUND, "USER_NOT_FOUND", "user_sid",
                         "there is no user %s in account %s; list its users", user_sid,
                         account_sid);
    return code;
}
