/*
 * A CSV file of customers. Its first line names the columns, of which any may be missing: only
 * those that are there change. Rows are matched by external_id, else by a phone that one customer
 * has.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/call.h"
#include "db/db.h"

enum { IMPORT_BYTES_MAX = 1 << 20, IMPORT_PROBLEMS_MAX = 100 };

struct import_problem {
    int64_t line;
    const char *column; /* as in the header; "" = the whole row */
    const char *message;
};

struct import_report {
    int64_t created;
    int64_t updated;
    int64_t unchanged;
    int64_t refused; /* rows with a problem; the others are imported */
    struct import_problem problems[IMPORT_PROBLEMS_MAX]; /* the first ones */
    size_t problem_count;
};

/*
 * is_dry: says what would be done. region: of numbers without country code. Texts of the report
 * live in the call's arena. Errors: INVALID_ARGUMENT (csv) when the file as a whole is not right:
 * malformed, an unknown column, none that names customers.
 */
enum err_code customer_import(struct db_pool *pool, struct call *call, const char *account_sid,
                              struct str csv, const char *region, bool is_dry,
                              struct import_report *out, struct err *err) MUST_CHECK;
