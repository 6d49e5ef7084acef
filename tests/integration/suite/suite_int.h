/* Shared by suite.c and events.c. */
#pragma once

#include "base/arena.h"
#include "suite.h"

struct events;

struct events *events_open(const char *nats_url);
void events_close(struct events *events); /* NULL is allowed */

struct suite {
    struct cluster *cluster;
    struct arena *arena; /* all that cases keep */
    unsigned services;
    struct process *processes[SUITE_SERVICE_COUNT];
    const char *http[SUITE_SERVICE_COUNT];
    const char **env[SUITE_SERVICE_COUNT]; /* NULL-terminated, with room for more */
    struct rpc_client *clients[SUITE_SERVICE_COUNT];
    struct rpc_client *directed[SUITE_SERVICE_COUNT]; /* where calls go instead; or NULL */
    const char *twin_grpc;
    struct rpc_server *tasks; /* played; NULL when tasks-svc is real */
    bool is_busy;
    struct events *events;
};

/* The text with 'x' and `x` turned into JSON's quotes; in the suite's arena. */
char *suite_json(const char *format, va_list args) PRINTF_LIKE(1, 0);
