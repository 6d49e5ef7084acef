#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.h"

#include <pcre2.h>
#include <stdalign.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"

enum {
    MAX_NESTING = 32,        /* of parentheses */
    MAX_CODE_BYTES = 16384,  /* of a compiled pattern: "(a{99}){99}" is short */
    MATCH_LIMIT = 1000000,   /* PCRE2's own count, which begins again at each start in the text */
    HEAP_LIMIT_KIB = 256,    /* for backtracking */
    STACK_BYTES = 24 * 1024, /* what an ordinary match takes */
    CHARS_A_STEP = 64,       /* of a single item such as ".*" */
};

struct pattern {
    struct expr_value value;
    pcre2_code *code;
};

/* ---- compiling ------------------------------------------------------------------------------- */

static pcre2_code *compile(struct str text, int *out_error, size_t *out_at)
{
    /* The callouts count the work: MATCH_LIMIT alone bounds it only for each start in the text. */
    const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL)
        abort(); /* malloc failed */
    (void)pcre2_set_parens_nest_limit(context, MAX_NESTING);
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text.ptr, text.len, options, out_error, out_at, context);
    pcre2_compile_context_free(context);
    return code;
}

static struct pattern *refuse(struct pattern_fault *out_fault, size_t at, const char *why)
{
    out_fault->at = at;
    size_t len = strlen(why);
    if (len > sizeof out_fault->why - 1)
        len = sizeof out_fault->why - 1;
    memcpy(out_fault->why, why, len);
    out_fault->why[len] = '\0';
    return NULL;
}

struct pattern *pattern_new(struct str text, struct pattern_fault *out_fault)
{
    int error = 0;
    size_t at = 0;
    size_t bytes = 0;
    char why[160];
    if (text.len > EXPR_PATTERN_MAX_BYTES)
        return refuse(out_fault, EXPR_PATTERN_MAX_BYTES, "it has more than 512 bytes");
    pcre2_code *code = compile(text.len == 0 ? STR("") : text, &error, &at);
    if (code == NULL) {
        (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof why);
        return refuse(out_fault, at < text.len ? at : text.len, why);
    }
    (void)pcre2_pattern_info(code, PCRE2_INFO_SIZE, &bytes);
    if (bytes > MAX_CODE_BYTES) {
        pcre2_code_free(code);
        return refuse(out_fault, 0, "its repeated parts make it too large");
    }
    struct pattern *pattern = xcalloc(1, sizeof *pattern);
    pattern->value = expr_value_str(text);
    pattern->code = code;
    return pattern;
}

void pattern_free(struct pattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_code_free(pattern->code);
    free(pattern);
}

const struct expr_value *pattern_value(const struct pattern *pattern)
{
    return &pattern->value;
}

/* ---- matching -------------------------------------------------------------------------------- */

/* Memory of one match: the stack's first, since patterns are compiled once, but matched by any
 * thread, and an ordinary match should not allocate. */
struct room {
    alignas(max_align_t) char bytes[STACK_BYTES];
    size_t used;
};

static void *room_alloc(size_t size, void *data)
{
    struct room *room = data;
    const size_t align = alignof(max_align_t);
    size_t rounded = (size + align - 1) / align * align;
    if (rounded < size || rounded > sizeof room->bytes - room->used)
        return malloc(size); /* bounded by HEAP_LIMIT_KIB */
    room->used += rounded;
    return room->bytes + room->used - rounded;
}

static void room_free(void *block, void *data)
{
    const struct room *room = data;
    const char *at = block;
    bool is_inside = (uintptr_t)at >= (uintptr_t)room->bytes &&
                     (uintptr_t)at < (uintptr_t)room->bytes + sizeof room->bytes;
    if (!is_inside)
        free(block);
}

/* Before each item of the pattern, wherever it is tried. */
static int count_step(pcre2_callout_block *block, void *data)
{
    uint32_t *left = data;
    size_t chars = block->subject_length - block->current_position;
    uint32_t cost = 1 + (uint32_t)(chars / CHARS_A_STEP);
    if (cost > *left) {
        *left = 0;
        return PCRE2_ERROR_CALLOUT;
    }
    *left -= cost;
    return 0;
}

static int match(const struct pattern *pattern, struct str subject, uint32_t *steps)
{
    struct room room; /* not cleared */
    room.used = 0;
    pcre2_general_context *general = pcre2_general_context_create(room_alloc, room_free, &room);
    pcre2_match_context *context = pcre2_match_context_create(general);
    pcre2_match_data *data = pcre2_match_data_create(1, general);
    if (general == NULL || context == NULL || data == NULL)
        abort(); /* malloc failed */
    (void)pcre2_set_match_limit(context, MATCH_LIMIT);
    (void)pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
    (void)pcre2_set_callout(context, count_step, steps);
    int found =
        pcre2_match(pattern->code, (PCRE2_SPTR)subject.ptr, subject.len, 0, 0, data, context);
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_general_context_free(general);
    return found;
}

bool pattern_test(const struct pattern *pattern, struct str subject, struct expr_budget *budget)
{
    struct expr_budget own = {.steps_left = EXPR_PATTERN_STEPS};
    if (budget == NULL)
        budget = &own;
    uint32_t allowed =
        budget->steps_left < EXPR_PATTERN_STEPS ? budget->steps_left : EXPR_PATTERN_STEPS;
    uint32_t left = allowed;
    if (subject.len > EXPR_PATTERN_MAX_TEXT) {
        budget->has_given_up = true;
        return false;
    }
    int found = match(pattern, subject.len == 0 ? STR("") : subject, &left);
    budget->steps_left -= allowed - left;
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
        budget->has_given_up = true;
    return found >= 0;
}
