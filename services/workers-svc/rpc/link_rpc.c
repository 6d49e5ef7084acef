#include "link_rpc.h"

#include <string.h>

#include "access.h"
#include "outbox/outbox.h"
#include "svc/check.h"
#include "user_peer.h"
#include "worker_events.h"
#include "worker_store.h"
#include "workers.h"

typedef Taskrouter__Workers__V1__Worker wire_worker;

static enum err_code reply_with(struct call *call, const struct worker *worker,
                                wire_worker **out_reply, struct err *err)
{
    *out_reply = worker_to_wire(call->arena, worker, NULL, 0);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}

/* The link is no field of Twilio's, so its change is told as one of the worker's own. */
static enum err_code set_user(struct db_conn *conn, struct call *call, struct worker *worker,
                              const char *user_sid, struct err *err)
{
    enum err_code code = worker_store_set_user(conn, call, worker, user_sid, err);
    if (code != ERR_OK)
        return code;
    return worker_event_append(conn, call, worker,
                               &(struct worker_change){.type = "worker.attributes.update"}, err);
}

/* ---- link ---- */

struct link {
    const Taskrouter__Workers__V1__LinkWorkerRequest *request;
    struct worker worker; /* out: as it is now */
};

/* The user's other worker gives way, or is in the way. A tombstone gives way unasked, untold. */
static enum err_code free_user(struct db_conn *conn, struct call *call, const struct link *link,
                               struct err *err)
{
    const Taskrouter__Workers__V1__LinkWorkerRequest *request = link->request;
    const char *sid = NULL;
    bool is_vanished = false;
    enum err_code code = worker_store_by_user(conn, call, link->worker.workspace_sid,
                                              request->user_sid, &sid, &is_vanished, err);
    if (code != ERR_OK || sid[0] == '\0')
        return code;
    if (is_vanished)
        return worker_store_clear_user(conn, call, sid, err);
    if (!request->replace)
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "USER_LINKED", "user_sid",
                         "user %s is linked to worker %s already; unlink it first, or set replace",
                         request->user_sid, sid);
    struct worker other;
    code = worker_store_lock(conn, call, link->worker.workspace_sid, sid, &other, err);
    return code == ERR_OK ? set_user(conn, call, &other, "", err) : code;
}

/* The workspace is held: links of it are made one after another, so what is looked up stays. */
static enum err_code link_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct link *link = ctx;
    const Taskrouter__Workers__V1__LinkWorkerRequest *request = link->request;
    struct worker *worker = &link->worker;
    struct workspace workspace;
    enum err_code code = access_workspace_lock(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = access_worker_lock(conn, call, &workspace, request->sid, worker, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             worker->version, err);
    if (code != ERR_OK || strcmp(worker->user_sid, request->user_sid) == 0)
        return code;
    if (worker->user_sid[0] != '\0' && !request->replace)
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "WORKER_LINKED", "sid",
                         "worker %s is linked to user %s already; unlink it first, or set replace",
                         worker->sid, worker->user_sid);
    code = free_user(conn, call, link, err);
    return code == ERR_OK ? set_user(conn, call, worker, request->user_sid, err) : code;
}

/* Before another service is asked: the worker is there, and the caller may see it. */
static enum err_code require_worker(struct workers *workers, struct call *call,
                                    const Taskrouter__Workers__V1__LinkWorkerRequest *request,
                                    const char **out_account_sid, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    struct worker worker;
    enum err_code code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = access_worker(conn, call, &workspace, request->sid, &worker, err);
    if (code == ERR_OK)
        *out_account_sid = workspace.account_sid;
    return code;
}

enum err_code link_rpc_link(void *app, struct call *call,
                            const Taskrouter__Workers__V1__LinkWorkerRequest *request,
                            wire_worker **out_reply, struct err *err)
{
    struct workers *workers = app;
    struct link link = {.request = request};
    const char *account_sid = NULL;
    enum err_code code = check_sid("sid", request->sid, "WK", err);
    if (code == ERR_OK)
        code = check_sid("user_sid", request->user_sid, "US", err);
    if (code == ERR_OK)
        code = require_worker(workers, call, request, &account_sid, err);
    if (code == ERR_OK)
        code = user_peer_require(workers, call, account_sid, request->user_sid, err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, link_tx, &link, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    return reply_with(call, &link.worker, out_reply, err);
}

/* ---- unlink ---- */

struct unlink {
    const Taskrouter__Workers__V1__UnlinkWorkerRequest *request;
    struct worker worker; /* out: as it is now */
};

static enum err_code unlink_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct unlink *unlink = ctx;
    const Taskrouter__Workers__V1__UnlinkWorkerRequest *request = unlink->request;
    struct workspace workspace;
    enum err_code code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = access_worker_lock(conn, call, &workspace, request->sid, &unlink->worker, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             unlink->worker.version, err);
    if (code != ERR_OK || unlink->worker.user_sid[0] == '\0')
        return code;
    return set_user(conn, call, &unlink->worker, "", err);
}

enum err_code link_rpc_unlink(void *app, struct call *call,
                              const Taskrouter__Workers__V1__UnlinkWorkerRequest *request,
                              wire_worker **out_reply, struct err *err)
{
    struct workers *workers = app;
    struct unlink unlink = {.request = request};
    enum err_code code = check_sid("sid", request->sid, "WK", err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, unlink_tx, &unlink, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    return reply_with(call, &unlink.worker, out_reply, err);
}
