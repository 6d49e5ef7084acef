/*
 * Settings that every service has, so that a service's table holds only its own. Filled before
 * app_spec.start is called; read with app_settings().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

/* Texts may be NULL where the table gives no default. */
struct app_settings {
    const char *grpc_listen;   /* TASKROUTER_GRPC_LISTEN, host:port, port 0 = any free one */
    const char *http_listen;   /* TASKROUTER_HTTP_LISTEN */
    const char *database_url;  /* TASKROUTER_DATABASE_URL, required */
    int64_t database_pool;     /* TASKROUTER_DATABASE_POOL, connections */
    const char *nats_url;      /* TASKROUTER_NATS_URL, required */
    const char *service_token; /* TASKROUTER_SERVICE_TOKEN, required, 32 bytes or more */
    const char *grpc_gateway;  /* TASKROUTER_GRPC_GATEWAY and so on: peers, host:port */
    const char *grpc_workers;
    const char *grpc_queues;
    const char *grpc_routing;
    const char *grpc_tasks;
    const char *grpc_sync;
    int log_level;               /* enum log_level; reloadable */
    int64_t drain_ms;            /* TASKROUTER_DRAIN_MS */
    int64_t request_arena_bytes; /* TASKROUTER_REQUEST_ARENA_BYTES */
    int64_t workers;             /* TASKROUTER_WORKERS, threads; 0 = database_pool + 2 */
    const char *tls_cert_file;   /* TASKROUTER_TLS_CERT_FILE: set = gRPC serves TLS */
    const char *tls_key_file;    /* TASKROUTER_TLS_KEY_FILE */
    const char *tls_ca_file;     /* TASKROUTER_TLS_CA_FILE: to check peers */
    const char *nats_ca_file;    /* TASKROUTER_NATS_CA_FILE: set = TLS to NATS */
    const char *ports_file;      /* TASKROUTER_PORTS_FILE: where bound ports are written */
    int64_t event_max_age_ms;    /* TASKROUTER_EVENT_MAX_AGE, how long the bus keeps events */
};

extern const struct config_setting app_settings_table[];
extern const size_t app_settings_count;
