#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "callback_params.h"
#include "callback_rules.h"
#include "callbacks_int.h"
#include "engine/instruction.h"
#include "log/log.h"
#include "signing.h"
#include "twilio/signature.h"

#define CALLBACK_ACTOR "service:tasks-svc"

enum {
    DELIVERY_ARENA_BYTES = 2 << 20,
    DECIDE_BUDGET_MS = 5000,
    DECIDE_RETRY_MS = 200,
    DECIDE_PATIENCE_MS = 10000, /* for a shard that is loading; then it is sent again */
    BODY_KEPT_BYTES = 2048,
    HTTP_OK = 200,
};

/* ---- life ---- */

static void delivery_free(struct delivery *delivery)
{
    struct callbacks *callbacks = delivery->callbacks;
    callbacks->active_count--;
    if (!delivery->claim.is_assignment)
        callbacks->active_events--;
    if (delivery->peer != NULL) {
        delivery->peer->in_flight--;
        peer_release(callbacks, delivery->peer);
    }
    list_remove(&delivery->node);
    httpc_request_fini(&delivery->request);
    arena_free(delivery->arena);
    free(delivery);
}

static void end(struct delivery *delivery, const char *state)
{
    struct callbacks *callbacks = delivery->callbacks;
    delivery->outcome.id = delivery->claim.id;
    delivery->outcome.object_key = delivery->claim.object_key;
    delivery->outcome.state = state;
    delivery->step = DELIVERY_ENDED;
    list_remove(&delivery->node);
    list_append(&callbacks->ended, &delivery->node);
}

/* Tried again later, as if this attempt had not been. */
static void put_back(struct delivery *delivery, int64_t after_ms)
{
    delivery->outcome.attempts = delivery->claim.attempts;
    delivery->outcome.next_attempt_us = clock_now_us() + after_ms * US_PER_MS;
    end(delivery, CALLBACK_WAITING);
}

/* On the client's or the shard's thread. */
static void arrive(struct delivery *delivery)
{
    struct callbacks *callbacks = delivery->callbacks;
    lock_take(&callbacks->lock);
    list_append(&callbacks->arrived, &delivery->arrived);
    cond_signal(&callbacks->changed);
    lock_drop(&callbacks->lock);
}

static void on_answer(struct httpc_request *request)
{
    arrive(request->ctx);
}

static void on_decided(struct shard_op *op)
{
    arrive(CONTAINER_OF(op, struct delivery, op));
}

/* ---- sending ---- */

/* The headers of a request to that URL, signed with the token unless that is NULL; false when the
 * arena is full. */
static bool make_headers(struct delivery *delivery, const char *url, const char *token,
                         struct err *err)
{
    size_t count = 0;
    char signature[TWILIO_SIGNATURE_SIZE];
    delivery->headers[count++] = "Content-Type: application/x-www-form-urlencoded; charset=utf-8";
    delivery->headers[count++] = "Accept: application/json, */*";
    delivery->headers[count++] =
        arena_printf(delivery->arena, "I-Twilio-Idempotency-Token: %s", delivery->claim.sid);
    if (token != NULL) {
        if (twilio_sign(str_from(token), str_from(url), delivery->params, delivery->param_count,
                        signature, err) != ERR_OK)
            return false;
        delivery->headers[count++] =
            arena_printf(delivery->arena, "X-Twilio-Signature: %s", signature);
    }
    delivery->headers[count] = NULL;
    return !arena_is_exhausted(delivery->arena);
}

static void send_to(struct delivery *delivery, const char *url)
{
    struct callbacks *callbacks = delivery->callbacks;
    struct err err = {0};
    const char *token = NULL;
    int after_ms = 0;
    if (signing_ask(callbacks->options.signing, delivery->claim.account_sid, delivery->arena,
                    &token, &after_ms) == SIGNING_LATER) {
        put_back(delivery, after_ms); /* never unsigned because the gateway is away */
        return;
    }
    struct buf body;
    buf_init(&body, 0);
    twilio_form_encode(&body, delivery->params, delivery->param_count);
    struct httpc_request *request = &delivery->request;
    delivery->outcome.url = url;
    request->url = url;
    request->method = HTTPC_POST;
    request->headers = delivery->headers;
    request->timeout_ms = delivery->claim.is_assignment ? callbacks->options.assignment_timeout_ms
                                                        : callbacks->options.event_timeout_ms;
    request->done = on_answer;
    request->ctx = delivery;
    request->body = arena_str(delivery->arena, buf_str(&body));
    bool is_made = !buf_failed(&body) && make_headers(delivery, url, token, &err);
    buf_fini(&body);
    if (!is_made) {
        delivery->outcome.error = "the request is too large or cannot be signed";
        end(delivery, CALLBACK_DEAD);
        return;
    }
    delivery->step = DELIVERY_SENDING;
    if (!httpc_start(callbacks->httpc, request))
        put_back(delivery, DECIDE_RETRY_MS);
}

/* ---- what came back ---- */

/* A piece of the answer that the database takes: whole characters, no NUL. */
static const char *kept_body(struct delivery *delivery)
{
    struct str body = buf_str(&delivery->request.reply);
    if (body.len > BODY_KEPT_BYTES) {
        body.len = BODY_KEPT_BYTES;
        while (body.len > 0 && ((unsigned char)body.ptr[body.len] & 0xC0U) == 0x80U)
            body.len--;
    }
    if (body.len == 0 || memchr(body.ptr, '\0', body.len) != NULL || !str_is_utf8(body))
        return "";
    const char *copy = arena_str_dup(delivery->arena, body);
    return copy == NULL ? "" : copy;
}

static void note_answer(struct delivery *delivery)
{
    const struct httpc_request *request = &delivery->request;
    struct callback_outcome *outcome = &delivery->outcome;
    outcome->attempts = delivery->claim.attempts + 1;
    outcome->status = request->outcome == HTTPC_ANSWERED ? request->status : 0;
    outcome->took_ms = request->took_us / US_PER_MS;
    outcome->body = kept_body(delivery);
    const char *error =
        request->outcome == HTTPC_ANSWERED
            ? arena_printf(delivery->arena, "the answer's status was %d", request->status)
            : arena_strdup(delivery->arena, request->error);
    outcome->error = error == NULL ? "" : error;
}

static bool is_success(const struct httpc_request *request)
{
    return request->outcome == HTTPC_ANSWERED && request->status >= 200 && request->status < 300;
}

/* Trying again would not help. */
static bool is_hopeless(const struct httpc_request *request)
{
    return request->outcome == HTTPC_PRIVATE_ADDRESS || request->outcome == HTTPC_BAD_URL;
}

/* Nobody there, or out of order: others need not find that out too. */
static bool is_peer_down(const struct httpc_request *request)
{
    if (request->outcome == HTTPC_ANSWERED)
        return request->status >= 500 || request->status == 429;
    return request->outcome != HTTPC_TOO_LARGE;
}

static void end_event(struct delivery *delivery)
{
    const struct callbacks_options *options = &delivery->callbacks->options;
    const struct httpc_request *request = &delivery->request;
    struct callback_outcome *outcome = &delivery->outcome;
    peer_note(delivery->peer, !is_success(request) && is_peer_down(request), clock_mono_us());
    if (is_success(request)) {
        outcome->error = "";
        end(delivery, CALLBACK_DELIVERED);
        return;
    }
    uint64_t chance = 0;
    random_bytes(&chance, sizeof chance);
    outcome->next_attempt_us =
        clock_now_us() +
        callback_backoff_ms(options->backoff_ms, outcome->attempts, chance) * US_PER_MS;
    bool is_dead = is_hopeless(request) || outcome->attempts >= options->attempts ||
                   outcome->next_attempt_us > delivery->claim.expires_at_us;
    end(delivery, is_dead ? CALLBACK_DEAD : CALLBACK_WAITING);
}

/* ---- assignments ---- */

static void decide(struct delivery *delivery)
{
    call_init(&delivery->call, delivery->arena, "callback", DECIDE_BUDGET_MS * US_PER_MS);
    delivery->call.who.role = ROLE_SERVICE;
    delivery->call.who.actor_sid = CALLBACK_ACTOR;
    delivery->call.who.account_sid = delivery->claim.account_sid;
    delivery->op.call = &delivery->call;
    delivery->op.workspace_sid = sid_from(str_from(delivery->claim.workspace_sid));
    delivery->op.reply = SHARD_REPLY_NONE;
    delivery->op.done = on_decided;
    delivery->op.is_refused = false;
    delivery->op.code = ERR_OK;
    err_clear(&delivery->op.err);
    delivery->step = DELIVERY_DECIDING;
    shell_submit(delivery->callbacks->options.shell, &delivery->op);
}

static void start_deciding(struct delivery *delivery, enum engine_command_kind kind,
                           struct engine_action action)
{
    delivery->give_up_mono_us = clock_mono_us() + DECIDE_PATIENCE_MS * US_PER_MS;
    action.sid = sid_from(str_from(delivery->claim.reservation_sid));
    action.workspace_sid = sid_from(str_from(delivery->claim.workspace_sid));
    delivery->op.command.kind = kind;
    delivery->op.command.action = action;
    decide(delivery);
}

static void note_alert(struct delivery *delivery, int64_t code, const char *words)
{
    const char *copy = arena_strdup(delivery->arena, words);
    delivery->outcome.alert_code = code;
    delivery->outcome.alert = copy == NULL ? "" : copy;
    LOG_WARN(NULL, "the answer to an assignment callback was not carried out",
             LOG_STR("callback_sid", delivery->claim.sid),
             LOG_STR("reservation_sid", delivery->claim.reservation_sid),
             LOG_I64("alert_code", code), LOG_STR("alert", words));
}

static void take_answer(struct delivery *delivery)
{
    struct err err = {0};
    struct callback_answer answer;
    const struct httpc_request *request = &delivery->request;
    struct str body = str_trim(buf_str(&request->reply));
    if (callback_answer_read(delivery->arena, str_from(request->content_type), body, &answer,
                             &err) != ERR_OK) {
        note_alert(delivery, 40001, err.detail);
        end(delivery, CALLBACK_DELIVERED);
        return;
    }
    delivery->outcome.error = "";
    if (answer.kind == CALLBACK_ANSWER_INSTRUCTION) {
        delivery->outcome.instruction = answer.instruction.ptr;
        start_deciding(
            delivery, ENGINE_INSTRUCT_RESERVATION,
            (struct engine_action){.instruction = answer.instruction, .instruction_data = body});
        return;
    }
    if (answer.kind == CALLBACK_ANSWER_WARNING)
        note_alert(delivery, answer.alert_code, answer.alert);
    end(delivery, CALLBACK_DELIVERED);
}

static void end_assignment(struct delivery *delivery)
{
    const struct httpc_request *request = &delivery->request;
    if (request->outcome == HTTPC_ANSWERED && request->status == HTTP_OK) {
        take_answer(delivery);
        return;
    }
    if (!delivery->uses_fallback && delivery->claim.fallback_url[0] != '\0') {
        delivery->uses_fallback = true;
        send_to(delivery, delivery->claim.fallback_url);
        return;
    }
    start_deciding(delivery, ENGINE_CANCEL_RESERVATION,
                   (struct engine_action){.reason = STR("Assignment callback failed")});
}

static bool is_for_later(enum err_code code)
{
    return code == ERR_UNAVAILABLE || code == ERR_RESOURCE_EXHAUSTED || code == ERR_ABORTED ||
           code == ERR_DEADLINE_EXCEEDED;
}

/* The shard has answered. */
static void take_decision(struct delivery *delivery)
{
    const struct shard_op *op = &delivery->op;
    bool is_cancel = op->command.kind == ENGINE_CANCEL_RESERVATION;
    if (is_for_later(op->code)) {
        int64_t now = clock_mono_us();
        delivery->retry_mono_us = now + DECIDE_RETRY_MS * US_PER_MS;
        delivery->step = DELIVERY_WAITING;
        if (now > delivery->give_up_mono_us)
            put_back(delivery, DECIDE_RETRY_MS);
        return;
    }
    if (is_cancel && op->code == ERR_OK)
        note_alert(delivery, 0, "nobody answered the assignment callback: reservation canceled");
    else if (op->code != ERR_OK)
        note_alert(delivery, instruction_code(op->err.reason), op->err.detail);
    end(delivery, is_cancel ? CALLBACK_DEAD : CALLBACK_DELIVERED);
}

/* ---- the way of a delivery ---- */

static void take_reply(struct delivery *delivery)
{
    if (delivery->request.outcome == HTTPC_ABORTED) {
        put_back(delivery, 0);
        return;
    }
    note_answer(delivery);
    if (delivery->claim.is_assignment)
        end_assignment(delivery);
    else
        end_event(delivery);
}

void delivery_go_on(struct delivery *delivery)
{
    switch (delivery->step) {
    case DELIVERY_SENDING:
        take_reply(delivery);
        return;
    case DELIVERY_DECIDING:
        take_decision(delivery);
        return;
    case DELIVERY_WAITING:
        decide(delivery);
        return;
    case DELIVERY_NONE:
    case DELIVERY_ENDED:
        return;
    }
}

int64_t delivery_next_mono_us(const struct callbacks *callbacks)
{
    int64_t next = INT64_MAX;
    for (const struct list_node *node = callbacks->active.head.next;
         node != &callbacks->active.head; node = node->next) {
        const struct delivery *delivery =
            (const struct delivery *)(const void *)((const char *)node -
                                                    offsetof(struct delivery, node));
        if (delivery->step == DELIVERY_WAITING && delivery->retry_mono_us < next)
            next = delivery->retry_mono_us;
    }
    return next;
}

/* ---- claiming ---- */

static const char *keep(struct arena *arena, const char *text)
{
    const char *copy = arena_strdup(arena, text);
    INVARIANT(copy != NULL); /* bounded by what one claim may hold */
    return copy;
}

static void start(struct callbacks *callbacks, const struct callback_shard *shard,
                  const struct callback_claim *claim)
{
    struct delivery *delivery = xcalloc(1, sizeof *delivery);
    struct arena *arena = arena_new(DELIVERY_ARENA_BYTES);
    struct err err = {0};
    *delivery = (struct delivery){
        .callbacks = callbacks,
        .arena = arena,
        .claim = *claim,
        .shard = shard->index,
        .outcome = {.attempts = claim->attempts,
                    .url = "",
                    .error = "",
                    .body = "",
                    .instruction = "",
                    .alert = ""}
    };
    buf_init(&delivery->request.reply, 0);
    delivery->claim.sid = keep(arena, claim->sid);
    delivery->claim.account_sid = keep(arena, claim->account_sid);
    delivery->claim.workspace_sid = keep(arena, claim->workspace_sid);
    delivery->claim.reservation_sid = keep(arena, claim->reservation_sid);
    delivery->claim.event_type = keep(arena, claim->event_type);
    delivery->claim.object_key = keep(arena, claim->object_key);
    delivery->claim.url = keep(arena, claim->url);
    delivery->claim.fallback_url = keep(arena, claim->fallback_url);
    delivery->peer =
        peer_get(callbacks, claim->is_assignment ? CALLBACK_KIND_ASSIGNMENT : CALLBACK_KIND_EVENT,
                 claim->url);
    if (delivery->peer != NULL)
        delivery->peer->in_flight++;
    callbacks->active_count++;
    if (!claim->is_assignment)
        callbacks->active_events++;
    list_append(&callbacks->active, &delivery->node);
    if (claim->is_assignment && !claim->is_offer_open) {
        delivery->outcome.error = "the reservation was no longer pending";
        end(delivery, CALLBACK_DROPPED);
        return;
    }
    if (callback_params_read(arena, claim->parameters, &delivery->params, &delivery->param_count,
                             &err) != ERR_OK) {
        delivery->outcome.error = keep(arena, err.detail);
        end(delivery, CALLBACK_DEAD);
        return;
    }
    send_to(delivery, delivery->claim.url);
}

/* Events leave a part of the transfers to assignments, which cannot wait. */
static int64_t room_for(const struct callbacks *callbacks, bool is_assignment)
{
    int64_t all = callbacks->options.transfers;
    int64_t left = all - (int64_t)callbacks->active_count;
    int64_t for_events = all - all / 4 - (int64_t)callbacks->active_events;
    if (!is_assignment && for_events < left)
        left = for_events;
    return left < 0 ? 0 : left;
}

/* Fills the room of each that may be claimed now, moves those to the front and counts them. */
static size_t plan(struct callbacks *callbacks, struct callback_shard *shard,
                   struct callback_due *due, size_t count)
{
    int64_t now_us = clock_now_us();
    int64_t now_mono = clock_mono_us();
    int64_t planned = 0;
    int64_t next = INT64_MAX;
    size_t ready = 0;
    for (size_t i = 0; i < count; i++) {
        struct callback_peer *peer = peer_get(callbacks, due[i].kind, due[i].url);
        if (peer == NULL)
            break;
        bool is_assignment = strcmp(due[i].kind, CALLBACK_KIND_ASSIGNMENT) == 0;
        int64_t room = peer_room(callbacks, peer, now_mono);
        int64_t left = room_for(callbacks, is_assignment) - planned;
        int64_t closed_until = peer->closed_until_mono_us;
        peer_release(callbacks, peer);
        if (due[i].next_attempt_us > now_us) {
            int64_t at = now_mono + due[i].next_attempt_us - now_us;
            next = at < next ? at : next;
            continue;
        }
        if (closed_until > now_mono && closed_until < next)
            next = closed_until;
        due[i].room = room < left ? room : left;
        if (due[i].room <= 0)
            continue;
        planned += due[i].room;
        due[ready++] = due[i];
    }
    shard->due_mono_us = next;
    return ready;
}

enum err_code delivery_claim(struct callbacks *callbacks, struct callback_shard *shard,
                             struct call *call, struct err *err)
{
    struct callback_due *due = NULL;
    struct callback_claim *claims = NULL;
    size_t count = 0;
    size_t claimed = 0;
    enum err_code code = callback_store_due(callbacks->conn, call, shard->index, &due, &count, err);
    if (code != ERR_OK)
        return code;
    count = plan(callbacks, shard, due, count);
    if (count == 0)
        return ERR_OK;
    code = callback_store_claim(callbacks->conn, call, shard->index, due, count, clock_now_us(),
                                callbacks->options.instance, &claims, &claimed, err);
    for (size_t i = 0; i < claimed && code == ERR_OK; i++)
        start(callbacks, shard, &claims[i]);
    if (claimed > 0) /* there may be more, or the next attempts come later: look again */
        shard->due_mono_us = 0;
    return code;
}

/* ---- recording ---- */

static void forget_ended(struct callbacks *callbacks)
{
    while (!list_is_empty(&callbacks->ended)) {
        struct delivery *delivery = CONTAINER_OF(callbacks->ended.head.next, struct delivery, node);
        callback_metrics_sent(delivery->claim.is_assignment, delivery->outcome.state,
                              delivery->outcome.took_ms * US_PER_MS);
        callbacks->shards[delivery->shard].due_mono_us = 0;
        delivery_free(delivery);
    }
}

enum err_code delivery_record(struct callbacks *callbacks, struct call *call, struct err *err)
{
    size_t count = 0;
    if (list_is_empty(&callbacks->ended))
        return ERR_OK;
    struct callback_outcome *outcomes =
        ARENA_ARRAY(call->arena, struct callback_outcome, callbacks->active_count);
    if (outcomes == NULL)
        return call_no_room(err);
    for (struct list_node *node = callbacks->ended.head.next; node != &callbacks->ended.head;
         node = node->next)
        outcomes[count++] = CONTAINER_OF(node, struct delivery, node)->outcome;
    enum err_code code = callback_store_record(callbacks->conn, call, callbacks->options.instance,
                                               outcomes, count, clock_now_us(), err);
    if (code == ERR_OK)
        forget_ended(callbacks);
    return code;
}
