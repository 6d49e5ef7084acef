/* QuickBase's records API: the query for a phone number, and what its answer says. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "customer.h"
#include "twilio/phone.h"

/* Ids of fields of the customers' table; 0 = there is no such field. */
struct quickbase_fields {
    int64_t phone;
    int64_t coordinator;
    int64_t project_status;
    int64_t name;
    int64_t email;
    int64_t organization;
    int64_t customer_type;
    int64_t department;
    int64_t notes;
};

enum { QUICKBASE_REPLY_BYTES = 256 << 10, QUICKBASE_ROWS = 10 };

/* Appends the body of POST /v1/records/query: rows whose phone is this one, in any of the ways to
 * write it. */
void quickbase_query(struct buf *out, const char *table_id, const struct quickbase_fields *fields,
                     const char *e164);

/* Appends a value as a text of a query, in quotes: what is in it cannot end it. */
void quickbase_quote(struct buf *out, struct str value);

/*
 * The first row that names a coordinator, else the first; out_found false: there are none. Texts
 * are cleaned of control characters, cut at CUSTOMER_TEXT_MAX characters, and live in the arena.
 * Errors: UNAVAILABLE QUICKBASE_ANSWER (not what the API documents).
 */
enum err_code quickbase_read(struct str reply, const struct quickbase_fields *fields,
                             const char *e164, struct arena *arena, struct customer *out,
                             bool *out_found, struct err *err) MUST_CHECK;
