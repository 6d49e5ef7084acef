/* How rows of the REST interface are written: macros that read as columns. For routes_*.c only. */
#pragma once

#include "base/macros.h"
#include "routes.h"

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PAGED       "page_size", "cursor"

/* The method of an area, with the types of its request and reply: RPC(workers, WORKERS, Workers,
 * GetWorker, get_worker, worker). */
#define RPC(area, peer_, service, method_, request_, reply_)                                       \
    .peer = PEER_##peer_, .rpc = "/taskrouter." #area ".v1." #service "/" #method_,                \
    .request = &taskrouter__##area##__v1__##request_##_request__descriptor,                        \
    .reply = &taskrouter__##area##__v1__##reply_##__descriptor

/* The same where nothing comes back. */
#define RPC_VOID(area, peer_, service, method_, request_)                                          \
    .peer = PEER_##peer_, .rpc = "/taskrouter." #area ".v1." #service "/" #method_,                \
    .request = &taskrouter__##area##__v1__##request_##_request__descriptor

#define LIST(path, role_)                                                                          \
    .method = HTTP_GET, .pattern = REST_PREFIX path, .kind = REST_LIST, .role = ROLE_##role_
#define GET(path, role_)                                                                           \
    .method = HTTP_GET, .pattern = REST_PREFIX path, .kind = REST_GET, .role = ROLE_##role_
#define CREATE(path, role_)                                                                        \
    .method = HTTP_POST, .pattern = REST_PREFIX path, .kind = REST_CREATE, .role = ROLE_##role_
#define UPDATE(path, role_)                                                                        \
    .method = HTTP_PATCH, .pattern = REST_PREFIX path, .kind = REST_UPDATE, .role = ROLE_##role_
#define DELETE(path, role_)                                                                        \
    .method = HTTP_DELETE, .pattern = REST_PREFIX path, .kind = REST_DELETE, .role = ROLE_##role_
#define ACTION(path, role_)                                                                        \
    .method = HTTP_POST, .pattern = REST_PREFIX path, .kind = REST_ACTION, .role = ROLE_##role_
#define CHECK(path, role_)                                                                         \
    .method = HTTP_POST, .pattern = REST_PREFIX path, .kind = REST_CHECK, .role = ROLE_##role_

#define WEBHOOK(path, webhook_, operation_, summary_)                                              \
    {                                                                                              \
        .method = HTTP_POST, .pattern = "/api" path, .kind = REST_WEBHOOK, .role = ROLE_NONE,      \
        .webhook = WEBHOOK_##webhook_, .tag = "webhooks", .operation = (operation_),               \
        .summary = (summary_)                                                                      \
    }

/* The rows of a file as an area. */
#define AREA(name) const struct rest_area name = {.rows = rows, .count = ARRAY_LEN(rows)}
