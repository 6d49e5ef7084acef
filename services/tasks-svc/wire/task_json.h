/*
 * Tasks and reservations as the JSON of their messages, straight from the row: what pbjson writes
 * of task_to_wire and reservation_to_wire under pbjson_canonical, byte for byte, at a fraction of
 * the cost. Every event carries one, most carry both.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "engine/rows.h"

/* Appended; a failure is the buffer's. now_us: for the age. */
void task_json_put(struct buf *out, const struct task_row *row, int64_t now_us);
void reservation_json_put(struct buf *out, const struct reservation_row *row);
