/* The service's long-lived object, for handlers, jobs and streams. */
#pragma once

#include "base/buf.h"
#include "gateway_settings.h"
#include "http/http.h"
#include "svc/host.h"

#define GATEWAY_SOURCE "/gateway" /* of our events */

struct audit;
struct bridge;
struct calls;
struct channels;
struct customers;
struct auth;
struct default_workspaces;
struct feed;
struct rate;
struct rest;
struct twilio;
struct upkeep;
struct vault;
struct webhooks;

/* Why webhooks were refused; names are WEBHOOK_REFUSED_<first column>. */
#define WEBHOOK_REFUSALS(X)                                                                        \
    X(MISSING, "missing")   /* no signature */                                                     \
    X(INVALID, "invalid")   /* not of this request, or made with another token */                  \
    X(NO_TOKEN, "no_token") /* none is known that it could be checked with */

enum webhook_refusal {
#define X(name, text) WEBHOOK_REFUSAL_##name,
    WEBHOOK_REFUSALS(X)
#undef X
        WEBHOOK_REFUSAL_COUNT,
};

/* Webhooks of this process since its start. */
struct webhook_tally {
    _Atomic int64_t received;
    _Atomic int64_t refused[WEBHOOK_REFUSAL_COUNT];
    _Atomic int64_t refused_at_us; /* the last one; 0 = none */
};

struct gateway {
    struct host host;
    const struct gateway_settings *settings;
    struct vault *vault;
    struct auth *auth;
    struct audit *audit;
    struct default_workspaces *workspaces;
    struct channels *channels;
    struct feed *feed;
    struct rate *rate;
    struct rest *rest;
    struct twilio *twilio;
    struct calls *calls;
    struct bridge *bridge;
    struct webhooks *webhooks;
    struct customers *customers;
    struct upkeep *upkeep;
    struct webhook_tally tally;
    struct http_route_set route_sets[4]; /* what http serves; it keeps no copy */
    struct http_server *http;
    char *cors_text;           /* what cors_origins points into */
    const char **cors_origins; /* NULL-terminated; NULL = none */
};
