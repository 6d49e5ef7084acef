/*
 * Words and phrases that tell what a text is about. Whole words only ("fee" is not in "coffee"),
 * whatever case, accents or compatibility form (Unicode), white space and punctuation between the
 * words of a phrase being one gap. A set is immutable; any number of threads may ask it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/str.h"

enum {
    KEYWORD_MAX_DEFS = 1000,  /* of a set */
    KEYWORD_MAX_PHRASES = 50, /* of one */
    KEYWORD_MAX_PHRASE_CHARS = 100,
    KEYWORD_MAX_PHRASE_WORDS = 8,
    KEYWORD_MAX_DEPARTMENT_CHARS = 100,
    KEYWORD_MAX_TEXT_CHARS = 16384,
    KEYWORD_MAX_MATCHES = 200, /* more are left out */
};

#define KEYWORD_DEFAULT_CONFIDENCE 0.8

struct keyword_def {
    struct str sid; /* empty: one of ours */
    const struct str *phrases;
    size_t phrase_count;   /* 1..KEYWORD_MAX_PHRASES */
    struct str department; /* never empty */
    struct str priority;   /* "low", "normal", "high", "urgent"; empty: normal */
    double confidence;     /* 0..1; 0: KEYWORD_DEFAULT_CONFIDENCE */
    bool is_enabled;
};

/* The guide's six departments. */
extern const struct keyword_def rule_default_keywords[];
extern const size_t rule_default_keyword_count;

/* What is wrong with one. Errors: INVALID_ARGUMENT with the field ("phrases[2]", "priority",
 * "confidence", "department"). */
enum err_code keyword_check(const struct keyword_def *def, struct err *err) MUST_CHECK;

struct keyword_set;

/* Copies. What keyword_check refuses and what is not enabled is left out. Errors:
 * RESOURCE_EXHAUSTED KEYWORDS_TOO_MANY. */
enum err_code keyword_set_new(const struct keyword_def *defs, size_t count,
                              struct keyword_set **out, struct err *err) MUST_CHECK;
void keyword_set_free(struct keyword_set *set);

/* Views into the set. */
struct keyword_match {
    size_t keyword; /* index into the defs that the set was made of */
    struct str sid;
    struct str phrase; /* as defined */
    size_t position;   /* in characters of the text, from 0 */
    struct str department;
    struct str priority;
    double confidence;
};

struct keyword_result {
    const struct keyword_match *matches; /* by position, the longer phrase first */
    size_t match_count;
    const struct str *phrases; /* those found, each once, in order of appearance */
    size_t phrase_count;
    struct str department; /* of the best match; empty when nothing was found */
    struct str priority;
    double confidence; /* 0 when nothing was found */
    bool is_cut;       /* the text or the list of matches was longer than the limits */
};

/*
 * What the text is about. The best match is the surest; among equals the more urgent, then
 * the one of more words, then the one defined first. A phrase that lies within a longer match does
 * not count. Arrays in the arena, texts in the set. Errors: INVALID_ARGUMENT TEXT_INVALID when it
 * is not UTF-8; RESOURCE_EXHAUSTED when the arena is full.
 */
enum err_code keyword_set_detect(const struct keyword_set *set, struct str text,
                                 struct arena *arena, struct keyword_result *out,
                                 struct err *err) MUST_CHECK;

/* Appends the task's attributes (JSON object; empty: {}) with "keywords", "department" and
 * "confidence" of the result put in where they have none of their own; as they are when nothing was
 * found. Errors: as rule_attributes_merge. */
enum err_code keyword_result_merge(const struct keyword_result *result, struct str attributes,
                                   struct buf *out, struct err *err) MUST_CHECK;
