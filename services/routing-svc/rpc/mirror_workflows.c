/* Workflows from Twilio: each new document is a version of its own. */
#include <string.h>

#include "mirror_rpc.h"
#include "outbox/outbox.h"
#include "routing.h"
#include "routing_events.h"
#include "svc/mirror.h"
#include "svc/wire.h"
#include "workflow_store.h"

typedef Taskrouter__Routing__V1__PutWorkflowsRequest put_request;
typedef Taskrouter__Routing__V1__Workflow wire_workflow;

static const struct mirror_kind kind = {"WW", "workflow"};

/* A Put under way; arrays of count, in the order of the request. */
struct put {
    const put_request *request;
    const struct workspace_copy *workspace;
    int64_t observed_at_us;
    size_t count;
    struct workflow *theirs;
    bool *has_new_document;
    struct mirror_item *items;
    Taskrouter__Common__V1__MirrorResults *reply;
};

static struct workflow from_wire(const struct put *put, const wire_workflow *wire)
{
    return (struct workflow){
        .sid = wire->sid,
        .account_sid = put->workspace->account_sid,
        .workspace_sid = put->workspace->sid,
        .friendly_name = wire->friendly_name,
        .configuration = wire->configuration,
        .configuration_version = 1,
        .assignment_callback_url = wire->assignment_callback_url,
        .fallback_assignment_callback_url = wire->fallback_assignment_callback_url,
        .task_reservation_timeout_s = wire->task_reservation_timeout == 0
                                          ? WORKFLOW_RESERVATION_DEFAULT
                                          : wire->task_reservation_timeout,
        .version = 1,
        .created_at_us = wire_time_us(wire->date_created),
        .updated_at_us = wire_time_us(wire->date_updated),
        .observed_at_us = put->observed_at_us,
    };
}

static enum err_code take_in(struct put *put, struct call *call, struct err *err)
{
    put->count = put->request->n_items;
    put->theirs = ARENA_ARRAY(call->arena, struct workflow, put->count);
    put->items = ARENA_ARRAY(call->arena, struct mirror_item, put->count);
    put->has_new_document = ARENA_ARRAY(call->arena, bool, put->count);
    if (put->theirs == NULL || put->items == NULL || put->has_new_document == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        const wire_workflow *wire = put->request->items[i];
        put->theirs[i] = from_wire(put, wire);
        put->has_new_document[i] = true;
        put->items[i] = (struct mirror_item){
            .sid = wire->sid,
            .friendly_name = wire->friendly_name,
            .account_sid = wire->account_sid,
            .workspace_sid = wire->workspace_sid,
            .name = wire->friendly_name,
            .name_now = "",
        };
        mirror_diff_init(&put->items[i].diff, call->arena);
        struct err wrong = {.code = ERR_OK};
        if (workflow_check_mirrored(&put->theirs[i], &wrong) != ERR_OK)
            put->items[i].problem = arena_strdup(call->arena, wrong.detail);
    }
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

static void compare(struct mirror_diff *diff, const struct workflow *ours,
                    const struct workflow *theirs)
{
    mirror_diff_text(diff, "friendly_name", ours->friendly_name, theirs->friendly_name);
    mirror_diff_json(diff, "configuration", ours->configuration, theirs->configuration);
    mirror_diff_text(diff, "assignment_callback_url", ours->assignment_callback_url,
                     theirs->assignment_callback_url);
    mirror_diff_text(diff, "fallback_assignment_callback_url",
                     ours->fallback_assignment_callback_url,
                     theirs->fallback_assignment_callback_url);
    mirror_diff_i64(diff, "task_reservation_timeout", ours->task_reservation_timeout_s,
                    theirs->task_reservation_timeout_s);
}

/* The same document in other words stays as it was. True for a new one. */
static bool keep_document(const struct workflow *ours, struct workflow *theirs)
{
    struct str old = str_from(ours->configuration);
    struct str new = str_from(theirs->configuration);
    bool is_same = str_eq(old, new) || mirror_json_eq(old, new);
    theirs->configuration_version = ours->configuration_version + (is_same ? 0 : 1);
    if (is_same)
        theirs->configuration = ours->configuration;
    return !is_same;
}

static void match(struct put *put, const struct workflow *ours, const char *key)
{
    bool is_here = strcmp(ours->workspace_sid, put->workspace->sid) == 0;
    for (size_t i = 0; i < put->count; i++) {
        struct mirror_item *item = &put->items[i];
        struct workflow *theirs = &put->theirs[i];
        if (strcmp(item->sid, ours->sid) != 0)
            continue;
        item->row = (struct mirror_row){true, ours->is_vanished, ours->observed_at_us};
        item->row_workspace_sid = ours->workspace_sid;
        if (!is_here)
            continue;
        item->name_now = key;
        theirs->version = ours->version + 1;
        if (theirs->created_at_us == 0)
            theirs->created_at_us = ours->created_at_us;
        compare(&item->diff, ours, theirs);
        put->has_new_document[i] = keep_document(ours, theirs);
    }
}

/* What we have under these SIDs and names. */
static enum err_code look_up(struct put *put, struct db_conn *conn, struct call *call,
                             struct err *err)
{
    struct str *texts = ARENA_ARRAY(call->arena, struct str, put->count);
    struct workflow *rows = NULL;
    const char **keys = NULL;
    const char **holders = NULL;
    size_t count = 0;
    if (texts == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++)
        texts[i] = str_from(put->items[i].sid);
    enum err_code code =
        workflow_store_mirror_find(conn, call, texts, put->count, &rows, &keys, &count, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        match(put, &rows[i], keys[i]);
    if (code == ERR_OK)
        code = mirror_gone_find(conn, call, put->items, put->count, err);
    for (size_t i = 0; i < put->count; i++)
        texts[i] = str_from(put->theirs[i].friendly_name);
    if (code == ERR_OK)
        code = workflow_store_mirror_names(conn, call, put->workspace->sid, texts, put->count,
                                           &keys, &holders, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++) {
        put->items[i].name_wanted = keys[i];
        put->items[i].name_holder = holders[i];
    }
    return code;
}

/* Names are taken away first: some may be swapped. */
static enum err_code park(const struct put *put, struct db_conn *conn, struct call *call,
                          struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, put->count);
    size_t count = 0;
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        const struct mirror_item *item = &put->items[i];
        if (mirror_item_is_written(item) && item->name_now[0] != '\0' &&
            strcmp(item->name_now, item->name_wanted) != 0)
            sids[count++] = str_from(item->sid);
    }
    return count == 0 ? ERR_OK : workflow_store_mirror_park(conn, call, sids, count, err);
}

static enum err_code put_row(const struct put *put, struct db_conn *conn, struct call *call,
                             size_t index, struct err *err)
{
    struct workflow *workflow = &put->theirs[index];
    if (workflow->created_at_us == 0)
        workflow->created_at_us = workflow->observed_at_us;
    if (workflow->updated_at_us == 0)
        workflow->updated_at_us = workflow->observed_at_us;
    enum err_code code =
        workflow_store_mirror_put(conn, call, workflow, put->has_new_document[index], err);
    if (code != ERR_OK)
        return code;
    bool is_created = put->items[index].outcome == MIRROR_CREATED;
    struct workflow_change change = {.type = is_created ? "workflow.created" : "workflow.updated"};
    return workflow_event_append(conn, call, workflow, &change, err);
}

static enum err_code write(struct put *put, struct db_conn *conn, struct call *call,
                           struct err *err)
{
    struct workflow *same = ARENA_ARRAY(call->arena, struct workflow, put->count);
    size_t same_count = 0;
    if (same == NULL)
        return call_no_room(err);
    enum err_code code = park(put, conn, call, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++) {
        const struct mirror_item *item = &put->items[i];
        if (mirror_item_is_written(item))
            code = put_row(put, conn, call, i, err);
        else if (item->outcome == MIRROR_UNCHANGED)
            same[same_count++] = put->theirs[i];
    }
    if (code == ERR_OK && same_count > 0)
        code =
            workflow_store_mirror_observe(conn, call, same, same_count, put->observed_at_us, err);
    return code;
}

static enum err_code put_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct put *put = ctx;
    enum err_code code = workspaces_lock(conn, call, put->workspace->sid, err);
    if (code == ERR_OK)
        code = take_in(put, call, err);
    if (code == ERR_OK)
        code = look_up(put, conn, call, err);
    if (code == ERR_OK)
        code = mirror_items_settle(call, put->workspace, &kind, put->observed_at_us, put->items,
                                   put->count, err);
    if (code == ERR_OK && !put->request->dry_run)
        code = write(put, conn, call, err);
    if (code != ERR_OK)
        return code;
    put->reply = mirror_items_results(call->arena, put->items, put->count);
    return put->reply == NULL ? call_no_room(err) : ERR_OK;
}

enum err_code mirror_rpc_put_workflows(void *app, struct call *call, const put_request *request,
                                       Taskrouter__Common__V1__MirrorResults **out_reply,
                                       struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    struct put put = {.request = request, .workspace = &workspace};
    enum err_code code = mirror_require_mirrored(&routing->workspaces, call, request->workspace_sid,
                                                 &workspace, err);
    if (code == ERR_OK)
        code =
            mirror_check_request(request->n_items, request->observed_at, &put.observed_at_us, err);
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, put_tx, &put, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(routing->host.outbox);
    *out_reply = put.reply;
    return ERR_OK;
}
