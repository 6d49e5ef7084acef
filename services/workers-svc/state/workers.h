/* The service's long-lived object, for handlers and consumers. */
#pragma once

#include "svc/host.h"
#include "workers_settings.h"

#define WORKERS_SOURCE "/workers-svc" /* of our events */

struct workers {
    struct host host;
    const struct workers_settings *settings;
};
