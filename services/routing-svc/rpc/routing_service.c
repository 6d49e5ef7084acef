#include "routing_service.h"

#include "base/macros.h"
#include "hours_rpc.h"
#include "mirror_rpc.h"
#include "route_rpc.h"
#include "schedule_rpc.h"
#include "workflow_rpc.h"

#define REQUEST(name) Taskrouter__Routing__V1__##name##Request
#define LIST(name)    Taskrouter__Routing__V1__List##name##Response
#define WORKFLOW      Taskrouter__Routing__V1__Workflow
#define SCHEDULE      Taskrouter__Routing__V1__Schedule
#define NOTHING       Google__Protobuf__Empty
#define RESULTS       Taskrouter__Common__V1__MirrorResults

/* clang-format off: one row a line, in columns: method, handler, request, reply, ms, who */
static const struct rpc_method methods[] = {
    RPC_UNARY("CreateWorkflow", workflow_rpc_create, REQUEST(CreateWorkflow), WORKFLOW, 4000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetWorkflow", workflow_rpc_get, REQUEST(GetWorkflow), WORKFLOW, 1000, ROLE_VIEWER,
              0),
    RPC_UNARY("ListWorkflows", workflow_rpc_list, REQUEST(ListWorkflows), LIST(Workflows), 2000,
              ROLE_VIEWER, 0),
    RPC_UNARY("UpdateWorkflow", workflow_rpc_update, REQUEST(UpdateWorkflow), WORKFLOW, 4000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("DeleteWorkflow", workflow_rpc_delete, REQUEST(DeleteWorkflow), NOTHING, 4000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("ListWorkflowVersions", workflow_rpc_versions, REQUEST(ListWorkflowVersions),
              LIST(WorkflowVersions), 2000, ROLE_VIEWER, 0),
    RPC_UNARY("ValidateWorkflow", route_rpc_validate, REQUEST(ValidateWorkflow), NOTHING, 4000,
              ROLE_VIEWER, 0),
    RPC_UNARY("Route", route_rpc_route, REQUEST(Route), Taskrouter__Routing__V1__RouteResponse,
              2000, ROLE_VIEWER, 0),
};

static const struct rpc_method hours_methods[] = {
    RPC_UNARY("CreateSchedule", schedule_rpc_create, REQUEST(CreateSchedule), SCHEDULE, 4000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetSchedule", schedule_rpc_get, REQUEST(GetSchedule), SCHEDULE, 1000, ROLE_VIEWER,
              0),
    RPC_UNARY("ListSchedules", schedule_rpc_list, REQUEST(ListSchedules), LIST(Schedules), 2000,
              ROLE_VIEWER, 0),
    RPC_UNARY("UpdateSchedule", schedule_rpc_update, REQUEST(UpdateSchedule), SCHEDULE, 4000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("DeleteSchedule", schedule_rpc_delete, REQUEST(DeleteSchedule), NOTHING, 4000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetHours", hours_rpc_get, REQUEST(GetHours), Taskrouter__Routing__V1__HoursState,
              1000, ROLE_VIEWER, 0),
    RPC_UNARY("GetDueTime", hours_rpc_due, REQUEST(GetDueTime), Taskrouter__Routing__V1__DueTime,
              1000, ROLE_VIEWER, 0),
};

static const struct rpc_method mirror_methods[] = {
    RPC_UNARY("PutWorkflows", mirror_rpc_put_workflows, REQUEST(PutWorkflows), RESULTS, 10000,
              ROLE_SERVICE, 0),
    RPC_UNARY("Vanish", mirror_rpc_vanish, REQUEST(Vanish), RESULTS, 10000, ROLE_SERVICE, 0),
};
/* clang-format on */

const struct rpc_service routing_service = {
    .descriptor = &taskrouter__routing__v1__routing__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};

const struct rpc_service routing_hours_service = {
    .descriptor = &taskrouter__routing__v1__hours__descriptor,
    .methods = hours_methods,
    .method_count = ARRAY_LEN(hours_methods),
};

const struct rpc_service routing_mirror_service = {
    .descriptor = &taskrouter__routing__v1__mirror__descriptor,
    .methods = mirror_methods,
    .method_count = ARRAY_LEN(mirror_methods),
};
