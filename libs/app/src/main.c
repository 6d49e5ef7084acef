#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app_int.h"
#include "log/log.h"

typedef int (*command_fn)(struct app *app);

/* ---- Telling what is wrong ---- */

/* Wrong settings: one line for each, on stderr as they are, for a person. */
static void problems_print(struct app *app, const struct err *err)
{
    const char *line = config_problem(app_config(app), 0);
    if (line == NULL)
        (void)fprintf(stderr, "%s: %s\n", app_spec(app)->name, err->detail);
    for (size_t i = 0; line != NULL; line = config_problem(app_config(app), ++i))
        (void)fprintf(stderr, "%s: %s\n", app_spec(app)->name, line);
}

/* ---- Commands ---- */

static int command_help(struct app *app)
{
    const struct app_spec *spec = app_spec(app);
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text,
               "%s: %s\n\nusage: %s [option]\n"
               "  without option   runs until SIGTERM or SIGINT; SIGHUP reloads settings\n"
               "  --migrate        brings the database schema up to date and ends\n"
               "  --check-config   checks and prints the settings and ends\n"
               "  --settings       prints the settings as a Markdown table\n"
               "  --version        prints the version\n"
               "  --help           prints this\n\n"
               "Settings come from the environment, or else from the file named by\n"
               "TASKROUTER_ENV_FILE, or else from ./.env:\n",
               spec->name, spec->summary, spec->name);
    config_help(app_config(app), &text);
    (void)fputs(buf_failed(&text) ? "" : text.data, stdout);
    buf_fini(&text);
    return APP_OK;
}

static int command_settings(struct app *app)
{
    struct buf text;
    buf_init(&text, 0);
    config_markdown(app_config(app), &text);
    (void)fputs(buf_failed(&text) ? "" : text.data, stdout);
    buf_fini(&text);
    return APP_OK;
}

static int command_version(struct app *app)
{
    (void)printf("%s %s\n", app_spec(app)->name, app_spec(app)->version);
    return APP_OK;
}

static int command_check(struct app *app)
{
    struct err err = {0};
    if (app_load(app, &err) != ERR_OK) {
        problems_print(app, &err);
        return APP_CONFIG;
    }
    struct buf text;
    buf_init(&text, 0);
    config_print(app_config(app), &text);
    (void)fputs(buf_failed(&text) ? "" : text.data, stdout);
    buf_fini(&text);
    return APP_OK;
}

static int command_migrate(struct app *app)
{
    struct err err = {0};
    if (app_load(app, &err) != ERR_OK) {
        problems_print(app, &err);
        return APP_CONFIG;
    }
    if (app_migrate(app, &err) != ERR_OK) {
        LOG_ERROR(NULL, "schema not migrated", LOG_ERR(&err));
        return APP_FAILED;
    }
    return APP_OK;
}

/* ---- Running ---- */

/* Blocked before the first thread starts, so that all of them inherit it and only main sees them.
 */
static void signals_block(sigset_t *out)
{
    (void)sigemptyset(out);
    (void)sigaddset(out, SIGTERM);
    (void)sigaddset(out, SIGINT);
    (void)sigaddset(out, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, out, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

/* Once a second the log gets to report what it held back. */
static void signals_serve(struct app *app, const sigset_t *signals)
{
    const struct timespec second = {.tv_sec = 1};
    for (;;) {
        int received = sigtimedwait(signals, NULL, &second);
        if (received == SIGTERM || received == SIGINT)
            return;
        if (received == SIGHUP)
            app_reload(app);
        else
            log_tick();
    }
}

static int command_run(struct app *app)
{
    sigset_t signals;
    signals_block(&signals);
    struct err err = {0};
    if (app_load(app, &err) != ERR_OK) {
        problems_print(app, &err);
        return APP_CONFIG;
    }
    if (app_start(app, &err) != ERR_OK) {
        LOG_ERROR(NULL, "could not start", LOG_ERR(&err));
        return APP_FAILED;
    }
    signals_serve(app, &signals);
    app_stop(app);
    return APP_OK;
}

static const struct {
    const char *option;
    command_fn run;
} commands[] = {
    {"--help",         command_help    },
    {"-h",             command_help    },
    {"--version",      command_version },
    {"--check-config", command_check   },
    {"--settings",     command_settings},
    {"--migrate",      command_migrate },
};

int app_main(int argc, char **argv, const struct app_spec *spec)
{
    command_fn run = argc <= 1 ? command_run : NULL;
    for (size_t i = 0; argc == 2 && i < ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].option) == 0)
            run = commands[i].run;
    }
    if (run == NULL) {
        (void)fprintf(stderr, "%s: unknown option %s; --help lists what there is\n", spec->name,
                      argc > 2 ? argv[2] : argv[1]);
        return APP_USAGE;
    }
    struct app *app = app_new(spec);
    int status = run(app);
    app_free(app);
    return status;
}
