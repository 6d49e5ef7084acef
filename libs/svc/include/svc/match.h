/*
 * Lists filtered by expressions over JSON attributes, without reading everything: an expression
 * becomes a test of one row, and, where it says what an attribute is, JSON documents of which the
 * row's attributes contain one, so that an index can tell who comes into question. Also decides how
 * long such a list reads on. Refuses to know rows and SQL.
 *
 * How a page is made: rows are read in the list's order and tested, because what is common is found
 * soon that way. When the first few hundred do not fill the page, the index is asked once for all
 * that come into question; unless these are too many, only they are read from there on. Else
 * reading goes on to a limit, and the page is short, with a cursor behind the last row tested.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "expr/anchor.h"
#include "expr/expr.h"

#define MATCH_EXPRS_MAX  2
#define MATCH_KEYS_MAX   2
#define MATCH_FIELDS_MAX 4

/* The attributes contain one of these documents. */
struct match_key {
    struct str docs[EXPR_ANCHOR_MAX_VALUES];
    size_t count;
};

struct match {
    struct arena *arena;
    const struct expr_context *context;
    struct expr *exprs[MATCH_EXPRS_MAX]; /* all must be true */
    size_t expr_count;
    struct match_key keys[MATCH_KEYS_MAX];
    size_t key_count;
    const char *const *names; /* built-in fields, which hide attributes */
    struct expr_field *fields[MATCH_FIELDS_MAX];
    const char
        *equals[MATCH_FIELDS_MAX]; /* what a built-in field must be, by the expressions; "" */
    size_t field_count;
    bool is_never; /* nothing can match */
};

/* Attributes of tasks: bare or task.*. In the slot of workers, as all of a match is. */
extern const struct expr_context match_context_task;

/* context: match_context_task or expr_context_queue. names: at most MATCH_FIELDS_MAX built-in
 * fields, static. Texts found go to the arena. */
void match_init(struct match *match, struct arena *arena, const struct expr_context *context,
                const char *const *names, size_t name_count);
void match_fini(struct match *match); /* a zeroed one is allowed */

/*
 * One more condition. field and shown name the request's field in errors.
 * Errors: INVALID_ARGUMENT EXPRESSION_INVALID, EXPRESSION_TOO_LARGE; RESOURCE_EXHAUSTED.
 */
enum err_code match_add(struct match *match, const char *field, const char *shown, const char *text,
                        struct err *err) MUST_CHECK;

/* values: of the built-in fields. What is no JSON object does not match. */
bool match_row(const struct match *match, struct str attributes, const char *const *values);

/* For "attributes @> any ($n::jsonb[])"; null when there is no such key. */
struct db_param match_key_param(const struct match *match, size_t index);

/* ---- how far to read ---- */

enum {
    MATCH_BATCH = 250,      /* rows read at once */
    MATCH_FIRST = 500,      /* rows read before an index is asked */
    MATCH_FOUND_MAX = 4000, /* rows in question that are worth reading instead of all */
    MATCH_SCAN_MAX = 5000,  /* rows read for one page otherwise */
};

enum match_step {
    MATCH_GO_ON, /* read the next batch */
    MATCH_FIND,  /* ask the index, then match_found */
    MATCH_DONE,  /* there are no more rows */
    MATCH_STOP,  /* enough for now: give out a cursor behind the last row read */
};

struct match_scan {
    size_t page_size;
    bool can_find; /* there is something that an index knows */
    size_t read;
    bool has_asked;
    bool is_narrow; /* only what was found is read */
};

/* After a batch: limit rows asked for, count came, kept of the page so far. A page is full with one
 * row more than its size. */
enum match_step match_next(struct match_scan *scan, size_t limit, size_t count, size_t kept);

/* What the index told, at most MATCH_FOUND_MAX + 1; true: read only these. */
bool match_found(struct match_scan *scan, size_t found);
