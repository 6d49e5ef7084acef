#include "decide_rpc.h"

#include "counters.h"
#include "decide_wire.h"
#include "routing.h"
#include "snapshots.h"

static void count(struct routing *routing, const struct rule_set *set,
                  const struct decision *decision, int64_t at_us)
{
    for (size_t i = 0; i < decision->outcome.rule_count; i++)
        counters_add(routing->counters, rule_set_at(set, decision->outcome.rules[i].rule)->sid,
                     at_us);
}

enum err_code decide_rpc_decide(void *app, struct call *call,
                                const Taskrouter__Routing__V1__DecideRequest *request,
                                Taskrouter__Routing__V1__Decision **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct snapshot *snapshot = NULL;
    struct decision decision;
    struct decide_task task = decide_task_from(request);
    enum err_code code = decide_task_check(&task, err);
    if (code == ERR_OK)
        code = snapshots_get(routing->snapshots, call, request->workspace_sid, &snapshot, err);
    if (code != ERR_OK)
        return code;
    code = decide(routing, snapshot, snapshot->set, call, &task, &decision, err);
    if (code == ERR_OK) {
        decide_check_worker(routing, call, snapshot, &decision);
        count(routing, snapshot->set, &decision, task.at_us);
        *out_reply = decision_to_wire(call->arena, snapshot, snapshot->set, &task, &decision);
        code = *out_reply == NULL ? call_no_room(err) : ERR_OK;
    }
    snapshots_release(routing->snapshots, snapshot);
    return code;
}
