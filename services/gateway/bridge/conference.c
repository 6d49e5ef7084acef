/* Workers and callers who meet in a conference, which is named with the reservation's SID. */
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
#include "twilio/twiml.h"

#define REDIRECT_CALL "/taskrouter.sync.v1.Telephony/RedirectCall"

enum {
    JOIN_S = 60, /* who answered so long ago does not listen to an empty conference any more */
    TWIML_ROOM = 16 << 10,
};

/* ---- TwiML ---- */

static const char *record_of(const json_t *options)
{
    const char *record = jx_get_text(options, "conference_record", "");
    if (strcmp(record, "true") == 0)
        return "record-from-start";
    return strcmp(record, "false") == 0 || record[0] == '\0' ? NULL : record;
}

static const char *text_of(const json_t *options, const char *key)
{
    const char *text = jx_get_text(options, key, "");
    return text[0] != '\0' ? text : NULL;
}

/* The instruction has commas between them, TwiML spaces. */
static const char *events_of(struct arena *arena, const json_t *options)
{
    char *events =
        arena_strdup(arena, jx_get_text(options, "conference_status_callback_event", ""));
    for (char *at = events; at != NULL && (at = strchr(at, ',')) != NULL;)
        *at = ' ';
    return events != NULL && events[0] != '\0' ? events : NULL;
}

static struct twiml_conference of_worker(struct call *call, const struct bridge_leg *leg,
                                         const json_t *options)
{
    return (struct twiml_conference){
        .name = leg->reservation_sid,
        .muted = jx_get_bool(options, "muted", false),
        .beep = text_of(options, "beep"),
        .wait_url = text_of(options, "wait_url"),
        .starts_late = !jx_get_bool(options, "start_conference_on_enter", true),
        .end_on_exit = jx_get_bool(options, "end_conference_on_exit", true),
        .max_participants = jx_get_i64(options, "max_participants", 0),
        .record = record_of(options),
        .recording_callback = text_of(options, "conference_recording_status_callback"),
        .status_callback = text_of(options, "conference_status_callback"),
        .status_events = events_of(call->arena, options),
    };
}

static struct twiml_conference of_caller(const struct bridge_leg *leg, const json_t *options)
{
    bool is_announced = jx_get_bool(options, "beep_on_customer_entrance", true);
    return (struct twiml_conference){
        .name = leg->reservation_sid,
        .beep = is_announced ? text_of(options, "beep") : "false",
        .wait_url = text_of(options, "wait_url"),
        .end_on_exit = jx_get_bool(options, "end_conference_on_customer_exit", false),
        .max_participants = jx_get_i64(options, "max_participants", 0),
    };
}

enum err_code bridge_options(const struct bridge_leg *leg, json_t **out, struct err *err)
{
    *out = NULL;
    return leg->options[0] == '\0' ? ERR_OK
                                   : jx_parse_object(str_from(leg->options), NULL, out, err);
}

static enum err_code script(struct call *call, const struct bridge_leg *leg, bool is_worker,
                            const char **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *options = NULL;
    struct buf text;
    struct twiml t;
    enum err_code code = bridge_options(leg, &options, err);
    if (code != ERR_OK)
        return code;
    struct twiml_conference conference =
        is_worker ? of_worker(call, leg, options) : of_caller(leg, options);
    buf_init(&text, TWIML_ROOM);
    twiml_init(&t, &text);
    twiml_dial_begin(&t, &(struct twiml_dial){.timeout_s = 0});
    twiml_conference(&t, &conference);
    twiml_end(&t);
    code = twiml_finish(&t, err);
    *out = code == ERR_OK ? arena_str_dup(call->arena, buf_str(&text)) : NULL;
    buf_fini(&text);
    return code == ERR_OK && arena_is_exhausted(call->arena) ? call_no_room(err) : code;
}

enum err_code bridge_room(struct call *call, const struct bridge_leg *leg, const char **out,
                          struct err *err)
{
    return script(call, leg, true, out, err);
}

/* ---- the caller ---- */

static enum err_code redirect(struct bridge *bridge, struct call *call,
                              const struct bridge_leg *leg, struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_ASK_MS);
    Taskrouter__Sync__V1__RedirectCallRequest request;
    Taskrouter__Sync__V1__ProviderCall *changed = NULL;
    struct phone_call row;
    const char *twiml = NULL;
    enum err_code code = call_store_get(bridge->gateway->host.pool, call, leg->workspace_sid,
                                        leg->call_sid, &row, err);
    if (code == ERR_OK)
        code = script(call, leg, false, &twiml, err);
    if (code != ERR_OK)
        return code;
    taskrouter__sync__v1__redirect_call_request__init(&request);
    request.account_sid = wire_text(call->arena, row.account_sid);
    request.call_sid = wire_text(call->arena, row.call_sid);
    request.twiml = wire_text(call->arena, twiml);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return RPC_CALL(bridge->gateway->host.as_service[PEER_SYNC], &as_service, REDIRECT_CALL,
                    &request.base, taskrouter__sync__v1__provider_call, &changed, err);
}

/* The worker does not stay alone; how the leg ends is told by its webhooks. */
static enum err_code lose(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                          const char *why, struct err *err)
{
    bool is_done = false;
    enum err_code code =
        bridge_store_caller(bridge->gateway->host.pool, call, leg, LEG_CALLER_LOST, &is_done, err);
    if (code != ERR_OK || !is_done)
        return code;
    LOG_WARN(call, "a caller was not sent into the conference where a worker waits",
             LOG_STR("reservation", leg->reservation_sid), LOG_STR("call", leg->call_sid),
             LOG_STR("why", why));
    return bridge_hang_up(bridge, call, leg, err);
}

static enum err_code ask(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                         int64_t at_us, struct err *err)
{
    struct db_pool *pool = bridge->gateway->host.pool;
    bool is_done = false;
    struct err why;
    err_clear(&why);
    enum err_code asked = redirect(bridge, call, leg, &why);
    if (asked == ERR_OK) { /* its queue's end may have told of it before */
        enum err_code code = bridge_store_caller(pool, call, leg, LEG_CALLER_JOINED, &is_done, err);
        return code == ERR_OK ? bridge_connected(bridge, call, leg, at_us, err) : code;
    }
    if (bridge_is_unsure(asked, &why)) {
        LOG_WARN(call, "a caller may have been sent into the conference; waiting to hear of it",
                 LOG_STR("reservation", leg->reservation_sid), LOG_ERR(&why));
        return bridge_taken(bridge, call, leg, err);
    }
    if (!bridge_is_away(asked))
        return lose(bridge, call, leg, why.detail, err);
    enum err_code code = bridge_store_caller(pool, call, leg, LEG_CALLER_WAITS, &is_done, err);
    if (code != ERR_OK)
        return code;
    return ERR_SET(err, ERR_UNAVAILABLE, "SERVICE_AWAY", "the caller could not be sent to %s yet",
                   leg->reservation_sid);
}

enum err_code bridge_join(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                          int64_t at_us, struct err *err)
{
    bool is_ours = false;
    enum err_code code = ERR_OK;
    switch (leg->caller) {
    case LEG_CALLER_WAITS:
        if (at_us < clock_now_us() - JOIN_S * US_PER_S)
            return lose(bridge, call, leg, "it took too long", err);
        if (leg->is_unwanted)
            return lose(bridge, call, leg, "the reservation or the call has ended", err);
        code = bridge_store_caller(bridge->gateway->host.pool, call, leg, LEG_CALLER_ASKED,
                                   &is_ours, err);
        return is_ours ? ask(bridge, call, leg, at_us, err) : code;
    case LEG_CALLER_ASKED:
        return bridge_taken(bridge, call, leg, err);
    case LEG_CALLER_JOINED:
        return bridge_connected(bridge, call, leg, at_us, err);
    case LEG_CALLER_LOST: /* hung up by whoever wrote it, or by the repeat of what broke off */
        return bridge_hang_up(bridge, call, leg, err);
    case LEG_CALLER_COUNT:
        break;
    }
    return ERR_OK;
}
