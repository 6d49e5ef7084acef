/*
 * The wire contract as text, one promise a line: "key: what is promised". Keys are a message, a
 * field by its number, an enum value by its number, a service, a method. Compared line by line, so
 * that a changed promise is told from a new one. Knows nothing of files on disk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Appends the lines of every file of package taskrouter.* in a serialized FileDescriptorSet, in
 * the order of the set. False when the bytes are no such set. */
bool baseline_describe(struct str protoset, struct buf *out);

struct baseline_result {
    size_t broken; /* promises that are gone or say something else */
    size_t added;  /* lines of current that kept lacks */
};

/* kept and current are lines as above; blank lines and lines that begin with '#' are skipped.
 * out_report receives one line for each difference. */
struct baseline_result baseline_compare(struct str kept, struct str current,
                                        struct buf *out_report);
