/* GET /api/taskrouter/stream: the caller's identity and parameters become a filter of the feed. */
#pragma once

#include "http/http.h"

/* ctx: struct gateway. */
enum err_code stream_handle(void *ctx, struct http_request *req, struct http_response *res,
                            struct err *err);
