/*
 * The life of a service: options, settings, log, start, signals, probes, and the one order in which
 * everything ends. A service's main is one call of app_main; tests run the same life in process
 * with app_new, app_start, app_stop, app_free. Knows no service and opens no database.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/settings.h"
#include "base/call.h"
#include "base/err.h"
#include "config/config.h"
#include "http/ops.h"

struct app;

typedef enum err_code (*app_step_fn)(struct app *app, struct err *err);

/* What a service is. static const; borrowed for the process's life. */
struct app_spec {
    const char *name;                      /* "queues-svc" */
    const char *summary;                   /* one line for --help */
    const char *version;                   /* "0.1.0" */
    const struct config_setting *settings; /* its own rows, beside the common ones; may be NULL */
    size_t setting_count;
    size_t settings_size; /* sizeof its settings struct, which app allocates; 0 = none */
    app_step_fn check;    /* rules across settings; may be NULL. Part of --check-config */
    app_step_fn migrate;  /* --migrate; NULL = the service has no schema */
    app_step_fn start;    /* opens everything and registers closers; on failure they are run */
    void (*reload)(struct app *app); /* after SIGHUP applied reloadable settings; may be NULL */
    bool serves_http; /* the service opens TASKROUTER_HTTP_LISTEN itself and mounts app_ops() */
};

/* Exit statuses: 0 ended in order, 1 could not start, 64 wrong usage, 78 wrong configuration. */
enum app_exit { APP_OK = 0, APP_FAILED = 1, APP_USAGE = 64, APP_CONFIG = 78 };

/* --help, --version, --check-config, --settings, --migrate; without option runs until SIGTERM or
 * SIGINT. */
int app_main(int argc, char **argv, const struct app_spec *spec);

/* The service's settings struct, filled. */
void *app_service_settings(struct app *app);
const struct app_settings *app_settings(const struct app *app);
const struct app_spec *app_spec(const struct app *app);

/* The service's long-lived object, set in start: an anchor for handlers. NULL until then. */
void app_set_state(struct app *app, void *state);
void *app_state(const struct app *app);

/* ---- Ending ---- */

/* In this order; within a phase the last registered goes first. */
enum app_phase {
    APP_STOP_ACCEPTING, /* listeners say not serving and take nothing new */
    APP_FINISH_CALLS,   /* readiness fails from here on; calls under way, consumers, jobs */
    APP_FLUSH_OUTBOX,
    APP_CLOSE_CLIENTS, /* channels to other services */
    APP_CLOSE_BUS,
    APP_CLOSE_DB,
    APP_FREE, /* memory */
    APP_PHASE_COUNT,
};

/* until_mono_us: when patience ends (drain_ms after the signal); then be quick. */
typedef void (*app_close_fn)(void *ctx, int64_t until_mono_us);

/* name: for the log; a literal. During start only. */
void app_on_close(struct app *app, enum app_phase phase, const char *name, app_close_fn fn,
                  void *ctx);

/* Milliseconds until until_mono_us, at least 0: for drain functions. */
int app_left_ms(int64_t until_mono_us);

/* ---- Probes ---- */

/* /readyz fails while check does. During start only; at most 16. */
void app_ready_check(struct app *app, const char *name, http_check_fn check, void *ctx);

/* Routes of /healthz, /readyz and /metrics, for services with serves_http. */
struct http_route_set app_ops(struct app *app);

/* Says which port was bound ("grpc", "http"), for TASKROUTER_PORTS_FILE and the log. */
void app_port_set(struct app *app, const char *name, int port);
int app_port(const struct app *app, const char *name); /* 0 = not set */

/* ---- Jobs ---- */

struct app_job;

/*
 * One run of a job. call has a fresh arena and the job's name; its deadline is budget_ms away.
 * After an error (logged once per run, limited) the next run waits longer each time, up to
 * backoff_max_ms.
 */
typedef enum err_code (*app_job_fn)(struct app_job *job, struct call *call, void *ctx,
                                    struct err *err);

/* One row of a service's table of jobs; zero = the default given. */
struct app_job_def {
    const char *name;
    app_job_fn run;
    int period_ms;      /* between runs, with 10 % jitter; 0 = only when woken */
    int budget_ms;      /* 30000 */
    int backoff_max_ms; /* 30000 */
    size_t arena_bytes; /* 4 MiB */
    bool runs_at_start; /* else first after one period */
};

/* Starts a thread that ends in phase APP_FINISH_CALLS, after the run under way. def is borrowed. */
struct app_job *app_job_start(struct app *app, const struct app_job_def *def, void *ctx);

/* Runs as soon as possible. Threads: any. */
void app_job_wake(struct app_job *job);

/* For long runs: true when the service is ending. */
bool app_job_is_stopping(struct app_job *job);

/* Waits inside a run; true when it should stop. */
bool app_job_wait(struct app_job *job, int ms);

/* ---- In process, for tests ---- */

struct app *app_new(const struct app_spec *spec);

/* Before app_start: config_set and config_isolate. */
struct config *app_config(struct app *app);

/* Loads settings and starts; on failure everything is ended again. */
enum err_code app_start(struct app *app, struct err *err) MUST_CHECK;

/* Loads settings, then runs spec->migrate. */
enum err_code app_migrate(struct app *app, struct err *err) MUST_CHECK;

/* Everything that SIGTERM does. */
void app_stop(struct app *app);
void app_free(struct app *app); /* stops first; NULL is allowed */
