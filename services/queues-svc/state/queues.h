/* The service's long-lived object, for handlers and consumers. */
#pragma once

#include "svc/host.h"
#include "svc/workspaces.h"

#define QUEUES_SOURCE "/queues-svc" /* of our events */

struct queues {
    struct host host;
    struct workspaces workspaces;
};
