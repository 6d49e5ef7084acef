/* PutWorkspace. */
#include <string.h>

#include "mirror_items.h"
#include "mirror_rpc.h"
#include "outbox/outbox.h"
#include "svc/check.h"
#include "worker_events.h"
#include "workers.h"
#include "workspace_store.h"

struct adoption {
    const Taskrouter__Workers__V1__PutWorkspaceRequest *request;
    struct put put;        /* of one item; its workspace is what is to be stored */
    int64_t known_version; /* of the row; 0: there is none */
};

/* What Twilio does not tell stays as it is, or is as in a new one. */
static void from_request(struct adoption *all)
{
    const Taskrouter__Workers__V1__Workspace *wire = all->request->workspace;
    all->put.workspace = (struct workspace){
        .sid = wire->sid,
        .account_sid = wire->account_sid,
        .friendly_name = wire->friendly_name,
        .provider = PROVIDER_TWILIO,
        .default_activity_sid = wire->default_activity_sid,
        .default_activity_name = "",
        .timeout_activity_sid = wire->timeout_activity_sid,
        .timeout_activity_name = "",
        .event_callback_url = wire->event_callback_url,
        .events_filter = wire->events_filter,
        .multi_task_enabled = wire->multi_task_enabled,
        .prioritize_queue_order = queue_order_from_wire(wire->prioritize_queue_order),
        .time_zone = wire->time_zone,
        .template_name = "NONE",
    };
    if (all->put.workspace.prioritize_queue_order == QUEUE_ORDER_NONE)
        all->put.workspace.prioritize_queue_order = QUEUE_ORDER_FIFO;
}

static const char *problem_of(const struct put *put)
{
    const struct workspace *wanted = &put->workspace;
    struct err cause = {.code = ERR_OK};
    if (check_sid("account_sid", wanted->account_sid, "AC", &cause) != ERR_OK ||
        check_optional_sid("default_activity_sid", wanted->default_activity_sid, "WA", &cause) !=
            ERR_OK ||
        check_optional_sid("timeout_activity_sid", wanted->timeout_activity_sid, "WA", &cause) !=
            ERR_OK ||
        check_optional_url("event_callback_url", wanted->event_callback_url, &cause) != ERR_OK ||
        workspace_check(wanted, &cause) != ERR_OK)
        return put_detail(put, &cause);
    return NULL;
}

static void compare(struct mirror_diff *diff, const struct workspace *row,
                    const struct workspace *wanted)
{
    mirror_diff_text(diff, "friendly_name", row->friendly_name, wanted->friendly_name);
    mirror_diff_text(diff, "default_activity_sid", row->default_activity_sid,
                     wanted->default_activity_sid);
    mirror_diff_text(diff, "timeout_activity_sid", row->timeout_activity_sid,
                     wanted->timeout_activity_sid);
    mirror_diff_text(diff, "event_callback_url", row->event_callback_url,
                     wanted->event_callback_url);
    mirror_diff_text(diff, "events_filter", row->events_filter, wanted->events_filter);
    mirror_diff_bool(diff, "multi_task_enabled", row->multi_task_enabled,
                     wanted->multi_task_enabled);
    mirror_diff_text(diff, "prioritize_queue_order", queue_order_name(row->prioritize_queue_order),
                     queue_order_name(wanted->prioritize_queue_order));
    mirror_diff_text(diff, "time_zone", row->time_zone, wanted->time_zone);
}

static enum err_code judge(struct adoption *all, struct db_conn *conn, struct err *err)
{
    static const struct mirror_kind kind = {.prefix = "WS", .noun = "workspace"};
    const Taskrouter__Workers__V1__Workspace *wire = all->request->workspace;
    struct put *put = &all->put;
    struct mirror_item *item = &put->items[0];
    struct workspace *wanted = &put->workspace;
    struct workspace row;
    struct mirror_found found;
    enum err_code code = mirror_workspace_store_find(conn, put->call, wanted, &row, &found, err);
    if (code == ERR_OK && found.exists)
        code = mirror_check_mirrored(wanted->sid, row.provider == PROVIDER_TWILIO, err);
    if (code != ERR_OK)
        return code;
    if (wanted->time_zone[0] == '\0')
        wanted->time_zone = found.exists ? row.time_zone : "UTC";
    item->problem = problem_of(put);
    item->account_sid = wanted->account_sid;
    if (found.exists) /* it stays in its account */
        wanted->account_sid = row.account_sid;
    put_found(put, item, &found, wanted->sid);
    compare(&item->diff, &row, wanted);
    code = put_settle(put, conn, &kind, err);
    bool is_change = mirror_item_is_written(item);
    all->known_version = row.version;
    wanted->version = row.version + (is_change ? 1 : 0);
    wanted->created_at_us = put_date(put, wire->date_created, row.created_at_us);
    wanted->updated_at_us = put_date(put, wire->date_updated, is_change ? 0 : row.updated_at_us);
    return code;
}

static enum err_code write(struct adoption *all, struct db_conn *conn, struct err *err)
{
    struct put *put = &all->put;
    bool is_new = put->items[0].outcome == MIRROR_CREATED;
    if (!put_is_stored(&put->items[0]))
        return ERR_OK;
    enum err_code code = mirror_workspace_store_put(conn, put->call, &put->workspace,
                                                    all->known_version, put->observed_at_us, err);
    if (code != ERR_OK || !mirror_item_is_written(&put->items[0]))
        return code;
    struct workspace now; /* with the names of its activities */
    code = workspace_store_get(conn, put->call, put->workspace.sid, &now, err);
    if (code != ERR_OK)
        return code;
    return workspace_event_append(
        conn, put->call, is_new ? "workspace.created" : "workspace.updated", &now, false, err);
}

static enum err_code put_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct adoption *all = ctx;
    from_request(all);
    enum err_code code = put_new_items(&all->put, err);
    if (code != ERR_OK)
        return code;
    all->put.items[0].sid = all->put.workspace.sid;
    all->put.items[0].friendly_name = all->put.workspace.friendly_name;
    if (!all->put.is_dry_run)
        code = mirror_workspace_store_lock(conn, call, all->put.workspace.sid, err);
    if (code == ERR_OK)
        code = judge(all, conn, err);
    if (code == ERR_OK && !all->put.is_dry_run)
        code = write(all, conn, err);
    return code;
}

enum err_code mirror_rpc_put_workspace(void *app, struct call *call,
                                       const Taskrouter__Workers__V1__PutWorkspaceRequest *request,
                                       Taskrouter__Common__V1__MirrorResult **out_reply,
                                       struct err *err)
{
    struct workers *workers = app;
    if (request->workspace == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "workspace",
                         "workspace is required; give it as Twilio has it");
    struct adoption all = {.request = request};
    enum err_code code = check_sid("workspace_sid", request->workspace->sid, "WS", err);
    if (code == ERR_OK)
        code = put_from(&all.put, workers, call, request->workspace->sid, 1, request->observed_at,
                        request->dry_run, err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, put_tx, &all, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    Taskrouter__Common__V1__MirrorResults *results = NULL;
    code = put_reply(&all.put, &results, err);
    if (code == ERR_OK)
        *out_reply = results->items[0];
    return code;
}
