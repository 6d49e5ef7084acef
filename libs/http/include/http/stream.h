/*
 * Server-sent events: a handler turns its request into a stream, then any thread pushes text to
 * it. No thread is bound to a stream: its connection is suspended while there is nothing to send.
 * What a client has not read yet is bounded; past the bound the stream ends with an "overflow"
 * event, so that the client resumes with Last-Event-ID instead of the server holding its backlog.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "http/http.h"

struct http_stream;

/*
 * Called exactly once for every opened stream, from a thread of the server without any lock, when
 * the stream is over: the client went away or fell behind, the server drains, or the owner closed
 * it. The pointer is valid until this returns and not afterwards, so the owner's lock around its
 * list of streams must cover sends and be taken here to remove the entry. Must not block on I/O.
 * It never begins before the handler that opened the stream has returned.
 */
typedef void (*http_stream_closed_fn)(void *ctx, struct http_stream *stream);

/*
 * Turns the request into a stream with status 200 and text/event-stream; headers set on res are
 * sent too. The handler then returns ERR_OK. Sending may begin before it returns.
 * on_closed must not be NULL; it comes also when the handler returns an error after this.
 * Ownership: the server's; see on_closed. Errors: RESOURCE_EXHAUSTED (TOO_MANY_STREAMS),
 * UNAVAILABLE (DRAINING), INVALID_ARGUMENT for a HEAD request.
 */
enum err_code http_stream_open(struct http_request *req, struct http_response *res,
                               http_stream_closed_fn on_closed, void *ctx, struct http_stream **out,
                               struct err *err) MUST_CHECK;

/* Queues bytes as they are (whole events). False when the stream has ended. Threads: any. */
bool http_stream_send(struct http_stream *stream, struct str text);

/*
 * Queues one event; id and event may be NULL, data may have several lines. False when the stream
 * has ended. Threads: any.
 */
bool http_stream_event(struct http_stream *stream, const char *id, const char *event,
                       struct str data);

/* Bytes queued that the client has not taken yet: for senders that can wait. Threads: any. */
size_t http_stream_backlog(struct http_stream *stream);

/* True until the stream ended for whatever reason. Threads: any. */
bool http_stream_is_open(struct http_stream *stream);

/* Ends the stream after what was queued is written; on_closed follows. NULL is allowed. Threads:
 * any. */
void http_stream_close(struct http_stream *stream);
