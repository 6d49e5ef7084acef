/*
 * YAML that people write by hand, in and out: libyaml behind limits. In: one document becomes a
 * tree that knows its lines, so that whoever reads it can say where something is wrong. Out: a JSON
 * value, so that reading what was written gives the same value again. Refuses what makes YAML
 * dangerous or ambiguous: aliases and anchors, tags, several documents, duplicate keys, keys that
 * are no text.
 *
 * Which plain words are no text: null, ~ and nothing; true and false; decimal integers without sign
 * + and without leading zeros; decimals such as 1.5 and -2e3. All else is text (so 007, 0x10, +1,
 * yes and 12:30 are); what is quoted is always text.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
    YDOC_MAX_BYTES = 8 << 20, /* where a limit of 0 is given */
    YDOC_MAX_DEPTH = 40,      /* likewise; nested lists and maps */
    YDOC_MAX_NODES = 500000,  /* likewise; values and keys */
};

enum ydoc_kind {
    YDOC_NONE,
    YDOC_NULL,
    YDOC_BOOL,
    YDOC_INT,
    YDOC_REAL,
    YDOC_TEXT,
    YDOC_LIST,
    YDOC_MAP,
    YDOC_KIND_COUNT,
};

struct ydoc_node {
    enum ydoc_kind kind;
    int line;         /* where it begins, from 1 */
    struct str text;  /* of all but lists and maps: as written, without quotes; NUL-terminated */
    int64_t number;   /* of YDOC_INT; 0 or 1 of YDOC_BOOL */
    double real;      /* of YDOC_REAL */
    struct str *keys; /* of a map, in the order written; NUL-terminated */
    int *key_lines;   /* likewise */
    struct ydoc_node **items; /* of a list, or the values of a map */
    size_t count;
};

struct ydoc_limits {
    size_t max_bytes;
    unsigned max_depth;
    size_t max_nodes;
};

/*
 * The one document of text; no document at all gives YDOC_NULL. limits may be NULL. The tree lives
 * in the arena, and holds views of nothing outside of it.
 * Errors: INVALID_ARGUMENT, reason YAML_INVALID, YAML_REFUSED or YAML_TOO_LARGE; the detail begins
 * with "line N: ". RESOURCE_EXHAUSTED when the arena is full.
 */
enum err_code ydoc_parse(struct arena *arena, struct str text, const struct ydoc_limits *limits,
                         struct ydoc_node **out, struct err *err) MUST_CHECK;

/* "a list", "a text", ... for messages. */
const char *ydoc_kind_name(enum ydoc_kind kind);

/* The value of a key, or NULL. */
const struct ydoc_node *ydoc_get(const struct ydoc_node *map, const char *key);

/* As a JSON value; the caller's. NULL only when memory is short or a text is no UTF-8. */
json_t *ydoc_json(const struct ydoc_node *node);

/*
 * Appends the value as a YAML document without marks around it, in block style; order of keys kept.
 * Reading it gives the same value. Errors: INTERNAL when libyaml refuses (out is then of no use).
 */
enum err_code ydoc_write(struct buf *out, json_t *value, struct err *err) MUST_CHECK;
