/*
 * What an engine was told and when, as bytes: one blob per committed batch. Fed to a fresh engine,
 * a shard's blobs give the same decisions, byte for byte (tests/sim/replay.h). Refuses to know
 * about storage; newer versions and damaged bytes are refused, never guessed at; older versions are
 * read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/command.h"

struct arena;

enum journal_kind {
    JOURNAL_NONE,
    JOURNAL_LOAD,  /* the engine was made anew and loaded from the rows; engine_load_done */
    JOURNAL_TICK,  /* engine_tick */
    JOURNAL_APPLY, /* engine_apply */
    JOURNAL_KIND_COUNT,
};

struct journal_entry {
    enum journal_kind kind;
    int64_t now_us;
    uint64_t seed;                 /* LOAD: of the engine's config */
    int64_t event_sequence;        /* LOAD: as told to engine_load_counters */
    int64_t row_sequence;          /* LOAD: likewise */
    struct engine_command command; /* APPLY; without its tag */
};

/* Being written. Failures stick: see buf_failed(&bytes). */
struct journal {
    struct buf bytes;
    int64_t now_us; /* of the last entry: times are kept as differences */
};

/* max_bytes 0: the default of struct buf. */
void journal_init(struct journal *journal, size_t max_bytes);
void journal_fini(struct journal *journal);
void journal_clear(struct journal *journal); /* the next batch */
bool journal_is_empty(const struct journal *journal);
void journal_put(struct journal *journal, const struct journal_entry *entry);

struct journal_reader {
    uint64_t version; /* that it was written in */
    struct str rest;
    int64_t now_us;
};

/* **Errors:** INVALID_ARGUMENT JOURNAL_INVALID. */
enum err_code journal_open(struct journal_reader *reader, struct str bytes,
                           struct err *err) MUST_CHECK;

/*
 * The next entry, or kind JOURNAL_NONE at the end. Texts are views of the bytes; a worker's
 * channels are in the arena. **Errors:** INVALID_ARGUMENT JOURNAL_INVALID; RESOURCE_EXHAUSTED when
 * the arena is full.
 */
enum err_code journal_next(struct journal_reader *reader, struct arena *arena,
                           struct journal_entry *out_entry, struct err *err) MUST_CHECK;
