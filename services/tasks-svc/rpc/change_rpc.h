/* Everything that changes a task or a reservation: checked here, decided and stored by the shard,
 * answered by its thread after the commit. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/tasks/v1/mirror.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

#define CHANGE_RPC(name, Request)                                                                  \
    void name(void *app, struct call *call, const Taskrouter__Tasks__V1__##Request *request,       \
              struct rpc_reply *reply)

CHANGE_RPC(change_rpc_create, CreateTaskRequest);
CHANGE_RPC(change_rpc_update, UpdateTaskRequest);
CHANGE_RPC(change_rpc_delete, DeleteTaskRequest);
CHANGE_RPC(change_rpc_cancel, TaskActionRequest);
CHANGE_RPC(change_rpc_wrap_up, TaskActionRequest);
CHANGE_RPC(change_rpc_complete, TaskActionRequest);
CHANGE_RPC(change_rpc_accept_reservation, ReservationActionRequest);
CHANGE_RPC(change_rpc_reject_reservation, ReservationActionRequest);
CHANGE_RPC(change_rpc_wrap_up_reservation, ReservationActionRequest);
CHANGE_RPC(change_rpc_complete_reservation, ReservationActionRequest);
CHANGE_RPC(change_rpc_cancel_reservation, ReservationActionRequest);
CHANGE_RPC(change_rpc_instruct_reservation, ReservationActionRequest);

/* Of the service Mirror. */
CHANGE_RPC(change_rpc_apply, ApplyRequest);
CHANGE_RPC(change_rpc_apply_many, ApplyManyRequest);
