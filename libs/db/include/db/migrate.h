/*
 * Brings a schema forward. Applied numbers live in the schema's table schema_migrations; each file
 * runs in one transaction of its own, an advisory lock keeps two runners apart, a file that was
 * changed after it was applied is refused. There is no way back but a new file.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "db/db.h"

/*
 * Applies what is missing, waiting up to a minute for another runner. The schema must exist and
 * belong to the role of the URL (deploy/postgres/bootstrap.sql makes both).
 * Errors: FAILED_PRECONDITION SCHEMA_MISSING, MIGRATION_CHANGED, MIGRATION_OUT_OF_ORDER;
 * INTERNAL MIGRATION_FAILED with the server's message.
 */
enum err_code db_migrate(const char *url, const char *schema, const struct db_migration *migrations,
                         size_t count, struct err *err) MUST_CHECK;

/* ERR_OK when every given migration was applied unchanged (a newer schema is fine); otherwise
 * FAILED_PRECONDITION SCHEMA_TOO_OLD or MIGRATION_CHANGED. */
enum err_code db_schema_check(struct db_pool *pool, struct call *call,
                              const struct db_migration *migrations, size_t count,
                              struct err *err) MUST_CHECK;
