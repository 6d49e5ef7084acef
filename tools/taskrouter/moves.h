/* What a plan means for the tasks that wait now. */
#pragma once

#include "base/err.h"

struct cli;
struct plan;

/*
 * Fills moves of the steps that concern waiting tasks:
 * a workflow whose document changes: {"waiting", "isAll", "moved", "examples": [{"sid", "from",
 * "to"}]} - how many would be routed elsewhere, of those looked at, if it were routed anew;
 * a queue that changes or goes: {"waiting", "isAll"}, with "workers": {"old", "new"} where its
 * target_workers change.
 * At most a bounded number of tasks of each is looked at. Errors: those of the requests;
 * INVALID_ARGUMENT where a new document is none.
 */
enum err_code moves_find(struct cli *cli, struct plan *plan, struct err *err) MUST_CHECK;

/* Only that the documents of workflows are such; asks nobody. */
enum err_code moves_check(struct plan *plan, struct err *err) MUST_CHECK;
