#include "app/app.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "testing.h"

/* NOLINTBEGIN(concurrency-mt-unsafe): the environment is changed while one thread runs */

struct settings {
    int64_t count;
};

static const struct config_setting rows[] = {
    {.key = "TEST_COUNT",
     .type = CONFIG_INT,
     .default_text = "3",
     .min = 1,
     .max = 9,
     .help = "Count.",
     CONFIG_FIELD(struct settings, count)},
};

static char closed[16]; /* first letters of what was closed, in order */
static bool start_fails;
static struct app_job *job;
static struct lock job_lock;
static struct cond job_ran;
static int job_runs;

static void close_one(void *ctx, int64_t until_mono_us)
{
    INVARIANT(app_left_ms(until_mono_us) <= 5000);
    size_t len = strlen(closed);
    INVARIANT(len + 1 < sizeof closed);
    closed[len] = *(const char *)ctx;
}

static enum err_code job_run(struct app_job *self, struct call *call, void *ctx, struct err *err)
{
    (void)ctx;
    INVARIANT(!app_job_is_stopping(self));
    INVARIANT(call_left_us(call) > 0);
    lock_take(&job_lock);
    int run = ++job_runs;
    cond_broadcast(&job_ran);
    lock_drop(&job_lock);
    return run == 1 ? ERR_SET(err, ERR_UNAVAILABLE, "TEST", "the first run fails") : ERR_OK;
}

static bool wait_runs(int want)
{
    int64_t until = clock_mono_us() + 10 * US_PER_S;
    lock_take(&job_lock);
    while (job_runs < want && cond_wait_until(&job_ran, &job_lock, until)) {
    }
    bool is_reached = job_runs >= want;
    lock_drop(&job_lock);
    return is_reached;
}

static enum err_code check_nothing(void *ctx, struct call *call, struct err *err)
{
    (void)call;
    return *(bool *)ctx ? ERR_OK : ERR_SET(err, ERR_UNAVAILABLE, "TEST", "not now");
}

static bool dependency_is_up = true;

static enum err_code start(struct app *app, struct err *err)
{
    static const struct app_job_def def = {.name = "test", .run = job_run, .runs_at_start = true};
    static char names[] = "abcd";
    const struct settings *settings = app_service_settings(app);
    INVARIANT(settings->count >= 3);
    app_set_state(app, closed);
    app_on_close(app, APP_CLOSE_DB, "database", close_one, &names[3]);
    app_on_close(app, APP_CLOSE_BUS, "bus", close_one, &names[2]);
    app_on_close(app, APP_STOP_ACCEPTING, "second", close_one, &names[1]);
    app_on_close(app, APP_STOP_ACCEPTING, "first", close_one, &names[0]);
    app_ready_check(app, "dependency", check_nothing, &dependency_is_up);
    app_port_set(app, "grpc", 4321);
    if (start_fails)
        return ERR_SET(err, ERR_UNAVAILABLE, "TEST_START", "start fails");
    job = app_job_start(app, &def, NULL);
    return ERR_OK;
}

static enum err_code check(struct app *app, struct err *err)
{
    const struct settings *settings = app_service_settings(app);
    if (settings->count == 7)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "CONFIG_INVALID",
                       "TEST_COUNT is 7: write another number");
    return ERR_OK;
}

static const struct app_spec spec = {
    .name = "test-svc",
    .summary = "A service for tests.",
    .version = "9.8.7",
    .settings = rows,
    .setting_count = ARRAY_LEN(rows),
    .settings_size = sizeof(struct settings),
    .check = check,
    .start = start,
};

static struct app *app_make(void)
{
    memset(closed, 0, sizeof closed);
    start_fails = false;
    job_runs = 0;
    lock_init(&job_lock, "test", 120);
    cond_init(&job_ran);
    struct app *app = app_new(&spec);
    struct config *config = app_config(app);
    config_isolate(config);
    config_set(config, "TASKROUTER_DATABASE_URL", "postgresql:///none");
    config_set(config, "TASKROUTER_NATS_URL", "nats://127.0.0.1:1");
    config_set(config, "TASKROUTER_SERVICE_TOKEN", "0123456789abcdef0123456789abcdef");
    config_set(config, "TASKROUTER_LOG_LEVEL", "error");
    return app;
}

static void what_was_opened_is_closed_in_the_fixed_order(void)
{
    struct app *app = app_make();
    struct err err = {0};
    REQUIRE(app_start(app, &err) == ERR_OK);
    CHECK(app_state(app) == closed);
    CHECK(app_port(app, "http") > 0);
    CHECK_I64(app_port(app, "grpc"), 4321);
    CHECK(wait_runs(2)); /* the first failed: again after the back-off */
    app_job_wake(job);
    CHECK(wait_runs(3));
    app_stop(app);
    CHECK_TEXT(closed, "abcd");
    app_stop(app);
    CHECK_TEXT(closed, "abcd");
    app_free(app);
}

static void a_start_that_fails_is_unwound(void)
{
    struct app *app = app_make();
    struct err err = {0};
    start_fails = true;
    CHECK_I64(app_start(app, &err), ERR_UNAVAILABLE);
    CHECK_TEXT(err.reason, "TEST_START");
    CHECK_TEXT(closed, "abcd");
    app_free(app);
}

static void rules_across_settings_are_part_of_loading(void)
{
    struct app *app = app_make();
    struct err err = {0};
    config_set(app_config(app), "TEST_COUNT", "7");
    CHECK_I64(app_start(app, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(closed, "");
    app_free(app);
}

/* ---- As a process ---- */

struct outcome {
    int status;
    char text[32768]; /* stdout and stderr */
};

static pid_t spawn(const char *option, int *out_pipe)
{
    int ends[2];
    INVARIANT(pipe(ends) == 0);
    pid_t pid = fork();
    INVARIANT(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)execl("/proc/self/exe", "test_app", "--as-service", option, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    *out_pipe = ends[0];
    return pid;
}

static struct outcome *outcome_of(pid_t pid, int pipe_end)
{
    static struct outcome outcome;
    size_t len = 0;
    ssize_t got = 0;
    while ((got = read(pipe_end, outcome.text + len, sizeof outcome.text - 1 - len)) > 0)
        len += (size_t)got;
    outcome.text[len] = '\0';
    (void)close(pipe_end);
    int status = 0;
    (void)waitpid(pid, &status, 0);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return &outcome;
}

static struct outcome *run(const char *option)
{
    int pipe_end = -1;
    pid_t pid = spawn(option, &pipe_end);
    return outcome_of(pid, pipe_end);
}

static void environment_set(void)
{
    (void)setenv("TASKROUTER_DATABASE_URL", "postgresql://u:hush@h/db", 1);
    (void)setenv("TASKROUTER_NATS_URL", "nats://127.0.0.1:1", 1);
    (void)setenv("TASKROUTER_SERVICE_TOKEN", "0123456789abcdef0123456789abcdef", 1);
    (void)unsetenv("TEST_COUNT");
}

static void options_do_what_they_say(void)
{
    environment_set();
    struct outcome *outcome = run("--version");
    CHECK_I64(outcome->status, APP_OK);
    CHECK_TEXT(outcome->text, "test-svc 9.8.7\n");
    outcome = run("--help");
    CHECK_I64(outcome->status, APP_OK);
    CHECK(strstr(outcome->text, "TASKROUTER_SERVICE_TOKEN\n") != NULL);
    CHECK(strstr(outcome->text, "TEST_COUNT\n      Count.\n") != NULL);
    outcome = run("--settings");
    CHECK(strstr(outcome->text, "| `TEST_COUNT` | whole number from 1 to 9 | `3` | Count. |\n"));
    outcome = run("--check-config");
    CHECK_I64(outcome->status, APP_OK);
    CHECK(strstr(outcome->text, "TASKROUTER_DATABASE_URL=postgresql://u:********@h/db") != NULL);
    CHECK(strstr(outcome->text, "hush") == NULL && strstr(outcome->text, "0123456789") == NULL);
    outcome = run("--migrate");
    CHECK_I64(outcome->status, APP_OK);
    outcome = run("--nonsense");
    CHECK_I64(outcome->status, APP_USAGE);
}

static void wrong_settings_stop_the_start_with_a_line_each(void)
{
    environment_set();
    (void)setenv("TEST_COUNT", "many", 1);
    struct outcome *outcome = run(NULL);
    CHECK_I64(outcome->status, APP_CONFIG);
    CHECK_TEXT(outcome->text, "test-svc: TEST_COUNT is \"many\": write a whole number from 1 to 9, "
                              "such as 3\n");
    (void)setenv("TEST_COUNT", "7", 1);
    outcome = run("--check-config");
    CHECK_I64(outcome->status, APP_CONFIG);
    CHECK_TEXT(outcome->text, "test-svc: TEST_COUNT is 7: write another number\n");
    environment_set();
}

static void a_service_runs_until_sigterm(void)
{
    char ports[] = "/tmp/tr-app-XXXXXX";
    int fd = mkstemp(ports);
    REQUIRE(fd >= 0);
    (void)close(fd);
    (void)unlink(ports);
    environment_set();
    (void)setenv("TASKROUTER_PORTS_FILE", ports, 1);
    int pipe_end = -1;
    pid_t pid = spawn(NULL, &pipe_end);
    int64_t until = clock_mono_us() + 20 * US_PER_S;
    struct timespec pause = {.tv_nsec = 5000000};
    while (access(ports, R_OK) != 0 && clock_mono_us() < until)
        (void)nanosleep(&pause, NULL);
    char text[64] = "";
    FILE *file = fopen(ports, "re");
    if (file != NULL) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        (void)fclose(file);
    }
    CHECK(strstr(text, "{\"grpc\":4321,\"http\":") == text);
    (void)kill(pid, SIGHUP);
    (void)kill(pid, SIGTERM);
    struct outcome *outcome = outcome_of(pid, pipe_end);
    CHECK_I64(outcome->status, APP_OK);
    CHECK(strstr(outcome->text, "\"msg\":\"started\"") != NULL);
    CHECK(strstr(outcome->text, "\"msg\":\"stopped\"") != NULL);
    (void)unlink(ports);
    (void)unsetenv("TASKROUTER_PORTS_FILE");
}

static const struct test_case cases[] = {
    {"what was opened is closed in the fixed order",   what_was_opened_is_closed_in_the_fixed_order},
    {"a start that fails is unwound",                  a_start_that_fails_is_unwound               },
    {"rules across settings are part of loading",      rules_across_settings_are_part_of_loading   },
    {"options do what they say",                       options_do_what_they_say                    },
    {"wrong settings stop the start with a line each",
     wrong_settings_stop_the_start_with_a_line_each                                                },
    {"a service runs until SIGTERM",                   a_service_runs_until_sigterm                },
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--as-service") == 0) {
        lock_init(&job_lock, "test", 120);
        cond_init(&job_ran);
        return app_main(argc - 1, argv + 1, &spec);
    }
    return testing_main("app", cases, ARRAY_LEN(cases), argc, argv);
}

/* NOLINTEND(concurrency-mt-unsafe) */
