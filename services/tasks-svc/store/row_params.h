/* Rows of task and reservation as parameters: the columns of the types batch_task and
 * batch_reservation (migration 0009), for db_rows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "db/db.h"
#include "engine/rows.h"

enum { TASK_PARAM_COUNT = 30, RESERVATION_PARAM_COUNT = 18 };

/* Arrays for so many rows. False when the arena is exhausted. */
bool param_columns(struct arena *arena, size_t rows, struct str **texts, size_t text_count,
                   int64_t **numbers, size_t number_count);

/* is_new: with what no update changes, which is null otherwise. The columns are in the arena; texts
 * are views into the rows. False when the arena is exhausted. */
bool task_params(struct arena *arena, const struct task_row *const *rows, size_t n, bool is_new,
                 struct db_param out[TASK_PARAM_COUNT]);
bool reservation_params(struct arena *arena, const struct reservation_row *const *rows, size_t n,
                        bool is_new, struct db_param out[RESERVATION_PARAM_COUNT]);
