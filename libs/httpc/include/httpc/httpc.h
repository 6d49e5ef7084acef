/*
 * An HTTP client for requests to addresses that outsiders name: bounded in number, time and size,
 * and kept away from private networks. Refuses redirects, proxies and every scheme but http and
 * https. Knows nothing of what it carries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"

struct httpc;

struct httpc_options {
    const char *user_agent;    /* NULL = none */
    const char *ca_file;       /* PEM of the CAs to trust; NULL = the system's */
    int max_transfers;         /* under way at once; 0 = 64 */
    size_t max_response_bytes; /* of a body; 0 = 64 KiB */
    bool allows_private;       /* loopback, private and link-local addresses may be called */
    bool offers_http2;         /* with TLS, where the server takes it; else HTTP/1.1 only */
};

enum httpc_method { HTTPC_GET, HTTPC_POST, HTTPC_PATCH, HTTPC_DELETE };

enum { HTTPC_ETAG_SIZE = 64 };

/* Starts the thread. Never NULL. Texts are copied. */
struct httpc *httpc_open(const struct httpc_options *options);

/* Ends what is under way (HTTPC_ABORTED) and the thread. NULL is allowed. */
void httpc_close(struct httpc *httpc);

enum httpc_outcome {
    HTTPC_NONE,
    HTTPC_ANSWERED,        /* status says how */
    HTTPC_TIMED_OUT,       /* no whole answer in time */
    HTTPC_PRIVATE_ADDRESS, /* the name leads to an address that may not be called */
    HTTPC_TOO_LARGE,       /* the answer is */
    HTTPC_BAD_URL,
    HTTPC_FAILED,  /* no connection, no TLS, or it broke */
    HTTPC_ABORTED, /* by httpc_close */
};

/* One request. The caller fills the first part and keeps it, and all it points to, until done is
 * called, which happens once for each started request. */
struct httpc_request {
    const char *url;
    enum httpc_method method;
    struct str body;            /* of a POST or PATCH */
    const char *const *headers; /* "Name: value", NULL-terminated; NULL = none */
    int timeout_ms;             /* for everything, name look-up included */
    /* Sent at most once: over a connection of its own, since libcurl repeats what met a kept one
     * that the peer closes without an answer. */
    bool is_once;
    /* On the client's thread: be quick. */
    void (*done)(struct httpc_request *request);
    void *ctx;

    /* The outcome. */
    enum httpc_outcome outcome;
    int status;
    char content_type[128];     /* cut; "" when there is none */
    char etag[HTTPC_ETAG_SIZE]; /* as sent; "" when there is none, or it is too long */
    int64_t retry_after_s;      /* of Retry-After, dates too; 0 = none */
    struct buf reply;           /* httpc_request_fini frees it */
    char error[160];            /* for people, unless HTTPC_ANSWERED */
    int64_t took_us;
    bool was_sent; /* false: the peer surely has seen nothing of it */

    /* The client's own. */
    struct httpc *httpc;
    struct list_node node;
    void *easy;
    void *header_list;
    size_t header_bytes;
    int64_t started_mono_us;
    bool is_private;
    bool is_too_large;
};

/* False, and done is not called, when as many as allowed are under way or the client is closing.
 * Threads: any. */
bool httpc_start(struct httpc *httpc, struct httpc_request *request);

/* The same, waiting for the outcome. done must be NULL. False as above. */
bool httpc_run(struct httpc *httpc, struct httpc_request *request);

void httpc_request_fini(struct httpc_request *request);
