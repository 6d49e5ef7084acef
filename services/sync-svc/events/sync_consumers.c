#include "sync_consumers.h"

#include "base/macros.h"
#include "run_store.h"
#include "schedule_store.h"
#include "sync.h"

enum err_code sync_workspace_gone(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, struct err *err)
{
    enum err_code code = run_store_delete_all(conn, call, workspace_sid, err);
    return code == ERR_OK ? schedule_store_forget(conn, call, workspace_sid, err) : code;
}

static enum err_code on_workspace(void *ctx, struct call *call, const struct bus_msg *msg,
                                  struct err *err)
{
    const struct sync *sync = ctx;
    return workspaces_consume(&sync->workspaces, call, msg, err);
}

const struct bus_consumer_def sync_consumers[] = {
    {.durable = "sync-svc-workspaces",
     .subject = "taskrouter.*.workspace.>",
     .handler = on_workspace,
     .from = BUS_FROM_FIRST},
};

const size_t sync_consumer_count = ARRAY_LEN(sync_consumers);
