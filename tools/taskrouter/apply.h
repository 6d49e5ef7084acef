/* Carries a plan out, one request after another. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct cli;
struct plan;

struct apply_options {
    bool re_evaluates; /* waiting tasks of a changed workflow are routed anew */
    /* Called when a step is done or has failed; NULL = nobody. */
    void (*told)(void *ctx, const struct plan *plan, size_t step);
    void *ctx;
};

/*
 * Does the steps that wait, in order, and stops at the first that fails: what was done stays done,
 * and planning again finds the rest. Errors: those of the request; ABORTED where somebody changed
 * the item since it was read: make the plan again.
 */
enum err_code apply_plan(struct cli *cli, struct plan *plan, const struct apply_options *options,
                         struct err *err) MUST_CHECK;
