/* Rows of the audit log: appended in batches, removed by age, read by people with SQL. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"

/* The texts of an entry, in the order of the columns. */
enum audit_text {
    AUDIT_ACCOUNT_SID,
    AUDIT_ACTOR_SID,
    AUDIT_ACTOR_ROLE,
    AUDIT_ACTION, /* the gRPC method, "CreateWorker" */
    AUDIT_PATH,   /* as requested, without the query */
    AUDIT_WORKSPACE_SID,
    AUDIT_RESOURCE_SID,
    AUDIT_REQUEST_ID,
    AUDIT_PEER,
    AUDIT_OUTCOME, /* "OK" or the error's reason */
    AUDIT_TEXT_COUNT,
};

struct audit_row {
    int64_t at_us;
    struct str texts[AUDIT_TEXT_COUNT];
};

enum err_code audit_store_append(struct db_pool *pool, struct call *call,
                                 const struct audit_row *rows, size_t count,
                                 struct err *err) MUST_CHECK;

enum err_code audit_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                                int64_t *out_removed, struct err *err) MUST_CHECK;
