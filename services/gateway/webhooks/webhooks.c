#include "webhooks.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "bridge.h"
#include "calls.h"
#include "consumers.h"
#include "crypt/crypt.h"
#include "gateway.h"
#include "inbox.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "metrics/metrics.h"
#include "rest.h"
#include "webhook_auth.h"
#include "webhook_params.h"

static const struct metric_def received_def = {
    .name = "taskrouter_webhooks_received_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Webhooks of Twilio by what became of them: stored, repeated, failed.",
    .labels = {"kind", "outcome"},
};

struct webhooks {
    struct gateway *gateway;
    struct webhook_auth *auth;
    struct inbox *inbox;
    struct consumers *consumers;
};

static enum err_code apply(void *ctx, struct call *call, const struct webhook_due *row,
                           const struct twilio_param *params, size_t count,
                           const char **out_outcome, struct err *err)
{
    struct gateway *gateway = ctx;
    if (row->kind == WEBHOOK_VOICE_LEG)
        return bridge_apply(gateway->bridge, call, row, params, count, out_outcome, err);
    enum err_code code = calls_apply(gateway->calls, call, row, params, count, out_outcome, err);
    return code == ERR_OK ? bridge_hear_call(gateway->bridge, call, row, params, count, err) : code;
}

enum err_code webhooks_new(struct gateway *gateway, struct webhooks **out, struct err *err)
{
    struct webhook_auth *auth = NULL;
    enum err_code code = webhook_auth_new(gateway, &auth, err);
    if (code != ERR_OK)
        return code;
    struct webhooks *webhooks = xcalloc(1, sizeof *webhooks);
    webhooks->gateway = gateway;
    webhooks->auth = auth;
    webhooks->inbox = inbox_new(gateway->host.pool);
    webhooks->consumers = consumers_new(&(struct consumers_options){
        .pool = gateway->host.pool,
        .sync = gateway->host.as_service[PEER_SYNC],
        .apply = apply,
        .apply_ctx = gateway,
        .count = (int)gateway->settings->webhook_consumers,
        .waiting_max = gateway->settings->webhook_max_waiting,
        .max_age_ms = gateway->settings->webhook_max_age_ms,
        .dead_max_age_ms = gateway->settings->webhook_dead_max_age_ms,
    });
    *out = webhooks;
    return ERR_OK;
}

void webhooks_free(struct webhooks *webhooks)
{
    if (webhooks == NULL)
        return;
    consumers_free(webhooks->consumers);
    inbox_free(webhooks->inbox);
    webhook_auth_free(webhooks->auth);
    free(webhooks);
}

void webhooks_start(struct webhooks *webhooks, struct app *app)
{
    consumers_start(webhooks->consumers, app);
    inbox_start(webhooks->inbox, app);
}

/* ---- answers ---- */

enum err_code webhooks_check_instruction(const char *text, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    if (text == NULL)
        return ERR_OK;
    if (jx_parse_object(str_from(text), NULL, &root, NULL) == ERR_OK &&
        jx_get_text(root, "instruction", "")[0] != '\0')
        return ERR_OK;
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "CONFIG_INVALID",
                   "TASKROUTER_ASSIGNMENT_INSTRUCTION must be a JSON object with the text "
                   "\"instruction\", such as {\"instruction\":\"accept\"}; leave it out to decide "
                   "later, through the API");
}

static struct webhook_answer answer_of(const struct gateway *gateway, enum webhook_kind kind)
{
    const char *instruction = gateway->settings->assignment_instruction;
    switch (kind) {
    case WEBHOOK_ASSIGNMENT: /* an empty body leaves the reservation pending */
        return (struct webhook_answer){200, "application/json",
                                       instruction != NULL ? str_from(instruction) : STR("")};
    default: /* of conversations it is made later */
        return (struct webhook_answer){204, "application/json", STR("")};
    }
}

static void answer_write(struct http_response *res, const struct webhook_answer *answer)
{
    res->status = (int)answer->status;
    buf_str_append(&res->body, answer->body);
    http_set_header(res, "Content-Type", answer->type);
}

/* ---- receiving ---- */

/* What our own URLs say in their query is kept with the parameters: it is signed as well. */
static enum err_code query_add(struct http_request *req, const char *name,
                               struct twilio_param **params, size_t *count, struct err *err)
{
    struct str value = http_query(req, name);
    if (value.ptr == NULL)
        return ERR_OK;
    struct twilio_param *more = ARENA_ARRAY(req->call->arena, struct twilio_param, *count + 1);
    if (more == NULL)
        return call_no_room(err);
    more[0] = (struct twilio_param){str_from(name), value}; /* before what a body may say */
    for (size_t i = 0; i < *count; i++)
        more[i + 1] = (*params)[i];
    *params = more;
    *count += 1;
    return ERR_OK;
}

/* Forms are read before the signature is checked, which is over their parameters; anything else
 * afterwards. */
static enum err_code params_read(struct webhooks *webhooks, struct http_request *req,
                                 struct twilio_param **out, size_t *out_count, struct err *err)
{
    struct http_params form = {NULL, 0};
    bool is_form = req->body.len == 0 || http_has_type(req, "application/x-www-form-urlencoded");
    enum err_code code = is_form ? http_form(req, &form, err) : ERR_OK;
    if (code == ERR_OK)
        code = webhook_params_of_form(&form, req->call->arena, out, out_count, err);
    if (code == ERR_OK)
        code = webhook_auth_check(webhooks->auth, req, *out, *out_count, is_form, err);
    if (code == ERR_OK && !is_form)
        code = webhook_params_of_json(req->body, req->call->arena, out, out_count, err);
    if (code == ERR_OK)
        code = query_add(req, WEBHOOK_TURN, out, out_count, err);
    if (code == ERR_OK)
        code = query_add(req, WEBHOOK_RESERVATION, out, out_count, err);
    return code == ERR_OK ? query_add(req, WEBHOOK_ATTEMPT, out, out_count, err) : code;
}

static enum err_code row_make(const struct gateway *gateway, struct http_request *req,
                              enum webhook_kind kind, const struct twilio_param *params,
                              size_t count, struct webhook_new *row, struct err *err)
{
    struct arena *arena = req->call->arena;
    char hash[CRYPT_SHA256_HEX_SIZE];
    struct sid sid = sid_new("WH");
    *row = (struct webhook_new){
        .sid = arena_strdup(arena, sid.text),
        .kind = kind,
        .received_at_us = clock_now_us(),
        .answer = answer_of(gateway, kind),
    };
    enum err_code code = crypt_sha256_hex(req->body, hash, err);
    if (code == ERR_OK)
        code = webhook_params_write(params, count, arena, &row->parameters, err);
    if (code != ERR_OK)
        return code;
    if (row->sid == NULL ||
        !webhook_facts_read(kind, params, count, http_header(req, "I-Twilio-Idempotency-Token"),
                            hash, arena, &row->facts))
        return call_no_room(err);
    return ERR_OK;
}

/* What is said to a caller is made for the call, unless it was said already. */
static enum err_code answer_make(struct webhooks *webhooks, struct call *call,
                                 const struct twilio_param *params, size_t count,
                                 struct webhook_new *row, struct err *err)
{
    if (!webhook_is_conversation(row->kind))
        return ERR_OK;
    enum err_code code = webhook_store_answer(webhooks->gateway->host.pool, call, row->kind,
                                              row->facts.key, &row->answer, &row->is_repeat, err);
    if (code != ERR_OK || row->is_repeat)
        return code;
    return calls_answer(webhooks->gateway->calls, call, row->kind, params, count, &row->answer,
                        err);
}

/* Stored, or found to be stored with another answer, which then is the one. */
static enum err_code row_put(struct webhooks *webhooks, struct call *call, struct webhook_new *row,
                             struct err *err)
{
    bool is_found = false;
    if (row->is_repeat)
        return ERR_OK;
    enum err_code code = inbox_put(webhooks->inbox, call, row, err);
    if (code == ERR_OK && row->is_repeat && webhook_is_conversation(row->kind))
        code = webhook_store_answer(webhooks->gateway->host.pool, call, row->kind, row->facts.key,
                                    &row->answer, &is_found, err);
    return code;
}

enum err_code webhooks_handle(void *ctx, struct http_request *req, struct http_response *res,
                              struct err *err)
{
    struct gateway *gateway = ctx;
    struct webhooks *webhooks = gateway->webhooks;
    enum webhook_kind kind = rest_row(gateway->rest, req)->webhook;
    struct twilio_param *params = NULL;
    size_t count = 0;
    struct webhook_new row;
    enum err_code code = params_read(webhooks, req, &params, &count, err);
    if (code == ERR_OK)
        code = row_make(gateway, req, kind, params, count, &row, err);
    if (code != ERR_OK)
        return code;
    bool is_full = kind == WEBHOOK_EVENT && !consumers_have_room(webhooks->consumers);
    code = is_full ? ERR_SET(err, ERR_UNAVAILABLE, "INBOX_FULL",
                             "too many events wait to be applied; send it again later")
                   : answer_make(webhooks, req->call, params, count, &row, err);
    if (code == ERR_OK)
        code = row_put(webhooks, req->call, &row, err);
    const char *outcome = is_full          ? "full"
                          : code != ERR_OK ? "failed"
                          : row.is_repeat  ? "repeated"
                                           : "stored";
    metric_inc(METRIC_SERIES(metric_register(&received_def), webhook_kind_name(kind), outcome));
    if (code != ERR_OK)
        return code;
    (void)atomic_fetch_add(&gateway->tally.received, 1);
    if (row.facts.lane[0] != '\0' && !row.is_repeat)
        consumers_wake(webhooks->consumers);
    answer_write(res, &row.answer);
    return ERR_OK;
}
