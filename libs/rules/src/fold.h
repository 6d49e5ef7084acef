/* Words of a text in the form in which they are compared. The only file that knows ICU is fold.c.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum { FOLD_MAX_WORD_CHARS = 64 }; /* longer ones equal nothing */

struct fold_word {
    struct str folded; /* empty: equals nothing */
    uint32_t hash;
    size_t position; /* in characters */
};

struct fold_words {
    struct fold_word *words;
    size_t count;
    bool is_cut; /* the text had more characters than were asked for */
};

/*
 * Cuts well-formed UTF-8 into words: letters and digits with their marks; everything else is a gap.
 * In scripts that put no gaps between words each letter counts as one. Everything in the arena;
 * false when it is full.
 */
bool fold_text(struct str text, size_t max_chars, struct arena *arena, struct fold_words *out);
