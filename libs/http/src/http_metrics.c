#include "base/alloc.h"
#include "base/clock.h"
#include "server_int.h"

enum { MAX_ROUTE_SERIES = 4000 };

static const struct metric_def requests_def = {
    .name = "taskrouter_http_requests_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Requests answered, by route and class of status",
    .labels = {"server", "method", "route", "class"},
    .max_series = MAX_ROUTE_SERIES,
};

static const struct metric_def duration_def = {
    .name = "taskrouter_http_request_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "From the request line to the end of the reply; streams are not counted",
    .labels = {"server", "method", "route"},
    .max_series = MAX_ROUTE_SERIES,
};

static const struct metric_def in_flight_def = {
    .name = "taskrouter_http_in_flight",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Requests with a complete head whose reply is not written yet",
    .labels = {"server", "method", "route"},
    .max_series = MAX_ROUTE_SERIES,
};

static const struct metric_def connections_def = {
    .name = "taskrouter_http_connections",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Open connections",
    .labels = {"server"},
};

static const struct metric_def streams_def = {
    .name = "taskrouter_http_streams",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Open event streams",
    .labels = {"server"},
};

static const struct metric_def overflows_def = {
    .name = "taskrouter_http_stream_overflows_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Event streams ended because their client read too slowly",
    .labels = {"server"},
};

static const struct metric_def rejected_def = {
    .name = "taskrouter_http_rejected_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Requests turned away because a limit of the server was reached",
    .labels = {"server"},
};

static const struct metric_def queued_def = {
    .name = "taskrouter_http_queued",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Requests waiting for a worker",
    .labels = {"server"},
};

static void route_series(struct route_metrics *out, const char *server, const char *method,
                         const char *route)
{
    static const char *const classes[6] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (size_t i = 2; i < ARRAY_LEN(classes); i++)
        out->by_class[i] =
            METRIC_SERIES(metric_register(&requests_def), server, method, route, classes[i]);
    out->duration = METRIC_SERIES(metric_register(&duration_def), server, method, route);
    out->in_flight = METRIC_SERIES(metric_register(&in_flight_def), server, method, route);
}

void http_metrics_init(struct http_server *server)
{
    const char *name = server->config.name;
    server->metrics = (struct server_metrics){
        .connections = METRIC_SERIES(metric_register(&connections_def), name),
        .streams = METRIC_SERIES(metric_register(&streams_def), name),
        .overflows = METRIC_SERIES(metric_register(&overflows_def), name),
        .rejected = METRIC_SERIES(metric_register(&rejected_def), name),
        .queued = METRIC_SERIES(metric_register(&queued_def), name),
    };
    route_series(&server->unmatched, name, "", "unmatched");
    server->route_metrics = xcalloc(server->router.count + 1, sizeof *server->route_metrics);
    for (size_t i = 0; i < server->router.count; i++) {
        struct router_route *route = &server->router.routes[i];
        route->metrics = &server->route_metrics[i];
        route_series(route->metrics, name, http_method_name(route->row->method),
                     route->row->pattern);
    }
}

void http_metrics_request(const struct exchange *ex, int status)
{
    const struct route_metrics *metrics =
        ex->route == NULL ? &ex->server->unmatched : ex->route->metrics;
    int status_class = status / 100;
    if (status_class < 2 || status_class > 5)
        return;
    metric_inc(metrics->by_class[status_class]);
    if (ex->stream == NULL)
        metric_observe_us(metrics->duration, clock_mono_us() - ex->started_mono_us);
}
