#include "user_store.h"

#include "base/clock.h"
#include "user_store_sql.h"

enum user_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_EMAIL,
    COL_NAME,
    COL_ROLE,
    COL_DEPARTMENT,
    COL_QUICKBASE_USER_ID,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
};

static struct user from_row(const struct db_result *result, int row)
{
    return (struct user){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .email = db_get_text(result, row, COL_EMAIL),
        .name = db_get_text(result, row, COL_NAME),
        .role = role_from(db_get_text(result, row, COL_ROLE)),
        .department = db_get_text(result, row, COL_DEPARTMENT),
        .quickbase_user_id = db_get_text(result, row, COL_QUICKBASE_USER_ID),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
}

enum err_code user_store_insert(struct db_conn *conn, struct call *call, struct user *user,
                                struct err *err)
{
    user->version = 1;
    user->created_at_us = clock_now_us();
    user->updated_at_us = user->created_at_us;
    enum err_code code = db_query(
        conn, call, &user_insert,
        DB_PARAMS(db_cstr(user->sid), db_cstr(user->account_sid), db_cstr(user->email),
                  db_cstr(user->name), db_cstr(role_name(user->role)), db_cstr(user->department),
                  db_cstr(user->quickbase_user_id), db_time_us(user->created_at_us)),
        NULL, err);
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "user_account_email"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "EMAIL_TAKEN", "email",
                         "a user with the email %s exists already; choose another one",
                         user->email);
    return code;
}

enum err_code user_store_get(struct db_conn *conn, struct call *call, const char *account_sid,
                             const char *sid, const char *email, struct user *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &user_get,
                                  DB_PARAMS(db_cstr(account_sid), db_text_or_null(str_from(sid)),
                                            db_text_or_null(str_from(email))),
                                  &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "USER_NOT_FOUND", sid[0] != '\0' ? "sid" : "email",
                         "there is no user %s", sid[0] != '\0' ? sid : email);
    *out = from_row(result, 0);
    return ERR_OK;
}

enum err_code user_store_list(struct db_conn *conn, struct call *call, const char *account_sid,
                              const char *after, size_t limit, struct user **out, size_t *out_count,
                              struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &user_list,
        DB_PARAMS(db_cstr(account_sid), db_cstr(after), db_i64((int64_t)limit)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct user *items = ARENA_ARRAY(call->arena, struct user, count);
    if (items == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the page is too large; ask for fewer items at once");
    for (size_t i = 0; i < count; i++)
        items[i] = from_row(result, (int)i);
    *out = items;
    *out_count = count;
    return ERR_OK;
}
