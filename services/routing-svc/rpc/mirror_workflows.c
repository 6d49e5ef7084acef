/* Workflows from Twilio: each new document is a version of its own. */
#include "mirror_keepers.h"
#include "mirror_rpc.h"
#include "routing.h"
#include "routing_events.h"
#include "svc/wire.h"
#include "workflow_store.h"

typedef Taskrouter__Routing__V1__PutWorkflowsRequest put_request;
typedef Taskrouter__Routing__V1__Workflow wire_workflow;

/* Of a Put; arrays in the order of the request. */
struct workflow_put {
    const put_request *request;
    struct workflow *rows;
    bool *has_new_document;
};

static struct workflow from_wire(const struct mirror_put *put, const wire_workflow *wire)
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

static enum err_code take_in(struct mirror_put *put, struct call *call, struct err *err)
{
    struct workflow_put *own = put->own;
    own->rows = ARENA_ARRAY(call->arena, struct workflow, put->count);
    own->has_new_document = ARENA_ARRAY(call->arena, bool, put->count);
    if (own->rows == NULL || own->has_new_document == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        const wire_workflow *wire = own->request->items[i];
        struct err wrong = {.code = ERR_OK};
        own->rows[i] = from_wire(put, wire);
        own->has_new_document[i] = true;
        bool is_fit = workflow_check_mirrored(&own->rows[i], &wrong) == ERR_OK;
        mirror_put_item(put, call, i,
                        &(struct mirror_said){
                            .sid = wire->sid,
                            .friendly_name = wire->friendly_name,
                            .account_sid = wire->account_sid,
                            .workspace_sid = wire->workspace_sid,
                            .name = wire->friendly_name,
                            .problem = is_fit ? NULL : arena_strdup(call->arena, wrong.detail),
                        });
    }
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code find(struct db_conn *conn, struct call *call, const struct str *sids,
                          size_t count, struct mirror_stored **out, size_t *out_count,
                          struct err *err)
{
    struct workflow *rows = NULL;
    const char **keys = NULL;
    enum err_code code =
        workflow_store_mirror_find(conn, call, sids, count, &rows, &keys, out_count, err);
    if (code != ERR_OK)
        return code;
    *out = ARENA_ARRAY(call->arena, struct mirror_stored, *out_count);
    if (*out == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < *out_count; i++)
        (*out)[i] = (struct mirror_stored){
            .row = &rows[i],
            .sid = rows[i].sid,
            .workspace_sid = rows[i].workspace_sid,
            .friendly_name = rows[i].friendly_name,
            .name_key = keys[i],
            .is_vanished = rows[i].is_vanished,
            .observed_at_us = rows[i].observed_at_us,
        };
    return ERR_OK;
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

static void meet(struct mirror_put *put, size_t index, const void *row)
{
    struct workflow_put *own = put->own;
    struct workflow *theirs = &own->rows[index];
    const struct workflow *ours = row;
    theirs->version = ours->version + 1;
    if (theirs->created_at_us == 0)
        theirs->created_at_us = ours->created_at_us;
    compare(&put->items[index].diff, ours, theirs);
    own->has_new_document[index] = keep_document(ours, theirs);
}

static enum err_code write_one(struct mirror_put *put, struct db_conn *conn, struct call *call,
                               size_t index, struct err *err)
{
    struct workflow_put *own = put->own;
    struct workflow *workflow = &own->rows[index];
    bool is_created = put->items[index].outcome == MIRROR_CREATED;
    if (workflow->created_at_us == 0)
        workflow->created_at_us = workflow->observed_at_us;
    if (workflow->updated_at_us == 0)
        workflow->updated_at_us = workflow->observed_at_us;
    struct workflow_change change = {.type = is_created ? "workflow.created" : "workflow.updated"};
    enum err_code code =
        workflow_store_mirror_put(conn, call, workflow, own->has_new_document[index], err);
    return code == ERR_OK ? workflow_event_append(conn, call, workflow, &change, err) : code;
}

static enum err_code observe(struct mirror_put *put, struct db_conn *conn, struct call *call,
                             const size_t *indexes, size_t count, struct err *err)
{
    struct workflow_put *own = put->own;
    struct workflow *same = ARENA_ARRAY(call->arena, struct workflow, count);
    if (same == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        same[i] = own->rows[indexes[i]];
    return workflow_store_mirror_observe(conn, call, same, count, put->observed_at_us, err);
}

static enum err_code vanish(struct db_conn *conn, struct call *call, void *row,
                            int64_t observed_at_us, struct err *err)
{
    struct workflow *workflow = row;
    enum err_code code = workflow_store_mirror_vanish(conn, call, workflow, observed_at_us, err);
    struct workflow_change change = {.type = "workflow.deleted", .is_deleted = true};
    return code == ERR_OK ? workflow_event_append(conn, call, workflow, &change, err) : code;
}

const struct mirror_keeper workflow_keeper = {
    .kind = {"WW", "workflow"},
    .take_in = take_in,
    .find = find,
    .meet = meet,
    .names = workflow_store_mirror_names,
    .park = workflow_store_mirror_park,
    .write = write_one,
    .observe = observe,
    .vanish = vanish,
};

enum err_code mirror_rpc_put_workflows(void *app, struct call *call, const put_request *request,
                                       Taskrouter__Common__V1__MirrorResults **out_reply,
                                       struct err *err)
{
    struct routing *routing = app;
    struct workflow_put own = {.request = request};
    struct mirror_put put = {
        .keeper = &workflow_keeper,
        .workspace_sid = request->workspace_sid,
        .observed_at = request->observed_at,
        .is_dry_run = request->dry_run,
        .count = request->n_items,
        .own = &own,
    };
    return mirror_put_run(&routing->host, &routing->workspaces, call, &put, out_reply, err);
}
