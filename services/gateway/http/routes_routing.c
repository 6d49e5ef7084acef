/* How tasks are routed. */
#include "route_rows.h"
#include "taskrouter/routing/v1/routing.pb-c.h"

/* One route a block; the macros read as columns. */
/* clang-format off */
static const struct rest_route rows[] = {
    /* ---- workflows and routing ---- */
    {LIST("/workflows", VIEWER), .tag = "workflows", .summary = "List workflows",
     RPC(routing, ROUTING, Routing, ListWorkflows, list_workflows, list_workflows_response),
     .query = FIELDS(PAGED, "friendly_name", "task_queue_sid")},
    {CREATE("/workflows", SUPERVISOR), .tag = "workflows", .summary = "Create a workflow",
     RPC(routing, ROUTING, Routing, CreateWorkflow, create_workflow, workflow),
     .body = FIELDS("friendly_name", "configuration", "assignment_callback_url",
         "fallback_assignment_callback_url", "task_reservation_timeout"), .has_large_body = true},
    {GET("/workflows/{sid}", VIEWER), .tag = "workflows", .summary = "Get a workflow",
     RPC(routing, ROUTING, Routing, GetWorkflow, get_workflow, workflow)},
    {UPDATE("/workflows/{sid}", SUPERVISOR), .tag = "workflows", .summary = "Change a workflow",
     RPC(routing, ROUTING, Routing, UpdateWorkflow, update_workflow, workflow),
     .nested = "workflow",
     .body = FIELDS("friendly_name", "configuration", "assignment_callback_url",
         "fallback_assignment_callback_url", "task_reservation_timeout"),
     .body_more = FIELDS("re_evaluate_tasks"), .has_large_body = true},
    {DELETE("/workflows/{sid}", SUPERVISOR), .tag = "workflows", .summary = "Delete a workflow",
     RPC_VOID(routing, ROUTING, Routing, DeleteWorkflow, delete_workflow)},
    {LIST("/workflows/{sid}/versions", VIEWER), .tag = "workflows",
     .summary = "List the documents a workflow has had, newest first",
     RPC(routing, ROUTING, Routing, ListWorkflowVersions, list_workflow_versions,
         list_workflow_versions_response), .query = FIELDS(PAGED)},
    {CHECK("/workflows/validate", VIEWER), .tag = "workflows",
     .summary = "Check a workflow's configuration without storing it",
     RPC_VOID(routing, ROUTING, Routing, ValidateWorkflow, validate_workflow),
     .body = FIELDS("configuration"), .has_large_body = true},
    {CHECK("/route", VIEWER), .tag = "workflows",
     .summary = "Say which filter and targets a task would get",
     RPC(routing, ROUTING, Routing, Route, route, route_response),
     .body = FIELDS("workflow_sid", "attributes")},
};
/* clang-format on */

AREA(rest_area_routing);
