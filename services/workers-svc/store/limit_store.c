#include "limit_store.h"

#include "db/limit.h"
#include "limit_store_sql.h"

static const struct limit limits[WORKERS_LIMIT_COUNT] = {
    [WORKERS_LIMIT_WORKSPACES] = {"TASKROUTER_LIMIT_WORKSPACES",     "account",   "workspaces", NULL,
                                  &limit_workspace_nth    },
    [WORKERS_LIMIT_ACTIVITIES] = {"TASKROUTER_LIMIT_ACTIVITIES",     "workspace", "activities", NULL,
                                  &limit_activity_nth     },
    [WORKERS_LIMIT_WORKERS] = {"TASKROUTER_LIMIT_WORKERS",        "workspace", "workers",    NULL,
                                  &limit_worker_nth       },
    [WORKERS_LIMIT_ACTIVE] = {"TASKROUTER_LIMIT_ACTIVE_WORKERS", "workspace",
                                  "workers in available activities",                            "TOO_MANY_ACTIVE_WORKERS",
                                  &limit_active_worker_nth},
};

enum err_code limit_store_check(struct db_conn *conn, struct call *call, enum workers_limit limit,
                                int64_t max, const char *owner_sid, struct err *err)
{
    return limit_check(conn, call, &limits[limit], max, owner_sid, err);
}
