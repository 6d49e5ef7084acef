#define _DEFAULT_SOURCE /* realpath */
#include "env_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 256 << 10, PATH_SIZE = 4096, PRIVATE_MODE = 0600 };

/* The key of a line "[export ]KEY=value"; "" of others. */
static struct str key_of(struct str line)
{
    struct str rest = str_trim(line);
    if (str_starts_with(rest, STR("export ")))
        rest = str_trim((struct str){rest.ptr + 7, rest.len - 7});
    const char *equals = rest.len > 0 ? memchr(rest.ptr, '=', rest.len) : NULL;
    if (equals == NULL || rest.ptr[0] == '#')
        return (struct str){NULL, 0};
    return str_trim((struct str){rest.ptr, (size_t)(equals - rest.ptr)});
}

static size_t lines_with(struct str text, const char *key)
{
    size_t count = 0;
    while (text.ptr != NULL)
        count += str_eq_text(key_of(str_split(&text, '\n')), key);
    return count;
}

static const struct env_line *line_of(struct str key, const struct env_line *lines, size_t count)
{
    for (size_t i = 0; i < count && key.len > 0; i++) {
        if (str_eq_text(key, lines[i].key))
            return &lines[i];
    }
    return NULL;
}

void env_edit_text(struct str text, const struct env_line *lines, size_t count, struct buf *out)
{
    struct str rest = text;
    while (rest.ptr != NULL && rest.len > 0) {
        struct str line = str_split(&rest, '\n');
        const struct env_line *new = line_of(key_of(line), lines, count);
        if (new == NULL)
            buf_str_append(out, line);
        else if (rest.ptr != NULL && lines_with(rest, new->key) > 0)
            continue; /* a later one counts */
        else if (str_starts_with(str_trim(line), STR("export ")))
            buf_printf(out, "export %s=%s", new->key, new->value);
        else
            buf_printf(out, "%s=%s", new->key, new->value);
        buf_char(out, '\n');
    }
    for (size_t i = 0; i < count; i++) {
        if (lines_with(text, lines[i].key) == 0)
            buf_printf(out, "%s=%s\n", lines[i].key, lines[i].value);
    }
}

static enum err_code fail(const char *path, const char *what, struct err *err)
{
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "FILE_UNWRITABLE",
                   "%s cannot be %s: check that it is a file that you may write (and its folder)",
                   path, what);
}

/* False when it is there and cannot be read. */
static bool text_read(const char *path, struct buf *out, mode_t *mode)
{
    struct stat facts;
    char chunk[4096];
    size_t got = 0;
    *mode = PRIVATE_MODE;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT;
    bool is_file = fstat(fileno(file), &facts) == 0 && S_ISREG(facts.st_mode);
    while (is_file && (got = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_append(out, chunk, got);
    bool is_good = is_file && ferror(file) == 0 && !buf_failed(out);
    (void)fclose(file);
    if (is_good)
        *mode = facts.st_mode & 07777;
    return is_good;
}

static bool text_write(const char *path, struct str text, mode_t mode)
{
    char temporary[PATH_SIZE];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return false;
    int fd = mkstemp(temporary);
    if (fd < 0)
        return false;
    FILE *file = fdopen(fd, "w");
    bool is_good = file != NULL && fwrite(text.ptr, 1, text.len, file) == text.len &&
                   fflush(file) == 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    if (file != NULL)
        is_good = fclose(file) == 0 && is_good;
    else
        (void)close(fd);
    is_good = is_good && rename(temporary, path) == 0;
    if (!is_good)
        (void)unlink(temporary);
    return is_good;
}

/* What a link leads to, so that the link stays one. */
static void target_of(const char *path, char out[PATH_MAX])
{
    if (realpath(path, out) == NULL)
        (void)snprintf(out, PATH_MAX, "%s", path);
}

enum err_code env_edit_file(const char *path, const struct env_line *lines, size_t count,
                            struct err *err)
{
    char target[PATH_MAX];
    struct buf old;
    struct buf new;
    mode_t mode = 0;
    enum err_code code = ERR_OK;
    target_of(path, target);
    buf_init(&old, FILE_MAX_BYTES);
    buf_init(&new, 0);
    if (!text_read(target, &old, &mode))
        code = fail(path, "read", err);
    if (code == ERR_OK)
        env_edit_text(buf_str(&old), lines, count, &new);
    bool is_same = str_eq(buf_str(&old), buf_str(&new));
    if (code == ERR_OK && !is_same && !text_write(target, buf_str(&new), mode))
        code = fail(path, "written", err);
    buf_fini(&old);
    buf_fini(&new);
    return code;
}
