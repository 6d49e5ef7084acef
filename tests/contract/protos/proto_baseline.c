/*
 * proto_baseline PROTOSET BASELINE [--update]: holds the protos against the lines that were
 * promised. Exit status 0 when they agree; 1 when a promise is broken or lines are to be added
 * (printed); --update adds them, and still refuses to drop or change one.
 */
#include <stdio.h>
#include <string.h>

#include "baseline.h"

enum { MAX_FILE_BYTES = 8 << 20 };

/* A missing file reads as empty where that is allowed. */
static bool file_read(const char *path, bool may_be_missing, struct buf *out)
{
    char block[4096];
    size_t count;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return may_be_missing;
    while ((count = fread(block, 1, sizeof block, file)) > 0)
        buf_append(out, block, count);
    bool is_ok = ferror(file) == 0 && !buf_failed(out);
    (void)fclose(file);
    return is_ok;
}

static bool file_write(const char *path, struct str text)
{
    static const char head[] =
        "# What the protos promise, one promise a line: see tests/contract/README.md.\n";
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    bool is_ok = fputs(head, file) >= 0 && fwrite(text.ptr, 1, text.len, file) == text.len;
    return fclose(file) == 0 && is_ok;
}

static int check(const char *path, bool is_update, struct str kept, struct str current)
{
    struct buf report;
    buf_init(&report, 0);
    struct baseline_result result = baseline_compare(kept, current, &report);
    (void)printf("%.*s", STR_ARG(buf_str(&report)));
    buf_fini(&report);
    if (result.broken > 0) {
        (void)printf("%zu promises are broken: old and new programs would misunderstand each other."
                     " Keep what was there (number, type, name) and add something new beside it.\n",
                     result.broken);
        return 1;
    }
    if (result.added == 0 || !is_update) {
        if (result.added > 0)
            (void)printf("%zu lines to add: run tools/update-contracts and commit them.\n",
                         result.added);
        return result.added == 0 ? 0 : 1;
    }
    if (!file_write(path, current)) {
        (void)fprintf(stderr, "cannot write %s\n", path);
        return 2;
    }
    (void)printf("%zu lines added to %s\n", result.added, path);
    return 0;
}

int main(int argc, char **argv)
{
    bool is_update = argc == 4 && strcmp(argv[3], "--update") == 0;
    if (argc != 3 && !is_update) {
        (void)fprintf(stderr, "usage: %s PROTOSET BASELINE [--update]\n", argv[0]);
        return 2;
    }
    struct buf protoset;
    struct buf kept;
    struct buf current;
    buf_init(&protoset, MAX_FILE_BYTES);
    buf_init(&kept, MAX_FILE_BYTES);
    buf_init(&current, MAX_FILE_BYTES);
    int status = 2;
    if (!file_read(argv[1], false, &protoset) || !baseline_describe(buf_str(&protoset), &current))
        (void)fprintf(stderr, "%s cannot be read as a descriptor set\n", argv[1]);
    else if (!file_read(argv[2], true, &kept))
        (void)fprintf(stderr, "cannot read %s\n", argv[2]);
    else
        status = check(argv[2], is_update, buf_str(&kept), buf_str(&current));
    buf_fini(&protoset);
    buf_fini(&kept);
    buf_fini(&current);
    return status;
}
