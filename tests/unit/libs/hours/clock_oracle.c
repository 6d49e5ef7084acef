#define _DEFAULT_SOURCE /* tm_gmtoff */ /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c) */

#include "clock_oracle.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

enum { PATH_SIZE = 512, NAMES_MAX = 2000 };

/* NOLINTBEGIN(concurrency-mt-unsafe): one thread */

void oracle_zone(const char *name)
{
    char value[PATH_SIZE];
    (void)snprintf(value, sizeof value, ":%s", name);
    setenv("TZ", value, 1);
    tzset();
}

struct tm oracle_local(int64_t at_s)
{
    struct tm local = {.tm_sec = 0};
    time_t at = (time_t)at_s;
    localtime_r(&at, &local);
    return local;
}

int64_t oracle_offset_s(int64_t at_s)
{
    return oracle_local(at_s).tm_gmtoff;
}

static void collect(const char *prefix, char **names, size_t *count)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/%s", ZONE_FOLDER, prefix);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char name[PATH_SIZE / 2];
        struct stat what;
        if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z' || strchr(entry->d_name, '.') != NULL)
            continue; /* right/ and posix/ are the same zones again */
        (void)snprintf(name, sizeof name, "%s%s%.100s", prefix, prefix[0] == '\0' ? "" : "/",
                       entry->d_name);
        (void)snprintf(path, sizeof path, "%s/%s", ZONE_FOLDER, name);
        if (stat(path, &what) != 0)
            continue;
        if (S_ISDIR(what.st_mode))
            collect(name, names, count);
        else if (*count < NAMES_MAX)
            names[(*count)++] = xstrdup(name);
    }
    closedir(folder);
}

/* NOLINTEND(concurrency-mt-unsafe) */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **oracle_zone_names(void)
{
    size_t count = 0;
    char **names = xcalloc(NAMES_MAX + 1, sizeof *names);
    collect("", names, &count);
    qsort(names, count, sizeof *names, by_text);
    return names;
}

void oracle_zone_names_free(char **names)
{
    for (size_t i = 0; names[i] != NULL; i++)
        free(names[i]);
    free(names);
}
