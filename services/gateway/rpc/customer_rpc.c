#include "customer_rpc.h"

#include <string.h>

#include "base/ids.h"
#include "customer_import.h"
#include "customer_store.h"
#include "customers.h"
#include "gateway.h"
#include "jx/jx.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/page.h"
#include "svc/repeat.h"
#include "svc/wire.h"
#include "taskrouter/directory/v1/calls.pb-c.h"
#include "token_rpc.h"
#include "twilio/phone.h"

#define LIST_TAG "cu"

enum { SEARCH_MAX = 128 };

typedef Taskrouter__Directory__V1__Customer wire_customer;

/* ---- to and from the wire ---- */

static wire_customer *to_wire(struct arena *arena, const struct customer *c)
{
    wire_customer *wire = PB_NEW(arena, taskrouter__directory__v1__customer);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, c->sid);
    wire->account_sid = wire_text(arena, c->account_sid);
    wire->external_id = wire_text(arena, c->external_id);
    wire->name = wire_text(arena, c->name);
    wire->email = wire_text(arena, c->email);
    wire->organization = wire_text(arena, c->organization);
    wire->customer_type = wire_text(arena, c->customer_type);
    wire->project_status = wire_text(arena, c->project_status);
    wire->department = wire_text(arena, c->department);
    wire->coordinator_email = wire_text(arena, c->coordinator_email);
    wire->coordinator_quickbase_id = wire_text(arena, c->coordinator_quickbase_id);
    wire->notes = wire_text(arena, c->notes);
    wire->attributes = wire_text(arena, c->attributes);
    wire->version = c->version;
    wire->date_created = wire_time(arena, c->created_at_us);
    wire->date_updated = wire_time(arena, c->updated_at_us);
    wire->phones = ARENA_ARRAY(arena, char *, c->phone_count);
    for (size_t i = 0; wire->phones != NULL && i < c->phone_count; i++)
        wire->phones[wire->n_phones++] = wire_text(arena, c->phones[i]);
    return arena_is_exhausted(arena) ? NULL : wire;
}

static enum err_code reply_with(struct call *call, const struct customer *customer,
                                wire_customer **out_reply, struct err *err)
{
    *out_reply = to_wire(call->arena, customer);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}

/* Phones to E.164, each once. */
static enum err_code phones_from_wire(const struct gateway *gateway, struct arena *arena,
                                      char *const *given, size_t count, struct customer *out,
                                      struct err *err)
{
    const char **phones = ARENA_ARRAY(arena, const char *, count);
    out->phones = phones;
    out->phone_count = 0;
    if (phones == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        struct phone phone;
        bool is_there = false;
        if (phone_parse(str_from(given[i]), gateway->settings->phone_region, &phone) !=
            PHONE_NUMBER)
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_PHONE", "phones",
                             "\"%.64s\" is no phone number; write it with its country code: "
                             "+15125550100",
                             given[i]);
        for (size_t k = 0; k < out->phone_count && !is_there; k++)
            is_there = strcmp(phones[k], phone.e164) == 0;
        if (is_there)
            continue;
        phones[out->phone_count] = arena_strdup(arena, phone.e164);
        if (phones[out->phone_count++] == NULL)
            return call_no_room(err);
    }
    return ERR_OK;
}

static enum err_code check(struct customer *customer, struct err *err)
{
    customer_defaults(customer);
    enum err_code code = customer_check(customer, err);
    return code == ERR_OK ? jx_check_object_text(str_from(customer->attributes),
                                                 CUSTOMER_ATTRIBUTES_MAX, "attributes", err)
                          : code;
}

/* ---- create ---- */

struct create {
    struct customer customer;
};

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create *create = ctx;
    enum err_code code = customer_store_insert(conn, call, &create->customer, err);
    wire_customer *reply = NULL;
    if (code == ERR_OK)
        code = reply_with(call, &create->customer, &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

static enum err_code rpc_create(void *app, struct call *call,
                                const Taskrouter__Directory__V1__CreateCustomerRequest *request,
                                wire_customer **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    const wire_customer *given = request->customer;
    struct sid sid = sid_new("CU");
    if (given == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "customer",
                         "customer is required");
    struct create create = {
        .customer = {.sid = sid.text,
                     .external_id = given->external_id,
                     .name = given->name,
                     .email = given->email,
                     .organization = given->organization,
                     .customer_type = given->customer_type,
                     .project_status = given->project_status,
                     .department = given->department,
                     .coordinator_email = given->coordinator_email,
                     .coordinator_quickbase_id = given->coordinator_quickbase_id,
                     .notes = given->notes,
                     .attributes = given->attributes},
    };
    enum err_code code = directory_account(call, &create.customer.account_sid, err);
    if (code == ERR_OK)
        code = phones_from_wire(gateway, call->arena, given->phones, given->n_phones,
                                &create.customer, err);
    if (code == ERR_OK)
        code = check(&create.customer, err);
    struct repeat repeat = {
        .method = "CreateCustomer",
        .key = request->idempotency_key,
        .request = &request->base,
        .reply_type = &taskrouter__directory__v1__customer__descriptor,
    };
    ProtobufCMessage *reply = NULL;
    if (code == ERR_OK)
        code = repeat_tx_run(gateway->host.pool, call, &repeat, make, &create, &reply, err);
    if (code == ERR_OK)
        *out_reply = (wire_customer *)(void *)reply;
    return code;
}

/* ---- get, list ---- */

static enum err_code rpc_get(void *app, struct call *call,
                             const Taskrouter__Directory__V1__GetCustomerRequest *request,
                             wire_customer **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    const char *account_sid = NULL;
    struct customer customer;
    enum err_code code = directory_account(call, &account_sid, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "CU", err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(gateway->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = customer_store_get(conn, call, account_sid, request->sid, false, &customer, err);
    return code == ERR_OK ? reply_with(call, &customer, out_reply, err) : code;
}

static enum err_code phone_filter(const struct gateway *gateway, const char *text,
                                  struct phone *out, struct err *err)
{
    *out = (struct phone){0};
    if (text[0] == '\0' ||
        phone_parse(str_from(text), gateway->settings->phone_region, out) == PHONE_NUMBER)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_PHONE", "phone",
                     "\"%.64s\" is no phone number; write it with its country code: +15125550100",
                     text);
}

static enum err_code rpc_list(void *app, struct call *call,
                              const Taskrouter__Directory__V1__ListCustomersRequest *request,
                              Taskrouter__Directory__V1__ListCustomersResponse **out_reply,
                              struct err *err)
{
    struct gateway *gateway = app;
    struct page page;
    struct phone phone;
    const char *account_sid = NULL;
    struct customer *customers = NULL;
    size_t count = 0;
    enum err_code code = directory_account(call, &account_sid, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = phone_filter(gateway, request->phone, &phone, err);
    if (code == ERR_OK)
        code = check_text("search", request->search, 0, SEARCH_MAX, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(gateway->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = customer_store_list(conn, call, account_sid, page.after, phone.e164, request->search,
                                   (size_t)page.size + 1, &customers, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__ListCustomersResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__list_customers_response);
    bool has_more = count > (size_t)page.size;
    size_t shown = has_more ? (size_t)page.size : count;
    wire_customer **items = ARENA_ARRAY(call->arena, wire_customer *, shown);
    if (reply == NULL || items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < shown; i++)
        items[i] = to_wire(call->arena, &customers[i]);
    reply->items = items;
    reply->n_items = shown;
    if (has_more)
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, customers[shown - 1].sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

/* ---- update, delete ---- */

static const char *const updatable[] = {
    "external_id",
    "name",
    "phones",
    "email",
    "organization",
    "customer_type",
    "project_status",
    "department",
    "coordinator_email",
    "coordinator_quickbase_id",
    "notes",
    "attributes",
};

struct update {
    const struct gateway *gateway;
    const Taskrouter__Directory__V1__UpdateCustomerRequest *request;
    const char *account_sid;
    struct customer customer; /* out */
};

static void lay_over(struct customer *c, const wire_customer *wanted,
                     const Google__Protobuf__FieldMask *mask)
{
    const struct {
        const char *field;
        const char **target;
        const char *value;
    } texts[] = {
        {"external_id",              &c->external_id,              wanted->external_id      },
        {"name",                     &c->name,                     wanted->name             },
        {"email",                    &c->email,                    wanted->email            },
        {"organization",             &c->organization,             wanted->organization     },
        {"customer_type",            &c->customer_type,            wanted->customer_type    },
        {"project_status",           &c->project_status,           wanted->project_status   },
        {"department",               &c->department,               wanted->department       },
        {"coordinator_email",        &c->coordinator_email,        wanted->coordinator_email},
        {"coordinator_quickbase_id", &c->coordinator_quickbase_id,
         wanted->coordinator_quickbase_id                                                   },
        {"notes",                    &c->notes,                    wanted->notes            },
        {"attributes",               &c->attributes,               wanted->attributes       },
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (mask_has(mask, texts[i].field))
            *texts[i].target = texts[i].value;
    }
}

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update *update = ctx;
    const Taskrouter__Directory__V1__UpdateCustomerRequest *request = update->request;
    const wire_customer *wanted = request->customer;
    struct customer *customer = &update->customer;
    enum err_code code =
        customer_store_get(conn, call, update->account_sid, wanted->sid, true, customer, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             customer->version, err);
    if (code != ERR_OK)
        return code;
    lay_over(customer, wanted, request->update_mask);
    if (mask_has(request->update_mask, "phones"))
        code = phones_from_wire(update->gateway, call->arena, wanted->phones, wanted->n_phones,
                                customer, err);
    if (code == ERR_OK)
        code = check(customer, err);
    return code == ERR_OK ? customer_store_update(conn, call, customer, err) : code;
}

static enum err_code rpc_update(void *app, struct call *call,
                                const Taskrouter__Directory__V1__UpdateCustomerRequest *request,
                                wire_customer **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    struct update update = {.gateway = gateway, .request = request};
    if (request->customer == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "customer",
                         "customer is required; give it with its sid");
    enum err_code code = directory_account(call, &update.account_sid, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->customer->sid, "CU", err);
    if (code == ERR_OK)
        code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    if (code == ERR_OK)
        code = db_tx_run(gateway->host.pool, call, update_tx, &update, err);
    return code == ERR_OK ? reply_with(call, &update.customer, out_reply, err) : code;
}

static enum err_code rpc_delete(void *app, struct call *call,
                                const Taskrouter__Directory__V1__DeleteCustomerRequest *request,
                                Google__Protobuf__Empty **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    const char *account_sid = NULL;
    const int64_t *expected =
        request->_expected_version_case != 0 ? &request->expected_version : NULL;
    enum err_code code = directory_account(call, &account_sid, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "CU", err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(gateway->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = customer_store_delete(conn, call, account_sid, request->sid, expected, err);
    if (code != ERR_OK)
        return code;
    *out_reply = PB_NEW(call->arena, google__protobuf__empty);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}

/* ---- import ---- */

static enum err_code report_to_wire(struct arena *arena, const struct import_report *report,
                                    Taskrouter__Directory__V1__ImportCustomersResponse **out,
                                    struct err *err)
{
    Taskrouter__Directory__V1__ImportCustomersResponse *reply =
        PB_NEW(arena, taskrouter__directory__v1__import_customers_response);
    Taskrouter__Directory__V1__ImportProblem **problems =
        ARENA_ARRAY(arena, Taskrouter__Directory__V1__ImportProblem *, report->problem_count);
    if (reply == NULL || problems == NULL)
        return call_no_room(err);
    reply->created = (int32_t)report->created;
    reply->updated = (int32_t)report->updated;
    reply->unchanged = (int32_t)report->unchanged;
    reply->refused = (int32_t)report->refused;
    reply->problems = problems;
    for (size_t i = 0; i < report->problem_count; i++) {
        Taskrouter__Directory__V1__ImportProblem *problem =
            PB_NEW(arena, taskrouter__directory__v1__import_problem);
        if (problem == NULL)
            return call_no_room(err);
        problem->line = (int32_t)report->problems[i].line;
        problem->column = wire_text(arena, report->problems[i].column);
        problem->message = wire_text(arena, report->problems[i].message);
        problems[reply->n_problems++] = problem;
    }
    *out = reply;
    return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code rpc_import(void *app, struct call *call,
                                const Taskrouter__Directory__V1__ImportCustomersRequest *request,
                                Taskrouter__Directory__V1__ImportCustomersResponse **out_reply,
                                struct err *err)
{
    struct gateway *gateway = app;
    const char *account_sid = NULL;
    const char *region = request->default_region;
    struct import_report *report = ARENA_NEW(call->arena, struct import_report);
    if (report == NULL)
        return call_no_room(err);
    if (region[0] == '\0')
        region = gateway->settings->phone_region;
    if (!phone_region_is_known(str_from(region)))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_REGION", "default_region",
                         "the country %.16s is not known here; write one such as US or GB", region);
    enum err_code code = directory_account(call, &account_sid, err);
    if (code == ERR_OK)
        code = customer_import(gateway->host.pool, call, account_sid, str_from(request->csv),
                               region, request->dry_run, report, err);
    return code == ERR_OK ? report_to_wire(call->arena, report, out_reply, err) : code;
}

/* ---- look-up ---- */

static enum err_code rpc_look_up(void *app, struct call *call,
                                 const Taskrouter__Directory__V1__LookUpCustomerRequest *request,
                                 Taskrouter__Directory__V1__LookUpCustomerResponse **out_reply,
                                 struct err *err)
{
    struct gateway *gateway = app;
    const char *account_sid = NULL;
    struct phone phone;
    struct customer_lookup found;
    char worker_sid[SID_SIZE];
    enum err_code code = directory_account(call, &account_sid, err);
    if (code == ERR_OK)
        code = check_optional_sid("workspace_sid", request->workspace_sid, "WS", err);
    if (code == ERR_OK && request->phone[0] == '\0')
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "phone",
                         "phone is required: +15125550100");
    if (code == ERR_OK)
        code = phone_filter(gateway, request->phone, &phone, err);
    if (code != ERR_OK)
        return code;
    customers_look_up(gateway->customers, call, account_sid, str_from(phone.e164), &found);
    Taskrouter__Directory__V1__LookUpCustomerResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__look_up_customer_response);
    if (reply == NULL)
        return call_no_room(err);
    if (found.customer != NULL)
        reply->customer = to_wire(call->arena, found.customer);
    customers_coordinator(gateway->customers, call, account_sid, request->workspace_sid,
                          found.customer, worker_sid);
    reply->coordinator_worker_sid = wire_text(call->arena, worker_sid);
    reply->provider = wire_text(call->arena, found.provider);
    reply->from_cache = found.is_from_cache;
    reply->problem = wire_text(call->arena, found.problem);
    *out_reply = reply;
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

#define REQUEST(name)  Taskrouter__Directory__V1__##name##Request
#define RESPONSE(name) Taskrouter__Directory__V1__##name##Response

static const struct rpc_method methods[] = {
    RPC_UNARY("CreateCustomer", rpc_create, REQUEST(CreateCustomer), wire_customer, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetCustomer", rpc_get, REQUEST(GetCustomer), wire_customer, 1000, ROLE_AGENT, 0),
    RPC_UNARY("ListCustomers", rpc_list, REQUEST(ListCustomers), RESPONSE(ListCustomers), 2000,
              ROLE_AGENT, 0),
    RPC_UNARY("UpdateCustomer", rpc_update, REQUEST(UpdateCustomer), wire_customer, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("DeleteCustomer", rpc_delete, REQUEST(DeleteCustomer), Google__Protobuf__Empty, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("ImportCustomers", rpc_import, REQUEST(ImportCustomers), RESPONSE(ImportCustomers),
              10000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("LookUpCustomer", rpc_look_up, REQUEST(LookUpCustomer), RESPONSE(LookUpCustomer),
              1000, ROLE_AGENT, 0),
};

const struct rpc_service customer_service = {
    .descriptor = &taskrouter__directory__v1__customers__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
