/*
 * Routing expressions: Twilio TaskRouter's dialect and the rule dialect, one grammar (see
 * libs/expr/README.md), compiled once and evaluated without allocating. Compiled expressions are
 * immutable and may be evaluated by several threads.
 * Patterns (MATCHES, in the rule dialect only) run in bounded time and give up beyond it.
 * Refuses: I/O, clocks, functions, arithmetic.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "expr/record.h"

/* Where a name's value comes from: an index into struct expr_env. */
enum expr_slot {
    EXPR_SLOT_TASK,      /* attributes of the task */
    EXPR_SLOT_WORKER,    /* attributes and built-in fields of the worker */
    EXPR_SLOT_WORKERS,   /* counts over the step's queue: workers.available, workers.WA… */
    EXPR_SLOT_TIME,      /* time.hour … */
    EXPR_SLOT_CALLER,    /* caller.* */
    EXPR_SLOT_HOURS,     /* business hours: hours.* */
    EXPR_SLOT_QUEUE,     /* queue.* */
    EXPR_SLOT_TASK_INFO, /* task.* of the rule dialect other than task.attributes.* */
    EXPR_SLOT_LINE,      /* line.*: the number that was called */
    EXPR_SLOT_COUNT,
};

/* One namespace of a context. */
struct expr_root {
    const char *name;         /* "task", "task.attributes"; "" = names without a prefix */
    enum expr_slot slot;      /* where its values come from */
    const char *const *known; /* the only names allowed below it, NULL-terminated; NULL = any */
};

enum expr_flags {
    EXPR_STRICT = 0, /* Twilio: CONTAINS on an array is false, an operand needs an operator */
    EXPR_CONTAINS_MEMBER = 1, /* CONTAINS on an array asks for membership */
    EXPR_BARE_TRUTH = 2,      /* an operand alone is a condition: is it true? */
    EXPR_TEXT_TESTS = 4,      /* MATCHES, STARTS_WITH and ENDS_WITH are operators */
};

enum {
    EXPR_PATTERN_MAX_BYTES = 512,  /* of what stands behind MATCHES */
    EXPR_PATTERN_MAX_COUNT = 16,   /* in one expression */
    EXPR_PATTERN_MAX_TEXT = 16384, /* bytes of a text that MATCHES looks at; beyond it gives up */
    EXPR_PATTERN_STEPS = 200000,   /* of one MATCHES: a few milliseconds */
};

/* What names mean, and limits. The longest matching root wins. */
struct expr_context {
    const struct expr_root *roots;
    size_t root_count;
    unsigned flags;   /* of enum expr_flags */
    size_t max_bytes; /* of the text; 0 = 8192 */
    size_t max_nodes; /* conditions and operands; 0 = 1024, at most 4096 */
    size_t max_depth; /* of parentheses, NOT and arrays; 0 = 32, at most 128 */
};

/* The ready-made contexts. */
extern const struct expr_context expr_context_queue;  /* TargetWorkers: bare or worker.* */
extern const struct expr_context expr_context_filter; /* workflow filter: bare or task.* */
extern const struct expr_context expr_context_target; /* target expression: task.* and worker.* */
extern const struct expr_context expr_context_skip;   /* skip_if: workers.* */
extern const struct expr_context expr_context_rule;   /* rules: task.attributes.*, task.*, time.*,
                                                         caller.*, line.*, hours.*, queue.*,
                                                         workers.* */

struct expr;

/*
 * **Errors:** INVALID_ARGUMENT EXPRESSION_INVALID; the detail is one sentence with the column
 * (1-based, in characters) and what was expected; EXPRESSION_TOO_LARGE past a limit. The field is
 * left empty: the caller knows it.
 */
enum err_code expr_compile(struct str text, const struct expr_context *context,
                           struct expr **out_expr, struct err *err) MUST_CHECK;
void expr_free(struct expr *expr);

/* The source; empty for a residual. */
struct str expr_text(const struct expr *expr);

/* False, true, or "depends on what is not known yet". */
enum expr_verdict {
    EXPR_OPEN,
    EXPR_FALSE,
    EXPR_TRUE,
};

/* What the expression comes to whatever the records say ("1==1"), else EXPR_OPEN. */
enum expr_verdict expr_constant(const struct expr *expr);

/* Gives the value of a name whose slot has no record ("available" of EXPR_SLOT_WORKERS). False
 * means null. Texts must live until the evaluation ends. */
typedef bool (*expr_resolve_fn)(void *ctx, enum expr_slot slot, struct str name,
                                struct expr_value *out_value);

/* Of the work that patterns may make, shared by evaluations that follow each other. */
struct expr_budget {
    uint32_t steps_left;
    bool has_given_up; /* set when a MATCHES was false for want of steps; never cleared here */
};

/* The facts. Absent records and names are null. */
struct expr_env {
    const struct expr_record *records[EXPR_SLOT_COUNT]; /* NULL: ask resolve */
    expr_resolve_fn resolve;                            /* NULL allowed */
    void *resolve_ctx;
    struct expr_budget *budget; /* NULL: EXPR_PATTERN_STEPS for each MATCHES */
};

/* Never allocates, but for patterns that backtrack deeply. */
bool expr_eval(const struct expr *expr, const struct expr_env *env);

#define EXPR_BIT(slot) (1U << (unsigned)(slot))

/*
 * Partial evaluation: names of the slots in known_mask (EXPR_BIT) take their values from env, the
 * others stay open. When the result is EXPR_OPEN, appends the residual in canonical form to *key:
 * residuals that are the same condition up to order, repetition and operand sides give equal bytes
 * (within one process and across restarts of one version). Nothing is appended otherwise.
 * known_mask 0 gives the canonical form of the expression itself. A key that outgrows its buffer
 * marks it failed.
 */
enum expr_verdict expr_bind(const struct expr *expr, const struct expr_env *env,
                            unsigned known_mask, struct buf *key);

/* The residual as an expression of its own, from the bytes that expr_bind made. NULL when they are
 * not such bytes. **Ownership:** the caller's; expr_free. */
struct expr *expr_residual_new(struct str key);

/* A name the expression mentions, in order of first appearance, each once. */
struct expr_name {
    enum expr_slot slot;
    struct str path; /* without the root: "channel.voice.assigned_tasks", "langs[0]" */
    size_t column;   /* of its first mention, 1-based; 0 in residuals */
};

size_t expr_name_count(const struct expr *expr);
struct expr_name expr_name_at(const struct expr *expr, size_t index);

/* Whether any name reads this slot. */
bool expr_uses(const struct expr *expr, enum expr_slot slot);

/* One sub-result. Rows come in source order, parents before their parts. */
struct expr_trace_row {
    size_t depth;        /* 0 = the whole expression */
    size_t column_first; /* 1-based, characters, inclusive */
    size_t column_last;
    const char *op;  /* "AND", "OR", "NOT", "==", "HAS", … ; "IS TRUE" for a bare operand */
    struct str text; /* this part of the source */
    struct str left; /* values as JSON, cut at 200 bytes; empty for AND, OR, NOT */
    struct str right;
    bool is_true;
    bool has_given_up; /* MATCHES: false because it took too many steps or the text is too long */
};

struct expr_trace {
    bool is_true;
    struct expr_trace_row *rows;
    size_t row_count;
};

/*
 * Evaluates every part, without short-cuts. **Ownership:** everything in the arena, texts included.
 * **Errors:** RESOURCE_EXHAUSTED when the arena is full; FAILED_PRECONDITION for a residual.
 */
enum err_code expr_trace(const struct expr *expr, const struct expr_env *env, struct arena *arena,
                         struct expr_trace *out_trace, struct err *err) MUST_CHECK;

/* ---- order_by: "worker.level DESC, worker.seniority ASC" ---------------------------------- */

#define EXPR_ORDER_MAX_CLAUSES 8

struct expr_order;

/* A worker's place under an order; compare with expr_order_compare. */
struct expr_order_key {
    int64_t values[EXPR_ORDER_MAX_CLAUSES];
    unsigned missing_mask; /* bit i: clause i has no value */
};

/* ASC when a clause names no direction. **Errors:** as expr_compile. */
enum err_code expr_order_compile(struct str text, const struct expr_context *context,
                                 struct expr_order **out_order, struct err *err) MUST_CHECK;
void expr_order_free(struct expr_order *order);

/* False when an attribute is neither an integer nor missing: then the whole order is to be ignored
 * for all candidates, which only the caller can do. */
bool expr_order_key(const struct expr_order *order, const struct expr_env *env,
                    struct expr_order_key *out_key);

/* <0: a goes first. Missing comes after present, whatever the direction. */
int expr_order_compare(const struct expr_order *order, const struct expr_order_key *a,
                       const struct expr_order_key *b);

size_t expr_order_name_count(const struct expr_order *order);
struct expr_name expr_order_name_at(const struct expr_order *order, size_t index);

/* ---- a single name: "task.last_worker_sid" ------------------------------------------------- */

struct expr_path;

/* **Errors:** as expr_compile. */
enum err_code expr_path_compile(struct str text, const struct expr_context *context,
                                struct expr_path **out_path, struct err *err) MUST_CHECK;
void expr_path_free(struct expr_path *path);

/* The value; EXPR_KIND_NONE when missing. Texts are views into the record. */
struct expr_value expr_path_get(const struct expr_path *path, const struct expr_env *env);
