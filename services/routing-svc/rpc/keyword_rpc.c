#include "keyword_rpc.h"

#include "base/ids.h"
#include "decide_wire.h"
#include "keyword_store.h"
#include "limit_store.h"
#include "routing.h"
#include "rule_events.h"
#include "rule_save.h"
#include "snapshots.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/page.h"
#include "svc/repeat.h"

#define LIST_TAG "kw"

typedef Taskrouter__Routing__V1__Keyword wire_keyword;

static enum err_code reply_with(struct call *call, const struct keyword *keyword,
                                wire_keyword **out_reply, struct err *err)
{
    wire_keyword *wire = keyword_to_wire(call->arena, keyword);
    if (wire == NULL)
        return call_no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

static enum err_code set_phrases(struct call *call, char *const *phrases, size_t count,
                                 struct keyword *keyword, struct err *err)
{
    struct str *texts = ARENA_ARRAY(call->arena, struct str, count);
    if (texts == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        texts[i] = str_from(phrases[i]);
    keyword->phrases = texts;
    keyword->phrase_count = count;
    return ERR_OK;
}

/* What is left out has its usual value. */
static void set_defaults(struct keyword *keyword)
{
    if (keyword->priority[0] == '\0')
        keyword->priority = "normal";
    if (keyword->confidence <= 0 && keyword->confidence >= 0)
        keyword->confidence = KEYWORD_DEFAULT_CONFIDENCE;
}

/* ---- create ---- */

static enum err_code insert(struct db_conn *conn, struct call *call, int64_t limit,
                            struct keyword *keyword, struct err *err)
{
    enum err_code code =
        limit_store_check(conn, call, ROUTING_LIMIT_KEYWORDS, limit, keyword->workspace_sid, err);
    if (code == ERR_OK)
        code = keyword_store_insert(conn, call, keyword, err);
    return code == ERR_OK ? keyword_event_append(conn, call, keyword, "keyword.created", false, err)
                          : code;
}

struct create_context {
    int64_t limit;
    struct keyword keyword;
};

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create_context *create = ctx;
    enum err_code code = workspaces_hold(conn, call, create->keyword.workspace_sid, err);
    if (code == ERR_OK)
        code = insert(conn, call, create->limit, &create->keyword, err);
    wire_keyword *reply = NULL;
    if (code == ERR_OK)
        code = reply_with(call, &create->keyword, &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

enum err_code keyword_rpc_create(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__CreateKeywordRequest *request,
                                 wire_keyword **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code != ERR_OK)
        return code;
    struct sid sid = sid_new("KY");
    struct create_context create = {
        .limit = routing->settings->limit_keywords,
        .keyword =
            {
                      .sid = sid.text,
                      .account_sid = workspace.account_sid,
                      .workspace_sid = workspace.sid,
                      .department = request->department,
                      .priority = request->priority,
                      .confidence = request->confidence,
                      .is_enabled = request->_enabled_case == 0 || request->enabled,
                      .description = request->description,
                      },
    };
    set_defaults(&create.keyword);
    code = set_phrases(call, request->phrases, request->n_phrases, &create.keyword, err);
    if (code == ERR_OK)
        code = keyword_check_fields(&create.keyword, err);
    struct repeat repeat = {
        .method = "CreateKeyword",
        .key = request->idempotency_key,
        .request = &request->base,
        .reply_type = &taskrouter__routing__v1__keyword__descriptor,
    };
    ProtobufCMessage *reply = NULL;
    if (code == ERR_OK)
        code = repeat_tx_run(routing->host.pool, call, &repeat, make, &create, &reply, err);
    if (code != ERR_OK)
        return code;
    rule_saved(routing, workspace.sid);
    *out_reply = (wire_keyword *)(void *)reply;
    return ERR_OK;
}

/* ---- the default set ---- */

struct defaults_context {
    const struct workspace_copy *workspace;
    int64_t limit;
    struct keyword *items; /* out */
    size_t count;
};

static struct keyword default_keyword(struct call *call, const struct workspace_copy *workspace,
                                      const struct keyword_def *def)
{
    struct sid sid = sid_new("KY");
    struct keyword keyword = {
        .sid = arena_strdup(call->arena, sid.text),
        .account_sid = workspace->account_sid,
        .workspace_sid = workspace->sid,
        .phrases = def->phrases,
        .phrase_count = def->phrase_count,
        .department = arena_str_dup(call->arena, def->department),
        .priority = arena_str_dup(call->arena, def->priority),
        .confidence = def->confidence,
        .is_enabled = true,
        .description = "",
    };
    if (keyword.priority != NULL)
        set_defaults(&keyword);
    return keyword;
}

static enum err_code defaults_tx(struct db_conn *conn, struct call *call, void *ctx,
                                 struct err *err)
{
    struct defaults_context *defaults = ctx;
    enum err_code code = workspaces_lock(conn, call, defaults->workspace->sid, err);
    if (code == ERR_OK)
        code = keyword_store_list(conn, call, defaults->workspace->sid, "", KEYWORD_MAX_DEFS, "",
                                  &defaults->items, &defaults->count, err);
    if (code != ERR_OK || defaults->count > 0)
        return code; /* asked for twice is asked for once */
    struct keyword *items = ARENA_ARRAY(call->arena, struct keyword, rule_default_keyword_count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < rule_default_keyword_count && code == ERR_OK; i++) {
        items[i] = default_keyword(call, defaults->workspace, &rule_default_keywords[i]);
        code = arena_is_exhausted(call->arena)
                   ? call_no_room(err)
                   : insert(conn, call, defaults->limit, &items[i], err);
    }
    defaults->items = items;
    defaults->count = rule_default_keyword_count;
    return code;
}

static enum err_code fill_list(struct call *call, const struct keyword *items, size_t count,
                               size_t limit,
                               Taskrouter__Routing__V1__ListKeywordsResponse **out_reply,
                               struct err *err)
{
    Taskrouter__Routing__V1__ListKeywordsResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__list_keywords_response);
    wire_keyword **wires = ARENA_ARRAY(call->arena, wire_keyword *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > limit) {
        count = limit;
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, items[count - 1].sid);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = keyword_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code
keyword_rpc_create_defaults(void *app, struct call *call,
                            const Taskrouter__Routing__V1__CreateDefaultKeywordsRequest *request,
                            Taskrouter__Routing__V1__ListKeywordsResponse **out_reply,
                            struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    struct defaults_context defaults = {.workspace = &workspace,
                                        .limit = routing->settings->limit_keywords};
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, defaults_tx, &defaults, err);
    if (code != ERR_OK)
        return code;
    rule_saved(routing, workspace.sid);
    return fill_list(call, defaults.items, defaults.count, defaults.count, out_reply, err);
}

/* ---- get, list ---- */

enum err_code keyword_rpc_get(void *app, struct call *call,
                              const Taskrouter__Routing__V1__GetKeywordRequest *request,
                              wire_keyword **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    struct keyword keyword;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "KY", err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = keyword_store_get(conn, call, workspace.sid, request->sid, &keyword, err);
    return code == ERR_OK ? reply_with(call, &keyword, out_reply, err) : code;
}

enum err_code keyword_rpc_list(void *app, struct call *call,
                               const Taskrouter__Routing__V1__ListKeywordsRequest *request,
                               Taskrouter__Routing__V1__ListKeywordsResponse **out_reply,
                               struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    struct page page;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    struct keyword *items = NULL;
    size_t count = 0;
    if (code == ERR_OK)
        code = keyword_store_list(conn, call, workspace.sid, page.after, (size_t)page.size + 1,
                                  request->department, &items, &count, err);
    return code == ERR_OK ? fill_list(call, items, count, (size_t)page.size, out_reply, err) : code;
}

/* ---- update and delete ---- */

static const char *const updatable[] = {
    "phrases", "department", "priority", "confidence", "enabled", "description",
};

struct update_context {
    const Taskrouter__Routing__V1__UpdateKeywordRequest *request;
    const char *workspace_sid;
    struct keyword keyword; /* out: as it is now */
};

static enum err_code apply_mask(struct call *call, struct update_context *update, struct err *err)
{
    const wire_keyword *wanted = update->request->keyword;
    const Google__Protobuf__FieldMask *mask = update->request->update_mask;
    struct keyword *keyword = &update->keyword;
    if (mask_has(mask, "department"))
        keyword->department = wanted->department;
    if (mask_has(mask, "priority"))
        keyword->priority = wanted->priority;
    if (mask_has(mask, "confidence"))
        keyword->confidence = wanted->confidence;
    if (mask_has(mask, "enabled"))
        keyword->is_enabled = wanted->enabled;
    if (mask_has(mask, "description"))
        keyword->description = wanted->description;
    set_defaults(keyword);
    if (!mask_has(mask, "phrases"))
        return ERR_OK;
    return set_phrases(call, wanted->phrases, wanted->n_phrases, keyword, err);
}

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Routing__V1__UpdateKeywordRequest *request = update->request;
    enum err_code code = keyword_store_lock(conn, call, update->workspace_sid,
                                            request->keyword->sid, &update->keyword, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             update->keyword.version, err);
    if (code == ERR_OK)
        code = apply_mask(call, update, err);
    if (code == ERR_OK)
        code = keyword_check_fields(&update->keyword, err);
    if (code == ERR_OK)
        code = keyword_store_update(conn, call, &update->keyword, err);
    return code == ERR_OK
               ? keyword_event_append(conn, call, &update->keyword, "keyword.updated", false, err)
               : code;
}

enum err_code keyword_rpc_update(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__UpdateKeywordRequest *request,
                                 wire_keyword **out_reply, struct err *err)
{
    struct routing *routing = app;
    if (request->keyword == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "keyword",
                         "keyword is required; give it with workspace_sid and sid");
    struct workspace_copy workspace;
    enum err_code code = workspaces_require(&routing->workspaces, call,
                                            request->keyword->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->keyword->sid, "KY", err);
    if (code == ERR_OK)
        code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    struct update_context update = {.request = request, .workspace_sid = workspace.sid};
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, update_tx, &update, err);
    if (code != ERR_OK)
        return code;
    rule_saved(routing, workspace.sid);
    return reply_with(call, &update.keyword, out_reply, err);
}

struct delete_context {
    const Taskrouter__Routing__V1__DeleteKeywordRequest *request;
    const char *workspace_sid;
};

static enum err_code delete_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct delete_context *removal = ctx;
    struct keyword keyword;
    enum err_code code = keyword_store_lock(conn, call, removal->workspace_sid,
                                            removal->request->sid, &keyword, err);
    if (code == ERR_OK)
        code = check_version(removal->request->_expected_version_case != 0,
                             removal->request->expected_version, keyword.version, err);
    if (code == ERR_OK)
        code = keyword_store_delete(conn, call, keyword.sid, err);
    if (code != ERR_OK)
        return code;
    keyword.version++; /* newer than every event before */
    return keyword_event_append(conn, call, &keyword, "keyword.deleted", true, err);
}

enum err_code keyword_rpc_delete(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__DeleteKeywordRequest *request,
                                 Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct routing *routing = app;
    struct workspace_copy workspace;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "KY", err);
    struct delete_context removal = {request, workspace.sid};
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, delete_tx, &removal, err);
    if (code == ERR_OK)
        rule_saved(routing, workspace.sid);
    return code;
}

/* ---- detect ---- */

enum err_code keyword_rpc_detect(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__DetectKeywordsRequest *request,
                                 Taskrouter__Routing__V1__DetectKeywordsResponse **out_reply,
                                 struct err *err)
{
    struct routing *routing = app;
    struct snapshot *snapshot = NULL;
    struct keyword_result result;
    size_t chars = str_utf8_count(str_from(request->text));
    if (chars > KEYWORD_MAX_TEXT_CHARS)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_LONG", "text",
                         "text has %zu characters; it may have at most %d", chars,
                         KEYWORD_MAX_TEXT_CHARS);
    enum err_code code =
        snapshots_get(routing->snapshots, call, request->workspace_sid, &snapshot, err);
    if (code != ERR_OK)
        return code;
    code =
        keyword_set_detect(snapshot->keywords, str_from(request->text), call->arena, &result, err);
    if (code == ERR_OK) {
        *out_reply = keywords_to_wire(call->arena, &result);
        code = *out_reply == NULL ? call_no_room(err) : ERR_OK;
    }
    snapshots_release(routing->snapshots, snapshot);
    return code;
}
