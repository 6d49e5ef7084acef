/* Targets of rules' actions as SIDs: whoever owns them is asked, by SID or by name. */
#pragma once

#include "base/call.h"
#include "routing.h"
#include "rule.h"

/*
 * Replaces what names queues, workers and workflows by their SIDs and fills target_names of all
 * actions. Errors: INVALID_ARGUMENT QUEUE_NOT_FOUND, WORKER_NOT_FOUND, WORKFLOW_NOT_FOUND, the
 * field being "actions[1].target"; UNAVAILABLE when the owner cannot be asked.
 */
enum err_code rule_targets_resolve(struct routing *routing, struct call *call,
                                   const char *workspace_sid, struct rule_action *actions,
                                   const char **target_names, size_t count,
                                   struct err *err) MUST_CHECK;
