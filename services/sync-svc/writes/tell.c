#include <string.h>

#include "base/clock.h"
#include "intent_store.h"
#include "message_fields.h"
#include "svc/wire.h"
#include "writes_int.h"

enum {
    STATUS_NOT_FOUND = 404,
    STATUS_ERROR = 400,
    LOOK_PAGES = 20,
    LOOK_PAGE_SIZE = 100,
    /* Of the caller's time, for storing the answer; never more than a quarter. */
    KEEP_US = 1000 * 1000,
};

/* How much older than its record a resource may be: clocks differ, and Twilio's dates are whole
 * seconds. Names are unique, so that there it matters less. */
#define SLACK_TASK_US (5 * US_PER_S)
#define SLACK_NAME_US (120 * US_PER_S)

/* ---- reading ---- */

enum err_code upstream_get(struct writes *writes, struct call *call, enum twilio_resource resource,
                           const char *path, ProtobufCMessage **out, const char **out_etag,
                           struct err *err)
{
    struct upstream_reply reply;
    *out = NULL;
    if (out_etag != NULL)
        *out_etag = "";
    enum err_code code = upstream_call(
        writes->options.upstream, call,
        &(struct upstream_request){.method = HTTPC_GET, .path = str_from(path)}, &reply, err);
    if (code != ERR_OK || reply.status == STATUS_NOT_FOUND)
        return code;
    if (reply.status >= STATUS_ERROR)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_UNEXPECTED",
                       "Twilio refuses to show %s: %s (status %d)", path, reply.message,
                       reply.status);
    if (out_etag != NULL)
        *out_etag = reply.etag;
    return twilio_read(call->arena, resource, reply.body, out, err);
}

static const char *own_path(const struct write *w)
{
    const char *parent = w->op->resource == TWILIO_WORKER_CHANNEL
                             ? field_text(w->request, "worker_sid")
                             : w->parent_sid;
    return twilio_path(w->call->arena, w->op->resource, w->workspace_sid, parent, w->sid);
}

enum err_code write_fetch(struct write *w, struct err *err)
{
    const char *path = own_path(w);
    if (path == NULL)
        return call_no_room(err);
    w->observed_at_us = clock_now_us();
    enum err_code code =
        upstream_get(w->writes, w->call, w->op->resource, path, &w->resource, &w->etag, err);
    if (code == ERR_OK)
        w->is_gone = w->resource == NULL;
    return code;
}

/* ---- writing ---- */

/* The answer of a write that was carried out. Whoever made something must know what. */
static enum err_code take_answer(struct write *w, const struct upstream_reply *reply,
                                 struct err *err)
{
    if (w->op->kind == WRITE_DELETE) {
        w->is_gone = true;
        return ERR_OK;
    }
    enum err_code code =
        twilio_read(w->call->arena, w->op->resource, reply->body, &w->resource, err);
    if (code == ERR_OK && w->op->kind == WRITE_CREATE)
        w->sid = field_text(w->resource, "sid");
    return code;
}

static enum err_code take_refusal(struct write *w, const struct upstream_reply *reply,
                                  struct err *err)
{
    if (reply->status == STATUS_NOT_FOUND && w->op->kind == WRITE_DELETE) {
        w->is_gone = true; /* as it was wanted */
        return ERR_OK;
    }
    w->is_gone = reply->status == STATUS_NOT_FOUND && w->op->kind != WRITE_CREATE;
    return write_refusal(w->op, reply->status, reply->code, reply->message, err);
}

/* What may have been carried out before it was refused: what is there decides. */
static enum err_code look_again(struct write *w, const struct upstream_reply *reply,
                                bool *out_is_unsure, struct err *err)
{
    enum write_seen seen = WRITE_SEEN_NOT;
    *out_is_unsure = true;
    enum err_code code = write_look(w, &seen, err);
    if (code != ERR_OK)
        return code;
    *out_is_unsure = seen == WRITE_SEEN_BUSY;
    return seen == WRITE_SEEN_DONE ? ERR_OK : take_refusal(w, reply, err);
}

enum err_code write_tell(struct write *w, bool *out_is_unsure, struct err *err)
{
    struct upstream_reply reply;
    struct upstream_request request = {
        .method = w->op->kind == WRITE_DELETE ? HTTPC_DELETE : HTTPC_POST,
        .path = str_from(w->form.path),
        .params = w->form.params,
        .param_count = w->form.count,
        .if_match = str_from(w->if_match),
        .is_repeatable = w->op->kind != WRITE_CREATE && !w->op->is_once,
    };
    int64_t left_us = call_left_us(w->call);
    struct call call = *w->call;
    call.deadline_mono_us =
        clock_mono_us() + left_us - (left_us / 4 < KEEP_US ? left_us / 4 : KEEP_US);
    w->observed_at_us = clock_now_us();
    enum err_code code = upstream_call(w->writes->options.upstream, &call, &request, &reply, err);
    *out_is_unsure = code != ERR_OK && reply.is_unsure;
    if (code != ERR_OK)
        return code;
    if (reply.status < STATUS_ERROR) {
        code = take_answer(w, &reply, err);
        *out_is_unsure = code != ERR_OK;
        return code;
    }
    return reply.is_unsure || w->is_again ? look_again(w, &reply, out_is_unsure, err)
                                          : take_refusal(w, &reply, err);
}

/* ---- finding out what became of a create ---- */

static int64_t created_at(const ProtobufCMessage *resource)
{
    const ProtobufCMessage *date = field_message(resource, "date_created");
    return wire_time_us((const Google__Protobuf__Timestamp *)(const void *)date);
}

static const char *key_value(const struct write *w, const char *field)
{
    return field_text(write_item(w->op, w->request), field);
}

/* The list in which it would be. */
static enum err_code list_call(struct write *w, const char *next_query, struct twilio_page *out,
                               struct err *err)
{
    struct arena *arena = w->call->arena;
    struct twilio_param params[4];
    struct upstream_request request = {.method = HTTPC_GET, .params = params};
    struct upstream_reply reply;
    const char *path = twilio_path(arena, w->op->resource, w->workspace_sid, w->parent_sid, NULL);
    if (next_query != NULL)
        path = arena_printf(arena, "%s?%s", path, next_query);
    if (path == NULL)
        return call_no_room(err);
    request.path = str_from(path);
    const char *name = key_value(w, "friendly_name");
    const char *workflow = key_value(w, "workflow_sid");
    if (next_query == NULL) {
        params[request.param_count++] = (struct twilio_param){
            STR("PageSize"), str_from(arena_printf(arena, "%d", LOOK_PAGE_SIZE))};
        if (w->op->resource == TWILIO_TASK)
            params[request.param_count++] =
                (struct twilio_param){STR("Ordering"), STR("DateCreated:desc")};
        if (w->op->resource == TWILIO_TASK && workflow[0] != '\0')
            params[request.param_count++] =
                (struct twilio_param){STR("WorkflowSid"), str_from(workflow)};
        else if (w->op->resource != TWILIO_TASK && w->op->resource != TWILIO_TASK_CHANNEL)
            params[request.param_count++] =
                (struct twilio_param){STR("FriendlyName"), str_from(name)};
    }
    enum err_code code = upstream_call(w->writes->options.upstream, w->call, &request, &reply, err);
    if (code != ERR_OK)
        return code;
    if (reply.status == STATUS_NOT_FOUND) { /* the workspace is gone, and all with it */
        *out = (struct twilio_page){.count = 0};
        return ERR_OK;
    }
    if (reply.status >= STATUS_ERROR)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_UNEXPECTED",
                       "Twilio refuses to list %s: %s (status %d)", path, reply.message,
                       reply.status);
    return twilio_read_page(arena, w->op->resource, reply.body, out, err);
}

/* The page's oldest that could be it and that no other create has made; NULL when there is none. */
static enum err_code pick(struct write *w, const struct twilio_page *page,
                          ProtobufCMessage **in_out, bool *out_is_old, struct err *err)
{
    bool is_task = w->op->resource == TWILIO_TASK;
    int64_t since_us = w->intent.created_at_us - (is_task ? SLACK_TASK_US : SLACK_NAME_US);
    struct str *sids = ARENA_ARRAY(w->call->arena, struct str, page->count);
    bool *is_taken = ARENA_ARRAY(w->call->arena, bool, page->count);
    if (sids == NULL || is_taken == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < page->count; i++)
        sids[i] = str_from(page->items[i].sid);
    enum err_code code = intent_store_taken(w->writes->options.host->pool, w->call, sids,
                                            page->count, is_taken, err);
    for (size_t i = 0; code == ERR_OK && i < page->count; i++) {
        ProtobufCMessage *item = page->items[i].message;
        if (item == NULL)
            continue;
        bool is_old = created_at(item) < since_us;
        *out_is_old = *out_is_old || is_old;
        bool is_older = *in_out == NULL || created_at(item) <= created_at(*in_out);
        if (!is_old && !is_taken[i] && is_older &&
            write_shows(w->call->arena, w->op, w->request, item))
            *in_out = item;
    }
    return code;
}

static enum err_code look_for_created(struct write *w, enum write_seen *out, struct err *err)
{
    ProtobufCMessage *found = NULL;
    const char *query = NULL;
    bool is_old = false;
    bool has_twin = false;
    int64_t at_us = clock_now_us();
    enum err_code code =
        intent_store_has_twin(w->writes->options.host->pool, w->call, &w->intent, &has_twin, err);
    if (code != ERR_OK)
        return code;
    if (has_twin) {
        *out = WRITE_SEEN_BUSY;
        return ERR_OK;
    }
    for (int i = 0; code == ERR_OK && i < LOOK_PAGES && (i == 0 || query[0] != '\0'); i++) {
        struct twilio_page page;
        code = list_call(w, query, &page, err);
        if (code == ERR_OK)
            code = pick(w, &page, &found, &is_old, err);
        query = page.next_query;
        if (is_old && w->op->resource == TWILIO_TASK) /* newest first: older ones follow */
            break;
    }
    if (code != ERR_OK)
        return code;
    *out = found == NULL ? WRITE_SEEN_NOT : WRITE_SEEN_DONE;
    if (found != NULL) {
        w->resource = found;
        w->sid = field_text(found, "sid");
        w->observed_at_us = at_us;
    }
    return ERR_OK;
}

enum err_code write_look(struct write *w, enum write_seen *out, struct err *err)
{
    if (w->op->kind == WRITE_CREATE)
        return look_for_created(w, out, err);
    enum err_code code = write_fetch(w, err);
    if (code != ERR_OK)
        return code;
    bool is_done =
        w->op->kind == WRITE_DELETE
            ? w->is_gone
            : w->resource != NULL && write_shows(w->call->arena, w->op, w->request, w->resource);
    *out = is_done ? WRITE_SEEN_DONE : WRITE_SEEN_NOT;
    return ERR_OK;
}
