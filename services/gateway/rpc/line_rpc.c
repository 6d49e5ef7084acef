#include "line_rpc.h"

#include "base/ids.h"
#include "call_rpc.h"
#include "gateway.h"
#include "jx/jx.h"
#include "line_store.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/page.h"
#include "svc/repeat.h"
#include "svc/wire.h"

#define LIST_TAG "pl"

typedef Taskrouter__Directory__V1__Line wire_line;
typedef Taskrouter__Directory__V1__LineMenu wire_menu;

/* ---- to the wire ---- */

static wire_menu *menu_to_wire(struct arena *arena, const struct line_menu *menu)
{
    wire_menu *wire = PB_NEW(arena, taskrouter__directory__v1__line_menu);
    if (wire == NULL)
        return NULL;
    wire->greeting = wire_text(arena, menu->greeting);
    wire->timeout_s = (int32_t)menu->timeout_s;
    wire->max_tries = (int32_t)menu->max_tries;
    wire->options = ARENA_ARRAY(arena, Taskrouter__Directory__V1__MenuOption *, menu->option_count);
    for (size_t i = 0; wire->options != NULL && i < menu->option_count; i++) {
        const struct line_option *option = &menu->options[i];
        Taskrouter__Directory__V1__MenuOption *item =
            PB_NEW(arena, taskrouter__directory__v1__menu_option);
        if (item == NULL)
            return NULL;
        item->digit = wire_text(arena, option->digit);
        item->label = wire_text(arena, option->label);
        item->department = wire_text(arena, option->department);
        item->attributes = wire_text(arena, option->attributes);
        item->action = wire_text(arena, line_doing_name(option->action));
        item->target = wire_text(arena, option->target);
        wire->options[wire->n_options++] = item;
    }
    return wire;
}

static wire_line *line_to_wire(struct arena *arena, const struct phone_line *line)
{
    wire_line *wire = PB_NEW(arena, taskrouter__directory__v1__line);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, line->sid);
    wire->account_sid = wire_text(arena, line->account_sid);
    wire->workspace_sid = wire_text(arena, line->workspace_sid);
    wire->phone_number = wire_text(arena, line->phone_number);
    wire->friendly_name = wire_text(arena, line->friendly_name);
    wire->greeting = wire_text(arena, line->greeting);
    wire->voicemail_greeting = wire_text(arena, line->voicemail_greeting);
    wire->wait_music_url = wire_text(arena, line->wait_music_url);
    wire->after_hours = wire_text(arena, line_doing_name(line->after_hours));
    wire->after_hours_target = wire_text(arena, line->after_hours_target);
    wire->after_hours_message = wire_text(arena, line->after_hours_message);
    wire->department = wire_text(arena, line->department);
    wire->workflow_sid = wire_text(arena, line->workflow_sid);
    if (line->menu.option_count > 0 || line->menu.greeting[0] != '\0')
        wire->menu = menu_to_wire(arena, &line->menu);
    wire->language = wire_text(arena, line->language);
    wire->announce_position = line->announce_position;
    wire->record_calls = line->record_calls;
    wire->version = line->version;
    wire->date_created = wire_time(arena, line->created_at_us);
    wire->date_updated = wire_time(arena, line->updated_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

static enum err_code reply_with(struct call *call, const struct phone_line *line,
                                wire_line **out_reply, struct err *err)
{
    *out_reply = line_to_wire(call->arena, line);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}

/* ---- from the wire ---- */

static enum err_code menu_from_wire(struct arena *arena, const wire_menu *wire,
                                    struct line_menu *out, struct err *err)
{
    *out = (struct line_menu){.greeting = ""};
    if (wire == NULL)
        return ERR_OK;
    struct line_option *options = ARENA_ARRAY(arena, struct line_option, wire->n_options);
    if (options == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < wire->n_options; i++) {
        const Taskrouter__Directory__V1__MenuOption *item = wire->options[i];
        bool has_action = item->action[0] != '\0';
        options[i] = (struct line_option){
            .digit = item->digit,
            .label = item->label,
            .department = item->department,
            .attributes = item->attributes,
            .action = has_action ? line_doing_from(str_from(item->action)) : LINE_ENQUEUE,
            .target = item->target,
        };
        enum err_code code = item->attributes[0] == '\0'
                                 ? ERR_OK
                                 : jx_check_object_text(str_from(item->attributes),
                                                        LINE_ATTRIBUTES_MAX, "menu", err);
        if (code != ERR_OK)
            return code;
    }
    *out = (struct line_menu){
        .greeting = wire->greeting,
        .options = options,
        .option_count = wire->n_options,
        .timeout_s = wire->timeout_s,
        .max_tries = wire->max_tries,
    };
    return ERR_OK;
}

static enum line_doing after_hours_from(const char *text)
{
    return text[0] == '\0' ? LINE_VOICEMAIL : line_doing_from(str_from(text));
}

/* ---- methods ---- */

struct create_context {
    struct phone_line line;
};

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create_context *create = ctx;
    enum err_code code = line_store_insert(conn, call, &create->line, err);
    wire_line *reply = NULL;
    if (code == ERR_OK)
        code = reply_with(call, &create->line, &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

static enum err_code need_line(const wire_line *line, struct err *err)
{
    if (line != NULL)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "line", "line is required");
}

enum err_code line_rpc_create(void *app, struct call *call,
                              const Taskrouter__Directory__V1__CreateLineRequest *request,
                              wire_line **out_reply, struct err *err)
{
    const struct gateway *gateway = app;
    struct sid sid = sid_new("PL");
    struct create_context create = {0};
    struct phone_line *line = &create.line;
    enum err_code code = need_line(request->line, err);
    if (code != ERR_OK)
        return code;
    const wire_line *wire = request->line;
    const char *workspace_sid =
        request->workspace_sid[0] != '\0' ? request->workspace_sid : wire->workspace_sid;
    *line = (struct phone_line){
        .sid = sid.text,
        .workspace_sid = workspace_sid,
        .phone_number = wire->phone_number,
        .friendly_name = wire->friendly_name,
        .greeting = wire->greeting,
        .voicemail_greeting = wire->voicemail_greeting,
        .wait_music_url = wire->wait_music_url,
        .after_hours = after_hours_from(wire->after_hours),
        .after_hours_target = wire->after_hours_target,
        .after_hours_message = wire->after_hours_message,
        .department = wire->department,
        .workflow_sid = wire->workflow_sid,
        .language = wire->language,
        .announce_position = wire->announce_position,
        .record_calls = wire->record_calls,
    };
    code = call_rpc_workspace(gateway, call, workspace_sid, &line->account_sid, err);
    if (code == ERR_OK)
        code = menu_from_wire(call->arena, wire->menu, &line->menu, err);
    if (code == ERR_OK)
        code = phone_line_check(line, err);
    struct repeat repeat = {
        .method = "CreateLine",
        .key = request->idempotency_key,
        .request = &request->base,
        .reply_type = &taskrouter__directory__v1__line__descriptor,
    };
    ProtobufCMessage *reply = NULL;
    if (code == ERR_OK)
        code = repeat_tx_run(gateway->host.pool, call, &repeat, make, &create, &reply, err);
    *out_reply = (wire_line *)(void *)reply;
    return code;
}

enum err_code line_rpc_get(void *app, struct call *call,
                           const Taskrouter__Directory__V1__GetLineRequest *request,
                           wire_line **out_reply, struct err *err)
{
    const struct gateway *gateway = app;
    struct phone_line line;
    const char *account_sid = NULL;
    enum err_code code =
        call_rpc_workspace(gateway, call, request->workspace_sid, &account_sid, err);
    if (code == ERR_OK)
        code = line_store_get(gateway->host.pool, call, request->workspace_sid, request->sid, &line,
                              err);
    return code == ERR_OK ? reply_with(call, &line, out_reply, err) : code;
}

enum err_code line_rpc_list(void *app, struct call *call,
                            const Taskrouter__Directory__V1__ListLinesRequest *request,
                            Taskrouter__Directory__V1__ListLinesResponse **out_reply,
                            struct err *err)
{
    const struct gateway *gateway = app;
    struct page page;
    const char *account_sid = NULL;
    struct phone_line *lines = NULL;
    size_t count = 0;
    enum err_code code =
        call_rpc_workspace(gateway, call, request->workspace_sid, &account_sid, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = line_store_list(gateway->host.pool, call, request->workspace_sid, page.after,
                               (size_t)page.size + 1, &lines, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__ListLinesResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__list_lines_response);
    bool has_more = count > (size_t)page.size;
    size_t shown = has_more ? (size_t)page.size : count;
    wire_line **items = ARENA_ARRAY(call->arena, wire_line *, shown);
    if (reply == NULL || items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < shown; i++)
        items[i] = line_to_wire(call->arena, &lines[i]);
    reply->items = items;
    reply->n_items = shown;
    if (has_more)
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, lines[shown - 1].sid);
    *out_reply = reply;
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

/* ---- update and delete ---- */

static const char *const updatable[] = {
    "phone_number",
    "friendly_name",
    "greeting",
    "voicemail_greeting",
    "wait_music_url",
    "after_hours",
    "after_hours_target",
    "after_hours_message",
    "department",
    "workflow_sid",
    "menu",
    "language",
    "announce_position",
    "record_calls",
};

struct update_context {
    const Taskrouter__Directory__V1__UpdateLineRequest *request;
    struct line_menu menu;
    struct phone_line line; /* out: as it is now */
};

static void apply_mask(struct update_context *update)
{
    struct phone_line *line = &update->line;
    const wire_line *wanted = update->request->line;
    const Google__Protobuf__FieldMask *mask = update->request->update_mask;
    const struct {
        const char *field;
        const char **text;
        const char *value;
    } texts[] = {
        {"phone_number",        &line->phone_number,        wanted->phone_number       },
        {"friendly_name",       &line->friendly_name,       wanted->friendly_name      },
        {"greeting",            &line->greeting,            wanted->greeting           },
        {"voicemail_greeting",  &line->voicemail_greeting,  wanted->voicemail_greeting },
        {"wait_music_url",      &line->wait_music_url,      wanted->wait_music_url     },
        {"after_hours_target",  &line->after_hours_target,  wanted->after_hours_target },
        {"after_hours_message", &line->after_hours_message, wanted->after_hours_message},
        {"department",          &line->department,          wanted->department         },
        {"workflow_sid",        &line->workflow_sid,        wanted->workflow_sid       },
        {"language",            &line->language,            wanted->language           },
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (mask_has(mask, texts[i].field))
            *texts[i].text = texts[i].value;
    if (mask_has(mask, "after_hours"))
        line->after_hours = after_hours_from(wanted->after_hours);
    if (mask_has(mask, "menu"))
        line->menu = update->menu;
    if (mask_has(mask, "announce_position"))
        line->announce_position = wanted->announce_position;
    if (mask_has(mask, "record_calls"))
        line->record_calls = wanted->record_calls;
}

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Directory__V1__UpdateLineRequest *request = update->request;
    enum err_code code = line_store_lock(conn, call, request->line->workspace_sid,
                                         request->line->sid, &update->line, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             update->line.version, err);
    if (code != ERR_OK)
        return code;
    apply_mask(update);
    code = phone_line_check(&update->line, err);
    return code == ERR_OK ? line_store_update(conn, call, &update->line, err) : code;
}

enum err_code line_rpc_update(void *app, struct call *call,
                              const Taskrouter__Directory__V1__UpdateLineRequest *request,
                              wire_line **out_reply, struct err *err)
{
    const struct gateway *gateway = app;
    struct update_context update = {.request = request};
    const char *account_sid = NULL;
    enum err_code code = need_line(request->line, err);
    if (code == ERR_OK)
        code = call_rpc_workspace(gateway, call, request->line->workspace_sid, &account_sid, err);
    if (code == ERR_OK)
        code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    if (code == ERR_OK)
        code = menu_from_wire(call->arena, request->line->menu, &update.menu, err);
    if (code == ERR_OK)
        code = db_tx_run(gateway->host.pool, call, update_tx, &update, err);
    return code == ERR_OK ? reply_with(call, &update.line, out_reply, err) : code;
}

static enum err_code delete_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const Taskrouter__Directory__V1__DeleteLineRequest *request = ctx;
    struct phone_line line;
    enum err_code code =
        line_store_lock(conn, call, request->workspace_sid, request->sid, &line, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             line.version, err);
    return code == ERR_OK ? line_store_delete(conn, call, line.sid, err) : code;
}

enum err_code line_rpc_delete(void *app, struct call *call,
                              const Taskrouter__Directory__V1__DeleteLineRequest *request,
                              Google__Protobuf__Empty **out_reply, struct err *err)
{
    const struct gateway *gateway = app;
    const char *account_sid = NULL;
    (void)out_reply; /* empty */
    Taskrouter__Directory__V1__DeleteLineRequest copy = *request;
    enum err_code code =
        call_rpc_workspace(gateway, call, request->workspace_sid, &account_sid, err);
    return code == ERR_OK ? db_tx_run(gateway->host.pool, call, delete_tx, &copy, err) : code;
}
