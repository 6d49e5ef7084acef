#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dnf.h"
#include "rules_int.h"

enum {
    MAX_NAMES = 64,           /* rules that ask others only are always evaluated */
    SCRATCH_BYTES = 64 << 20, /* for disjunctive forms, of one rule at a time */
};

/* A name that rules ask for, with those rules. */
struct index_name {
    struct expr_path *path;
    enum expr_slot slot;
    struct str name;     /* without the root; in the path's rule */
    bool is_member;      /* asked for an element of it */
    uint64_t *all_rules; /* bits */
};

/* Rules that ask this text of this name. */
struct index_key {
    uint32_t name;
    uint32_t hash;
    struct str text;
    uint32_t first; /* posting index + 1; 0: the place is free */
};

struct posting {
    uint32_t rule;
    uint32_t next; /* index + 1; 0: none */
};

struct rule_index {
    size_t words; /* of 64 rules */
    uint64_t *always;
    struct index_name names[MAX_NAMES];
    size_t name_count;
    struct index_key *keys; /* open addressing */
    size_t key_mask;
    struct posting *postings;
    size_t posting_count;
    size_t posting_capacity;
};

/* ---- building -------------------------------------------------------------------------------- */

/* Texts that are numbers equal numbers too, which have other hashes. */
static bool is_plain_text(struct expr_value value)
{
    struct expr_value number;
    return expr_value_kind(value) == EXPR_KIND_STR &&
           !expr_text_number(expr_value_text(value), &number);
}

static bool is_member_op(enum expr_tree_op op)
{
    return op == EXPR_OP_HAS || op == EXPR_OP_CONTAINS_ANY;
}

/* A test that is false unless the name has one of a few texts. */
static bool is_anchor(const struct literal *literal)
{
    bool is_per_rule =
        literal->name.slot == EXPR_SLOT_QUEUE || literal->name.slot == EXPR_SLOT_WORKERS;
    if (!literal->is_simple || literal->is_false || is_per_rule)
        return false;
    if (literal->op == EXPR_OP_EQ || is_member_op(literal->op))
        return literal->value.type == EXPR_OPERAND_VALUE && is_plain_text(literal->value.value);
    if (literal->op != EXPR_OP_IN)
        return false;
    for (size_t i = 0; i < literal->value.count; i++) {
        if (!is_plain_text(expr_tree_element(literal->expr, &literal->value, i).value))
            return false;
    }
    return true;
}

static const struct literal *find_anchor(const struct term *term)
{
    const struct literal *found = NULL;
    for (size_t i = 0; i < term->count; i++) {
        if (is_anchor(term->literals[i]) && (found == NULL || is_member_op(found->op)))
            found = term->literals[i];
    }
    return found;
}

/* The name's index; MAX_NAMES when there is no room. */
static size_t name_of(struct rule_index *index, const struct literal *literal)
{
    bool is_member = is_member_op(literal->op);
    for (size_t i = 0; i < index->name_count; i++) {
        const struct index_name *name = &index->names[i];
        if (name->slot == literal->name.slot && name->is_member == is_member &&
            str_eq(name->name, literal->name.path))
            return i;
    }
    if (index->name_count == MAX_NAMES)
        return MAX_NAMES;
    struct expr_path *path = expr_path_of(literal->name.slot, literal->name.path);
    index->names[index->name_count] =
        (struct index_name){.path = path,
                            .slot = literal->name.slot,
                            .name = literal->name.path,
                            .is_member = is_member,
                            .all_rules = xcalloc(index->words, sizeof(uint64_t))};
    return index->name_count++;
}

static void set_bit(uint64_t *bits, size_t rule)
{
    bits[rule / 64] |= UINT64_C(1) << rule % 64;
}

static struct index_key *key_place(const struct rule_index *index, size_t name,
                                   struct expr_value text)
{
    size_t at = (text.hash ^ name * UINT32_C(0x9E3779B1)) & index->key_mask;
    for (;; at = (at + 1) & index->key_mask) {
        struct index_key *key = &index->keys[at];
        if (key->first == 0 || (key->name == name && key->hash == text.hash &&
                                str_eq(key->text, expr_value_text(text))))
            return key;
    }
}

/* A table twice as large as what it will hold at most, so that a free place is always found. */
static void grow_keys(struct rule_index *index)
{
    if (index->posting_count * 2 <= index->key_mask)
        return;
    struct index_key *old = index->keys;
    size_t old_size = index->key_mask + 1;
    index->key_mask = old_size * 4 - 1;
    index->keys = xcalloc(index->key_mask + 1, sizeof *index->keys);
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].first != 0)
            *key_place(index, old[i].name, expr_value_str(old[i].text)) = old[i];
    }
    free(old);
}

static void post(struct rule_index *index, size_t name, struct expr_value text, size_t rule)
{
    if (index->posting_count == index->posting_capacity) {
        index->posting_capacity = index->posting_capacity == 0 ? 64 : index->posting_capacity * 2;
        index->postings =
            xrealloc(index->postings, index->posting_capacity, sizeof *index->postings);
    }
    struct index_key *key = key_place(index, name, text);
    if (key->first == 0)
        *key = (struct index_key){
            .name = (uint32_t)name, .hash = text.hash, .text = expr_value_text(text)};
    index->postings[index->posting_count++] =
        (struct posting){.rule = (uint32_t)rule, .next = key->first};
    key->first = (uint32_t)index->posting_count;
    grow_keys(index);
}

static void post_anchor(struct rule_index *index, const struct literal *anchor, size_t name,
                        size_t rule)
{
    set_bit(index->names[name].all_rules, rule);
    if (anchor->op != EXPR_OP_IN) {
        post(index, name, anchor->value.value, rule);
        return;
    }
    for (size_t i = 0; i < anchor->value.count; i++)
        post(index, name, expr_tree_element(anchor->expr, &anchor->value, i).value, rule);
}

/* False: it must always be evaluated. */
static bool add_rule(struct rule_index *index, const struct rule_made *rule, size_t place,
                     struct arena *scratch)
{
    struct dnf dnf;
    if (rule->expr == NULL || !dnf_new(rule->expr, false, scratch, &dnf))
        return false;
    for (size_t i = 0; i < dnf.count; i++) {
        const struct literal *anchor = find_anchor(&dnf.terms[i]);
        if (anchor == NULL || name_of(index, anchor) == MAX_NAMES)
            return false;
    }
    for (size_t i = 0; i < dnf.count; i++) {
        const struct literal *anchor = find_anchor(&dnf.terms[i]);
        post_anchor(index, anchor, name_of(index, anchor), place);
    }
    return true;
}

struct rule_index *rule_index_new(const struct rule_made *rules, size_t count)
{
    struct rule_index *index = xcalloc(1, sizeof *index);
    struct arena *scratch = arena_new(SCRATCH_BYTES);
    index->words = (count + 63) / 64;
    index->always = xcalloc(index->words + 1, sizeof *index->always);
    index->key_mask = 63;
    index->keys = xcalloc(index->key_mask + 1, sizeof *index->keys);
    for (size_t i = 0; i < count; i++) {
        if (!rules[i].def.is_enabled || rules[i].is_broken)
            continue;
        arena_reset(scratch);
        if (!add_rule(index, &rules[i], i, scratch))
            set_bit(index->always, i);
    }
    arena_free(scratch);
    return index;
}

void rule_index_free(struct rule_index *index)
{
    if (index == NULL)
        return;
    for (size_t i = 0; i < index->name_count; i++) {
        expr_path_free(index->names[i].path);
        free(index->names[i].all_rules);
    }
    free(index->always);
    free(index->keys);
    free(index->postings);
    free(index);
}

/* ---- finding --------------------------------------------------------------------------------- */

struct lookup {
    const struct rule_index *index;
    size_t name;
    uint64_t *bits;
};

static void find_text(void *ctx, const struct expr_value *value)
{
    const struct lookup *lookup = ctx;
    if (expr_value_kind(*value) != EXPR_KIND_STR)
        return;
    uint32_t at = key_place(lookup->index, lookup->name, *value)->first;
    for (; at != 0; at = lookup->index->postings[at - 1].next)
        set_bit(lookup->bits, lookup->index->postings[at - 1].rule);
}

static void find_name(const struct rule_index *index, size_t at, const struct expr_env *env,
                      uint64_t *bits)
{
    const struct index_name *name = &index->names[at];
    struct lookup lookup = {.index = index, .name = at, .bits = bits};
    bool is_asked = env->records[name->slot] == NULL; /* of whom nothing is known beforehand */
    enum expr_kind kind = EXPR_KIND_NONE;
    if (!is_asked)
        kind = expr_path_each(name->path, env, find_text, &lookup);
    /* CONTAINS looks into a text or number. */
    bool is_searched = name->is_member &&
                       (kind == EXPR_KIND_STR || kind == EXPR_KIND_I64 || kind == EXPR_KIND_F64);
    for (size_t i = 0; (is_asked || is_searched) && i < index->words; i++)
        bits[i] |= name->all_rules[i];
}

void rule_index_find(const struct rule_index *index, const struct expr_env *env,
                     uint64_t bits[static INDEX_WORDS])
{
    (void)memcpy(bits, index->always, index->words * sizeof *bits);
    for (size_t i = 0; i < index->name_count; i++)
        find_name(index, i, env, bits);
}
