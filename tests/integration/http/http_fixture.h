/* A server on a free loopback port with the routes the cases need, and raw sockets to talk to it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/http.h"

/* Handlers that wait do so until the gate opens. */
void gate_shut(void);
void gate_open(void);
int gate_waiting(void); /* handlers at the gate now */

/* Opens a server with the fixture's routes; config may be NULL. Aborts when that fails. */
struct http_server *fixture_open(const struct http_server_config *config);

/* A connected socket with a receive timeout of 5 s. */
int dial(const struct http_server *server);
void send_text(int fd, const char *text);
void send_bytes(int fd, const char *bytes, size_t len);

/* Appends what arrives until the text is seen, the peer closes or time_ms passed; true when seen.
 */
bool receive_until(int fd, struct buf *in, const char *text, int time_ms);

/* Reads to the end of the connection; true when the peer closed it in time. */
bool receive_all(int fd, struct buf *in, int time_ms);

/* Sends the text on a new connection, reads to its end. */
void talk(const struct http_server *server, const char *text, struct buf *out);

bool contains(const struct buf *in, const char *text);
size_t occurrences(const struct buf *in, const char *text);

/* Waits until the condition holds, at most time_ms. */
bool wait_for(bool (*condition)(void *ctx), void *ctx, int time_ms);
