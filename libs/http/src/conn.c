#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "server_int.h"

/* How long a connection over the limit may take to send the request that is answered with a
 * refusal. */
#define EXCESS_IDLE_US (2 * US_PER_S)

enum { TICK_MS = 200, EVENTS_MAX = 64 };

static void peer_text(struct MHD_Connection *mhd, char out[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    out[0] = '\0';
    if (info == NULL || info->client_addr == NULL)
        return;
    const void *raw = info->client_addr;
    if (info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = raw;
        (void)inet_ntop(AF_INET, &v4->sin_addr, out, INET6_ADDRSTRLEN);
        return;
    }
    if (info->client_addr->sa_family != AF_INET6)
        return;
    const struct sockaddr_in6 *v6 = raw;
    bool is_mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
    (void)inet_ntop(is_mapped ? AF_INET : AF_INET6, v6->sin6_addr.s6_addr + (is_mapped ? 12 : 0),
                    out, INET6_ADDRSTRLEN);
}

/* Under the server's lock. */
static struct ip_count *ip_take(struct http_server *server, const char *text)
{
    struct ip_count *ip = map_get(&server->ips, str_from(text));
    if (ip == NULL) {
        ip = xcalloc(1, sizeof *ip);
        memcpy(ip->text, text, strlen(text) + 1);
        (void)map_put(&server->ips, str_from(ip->text), ip);
    }
    ip->count++;
    return ip;
}

/* Under the server's lock. */
static void ip_give(struct http_server *server, struct ip_count *ip)
{
    if (--ip->count > 0)
        return;
    (void)map_remove(&server->ips, str_from(ip->text));
    free(ip);
}

struct conn *conn_open(struct http_server *server, struct MHD_Connection *mhd)
{
    const struct http_server_config *config = &server->config;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct conn *conn = xcalloc(1, sizeof *conn);
    char peer[INET6_ADDRSTRLEN];
    peer_text(mhd, peer);
    conn->server = server;
    conn->mhd = mhd;
    conn->fd = info == NULL ? -1 : info->connect_fd;
    conn->phase = CONN_IDLE;
    conn->since_mono_us = clock_mono_us();

    lock_take(&server->lock);
    conn->ip = ip_take(server, peer);
    server->conn_count++;
    conn->id = ++server->last_conn_id;
    if (server->conn_count > config->max_connections)
        conn->excess = EXCESS_TOTAL;
    else if (conn->ip->count > config->max_connections_per_ip)
        conn->excess = EXCESS_PER_IP;
    list_append(&server->conns, &conn->node);
    lock_drop(&server->lock);
    metric_add(server->metrics.connections, 1);
    return conn;
}

void conn_close(struct conn *conn)
{
    struct http_server *server = conn->server;
    lock_take(&server->lock);
    list_remove(&conn->node);
    ip_give(server, conn->ip);
    server->conn_count--;
    cond_broadcast(&server->changed);
    lock_drop(&server->lock);
    metric_add(server->metrics.connections, -1);
    free(conn);
}

bool conn_enter(struct conn *conn, enum conn_phase phase)
{
    lock_take(&conn->server->lock);
    if (phase != CONN_BODY) /* head and body share one clock, so that a trickle gains nothing */
        conn->since_mono_us = clock_mono_us();
    conn->phase = phase;
    bool is_cut = conn->is_cut;
    lock_drop(&conn->server->lock);
    return !is_cut;
}

/*
 * Ends a connection that libmicrohttpd is still reading from. It cannot be told to, so the socket
 * is shut down and it finds the end of the input. Runs under the server's lock, which is what keeps
 * the descriptor from being closed and given to another connection meanwhile; nothing here waits.
 */
static void conn_cut(struct conn *conn, struct str last_words)
{
    conn->is_cut = true;
    if (last_words.len > 0)
        (void)send(conn->fd, last_words.ptr, last_words.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(conn->fd, SHUT_RDWR);
}

#define TIMEOUT_BODY                                                                               \
    "{\"type\":\"urn:taskrouter:problem:REQUEST_TIMEOUT\",\"title\":\"Request Timeout\","          \
    "\"status\":408,\"detail\":\"the request did not arrive in time\","                            \
    "\"reason\":\"REQUEST_TIMEOUT\"}"

static const char timeout_reply[] =
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nCache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\nContent-Type: "
    "application/problem+json\r\n\r\n" TIMEOUT_BODY;

/* Under the server's lock. */
static void conn_check(struct conn *conn, int64_t now_mono_us)
{
    const struct http_server_config *config = &conn->server->config;
    int64_t age_us = now_mono_us - conn->since_mono_us;
    int64_t idle_us = config->idle_timeout_ms * US_PER_MS;
    if (conn->excess != EXCESS_NONE && idle_us > EXCESS_IDLE_US)
        idle_us = EXCESS_IDLE_US;
    if (conn->server->is_draining)
        idle_us = 0;
    switch (conn->phase) {
    case CONN_NONE:
    case CONN_BUSY:
        break;
    case CONN_IDLE:
        if (age_us > idle_us)
            conn_cut(conn, (struct str){NULL, 0});
        break;
    case CONN_HEAD:
    case CONN_BODY:
        if (age_us > config->body_timeout_ms * US_PER_MS)
            conn_cut(conn, str_from(timeout_reply));
        break;
    case CONN_STREAM:
        if (!stream_tick(conn->stream, now_mono_us))
            conn_cut(conn, (struct str){NULL, 0});
        break;
    }
}

static void conns_check(struct http_server *server)
{
    int64_t now = clock_mono_us();
    lock_take(&server->lock);
    struct list_node *node = list_first(&server->conns);
    for (; node != NULL; node = list_next(&server->conns, node)) {
        struct conn *conn = LIST_ENTRY(node, struct conn, node);
        if (!conn->is_cut)
            conn_check(conn, now);
    }
    lock_drop(&server->lock);
}

/*
 * libmicrohttpd does not watch suspended connections, so hang-ups of streams are noticed here.
 * Events carry the connection's id; whether it still exists is looked up under the lock.
 */
static void hangups_report(struct http_server *server, const struct epoll_event *events, int count)
{
    lock_take(&server->lock);
    struct list_node *node = list_first(&server->conns);
    for (; node != NULL; node = list_next(&server->conns, node)) {
        struct conn *conn = LIST_ENTRY(node, struct conn, node);
        if (conn->phase != CONN_STREAM)
            continue;
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == conn->id)
                stream_hang_up(conn->stream);
        }
    }
    lock_drop(&server->lock);
}

void *housekeeper_main(void *arg)
{
    struct http_server *server = arg;
    int64_t next_mono_us = 0;
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(server->epoll_fd, events, EVENTS_MAX, TICK_MS);
        if (count > 0)
            hangups_report(server, events, count);
        if (clock_mono_us() >= next_mono_us) {
            conns_check(server);
            next_mono_us = clock_mono_us() + TICK_MS * US_PER_MS;
        }
        lock_take(&server->lock);
        bool is_stopping = server->is_stopping;
        lock_drop(&server->lock);
        if (is_stopping)
            return NULL;
    }
}
