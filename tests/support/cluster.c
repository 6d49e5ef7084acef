#define _DEFAULT_SOURCE     /* chown */
#define _XOPEN_SOURCE   700 /* nftw */
#include "cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/map.h"
#include "process.h"

#define PG_BIN      "/usr/lib/postgresql/15/bin"
#define NATS_BIN    "/usr/sbin/nats-server"
#define SERVER_USER "postgres" /* PostgreSQL refuses to run as root */

/* NOLINTBEGIN(concurrency-mt-unsafe): called by the main thread */

#define MEMORY_BYTES (UINT64_C(2) << 30) /* free in /dev/shm */

enum { START_MS = 30000, STOP_MS = 10000, ARENA_BYTES = 1 << 20 };

struct cluster {
    struct arena *texts; /* paths and URLs */
    const char *dir;
    const char *data_dir;
    const char *pg_log;
    const char *nats_log;
    const char *nats_url;
    int nats_port; /* 0 until the first start */
    struct process *postgres;
    struct process *nats;
    int lifeline; /* closed when we die; the janitor waits for that */
    pid_t janitor;
};

_Noreturn static void give_up(const struct cluster *cluster, const char *what)
{
    (void)fprintf(stderr, "tests/support: %s\n", what);
    if (cluster->postgres != NULL)
        process_print_tail(cluster->postgres, 4000);
    if (cluster->nats != NULL)
        process_print_tail(cluster->nats, 4000);
    exit(2); /* the servers die with us, the janitor sweeps */
}

/* ---- The directory and who removes it ---- */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    (void)remove(path);
    return 0;
}

static void remove_tree(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A process of its own that outlives ours, whatever ends it, just long enough to clean up. */
static void start_janitor(struct cluster *cluster)
{
    int ends[2];
    if (pipe(ends) != 0)
        give_up(cluster, "cannot make a pipe");
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid_t pid = fork();
    if (pid < 0)
        give_up(cluster, "cannot fork");
    if (pid != 0) {
        cluster->janitor = pid;
        (void)close(ends[0]);
        cluster->lifeline = ends[1];
        return;
    }
    (void)setsid(); /* not reached by the terminal's interrupt */
    (void)signal(SIGTERM, SIG_IGN);
    for (int fd = 0; fd < 256; fd++) {
        if (fd != ends[0])
            (void)close(fd);
    }
    char nothing = 0;
    while (read(ends[0], &nothing, 1) < 0 && errno == EINTR)
        continue;
    /* The servers got their death signal when we were closed; they may still write for a moment. */
    for (int i = 0; i < 20 && access(cluster->dir, F_OK) == 0; i++) {
        remove_tree(cluster->dir);
        process_sleep_ms(100);
    }
    _exit(0);
}

/* Memory where there is enough: a database is more than a thousand files, which a disk's file
 * system makes slowly. Benchmarks are for the disk. */
static bool has_memory(void)
{
    struct statvfs info;
    return getenv("TR_CLUSTER_FSYNC") == NULL && access("/dev/shm", W_OK | X_OK) == 0 &&
           statvfs("/dev/shm", &info) == 0 && info.f_bavail * info.f_frsize >= MEMORY_BYTES;
}

static void make_dir(struct cluster *cluster)
{
    char path[32]; /* short: socket paths have 107 bytes */
    (void)snprintf(path, sizeof path, "%s/tr-XXXXXX", has_memory() ? "/dev/shm" : "/tmp");
    if (mkdtemp(path) == NULL)
        give_up(cluster, "cannot make a temporary directory");
    (void)chmod(path, 0755);
    cluster->dir = arena_strdup(cluster->texts, path);
    cluster->data_dir = arena_printf(cluster->texts, "%s/pg", path);
    cluster->pg_log = arena_printf(cluster->texts, "%s/postgres.log", path);
    cluster->nats_log = arena_printf(cluster->texts, "%s/nats.log", path);
    const char *dirs[] = {cluster->data_dir, arena_printf(cluster->texts, "%s/socket", path)};
    const struct passwd *user = geteuid() == 0 ? getpwnam(SERVER_USER) : NULL;
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        bool is_made = mkdir(dirs[i], 0700) == 0 && chmod(dirs[i], i == 0 ? 0700 : 0755) == 0;
        if (is_made && user != NULL)
            is_made = chown(dirs[i], user->pw_uid, user->pw_gid) == 0;
        if (!is_made)
            give_up(cluster, "cannot make a directory for the database");
    }
}

/* ---- PostgreSQL ---- */

/* Benchmarks: everything as in production. */
static bool is_durable(void)
{
    return getenv("TR_CLUSTER_FSYNC") != NULL;
}

static void init_database(struct cluster *cluster)
{
    const char *segment = is_durable() ? "--wal-segsize=16" : "--wal-segsize=1";
    const char *args[] = {
        "-D",   cluster->data_dir,  "-U",        "postgres",          "-A",    "trust", "-E",
        "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions", segment, NULL};
    if (process_run(&(struct process_options){.program = PG_BIN "/initdb",
                                              .args = args,
                                              .user = SERVER_USER},
                    START_MS) != 0)
        give_up(cluster, "initdb failed");
}

/* The eighth line of postmaster.pid says "ready" once connections are taken. */
static bool is_postgres_ready(const struct cluster *cluster)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/postmaster.pid", cluster->data_dir);
    FILE *file = fopen(path, "r");
    char line[512];
    bool is_ours = false;
    bool is_ready = false;
    for (int n = 1; file != NULL && fgets(line, (int)sizeof line, file) != NULL; n++) {
        if (n == 1)
            is_ours = strtol(line, NULL, 10) == process_pid(cluster->postgres);
        if (n == 8)
            is_ready = strncmp(line, "ready", 5) == 0;
    }
    if (file != NULL)
        (void)fclose(file);
    return is_ours && is_ready;
}

static bool try_postgres(struct cluster *cluster)
{
    const char *socket_arg =
        arena_printf(cluster->texts, "unix_socket_directories=%s/socket", cluster->dir);
    bool durable = is_durable();
    const char *fsync_arg = durable ? "fsync=on" : "fsync=off";
    const char *pages_arg = durable ? "full_page_writes=on" : "full_page_writes=off";
    const char *args[] = {"-D", cluster->data_dir,
                          "-c", socket_arg,
                          "-c", "listen_addresses=",
                          "-c", fsync_arg,
                          "-c", pages_arg,
                          "-c", "max_connections=150",
                          "-c", durable ? "shared_buffers=128MB" : "shared_buffers=32MB",
                          "-c", durable ? "max_wal_size=1GB" : "max_wal_size=256MB",
                          "-c", "jit=off", /* as deploy/postgres/start does */
                          "-c", "log_min_messages=warning",
                          NULL};
    process_free(cluster->postgres);
    cluster->postgres = process_start(&(struct process_options){.program = PG_BIN "/postgres",
                                                                .args = args,
                                                                .log_path = cluster->pg_log,
                                                                .user = SERVER_USER,
                                                                .death_signal = SIGQUIT});
    int64_t until = clock_mono_us() + START_MS * US_PER_MS;
    while (process_is_alive(cluster->postgres) && clock_mono_us() < until) {
        if (is_postgres_ready(cluster))
            return true;
        process_sleep_ms(10);
    }
    return false;
}

static void start_postgres(struct cluster *cluster)
{
    /* After a kill -9 the old backends may hold the shared memory for a moment longer. */
    for (int i = 0; i < 50; i++) {
        if (try_postgres(cluster))
            return;
        process_sleep_ms(100);
    }
    give_up(cluster, "PostgreSQL does not start");
}

static int run_psql(struct cluster *cluster, const char *database, const char *flag,
                    const char *text, const char *log_path)
{
    const char *host = arena_printf(cluster->texts, "%s/socket", cluster->dir);
    const char *args[] = {"-X", "-q", "-A", "-t",       "-v", "ON_ERROR_STOP=1",
                          "-h", host, "-U", "postgres", "-d", database,
                          flag, text, NULL};
    return process_run(
        &(struct process_options){.program = PG_BIN "/psql", .args = args, .log_path = log_path},
        START_MS);
}

static const char *bootstrap_file(struct cluster *cluster)
{
    const char *root = getenv("TR_SOURCE_DIR");
    char here[256]; /* started by hand in the source directory */
    if (root == NULL)
        root = getcwd(here, sizeof here);
    return arena_printf(cluster->texts, "%s/deploy/postgres/bootstrap.sql", root);
}

bool cluster_bootstrap(struct cluster *cluster)
{
    return run_psql(cluster, "postgres", "-f", bootstrap_file(cluster), NULL) == 0;
}

/* ---- The template: what initdb and bootstrap.sql make, kept beside TR_BIN_DIR ---- */

/* NULL: nothing is kept. The name changes with bootstrap.sql; count up with initdb's options. */
static const char *template_path(struct cluster *cluster)
{
    const char *bin = is_durable() ? NULL : getenv("TR_BIN_DIR");
    FILE *file = bin == NULL ? NULL : fopen(bootstrap_file(cluster), "r");
    if (file == NULL)
        return NULL;
    char text[1 << 16];
    size_t size = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    return arena_printf(cluster->texts, "%s/../cluster-template-1-%016llx", bin,
                        (unsigned long long)hash_bytes(text, size));
}

static bool copy_tree(const char *from, const char *to)
{
    const char *args[] = {"-aT", from, to, NULL};
    struct process_options copy = {.program = "/bin/cp", .args = args};
    return process_run(&copy, START_MS) == 0;
}

/* Another test may do the same meanwhile: the first one's is kept. */
static void keep_template(struct cluster *cluster, const char *path)
{
    const char *ours = arena_printf(cluster->texts, "%s-%d", path, (int)getpid());
    if (!copy_tree(cluster->data_dir, ours) || rename(ours, path) != 0)
        remove_tree(ours);
}

static void make_database(struct cluster *cluster, const char *template)
{
    init_database(cluster);
    start_postgres(cluster);
    if (!cluster_bootstrap(cluster))
        give_up(cluster, "bootstrap.sql failed (is TR_SOURCE_DIR set?)");
    if (template == NULL)
        return;
    process_signal(cluster->postgres, SIGINT);
    if (process_wait_exit(cluster->postgres, STOP_MS) != 0)
        give_up(cluster, "PostgreSQL does not stop");
    keep_template(cluster, template);
    start_postgres(cluster);
}

static void open_database(struct cluster *cluster)
{
    const char *template = template_path(cluster);
    if (template == NULL || access(template, F_OK) != 0) {
        make_database(cluster, template);
        return;
    }
    if (!copy_tree(template, cluster->data_dir))
        give_up(cluster, "cannot copy the template of the database");
    start_postgres(cluster);
}

/* ---- NATS ---- */

static void start_nats(struct cluster *cluster)
{
    if (cluster->nats_port == 0)
        cluster->nats_port = process_free_port();
    const char *port = arena_printf(cluster->texts, "%d", cluster->nats_port);
    const char *address = arena_printf(cluster->texts, "127.0.0.1:%s", port);
    const char *store = arena_printf(cluster->texts, "%s/nats", cluster->dir);
    const char *args[] = {"-a", "127.0.0.1", "-p", port, "-js", "-sd", store, NULL};
    process_free(cluster->nats);
    cluster->nats = process_start(&(struct process_options){
        .program = NATS_BIN, .args = args, .log_path = cluster->nats_log});
    if (!process_wait_port(cluster->nats, address, START_MS))
        give_up(cluster, "nats-server does not start");
    cluster->nats_url = arena_printf(cluster->texts, "nats://%s", address);
}

/* ---- Public ---- */

struct cluster *cluster_start(enum cluster_part parts)
{
    struct cluster *cluster = xcalloc(1, sizeof *cluster);
    cluster->texts = arena_new(ARENA_BYTES);
    make_dir(cluster);
    start_janitor(cluster);
    if ((parts & CLUSTER_POSTGRES) != 0)
        open_database(cluster);
    if ((parts & CLUSTER_NATS) != 0)
        start_nats(cluster);
    return cluster;
}

void cluster_stop(struct cluster *cluster)
{
    if (cluster == NULL)
        return;
    if (cluster->postgres != NULL) {
        process_signal(cluster->postgres, SIGCONT);
        process_signal(cluster->postgres, SIGQUIT); /* at once: nothing is to be kept */
        (void)process_wait_exit(cluster->postgres, STOP_MS);
    }
    process_free(cluster->postgres);
    process_free(cluster->nats);
    remove_tree(cluster->dir);
    (void)close(cluster->lifeline);
    (void)waitpid(cluster->janitor, NULL, 0);
    arena_free(cluster->texts);
    free(cluster);
}

const char *cluster_db_url(struct cluster *cluster, const char *role)
{
    bool is_super = strcmp(role, "postgres") == 0;
    return arena_printf(cluster->texts, "postgresql://%s%s@/taskrouter?host=%s/socket",
                        is_super ? "" : "taskrouter_", role, cluster->dir);
}

const char *cluster_nats_url(const struct cluster *cluster)
{
    return cluster->nats_url;
}

const char *cluster_dir(const struct cluster *cluster)
{
    return cluster->dir;
}

static struct process *server_of(struct cluster *cluster, enum cluster_part part)
{
    INVARIANT(part == CLUSTER_POSTGRES || part == CLUSTER_NATS);
    struct process *server = part == CLUSTER_POSTGRES ? cluster->postgres : cluster->nats;
    INVARIANT(server != NULL);
    return server;
}

/* Processes that the server started; how many. */
static size_t list_children(const struct process *server, pid_t *out, size_t max)
{
    char path[64];
    int pid = (int)process_pid(server);
    size_t count = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && count < max && fscanf(file, "%d", &pid) == 1)
        out[count++] = pid;
    if (file != NULL)
        (void)fclose(file);
    return count;
}

/* Runs still; a dead one that nobody has waited for does not. */
static bool is_running(pid_t pid)
{
    char path[64];
    char program[8];
    (void)snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return readlink(path, program, sizeof program) > 0;
}

/* Sessions of PostgreSQL answer until they have noticed that their server was killed. */
void cluster_kill(struct cluster *cluster, enum cluster_part part)
{
    enum { MOST = 256 };
    pid_t children[MOST];
    size_t count = list_children(server_of(cluster, part), children, MOST);
    process_signal(server_of(cluster, part), SIGKILL);
    (void)process_wait_exit(server_of(cluster, part), STOP_MS);
    int64_t until = clock_mono_us() + STOP_MS * US_PER_MS;
    for (size_t i = 0; i < count; i++) {
        while (is_running(children[i]) && clock_mono_us() < until)
            process_sleep_ms(2);
    }
}

void cluster_shutdown(struct cluster *cluster, enum cluster_part part)
{
    process_signal(server_of(cluster, part), SIGINT);
    if (process_wait_exit(server_of(cluster, part), STOP_MS) == -1)
        give_up(cluster, "a server does not stop");
}

void cluster_restart(struct cluster *cluster, enum cluster_part part)
{
    if (process_is_alive(server_of(cluster, part)))
        cluster_shutdown(cluster, part);
    if (part == CLUSTER_POSTGRES)
        start_postgres(cluster);
    else
        start_nats(cluster);
}

void cluster_pause(struct cluster *cluster, enum cluster_part part)
{
    process_signal(server_of(cluster, part), SIGSTOP);
}

void cluster_resume(struct cluster *cluster, enum cluster_part part)
{
    process_signal(server_of(cluster, part), SIGCONT);
}

bool cluster_sql(struct cluster *cluster, const char *sql)
{
    return run_psql(cluster, "taskrouter", "-c", sql, NULL) == 0;
}

bool cluster_sql_value(struct cluster *cluster, const char *sql, char *out_value, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/value.txt", cluster->dir);
    (void)unlink(path);
    out_value[0] = '\0';
    if (run_psql(cluster, "taskrouter", "-c", sql, path) != 0)
        return false;
    FILE *file = fopen(path, "r");
    size_t got = file == NULL ? 0 : fread(out_value, 1, size - 1, file);
    if (file != NULL)
        (void)fclose(file);
    out_value[got] = '\0';
    out_value[strcspn(out_value, "\n")] = '\0';
    return file != NULL;
}

/* NOLINTEND(concurrency-mt-unsafe) */
