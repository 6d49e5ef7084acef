/* A plan in words and as JSON. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct cli;
struct plan;
struct plan_step;

/* is_drift: the file is what should be, the suite what is. */
void report_plan(FILE *out, const struct cli *cli, const struct plan *plan, bool is_drift);

/* The caller's. */
json_t *report_plan_json(const struct cli *cli, const struct plan *plan);

/* "queue \"Permits Queue\""; the caller frees it. */
char *report_step_name(const struct plan_step *step);
