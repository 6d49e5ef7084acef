#include "customers.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "customer_provider.h"
#include "customer_store.h"
#include "gateway.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "rpc/client.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum {
    LAST_PROVIDER_MS = 50, /* of the budget, kept for those who come after a slow one */
};

/* Asked in this order, until one knows. */
static const struct customer_provider *const providers[] = {&customer_quickbase, &customer_table};

struct customers {
    struct gateway *gateway;
    void *ctx[ARRAY_LEN(providers)]; /* NULL: not configured */
};

static const struct metric_def lookups_def = {
    .name = "taskrouter_customer_lookups_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Look-ups of customers by phone, by provider and outcome",
    .labels = {"provider", "outcome"},
};

/* ---- life ---- */

enum err_code customers_check(const struct gateway_settings *settings, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(providers) && code == ERR_OK; i++) {
        if (providers[i]->check != NULL)
            code = providers[i]->check(settings, err);
    }
    return code;
}

enum err_code customers_new(struct gateway *gateway, struct customers **out, struct err *err)
{
    struct customers *customers = xcalloc(1, sizeof *customers);
    customers->gateway = gateway;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(providers) && code == ERR_OK; i++)
        code = providers[i]->open(gateway, &customers->ctx[i], err);
    if (code == ERR_OK)
        *out = customers;
    else
        customers_free(customers);
    return code;
}

void customers_free(struct customers *customers)
{
    if (customers == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
        if (customers->ctx[i] != NULL)
            providers[i]->close(customers->ctx[i]);
    }
    free(customers);
}

/* ---- who has the number ---- */

/* The same call with less time. */
static struct call within(const struct call *call, int64_t until_mono_us)
{
    struct call part = *call;
    if (part.deadline_mono_us == 0 || part.deadline_mono_us > until_mono_us)
        part.deadline_mono_us = until_mono_us;
    return part;
}

/* Keeps what was said first: that is the provider that was meant to know. */
static void note_problem(struct call *call, const char *provider, const struct err *err,
                         struct customer_lookup *out)
{
    LOG_WARN(call, "customers could not be asked, going on without", LOG_STR("provider", provider),
             LOG_ERR(err));
    if (out->problem[0] != '\0')
        return;
    const char *text = arena_printf(call->arena, "%s: %s", provider, err->detail);
    out->problem = text != NULL ? text : "there is no room for the answer";
}

/* True when this provider knows. */
static bool ask(struct customers *customers, size_t index, struct call *call, int64_t until_us,
                const char *account_sid, const struct phone *phone, struct customer_lookup *out)
{
    const struct customer_provider *provider = providers[index];
    struct call part = within(call, until_us);
    struct customer_answer *answer = ARENA_NEW(call->arena, struct customer_answer);
    struct err err = {0};
    enum err_code code = answer == NULL ? call_no_room(&err)
                                        : provider->look_up(customers->ctx[index], &part,
                                                            account_sid, phone, answer, &err);
    const char *outcome = code != ERR_OK ? "failed" : answer->is_found ? "found" : "nobody";
    metric_inc(METRIC_SERIES(metric_register(&lookups_def), provider->name, outcome));
    out->provider = provider->name;
    if (code != ERR_OK) {
        note_problem(call, provider->name, &err, out);
        return false;
    }
    out->is_from_cache = answer->is_from_cache;
    if (answer->is_found)
        out->customer = &answer->customer;
    return answer->is_found;
}

void customers_look_up(struct customers *customers, struct call *call, const char *account_sid,
                       struct str text, struct customer_lookup *out)
{
    struct phone phone;
    int64_t until_us = clock_mono_us() + CUSTOMERS_BUDGET_MS * US_PER_MS;
    *out = (struct customer_lookup){.provider = "", .problem = ""};
    if (phone_parse(text, customers->gateway->settings->phone_region, &phone) != PHONE_NUMBER)
        return;
    for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
        bool is_last = i + 1 == ARRAY_LEN(providers);
        if (customers->ctx[i] == NULL || !providers[i]->serves(customers->ctx[i], account_sid))
            continue;
        int64_t reserve_us = is_last ? 0 : LAST_PROVIDER_MS * US_PER_MS;
        if (ask(customers, i, call, until_us - reserve_us, account_sid, &phone, out))
            return;
    }
}

/* ---- who looks after a customer ---- */

static enum err_code find_worker(struct customers *customers, struct call *call,
                                 const char *workspace_sid, const char *user_sid,
                                 char out_worker_sid[SID_SIZE], struct err *err)
{
    Taskrouter__Workers__V1__ListWorkersRequest request;
    Taskrouter__Workers__V1__ListWorkersResponse *reply = NULL;
    taskrouter__workers__v1__list_workers_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.user_sid = arena_strdup(call->arena, user_sid);
    request.page_size = 1;
    if (request.workspace_sid == NULL || request.user_sid == NULL)
        return call_no_room(err);
    enum err_code code = RPC_CALL(customers->gateway->host.as_service[PEER_WORKERS], call,
                                  "/taskrouter.workers.v1.Workers/ListWorkers", &request.base,
                                  taskrouter__workers__v1__list_workers_response, &reply, err);
    if (code == ERR_OK && reply->n_items > 0) {
        struct sid sid = sid_from(str_from(reply->items[0]->sid));
        memcpy(out_worker_sid, sid.text, SID_SIZE);
    }
    return code;
}

void customers_coordinator(struct customers *customers, struct call *call, const char *account_sid,
                           const char *workspace_sid, const struct customer *customer,
                           char out_worker_sid[SID_SIZE])
{
    out_worker_sid[0] = '\0';
    if (customer == NULL || workspace_sid[0] == '\0' ||
        (customer->coordinator_email[0] == '\0' && customer->coordinator_quickbase_id[0] == '\0'))
        return;
    struct err err = {0};
    struct call part = within(call, clock_mono_us() + CUSTOMERS_BUDGET_MS * US_PER_MS);
    const char *user_sid = "";
    enum err_code code = customer_store_coordinator(
        customers->gateway->host.pool, &part, account_sid, customer->coordinator_email,
        customer->coordinator_quickbase_id, &user_sid, &err);
    if (code == ERR_OK && user_sid[0] != '\0')
        code = find_worker(customers, &part, workspace_sid, user_sid, out_worker_sid, &err);
    if (code != ERR_OK)
        LOG_WARN(call, "a caller's coordinator was not found, going on without", LOG_ERR(&err));
}

/* ---- caller.* ---- */

static void put_known(struct jx_writer *w, const struct customer *c, json_t *seen)
{
    const struct {
        const char *name;
        const char *value;
    } texts[] = {
        {"sid",                      c->sid                     },
        {"external_id",              c->external_id             },
        {"name",                     c->name                    },
        {"email",                    c->email                   },
        {"organization",             c->organization            },
        {"customer_type",            c->customer_type           },
        {"project_status",           c->project_status          },
        {"department",               c->department              },
        {"coordinator_email",        c->coordinator_email       },
        {"coordinator_quickbase_id", c->coordinator_quickbase_id},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        /* Its own fields are never an attribute's, also where they are empty. */
        (void)json_object_del(seen, texts[i].name);
        if (texts[i].value[0] != '\0')
            jx_put_text(w, texts[i].name, texts[i].value);
    }
}

const char *customers_facts(struct arena *arena, const struct customer *customer, const char *phone)
{
    struct buf text;
    struct jx_writer w;
    AUTO(jx_cleanup) json_t *more = NULL;
    const char *key = NULL;
    json_t *value = NULL;
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_object_begin(&w);
    jx_put_text(&w, "phone", phone);
    if (customer != NULL &&
        jx_parse_object(str_from(customer->attributes), NULL, &more, NULL) == ERR_OK) {
        (void)json_object_del(more, "phone");
        put_known(&w, customer, more);
        json_object_foreach(more, key, value)
        {
            jx_key(&w, key);
            jx_value(&w, value);
        }
    }
    jx_object_end(&w);
    const char *copy =
        jx_writer_finish(&w, NULL) == ERR_OK ? arena_str_dup(arena, buf_str(&text)) : NULL;
    buf_fini(&text);
    return copy;
}
