/* Field masks of update requests: which fields are to change, and whether they may. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "google/protobuf/field_mask.pb-c.h"

/* True when the mask names the field (proto name, "friendly_name"). */
bool mask_has(const Google__Protobuf__FieldMask *mask, const char *field);

/*
 * Every path must be one of the allowed ones, and there must be at least one.
 * Errors: INVALID_ARGUMENT, reason FIELD_NOT_UPDATABLE naming the field and the allowed ones, or
 * reason EMPTY_UPDATE.
 */
enum err_code mask_check(const Google__Protobuf__FieldMask *mask, const char *const *allowed,
                         size_t allowed_count, struct err *err) MUST_CHECK;
