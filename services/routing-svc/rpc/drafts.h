/* The rules of a snapshot as they would be with drafts in the place of some and beside others. */
#pragma once

#include "base/call.h"
#include "routing.h"
#include "rules/rules.h"
#include "snapshot.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

enum { DRAFTS_MAX = 50, WITHOUT_MAX = 1000 };

/*
 * *out is the caller's (rule_set_free). Errors: those of rule_input_draft, whose field then begins
 * with "drafts[2]."; INVALID_ARGUMENT TOO_MANY; NOT_FOUND RULE_NOT_FOUND (without_rule_sids).
 */
enum err_code drafts_set(struct routing *routing, struct call *call,
                         const struct snapshot *snapshot,
                         Taskrouter__Routing__V1__Rule *const *drafts, size_t draft_count,
                         char *const *without, size_t without_count, struct rule_set **out,
                         struct err *err) MUST_CHECK;

void rule_set_cleanup(struct rule_set **set); /* for AUTO() */
