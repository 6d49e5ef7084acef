/* The service's long-lived object, for handlers and consumers. */
#pragma once

#include "svc/host.h"
#include "svc/workspaces.h"

#define ROUTING_SOURCE "/routing-svc" /* of our events */

struct routing {
    struct host host;
    struct workspaces workspaces;
};
