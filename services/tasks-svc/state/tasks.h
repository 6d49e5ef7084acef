/* The service's long-lived object, for handlers. */
#pragma once

#include "svc/host.h"

struct shell;
struct fetcher;
struct relay;
struct config_feed;
struct callbacks;
struct deciding;
struct signing;

struct tasks {
    struct host host;
    struct shell *shell;
    struct fetcher *fetcher;
    struct deciding *deciding;
    struct relay *relay;
    int64_t wrap_up_timeout_s;     /* of wrap-ups that say nothing; 0 = none */
    int64_t statistics_keep_ms;    /* how far back statistics reach */
    int64_t statistics_minutes_ms; /* by the minute */
    int64_t redact_ms;             /* events older than that come without attributes; 0: none */
    int64_t statistics_workers;    /* those of workers are off above so many; 0: never */
    struct config_feed *feed;
    struct callbacks *callbacks;
    struct signing *signing;
};
