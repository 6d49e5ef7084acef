#include "limit_store.h"

#include "db/limit.h"
#include "limit_store_sql.h"

static const struct limit limits[QUEUES_LIMIT_COUNT] = {
    [QUEUES_LIMIT_QUEUES] = {"TASKROUTER_LIMIT_QUEUES",   "workspace", "task queues",   NULL,
                             &limit_queue_nth  },
    [QUEUES_LIMIT_CHANNELS] = {"TASKROUTER_LIMIT_CHANNELS", "workspace", "task channels", NULL,
                             &limit_channel_nth},
};

enum err_code limit_store_check(struct db_conn *conn, struct call *call, enum queues_limit limit,
                                int64_t max, const char *owner_sid, struct err *err)
{
    return limit_check(conn, call, &limits[limit], max, owner_sid, err);
}
