#include "history.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"

struct history {
    int fd;
    int64_t last_id; /* atomic */
};

struct history *history_open(const char *path)
{
    struct history *history = xcalloc(1, sizeof *history);
    history->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (history->fd < 0) {
        (void)fprintf(stderr, "the history cannot be written to %s\n", path);
        exit(2); /* NOLINT(concurrency-mt-unsafe): before any thread */
    }
    return history;
}

void history_close(struct history *history)
{
    if (history == NULL)
        return;
    (void)close(history->fd);
    free(history);
}

int64_t history_next_id(struct history *history)
{
    return __atomic_add_fetch(&history->last_id, 1, __ATOMIC_SEQ_CST);
}

json_t *history_line(const char *kind)
{
    json_t *line = json_object();
    INVARIANT(line != NULL);
    (void)json_object_set_new(line, "k", json_string(kind));
    (void)json_object_set_new(line, "t", json_integer((json_int_t)clock_mono_us()));
    return line;
}

void history_add(struct history *history, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);
    INVARIANT(text != NULL);
    size_t len = strlen(text);
    text[len] = '\n'; /* over the NUL: the length is known */
    ssize_t written = write(history->fd, text, len + 1);
    INVARIANT(written == (ssize_t)len + 1);
    free(text);
    json_decref(line);
}
