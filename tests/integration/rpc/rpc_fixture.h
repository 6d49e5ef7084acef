/*
 * A server and a client in one process, over the suite's own protos with handlers made for tests.
 * GetTaskQueue does what the request's sid says: "ok", "missing", "field", "internal", "slow",
 * "block", "greedy", "who", "relay". CreateTaskQueue answers from another thread. ListTaskQueues
 * runs on the loop. UpdateTaskQueue needs a supervisor, GetTaskChannel nobody, CreateTaskChannel a
 * service. DeleteTaskQueue has no row. ExportWorkers streams page_size workers.
 */
#pragma once

#include "base/call.h"
#include "base/lock.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "testing.h"

#define SERVICE_TOKEN "service-secret"
#define QUEUES        "/taskrouter.queues.v1.Queues/"
#define EXPORT        "/taskrouter.workers.v1.Workers/ExportWorkers"

typedef Taskrouter__Queues__V1__TaskQueue task_queue;
typedef Taskrouter__Queues__V1__GetTaskQueueRequest get_request;
typedef Taskrouter__Workers__V1__ExportWorkersRequest export_request;

struct fixture {
    struct rpc_server *server;
    struct rpc_client *client; /* with the service token */
    struct rpc_client *peer;   /* for "relay" and for the directory; NULL: none */
    struct arena *arena;
    struct call call; /* 5 s, an admin's */
    struct err err;
    char target[64];
    struct lock lock;
    struct cond changed;
    bool is_gate_open;           /* "block" waits for it */
    int blocked;                 /* handlers waiting at the gate */
    int asked;                   /* calls of the authenticate callback or Directory/Authenticate */
    int streamed;                /* messages that the stream handler has handed over */
    enum err_code streamed_code; /* how the stream handler ended; -1: not yet */
};

/* config NULL: defaults with the service token. Fails the case and returns false when it cannot. */
bool fixture_open(struct fixture *f, const struct rpc_server_config *config,
                  const struct rpc_client_tls *tls);
void fixture_close(struct fixture *f);

/* A client of the fixture's server with another token (NULL: none). */
struct rpc_client *fixture_client(const struct fixture *f, const char *token);

/* The client that "relay" calls through. */
void fixture_peer_open(struct fixture *f);

/* GetTaskQueue(sid) through a client with f->call. */
enum err_code fixture_get(struct fixture *f, struct rpc_client *client, const char *sid,
                          task_queue **out_queue);

/* A fresh arena-backed call for another thread or another deadline. */
void fixture_call(struct call *call, struct arena *arena, int timeout_ms);

void fixture_gate_open(struct fixture *f);

/* Waits up to 5 s until *value reaches at_least; both under f->lock. */
bool fixture_wait(struct fixture *f, const int *value, int at_least);
