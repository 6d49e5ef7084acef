/*
 * The server's parts among themselves.
 * Threads: io threads (libmicrohttpd's), workers, one housekeeper. An exchange belongs to the io
 * thread of its connection, and to one worker between queue_push and MHD_resume_connection.
 */
#pragma once

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/queue.h"
#include "http/http.h"
#include "http/socket.h"
#include "http/stream.h"
#include "metrics/metrics.h"
#include "router_int.h"

/* The stream's lock is taken under the server's, never the other way round; both rank above the
 * locks of those who push into streams. */
enum { HTTP_RANK_SERVER = 800, HTTP_RANK_STREAM = 810, HTTP_RANK_SOCKET = 820 };

enum conn_phase {
    CONN_NONE,
    CONN_IDLE,  /* nothing of a request was seen yet */
    CONN_HEAD,  /* the request line is there */
    CONN_BODY,  /* the head is there */
    CONN_BUSY,  /* waits, runs, or is being answered */
    CONN_STREAM /* answered by a stream */
};

enum conn_excess { EXCESS_NONE, EXCESS_TOTAL, EXCESS_PER_IP };

/* Connections from one address. */
struct ip_count {
    char text[INET6_ADDRSTRLEN]; /* key of the map */
    size_t count;
};

/* One TCP connection; from libmicrohttpd's start notice to its close notice. */
struct conn {
    struct list_node node;
    struct http_server *server;
    struct MHD_Connection *mhd;
    uint64_t id;
    int fd;
    struct ip_count *ip;
    enum conn_excess excess;
    /* Guarded by the server's lock: */
    enum conn_phase phase;
    int64_t since_mono_us; /* when the phase began; HEAD and BODY share the clock of HEAD */
    bool is_cut;           /* the housekeeper shut the socket down */
    struct http_stream *stream;
};

struct header {
    const char *name;
    const char *value;
    struct header *next;
};

enum exchange_state {
    EXCHANGE_NONE,
    EXCHANGE_NEW,  /* request line seen */
    EXCHANGE_BODY, /* taking the body */
    EXCHANGE_RUN,  /* queued or with a worker */
    EXCHANGE_DONE, /* the reply is ready */
    EXCHANGE_SENT, /* the reply is with libmicrohttpd */
};

/* One request and its reply. */
struct exchange {
    uint32_t magic;
    enum exchange_state state;
    struct http_server *server;
    struct conn *conn;
    struct arena *arena;
    struct call call;
    struct http_request req;
    struct http_response res;
    const struct router_route *route; /* NULL: none matched */
    const struct http_route_set *set; /* whose error renderer counts; may be NULL */
    unsigned allowed;                 /* methods of the path, for 405 and OPTIONS */
    struct buf body;
    size_t discarded_bytes; /* of a body that was refused */
    struct err refusal;     /* code set: answer this once the body is out of the way */
    struct header *headers; /* of the reply, in order */
    struct header *last_header;
    size_t header_bytes;
    const char *content_type; /* NULL = none */
    const char *allow;        /* of a 405, else NULL */
    bool must_close;
    bool is_counted; /* in in_flight */
    struct http_stream *stream;
    struct http_socket *socket; /* NULL once it is its own */
    int64_t started_mono_us;
};

struct route_metrics {
    struct metric_series *by_class[6]; /* index = status / 100 */
    struct metric_series *duration;
    struct metric_series *in_flight;
};

struct server_metrics {
    struct metric_series *connections;
    struct metric_series *streams;
    struct metric_series *overflows;
    struct metric_series *rejected;
    struct metric_series *queued;
};

struct http_server {
    struct http_server_config config;
    struct router router;
    struct route_metrics unmatched;
    struct route_metrics *route_metrics; /* one per route */
    struct server_metrics metrics;
    struct MHD_Daemon *daemon;
    int listen_fd; /* -1 until bound */
    int port;
    struct queue *queue;
    pthread_t *workers;
    size_t worker_count; /* started */
    pthread_t housekeeper;
    bool has_housekeeper;
    int epoll_fd; /* watches the sockets of streams for hang-ups */
    pthread_t socket_thread;
    bool has_socket_thread;
    int socket_epoll_fd; /* watches websockets */
    bool is_drained;

    struct lock lock;
    struct cond changed; /* in_flight or streams went down */
    struct list conns;
    struct map ips;
    struct list streams;
    struct list sockets;
    size_t conn_count;
    size_t in_flight;
    size_t stream_count;
    size_t socket_count; /* those that are not on the list yet too */
    size_t buffered_bytes;
    uint64_t last_conn_id;
    uint64_t request_count;
    uint64_t rejected_count;
    uint64_t overflow_count;
    bool is_draining;
    bool is_abandoning; /* the drain's patience is over: answer 503 without running handlers */
    bool is_stopping;   /* the housekeeper ends */
};

/* conn.c */
struct conn *conn_open(struct http_server *server, struct MHD_Connection *mhd);
void conn_close(struct conn *conn);
/* False when the housekeeper has cut the connection: what it asked for must not be done. */
bool conn_enter(struct conn *conn, enum conn_phase phase);
void *housekeeper_main(void *arg); /* arg: the server, here and below */

/* exchange.c: the callbacks given to libmicrohttpd */
void *exchange_on_target(void *arg, const char *target, struct MHD_Connection *mhd);
enum MHD_Result exchange_on_request(void *server, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *data,
                                    size_t *data_bytes, void **exchange);
/* No longer counts as in flight, though its connection goes on. */
void exchange_leave(struct exchange *ex);
void exchange_on_end(void *arg, struct MHD_Connection *mhd, void **exchange,
                     enum MHD_RequestTerminationCode why);

/* worker.c */
void *worker_main(void *arg);

/* request.c: fills ex->req from the head. */
enum err_code request_fill(struct exchange *ex, struct MHD_Connection *mhd, const char *method,
                           const char *version, struct err *err) MUST_CHECK;

/* response.c */
void response_init(struct exchange *ex);
void response_fini(struct exchange *ex);
void response_reset(struct exchange *ex); /* empties what a handler made, but retry_after_s */
void response_fail(struct exchange *ex, const struct err *err); /* renders and logs */
void response_check(struct exchange *ex); /* a reply that outgrew its limits becomes an error */
enum MHD_Result response_queue(struct exchange *ex, struct MHD_Connection *mhd);
struct exchange *exchange_of(const struct http_request *req);

/* stream.c */
struct MHD_Response *stream_response(struct http_stream *stream);
void stream_attach(struct http_stream *stream, struct conn *conn); /* about to be answered */
/* Reports the end to the owner and frees. is_request_again: the handler failed after opening it. */
void stream_detach(struct http_stream *stream, bool is_request_again);
void stream_end(struct http_stream *stream, struct str last_words);
void stream_hang_up(struct http_stream *stream); /* the client is gone: drop what is queued */
/* Heartbeats; false when the stream ended and its client does not take the rest. */
bool stream_tick(struct http_stream *stream, int64_t now_mono_us);
void streams_end_all(struct http_server *server, struct str last_words);

/* socket.c */
struct MHD_Response *socket_response(struct http_socket *socket);
void socket_drop(struct http_socket *socket); /* before it was its own; NULL is allowed */
void *sockets_main(void *arg);
void sockets_end_all(struct http_server *server);

/* http_metrics.c */
void http_metrics_init(struct http_server *server);
void http_metrics_request(const struct exchange *ex, int status);
