#include <string.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/ids.h"
#include "db/idempotency.h"
#include "intent_store.h"
#include "log/log.h"
#include "message_fields.h"
#include "mirror.h"
#include "rpc/pb.h"
#include "writes_int.h"

enum {
    TWIN_TICK_US = 250 * 1000,  /* a twin in another process cannot wake us */
    LOOK_LEFT_US = 400 * 1000,  /* less is too little for a look */
    TURN_LEFT_US = 1000 * 1000, /* less is too little for a write that has waited for its turn */
    WAIT_STORE_MS = 1000,       /* before what could not be stored is tried again */
};

static struct db_pool *pool(const struct write *w)
{
    return w->writes->options.host->pool;
}

struct call write_book(const struct write *w)
{
    struct call call = *w->call;
    int64_t until_us = clock_mono_us() + BOOK_MS * US_PER_MS;
    if (call.deadline_mono_us < until_us)
        call.deadline_mono_us = until_us;
    return call;
}

static void wake_twins(struct writes *writes)
{
    lock_take(&writes->lock);
    cond_broadcast(&writes->changed);
    lock_drop(&writes->lock);
}

static void release(struct write *w, const char *detail, int64_t wait_ms)
{
    struct call book = write_book(w);
    struct err err = {.code = ERR_OK};
    if (intent_store_release(pool(w), &book, &w->intent, detail, wait_ms, &err) != ERR_OK)
        writes_leave(w->writes, w->call, &w->intent, &err);
    wake_twins(w->writes);
    if (wait_ms == 0 && w->writes->recovery != NULL)
        app_job_wake(w->writes->recovery);
}

static void remove_record(struct write *w)
{
    struct call book = write_book(w);
    struct err err = {.code = ERR_OK};
    if (intent_store_remove(pool(w), &book, &w->intent, &err) != ERR_OK)
        writes_leave(w->writes, w->call, &w->intent, &err);
    wake_twins(w->writes);
}

static enum err_code store_settled(struct write *w, enum intent_state state, const char *detail,
                                   const ProtobufCMessage *reply, struct err *err)
{
    struct call book = write_book(w);
    struct str bytes = {NULL, 0};
    if (reply != NULL && w->key[0] != '\0') {
        uint8_t *packed = arena_alloc(w->call->arena, protobuf_c_message_get_packed_size(reply));
        if (packed == NULL)
            return call_no_room(err);
        bytes = (struct str){(const char *)packed, protobuf_c_message_pack(reply, packed)};
    }
    return intent_store_settle(pool(w), &book, &w->intent, state, detail, bytes, err);
}

static enum err_code settle(struct write *w, enum intent_state state, const char *detail,
                            const ProtobufCMessage *reply, struct err *err)
{
    enum err_code code = store_settled(w, state, detail, reply, err);
    if (code != ERR_OK)
        writes_leave(w->writes, w->call, &w->intent, err);
    wake_twins(w->writes);
    return code;
}

/* It is done, whether that can be written down now or not. */
static void settle_as_done(struct write *w, const char *detail, const ProtobufCMessage *reply)
{
    struct err err = {.code = ERR_OK};
    (void)(settle(w, INTENT_DONE, detail, reply, &err) == ERR_OK);
}

/* ---- what was carried out ---- */

/* The SID is kept at once, so that nobody has to look for it. That another create has taken it for
 * its own can be only where two cannot be told apart. */
static enum err_code note_answer(struct write *w, bool is_found, struct err *err)
{
    struct call book = write_book(w);
    struct err why = {.code = ERR_OK};
    enum err_code code = intent_store_answered(pool(w), &book, &w->intent, w->sid, &why);
    if (code == ERR_OK) {
        w->intent.state = INTENT_ANSWERED;
        w->intent.resource_sid = w->sid;
        return ERR_OK;
    }
    if (code == ERR_ALREADY_EXISTS && !is_found)
        return ERR_OK;
    *err = why;
    return code;
}

/* From Twilio's answer to ours. What is known by now stays known whatever fails. */
static enum err_code finish(struct write *w, ProtobufCMessage **out_reply, struct err *err)
{
    enum err_code code = write_keep(w, err);
    if (code == ERR_OK)
        code = write_reply(w, out_reply, err);
    if (code == ERR_NOT_FOUND) {
        settle_as_done(w, err->detail, NULL);
        return code;
    }
    if (code != ERR_OK) {
        release(w, err->detail, WAIT_STORE_MS);
        return code;
    }
    settle_as_done(w, "", *out_reply);
    writes_count("done");
    return ERR_OK;
}

/* ---- what may have been carried out ---- */

static enum err_code fail_unknown(struct write *w, struct err *err)
{
    struct err why = *err;
    release(w, why.detail, INTENT_LOOK_FIRST_MS);
    writes_count("unknown");
    return ERR_SET(err, ERR_UNAVAILABLE, "OUTCOME_UNKNOWN",
                   "Twilio did not answer, and whether it has carried this out is being looked "
                   "into; look, or repeat it with the same idempotency key: %s",
                   why.detail);
}

/* A first look, while the caller still waits. */
static bool is_found_at_once(struct write *w)
{
    enum write_seen seen = WRITE_SEEN_NOT;
    struct err err = {.code = ERR_OK};
    if (call_left_us(w->call) < LOOK_LEFT_US)
        return false;
    if (write_look(w, &seen, &err) != ERR_OK || seen != WRITE_SEEN_DONE)
        return false;
    return note_answer(w, true, &err) == ERR_OK;
}

static enum err_code fail_under_way(struct err *err)
{
    return ERR_SET(err, ERR_UNAVAILABLE, "WRITE_UNDER_WAY",
                   "the first request with this idempotency key has not ended yet; try again");
}

/* It is not to be sent now, as *err says. When it may have been carried out already, that may be
 * why: then what is at Twilio decides, or nobody knows yet. */
static enum err_code hold_back(struct write *w, ProtobufCMessage **out_reply, struct err *err)
{
    enum write_seen seen = WRITE_SEEN_NOT;
    struct err why = *err;
    struct intent earlier = w->intent;
    earlier.sent_at_us = w->told_at_us;
    if (!w->is_again) {
        remove_record(w);
        writes_count("refused");
        return why.code;
    }
    err_clear(err);
    enum err_code code = write_look(w, &seen, err);
    if (code == ERR_OK && seen == WRITE_SEEN_DONE) {
        writes_count("found");
        return finish(w, out_reply, err);
    }
    if (code == ERR_OK &&
        intent_is_settled(&earlier, w->writes->options.settle_ms, clock_now_us())) {
        remove_record(w);
        writes_count("refused");
        *err = why;
        return why.code;
    }
    release(w, why.detail, INTENT_LOOK_FIRST_MS);
    return fail_under_way(err);
}

static enum err_code carry_out(struct write *w, ProtobufCMessage **out_reply, struct err *err)
{
    bool is_unsure = false;
    enum err_code code = write_check_expected(w, err);
    if (code != ERR_OK)
        return hold_back(w, out_reply, err);
    code = write_tell(w, &is_unsure, err);
    if (code == ERR_OK) {
        code = w->op->kind == WRITE_CREATE ? note_answer(w, false, err) : ERR_OK;
        if (code != ERR_OK)
            return fail_unknown(w, err);
        return finish(w, out_reply, err);
    }
    if (is_unsure) {
        if (is_found_at_once(w)) {
            writes_count("found");
            err_clear(err);
            return finish(w, out_reply, err);
        }
        return fail_unknown(w, err);
    }
    if (w->is_gone && code == ERR_NOT_FOUND)
        write_vanish(w);
    remove_record(w);
    writes_count("refused");
    return code;
}

/* ---- looking later ---- */

/* It was seen that Twilio has not done it. What is there instead is stored as well. */
static enum err_code settle_undone(struct write *w, enum intent_state *out_state, struct err *err)
{
    struct err why = {.code = ERR_OK};
    if (w->op->kind != WRITE_CREATE && write_keep(w, &why) != ERR_OK) {
        release(w, why.detail, intent_wait_ms(w->intent.looks));
        return ERR_OK;
    }
    if (!intent_is_settled(&w->intent, w->writes->options.settle_ms, clock_now_us())) {
        release(w, "not to be seen yet", intent_wait_ms(w->intent.looks));
        return ERR_OK;
    }
    *out_state = INTENT_UNDONE;
    writes_count("undone");
    return settle(w, INTENT_UNDONE, "Twilio has not carried it out", NULL, err);
}

static enum err_code settle_done(struct write *w, enum intent_state *out_state,
                                 ProtobufCMessage **out_reply, struct err *err)
{
    if (w->intent.state != INTENT_ANSWERED) {
        enum err_code code = note_answer(w, true, err);
        if (code != ERR_OK) {
            release(w, err->detail, intent_wait_ms(w->intent.looks));
            return code == ERR_ALREADY_EXISTS ? ERR_OK : code;
        }
        writes_count("found");
    }
    enum err_code code = finish(w, out_reply, err);
    if (code == ERR_OK || code == ERR_NOT_FOUND)
        *out_state = INTENT_DONE;
    return code;
}

static enum err_code settle_failed(struct write *w, const struct err *why,
                                   enum intent_state *out_state, struct err *err)
{
    struct err looked = *why;
    if (!intent_is_past_hope(&w->intent, clock_now_us())) {
        release(w, looked.detail, intent_wait_ms(w->intent.looks));
        *err = looked;
        return looked.code;
    }
    *out_state = INTENT_GIVEN_UP;
    writes_count("given_up");
    LOG_ERROR(
        w->call, "what Twilio did about a write could not be found out; see taskrouter writes",
        LOG_STR("intent", w->intent.sid), LOG_STR("method", w->intent.method), LOG_ERR(&looked));
    return settle(w, INTENT_GIVEN_UP, looked.detail, NULL, err);
}

enum err_code write_settle(struct write *w, enum intent_state *out_state,
                           ProtobufCMessage **out_reply, struct err *err)
{
    enum write_seen seen = WRITE_SEEN_DONE;
    struct err why = {.code = ERR_OK};
    *out_state = INTENT_OPEN;
    *out_reply = NULL;
    enum err_code code = w->intent.state == INTENT_ANSWERED && w->op->kind != WRITE_DELETE
                             ? write_fetch(w, &why)
                             : write_look(w, &seen, &why);
    if (code != ERR_OK)
        return settle_failed(w, &why, out_state, err);
    if (seen == WRITE_SEEN_BUSY) {
        release(w, "the same is under way", INTENT_LOOK_FIRST_MS);
        return ERR_OK;
    }
    return seen == WRITE_SEEN_DONE ? settle_done(w, out_state, out_reply, err)
                                   : settle_undone(w, out_state, err);
}

/* ---- the record ---- */

static enum err_code fail_reused(struct err *err)
{
    return ERR_FIELD(err, ERR_ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED", "idempotency_key",
                     "this idempotency key was used for another request; use a new one");
}

static void intent_fill(struct write *w, const char *sid)
{
    w->intent = (struct intent){
        .sid = sid,
        .account_sid = w->account_sid,
        .workspace_sid = w->workspace_sid,
        .method = w->op->rpc,
        .key = w->key,
        .request_hash = w->hash.text,
        .request = w->packed,
        .parent_sid = w->parent_sid,
        .is_create = w->op->kind == WRITE_CREATE,
        .resource_sid = w->sid,
        .turn_sid = w->turn_sid,
        .holder = w->writes->sid.text,
    };
}

/* Waits until some write here has ended, or a moment: false when no more than so much is left. */
static bool wait_for_twin(const struct write *w, int64_t enough_us)
{
    int64_t now_us = clock_mono_us();
    if (call_left_us(w->call) < enough_us)
        return false;
    lock_take(&w->writes->lock);
    (void)cond_wait_until(&w->writes->changed, &w->writes->lock, now_us + TWIN_TICK_US);
    lock_drop(&w->writes->lock);
    return true;
}

/* Until another write of the same resource has ended. One that expects no version does not wait for
 * what nobody works on: whatever that has done, this comes after it. */
static enum err_code wait_for_turn(const struct write *w, struct err *err)
{
    bool is_free = false;
    enum err_code code = ERR_OK;
    if (!write_expects(w))
        code = intent_store_yield_turn(pool(w), w->call, w->turn_sid, &is_free, err);
    if (code != ERR_OK || is_free || wait_for_twin(w, TURN_LEFT_US))
        return code;
    return ERR_SET(err, ERR_UNAVAILABLE, "WRITE_UNDER_WAY",
                   "another write of %s has not ended yet; try again", w->turn_sid);
}

/* *out_is_new false: something is recorded under the key. */
static enum err_code record(struct write *w, bool *out_is_new, struct err *err)
{
    struct sid sid = sid_new("IN");
    intent_fill(w, arena_strdup(w->call->arena, sid.text));
    if (w->intent.sid == NULL)
        return call_no_room(err);
    for (;;) {
        struct intent known;
        bool is_known = false;
        enum err_code code = writes_beat(w->writes, w->call, err);
        if (code == ERR_OK)
            code = intent_store_insert(pool(w), w->call, &w->intent, out_is_new, err);
        if (code != ERR_OK || *out_is_new)
            return code;
        if (w->key[0] != '\0')
            code = intent_store_by_key(pool(w), w->call, w->account_sid, w->op->rpc, w->key, &known,
                                       &is_known, err);
        if (code != ERR_OK || is_known)
            return code;
        if (w->turn_sid[0] != '\0')
            code = wait_for_turn(w, err);
        if (code != ERR_OK)
            return code;
    }
}

/* ---- the same key again ---- */

static enum err_code first_reply(struct write *w, const struct intent *intent,
                                 ProtobufCMessage **out_reply, struct err *err)
{
    if (w->op->reply == NULL)
        return ERR_OK;
    if (intent->reply.ptr != NULL)
        return pb_decode(w->call->arena, w->op->reply, intent->reply, out_reply, err);
    w->workspace_sid = intent->workspace_sid;
    w->sid = intent->resource_sid;
    return write_reply(w, out_reply, err);
}

static enum err_code resend(struct write *w, struct err *err)
{
    for (;;) {
        struct err why = {.code = ERR_OK};
        enum err_code code = writes_beat(w->writes, w->call, err);
        if (code != ERR_OK)
            return code;
        code = intent_store_resend(pool(w), w->call, &w->intent, &why);
        if (code == ERR_ALREADY_EXISTS)
            code = wait_for_turn(w, &why);
        else if (code == ERR_OK)
            return ERR_OK;
        if (code != ERR_OK) {
            *err = why;
            return code;
        }
    }
}

/* Sends it (again): of what was not carried out, or may be carried out twice. */
static enum err_code send_again(struct write *w, const struct intent *held,
                                ProtobufCMessage **out_reply, struct err *err)
{
    w->intent = *held;
    w->told_at_us = held->sent_at_us;
    enum err_code code = write_prepare(w, err);
    if (code != ERR_OK)
        return hold_back(w, out_reply, err);
    struct intent known = *held;
    intent_fill(w, known.sid);
    w->intent.epoch = known.epoch;
    w->intent.created_at_us = known.created_at_us;
    w->intent.hope_from_us = known.hope_from_us;
    w->intent.sent_at_us = clock_now_us();
    w->intent.state = INTENT_OPEN;
    code = resend(w, err);
    if (code == ERR_OK)
        return carry_out(w, out_reply, err);
    struct err why = *err;
    release(w, why.detail, INTENT_LOOK_FIRST_MS);
    return code;
}

static enum err_code recall(struct write *w, const struct intent *held, struct err *err)
{
    enum err_code code = write_recall(w, held, err);
    if (code != ERR_OK) {
        struct err why = *err;
        release(w, why.detail, INTENT_LOOK_LONGEST_MS);
    }
    return code;
}

/* Of what may be carried out twice: whoever sent it before us may have had no time to hear that it
 * was. */
static enum err_code look_and_send(struct write *w, const struct intent *held,
                                   ProtobufCMessage **out_reply, struct err *err)
{
    ProtobufCMessage *request = w->request;
    enum write_seen seen = WRITE_SEEN_NOT;
    enum intent_state state = INTENT_OPEN;
    struct err why = {.code = ERR_OK};
    enum err_code code = recall(w, held, err);
    if (code != ERR_OK)
        return code;
    if (write_look(w, &seen, &why) != ERR_OK) {
        code = settle_failed(w, &why, &state, err);
        return code == ERR_OK ? fail_under_way(err) : code;
    }
    if (seen == WRITE_SEEN_DONE)
        return settle_done(w, &state, out_reply, err);
    w->request = request;
    w->resource = NULL;
    w->is_gone = false;
    w->is_again = true;
    return send_again(w, held, out_reply, err);
}

static enum err_code take_up(struct write *w, const struct intent *held,
                             ProtobufCMessage **out_reply, struct err *err)
{
    ProtobufCMessage *request = w->request;
    enum intent_state state = INTENT_UNDONE;
    if (held->state == INTENT_UNDONE)
        return send_again(w, held, out_reply, err);
    if (held->state == INTENT_OPEN && w->op->kind != WRITE_CREATE && !w->op->is_once)
        return look_and_send(w, held, out_reply, err);
    enum err_code code = recall(w, held, err);
    if (code == ERR_OK)
        code = write_settle(w, &state, out_reply, err);
    if (code != ERR_OK || state == INTENT_DONE)
        return code;
    if (state == INTENT_OPEN)
        return fail_under_way(err);
    /* it is settled as undone, and its key is free again */
    struct intent again;
    bool is_taken = false;
    code = intent_store_claim(pool(w), w->call, held->sid, w->writes->sid.text, &again, &is_taken,
                              err);
    if (code != ERR_OK || !is_taken)
        return code != ERR_OK ? code : fail_under_way(err);
    w->request = request;
    return send_again(w, &again, out_reply, err);
}

/* *out_is_known false: nothing is recorded under the key. */
static enum err_code run_known(struct write *w, bool *out_is_known, ProtobufCMessage **out_reply,
                               struct err *err)
{
    for (;;) {
        struct intent intent;
        struct intent held;
        bool is_taken = false;
        enum err_code code = intent_store_by_key(pool(w), w->call, w->account_sid, w->op->rpc,
                                                 w->key, &intent, out_is_known, err);
        if (code != ERR_OK || !*out_is_known)
            return code;
        if (strcmp(intent.request_hash, w->hash.text) != 0)
            return fail_reused(err);
        if (intent.state == INTENT_DONE)
            return first_reply(w, &intent, out_reply, err);
        if (intent.state == INTENT_GIVEN_UP)
            return ERR_SET(err, ERR_FAILED_PRECONDITION, "WRITE_GIVEN_UP",
                           "what Twilio did about this could not be found out; look there: %s",
                           intent.detail);
        code = writes_beat(w->writes, w->call, err);
        if (code == ERR_OK)
            code = intent_store_claim(pool(w), w->call, intent.sid, w->writes->sid.text, &held,
                                      &is_taken, err);
        if (code != ERR_OK)
            return code;
        if (is_taken)
            return take_up(w, &held, out_reply, err);
        if (!wait_for_twin(w, TWIN_TICK_US))
            return fail_under_way(err);
    }
}

/* ---- in all ---- */

/* Only our row is concerned: Twilio has nothing to do. */
static enum err_code run_ours(struct write *w, ProtobufCMessage **out_reply, struct err *err)
{
    enum err_code code = write_check_expected(w, err);
    w->observed_at_us = clock_now_us();
    if (code == ERR_OK)
        code = write_row(w, &w->resource, err);
    if (code == ERR_OK)
        code = write_keep(w, err);
    if (code == ERR_OK)
        code = write_reply(w, out_reply, err);
    if (code == ERR_OK)
        settle_as_done(w, "", *out_reply);
    else
        remove_record(w);
    return code;
}

/* Before anything is asked: whose key it is, and what the request is. */
static enum err_code begin(struct write *w, struct err *err)
{
    size_t size = protobuf_c_message_get_packed_size(w->request);
    uint8_t *bytes = arena_alloc(w->call->arena, size);
    if (bytes == NULL)
        return call_no_room(err);
    (void)protobuf_c_message_pack(w->request, bytes);
    w->hash = sid_derive("RH", str_from(w->op->rpc), (struct str){(const char *)bytes, size});
    w->key = field_text(w->request, "idempotency_key");
    w->account_sid = w->call->who.account_sid;
    if (w->account_sid[0] == '\0' && w->writes->options.account_sid != NULL)
        w->account_sid = w->writes->options.account_sid; /* one of our services */
    if (strlen(w->key) > IDEMPOTENCY_KEY_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_INVALID", "idempotency_key",
                         "the idempotency key must be text of at most %d bytes",
                         IDEMPOTENCY_KEY_MAX);
    return ERR_OK;
}

enum err_code write_run(struct write *w, ProtobufCMessage **out_reply, struct err *err)
{
    bool is_known = false;
    bool is_new = true;
    *out_reply = NULL;
    enum err_code code = begin(w, err);
    if (code == ERR_OK && w->key[0] != '\0')
        code = run_known(w, &is_known, out_reply, err);
    if (code != ERR_OK || is_known)
        return code;
    code = write_prepare(w, err);
    while (code == ERR_OK) {
        code = record(w, &is_new, err);
        if (code == ERR_OK && !is_new)
            code = run_known(w, &is_known, out_reply, err);
        if (code != ERR_OK || is_known)
            return code;
        if (is_new)
            return write_is_ours(w->op, &w->form) ? run_ours(w, out_reply, err)
                                                  : carry_out(w, out_reply, err);
    }
    return code;
}
