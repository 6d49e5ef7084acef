/* The jobs that have workers called. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "bridge_int.h"
#include "bridge_store.h"
#include "call_store.h"
#include "gateway.h"
#include "jx/jx.h"
#include "log/log.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/sync/v1/telephony.pb-c.h"
#include "taskrouter/sync/v1/upstream.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "twilio/twiml.h"
#include "webhook.h"

#define GET_WORKER "/taskrouter.workers.v1.Workers/GetWorker"
#define PLACE_CALL "/taskrouter.sync.v1.Telephony/PlaceCall"
#define GET_STATE  "/taskrouter.sync.v1.Upstream/GetUpstreamState"

enum {
    DIAL_MS = 20000, /* of one leg: longer than the services are asked */
    ADDRESS_MAX_BYTES = 256,
    TWIML_ROOM = 4096,
};

/* ---- what is asked of the provider ---- */

/* *out: "" when there is none. */
static enum err_code contact_of(struct bridge *bridge, struct call *call,
                                const struct bridge_leg *leg, const char **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    struct call as_service = bridge_as_service(call, BRIDGE_ASK_MS);
    Taskrouter__Workers__V1__GetWorkerRequest request;
    Taskrouter__Workers__V1__Worker *worker = NULL;
    *out = leg->to_address;
    if (leg->to_address[0] != '\0')
        return ERR_OK;
    taskrouter__workers__v1__get_worker_request__init(&request);
    request.workspace_sid = wire_text(call->arena, leg->workspace_sid);
    request.sid = wire_text(call->arena, leg->worker_sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    enum err_code code =
        RPC_CALL(bridge->gateway->host.as_service[PEER_WORKERS], &as_service, GET_WORKER,
                 &request.base, taskrouter__workers__v1__worker, &worker, err);
    if (code != ERR_OK)
        return code;
    if (jx_parse_object(str_from(worker->attributes), NULL, &root, NULL) == ERR_OK &&
        strlen(jx_get_text(root, "contact_uri", "")) <= ADDRESS_MAX_BYTES)
        *out = arena_strdup(call->arena, jx_get_text(root, "contact_uri", ""));
    return *out == NULL ? call_no_room(err) : ERR_OK;
}

/* Whoever answers is connected with who waits in the queue that is named after the call. */
static enum err_code script_of(struct call *call, const struct bridge_leg *leg, const char **out,
                               struct err *err)
{
    struct buf text;
    struct twiml t;
    buf_init(&text, TWIML_ROOM);
    twiml_init(&t, &text);
    twiml_dial_begin(&t, &(struct twiml_dial){.timeout_s = 0});
    twiml_queue(&t, &(struct twiml_queue){.name = leg->call_sid});
    twiml_end(&t);
    enum err_code code = twiml_finish(&t, err);
    *out = code == ERR_OK ? arena_str_dup(call->arena, buf_str(&text)) : NULL;
    buf_fini(&text);
    return code == ERR_OK && *out == NULL ? call_no_room(err) : code;
}

static const char *callback_of(const struct bridge *bridge, struct arena *arena,
                               const struct bridge_leg *leg)
{
    struct str base = str_from(bridge->gateway->settings->public_url);
    while (base.len > 0 && base.ptr[base.len - 1] == '/')
        base.len--;
    const char *attempt =
        leg->attempt > 1 ? arena_printf(arena, "&" WEBHOOK_ATTEMPT "=%" PRId64, leg->attempt) : "";
    return arena_printf(arena, "%.*s/api/webhooks/voice/leg?" WEBHOOK_RESERVATION "=%s%s",
                        STR_ARG(base), leg->reservation_sid, attempt == NULL ? "" : attempt);
}

/* When a connection breaks off, nobody knows whether it has called, so it is found out before that
 * it surely has not. What else is wrong the call itself will tell. */
enum err_code bridge_look(struct bridge *bridge, struct call *call, struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_ASK_MS);
    Taskrouter__Sync__V1__GetUpstreamStateRequest request;
    Taskrouter__Sync__V1__UpstreamState *state = NULL;
    taskrouter__sync__v1__get_upstream_state_request__init(&request);
    enum err_code code =
        RPC_CALL(bridge->gateway->host.as_service[PEER_SYNC], &as_service, GET_STATE, &request.base,
                 taskrouter__sync__v1__upstream_state, &state, err);
    if (code == ERR_OK || bridge_is_away(code))
        return code;
    err_clear(err);
    return ERR_OK;
}

/* What whoever answers hears: the application's document, or ours. */
static enum err_code script_put(struct call *call, const struct bridge_leg *leg,
                                Taskrouter__Sync__V1__PlaceCallRequest *request, struct err *err)
{
    const char *script = NULL;
    if (leg->url[0] != '\0') {
        request->url = wire_text(call->arena, leg->url);
        return ERR_OK;
    }
    enum err_code code = leg->is_conference ? bridge_room(call, leg, &script, err)
                                            : script_of(call, leg, &script, err);
    if (code == ERR_OK)
        request->twiml = wire_text(call->arena, script);
    return code;
}

static enum err_code record_put(struct call *call, const struct bridge_leg *leg,
                                Taskrouter__Sync__V1__PlaceCallRequest *request, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    enum err_code code = bridge_options(leg, &root, err);
    if (code != ERR_OK)
        return code;
    if (!leg->is_conference) {
        request->record = strcmp(jx_get_text(root, "record", ""), "record-from-answer") == 0;
    } else if (jx_get_bool(root, "record", false)) {
        request->record = true;
        request->recording_callback_url =
            wire_text(call->arena, jx_get_text(root, "recording_status_callback", ""));
    }
    return ERR_OK;
}

static enum err_code place(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                           const struct phone_call *row, const char *contact,
                           const char **out_call_sid, struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_PLACE_MS);
    Taskrouter__Sync__V1__PlaceCallRequest request;
    Taskrouter__Sync__V1__ProviderCall *placed = NULL;
    taskrouter__sync__v1__place_call_request__init(&request);
    request.account_sid = wire_text(call->arena, row->account_sid);
    request.to = wire_text(call->arena, contact);
    request.from =
        wire_text(call->arena, leg->from_number[0] != '\0' ? leg->from_number : row->to_number);
    request.status_callback_url = wire_text(call->arena, callback_of(bridge, call->arena, leg));
    request.timeout_s = (int32_t)leg->timeout_s;
    enum err_code code = script_put(call, leg, &request, err);
    if (code == ERR_OK)
        code = record_put(call, leg, &request, err);
    if (code != ERR_OK)
        return code;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    code = RPC_CALL(bridge->gateway->host.as_service[PEER_SYNC], &as_service, PLACE_CALL,
                    &request.base, taskrouter__sync__v1__provider_call, &placed, err);
    *out_call_sid = code == ERR_OK ? placed->call_sid : "";
    return code;
}

/* ---- what became of it ---- */

static enum err_code again(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                           struct err *why, struct err *err)
{
    bool is_done = false;
    if (bridge_is_impatient(bridge, leg->created_at_us))
        return bridge_give_up(bridge, call, leg, why->detail, err);
    LOG_WARN(call, "a worker could not be called yet, it will be tried again",
             LOG_STR("reservation", leg->reservation_sid), LOG_ERR(why));
    leg->state = LEG_RECORDED;
    leg->due_at_us = clock_now_us() + BRIDGE_AGAIN_MS * US_PER_MS;
    return bridge_store_move(bridge->gateway->host.pool, call, leg, LEG_PLACING, &is_done, err);
}

bool bridge_is_away(enum err_code code)
{
    return code == ERR_UNAVAILABLE || code == ERR_DEADLINE_EXCEEDED || code == ERR_CANCELLED ||
           code == ERR_RESOURCE_EXHAUSTED;
}

/* Not what sync-svc said of the provider: that was surely not done. */
bool bridge_is_unsure(enum err_code code, const struct err *why)
{
    return code == ERR_DEADLINE_EXCEEDED || code == ERR_CANCELLED || code == ERR_INTERNAL ||
           code == ERR_UNKNOWN ||
           (code == ERR_UNAVAILABLE &&
            (why->reason == NULL || strcmp(why->reason, "OUTCOME_UNKNOWN") == 0 ||
             strcmp(why->reason, "PEER_UNAVAILABLE") == 0));
}

/* Nobody can be called at all, or is to be: an accepted task stays the worker's. */
static enum err_code nobody(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                            const char *why, struct err *err)
{
    leg->keeps_task = true;
    return bridge_give_up(bridge, call, leg, why, err);
}

static enum err_code not_placed(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                                enum err_code code, struct err *why, struct err *err)
{
    if (why->reason != NULL && strcmp(why->reason, "TELEPHONY_NOT_CONFIGURED") == 0)
        return nobody(bridge, call, leg, BRIDGE_NOT_CONFIGURED, err);
    if (bridge_is_unsure(code, why)) {
        LOG_WARN(call, "a worker may have been called; waiting to hear of it",
                 LOG_STR("reservation", leg->reservation_sid), LOG_ERR(why));
        return ERR_OK;
    }
    return bridge_is_away(code) ? again(bridge, call, leg, why, err)
                                : bridge_give_up(bridge, call, leg, why->detail, err);
}

static enum err_code was_placed(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                                const char *call_sid, struct err *err)
{
    struct db_pool *pool = bridge->gateway->host.pool;
    bool is_done = false;
    leg->state = LEG_RINGING;
    leg->provider_call_sid = call_sid;
    leg->is_settled = false;
    leg->due_at_us = clock_now_us() + BRIDGE_SETTLE_S * US_PER_S;
    enum err_code code = bridge_store_move(pool, call, leg, LEG_PLACING, &is_done, err);
    if (code != ERR_OK)
        return code;
    if (!is_done) /* its webhooks were faster, and have said more; or it was given up */
        return bridge_late(bridge, call, leg, err);
    LOG_INFO(call, "a worker is called for a waiting call",
             LOG_STR("reservation", leg->reservation_sid), LOG_STR("call", leg->call_sid),
             LOG_STR("worker", leg->worker_sid));
    code = bridge_settle(bridge, call, leg, clock_now_us(), err);
    return code == ERR_OK ? bridge_store_settled(pool, call, leg, err) : code;
}

static enum err_code dial(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                          struct err *err)
{
    const char *public_url = bridge->gateway->settings->public_url;
    const char *contact = "";
    const char *call_sid = "";
    struct phone_call row;
    struct err why;
    err_clear(&why);
    enum err_code code = bridge_row(bridge, call, leg, &row, err);
    if (code != ERR_OK)
        return code;
    bool is_answered = row.answered_at_us != 0 && leg->url[0] == '\0';
    if (leg->is_unwanted || phone_call_is_over(&row) || is_answered)
        return nobody(bridge, call, leg, "the caller does not wait any more", err);
    if (public_url == NULL || public_url[0] == '\0')
        return nobody(bridge, call, leg, "set TASKROUTER_PUBLIC_URL, which the provider calls back",
                      err);
    code = contact_of(bridge, call, leg, &contact, &why);
    if (code != ERR_OK)
        return bridge_is_away(code) ? again(bridge, call, leg, &why, err)
                                    : bridge_give_up(bridge, call, leg, why.detail, err);
    if (contact[0] == '\0')
        return nobody(bridge, call, leg,
                      "the worker has no telephone: write it to contact_uri of the worker's "
                      "attributes (+1…, client:… or sip:…)",
                      err);
    code = bridge_look(bridge, call, &why);
    if (code != ERR_OK)
        return again(bridge, call, leg, &why, err);
    code = place(bridge, call, leg, &row, contact, &call_sid, &why);
    return code == ERR_OK ? was_placed(bridge, call, leg, call_sid, err)
                          : not_placed(bridge, call, leg, code, &why, err);
}

/* ---- the jobs ---- */

static enum err_code unheard(struct bridge *bridge, struct call *call, struct err *err)
{
    bool is_found = bridge_may_give_up(bridge);
    enum err_code code = ERR_OK;
    while (code == ERR_OK && is_found) {
        struct bridge_leg leg;
        code = bridge_store_overdue(bridge->gateway->host.pool, call, &leg, &is_found, err);
        if (code == ERR_OK && is_found)
            code = bridge_give_up(bridge, call, &leg,
                                  "it is not known whether the worker was called", err);
    }
    return code;
}

/* What was decided, and had no consequences: who decided it died, or a service was away. */
static enum err_code unsettled(struct bridge *bridge, struct call *call, struct err *err)
{
    struct db_pool *pool = bridge->gateway->host.pool;
    bool is_found = true;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && is_found) {
        struct bridge_leg leg;
        int64_t now_us = clock_now_us();
        code = bridge_store_unsettled(pool, call, now_us + BRIDGE_SETTLE_S * US_PER_S, &leg,
                                      &is_found, err);
        if (code == ERR_OK && is_found)
            code = bridge_settle(bridge, call, &leg, now_us, err);
        if (code ==
            ERR_NOT_FOUND) { /* the call was removed meanwhile: there is nobody to do it for */
            err_clear(err);
            code = ERR_OK;
        }
        if (code == ERR_OK && is_found)
            code = bridge_store_settled(pool, call, &leg, err);
    }
    return code;
}

enum err_code bridge_dial(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    struct bridge *bridge = ctx;
    bool is_found = true;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && is_found && !app_job_is_stopping(job)) {
        struct arena_mark mark = arena_mark(call->arena);
        struct bridge_leg leg;
        call->deadline_mono_us = clock_mono_us() + DIAL_MS * US_PER_MS;
        code = bridge_store_take(bridge->gateway->host.pool, call, bridge_unheard_until_us(bridge),
                                 &leg, &is_found, err);
        if (code == ERR_OK && is_found)
            code = dial(bridge, call, &leg, err);
        arena_rewind(call->arena, mark);
    }
    if (code == ERR_OK)
        code = bridge_redirect_run(bridge, job, call, err);
    if (code == ERR_OK)
        code = unheard(bridge, call, err);
    return code == ERR_OK ? unsettled(bridge, call, err) : code;
}
