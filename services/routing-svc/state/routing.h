/* The service's long-lived object, for handlers and consumers. */
#pragma once

#include "routing_settings.h"
#include "svc/host.h"
#include "svc/workspaces.h"

#define ROUTING_SOURCE "/routing-svc" /* of our events */

struct counters;
struct figures;
struct snapshots;

struct routing {
    struct host host;
    const struct routing_settings *settings;
    struct workspaces workspaces;
    struct snapshots *snapshots; /* compiled rules by workspace: decide/snapshots.h */
    struct counters *counters;   /* matches not yet stored: decide/counters.h */
    struct figures *figures;     /* of queues, a second old at most: decide/figures.h */
};
