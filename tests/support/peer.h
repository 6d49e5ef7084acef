/*
 * Somebody else's HTTP server, in the test's own process: what it is asked goes to a function of
 * the test, on a thread per connection, which may take its time, answer nonsense, or not at all.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

struct peer;

/* Views of the request; they live until the function returns. */
struct peer_request {
    struct str method;
    struct str path; /* with its query */
    struct str head; /* all header lines */
    struct str body;
};

/* Appends the whole answer to out; nothing ends the connection. */
typedef void peer_fn(void *ctx, const struct peer_request *request, struct buf *out);

struct peer *peer_open(peer_fn *fn, void *ctx); /* on a free port; never NULL */
int peer_port(const struct peer *peer);
/* No request may be held by the function any more. NULL is allowed. */
void peer_close(struct peer *peer);

/* A JSON answer with its length. */
void peer_answer(struct buf *out, int status, const char *json);

/* Value of a header of the request, without case; empty when it has none. */
struct str peer_header(const struct peer_request *request, const char *name);
