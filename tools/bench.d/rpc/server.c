/*
 * The server measured: libs/rpc as the services use it, with identity, deadline, metrics and UTF-8
 * checks, one method on the loop thread. Prints its port and serves until its input ends.
 */
#include <stdio.h>
#include <unistd.h>

#include "rpc/server.h"
#include "taskrouter/queues/v1/queues.pb-c.h"

static enum err_code get_queue(void *app, struct call *call,
                               const Taskrouter__Queues__V1__GetTaskQueueRequest *request,
                               Taskrouter__Queues__V1__TaskQueue **out, struct err *err)
{
    (void)app;
    (void)err;
    Taskrouter__Queues__V1__TaskQueue *queue =
        PB_NEW(call->arena, taskrouter__queues__v1__task_queue);
    if (queue != NULL) { /* NULL: the runtime answers that the memory is used up */
        queue->sid = request->sid;
        queue->workspace_sid = request->workspace_sid;
        queue->version = 1;
    }
    *out = queue;
    return ERR_OK;
}

static const struct rpc_method methods[] = {
    RPC_UNARY("GetTaskQueue", get_queue, Taskrouter__Queues__V1__GetTaskQueueRequest,
              Taskrouter__Queues__V1__TaskQueue, 1000, ROLE_VIEWER, RPC_INLINE),
};

int main(void)
{
    struct err err;
    struct rpc_server *server = NULL;
    struct rpc_server_config config = {.listen = "127.0.0.1:0", .auth = {.service_token = "bench"}};
    struct rpc_service service = {&taskrouter__queues__v1__queues__descriptor, methods,
                                  ARRAY_LEN(methods)};
    if (rpc_server_open(&config, &server, &err) != ERR_OK)
        return 1;
    rpc_server_add(server, &service, NULL);
    if (rpc_server_start(server, &err) != ERR_OK)
        return 1;
    (void)printf("%d\n", rpc_server_port(server));
    (void)fflush(stdout);
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    rpc_server_close(server);
    return 0;
}
