#include "tasks_service.h"

#include "base/macros.h"
#include "change_rpc.h"
#include "load_rpc.h"
#include "read_rpc.h"

#define WIRE(name) Taskrouter__Tasks__V1__##name

/* Long enough for another process to take the shard over meanwhile; callers may ask for less. */
enum { CHANGE_MS = 5000 };

/* clang-format off: one row a line, in columns */
static const struct rpc_method methods[] = {
    RPC_ASYNC("CreateTask", change_rpc_create, WIRE(CreateTaskRequest), CHANGE_MS, ROLE_SUPERVISOR),
    RPC_ASYNC("UpdateTask", change_rpc_update, WIRE(UpdateTaskRequest), CHANGE_MS, ROLE_SUPERVISOR),
    RPC_ASYNC("DeleteTask", change_rpc_delete, WIRE(DeleteTaskRequest), CHANGE_MS, ROLE_SUPERVISOR),
    RPC_ASYNC("CancelTask", change_rpc_cancel, WIRE(TaskActionRequest), CHANGE_MS, ROLE_SUPERVISOR),
    RPC_ASYNC("WrapUpTask", change_rpc_wrap_up, WIRE(TaskActionRequest), CHANGE_MS, ROLE_AGENT),
    RPC_ASYNC("CompleteTask", change_rpc_complete, WIRE(TaskActionRequest), CHANGE_MS, ROLE_AGENT),
    RPC_ASYNC("AcceptReservation", change_rpc_accept_reservation, WIRE(ReservationActionRequest),
              CHANGE_MS, ROLE_AGENT),
    RPC_ASYNC("RejectReservation", change_rpc_reject_reservation, WIRE(ReservationActionRequest),
              CHANGE_MS, ROLE_AGENT),
    RPC_ASYNC("WrapUpReservation", change_rpc_wrap_up_reservation, WIRE(ReservationActionRequest),
              CHANGE_MS, ROLE_AGENT),
    RPC_ASYNC("CompleteReservation", change_rpc_complete_reservation,
              WIRE(ReservationActionRequest), CHANGE_MS, ROLE_AGENT),
    RPC_ASYNC("CancelReservation", change_rpc_cancel_reservation, WIRE(ReservationActionRequest),
              CHANGE_MS, ROLE_SUPERVISOR),
    RPC_ASYNC("InstructReservation", change_rpc_instruct_reservation,
              WIRE(ReservationActionRequest), CHANGE_MS, ROLE_AGENT),
    RPC_UNARY("GetTask", read_rpc_task, WIRE(GetTaskRequest), WIRE(Task), 1000, ROLE_VIEWER, 0),
    RPC_UNARY("ListTasks", read_rpc_tasks, WIRE(ListTasksRequest), WIRE(ListTasksResponse), 2000,
              ROLE_VIEWER, 0),
    RPC_UNARY("GetReservation", read_rpc_reservation, WIRE(GetReservationRequest),
              WIRE(Reservation), 1000, ROLE_VIEWER, 0),
    RPC_UNARY("ListReservations", read_rpc_reservations, WIRE(ListReservationsRequest),
              WIRE(ListReservationsResponse), 2000, ROLE_VIEWER, 0),
    RPC_UNARY("ListWorkerLoads", load_rpc_workers, WIRE(ListWorkerLoadsRequest),
              WIRE(ListWorkerLoadsResponse), 2000, ROLE_VIEWER, 0),
    RPC_UNARY("GetEvent", read_rpc_event, WIRE(GetEventRequest), WIRE(Event), 1000, ROLE_VIEWER, 0),
    RPC_UNARY("ListEvents", read_rpc_events, WIRE(ListEventsRequest), WIRE(ListEventsResponse),
              2000, ROLE_VIEWER, 0),
    RPC_STREAM("WatchEvents", read_rpc_watch, WIRE(WatchEventsRequest), 0, ROLE_VIEWER),
};
/* clang-format on */

const struct rpc_service tasks_service = {
    .descriptor = &taskrouter__tasks__v1__tasks__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
