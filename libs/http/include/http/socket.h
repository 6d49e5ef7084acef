/*
 * Websockets (RFC 6455, on wslay): a handler turns its GET into one, then any thread pushes text to
 * it. What the client says is read and dropped, but for pings and its goodbye. One thread serves
 * all of them; no other is bound. What a client has not read yet is bounded; past the bound it is
 * cut off. Extensions and subprotocols are not agreed to.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "http/http.h"

struct http_socket;

#define HTTP_SOCKET_NORMAL     1000 /* status codes of a goodbye */
#define HTTP_SOCKET_GOING_AWAY 1001
#define HTTP_SOCKET_POLICY     1008

/*
 * Called exactly once for every opened socket, from a thread of the server without any lock, when
 * it is over: the client went away or fell behind, the server drains, or the owner closed it. The
 * pointer is valid until this returns and not afterwards, so the owner's lock around its list of
 * sockets must cover sends and be taken here to remove the entry. Must not block on I/O. It never
 * begins before the handler that opened the socket has returned.
 */
typedef void (*http_socket_closed_fn)(void *ctx, struct http_socket *socket);

/*
 * Turns the request into a websocket; the handler then returns ERR_OK. Sending may begin before it
 * returns. on_closed comes also when the handler returns an error after this. Ownership: the
 * server's; see on_closed. Errors: INVALID_ARGUMENT NOT_A_WEBSOCKET for a request that is none;
 * RESOURCE_EXHAUSTED TOO_MANY_SOCKETS; UNAVAILABLE DRAINING.
 */
enum err_code http_socket_open(struct http_request *req, struct http_response *res,
                               http_socket_closed_fn on_closed, void *ctx, struct http_socket **out,
                               struct err *err) MUST_CHECK;

/* Queues one text frame. False when the socket has ended. Threads: any. */
bool http_socket_send(struct http_socket *socket, struct str text);

/* Says goodbye after what was queued; on_closed follows. Threads: any. */
void http_socket_close(struct http_socket *socket, int status_code);
