/* What Twilio has no longer becomes a tombstone. */
#include <string.h>

#include "base/parse.h"
#include "mirror_rpc.h"
#include "outbox/outbox.h"
#include "routing.h"
#include "routing_events.h"
#include "svc/mirror.h"
#include "workflow_store.h"

typedef Taskrouter__Routing__V1__VanishRequest vanish_request;

struct vanish {
    const vanish_request *request;
    const struct workspace_copy *workspace;
    int64_t observed_at_us;
    Taskrouter__Common__V1__MirrorResults *reply;
};

/* One SID of a Vanish. */
struct gone {
    mirror_outcome outcome;
    const char *friendly_name;
    const char *detail;
};

/* No tombstone can be made of what we never had: the SID is remembered. */
static enum err_code judge(const struct vanish *vanish, struct db_conn *conn, struct call *call,
                           const char *sid, const struct mirror_row *row, struct gone *gone,
                           struct err *err)
{
    gone->outcome = mirror_judge_vanish(row, vanish->observed_at_us);
    if (row->exists || vanish->request->dry_run)
        return ERR_OK;
    struct str text = str_from(sid);
    return mirror_gone_note(conn, call, vanish->workspace->sid, &text, 1, vanish->observed_at_us,
                            err);
}

static enum err_code vanish_workflow(const struct vanish *vanish, struct db_conn *conn,
                                     struct call *call, const char *sid, struct gone *gone,
                                     struct err *err)
{
    struct str text = str_from(sid);
    struct workflow *rows = NULL;
    const char **keys = NULL;
    size_t count = 0;
    enum err_code code =
        workflow_store_mirror_find(conn, call, &text, 1, &rows, &keys, &count, err);
    if (code != ERR_OK)
        return code;
    bool is_ours = count > 0 && strcmp(rows[0].workspace_sid, vanish->workspace->sid) == 0;
    if (count > 0 && !is_ours)
        return ERR_OK; /* unknown here */
    struct mirror_row row = {.exists = false};
    if (is_ours)
        row = (struct mirror_row){true, rows[0].is_vanished, rows[0].observed_at_us};
    code = judge(vanish, conn, call, sid, &row, gone, err);
    if (is_ours)
        gone->friendly_name = rows[0].friendly_name;
    if (code != ERR_OK || gone->outcome != MIRROR_VANISHED || vanish->request->dry_run)
        return code;
    code = workflow_store_mirror_vanish(conn, call, &rows[0], vanish->observed_at_us, err);
    struct workflow_change change = {.type = "workflow.deleted", .is_deleted = true};
    return code == ERR_OK ? workflow_event_append(conn, call, &rows[0], &change, err) : code;
}

static enum err_code vanish_one(const struct vanish *vanish, struct db_conn *conn,
                                struct call *call, const char *sid, struct gone *gone,
                                struct err *err)
{
    *gone = (struct gone){.outcome = MIRROR_UNKNOWN, .friendly_name = "", .detail = ""};
    if (parse_is_sid(str_from(sid), "WW"))
        return vanish_workflow(vanish, conn, call, sid, gone, err);
    gone->outcome = MIRROR_CONFLICTING;
    gone->detail = "this is no SID of a workflow";
    return ERR_OK;
}

static enum err_code vanish_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct vanish *vanish = ctx;
    size_t count = vanish->request->n_sids;
    Taskrouter__Common__V1__MirrorResult **results =
        ARENA_ARRAY(call->arena, Taskrouter__Common__V1__MirrorResult *, count);
    if (results == NULL)
        return call_no_room(err);
    enum err_code code = workspaces_lock(conn, call, vanish->workspace->sid, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        const char *sid = vanish->request->sids[i];
        struct gone gone;
        code = vanish_one(vanish, conn, call, sid, &gone, err);
        if (code == ERR_OK)
            results[i] = mirror_result(call->arena, sid, gone.friendly_name, gone.outcome, NULL,
                                       gone.detail);
    }
    if (code != ERR_OK)
        return code;
    vanish->reply = mirror_results(call->arena, results, count);
    return vanish->reply == NULL ? call_no_room(err) : ERR_OK;
}

enum err_code mirror_rpc_vanish(void *app, struct call *call, const vanish_request *request,
                                Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    struct vanish vanish = {.request = request, .workspace = &workspace};
    enum err_code code = mirror_require_mirrored(&routing->workspaces, call, request->workspace_sid,
                                                 &workspace, err);
    if (code == ERR_OK)
        code = mirror_check_request(request->n_sids, request->observed_at, &vanish.observed_at_us,
                                    err);
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, vanish_tx, &vanish, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(routing->host.outbox);
    *out_reply = vanish.reply;
    return ERR_OK;
}
