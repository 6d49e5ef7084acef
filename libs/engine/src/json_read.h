/*
 * A small JSON reader for workflow documents: text to a tree in an arena, with the line and column
 * of what is wrong. Numbers keep their text. Of duplicate keys the last one counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct arena;

enum json_read_kind {
    JSON_READ_NONE,
    JSON_READ_NULL,
    JSON_READ_BOOL,
    JSON_READ_NUMBER,
    JSON_READ_STRING,
    JSON_READ_ARRAY,
    JSON_READ_OBJECT,
};

struct json_read_node {
    enum json_read_kind kind;
    bool is_true;
    struct str key;  /* of a member */
    struct str text; /* number as written, string decoded */
    struct json_read_node *first;
    struct json_read_node *next;
    size_t count;
};

/* NULL with INVALID_ARGUMENT BAD_JSON (or RESOURCE_EXHAUSTED when the arena is full). */
struct json_read_node *json_read(struct arena *arena, struct str text, struct err *err);

/* NULL when absent or not an object. */
const struct json_read_node *json_read_get(const struct json_read_node *object, const char *key);
