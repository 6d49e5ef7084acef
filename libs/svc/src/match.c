#include "svc/match.h"

#include <string.h>

#include "base/buf.h"
#include "base/call.h"
#include "base/macros.h"

static const struct expr_root task_roots[] = {
    {.name = "",     .slot = EXPR_SLOT_WORKER},
    {.name = "task", .slot = EXPR_SLOT_WORKER},
};

const struct expr_context match_context_task = {.roots = task_roots,
                                                .root_count = ARRAY_LEN(task_roots)};

void match_init(struct match *match, struct arena *arena, const struct expr_context *context,
                const char *const *names, size_t name_count)
{
    INVARIANT(name_count <= MATCH_FIELDS_MAX);
    *match = (struct match){
        .arena = arena, .context = context, .names = names, .field_count = name_count};
    for (size_t i = 0; i < name_count; i++) {
        match->fields[i] = expr_field_new(str_from(names[i]));
        match->equals[i] = "";
    }
}

void match_fini(struct match *match)
{
    for (size_t i = 0; i < match->field_count; i++)
        expr_field_free(match->fields[i]);
    for (size_t i = 0; i < match->expr_count; i++)
        expr_free(match->exprs[i]);
    *match = (struct match){.arena = NULL};
}

/* A text that a built-in field must be equal to. */
static void note_equal(struct match *match, size_t field, const struct expr_anchor *anchor)
{
    enum { HEAD = 5 }; /* of a canonical text: tag and length */
    struct str value = anchor->values[0];
    if (anchor->count == 1 && !anchor->is_element && value.len > HEAD && value.ptr[0] == 's')
        match->equals[field] =
            arena_str_dup(match->arena, (struct str){value.ptr + HEAD, value.len - HEAD});
}

static bool take_docs(struct match *match, const struct expr_anchor *anchor, struct match_key *key)
{
    struct buf doc;
    bool is_good = true;
    buf_init(&doc, 0);
    for (size_t i = 0; i < anchor->count && is_good; i++) {
        buf_clear(&doc);
        is_good = expr_anchor_json(anchor, i, &doc);
        if (is_good)
            key->docs[key->count++] = arena_str(match->arena, buf_str(&doc));
    }
    buf_fini(&doc);
    return is_good && key->count > 0;
}

static void note_part(void *ctx, struct str part)
{
    struct match *match = ctx;
    struct expr_anchor anchor;
    if (!expr_part_anchor(part, &anchor))
        return;
    for (size_t i = 0; i < match->field_count; i++) {
        if (str_eq_text(anchor.path, match->names[i])) {
            note_equal(match, i, &anchor);
            return;
        }
    }
    struct match_key key = {.count = 0};
    if (match->key_count < MATCH_KEYS_MAX && take_docs(match, &anchor, &key))
        match->keys[match->key_count++] = key;
}

enum err_code match_add(struct match *match, const char *field, const char *shown, const char *text,
                        struct err *err)
{
    struct expr *expr = NULL;
    struct err cause = {.code = ERR_OK};
    INVARIANT(match->expr_count < MATCH_EXPRS_MAX);
    enum err_code code = expr_compile(str_from(text), match->context, &expr, &cause);
    if (code != ERR_OK)
        return ERR_FIELD(err, code, cause.reason, field, "%s: %s", shown, cause.detail);
    match->exprs[match->expr_count++] = expr;
    struct buf bound;
    buf_init(&bound, 0);
    const struct expr_env nothing = {.resolve = NULL};
    enum expr_verdict verdict = expr_bind(expr, &nothing, 0, &bound);
    match->is_never = match->is_never || verdict == EXPR_FALSE;
    if (verdict == EXPR_OPEN && !buf_failed(&bound))
        expr_each_part(buf_str(&bound), note_part, match);
    buf_fini(&bound);
    return arena_is_exhausted(match->arena) ? call_no_room(err) : ERR_OK;
}

bool match_row(const struct match *match, struct str attributes, const char *const *values)
{
    struct expr_record *record = NULL;
    if (match->is_never)
        return false;
    if (match->expr_count == 0)
        return true;
    if (expr_record_new(attributes, &record, NULL) != ERR_OK)
        return false;
    for (size_t i = 0; i < match->field_count; i++)
        expr_record_set_view(record, match->fields[i], str_from(values[i]));
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = record}};
    bool is_match = true;
    for (size_t i = 0; i < match->expr_count && is_match; i++)
        is_match = expr_eval(match->exprs[i], &env);
    expr_record_free(record);
    return is_match;
}

struct db_param match_key_param(const struct match *match, size_t index)
{
    if (index >= match->key_count)
        return db_null();
    return db_jsons(match->keys[index].docs, match->keys[index].count);
}

enum match_step match_next(struct match_scan *scan, size_t limit, size_t count, size_t kept)
{
    scan->read += count;
    if (count < limit || kept > scan->page_size)
        return MATCH_DONE;
    if (!scan->has_asked && scan->can_find && scan->read >= MATCH_FIRST)
        return MATCH_FIND;
    if (!scan->is_narrow && scan->read >= MATCH_SCAN_MAX)
        return MATCH_STOP;
    return MATCH_GO_ON;
}

bool match_found(struct match_scan *scan, size_t found)
{
    scan->has_asked = true;
    scan->is_narrow = found <= MATCH_FOUND_MAX;
    return scan->is_narrow;
}
