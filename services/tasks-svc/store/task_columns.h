/* Rows of task and reservation as the engine's structs; the order of columns is fixed for every
 * statement that selects whole rows. */
#pragma once

#include "db/db.h"
#include "engine/rows.h"

enum {
    TASK_COLUMN_COUNT = 30,
    RESERVATION_COLUMN_COUNT = 18, /* further columns may follow */
};

bool task_was_offered(const struct db_result *rows, int i); /* its column alone; as the next */
int64_t task_sequence(const struct db_result *rows, int i);
/* The SID of its workflow ("" = none), and the version of the document it entered. */
struct str task_document(const struct db_result *rows, int i, int64_t *out_version);

/* Views live as long as the result. Names of queue, channel and workflow are left empty. */
void task_from_row(const struct db_result *rows, int i, struct task_row *out);
void reservation_from_row(const struct db_result *rows, int i, struct reservation_row *out);
