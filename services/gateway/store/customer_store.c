#include "customer_store.h"

#include "base/clock.h"
#include "customer_store_sql.h"
#include "jx/writer.h"

enum customer_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_EXTERNAL_ID,
    COL_NAME,
    COL_PHONES,
    COL_EMAIL,
    COL_ORGANIZATION,
    COL_CUSTOMER_TYPE,
    COL_PROJECT_STATUS,
    COL_DEPARTMENT,
    COL_COORDINATOR_EMAIL,
    COL_COORDINATOR_QUICKBASE_ID,
    COL_NOTES,
    COL_ATTRIBUTES,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
};

static enum err_code from_row(const struct db_result *result, int row, struct arena *arena,
                              struct customer *out, struct err *err)
{
    struct str *phones = NULL;
    size_t phone_count = 0;
    if (!db_get_texts(result, row, COL_PHONES, arena, &phones, &phone_count))
        return call_no_room(err);
    const char **texts = ARENA_ARRAY(arena, const char *, phone_count);
    if (texts == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < phone_count; i++) {
        texts[i] = arena_str_dup(arena, phones[i]);
        if (texts[i] == NULL)
            return call_no_room(err);
    }
    *out = (struct customer){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .external_id = db_get_text(result, row, COL_EXTERNAL_ID),
        .name = db_get_text(result, row, COL_NAME),
        .phones = texts,
        .phone_count = phone_count,
        .email = db_get_text(result, row, COL_EMAIL),
        .organization = db_get_text(result, row, COL_ORGANIZATION),
        .customer_type = db_get_text(result, row, COL_CUSTOMER_TYPE),
        .project_status = db_get_text(result, row, COL_PROJECT_STATUS),
        .department = db_get_text(result, row, COL_DEPARTMENT),
        .coordinator_email = db_get_text(result, row, COL_COORDINATOR_EMAIL),
        .coordinator_quickbase_id = db_get_text(result, row, COL_COORDINATOR_QUICKBASE_ID),
        .notes = db_get_text(result, row, COL_NOTES),
        .attributes = db_get_text(result, row, COL_ATTRIBUTES),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
    return ERR_OK;
}

static enum err_code from_rows(const struct db_result *result, struct arena *arena,
                               struct customer **out, size_t *out_count, struct err *err)
{
    size_t count = (size_t)db_row_count(result);
    struct customer *items = ARENA_ARRAY(arena, struct customer, count);
    if (items == NULL)
        return call_no_room(err);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = from_row(result, (int)i, arena, &items[i], err);
    *out = items;
    *out_count = count;
    return code;
}

/* Insert and update have the same parameters. */
static enum err_code write_row(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                               const struct customer *c, int64_t at_us, struct db_result **out,
                               struct err *err)
{
    struct str *phones = ARENA_ARRAY(call->arena, struct str, c->phone_count);
    if (phones == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < c->phone_count; i++)
        phones[i] = str_from(c->phones[i]);
    enum err_code code =
        db_query(conn, call, stmt,
                 DB_PARAMS(db_cstr(c->sid), db_cstr(c->account_sid), db_cstr(c->external_id),
                           db_cstr(c->name), db_texts(phones, c->phone_count), db_cstr(c->email),
                           db_cstr(c->organization), db_cstr(c->customer_type),
                           db_cstr(c->project_status), db_cstr(c->department),
                           db_cstr(c->coordinator_email), db_cstr(c->coordinator_quickbase_id),
                           db_cstr(c->notes), db_cstr(c->attributes), db_time_us(at_us)),
                 out, err);
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "customer_external_id"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "EXTERNAL_ID_TAKEN", "external_id",
                         "another customer has the external id %s already", c->external_id);
    return code;
}

enum err_code customer_store_insert(struct db_conn *conn, struct call *call,
                                    struct customer *customer, struct err *err)
{
    customer->version = 1;
    customer->created_at_us = clock_now_us();
    customer->updated_at_us = customer->created_at_us;
    return write_row(conn, call, &customer_insert, customer, customer->created_at_us, NULL, err);
}

enum err_code customer_store_update(struct db_conn *conn, struct call *call,
                                    struct customer *customer, struct err *err)
{
    customer->updated_at_us = clock_now_us();
    enum err_code code =
        write_row(conn, call, &customer_update, customer, customer->updated_at_us, NULL, err);
    if (code == ERR_OK)
        customer->version++;
    return code;
}

static enum err_code not_found(const char *sid, struct err *err)
{
    return ERR_FIELD(err, ERR_NOT_FOUND, "CUSTOMER_NOT_FOUND", "sid", "there is no customer %s",
                     sid);
}

enum err_code customer_store_get(struct db_conn *conn, struct call *call, const char *account_sid,
                                 const char *sid, bool locks, struct customer *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, locks ? &customer_lock : &customer_get,
                                  DB_PARAMS(db_cstr(account_sid), db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    return db_row_count(result) == 0 ? not_found(sid, err)
                                     : from_row(result, 0, call->arena, out, err);
}

enum err_code customer_store_delete(struct db_conn *conn, struct call *call,
                                    const char *account_sid, const char *sid,
                                    const int64_t *expected, struct err *err)
{
    struct db_result *result = NULL;
    struct customer customer;
    enum err_code code = db_query(conn, call, &customer_delete,
                                  DB_PARAMS(db_cstr(account_sid), db_cstr(sid),
                                            expected != NULL ? db_i64(*expected) : db_null()),
                                  &result, err);
    if (code != ERR_OK || db_affected(result) > 0)
        return code;
    code = customer_store_get(conn, call, account_sid, sid, false, &customer, err);
    if (code != ERR_OK)
        return code;
    return ERR_FIELD(err, ERR_ABORTED, "VERSION_MISMATCH", "expected_version",
                     "customer %s has version %lld by now; read it again", sid,
                     (long long)customer.version);
}

enum err_code customer_store_list(struct db_conn *conn, struct call *call, const char *account_sid,
                                  const char *after, const char *phone, const char *search,
                                  size_t limit, struct customer **out, size_t *out_count,
                                  struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &customer_list,
                 DB_PARAMS(db_cstr(account_sid), db_cstr(after), db_text_or_null(str_from(phone)),
                           db_text_or_null(str_from(search)), db_i64((int64_t)limit)),
                 &result, err);
    return code == ERR_OK ? from_rows(result, call->arena, out, out_count, err) : code;
}

enum err_code customer_store_by_phone(struct db_pool *pool, struct call *call,
                                      const char *account_sid, const char *phone,
                                      struct customer *out, bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &customer_by_phone,
                      DB_PARAMS(db_cstr(account_sid), db_cstr(phone)), &result, err);
    if (code != ERR_OK)
        return code;
    *out_found = db_row_count(result) > 0;
    return *out_found ? from_row(result, 0, call->arena, out, err) : ERR_OK;
}

enum err_code customer_store_matching(struct db_conn *conn, struct call *call,
                                      const char *account_sid, const struct str *external_ids,
                                      size_t external_id_count, const struct str *phones,
                                      size_t phone_count, size_t limit, struct customer **out,
                                      size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &customer_matching,
                 DB_PARAMS(db_cstr(account_sid), db_texts(external_ids, external_id_count),
                           db_texts(phones, phone_count), db_i64((int64_t)limit)),
                 &result, err);
    return code == ERR_OK ? from_rows(result, call->arena, out, out_count, err) : code;
}

enum err_code customer_store_import_lock(struct db_conn *conn, struct call *call,
                                         const char *account_sid, struct err *err)
{
    return db_query(conn, call, &customer_import_lock, DB_PARAMS(db_cstr(account_sid)), NULL, err);
}

/* Names are those of the statement's record. */
static void row_to_json(struct jx_writer *w, const struct customer *c)
{
    jx_object_begin(w);
    jx_put_text(w, "sid", c->sid);
    jx_put_text(w, "external_id", c->external_id);
    jx_put_text(w, "name", c->name);
    jx_key(w, "phones");
    jx_array_begin(w);
    for (size_t i = 0; i < c->phone_count; i++)
        jx_text(w, c->phones[i]);
    jx_array_end(w);
    jx_put_text(w, "email", c->email);
    jx_put_text(w, "organization", c->organization);
    jx_put_text(w, "customer_type", c->customer_type);
    jx_put_text(w, "project_status", c->project_status);
    jx_put_text(w, "department", c->department);
    jx_put_text(w, "coordinator_email", c->coordinator_email);
    jx_put_text(w, "coordinator_quickbase_id", c->coordinator_quickbase_id);
    jx_put_text(w, "notes", c->notes);
    jx_put_text(w, "attributes", c->attributes);
    jx_object_end(w);
}

enum err_code customer_store_put(struct db_conn *conn, struct call *call, const char *account_sid,
                                 const struct customer *customers, size_t count, struct err *err)
{
    if (count == 0)
        return ERR_OK;
    struct buf text;
    struct jx_writer w;
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_array_begin(&w);
    for (size_t i = 0; i < count; i++)
        row_to_json(&w, &customers[i]);
    jx_array_end(&w);
    enum err_code code = jx_writer_finish(&w, err);
    if (code == ERR_OK)
        code = db_query(
            conn, call, &customer_put,
            DB_PARAMS(db_cstr(account_sid), db_json(buf_str(&text)), db_time_us(clock_now_us())),
            NULL, err);
    buf_fini(&text);
    return code;
}

enum err_code customer_store_coordinator(struct db_pool *pool, struct call *call,
                                         const char *account_sid, const char *email,
                                         const char *quickbase_id, const char **out_user_sid,
                                         struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &customer_coordinator_user,
        DB_PARAMS(db_cstr(account_sid), db_cstr(email), db_cstr(quickbase_id)), &result, err);
    if (code == ERR_OK)
        *out_user_sid = db_row_count(result) > 0 ? db_get_text(result, 0, 0) : "";
    return code;
}
