/* The service's long-lived object, for handlers and consumers. */
#pragma once

#include "queues_settings.h"
#include "svc/host.h"
#include "svc/workspaces.h"

#define QUEUES_SOURCE "/queues-svc" /* of our events */

struct queues {
    struct host host;
    const struct queues_settings *settings;
    struct workspaces workspaces;
};
