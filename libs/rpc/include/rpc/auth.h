/*
 * Who calls. rpc itself knows one secret, the suite's service token: its bearer is one of our
 * services, which may assert the end user it works for (x-tr-actor, x-tr-account, x-tr-role,
 * x-tr-worker, x-tr-workspace). Every other token is asked about through struct rpc_auth; services
 * use a struct rpc_directory, which asks the gateway and remembers the answer for a short while.
 */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "base/str.h"

struct rpc_client;
struct rpc_directory;

/*
 * Fills *out_who with texts that live as long as the call (call->arena). Refuses with
 * UNAUTHENTICATED, or fails with the code that says why it could not tell (UNAVAILABLE, ...).
 * Runs on a worker thread and may block up to the call's deadline.
 */
typedef enum err_code (*rpc_authenticate_fn)(void *ctx, struct call *call, struct str token,
                                             struct identity *out_who, struct err *err);

/*
 * The same from memory only, never blocking: false when the answer is not at hand. True: *out_code
 * is ERR_OK and *out_who is filled, or *out_code is the refusal and *err tells it.
 */
typedef bool (*rpc_auth_cached_fn)(void *ctx, struct call *call, struct str token,
                                   enum err_code *out_code, struct identity *out_who,
                                   struct err *err);

struct rpc_auth {
    const char *service_token;        /* NULL or "": nobody is taken for a service */
    rpc_authenticate_fn authenticate; /* NULL: tokens other than the service's are refused */
    rpc_auth_cached_fn cached;        /* NULL: nothing is ever at hand */
    void *ctx;
};

/* gateway: a client of the gateway with the service token, borrowed for the directory's life.
 * Positive answers are kept 10 s, refusals 2 s, at most 4096 of them. Threads: any. */
struct rpc_directory *rpc_directory_new(struct rpc_client *gateway);
void rpc_directory_free(struct rpc_directory *directory);

/* The struct rpc_auth that uses the directory. service_token is borrowed. */
struct rpc_auth rpc_auth_remote(struct rpc_directory *directory, const char *service_token);
