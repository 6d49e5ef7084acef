/*
 * Bound expressions taken apart, so that an engine can look workers up instead of asking all of
 * them: conditions that say "this name has this value" (anchors), conditions that say "this name is
 * at least this much" (ranges), and what stays the same when only the values differ (shapes).
 * Works on the canonical bytes that expr_bind makes; refuses to know what they are about.
 */
#pragma once

#include "expr/expr.h"

/* Whether this condition belongs to the key, of those that depend on what became known. */
typedef bool (*expr_keep_fn)(void *ctx, struct str part);

/*
 * As expr_bind, but the conditions joined by AND at the top are written to two canonical residuals:
 * *key has those that mention nothing of known_mask and those that keep() wants, *loose the others.
 * Either may stay empty; EXPR_OPEN when one of them is not.
 */
enum expr_verdict expr_bind_apart(const struct expr *expr, const struct expr_env *env,
                                  unsigned known_mask, expr_keep_fn keep, void *ctx,
                                  struct buf *key, struct buf *loose);

/* The conditions joined by AND at the top of a residual; one when there is no AND. */
typedef void (*expr_part_fn)(void *ctx, struct str part);
void expr_each_part(struct str key, expr_part_fn fn, void *ctx);

/* Whether the part mentions a name that begins so (of any slot). */
bool expr_part_reads(struct str part, struct str prefix);

enum { EXPR_ANCHOR_MAX_VALUES = 16 };

struct expr_anchor {
    struct str path; /* of the worker; a view into the part */
    bool is_element; /* the value is to be an element of it: HAS */
    size_t count;
    struct str values[EXPR_ANCHOR_MAX_VALUES]; /* canonical operands, in the part */
};

/* "worker.path == 'x'", "worker.path HAS 'x'", "worker.path IN ['x', 'y']", not negated. */
bool expr_part_anchor(struct str part, struct expr_anchor *out_anchor);

/* Appends an anchor's value as bytes that are equal where expressions call the values equal (and in
 * rare cases elsewhere: verify by evaluating). */
void expr_anchor_value(struct str value, struct buf *out);

/*
 * Appends the JSON document that the attributes contain, in PostgreSQL's sense (jsonb @>), whenever
 * the anchor holds with its value of that index; the converse need not be true (an index in the
 * path is no more than "some element"): verify by evaluating. False where there is no such
 * document, because equal values have several spellings: null, numbers, texts that are numbers.
 * What was appended then is of no use.
 */
bool expr_anchor_json(const struct expr_anchor *anchor, size_t index, struct buf *out);

/* What a record has there, as the same bytes: fn is called for the value or for each element; a
 * missing value counts as null. */
typedef void (*expr_value_fn)(void *ctx, struct str value);
void expr_path_values(const struct expr_path *path, const struct expr_env *env, bool is_element,
                      struct buf *scratch, expr_value_fn fn, void *ctx);

/* "worker.path >= 5": path and bound; is_at_most for <= and <. */
struct expr_range {
    struct str path;
    bool is_at_most;
    double bound;
};

bool expr_part_range(struct str part, struct expr_range *out_range);

/* The number there, as order compares it (texts that are numbers count); false when none. Rounded
 * to a double, so that who satisfies a range is never beyond its bound. */
bool expr_path_number(const struct expr_path *path, const struct expr_env *env, double *out_number);

/* A name of the worker, from its canonical text. NULL when it is none. */
struct expr_path *expr_path_new(struct str path);

/* Appends the residual's bytes with the values left out: equal for residuals that differ in
 * constants only, of the same kinds. */
void expr_shape(struct str key, struct buf *out);

/* A residual's constants, for evaluating an expression of the same shape with them. **Ownership:**
 * the caller's, one block; free(). The bytes are copied. */
struct expr_constants;
struct expr_constants *expr_constants_new(struct str key);
size_t expr_constants_bytes(const struct expr_constants *constants);

/* As expr_residual_new, but to be evaluated by expr_eval_with only. */
struct expr *expr_shape_new(struct str key);
bool expr_eval_with(const struct expr *shape, const struct expr_constants *constants,
                    const struct expr_env *env);
