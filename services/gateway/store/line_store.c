#include "line_store.h"

#include "base/clock.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "line_store_sql.h"

enum { MENU_MAX_BYTES = 256 << 10 };

enum line_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_PHONE_NUMBER,
    COL_FRIENDLY_NAME,
    COL_GREETING,
    COL_VOICEMAIL_GREETING,
    COL_WAIT_MUSIC_URL,
    COL_AFTER_HOURS,
    COL_AFTER_HOURS_TARGET,
    COL_AFTER_HOURS_MESSAGE,
    COL_DEPARTMENT,
    COL_WORKFLOW_SID,
    COL_MENU,
    COL_LANGUAGE,
    COL_ANNOUNCE_POSITION,
    COL_RECORD_CALLS,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
};

/* ---- the menu as JSON ---- */

static enum err_code menu_write(const struct line_menu *menu, struct arena *arena, struct str *out,
                                struct err *err)
{
    struct buf text;
    struct jx_writer w;
    *out = (struct str){0};
    if (menu->option_count == 0 && menu->greeting[0] == '\0')
        return ERR_OK;
    buf_init(&text, MENU_MAX_BYTES);
    jx_writer_init(&w, &text);
    jx_object_begin(&w);
    jx_put_text(&w, "greeting", menu->greeting);
    jx_put_i64(&w, "timeout_s", menu->timeout_s);
    jx_put_i64(&w, "max_tries", menu->max_tries);
    jx_key(&w, "options");
    jx_array_begin(&w);
    for (size_t i = 0; i < menu->option_count; i++) {
        const struct line_option *option = &menu->options[i];
        jx_object_begin(&w);
        jx_put_text(&w, "digit", option->digit);
        jx_put_text(&w, "label", option->label);
        jx_put_text(&w, "department", option->department);
        jx_put_text(&w, "attributes", option->attributes);
        jx_put_text(&w, "action", line_doing_name(option->action));
        jx_put_text(&w, "target", option->target);
        jx_object_end(&w);
    }
    jx_array_end(&w);
    jx_object_end(&w);
    enum err_code code = jx_writer_finish(&w, err);
    if (code == ERR_OK)
        *out = arena_str(arena, buf_str(&text));
    if (code == ERR_OK && out->ptr == NULL)
        code = call_no_room(err);
    buf_fini(&text);
    return code;
}

static const char *text_of(struct arena *arena, const json_t *object, const char *key)
{
    return arena_strdup(arena, jx_get_text(object, key, ""));
}

static enum err_code menu_read(struct str text, struct arena *arena, struct line_menu *out,
                               struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    *out = (struct line_menu){.greeting = ""};
    if (text.len == 0)
        return ERR_OK;
    enum err_code code = jx_parse_object(text, NULL, &root, err);
    if (code != ERR_OK)
        return code;
    const json_t *items = jx_get(root, "options");
    size_t count = json_is_array(items) ? json_array_size(items) : 0;
    struct line_option *options = ARENA_ARRAY(arena, struct line_option, count);
    if (options == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(items, i);
        options[i] = (struct line_option){
            .digit = text_of(arena, item, "digit"),
            .label = text_of(arena, item, "label"),
            .department = text_of(arena, item, "department"),
            .attributes = text_of(arena, item, "attributes"),
            .action = line_doing_from(str_from(jx_get_text(item, "action", ""))),
            .target = text_of(arena, item, "target"),
        };
    }
    *out = (struct line_menu){
        .greeting = text_of(arena, root, "greeting"),
        .options = options,
        .option_count = count,
        .timeout_s = jx_get_i64(root, "timeout_s", 0),
        .max_tries = jx_get_i64(root, "max_tries", 0),
    };
    return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}

/* ---- rows ---- */

static enum err_code from_row(struct call *call, const struct db_result *result, int row,
                              struct phone_line *out, struct err *err)
{
    *out = (struct phone_line){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .phone_number = db_get_text(result, row, COL_PHONE_NUMBER),
        .friendly_name = db_get_text(result, row, COL_FRIENDLY_NAME),
        .greeting = db_get_text(result, row, COL_GREETING),
        .voicemail_greeting = db_get_text(result, row, COL_VOICEMAIL_GREETING),
        .wait_music_url = db_get_text(result, row, COL_WAIT_MUSIC_URL),
        .after_hours = line_doing_from(db_get_str(result, row, COL_AFTER_HOURS)),
        .after_hours_target = db_get_text(result, row, COL_AFTER_HOURS_TARGET),
        .after_hours_message = db_get_text(result, row, COL_AFTER_HOURS_MESSAGE),
        .department = db_get_text(result, row, COL_DEPARTMENT),
        .workflow_sid = db_get_text(result, row, COL_WORKFLOW_SID),
        .language = db_get_text(result, row, COL_LANGUAGE),
        .announce_position = db_get_bool(result, row, COL_ANNOUNCE_POSITION),
        .record_calls = db_get_bool(result, row, COL_RECORD_CALLS),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
    return menu_read(db_get_str(result, row, COL_MENU), call->arena, &out->menu, err);
}

/* Says which field a broken rule belongs to; other errors stay as they are. */
static enum err_code explain(enum err_code code, const struct phone_line *line, struct err *err)
{
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "phone_line_number"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "PHONE_NUMBER_TAKEN", "phone_number",
                         "there is a line with the number %s already", line->phone_number);
    return code;
}

enum err_code line_store_insert(struct db_conn *conn, struct call *call, struct phone_line *line,
                                struct err *err)
{
    struct str menu;
    line->version = 1;
    line->created_at_us = clock_now_us();
    line->updated_at_us = line->created_at_us;
    enum err_code code = menu_write(&line->menu, call->arena, &menu, err);
    if (code != ERR_OK)
        return code;
    code = db_query(conn, call, &line_insert,
                    DB_PARAMS(db_cstr(line->sid), db_cstr(line->account_sid),
                              db_cstr(line->workspace_sid), db_cstr(line->phone_number),
                              db_cstr(line->friendly_name), db_cstr(line->greeting),
                              db_cstr(line->voicemail_greeting), db_cstr(line->wait_music_url),
                              db_cstr(line_doing_name(line->after_hours)),
                              db_cstr(line->after_hours_target), db_cstr(line->after_hours_message),
                              db_cstr(line->department), db_cstr(line->workflow_sid),
                              menu.len > 0 ? db_json(menu) : db_null(), db_cstr(line->language),
                              db_bool(line->announce_position), db_bool(line->record_calls),
                              db_time_us(line->created_at_us)),
                    NULL, err);
    return explain(code, line, err);
}

enum err_code line_store_update(struct db_conn *conn, struct call *call, struct phone_line *line,
                                struct err *err)
{
    struct str menu;
    line->version++;
    line->updated_at_us = clock_now_us();
    enum err_code code = menu_write(&line->menu, call->arena, &menu, err);
    if (code != ERR_OK)
        return code;
    code = db_query(conn, call, &line_update,
                    DB_PARAMS(db_cstr(line->sid), db_cstr(line->phone_number),
                              db_cstr(line->friendly_name), db_cstr(line->greeting),
                              db_cstr(line->voicemail_greeting), db_cstr(line->wait_music_url),
                              db_cstr(line_doing_name(line->after_hours)),
                              db_cstr(line->after_hours_target), db_cstr(line->after_hours_message),
                              db_cstr(line->department), db_cstr(line->workflow_sid),
                              menu.len > 0 ? db_json(menu) : db_null(), db_cstr(line->language),
                              db_bool(line->announce_position), db_bool(line->record_calls),
                              db_i64(line->version), db_time_us(line->updated_at_us)),
                    NULL, err);
    return explain(code, line, err);
}

static enum err_code one_of(struct call *call, const struct db_result *result, const char *key,
                            struct phone_line *out, struct err *err)
{
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "LINE_NOT_FOUND", "sid", "there is no phone line %s",
                         key);
    return from_row(call, result, 0, out, err);
}

enum err_code line_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                             const char *key, struct phone_line *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &line_get, DB_PARAMS(db_cstr(workspace_sid), db_cstr(key)), &result, err);
    return code == ERR_OK ? one_of(call, result, key, out, err) : code;
}

enum err_code line_store_find(struct db_pool *pool, struct call *call, const char *phone_number,
                              struct phone_line *out, bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &line_get,
                                       DB_PARAMS(db_cstr(""), db_cstr(phone_number)), &result, err);
    if (code != ERR_OK)
        return code;
    *out_found = db_row_count(result) > 0;
    return *out_found ? from_row(call, result, 0, out, err) : ERR_OK;
}

enum err_code line_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                              const char *key, struct phone_line *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &line_get_for_update,
                                  DB_PARAMS(db_cstr(workspace_sid), db_cstr(key)), &result, err);
    return code == ERR_OK ? one_of(call, result, key, out, err) : code;
}

enum err_code line_store_list(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const char *after, size_t limit, struct phone_line **out,
                              size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &line_list,
        DB_PARAMS(db_cstr(workspace_sid), db_cstr(after), db_i64((int64_t)limit)), &result, err);
    if (code != ERR_OK)
        return code;
    *out_count = (size_t)db_row_count(result);
    *out = ARENA_ARRAY(call->arena, struct phone_line, *out_count);
    if (*out == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < *out_count && code == ERR_OK; i++)
        code = from_row(call, result, (int)i, &(*out)[i], err);
    return code;
}

enum err_code line_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                struct err *err)
{
    return db_query(conn, call, &line_delete, DB_PARAMS(db_cstr(sid)), NULL, err);
}

enum err_code line_store_delete_some(struct db_pool *pool, struct call *call,
                                     const char *workspace_sid, int64_t limit, int64_t *out_removed,
                                     struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &line_delete_some,
                      DB_PARAMS(db_cstr(workspace_sid), db_i64(limit)), &result, err);
    *out_removed = code == ERR_OK ? db_affected(result) : 0;
    return code;
}
