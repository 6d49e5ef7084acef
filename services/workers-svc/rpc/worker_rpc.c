#include "worker_rpc.h"

#include <string.h>

#include "access.h"
#include "activity_store.h"
#include "base/clock.h"
#include "base/ids.h"
#include "limit_store.h"
#include "outbox/outbox.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/repeat.h"
#include "worker_events.h"
#include "worker_store.h"
#include "workers.h"

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
    if (code != ERR_NOT_FOUND)
        return code;
    (void)ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ACTIVITY_NOT_FOUND", "activity_sid",
                    "there is no activity %s in workspace %s; list its activities", sid,
                    workspace_sid);
    return ERR_INVALID_ARGUMENT;
}

/* A worker who is about to be in an available activity, and was in none. */
static enum err_code check_active(struct db_conn *conn, struct call *call,
                                  const struct workers *workers, const char *workspace_sid,
                                  struct err *err)
{
    return limit_store_check(conn, call, WORKERS_LIMIT_ACTIVE,
                             workers->settings->limit_active_workers, workspace_sid, err);
}

/* ---- create ---- */

struct create_context {
    const struct workers *workers;
    const Taskrouter__Workers__V1__CreateWorkerRequest *request;
    struct workspace workspace; /* as the transaction sees it */
    struct worker worker;
    ProtobufCMessage *reply;
};

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create_context *create = ctx;
    const struct workspace *workspace = &create->workspace;
    const char *given = create->request->activity_sid;
    struct activity activity;
    wire_worker *reply = NULL;
    enum err_code code =
        find_activity(conn, call, workspace->sid,
                      given[0] != '\0' ? given : workspace->default_activity_sid, &activity, err);
    if (code != ERR_OK)
        return code;
    code = limit_store_check(conn, call, WORKERS_LIMIT_WORKERS,
                             create->workers->settings->limit_workers, workspace->sid, err);
    if (code == ERR_OK && activity.available)
        code = check_active(conn, call, create->workers, workspace->sid, err);
    if (code != ERR_OK)
        return code;
    create->worker.account_sid = workspace->account_sid;
    create->worker.workspace_sid = workspace->sid;
    create->worker.activity_sid = activity.sid;
    create->worker.activity_name = activity.friendly_name;
    create->worker.available = activity.available;
    code = worker_store_insert(conn, call, &create->worker, err);
    if (code == ERR_OK)
        code = worker_event_append(conn, call, &create->worker,
                                   &(struct worker_change){.type = "worker.created"}, err);
    if (code == ERR_OK)
        code = reply_with(call, &create->worker, &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

static enum err_code create_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct create_context *create = ctx;
    const Taskrouter__Workers__V1__CreateWorkerRequest *request = create->request;
    struct repeat repeat = {
        .method = "CreateWorker",
        .key = request->idempotency_key,
        .request = &request->base,
        .reply_type = &taskrouter__workers__v1__worker__descriptor,
    };
    enum err_code code =
        access_workspace(conn, call, request->workspace_sid, &create->workspace, err);
    if (code == ERR_OK)
        code = check_optional_sid("activity_sid", request->activity_sid, "WA", err);
    if (code == ERR_OK)
        code = access_local(&create->workspace, err);
    return code == ERR_OK ? repeat_run(conn, call, &repeat, make, create, &create->reply, err)
                          : code;
}

enum err_code worker_rpc_create(void *app, struct call *call,
                                const Taskrouter__Workers__V1__CreateWorkerRequest *request,
                                wire_worker **out_reply, struct err *err)
{
    struct workers *workers = app;
    struct sid sid = sid_new("WK");
    struct create_context create = {
        .workers = workers,
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
    *out_reply = (wire_worker *)(void *)create.reply;
    return ERR_OK;
}

/* ---- get ---- */

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
        code = access_worker(conn, call, &workspace, request->sid, &worker, err);
    return code == ERR_OK ? reply_with(call, &worker, out_reply, err) : code;
}

/* ---- update and delete ---- */

static const char *const updatable[] = {"friendly_name", "attributes", "activity_sid"};

struct update_context {
    const struct workers *workers;
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
        code = access_worker_lock(conn, call, &workspace, request->worker->sid, worker, err);
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
    bool does_move = mask_has(request->update_mask, "activity_sid");
    if (code == ERR_OK && does_move)
        code = check_sid("activity_sid", request->worker->activity_sid, "WA", err);
    if (code == ERR_OK)
        code = access_local(&workspace, err);
    if (code == ERR_OK && does_move) {
        struct activity activity;
        code =
            find_activity(conn, call, workspace.sid, request->worker->activity_sid, &activity, err);
        if (code == ERR_OK && activity.available && !before.available)
            code = check_active(conn, call, update->workers, workspace.sid, err);
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
    struct update_context update = {.workers = workers, .request = request};
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
        code = access_worker_lock(conn, call, &workspace, request->sid, &worker, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             worker.version, err);
    if (code == ERR_OK)
        code = access_local(&workspace, err);
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
