#include "shards_service.h"

#include "base/macros.h"
#include "config_feed.h"
#include "taskrouter/tasks/v1/shards.pb-c.h"
#include "tasks.h"

static enum err_code apply_event(void *app, struct call *call,
                                 const Taskrouter__Tasks__V1__ApplyEventRequest *request,
                                 Taskrouter__Tasks__V1__ApplyEventResponse **out_reply,
                                 struct err *err)
{
    (void)out_reply;
    const struct tasks *tasks = app;
    struct call own = *call; /* the event's own actor and request id are noted in it */
    return config_feed_apply(tasks->feed, &own,
                             (struct str){(const char *)request->event.data, request->event.len},
                             err);
}

static const struct rpc_method methods[] = {
    RPC_UNARY("ApplyEvent", apply_event, Taskrouter__Tasks__V1__ApplyEventRequest,
              Taskrouter__Tasks__V1__ApplyEventResponse, 10000, ROLE_SERVICE, 0),
};

const struct rpc_service shards_service = {
    .descriptor = &taskrouter__tasks__v1__shards__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
