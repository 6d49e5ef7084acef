/* The service's long-lived object, for handlers and consumers. */
#pragma once

#include "routing_settings.h"
#include "svc/host.h"
#include "svc/workspaces.h"

#define ROUTING_SOURCE "/routing-svc" /* of our events */

struct routing {
    struct host host;
    const struct routing_settings *settings;
    struct workspaces workspaces;
};
