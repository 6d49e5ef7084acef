#include "db_int.h"

#include <stdlib.h>

#include "base/alloc.h"

static int or_default(int value, int fallback)
{
    return value == 0 ? fallback : value;
}

struct db_settings *db_settings_new(const struct db_options *options)
{
    struct db_settings *settings = xcalloc(1, sizeof *settings);
    settings->url = xstrdup(options->url == NULL ? "" : options->url);
    settings->name = xstrdup(options->name == NULL ? "taskrouter" : options->name);
    settings->schema = xstrdup(options->schema);
    settings->host = db_host_of(settings->url);
    settings->size = or_default(options->size, 8);
    settings->connect_timeout_ms = or_default(options->connect_timeout_ms, 1500);
    settings->acquire_timeout_ms = or_default(options->acquire_timeout_ms, 1000);
    settings->statement_timeout_ms = or_default(options->statement_timeout_ms, 30000);
    settings->plans_each_time = options->plans_each_time;
    settings->avoids_scans = options->avoids_scans;
    settings->breaker_ms = or_default(options->breaker_ms, 200);
    return settings;
}

void db_settings_free(struct db_settings *settings)
{
    if (settings == NULL)
        return;
    free(settings->url);
    free(settings->name);
    free(settings->schema);
    free(settings->host);
    free(settings);
}
