#define _DEFAULT_SOURCE /* initgroups */
#include "process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"

/* NOLINTBEGIN(concurrency-mt-unsafe): strerror, getenv and getpwnam are called by the main thread
 */

extern char **environ;

enum { LOOK_EVERY_MS = 20, TAIL_BYTES = 4000, MAX_ARGS = 64, PATH_BYTES = 512 };

struct process {
    pid_t pid;
    char *program;
    char *log_path;
    bool is_own_log;
    bool has_ended;
    int status; /* as process_wait_exit */
};

_Noreturn static void give_up(const char *what, const char *detail)
{
    (void)fprintf(stderr, "tests/support: %s: %s (%s)\n", what, detail, strerror(errno));
    exit(2);
}

void process_sleep_ms(int ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&wait, NULL);
}

/* ---- Start ---- */

static void find_program(const char *name, char out[PATH_BYTES])
{
    const char *bin = getenv("TR_BIN_DIR");
    (void)snprintf(out, PATH_BYTES, "%s/%s", bin == NULL ? "." : bin, name);
    if (strchr(name, '/') != NULL || access(out, X_OK) != 0)
        (void)snprintf(out, PATH_BYTES, "%s", name); /* execvp searches PATH */
}

static int open_log(struct process *process, const struct process_options *options)
{
    if (options->log_path != NULL) {
        process->log_path = xstrdup(options->log_path);
        return open(options->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    }
    char path[] = "/tmp/tr-log-XXXXXX";
    int fd = mkstemp(path);
    process->log_path = xstrdup(path);
    process->is_own_log = true;
    return fd;
}

/* Between fork and exec: only what is safe there matters, as tests may have threads. */
_Noreturn static void become(const struct process_options *options, const struct passwd *user,
                             const char *path, char **args, char **env, int log_fd, pid_t parent)
{
    int death = options->death_signal == 0 ? SIGKILL : options->death_signal;
    int null_fd = open("/dev/null", O_RDONLY);
    bool is_ready = null_fd >= 0 && dup2(null_fd, 0) == 0 && dup2(log_fd, 1) == 1 &&
                    dup2(log_fd, 2) == 2 && chdir(options->dir == NULL ? "/" : options->dir) == 0;
    if (user != NULL)
        is_ready = is_ready && initgroups(user->pw_name, user->pw_gid) == 0 &&
                   setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0;
    /* After the change of user, which clears it; a parent that died meanwhile sent nothing. */
    is_ready =
        is_ready && prctl(PR_SET_PDEATHSIG, (unsigned long)death) == 0 && getppid() == parent;
    environ = env;
    if (is_ready)
        (void)execvp(path, args);
    (void)dprintf(2, "cannot run %s: %s\n", path, strerror(errno));
    _exit(127);
}

static char **list_env(const char *const *more)
{
    size_t ours = 0;
    size_t count = 0;
    while (environ[ours] != NULL)
        ours++;
    while (more != NULL && more[count] != NULL)
        count++;
    char **env = xcalloc(ours + count + 1, sizeof(char *));
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        env[n++] = xstrdup(more[i]);
    for (size_t i = 0; i < ours; i++) { /* ours unless replaced */
        const char *eq = strchr(environ[i], '=');
        size_t len = eq == NULL ? strlen(environ[i]) : (size_t)(eq - environ[i]) + 1;
        bool is_replaced = false;
        for (size_t k = 0; k < count; k++)
            is_replaced =
                is_replaced || str_starts_with(str_from(more[k]), (struct str){environ[i], len});
        if (!is_replaced)
            env[n++] = xstrdup(environ[i]);
    }
    return env;
}

struct process *process_start(const struct process_options *options)
{
    struct process *process = xcalloc(1, sizeof *process);
    char path[PATH_BYTES];
    find_program(options->program, path);
    process->program = xstrdup(options->program);
    int log_fd = open_log(process, options);
    if (log_fd < 0)
        give_up("cannot open the log", process->log_path);
    char *args[MAX_ARGS + 2] = {xstrdup(path)};
    for (size_t i = 0; options->args != NULL && options->args[i] != NULL; i++) {
        INVARIANT(i < MAX_ARGS);
        args[i + 1] = xstrdup(options->args[i]);
    }
    char **env = list_env(options->env);
    const struct passwd *user = NULL;
    if (options->user != NULL && geteuid() == 0) {
        user = getpwnam(options->user);
        if (user == NULL)
            give_up("no such user", options->user);
    }
    pid_t parent = getpid();
    process->pid = fork();
    if (process->pid < 0)
        give_up("cannot fork", path);
    if (process->pid == 0)
        become(options, user, path, args, env, log_fd, parent);
    (void)close(log_fd);
    for (size_t i = 0; args[i] != NULL; i++)
        free(args[i]);
    for (size_t i = 0; env[i] != NULL; i++)
        free(env[i]);
    free((void *)env);
    return process;
}

/* ---- End ---- */

static bool reap(struct process *process)
{
    int status = 0;
    if (process->has_ended)
        return true;
    if (waitpid(process->pid, &status, WNOHANG) != process->pid)
        return false;
    process->has_ended = true;
    process->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

bool process_is_alive(struct process *process)
{
    return !reap(process);
}

pid_t process_pid(const struct process *process)
{
    return process->pid;
}

void process_signal(struct process *process, int signal)
{
    if (!reap(process))
        (void)kill(process->pid, signal);
}

int process_wait_exit(struct process *process, int timeout_ms)
{
    int64_t until = clock_mono_us() + timeout_ms * US_PER_MS;
    while (!reap(process)) {
        if (clock_mono_us() >= until)
            return -1;
        process_sleep_ms(5);
    }
    return process->status;
}

void process_ask_to_end(struct process *process)
{
    process_signal(process, SIGCONT);
    process_signal(process, SIGTERM);
}

int process_await_end(struct process *process, int timeout_ms)
{
    int status = process_wait_exit(process, timeout_ms);
    if (status == -1) {
        process_signal(process, SIGKILL);
        status = process_wait_exit(process, 5000);
    }
    return status;
}

int process_terminate(struct process *process, int timeout_ms)
{
    process_ask_to_end(process);
    return process_await_end(process, timeout_ms);
}

void process_free(struct process *process)
{
    if (process == NULL)
        return;
    process_signal(process, SIGKILL);
    (void)process_wait_exit(process, 5000);
    if (process->is_own_log)
        (void)unlink(process->log_path);
    free(process->log_path);
    free(process->program);
    free(process);
}

int process_run(const struct process_options *options, int timeout_ms)
{
    struct process *process = process_start(options);
    int status = process_wait_exit(process, timeout_ms);
    if (status != 0)
        process_print_tail(process, TAIL_BYTES);
    process_free(process);
    return status;
}

/* ---- Log ---- */

const char *process_log_path(const struct process *process)
{
    return process->log_path;
}

void process_print_tail(const struct process *process, size_t bytes)
{
    FILE *file = fopen(process->log_path, "rb");
    if (file == NULL)
        return;
    (void)fseek(file, 0, SEEK_END);
    long size = ftell(file);
    long from = size > (long)bytes ? size - (long)bytes : 0;
    (void)fseek(file, from, SEEK_SET);
    (void)fprintf(stderr, "---- last words of %s ----\n", process->program);
    char chunk[1024];
    size_t got = 0;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        (void)fwrite(chunk, 1, got, stderr);
    (void)fprintf(stderr, "---- end of %s ----\n", process->program);
    (void)fclose(file);
}

static bool log_holds(const struct process *process, const char *text)
{
    FILE *file = fopen(process->log_path, "rb");
    char line[8192];
    bool is_found = false;
    while (file != NULL && !is_found && fgets(line, (int)sizeof line, file) != NULL)
        is_found = strstr(line, text) != NULL;
    if (file != NULL)
        (void)fclose(file);
    return is_found;
}

/* ---- Ports ---- */

static int connect_to(const char *address)
{
    const char *colon = strrchr(address, ':');
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)strtol(colon == NULL ? address : colon + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 5};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* A socket that listens there, or -1. */
static int listen_at(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 1) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/*
 * Below the range from which the kernel takes ports for outgoing connections, and for the tests in
 * JavaScript (tests/e2e/lib/ports.mjs). Who listens at the first port of a block owns the others,
 * so that tests side by side never promise the same one to a program that listens only later.
 */
enum { PORTS_FIRST = 16384, PORT_BLOCK = 64, PORT_BLOCKS = 200 };

static int block_take(void)
{
    unsigned start = (unsigned)getpid();
    for (unsigned i = 0; i < PORT_BLOCKS; i++) {
        int base = PORTS_FIRST + (int)((start + i) % PORT_BLOCKS) * PORT_BLOCK;
        if (listen_at(base) >= 0) /* until we end */
            return base;
    }
    errno = EADDRINUSE;
    give_up("no block of ports is free", "127.0.0.1");
}

int process_free_port(void)
{
    static int base;
    static int used = PORT_BLOCK;
    for (;;) {
        if (used == PORT_BLOCK) {
            base = block_take();
            used = 1;
        }
        int port = base + used++;
        int fd = listen_at(port);
        if (fd >= 0) {
            (void)close(fd);
            return port;
        }
    }
}

int process_http_get(const char *address, const char *path, char *out_body, size_t size)
{
    int fd = connect_to(address);
    if (fd < 0)
        return -1;
    (void)dprintf(fd, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address);
    enum { ANSWER_BYTES = 4 << 20 };
    char *head = xcalloc(1, ANSWER_BYTES);
    size_t len = 0;
    ssize_t got = 0;
    while (len + 1 < ANSWER_BYTES && (got = read(fd, head + len, ANSWER_BYTES - 1 - len)) > 0)
        len += (size_t)got;
    (void)close(fd);
    const char *body = strstr(head, "\r\n\r\n");
    if (out_body != NULL)
        (void)snprintf(out_body, size, "%s", body == NULL ? "" : body + 4);
    int status =
        len > 12 && strncmp(head, "HTTP/1.", 7) == 0 ? (int)strtol(head + 9, NULL, 10) : -1;
    free(head);
    return status;
}

/* ---- Waiting ---- */

enum awaited { AWAIT_READY, AWAIT_PORT, AWAIT_LOG };

static bool is_there(struct process *process, enum awaited what, const char *where)
{
    if (what == AWAIT_LOG)
        return log_holds(process, where);
    if (what == AWAIT_READY)
        return process_http_get(where, "/readyz", NULL, 0) == 200;
    int fd = connect_to(where);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static bool await(struct process *process, enum awaited what, const char *where, int timeout_ms)
{
    int64_t until = clock_mono_us() + timeout_ms * US_PER_MS;
    while (!is_there(process, what, where)) {
        if (reap(process) || clock_mono_us() >= until) {
            (void)fprintf(stderr, "%s %s while waiting for %s\n", process->program,
                          process->has_ended ? "ended" : "took too long", where);
            process_print_tail(process, TAIL_BYTES);
            return false;
        }
        process_sleep_ms(LOOK_EVERY_MS);
    }
    return true;
}

bool process_wait_ready(struct process *process, const char *http_address, int timeout_ms)
{
    return await(process, AWAIT_READY, http_address, timeout_ms);
}

bool process_wait_port(struct process *process, const char *address, int timeout_ms)
{
    return await(process, AWAIT_PORT, address, timeout_ms);
}

bool process_wait_log(struct process *process, const char *text, int timeout_ms)
{
    return await(process, AWAIT_LOG, text, timeout_ms);
}

/* NOLINTEND(concurrency-mt-unsafe) */
