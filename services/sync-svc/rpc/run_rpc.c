#include "run_rpc.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"
#include "base/parse.h"
#include "check.h"
#include "progress_store.h"
#include "reach.h"
#include "run_store.h"
#include "run_wire.h"
#include "runs.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "sync.h"
#include "sync_settings.h"

enum { CAUSE_CHARS = 64, WATCH_PERIOD_MS = 300, KINDS_MAX = 32 };

#define LIST_TAG "sy"
#define ITEM_TAG "si"

typedef Taskrouter__Sync__V1__Run wire_run;

/* ---- reading one ---- */

static enum err_code read_run(const struct sync *sync, struct call *call, const char *workspace_sid,
                              const char *sid, struct run *out, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    enum err_code code = db_acquire(sync->host.pool, call, &conn, err);
    return code == ERR_OK ? run_store_get(conn, call, workspace_sid, sid, out, err) : code;
}

static enum err_code reach_run(const struct sync *sync, struct call *call,
                               const char *workspace_sid, const char *sid, struct reach *reach,
                               struct run *out, struct err *err)
{
    enum err_code code = reach_workspace(sync, call, workspace_sid, reach, err);
    if (code == ERR_OK)
        code = check_sid("sid", sid, "SY", err);
    return code == ERR_OK ? read_run(sync, call, reach->workspace_sid, sid, out, err) : code;
}

static enum err_code reply_with(struct call *call, const struct run *run, wire_run **out_reply,
                                struct err *err)
{
    *out_reply = run_to_wire(call->arena, run);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}

enum err_code run_rpc_get(void *app, struct call *call,
                          const Taskrouter__Sync__V1__GetRunRequest *request, wire_run **out_reply,
                          struct err *err)
{
    struct reach reach;
    struct run run;
    enum err_code code =
        reach_run(app, call, request->workspace_sid, request->sid, &reach, &run, err);
    return code == ERR_OK ? reply_with(call, &run, out_reply, err) : code;
}

/* ---- beginning and ending ---- */

/* Before the workspace is looked for: without an account nothing can be said of one. */
static enum err_code check_configured(const struct sync_settings *settings, struct err *err)
{
    if (settings->account_sid != NULL && settings->auth_token != NULL)
        return ERR_OK;
    const char *missing = "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN";
    if (settings->account_sid != NULL)
        missing = "TWILIO_AUTH_TOKEN";
    else if (settings->auth_token != NULL)
        missing = "TWILIO_ACCOUNT_SID";
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_NOT_CONFIGURED",
                   "Twilio's credentials are missing: set %s of sync-svc", missing);
}

static enum err_code check_mirrored(const struct reach *reach, struct err *err)
{
    if (!reach->is_here || reach->is_mirrored)
        return ERR_OK;
    return ERR_FIELD(err, ERR_FAILED_PRECONDITION, "NOT_MIRRORED", "workspace_sid",
                     "workspace %s is routed here, so there is nothing to bring in step with "
                     "Twilio",
                     reach->workspace_sid);
}

static enum err_code kinds_of(const Taskrouter__Sync__V1__StartRunRequest *request, unsigned *out,
                              struct err *err)
{
    struct str names[KINDS_MAX];
    if (request->n_kinds > KINDS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "kinds",
                         "name each kind once: at most %d", KINDS_MAX);
    for (size_t i = 0; i < request->n_kinds; i++)
        names[i] = str_from(request->kinds[i]);
    return kinds_from(names, request->n_kinds, request->light, out, err);
}

enum err_code run_rpc_start(void *app, struct call *call,
                            const Taskrouter__Sync__V1__StartRunRequest *request,
                            wire_run **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct reach reach;
    struct run stored;
    struct sid sid = sid_new("SY");
    unsigned kinds = 0;
    enum err_code code = check_configured(sync->settings, err);
    if (code == ERR_OK)
        code = reach_workspace(sync, call, request->workspace_sid, &reach, err);
    if (code == ERR_OK)
        code = check_mirrored(&reach, err);
    if (code == ERR_OK)
        code = kinds_of(request, &kinds, err);
    if (code == ERR_OK)
        code = check_text("cause", request->cause, 0, CAUSE_CHARS, err);
    if (code != ERR_OK)
        return code;
    struct run wanted = {
        .sid = sid.text,
        .account_sid = sync->settings->account_sid,
        .workspace_sid = reach.workspace_sid,
        .is_dry_run = request->dry_run,
        .is_light = request->light,
        .cause = request->cause[0] == '\0' ? "manual" : request->cause,
    };
    code = runs_begin(sync->runs, call, &wanted, kinds, &stored, err);
    return code == ERR_OK ? reply_with(call, &stored, out_reply, err) : code;
}

enum err_code run_rpc_cancel(void *app, struct call *call,
                             const Taskrouter__Sync__V1__CancelRunRequest *request,
                             wire_run **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct reach reach;
    struct run run;
    enum err_code code =
        reach_run(sync, call, request->workspace_sid, request->sid, &reach, &run, err);
    if (code != ERR_OK)
        return code;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    code = db_acquire(sync->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code =
            run_store_cancel(conn, call, reach.workspace_sid, request->sid, "it was canceled", err);
    if (code == ERR_OK)
        code = run_store_get(conn, call, reach.workspace_sid, request->sid, &run, err);
    return code == ERR_OK ? reply_with(call, &run, out_reply, err) : code;
}

/* ---- lists ---- */

enum err_code run_rpc_list(void *app, struct call *call,
                           const Taskrouter__Sync__V1__ListRunsRequest *request,
                           Taskrouter__Sync__V1__ListRunsResponse **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct reach reach;
    struct page page;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct run *items = NULL;
    size_t count = 0;
    enum err_code code = reach_workspace(sync, call, request->workspace_sid, &reach, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = db_acquire(sync->host.pool, call, &conn, err);
    if (code == ERR_OK) /* one more than the page tells whether there is a next one */
        code = run_store_list(conn, call, reach.workspace_sid, page.after, (size_t)page.size + 1,
                              &items, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Sync__V1__ListRunsResponse *reply =
        PB_NEW(call->arena, taskrouter__sync__v1__list_runs_response);
    wire_run **wires = ARENA_ARRAY(call->arena, wire_run *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > (size_t)page.size) {
        count = (size_t)page.size;
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, items[count - 1].sid);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = run_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

/* What is asked for of a run's items. */
struct item_filter {
    int64_t after;
    enum kind kind;
    enum outcome outcome;
};

static enum err_code filter_of(const Taskrouter__Sync__V1__ListRunItemsRequest *request,
                               const struct page *page, struct item_filter *out, struct err *err)
{
    int outcome = (int)request->outcome;
    *out = (struct item_filter){.kind = KIND_COUNT};
    if (page->after[0] != '\0' && !parse_i64(str_from(page->after), 1, INT64_MAX, &out->after))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_CURSOR", "cursor",
                         "send next_cursor of the page before");
    if (request->kind[0] != '\0') {
        out->kind = kind_from(str_from(request->kind));
        if (out->kind == KIND_COUNT)
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "UNKNOWN_KIND", "kind",
                             "kind must be one of the run's kinds");
    }
    if (outcome < OUTCOME_NONE || outcome >= OUTCOME_COUNT)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "UNKNOWN_OUTCOME", "outcome",
                         "outcome must be one of MirrorOutcome");
    out->outcome = (enum outcome)outcome;
    return ERR_OK;
}

static enum err_code reply_items(struct call *call, const struct page *page,
                                 const struct run_item *items, size_t count,
                                 Taskrouter__Sync__V1__ListRunItemsResponse **out_reply,
                                 struct err *err)
{
    Taskrouter__Sync__V1__ListRunItemsResponse *reply =
        PB_NEW(call->arena, taskrouter__sync__v1__list_run_items_response);
    Taskrouter__Sync__V1__RunItem **wires =
        ARENA_ARRAY(call->arena, Taskrouter__Sync__V1__RunItem *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > (size_t)page->size) {
        count = (size_t)page->size;
        char seq[32];
        (void)snprintf(seq, sizeof seq, "%lld", (long long)items[count - 1].seq);
        reply->next_cursor = page_cursor(call->arena, ITEM_TAG, seq);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = run_item_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code run_rpc_items(void *app, struct call *call,
                            const Taskrouter__Sync__V1__ListRunItemsRequest *request,
                            Taskrouter__Sync__V1__ListRunItemsResponse **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct reach reach;
    struct run run;
    struct page page;
    struct item_filter filter;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct run_item *items = NULL;
    size_t count = 0;
    enum err_code code =
        reach_run(sync, call, request->workspace_sid, request->sid, &reach, &run, err);
    if (code == ERR_OK)
        code = page_from(call->arena, ITEM_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = filter_of(request, &page, &filter, err);
    if (code == ERR_OK)
        code = db_acquire(sync->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = progress_store_items(conn, call, run.sid, filter.after, filter.kind, filter.outcome,
                                    (size_t)page.size + 1, &items, &count, err);
    return code == ERR_OK ? reply_items(call, &page, items, count, out_reply, err) : code;
}

/* ---- watching ---- */

/* The run may be another process's, whose changes are seen in the database only. */
enum err_code run_rpc_watch(void *app, struct call *call,
                            const Taskrouter__Sync__V1__GetRunRequest *request,
                            struct rpc_stream *stream, struct err *err)
{
    const struct sync *sync = app;
    struct reach reach;
    struct run run;
    int64_t told = 0;
    enum err_code code =
        reach_run(sync, call, request->workspace_sid, request->sid, &reach, &run, err);
    while (code == ERR_OK) {
        struct arena_mark mark = arena_mark(call->arena);
        code = read_run(sync, call, reach.workspace_sid, request->sid, &run, err);
        if (code == ERR_OK && run.revision != told) {
            wire_run *wire = run_to_wire(call->arena, &run);
            told = run.revision;
            code = wire == NULL ? call_no_room(err) : rpc_stream_send(stream, &wire->base, err);
        }
        bool has_ended = code == ERR_OK && run.state != RUN_STATE_RUNNING;
        arena_rewind(call->arena, mark);
        if (has_ended)
            return ERR_OK;
        if (code == ERR_OK) {
            runs_wait(sync->runs, clock_mono_us() + WATCH_PERIOD_MS * US_PER_MS);
            code = rpc_stream_check(stream, err);
        }
    }
    return code;
}

/* ---- whether Twilio is there ---- */

enum err_code run_rpc_check(void *app, struct call *call,
                            const Taskrouter__Sync__V1__CheckUpstreamRequest *request,
                            Taskrouter__Sync__V1__CheckUpstreamResponse **out_reply,
                            struct err *err)
{
    const struct sync *sync = app;
    const struct sync_settings *settings = sync->settings;
    struct reach reach;
    struct check check;
    int64_t began_us = clock_mono_us();
    enum err_code code = check_configured(settings, err);
    if (code == ERR_OK)
        code = reach_workspace(sync, call, request->workspace_sid, &reach, err);
    if (code == ERR_OK)
        code = check_run(&(struct check_options){.host = &sync->host,
                                                 .upstream = sync->upstream,
                                                 .account_sid = settings->account_sid},
                         call, reach.workspace_sid, &check, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Sync__V1__CheckUpstreamResponse *reply =
        PB_NEW(call->arena, taskrouter__sync__v1__check_upstream_response);
    if (reply == NULL)
        return call_no_room(err);
    reply->account_sid = check.workspace->account_sid;
    reply->workspace_sid = check.workspace->sid;
    reply->workspace_name = check.workspace->friendly_name;
    reply->url = wire_text(call->arena, settings->twilio_url);
    reply->duration_ms = (clock_mono_us() - began_us) / US_PER_MS;
    *out_reply = reply;
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}
