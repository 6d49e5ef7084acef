#define _XOPEN_SOURCE 700 /* nftw */

#include "nats_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"

/* NOLINTBEGIN(concurrency-mt-unsafe): the environment is changed while one thread runs */

static char dir[64];
static char url[64];
static char port[8] = "-1"; /* -1: the server picks one */
static pid_t server;

static void nap(void)
{
    struct timespec ms = {.tv_nsec = 2000000};
    (void)nanosleep(&ms, NULL);
}

bool wait_until(bool (*condition)(void *ctx), void *ctx, int timeout_ms)
{
    int64_t until = clock_mono_us() + timeout_ms * US_PER_MS;
    while (!condition(ctx)) {
        if (clock_mono_us() > until)
            return false;
        nap();
    }
    return true;
}

/* The server writes its port into <dir>/nats-server_<pid>.ports. */
static bool port_is_known(void *ctx)
{
    (void)ctx;
    char path[128];
    char text[1024] = "";
    (void)snprintf(path, sizeof path, "%s/nats-server_%d.ports", dir, (int)server);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t got = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[got] = '\0';
    const char *at = strstr(text, "nats://127.0.0.1:");
    if (at == NULL)
        return false;
    size_t len = strcspn(at, "\"");
    (void)snprintf(url, sizeof url, "%.*s", (int)len, at);
    (void)snprintf(port, sizeof port, "%s", strrchr(url, ':') + 1);
    return true;
}

static void launch(void)
{
    server = fork();
    INVARIANT(server >= 0);
    if (server == 0) {
        char log[128];
        char store[128];
        (void)snprintf(log, sizeof log, "%s/log", dir);
        (void)snprintf(store, sizeof store, "%s/js", dir);
        (void)setenv("PATH", "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/sbin:/bin", 1);
        (void)execlp("nats-server", "nats-server", "-a", "127.0.0.1", "-p", port, "-js", "-sd",
                     store, "--ports_file_dir", dir, "-l", log, (char *)NULL);
        _exit(127);
    }
    bool is_up = wait_until(port_is_known, NULL, 15000);
    INVARIANT(is_up);
}

const char *nats_fixture_start(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/tr-nats-XXXXXX");
    INVARIANT(mkdtemp(dir) != NULL);
    launch();
    return url;
}

void nats_fixture_kill(void)
{
    if (server <= 0)
        return;
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    server = 0;
}

void nats_fixture_restart(void)
{
    launch();
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void nats_fixture_stop(void)
{
    nats_fixture_kill();
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* NOLINTEND(concurrency-mt-unsafe) */
