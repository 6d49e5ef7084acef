/* Feeds every file of a directory to a fuzz target: the corpus as an ordinary test. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "fuzz.h"

enum { MAX_FILE_BYTES = 1 << 20 };

/* 1 when fed, 0 when it is no regular file, -1 when it could not be read. */
static int replay(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return -1;
    if (!S_ISREG(info.st_mode))
        return 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    uint8_t *bytes = xcalloc(MAX_FILE_BYTES, 1);
    size_t size = fread(bytes, 1, MAX_FILE_BYTES, file);
    int failed = ferror(file);
    (void)fclose(file);
    /* An exact block, so that a sanitizer sees reads past the end. */
    bytes = xrealloc(bytes, size + (size == 0), 1);
    if (!failed)
        (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return failed ? -1 : 1;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (dir == NULL) {
        (void)fprintf(stderr, "usage: %s corpus-directory\n", argv[0]);
        return 2;
    }
    struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe): one thread */
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        int result = replay(path);
        if (result < 0) {
            (void)fprintf(stderr, "cannot read %s\n", path);
            (void)closedir(dir);
            return 1;
        }
        count += (size_t)result;
    }
    (void)closedir(dir);
    (void)printf("%zu inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
