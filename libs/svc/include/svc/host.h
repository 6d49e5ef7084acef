/*
 * What every gRPC service of ours has open: database pool, bus, outbox relay, clients of its peers
 * and the RPC server, made from the common settings and closed in app's order. Keeps app.c of a
 * service down to what is its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "db/stmt.h"

struct app;
struct bus;
struct bus_consumer_def;
struct db_pool;
struct outbox;
struct rpc_auth;
struct rpc_client;
struct rpc_directory;
struct rpc_server;

/* Names are PEER_<first column>: setting, name in messages. */
#define PEERS(X)                                                                                   \
    X(GATEWAY, grpc_gateway, "gateway")                                                            \
    X(WORKERS, grpc_workers, "workers-svc")                                                        \
    X(QUEUES, grpc_queues, "queues-svc")                                                           \
    X(ROUTING, grpc_routing, "routing-svc")                                                        \
    X(TASKS, grpc_tasks, "tasks-svc")                                                              \
    X(SYNC, grpc_sync, "sync-svc")

enum peer {
#define X(name, setting, text) PEER_##name,
    PEERS(X)
#undef X
        PEER_COUNT,
};

#define PEER_BIT(peer) (1U << (unsigned)(peer))

/* static const in app.c. */
struct host_spec {
    const char *schema; /* "queues" */
    const struct db_migration *migrations;
    size_t migration_count;
    unsigned peers; /* PEER_BIT of each peer that is called; its setting is required */
    /* The gateway, which knows API tokens itself: how its server tells callers apart. Not used
     * before host_serve; service_token is filled in here. NULL: the gateway is asked. */
    const struct rpc_auth *auth;
    bool plans_each_time; /* of the pool: see db_options; so is the next */
    bool avoids_scans;
    bool has_own_relay; /* tasks-svc: its event log is its outbox; host->outbox stays NULL */
};

/* Filled by host_open; members are NULL where the spec does not want them. */
struct host {
    struct app *app;
    struct db_pool *pool;
    struct bus *bus;
    struct outbox *outbox;
    struct rpc_directory *directory;
    struct rpc_server *server;
    struct rpc_client *as_caller[PEER_COUNT];  /* asserts the identity of the call it works for */
    struct rpc_client *as_service[PEER_COUNT]; /* calls as the service itself */
};

/* A zeroed object for app_set_state, freed when the service ends. First thing in app_spec.start. */
void *host_state_new(struct app *app, size_t size);

/*
 * Opens everything, checks the schema, registers closers and readiness checks, and
 * starts forgetting idempotency keys after a day where the schema has such a table. The RPC server
 * does not listen yet: add services to host->server, then host_serve.
 * Errors: FAILED_PRECONDITION for an old schema or a missing peer setting; UNAVAILABLE.
 */
enum err_code host_open(struct app *app, const struct host_spec *spec, struct host *host,
                        struct err *err) MUST_CHECK;

/* Starts the consumers of a table, stopped in phase APP_FINISH_CALLS; ctx is that of the handlers.
 */
void host_consume(struct host *host, const struct bus_consumer_def *defs, size_t count, void *ctx);

/* Listens, says so to health and to the ports file. */
enum err_code host_serve(struct host *host, struct err *err) MUST_CHECK;

/* app_spec.migrate of a service. */
enum err_code host_migrate(struct app *app, const struct host_spec *spec,
                           struct err *err) MUST_CHECK;
