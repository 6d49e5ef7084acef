#include "statistics_service.h"

#include "base/macros.h"
#include "statistics_rpc.h"

#define WIRE(name) Taskrouter__Tasks__V1__##name

/* clang-format off: one row a line, in columns */
static const struct rpc_method methods[] = {
    RPC_UNARY("GetWorkspaceStatistics", statistics_rpc_workspace, WIRE(StatisticsRequest),
              WIRE(StatisticsReport), 3000, ROLE_VIEWER, 0),
    RPC_UNARY("GetQueueStatistics", statistics_rpc_queue, WIRE(StatisticsRequest),
              WIRE(StatisticsReport), 3000, ROLE_VIEWER, 0),
    RPC_UNARY("ListQueueStatistics", statistics_rpc_queues, WIRE(ListQueueStatisticsRequest),
              WIRE(ListQueueStatisticsResponse), 5000, ROLE_VIEWER, 0),
    RPC_UNARY("GetWorkflowStatistics", statistics_rpc_workflow, WIRE(StatisticsRequest),
              WIRE(StatisticsReport), 3000, ROLE_VIEWER, 0),
    RPC_UNARY("GetWorkersStatistics", statistics_rpc_workers, WIRE(StatisticsRequest),
              WIRE(StatisticsReport), 5000, ROLE_VIEWER, 0),
    RPC_UNARY("GetWorkerStatistics", statistics_rpc_worker, WIRE(StatisticsRequest),
              WIRE(StatisticsReport), 3000, ROLE_VIEWER, 0),
    RPC_UNARY("GetStatisticsSeries", statistics_rpc_series, WIRE(StatisticsSeriesRequest),
              WIRE(StatisticsSeries), 5000, ROLE_VIEWER, 0),
};
/* clang-format on */

const struct rpc_service statistics_service = {
    .descriptor = &taskrouter__tasks__v1__statistics__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
