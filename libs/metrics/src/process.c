#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "metrics/metrics.h"

static int64_t started_at_us;

static double cpu_seconds(void *ctx)
{
    (void)ctx;
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double resident_bytes(void *ctx)
{
    (void)ctx;
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    size_t len = fread(line, 1, sizeof line, file);
    (void)fclose(file);
    struct str rest = {line, len};
    int64_t pages = 0;
    (void)str_split(&rest, ' '); /* the whole size; what is resident follows */
    if (!parse_i64(str_split(&rest, ' '), 0, INT64_MAX, &pages))
        return 0;
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void *ctx)
{
    (void)ctx;
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return 0;
    int count = 0;
    /* One stream per call, so readdir's state is this thread's own. */
    while (readdir(dir) != NULL) /* NOLINT(concurrency-mt-unsafe): own DIR */
        count++;
    (void)closedir(dir);
    return count - 3; /* ".", ".." and the directory itself */
}

static double max_fds(void *ctx)
{
    (void)ctx;
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0;
}

static double start_seconds(void *ctx)
{
    (void)ctx;
    return (double)started_at_us / 1e6;
}

static const struct {
    struct metric_def def;
    metric_callback_fn fn;
} process_metrics[] = {
    {{.name = "process_cpu_seconds_total",
      .kind = METRIC_COUNTER,
      .unit = "seconds",
      .help = "User and system CPU time spent."},
     cpu_seconds   },
    {{.name = "process_resident_memory_bytes",
      .kind = METRIC_GAUGE,
      .unit = "bytes",
      .help = "Resident memory."},
     resident_bytes},
    {{.name = "process_open_fds",
      .kind = METRIC_GAUGE,
      .unit = "",
      .help = "Open file descriptors."},
     open_fds      },
    {{.name = "process_max_fds",
      .kind = METRIC_GAUGE,
      .unit = "",
      .help = "Limit on open file descriptors."},
     max_fds       },
    {{.name = "process_start_time_seconds",
      .kind = METRIC_GAUGE,
      .unit = "seconds",
      .help = "Start of the process, seconds since 1970 UTC."},
     start_seconds },
};

static const struct metric_def build_info = {
    .name = "taskrouter_build_info",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Always 1; the labels say what runs.",
    .labels = {"service", "version"},
};

void metrics_process_add(const char *service, const char *version)
{
    static atomic_flag is_added = ATOMIC_FLAG_INIT;
    metric_set(METRIC_SERIES(metric_register(&build_info), service, version), 1);
    if (atomic_flag_test_and_set(&is_added))
        return;
    started_at_us = clock_now_us();
    for (size_t i = 0; i < ARRAY_LEN(process_metrics); i++)
        metric_callback_add(&process_metrics[i].def, NULL, process_metrics[i].fn, NULL);
}
