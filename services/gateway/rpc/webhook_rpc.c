#include "webhook_rpc.h"

#include <stdatomic.h>

#include "account_rpc.h"
#include "base/macros.h"
#include "gateway.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "taskrouter/directory/v1/webhooks.pb-c.h"
#include "webhook_store.h"

#define LIST_TAG "wh"

enum { REPLAY_MAX = 10000 };

typedef Taskrouter__Directory__V1__Webhook wire_webhook;

#define WIRE_KIND(name)  TASKROUTER__DIRECTORY__V1__WEBHOOK_KIND__WEBHOOK_KIND_##name
#define WIRE_STATE(name) TASKROUTER__DIRECTORY__V1__WEBHOOK_STATE__WEBHOOK_STATE_##name

static const Taskrouter__Directory__V1__WebhookKind wire_kinds[WEBHOOK_KIND_COUNT] = {
    [WEBHOOK_NONE] = WIRE_KIND(UNSPECIFIED),
#define X(name, text) [WEBHOOK_##name] = WIRE_KIND(name),
    WEBHOOK_KINDS(X)
#undef X
};

static const Taskrouter__Directory__V1__WebhookState wire_states[WEBHOOK_STATE_COUNT] = {
    [WEBHOOK_STATE_NONE] = WIRE_STATE(UNSPECIFIED),
#define X(name, text) [WEBHOOK_STATE_##name] = WIRE_STATE(name),
    WEBHOOK_STATES(X)
#undef X
};

/* ---- to the wire ---- */

/* Pairs, which we wrote ourselves, as an object; a pair that is none is left out. */
static char *object_of_pairs(struct arena *arena, struct str parameters)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    AUTO(jx_cleanup) json_t *object = json_object();
    json_t *pair = NULL;
    size_t index = 0;
    if (jx_parse(parameters, NULL, &root, NULL) != ERR_OK)
        return wire_text(arena, "");
    json_array_foreach(root, index, pair)
    {
        const char *name = json_string_value(json_array_get(pair, 0));
        json_t *value = json_array_get(pair, 1);
        json_t *there = name == NULL ? NULL : json_object_get(object, name);
        if (name == NULL)
            continue;
        if (there == NULL)
            (void)json_object_set(object, name, value);
        else if (json_is_array(there))
            (void)json_array_append(there, value);
        else
            (void)json_object_set_new(object, name, json_pack("[OO]", there, value));
    }
    struct buf text;
    struct jx_writer w;
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_value(&w, object);
    char *copy = jx_writer_finish(&w, NULL) == ERR_OK ? arena_str_dup(arena, buf_str(&text)) : NULL;
    buf_fini(&text);
    return copy;
}

static wire_webhook *to_wire(struct arena *arena, const struct webhook_row *row)
{
    wire_webhook *wire = PB_NEW(arena, taskrouter__directory__v1__webhook);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, row->sid);
    wire->kind = wire_kinds[row->kind];
    wire->state = wire_states[row->state];
    wire->account_sid = wire_text(arena, row->account_sid);
    wire->workspace_sid = wire_text(arena, row->workspace_sid);
    wire->event_type = wire_text(arena, row->event_type);
    wire->date_occurred = wire_time(arena, row->occurred_at_us);
    wire->lane = wire_text(arena, row->lane);
    wire->parameters = object_of_pairs(arena, row->parameters);
    wire->date_received = wire_time(arena, row->received_at_us);
    wire->date_ended = wire_time(arena, row->ended_at_us);
    wire->attempts = (int32_t)row->attempts;
    wire->outcome = wire_text(arena, row->outcome);
    wire->detail = wire_text(arena, row->detail);
    return wire->parameters == NULL || arena_is_exhausted(arena) ? NULL : wire;
}

/* ---- methods ---- */

static enum err_code get(struct gateway *gateway, struct call *call, const char *sid,
                         wire_webhook **out_reply, struct err *err)
{
    struct webhook_row row;
    enum err_code code = webhook_store_get(gateway->host.pool, call, sid, &row, err);
    if (code != ERR_OK)
        return code;
    *out_reply = to_wire(call->arena, &row);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}

static enum err_code check(const struct gateway *gateway, const struct call *call, const char *sid,
                           struct err *err)
{
    enum err_code code = directory_owner_only(gateway, call, "look into the webhooks", err);
    return code == ERR_OK ? check_sid("sid", sid, "WH", err) : code;
}

static enum err_code rpc_get(void *app, struct call *call,
                             const Taskrouter__Directory__V1__GetWebhookRequest *request,
                             wire_webhook **out_reply, struct err *err)
{
    enum err_code code = check(app, call, request->sid, err);
    return code == ERR_OK ? get(app, call, request->sid, out_reply, err) : code;
}

static enum webhook_state state_from_wire(int wire)
{
    for (int i = 0; i < WEBHOOK_STATE_COUNT; i++)
        if ((int)wire_states[i] == wire)
            return (enum webhook_state)i;
    return WEBHOOK_STATE_NONE;
}

static enum webhook_kind kind_from_wire(int wire)
{
    for (int i = 0; i < WEBHOOK_KIND_COUNT; i++)
        if ((int)wire_kinds[i] == wire)
            return (enum webhook_kind)i;
    return WEBHOOK_NONE;
}

static enum err_code rpc_list(void *app, struct call *call,
                              const Taskrouter__Directory__V1__ListWebhooksRequest *request,
                              Taskrouter__Directory__V1__ListWebhooksResponse **out_reply,
                              struct err *err)
{
    struct gateway *gateway = app;
    struct page page;
    struct webhook_row *rows = NULL;
    size_t count = 0;
    enum err_code code = directory_owner_only(gateway, call, "look into the webhooks", err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK) /* one more than the page tells whether there is a next one */
        code = webhook_store_list(
            gateway->host.pool, call, page.after, state_from_wire((int)request->state),
            kind_from_wire((int)request->kind), (size_t)page.size + 1, &rows, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__ListWebhooksResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__list_webhooks_response);
    bool has_more = count > (size_t)page.size;
    size_t shown = has_more ? (size_t)page.size : count;
    wire_webhook **items = ARENA_ARRAY(call->arena, wire_webhook *, shown);
    if (reply == NULL || items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < shown; i++)
        items[i] = to_wire(call->arena, &rows[i]);
    reply->items = items;
    reply->n_items = shown;
    if (has_more)
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, rows[shown - 1].sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

static enum err_code refusals_to_wire(const struct webhook_tally *tally, struct arena *arena,
                                      Taskrouter__Directory__V1__WebhookSummary *reply,
                                      struct err *err)
{
    static const char *const names[WEBHOOK_REFUSAL_COUNT] = {
#define X(name, text) [WEBHOOK_REFUSAL_##name] = (text),
        WEBHOOK_REFUSALS(X)
#undef X
    };
    reply->refused =
        ARENA_ARRAY(arena, Taskrouter__Directory__V1__WebhookRefusal *, WEBHOOK_REFUSAL_COUNT);
    if (reply->refused == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < WEBHOOK_REFUSAL_COUNT; i++) {
        Taskrouter__Directory__V1__WebhookRefusal *wire =
            PB_NEW(arena, taskrouter__directory__v1__webhook_refusal);
        if (wire == NULL)
            return call_no_room(err);
        wire->reason = wire_text(arena, names[i]);
        wire->count = atomic_load(&tally->refused[i]);
        reply->refused[reply->n_refused++] = wire;
    }
    return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code rpc_summary(void *app, struct call *call,
                                 const Taskrouter__Directory__V1__GetWebhookSummaryRequest *request,
                                 Taskrouter__Directory__V1__WebhookSummary **out_reply,
                                 struct err *err)
{
    (void)request; /* empty */
    struct gateway *gateway = app;
    struct webhook_counts counts;
    enum err_code code = directory_owner_only(gateway, call, "look into the webhooks", err);
    if (code == ERR_OK)
        code = webhook_store_counts(gateway->host.pool, call, &counts, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__WebhookSummary *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__webhook_summary);
    if (reply == NULL)
        return call_no_room(err);
    reply->waiting = counts.waiting;
    reply->dead = counts.dead;
    reply->oldest_waiting_date = wire_time(call->arena, counts.oldest_us);
    reply->last_received_date = wire_time(call->arena, counts.newest_us);
    reply->last_refused_date = wire_time(call->arena, atomic_load(&gateway->tally.refused_at_us));
    reply->received = atomic_load(&gateway->tally.received);
    *out_reply = reply;
    return refusals_to_wire(&gateway->tally, call->arena, reply, err);
}

static enum err_code rpc_replay(void *app, struct call *call,
                                const Taskrouter__Directory__V1__ReplayWebhookRequest *request,
                                wire_webhook **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    bool is_done = false;
    enum err_code code = check(gateway, call, request->sid, err);
    if (code == ERR_OK)
        code = webhook_store_replay(gateway->host.pool, call, request->sid, &is_done, err);
    if (code == ERR_OK)
        code = get(gateway, call, request->sid, out_reply, err);
    if (code == ERR_OK && !is_done)
        return ERR_FIELD(err, ERR_FAILED_PRECONDITION, "WEBHOOK_NOT_DEAD", "sid",
                         "webhook %s is not dead; only dead ones are replayed", request->sid);
    return code;
}

static enum err_code
rpc_replay_dead(void *app, struct call *call,
                const Taskrouter__Directory__V1__ReplayDeadWebhooksRequest *request,
                Taskrouter__Directory__V1__ReplayDeadWebhooksResponse **out_reply, struct err *err)
{
    (void)request; /* empty */
    struct gateway *gateway = app;
    int64_t count = 0;
    enum err_code code = directory_owner_only(gateway, call, "replay webhooks", err);
    if (code == ERR_OK)
        code = webhook_store_replay_all(gateway->host.pool, call, REPLAY_MAX, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__ReplayDeadWebhooksResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__replay_dead_webhooks_response);
    if (reply == NULL)
        return call_no_room(err);
    reply->count = count;
    reply->has_more = count == REPLAY_MAX;
    *out_reply = reply;
    return ERR_OK;
}

#define REQUEST(name)  Taskrouter__Directory__V1__##name##Request
#define RESPONSE(name) Taskrouter__Directory__V1__##name##Response

static const struct rpc_method methods[] = {
    RPC_UNARY("GetWebhook", rpc_get, REQUEST(GetWebhook), wire_webhook, 1000, ROLE_ADMIN, 0),
    RPC_UNARY("ListWebhooks", rpc_list, REQUEST(ListWebhooks), RESPONSE(ListWebhooks), 2000,
              ROLE_ADMIN, 0),
    RPC_UNARY("GetWebhookSummary", rpc_summary, REQUEST(GetWebhookSummary),
              Taskrouter__Directory__V1__WebhookSummary, 2000, ROLE_ADMIN, 0),
    RPC_UNARY("ReplayWebhook", rpc_replay, REQUEST(ReplayWebhook), wire_webhook, 2000, ROLE_ADMIN,
              0),
    RPC_UNARY("ReplayDeadWebhooks", rpc_replay_dead, REQUEST(ReplayDeadWebhooks),
              RESPONSE(ReplayDeadWebhooks), 10000, ROLE_ADMIN, 0),
};

const struct rpc_service webhook_service = {
    .descriptor = &taskrouter__directory__v1__webhooks__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
