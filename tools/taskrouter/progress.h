/*
 * The progress of a run on standard error: on a terminal a line per kind, redrawn in place;
 * elsewhere a line when a kind has ended, and every few seconds one of what is under way.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_KINDS_MAX = 16 };

struct progress {
    bool is_terminal;
    size_t drawn;                       /* lines on the terminal */
    bool has_ended[PROGRESS_KINDS_MAX]; /* told already */
    int64_t told_mono_us;               /* when the last line was written */
};

void progress_init(struct progress *progress);

/* Shows the run (a Run of the REST API) as it is at now_us (wall) and mono_us. */
void progress_show(struct progress *progress, const json_t *run, int64_t now_us, int64_t mono_us);

/* "1200 of 2000, 400/s, 2 s left"; what is not known is left out. kind: a RunKind. */
void progress_words(const json_t *kind, int64_t now_us, char *out, size_t out_size);
