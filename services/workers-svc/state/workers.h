/* The service's long-lived object, for handlers and consumers. */
#pragma once

#include "svc/host.h"

#define WORKERS_SOURCE "/workers-svc" /* of our events */

struct workers {
    struct host host;
};
