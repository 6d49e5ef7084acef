/*
 * Says of a history (tests/chaos/README.md) whether the services kept what they promise: no task
 * lost, none assigned twice, no event missing or out of order. Knows nothing but the history.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"

/* Checks the text and appends the verdict to out: one line per rule that is broken with the first
 * violation of each explained by its lines, then figures. True when no rule is broken. out_broken:
 * the name of the first broken rule, "" when none; may be NULL. */
bool history_check(struct str history, struct buf *out, const char **out_broken);

/* The same for a file, printing to out; false as well when the file cannot be read. */
bool history_check_file(const char *path, FILE *out);
