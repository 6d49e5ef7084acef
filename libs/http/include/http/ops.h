/*
 * The endpoints every service has for operators: /healthz (the process answers), /readyz (its
 * dependencies do), /metrics (Prometheus text).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/call.h"
#include "base/err.h"
#include "http/http.h"

/* Returns ERR_OK when usable; otherwise the detail is shown. Quick: bounded by call's deadline. */
typedef enum err_code (*http_check_fn)(void *ctx, struct call *call, struct err *err);

struct http_check {
    const char *name; /* "database" */
    http_check_fn check;
    void *ctx;
};

/* Must outlive the server. */
struct http_ops {
    const struct http_check *checks;
    _Atomic size_t check_count; /* may grow while the server runs: entry first, then the count */
};

/* A set for http_server_config.sets. */
struct http_route_set http_ops_routes(struct http_ops *ops);
