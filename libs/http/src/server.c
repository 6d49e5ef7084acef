#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "log/log.h"
#include "server_int.h"

enum {
    LISTEN_BACKLOG = 1024,
    CONNECTION_MEMORY_BYTES = 64 << 10, /* head, decoded query and reply head; beyond: 431 */
    HARD_LIMIT_EXTRA = 256,             /* connections that are still told why they are refused */
};

#define OR_DEFAULT(value, fallback) ((value) = (value) > 0 ? (value) : (fallback))

static void config_complete(struct http_server_config *config)
{
    if (config->name == NULL)
        config->name = "http";
    if (config->www_authenticate == NULL)
        config->www_authenticate = "Bearer realm=\"taskrouter\"";
    OR_DEFAULT(config->io_threads, 2);
    OR_DEFAULT(config->workers, 4);
    OR_DEFAULT(config->queue_capacity, 256);
    OR_DEFAULT(config->default_budget_ms, 5000);
    OR_DEFAULT(config->request_arena_bytes, (size_t)4 << 20);
    OR_DEFAULT(config->max_target_bytes, 8192);
    OR_DEFAULT(config->max_header_bytes, 16384);
    OR_DEFAULT(config->max_headers, 100);
    OR_DEFAULT(config->max_params, 256);
    OR_DEFAULT(config->max_response_bytes, (size_t)16 << 20);
    OR_DEFAULT(config->max_buffered_bytes, (size_t)64 << 20);
    OR_DEFAULT(config->max_connections, 2048);
    OR_DEFAULT(config->max_connections_per_ip, SIZE_MAX);
    OR_DEFAULT(config->idle_timeout_ms, 60000);
    OR_DEFAULT(config->body_timeout_ms, 15000);
    OR_DEFAULT(config->max_streams, 1024);
    OR_DEFAULT(config->stream_buffer_bytes, (size_t)256 << 10);
    OR_DEFAULT(config->heartbeat_ms, 15000);
}

struct listen_parts {
    char host[256];
    char port[8];
};

static bool listen_parse(const char *text, struct listen_parts *out)
{
    const char *colon = text == NULL ? NULL : strrchr(text, ':');
    int64_t port = 0;
    if (colon == NULL || !parse_i64(str_from(colon + 1), 0, 65535, &port))
        return false;
    struct str host = {text, (size_t)(colon - text)};
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = (struct str){host.ptr + 1, host.len - 2};
    if (host.len >= sizeof out->host)
        return false;
    if (host.len > 0)
        memcpy(out->host, host.ptr, host.len);
    out->host[host.len] = '\0';
    (void)snprintf(out->port, sizeof out->port, "%d", (int)port);
    return true;
}

/* A listening socket on the address, or -1. */
static int listen_on(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    int on = 1;
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    int failure = errno;
    (void)close(fd);
    errno = failure;
    return -1;
}

static int port_of(int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t size = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)(void *)&storage, &size) != 0)
        return 0;
    const void *raw = &storage;
    if (storage.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)raw)->sin6_port);
    return ntohs(((const struct sockaddr_in *)raw)->sin_port);
}

static enum err_code listen_open(struct http_server *server, struct err *err)
{
    struct listen_parts parts;
    const char *text = server->config.listen;
    if (!listen_parse(text, &parts))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_LISTEN",
                       "the listen address \"%s\" is not host:port", text == NULL ? "" : text);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    struct addrinfo *found = NULL;
    int failure =
        getaddrinfo(parts.host[0] == '\0' ? NULL : parts.host, parts.port, &hints, &found);
    if (failure != 0)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_LISTEN",
                       "the listen address \"%s\" cannot be resolved: %s", text,
                       gai_strerror(failure));
    for (struct addrinfo *each = found; each != NULL && server->listen_fd < 0; each = each->ai_next)
        server->listen_fd = listen_on(each);
    int reason = errno;
    freeaddrinfo(found);
    if (server->listen_fd < 0) {
        char why[128] = "";
        (void)strerror_r(reason, why, sizeof why);
        return ERR_SET(err, ERR_UNAVAILABLE, "LISTEN", "cannot listen on %s: %s", text, why);
    }
    server->port = port_of(server->listen_fd);
    return ERR_OK;
}

/* The usual soft limit of 1024 descriptors is below what the configuration allows; the hard limit
 * is the administrator's word, so nothing beyond it is asked for. */
static void descriptors_allow(const struct http_server_config *config)
{
    struct rlimit limit;
    rlim_t wanted = config->max_connections + 2 * (rlim_t)HARD_LIMIT_EXTRA;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted)
        LOG_WARN(NULL, "fewer descriptors than connections allowed",
                 LOG_I64("descriptors", limit.rlim_cur),
                 LOG_I64("max_connections", config->max_connections));
}

/* Paths and queries are decoded by us, from the bytes that were sent. */
static size_t leave_escaped(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = conn_open(cls, mhd);
    } else if (*context != NULL) {
        conn_close(*context);
        *context = NULL;
    }
}

static void on_library_log(void *cls, const char *format, va_list args) PRINTF_LIKE(2, 0);

static void on_library_log(void *cls, const char *format, va_list args)
{
    (void)cls;
    char text[256];
    (void)vsnprintf(text, sizeof text, format, args);
    LOG_DEBUG(NULL, "http library notice", LOG_STR("text", text));
}

static enum err_code daemon_start(struct http_server *server, struct err *err)
{
    const struct http_server_config *config = &server->config;
    unsigned hard_limit = (unsigned)(config->max_connections + HARD_LIMIT_EXTRA);
    int quiet_ms = config->idle_timeout_ms > 30000 ? config->idle_timeout_ms : 30000;
    struct MHD_OptionItem pool[] = {
        {config->io_threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, config->io_threads,
         NULL                                                                                           },
        {MHD_OPTION_END,                                                        0,                  NULL},
    };
    unsigned upgrade = config->max_sockets > 0 ? MHD_ALLOW_UPGRADE : 0U;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG |
            upgrade,
        0, NULL, NULL, exchange_on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log,
        NULL, MHD_OPTION_LISTEN_SOCKET, server->listen_fd, MHD_OPTION_URI_LOG_CALLBACK,
        exchange_on_target, server, MHD_OPTION_NOTIFY_COMPLETED, exchange_on_end, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_LIMIT, hard_limit, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(quiet_ms / 1000 + 1), MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, pool,
        MHD_OPTION_END);
    if (server->daemon == NULL)
        return ERR_SET(err, ERR_UNAVAILABLE, "LISTEN", "the http library did not start");
    return ERR_OK;
}

static enum err_code sockets_start(struct http_server *server, struct err *err)
{
    server->socket_epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (server->socket_epoll_fd < 0 ||
        pthread_create(&server->socket_thread, NULL, sockets_main, server) != 0)
        return ERR_SET(err, ERR_UNAVAILABLE, "THREADS", "cannot start the thread of websockets");
    server->has_socket_thread = true;
    return ERR_OK;
}

static enum err_code threads_start(struct http_server *server, struct err *err)
{
    server->queue = queue_new("http requests", server->config.queue_capacity);
    server->workers = xcalloc((size_t)server->config.workers, sizeof *server->workers);
    for (int i = 0; i < server->config.workers; i++) {
        if (pthread_create(&server->workers[i], NULL, worker_main, server) != 0)
            return ERR_SET(err, ERR_UNAVAILABLE, "THREADS", "cannot start http workers");
        server->worker_count++;
    }
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll_fd < 0 ||
        pthread_create(&server->housekeeper, NULL, housekeeper_main, server) != 0)
        return ERR_SET(err, ERR_UNAVAILABLE, "THREADS", "cannot start the http housekeeper");
    server->has_housekeeper = true;
    return server->config.max_sockets > 0 ? sockets_start(server, err) : ERR_OK;
}

enum err_code http_server_open(const struct http_server_config *config, struct http_server **out,
                               struct err *err)
{
    struct http_server *server = xcalloc(1, sizeof *server);
    server->config = *config;
    server->listen_fd = -1;
    server->epoll_fd = -1;
    server->socket_epoll_fd = -1;
    config_complete(&server->config);
    lock_init(&server->lock, "http server", HTTP_RANK_SERVER);
    cond_init(&server->changed);
    list_init(&server->conns);
    list_init(&server->streams);
    list_init(&server->sockets);
    map_init(&server->ips);
    enum err_code code = router_init(&server->router, config->sets, config->set_count, err);
    if (code == ERR_OK) {
        descriptors_allow(&server->config);
        http_metrics_init(server);
        code = listen_open(server, err);
    }
    if (code == ERR_OK)
        code = threads_start(server, err);
    if (code == ERR_OK)
        code = daemon_start(server, err);
    if (code != ERR_OK) {
        http_server_close(server);
        return code;
    }
    *out = server;
    return ERR_OK;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

/* True when what is counted came down to zero before the time. */
static bool count_wait(struct http_server *server, const size_t *count, int64_t until_mono_us)
{
    lock_take(&server->lock);
    while (*count > 0 && cond_wait_until(&server->changed, &server->lock, until_mono_us))
        ;
    bool is_zero = *count == 0;
    lock_drop(&server->lock);
    return is_zero;
}

/* From here on connects are refused. The descriptor stays open until the daemon has stopped: its
 * threads may yet take it out of their epoll sets, and finding it closed they abort the process. */
static void listen_end(struct http_server *server)
{
    if (server->daemon != NULL)
        (void)MHD_quiesce_daemon(server->daemon);
    if (server->listen_fd >= 0)
        (void)shutdown(server->listen_fd, SHUT_RDWR);
}

/* Handlers that still run end by their own deadlines; requests that never started get a 503. */
static void workers_stop(struct http_server *server)
{
    if (server->queue != NULL)
        queue_close(server->queue);
    for (size_t i = 0; i < server->worker_count; i++)
        (void)pthread_join(server->workers[i], NULL);
    server->worker_count = 0;
}

static void sockets_shut(struct http_server *server)
{
    lock_take(&server->lock);
    struct list_node *node = list_first(&server->conns);
    for (; node != NULL; node = list_next(&server->conns, node)) {
        struct conn *conn = LIST_ENTRY(node, struct conn, node);
        (void)shutdown(conn->fd, SHUT_RDWR);
    }
    lock_drop(&server->lock);
}

void http_server_drain(struct http_server *server, int drain_ms)
{
    if (server->is_drained)
        return;
    server->is_drained = true;
    int64_t until_mono_us = clock_mono_us() + drain_ms * US_PER_MS;
    lock_take(&server->lock);
    server->is_draining = true;
    lock_drop(&server->lock);
    listen_end(server);
    bool is_done = count_wait(server, &server->in_flight, until_mono_us);
    lock_take(&server->lock);
    server->is_abandoning = true;
    lock_drop(&server->lock);
    workers_stop(server);
    streams_end_all(server, STR(": the server is shutting down\n\n"));
    sockets_end_all(server);
    int64_t patience_us = is_done ? US_PER_S : US_PER_S / 2; /* to write what is ready */
    (void)count_wait(server, &server->stream_count, clock_mono_us() + patience_us);
    (void)count_wait(server, &server->socket_count, clock_mono_us() + patience_us);
    (void)count_wait(server, &server->in_flight, clock_mono_us() + patience_us);
    sockets_shut(server);
    (void)count_wait(server, &server->conn_count, clock_mono_us() + patience_us);
}

void http_server_close(struct http_server *server)
{
    if (server == NULL)
        return;
    http_server_drain(server, 0);
    lock_take(&server->lock);
    server->is_stopping = true;
    lock_drop(&server->lock);
    if (server->has_housekeeper)
        (void)pthread_join(server->housekeeper, NULL);
    if (server->has_socket_thread)
        (void)pthread_join(server->socket_thread, NULL);
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    if (server->listen_fd >= 0)
        (void)close(server->listen_fd);
    if (server->epoll_fd >= 0)
        (void)close(server->epoll_fd);
    if (server->socket_epoll_fd >= 0)
        (void)close(server->socket_epoll_fd);
    free(server->workers);
    queue_free(server->queue);
    free(server->route_metrics);
    router_fini(&server->router);
    map_fini(&server->ips);
    cond_fini(&server->changed);
    lock_fini(&server->lock);
    free(server);
}

struct http_stats http_server_stats(struct http_server *server)
{
    size_t queued = queue_depth(server->queue);
    lock_take(&server->lock);
    struct http_stats stats = {
        .connections = server->conn_count,
        .in_flight = server->in_flight,
        .queued = queued,
        .streams = server->stream_count,
        .requests = server->request_count,
        .rejected = server->rejected_count,
        .stream_overflows = server->overflow_count,
    };
    lock_drop(&server->lock);
    return stats;
}
