#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "jx/jx.h"

enum { LINE_SIZE = 160, WORDS_SIZE = 100, QUIET_S = 5, RATE_MIN_MS = 200, NAME_COLUMN = 16 };

void progress_init(struct progress *progress)
{
    static const struct progress zero = {false};
    *progress = zero;
    progress->is_terminal = isatty(STDERR_FILENO) != 0;
}

static bool is_state(const json_t *kind, const char *state)
{
    return strcmp(jx_get_text(kind, "state", ""), state) == 0;
}

static size_t add(char *out, size_t size, size_t len, const char *joint, const char *text)
{
    int wrote = snprintf(out + len, size - len, "%s%s", len > 0 ? joint : "", text);
    return wrote < 0 || (size_t)wrote >= size - len ? size - 1 : len + (size_t)wrote;
}

void progress_words(const json_t *kind, int64_t now_us, char *out, size_t out_size)
{
    char part[WORDS_SIZE];
    int64_t seen = jx_get_i64(kind, "seen", 0);
    int64_t total = jx_get_i64(kind, "total", -1);
    int64_t began_us = 0;
    size_t len = 0;
    out[0] = '\0';
    if (total >= 0)
        (void)snprintf(part, sizeof part, "%lld of %lld", (long long)seen, (long long)total);
    else
        (void)snprintf(part, sizeof part, "%lld", (long long)seen);
    len = add(out, out_size, len, ", ", part);
    if (!parse_time(str_from(jx_get_text(kind, "dateStarted", "")), &began_us) ||
        now_us - began_us < RATE_MIN_MS * US_PER_MS || seen == 0)
        return;
    double rate = (double)seen * (double)US_PER_S / (double)(now_us - began_us);
    (void)snprintf(part, sizeof part, rate < 10 ? "%.1f/s" : "%.0f/s", rate);
    len = add(out, out_size, len, ", ", part);
    if (total <= seen || rate <= 0)
        return;
    (void)snprintf(part, sizeof part, "%.0f s left", (double)(total - seen) / rate + 0.5);
    (void)add(out, out_size, len, ", ", part);
}

/* Where the kind ended, its own end counts, so that a rate stays what it was. */
static int64_t time_of(const json_t *kind, int64_t now_us)
{
    int64_t ended_us = 0;
    return parse_time(str_from(jx_get_text(kind, "dateEnded", "")), &ended_us) ? ended_us : now_us;
}

static void line_of(const json_t *kind, int64_t now_us, char out[LINE_SIZE])
{
    char words[WORDS_SIZE];
    const char *name = jx_get_text(kind, "kind", "");
    progress_words(kind, time_of(kind, now_us), words, sizeof words);
    if (is_state(kind, "waiting") || is_state(kind, ""))
        (void)snprintf(out, LINE_SIZE, "%-*.30s waiting", NAME_COLUMN, name);
    else if (is_state(kind, "failed"))
        (void)snprintf(out, LINE_SIZE, "%-*.30s failed: %.100s", NAME_COLUMN, name,
                       jx_get_text(kind, "error", ""));
    else
        (void)snprintf(out, LINE_SIZE, "%-*.30s %s%s", NAME_COLUMN, name, words,
                       is_state(kind, "done") ? ", done" : "");
}

/* Up to where the block begins, each line written over and cleared to its end. */
static void draw(struct progress *progress, const json_t *kinds, int64_t now_us)
{
    size_t index = 0;
    json_t *kind = NULL;
    char line[LINE_SIZE];
    if (progress->drawn > 0)
        (void)fprintf(stderr, "\x1b[%zuA", progress->drawn);
    json_array_foreach(kinds, index, kind)
    {
        line_of(kind, now_us, line);
        line[79] = '\0'; /* a line that wraps would not be found again */
        (void)fprintf(stderr, "\r%s\x1b[K\n", line);
    }
    progress->drawn = json_array_size(kinds);
    (void)fflush(stderr);
}

static void tell(struct progress *progress, const json_t *kinds, int64_t now_us, int64_t mono_us)
{
    size_t index = 0;
    json_t *kind = NULL;
    char line[LINE_SIZE];
    bool is_due = mono_us - progress->told_mono_us >= QUIET_S * US_PER_S;
    json_array_foreach(kinds, index, kind)
    {
        bool is_over = is_state(kind, "done") || is_state(kind, "failed");
        bool is_new = is_over && index < PROGRESS_KINDS_MAX && !progress->has_ended[index];
        if (!is_new && !(is_due && is_state(kind, "running")))
            continue;
        line_of(kind, now_us, line);
        (void)fprintf(stderr, "%s\n", line);
        progress->told_mono_us = mono_us;
        if (is_new)
            progress->has_ended[index] = true;
    }
}

void progress_show(struct progress *progress, const json_t *run, int64_t now_us, int64_t mono_us)
{
    const json_t *kinds = jx_get(run, "progress");
    if (progress->told_mono_us == 0)
        progress->told_mono_us = mono_us;
    if (progress->is_terminal)
        draw(progress, kinds, now_us);
    else
        tell(progress, kinds, now_us, mono_us);
}
