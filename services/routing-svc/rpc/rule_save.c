#include "rule_save.h"

#include <stdio.h>

#include "outbox/outbox.h"
#include "rule_events.h"
#include "rule_input.h"
#include "snapshots.h"
#include "workflow_store.h"

void rule_saved(struct routing *routing, const char *workspace_sid)
{
    snapshots_note_change(routing->snapshots, str_from(workspace_sid));
    outbox_wake(routing->host.outbox);
}

enum err_code rule_reply(struct call *call, const struct rule *rule,
                         const struct rule_finding *findings, size_t finding_count,
                         Taskrouter__Routing__V1__Rule **out_reply, struct err *err)
{
    Taskrouter__Routing__V1__Rule *wire = rule_to_wire(call->arena, rule);
    if (wire == NULL || !rule_warnings_to_wire(call->arena, findings, finding_count,
                                               &wire->warnings, &wire->n_warnings))
        return call_no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

enum err_code rule_hold_workflows(struct db_conn *conn, struct call *call, const struct rule *rule,
                                  struct err *err)
{
    for (size_t i = 0; i < rule->action_count; i++) {
        if (rule->actions[i].type != RULE_ACTION_ROUTE_TO_WORKFLOW)
            continue;
        char *sid = arena_str_dup(call->arena, rule->actions[i].target);
        bool exists = false;
        enum err_code code =
            sid == NULL ? call_no_room(err)
                        : workflow_store_hold(conn, call, rule->workspace_sid, sid, &exists, err);
        if (code != ERR_OK)
            return code;
        if (!exists) {
            char field[64];
            (void)snprintf(field, sizeof field, "actions[%zu].target", i);
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "WORKFLOW_NOT_FOUND", field,
                             "actions[%zu].target: workflow %s was deleted meanwhile", i, sid);
        }
    }
    return ERR_OK;
}

enum err_code rule_check_comment(const char *comment, struct err *err)
{
    size_t chars = str_utf8_count(str_from(comment));
    if (chars <= RULE_COMMENT_MAX)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_LONG", "comment",
                     "comment has %zu characters; it may have at most %d", chars, RULE_COMMENT_MAX);
}
