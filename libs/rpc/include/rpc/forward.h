/*
 * Sends calls on to the process that can serve them. A handler that cannot, because what it needs
 * is run by another process of the same service just now, fails with one of the reasons named here;
 * the call is then not answered but goes, as the bytes that came, to where the service says:
 * one hop, with what is left of the deadline, request id, traceparent and the caller's identity,
 * and what comes back is the answer unchanged. While nobody can serve it, it waits; a bounded
 * number may. Knows nothing of what is divided among the processes, and never sends streams on.
 *
 * A call that surely was not executed (refused with such a reason, or never sent) is tried again
 * until its deadline. One whose connection broke is tried again only when that is harmless: the
 * method is open to viewers, who change nothing, or the request has an idempotency_key.
 *
 * The place may be another service too, which serves the same methods: then what its handlers
 * answer is the answer, the call may take longer than here, and nobody waits long for a connection.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "rpc/client.h"

struct rpc_forwarder;
struct rpc_server;

#define RPC_TARGET_SIZE 256

enum rpc_place {
    RPC_PLACE_NONE,  /* nobody just now: wait */
    RPC_PLACE_HERE,  /* run the handler (again) */
    RPC_PLACE_THERE, /* the route is filled */
    RPC_PLACE_GONE,  /* nobody, and not for a while: refuse at once */
};

/* Zeroed before the place is asked for; only the target must be filled. */
struct rpc_route {
    char target[RPC_TARGET_SIZE];
    int budget_ms;   /* from the call's beginning, instead of its method's; never longer than the
                        caller waits. 0: its method's */
    int patience_ms; /* without a connection for so long: refuse. 0: wait until the deadline */
    bool is_final;   /* another service: its handlers' answers are never reasons to try again */
};

/* Where a request that was refused with the reason (one of the options') can be served now.
 * Threads: any; must not block. */
typedef enum rpc_place (*rpc_place_fn)(void *ctx, const char *reason,
                                       const ProtobufCMessage *request,
                                       struct rpc_route *out_route);

/* Texts and tables are borrowed for the server's life. */
struct rpc_forward_options {
    const char *token;                /* the service token: peers believe the identity beside it */
    const struct rpc_client_tls *tls; /* NULL: plain text */
    const char *const *reasons;       /* "not here": surely not executed; ends with NULL */
    const char *const *unsure;        /* reasons after which nobody knows; ends with NULL */
    size_t max_calls;                 /* waiting or under way elsewhere; more: RESOURCE_EXHAUSTED */
    rpc_place_fn place;
    void (*refresh)(void *ctx); /* the place was wrong: look again. Threads: any; must not block */
    void *ctx;
};

/* Before rpc_server_start; ends with the server. */
void rpc_server_forward(struct rpc_server *server, const struct rpc_forward_options *options);

/* Places changed: whatever waits is tried at once. Threads: any, while the server lives. */
void rpc_server_forward_wake(struct rpc_server *server);
