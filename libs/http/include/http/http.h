/*
 * HTTP/1.1 server: tables of routes in, straight-line handlers on worker threads, every size and
 * time bounded. Sockets are served by a small pool of epoll threads; a connection whose request
 * waits or runs is suspended and occupies none of them. Knows no service, makes no requests.
 *
 * A handler fills the response and returns ERR_OK, or returns an error, which becomes an RFC 9457
 * problem document. Nothing else is needed: limits, authentication, deadlines, default headers,
 * metrics and the log line of a failure are the server's work.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/call.h"
#include "base/err.h"
#include "base/str.h"
#include "http/params.h"

struct http_server;
struct http_request;
struct http_response;

#define HTTP_METHODS(X)                                                                            \
    X(GET)                                                                                         \
    X(HEAD)                                                                                        \
    X(POST)                                                                                        \
    X(PUT)                                                                                         \
    X(PATCH)                                                                                       \
    X(DELETE)                                                                                      \
    X(OPTIONS)

/* Names are HTTP_<method>. */
enum http_method {
    HTTP_METHOD_NONE,
#define X(name) HTTP_##name,
    HTTP_METHODS(X)
#undef X
        HTTP_METHOD_COUNT,
};

const char *http_method_name(enum http_method method); /* "GET"; "" for HTTP_METHOD_NONE */

/* ctx: of the route set. Runs on a worker thread; blocks only up to the call's deadline. */
typedef enum err_code (*http_handler_fn)(void *ctx, struct http_request *req,
                                         struct http_response *res, struct err *err);

enum http_route_flags {
    HTTP_TAKES_JSON = 1 << 0,    /* a body must be application/json or application/...+json */
    HTTP_TAKES_FORM = 1 << 1,    /* ... or application/x-www-form-urlencoded; neither: any type */
    HTTP_AUTH_OPTIONAL = 1 << 2, /* authenticate when credentials were sent; for min_role NONE */
    HTTP_QUIET = 1 << 3,         /* no access log line even at debug: probes, metrics */
};

/*
 * One row. pattern: "/api/workers/{sid}"; a literal segment beats a parameter; a last segment
 * "{path...}" takes one or more remaining segments. GET rows answer HEAD as well.
 */
struct http_route {
    enum http_method method;
    const char *pattern;
    http_handler_fn handler;
    int budget_ms; /* whole request after its head arrived, queueing included; 0 = default */
    size_t max_body_bytes; /* 0 = no body is accepted */
    enum role min_role;    /* ROLE_NONE = open to all */
    unsigned flags;        /* enum http_route_flags */
};

/* Writes an error in another shape than the problem document. res holds the default headers. */
typedef void (*http_error_fn)(void *ctx, const struct http_request *req, int status,
                              const struct err *err, struct http_response *res);

/* A table with the context of its handlers. All of it must outlive the server. */
struct http_route_set {
    const struct http_route *routes;
    size_t count;
    void *ctx;
    const char *prefix; /* unmatched paths that start so get this set's errors; NULL = none */
    http_error_fn render_error; /* NULL = problem documents */
};

/*
 * Fills call->who from the request. Called on the worker before the handler when the route has a
 * min_role (or HTTP_AUTH_OPTIONAL and an Authorization header or Cookie is there). Leaving the
 * role at ROLE_NONE means not authenticated. Texts go into the call's arena.
 */
typedef enum err_code (*http_auth_fn)(void *ctx, struct http_request *req, struct err *err);

/* Zero means the default given. */
struct http_server_config {
    const char *listen; /* "127.0.0.1:8080", "[::]:8080", ":8080"; port 0 = any free one */
    const char *name;   /* label of the metrics, e.g. "public"; NULL = "http" */

    const struct http_route_set *sets;
    size_t set_count;
    http_auth_fn authenticate; /* NULL: routes with a min_role answer 401 */
    void *auth_ctx;
    const char *www_authenticate;    /* of a 401; NULL = Bearer realm="taskrouter" */
    const char *const *cors_origins; /* allowed origins, "*" = all; NULL-terminated; NULL = none */

    int io_threads;             /* 2 */
    int workers;                /* 4 */
    size_t queue_capacity;      /* 256 requests waiting for a worker; beyond: 429 */
    int default_budget_ms;      /* 5000 */
    size_t request_arena_bytes; /* 4 MiB */

    size_t max_target_bytes;       /* 8192: path and query; beyond: 414 */
    size_t max_header_bytes;       /* 16384: all field lines; beyond: 431 */
    size_t max_headers;            /* 100 field lines; beyond: 431 */
    size_t max_params;             /* 256 in a query or form; beyond: 400 */
    size_t max_response_bytes;     /* 16 MiB */
    size_t max_buffered_bytes;     /* 64 MiB of request bodies over all connections; beyond: 429 */
    size_t max_connections;        /* 2048; beyond: 503 */
    size_t max_connections_per_ip; /* SIZE_MAX; beyond: 429 */
    int idle_timeout_ms;           /* 60000: from the last reply to the next complete head */
    int body_timeout_ms;           /* 15000: from the request line to the end of the body; 408 */

    size_t max_streams;         /* 1024; beyond: 429 */
    size_t stream_buffer_bytes; /* 256 KiB not yet read by the client, per stream */
    int heartbeat_ms;           /* 15000 */
    size_t max_sockets;         /* 0: no websockets; each may hold stream_buffer_bytes */
};

/* Starts listening. Errors: INVALID_ARGUMENT (BAD_LISTEN, BAD_ROUTE), UNAVAILABLE (LISTEN). */
enum err_code http_server_open(const struct http_server_config *config, struct http_server **out,
                               struct err *err) MUST_CHECK;

/* The port listened on, also when the configuration said 0. */
int http_server_port(const struct http_server *server);

/*
 * Stops accepting, answers 503 to further requests on open connections, lets running ones finish
 * for up to drain_ms, then ends streams. Blocks. Threads: any one, once.
 */
void http_server_drain(struct http_server *server, int drain_ms);

/* Drains without patience if that was not done, ends all threads, frees. NULL is allowed. */
void http_server_close(struct http_server *server);

struct http_stats {
    size_t connections;
    size_t in_flight; /* requests with a complete head whose reply is not written yet */
    size_t queued;    /* waiting for a worker */
    size_t streams;
    uint64_t requests;
    uint64_t rejected;         /* 429 and 503 by the server itself */
    uint64_t stream_overflows; /* slow consumers cut off */
};

struct http_stats http_server_stats(struct http_server *server);

/* One request. All texts live until the handler returns and are NUL-terminated. */
struct http_request {
    struct call *call;              /* name = the route's pattern */
    const struct http_route *route; /* NULL while an unmatched path is answered */
    enum http_method method;        /* HTTP_HEAD also when the row is a GET */
    struct str target;              /* as sent: path and query */
    struct str path;                /* as sent, without the query */
    struct http_params path_params;
    struct http_params query;
    struct http_params headers; /* use http_header for look-ups */
    struct str body;
    const char *peer; /* address in text form, without port */
    struct http_server *server;
    void *internal;
};

/* The first field of that name (ASCII case ignored); {NULL, 0} when absent. */
struct str http_header(const struct http_request *req, const char *name);

/* Path parameter by name; never absent when the pattern has it. */
struct str http_path_param(const struct http_request *req, const char *name);

/* First value of a query parameter; {NULL, 0} when absent. */
struct str http_query(const struct http_request *req, const char *name);

/* The body as a form. Errors as http_params_decode, and UNSUPPORTED_MEDIA_TYPE. */
enum err_code http_form(struct http_request *req, struct http_params *out,
                        struct err *err) MUST_CHECK;

/* True when the request's Content-Type is this one, parameters ignored. */
bool http_has_type(const struct http_request *req, const char *media_type);

/* True when If-None-Match or If-Match names this entity tag (given with its quotes) or is "*". */
bool http_etag_matches(const struct http_request *req, const char *header, const char *etag);

/* The reply under construction. */
struct http_response {
    int status;        /* 200 until set */
    struct buf body;   /* append freely; owned by the server */
    struct str fixed;  /* instead of body when ptr is set: bytes that outlive the server */
    int retry_after_s; /* Retry-After when > 0; 429 and 503 get 1 when left at 0 */
    void *internal;
};

/* Sets (replaces) or adds a field. Values with control characters are dropped whole. */
void http_set_header(struct http_response *res, const char *name, const char *value);
void http_add_header(struct http_response *res, const char *name, const char *value);

/* Body text copied, status and type set. */
void http_json(struct http_response *res, int status, struct str json);
void http_text(struct http_response *res, int status, const char *content_type, struct str text);

/* Says that what was appended to res->body is JSON. */
void http_json_body(struct http_response *res, int status);

/* Bytes that live as long as the server (embedded files): not copied. */
void http_static(struct http_response *res, int status, const char *content_type, struct str bytes);

void http_no_content(struct http_response *res); /* 204 */
void http_redirect(struct http_response *res, int status, const char *location);

/*
 * Replaces the response by the problem document of the error: type, title, status, detail, reason,
 * field (camelCase) and requestId. INTERNAL and its like show the request id only. What the server
 * does with an error that a handler returns.
 */
void http_problem(const struct http_request *req, struct http_response *res, const struct err *err);

/*
 * The status of an error: the code's (base/err.h), corrected by reason (GONE 410, VERSION_MISMATCH
 * 412 when the request had If-Match, PAYLOAD_TOO_LARGE 413 and so on). req may be NULL.
 */
int http_status_of(const struct http_request *req, const struct err *err);

/* Appends a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void http_json_quote(struct buf *out, struct str text);
