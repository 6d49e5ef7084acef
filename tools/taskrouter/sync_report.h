/* What a run of the sync found, in words. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* run: a Run of the REST API; items: its RunItems, or as many as were asked for. */
void sync_report(FILE *out, const json_t *run, const json_t *items, bool is_all);

/* How many of the run are not unchanged. */
long long sync_differences(const json_t *run);
