/* The service's long-lived object, for handlers, jobs and streams. */
#pragma once

#include "base/buf.h"
#include "gateway_settings.h"
#include "http/http.h"
#include "svc/host.h"

#define GATEWAY_SOURCE "/gateway" /* of our events */

struct audit;
struct channels;
struct auth;
struct default_workspaces;
struct feed;
struct rate;
struct rest;
struct twilio;
struct vault;

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
    struct http_route_set route_sets[4]; /* what http serves; it keeps no copy */
    struct http_server *http;
    char *cors_text;           /* what cors_origins points into */
    const char **cors_origins; /* NULL-terminated; NULL = none */
};
