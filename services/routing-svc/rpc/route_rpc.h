/* Handlers of Route and ValidateWorkflow, which change nothing; app is a struct routing. */
#pragma once

#include "routing.h"
#include "rpc/server.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "workflow.h"

enum err_code route_rpc_validate(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__ValidateWorkflowRequest *request,
                                 Google__Protobuf__Empty **out_reply, struct err *err);
enum err_code route_rpc_route(void *app, struct call *call,
                              const Taskrouter__Routing__V1__RouteRequest *request,
                              Taskrouter__Routing__V1__RouteResponse **out_reply, struct err *err);

/* The workflow (workflow_sid "": the only one) and its document, which is the caller's. */
enum err_code route_document(struct routing *routing, struct call *call, const char *workspace_sid,
                             const char *workflow_sid, bool is_mirrored, struct workflow *out,
                             struct workflow_doc **out_doc, struct err *err) MUST_CHECK;

/* The step that a task with these attributes would get in the workflow (workflow_sid "": the only
 * one). Errors: those of Route. */
enum err_code route_find(struct routing *routing, struct call *call, const char *workspace_sid,
                         const char *workflow_sid, const char *attributes, bool is_mirrored,
                         Taskrouter__Routing__V1__RouteResponse **out_reply,
                         struct err *err) MUST_CHECK;

/* The same of the filters from that index on, and then the default filter. */
enum err_code route_find_from(struct routing *routing, struct call *call, const char *workspace_sid,
                              const char *workflow_sid, const char *attributes, bool is_mirrored,
                              int32_t from, Taskrouter__Routing__V1__RouteResponse **out_reply,
                              struct err *err) MUST_CHECK;
