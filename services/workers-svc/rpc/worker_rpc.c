#include "worker_rpc.h"

#include <string.h>

#include "access.h"
#include "activity_store.h"
#include "base/clock.h"
#include "base/ids.h"
#include "expr/expr.h"
#include "outbox/outbox.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/page.h"
#include "svc/repeat.h"
#include "worker_events.h"
#include "worker_store.h"
#include "workers.h"

#define LIST_TAG "wk"

enum {
    SCAN_MAX = 5000,  /* rows looked at for one page of an expression filter */
    SCAN_BATCH = 250, /* rows read at once; those without a match are forgotten again */
};

typedef Taskrouter__Workers__V1__Worker wire_worker;

static enum err_code reply_with(struct call *call, const struct worker *item,
                                wire_worker **out_reply, struct err *err)
{
    wire_worker *wire = worker_to_wire(call->arena, item, NULL, 0);
    if (wire == NULL)
        return call_no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

/* The activity that a worker is to be in; NOT_FOUND becomes a fault of the request. */
static enum err_code find_activity(struct db_conn *conn, struct call *call,
                                   const char *workspace_sid, const char *sid, struct activity *out,
                                   struct err *err)
{
    enum err_code code = check_sid("activity_sid", sid, "WA", err);
    if (code == ERR_OK)
        code = activity_store_get(conn, call, workspace_sid, sid, out, err);
    if (code == ERR_NOT_FOUND)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ACTIVITY_NOT_FOUND", "activity_sid",
                         "there is no activity %s in workspace %s; list its activities", sid,
                         workspace_sid);
    return code;
}

/* ---- create ---- */

struct create_context {
    const Taskrouter__Workers__V1__CreateWorkerRequest *request;
    struct worker worker;
    wire_worker *reply;
};

static enum err_code create_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct create_context *create = ctx;
    const Taskrouter__Workers__V1__CreateWorkerRequest *request = create->request;
    struct idempotency use;
    ProtobufCMessage *first_reply = NULL;
    struct workspace workspace;
    enum err_code code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code != ERR_OK)
        return code;
    code = repeat_claim(conn, call, &use, "CreateWorker", request->idempotency_key, &request->base,
                        &taskrouter__workers__v1__worker__descriptor, &first_reply, err);
    if (code != ERR_OK)
        return code;
    if (first_reply != NULL) {
        create->reply = (wire_worker *)(void *)first_reply;
        return ERR_OK;
    }
    struct activity activity;
    const char *activity_sid =
        request->activity_sid[0] != '\0' ? request->activity_sid : workspace.default_activity_sid;
    code = find_activity(conn, call, workspace.sid, activity_sid, &activity, err);
    if (code != ERR_OK)
        return code;
    create->worker.account_sid = workspace.account_sid;
    create->worker.workspace_sid = workspace.sid;
    create->worker.activity_sid = activity.sid;
    create->worker.activity_name = activity.friendly_name;
    create->worker.available = activity.available;
    code = worker_store_insert(conn, call, &create->worker, err);
    if (code == ERR_OK)
        code = worker_event_append(conn, call, &create->worker,
                                   &(struct worker_change){.type = "worker.created"}, err);
    if (code == ERR_OK)
        code = reply_with(call, &create->worker, &create->reply, err);
    if (code == ERR_OK)
        code = repeat_store(conn, call, &use, &create->reply->base, err);
    return code;
}

enum err_code worker_rpc_create(void *app, struct call *call,
                                const Taskrouter__Workers__V1__CreateWorkerRequest *request,
                                wire_worker **out_reply, struct err *err)
{
    struct workers *workers = app;
    struct sid sid = sid_new("WK");
    struct create_context create = {
        .request = request,
        .worker =
            {
                     .sid = sid.text,
                     .friendly_name = request->friendly_name,
                     .attributes = request->attributes[0] == '\0' ? "{}" : request->attributes,
                     .user_sid = "",
                     },
    };
    enum err_code code = worker_check(&create.worker, err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, create_tx, &create, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    *out_reply = create.reply;
    return ERR_OK;
}

/* ---- get and list ---- */

enum err_code worker_rpc_get(void *app, struct call *call,
                             const Taskrouter__Workers__V1__GetWorkerRequest *request,
                             wire_worker **out_reply, struct err *err)
{
    struct workers *workers = app;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    struct worker worker;
    enum err_code code = check_sid("sid", request->sid, "WK", err);
    if (code == ERR_OK)
        code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = worker_store_get(conn, call, workspace.sid, request->sid, &worker, err);
    return code == ERR_OK ? reply_with(call, &worker, out_reply, err) : code;
}

static enum err_code fill_list(struct call *call, struct worker *items, size_t count, size_t limit,
                               Taskrouter__Workers__V1__ListWorkersResponse **out_reply,
                               struct err *err)
{
    Taskrouter__Workers__V1__ListWorkersResponse *reply =
        PB_NEW(call->arena, taskrouter__workers__v1__list_workers_response);
    wire_worker **wires = ARENA_ARRAY(call->arena, wire_worker *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > limit) {
        count = limit;
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, items[count - 1].sid);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = worker_to_wire(call->arena, &items[i], NULL, 0);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

static const char *const builtin_names[] = {"sid", "friendly_name", "activity_sid",
                                            "activity_name"};

static bool is_match(const struct expr *expr, const struct worker *worker,
                     struct expr_field *const *fields)
{
    struct expr_record *record = NULL;
    if (expr_record_new(str_from(worker->attributes), &record, NULL) != ERR_OK)
        return false;
    const char *values[] = {worker->sid, worker->friendly_name, worker->activity_sid,
                            worker->activity_name};
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        expr_record_set_str(record, fields[i], str_from(values[i]));
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = record}};
    bool matches = expr_eval(expr, &env);
    expr_record_free(record);
    return matches;
}

/*
 * One page of the workers for whom the expression is true: reads on until the page is full or the
 * scan has cost enough; the cursor then continues where it stopped, with a shorter page.
 */
static enum err_code list_matching(struct db_conn *conn, struct call *call,
                                   struct worker_filter *filter, const char *expression,
                                   size_t page_size,
                                   Taskrouter__Workers__V1__ListWorkersResponse **out_reply,
                                   struct err *err)
{
    struct expr *expr = NULL;
    struct err cause = {.code = ERR_OK};
    enum err_code code = expr_compile(str_from(expression), &expr_context_queue, &expr, &cause);
    if (code != ERR_OK)
        return ERR_FIELD(err, code, cause.reason, "target_workers_expression",
                         "targetWorkersExpression: %s", cause.detail);
    struct expr_field *fields[ARRAY_LEN(builtin_names)];
    for (size_t i = 0; i < ARRAY_LEN(builtin_names); i++)
        fields[i] = expr_field_new(str_from(builtin_names[i]));
    struct worker *kept = ARENA_ARRAY(call->arena, struct worker, page_size + 1);
    size_t kept_count = 0;
    size_t scanned = 0;
    const char *stopped_at = NULL; /* the scan ended here, unfinished */
    bool is_done = kept == NULL;
    filter->limit = SCAN_BATCH;
    struct sid after = sid_from(str_from(filter->after));
    filter->after = after.text;
    while (!is_done && code == ERR_OK) {
        struct arena_mark mark = arena_mark(call->arena);
        size_t kept_before = kept_count;
        struct worker *rows = NULL;
        size_t count = 0;
        code = worker_store_list(conn, call, filter, &rows, &count, err);
        for (size_t i = 0; i < count && code == ERR_OK && kept_count <= page_size; i++) {
            after = sid_from(str_from(rows[i].sid));
            if (is_match(expr, &rows[i], fields))
                kept[kept_count++] = rows[i];
        }
        if (kept_count == kept_before)
            arena_rewind(call->arena, mark);
        scanned += count;
        is_done = count < filter->limit || kept_count > page_size;
        if (!is_done && scanned >= SCAN_MAX) {
            stopped_at = after.text;
            is_done = true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(builtin_names); i++)
        expr_field_free(fields[i]);
    expr_free(expr);
    if (code == ERR_OK && kept == NULL)
        return call_no_room(err);
    if (code == ERR_OK)
        code = fill_list(call, kept, kept_count, page_size, out_reply, err);
    if (code == ERR_OK && stopped_at != NULL && (*out_reply)->next_cursor[0] == '\0') {
        char *cursor = page_cursor(call->arena, LIST_TAG, stopped_at);
        if (cursor == NULL)
            return call_no_room(err);
        (*out_reply)->next_cursor = cursor;
    }
    return code;
}

enum err_code worker_rpc_list(void *app, struct call *call,
                              const Taskrouter__Workers__V1__ListWorkersRequest *request,
                              Taskrouter__Workers__V1__ListWorkersResponse **out_reply,
                              struct err *err)
{
    struct workers *workers = app;
    struct page page;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    enum err_code code =
        page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = check_optional_sid("activity_sid", request->activity_sid, "WA", err);
    if (code == ERR_OK)
        code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code != ERR_OK)
        return code;
    bool is_available = request->available;
    struct worker_filter filter = {
        .workspace_sid = workspace.sid,
        .friendly_name = request->friendly_name,
        .activity_sid = request->activity_sid,
        .activity_name = request->activity_name,
        .available = request->_available_case != 0 ? &is_available : NULL,
        .after = page.after,
        .limit = (size_t)page.size + 1, /* one more tells whether there is a next page */
    };
    if (request->target_workers_expression[0] != '\0')
        return list_matching(conn, call, &filter, request->target_workers_expression,
                             (size_t)page.size, out_reply, err);
    struct worker *items = NULL;
    size_t count = 0;
    code = worker_store_list(conn, call, &filter, &items, &count, err);
    return code == ERR_OK ? fill_list(call, items, count, (size_t)page.size, out_reply, err) : code;
}

/* ---- update and delete ---- */

static const char *const updatable[] = {"friendly_name", "attributes", "activity_sid"};

struct update_context {
    const Taskrouter__Workers__V1__UpdateWorkerRequest *request;
    struct worker worker; /* out: as it is now */
};

/* An agent changes the activity of its own worker, nothing else. */
static enum err_code check_agent(const struct call *call,
                                 const Taskrouter__Workers__V1__UpdateWorkerRequest *request,
                                 struct err *err)
{
    if (call->who.role != ROLE_AGENT)
        return ERR_OK;
    if (strcmp(call->who.worker_sid, request->worker->sid) != 0)
        return ERR_SET(err, ERR_PERMISSION_DENIED, "NOT_OWN_WORKER",
                       "an agent may change its own worker only");
    if (mask_has(request->update_mask, "friendly_name") ||
        mask_has(request->update_mask, "attributes"))
        return ERR_SET(err, ERR_PERMISSION_DENIED, "ACTIVITY_ONLY",
                       "an agent may change its activity only; ask a supervisor for the rest");
    return ERR_OK;
}

static enum err_code append_updates(struct db_conn *conn, struct call *call,
                                    const struct worker *before, const struct worker *worker,
                                    bool reject_pending, struct err *err)
{
    bool is_moved = strcmp(before->activity_sid, worker->activity_sid) != 0;
    bool is_changed = strcmp(before->attributes, worker->attributes) != 0 ||
                      strcmp(before->friendly_name, worker->friendly_name) != 0;
    enum err_code code = ERR_OK;
    if (is_moved || reject_pending)
        code = worker_event_append(conn, call, worker,
                                   &(struct worker_change){
                                       .type = "worker.activity.update",
                                       .before = before,
                                       .reject_pending_reservations = reject_pending,
                                   },
                                   err);
    if (code == ERR_OK && (is_changed || (!is_moved && !reject_pending)))
        code = worker_event_append(
            conn, call, worker, &(struct worker_change){.type = "worker.attributes.update"}, err);
    return code;
}

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Workers__V1__UpdateWorkerRequest *request = update->request;
    struct worker *worker = &update->worker;
    struct workspace workspace;
    enum err_code code =
        access_workspace(conn, call, request->worker->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = worker_store_lock(conn, call, workspace.sid, request->worker->sid, worker, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             worker->version, err);
    if (code != ERR_OK)
        return code;
    struct worker before = *worker;
    if (mask_has(request->update_mask, "friendly_name"))
        worker->friendly_name = request->worker->friendly_name;
    if (mask_has(request->update_mask, "attributes"))
        worker->attributes =
            request->worker->attributes[0] == '\0' ? "{}" : request->worker->attributes;
    code = worker_check(worker, err);
    if (code == ERR_OK && mask_has(request->update_mask, "activity_sid")) {
        struct activity activity;
        code =
            find_activity(conn, call, workspace.sid, request->worker->activity_sid, &activity, err);
        if (code == ERR_OK && strcmp(activity.sid, before.activity_sid) != 0) {
            worker->activity_sid = activity.sid;
            worker->activity_name = activity.friendly_name;
            worker->available = activity.available;
            worker->status_changed_at_us = clock_now_us();
        }
    }
    if (code == ERR_OK)
        code = worker_store_update(conn, call, worker, err);
    if (code != ERR_OK)
        return code;
    bool reject_pending = request->reject_pending_reservations && !worker->available;
    return append_updates(conn, call, &before, worker, reject_pending, err);
}

enum err_code worker_rpc_update(void *app, struct call *call,
                                const Taskrouter__Workers__V1__UpdateWorkerRequest *request,
                                wire_worker **out_reply, struct err *err)
{
    struct workers *workers = app;
    if (request->worker == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "worker",
                         "worker is required; give it with workspace_sid and sid");
    struct update_context update = {.request = request};
    enum err_code code = check_sid("sid", request->worker->sid, "WK", err);
    if (code == ERR_OK)
        code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    if (code == ERR_OK)
        code = check_agent(call, request, err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, update_tx, &update, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    return reply_with(call, &update.worker, out_reply, err);
}

static enum err_code delete_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const Taskrouter__Workers__V1__DeleteWorkerRequest *request = ctx;
    struct workspace workspace;
    struct worker worker;
    enum err_code code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = worker_store_lock(conn, call, workspace.sid, request->sid, &worker, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             worker.version, err);
    if (code == ERR_OK)
        code = worker_store_delete(conn, call, worker.sid, err);
    if (code != ERR_OK)
        return code;
    worker.version++; /* newer than every event before */
    return worker_event_append(
        conn, call, &worker, &(struct worker_change){.type = "worker.deleted", .is_deleted = true},
        err);
}

enum err_code worker_rpc_delete(void *app, struct call *call,
                                const Taskrouter__Workers__V1__DeleteWorkerRequest *request,
                                Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct workers *workers = app;
    Taskrouter__Workers__V1__DeleteWorkerRequest copy = *request;
    enum err_code code = check_sid("sid", request->sid, "WK", err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, delete_tx, &copy, err);
    if (code == ERR_OK)
        outbox_wake(workers->host.outbox);
    return code;
}
