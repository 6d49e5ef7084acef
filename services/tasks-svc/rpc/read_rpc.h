/* Reads of tasks, reservations and events: what was committed, from PostgreSQL. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

#define READ_RPC(name, Request, Reply)                                                             \
    enum err_code name(void *app, struct call *call,                                               \
                       const Taskrouter__Tasks__V1__##Request *request,                            \
                       Taskrouter__Tasks__V1__##Reply **out_reply, struct err *err)

READ_RPC(read_rpc_task, GetTaskRequest, Task);
READ_RPC(read_rpc_tasks, ListTasksRequest, ListTasksResponse);
READ_RPC(read_rpc_reservation, GetReservationRequest, Reservation);
READ_RPC(read_rpc_reservations, ListReservationsRequest, ListReservationsResponse);
READ_RPC(read_rpc_event, GetEventRequest, Event);
READ_RPC(read_rpc_events, ListEventsRequest, ListEventsResponse);

enum err_code read_rpc_watch(void *app, struct call *call,
                             const Taskrouter__Tasks__V1__WatchEventsRequest *request,
                             struct rpc_stream *stream, struct err *err);
