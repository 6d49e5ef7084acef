#include "db/idempotency.h"

#include "base/ids.h"
#include "db_int.h"
#include "db_sql.h"

static enum err_code check_key(struct str key, struct err *err)
{
    if (key.len > IDEMPOTENCY_KEY_MAX || !str_is_utf8(key))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_INVALID", "idempotency_key",
                         "the idempotency key must be text of at most %d bytes",
                         IDEMPOTENCY_KEY_MAX);
    return ERR_OK;
}

/* The first use is committed by now, as the insert that met it waited for that. */
static enum err_code read_first(struct db_conn *conn, struct call *call, struct idempotency *use,
                                const char *hash, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &db_idempotency_get,
                 DB_PARAMS(db_cstr(call->who.account_sid), db_cstr(use->method), db_text(use->key)),
                 &rows, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(rows) == 0) /* pruned in between */
        return ERR_SET(err, ERR_ABORTED, "IDEMPOTENCY_KEY_GONE", "try again");
    if (!str_eq_text(db_get_str(rows, 0, 0), hash))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED", "idempotency_key",
                         "this idempotency key was used for another request; use a new one");
    use->is_repeat = true;
    if (!db_get_bytes(rows, 0, 1, call->arena, &use->reply))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the first reply needs more memory than one request may use");
    return ERR_OK;
}

enum err_code idempotency_claim(struct db_conn *conn, struct call *call, struct idempotency *use,
                                struct err *err)
{
    use->is_repeat = false;
    use->reply = (struct str){NULL, 0};
    if (use->key.len == 0)
        return ERR_OK;
    enum err_code code = check_key(use->key, err);
    if (code != ERR_OK)
        return code;
    /* Not a secret and not an attack surface: who makes two of their own requests collide only
     * gets their own first reply. */
    struct sid hash = sid_derive("RH", str_from(use->method), use->request);
    struct db_result *inserted = NULL;
    code = db_query(conn, call, &db_idempotency_claim,
                    DB_PARAMS(db_cstr(call->who.account_sid), db_cstr(use->method),
                              db_text(use->key), db_cstr(hash.text)),
                    &inserted, err);
    if (code != ERR_OK || db_affected(inserted) == 1)
        return code;
    return read_first(conn, call, use, hash.text, err);
}

enum err_code idempotency_finish(struct db_conn *conn, struct call *call,
                                 const struct idempotency *use, struct str reply, struct err *err)
{
    if (use->key.len == 0 || use->is_repeat)
        return ERR_OK;
    return db_query(conn, call, &db_idempotency_finish,
                    DB_PARAMS(db_cstr(call->who.account_sid), db_cstr(use->method),
                              db_text(use->key), db_bytes(reply)),
                    NULL, err);
}

enum err_code idempotency_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                                int64_t *out_removed, struct err *err)
{
    struct db_result *removed = NULL;
    enum err_code code = db_pool_query(pool, call, &db_idempotency_prune,
                                       DB_PARAMS(db_i64(older_than_us)), &removed, err);
    if (code == ERR_OK && out_removed != NULL)
        *out_removed = db_affected(removed);
    return code;
}
