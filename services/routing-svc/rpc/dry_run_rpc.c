#include "decide_rpc.h"
#include "decide_wire.h"
#include "drafts.h"
#include "route_trace.h"
#include "routing.h"
#include "rpc/pb.h"
#include "snapshots.h"

static enum err_code fill(struct routing *routing, struct call *call,
                          const struct snapshot *snapshot,
                          const Taskrouter__Routing__V1__DryRunRequest *request,
                          const struct decide_task *task,
                          Taskrouter__Routing__V1__DryRunResponse *reply, struct err *err)
{
    AUTO(rule_set_cleanup) struct rule_set *set = NULL;
    bool has_drafts = request->n_drafts > 0 || request->n_without_rule_sids > 0;
    enum err_code code = ERR_OK;
    if (has_drafts)
        code = drafts_set(routing, call, snapshot, request->drafts, request->n_drafts,
                          request->without_rule_sids, request->n_without_rule_sids, &set, err);
    if (code == ERR_OK)
        code = route_trace(routing, call, snapshot, snapshot->set, task, &reply->stored, err);
    if (code == ERR_OK && has_drafts)
        code = route_trace(routing, call, snapshot, set, task, &reply->draft, err);
    return code;
}

enum err_code decide_rpc_dry_run(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__DryRunRequest *request,
                                 Taskrouter__Routing__V1__DryRunResponse **out_reply,
                                 struct err *err)
{
    struct routing *routing = app;
    struct snapshot *snapshot = NULL;
    if (request->task == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "task",
                         "task is required; give what is known of it, at least {}");
    const char *workspace_sid =
        request->workspace_sid[0] != '\0' ? request->workspace_sid : request->task->workspace_sid;
    struct decide_task task = decide_task_from(request->task);
    enum err_code code = decide_task_check(&task, err);
    if (code == ERR_OK)
        code = snapshots_get(routing->snapshots, call, workspace_sid, &snapshot, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Routing__V1__DryRunResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__dry_run_response);
    code = reply == NULL ? call_no_room(err)
                         : fill(routing, call, snapshot, request, &task, reply, err);
    snapshots_release(routing->snapshots, snapshot);
    *out_reply = reply;
    return code;
}
