#include "app/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_int.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "http/http.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum { MAX_CHECKS = 16, MAX_PORTS = 4, APP_LOCK_RANK = 100 };

_Static_assert(LOG_LEVEL_ERROR == 1 && LOG_LEVEL_DEBUG == 4,
               "the choices of TASKROUTER_LOG_LEVEL are counted from 1");

struct closer {
    enum app_phase phase;
    const char *name;
    app_close_fn close;
    void *ctx;
};

struct port {
    const char *name;
    int number;
};

struct app {
    const struct app_spec *spec;
    struct config *config;
    struct app_settings settings;
    void *service_settings;
    void *state;
    struct closer *closers;
    size_t closer_count;
    struct http_check checks[MAX_CHECKS];
    struct http_ops ops;
    struct http_route_set ops_routes;
    struct http_server *ops_server;
    struct port ports[MAX_PORTS];
    size_t port_count;
    bool is_loaded;
    bool is_started;
    struct lock lock; /* guards is_serving */
    bool is_serving;
};

/* ---- Small things ---- */

void *app_service_settings(struct app *app)
{
    return app->service_settings;
}

const struct app_settings *app_settings(const struct app *app)
{
    return &app->settings;
}

const struct app_spec *app_spec(const struct app *app)
{
    return app->spec;
}

void app_set_state(struct app *app, void *state)
{
    app->state = state;
}

void *app_state(const struct app *app)
{
    return app->state;
}

struct config *app_config(struct app *app)
{
    return app->config;
}

int app_left_ms(int64_t until_mono_us)
{
    int64_t left_ms = (until_mono_us - clock_mono_us()) / US_PER_MS;
    if (left_ms < 0)
        return 0;
    return left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
}

void app_on_close(struct app *app, enum app_phase phase, const char *name, app_close_fn fn,
                  void *ctx)
{
    app->closers = xrealloc(app->closers, app->closer_count + 1, sizeof *app->closers);
    app->closers[app->closer_count++] = (struct closer){phase, name, fn, ctx};
}

/* ---- Probes ---- */

static void serving_set(struct app *app, bool is_serving)
{
    lock_take(&app->lock);
    app->is_serving = is_serving;
    lock_drop(&app->lock);
}

static enum err_code check_serving(void *ctx, struct call *call, struct err *err)
{
    (void)call;
    struct app *app = ctx;
    lock_take(&app->lock);
    bool is_serving = app->is_serving;
    lock_drop(&app->lock);
    if (is_serving)
        return ERR_OK;
    return ERR_SET(err, ERR_UNAVAILABLE, "NOT_SERVING", "starting or shutting down");
}

void app_ready_check(struct app *app, const char *name, http_check_fn check, void *ctx)
{
    size_t count = app->ops.check_count;
    INVARIANT(count < MAX_CHECKS);
    app->checks[count] = (struct http_check){name, check, ctx};
    app->ops.check_count =
        count + 1; /* after the entry: a probe may come while the service starts */
}

struct http_route_set app_ops(struct app *app)
{
    return http_ops_routes(&app->ops);
}

static enum err_code ops_open(struct app *app, struct err *err)
{
    if (app->spec->serves_http)
        return ERR_OK;
    app->ops_routes = app_ops(app);
    struct http_server_config config = {
        .listen = app->settings.http_listen,
        .name = "ops",
        .sets = &app->ops_routes,
        .set_count = 1,
        .io_threads = 1,
        .workers = 2, /* a slow check must not stop /healthz */
        .max_connections = 64,
    };
    enum err_code code = http_server_open(&config, &app->ops_server, err);
    if (code == ERR_OK)
        app_port_set(app, "http", http_server_port(app->ops_server));
    return code;
}

/* ---- Ports ---- */

void app_port_set(struct app *app, const char *name, int port)
{
    INVARIANT(app->port_count < MAX_PORTS);
    app->ports[app->port_count++] = (struct port){name, port};
}

int app_port(const struct app *app, const char *name)
{
    for (size_t i = 0; i < app->port_count; i++) {
        if (strcmp(app->ports[i].name, name) == 0)
            return app->ports[i].number;
    }
    return 0;
}

/* Written beside and renamed, so that who waits for the file never reads half of it. */
static enum err_code ports_write(const struct app *app, struct err *err)
{
    const char *path = app->settings.ports_file;
    if (path == NULL)
        return ERR_OK;
    struct buf draft;
    buf_init(&draft, 0);
    buf_printf(&draft, "%s.new", path);
    FILE *file = buf_failed(&draft) ? NULL : fopen(draft.data, "we");
    bool is_ok = file != NULL;
    for (size_t i = 0; is_ok && i < app->port_count; i++)
        is_ok = fprintf(file, "%s\"%s\":%d", i == 0 ? "{" : ",", app->ports[i].name,
                        app->ports[i].number) > 0;
    if (is_ok)
        is_ok = fputs(app->port_count > 0 ? "}\n" : "{}\n", file) >= 0;
    if (file != NULL)
        is_ok = fclose(file) == 0 && is_ok;
    if (is_ok)
        is_ok = rename(draft.data, path) == 0;
    buf_fini(&draft);
    return is_ok ? ERR_OK
                 : ERR_SET(err, ERR_FAILED_PRECONDITION, "PORTS_FILE",
                           "TASKROUTER_PORTS_FILE %s cannot be written", path);
}

/* ---- Life ---- */

struct app *app_new(const struct app_spec *spec)
{
    struct app *app = xcalloc(1, sizeof *app);
    app->spec = spec;
    app->config = config_new();
    config_add(app->config, app_settings_table, app_settings_count, &app->settings);
    if (spec->setting_count > 0) {
        app->service_settings = xcalloc(1, spec->settings_size);
        config_add(app->config, spec->settings, spec->setting_count, app->service_settings);
    }
    app->ops.checks = app->checks;
    lock_init(&app->lock, "app", APP_LOCK_RANK);
    app_ready_check(app, "lifecycle", check_serving, app);
    return app;
}

enum err_code app_load(struct app *app, struct err *err)
{
    enum err_code code = config_load(app->config, err);
    if (code == ERR_OK && app->spec->check != NULL)
        code = app->spec->check(app, err);
    if (code != ERR_OK)
        return code;
    app->is_loaded = true;
    log_init(app->spec->name, (enum log_level)app->settings.log_level);
    return ERR_OK;
}

static void phase_run(struct app *app, enum app_phase phase, int64_t until_mono_us)
{
    for (size_t i = app->closer_count; i > 0; i--) {
        const struct closer *closer = &app->closers[i - 1];
        if (closer->phase != phase)
            continue;
        int64_t began = clock_mono_us();
        closer->close(closer->ctx, until_mono_us);
        LOG_DEBUG(NULL, "closed", LOG_STR("part", closer->name),
                  LOG_I64("ms", (clock_mono_us() - began) / US_PER_MS));
    }
}

static void closers_run(struct app *app)
{
    int64_t until = clock_mono_us() + app->settings.drain_ms * US_PER_MS;
    for (int phase = 0; phase < APP_PHASE_COUNT; phase++) {
        phase_run(app, (enum app_phase)phase, until);
        if (phase == APP_STOP_ACCEPTING)
            serving_set(app, false);
        if (phase == APP_FINISH_CALLS) { /* before what the checks look at goes away */
            http_server_close(app->ops_server);
            app->ops_server = NULL;
        }
    }
    app->closer_count = 0;
    app->is_started = false;
}

enum err_code app_start(struct app *app, struct err *err)
{
    int64_t began = clock_mono_us();
    enum err_code code = app_load(app, err);
    if (code != ERR_OK)
        return code;
    metrics_process_add(app->spec->name, app->spec->version);
    app->is_started = true;
    code = app->spec->start(app, err);
    if (code == ERR_OK)
        code = ops_open(app, err);
    if (code == ERR_OK)
        code = ports_write(app, err);
    if (code != ERR_OK) {
        closers_run(app);
        return code;
    }
    serving_set(app, true);
    LOG_INFO(NULL, "started", LOG_STR("version", app->spec->version),
             LOG_I64("grpc_port", app_port(app, "grpc")),
             LOG_I64("http_port", app_port(app, "http")),
             LOG_I64("ms", (clock_mono_us() - began) / US_PER_MS));
    return ERR_OK;
}

enum err_code app_migrate(struct app *app, struct err *err)
{
    enum err_code code = app_load(app, err);
    if (code == ERR_OK && app->spec->migrate != NULL)
        code = app->spec->migrate(app, err);
    return code;
}

void app_stop(struct app *app)
{
    if (!app->is_started)
        return;
    int64_t began = clock_mono_us();
    LOG_INFO(NULL, "stopping", LOG_I64("drain_ms", app->settings.drain_ms));
    closers_run(app);
    log_tick();
    LOG_INFO(NULL, "stopped", LOG_I64("ms", (clock_mono_us() - began) / US_PER_MS));
}

void app_reload(struct app *app)
{
    size_t ignored = 0;
    struct err err = {0};
    if (config_reload(app->config, &ignored, &err) != ERR_OK) {
        LOG_ERROR(NULL, "settings not reloaded, keeping the old ones", LOG_ERR(&err));
        return;
    }
    log_level_set((enum log_level)app->settings.log_level);
    LOG_INFO(NULL, "settings reloaded", LOG_I64("need_a_restart", (int64_t)ignored));
    if (app->spec->reload != NULL)
        app->spec->reload(app);
}

void app_free(struct app *app)
{
    if (app == NULL)
        return;
    app_stop(app);
    free(app->closers);
    config_free(app->config);
    free(app->service_settings);
    lock_fini(&app->lock);
    free(app);
}
