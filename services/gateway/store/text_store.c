#include "text_store.h"

#include "base/clock.h"
#include "text_store_sql.h"

enum text_column {
    COL_SID,
    COL_WORKSPACE_SID,
    COL_FROM_NUMBER,
    COL_TO_NUMBER,
    COL_NUMBER,
    COL_TASK_SID,
    COL_LAST_MESSAGE,
};

enum err_code text_store_open(struct db_pool *pool, struct call *call,
                              struct text_conversation *conversation, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &text_insert,
                      DB_PARAMS(db_cstr(conversation->sid), db_cstr(conversation->workspace_sid),
                                db_cstr(conversation->from_number),
                                db_cstr(conversation->to_number), db_time_us(clock_now_us())),
                      NULL, err);
    if (code == ERR_OK)
        code = db_pool_query(
            pool, call, &text_get,
            DB_PARAMS(db_cstr(conversation->from_number), db_cstr(conversation->to_number)),
            &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_SET(err, ERR_ABORTED, "CONVERSATION_GONE",
                       "the conversation was removed meanwhile; do it again");
    *conversation = (struct text_conversation){
        .sid = db_get_text(result, 0, COL_SID),
        .workspace_sid = db_get_text(result, 0, COL_WORKSPACE_SID),
        .from_number = db_get_text(result, 0, COL_FROM_NUMBER),
        .to_number = db_get_text(result, 0, COL_TO_NUMBER),
        .number = db_get_i64(result, 0, COL_NUMBER),
        .task_sid = db_get_text(result, 0, COL_TASK_SID),
        .last_message = db_get_text(result, 0, COL_LAST_MESSAGE),
    };
    return ERR_OK;
}

enum err_code text_store_update(struct db_pool *pool, struct call *call,
                                const struct text_conversation *conversation, struct err *err)
{
    return db_pool_query(pool, call, &text_update,
                         DB_PARAMS(db_cstr(conversation->sid), db_cstr(conversation->workspace_sid),
                                   db_i64(conversation->number), db_cstr(conversation->task_sid),
                                   db_cstr(conversation->last_message), db_time_us(clock_now_us())),
                         NULL, err);
}

enum err_code text_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                               int64_t limit, int64_t *out_removed, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &text_prune, DB_PARAMS(db_time_us(older_than_us), db_i64(limit)), &result, err);
    *out_removed = code == ERR_OK ? db_affected(result) : 0;
    return code;
}
