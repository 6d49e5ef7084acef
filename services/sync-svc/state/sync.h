/* The service's long-lived object, for handlers and consumers. */
#pragma once

#include "svc/host.h"
#include "svc/workspaces.h"

struct ingest;
struct runs;
struct sync_settings;
struct telephony;
struct upstream;

struct sync {
    struct host host;
    struct workspaces workspaces;
    const struct sync_settings *settings;
    struct upstream *upstream;
    struct ingest *ingest;
    struct runs *runs;
    const struct telephony *telephony;
};
