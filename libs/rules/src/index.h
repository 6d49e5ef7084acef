/*
 * Which rules may match at all: most ask that some name have some text, so the names are looked up
 * once and only rules whose text is there are evaluated.
 */
#pragma once

#include "rules/rules.h"

enum { INDEX_WORDS = (RULE_MAX_RULES + 63) / 64 };

struct rule_index;
struct rule_made;

/* Rules that can never run (disabled, broken) are in no answer. Ownership: the caller's. */
struct rule_index *rule_index_new(const struct rule_made *rules, size_t count);
void rule_index_free(struct rule_index *index);

/* Sets the bits of all rules that may match, a few of the others too. */
void rule_index_find(const struct rule_index *index, const struct expr_env *env,
                     uint64_t bits[static INDEX_WORDS]);
