/* Statistics: of now by a look at the router's memory, of the past from PostgreSQL. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/tasks/v1/statistics.pb-c.h"

#define STAT_RPC(name, Request, Reply)                                                             \
    enum err_code name(void *app, struct call *call,                                               \
                       const Taskrouter__Tasks__V1__##Request *request,                            \
                       Taskrouter__Tasks__V1__##Reply **out_reply, struct err *err)

STAT_RPC(statistics_rpc_workspace, StatisticsRequest, StatisticsReport);
STAT_RPC(statistics_rpc_queue, StatisticsRequest, StatisticsReport);
STAT_RPC(statistics_rpc_queues, ListQueueStatisticsRequest, ListQueueStatisticsResponse);
STAT_RPC(statistics_rpc_workflow, StatisticsRequest, StatisticsReport);
STAT_RPC(statistics_rpc_workers, StatisticsRequest, StatisticsReport);
STAT_RPC(statistics_rpc_worker, StatisticsRequest, StatisticsReport);
STAT_RPC(statistics_rpc_series, StatisticsSeriesRequest, StatisticsSeries);
