#include "limit_store.h"

#include "db/limit.h"
#include "limit_store_sql.h"

static const struct limit limits[ROUTING_LIMIT_COUNT] = {
    [ROUTING_LIMIT_WORKFLOWS] = {"TASKROUTER_LIMIT_WORKFLOWS", "workspace", "workflows", NULL,
                                 &limit_workflow_nth                                                          },
    [ROUTING_LIMIT_RULES] = {"TASKROUTER_LIMIT_RULES",     "workspace", "rules",     NULL, &limit_rule_nth},
    [ROUTING_LIMIT_KEYWORDS] = {"TASKROUTER_LIMIT_KEYWORDS",  "workspace", "keywords",  NULL,
                                 &limit_keyword_nth                                                           },
    [ROUTING_LIMIT_SCHEDULES] = {"TASKROUTER_LIMIT_SCHEDULES", "workspace", "schedules", NULL,
                                 &limit_schedule_nth                                                          },
};

enum err_code limit_store_check(struct db_conn *conn, struct call *call, enum routing_limit limit,
                                int64_t max, const char *owner_sid, struct err *err)
{
    return limit_check(conn, call, &limits[limit], max, owner_sid, err);
}
