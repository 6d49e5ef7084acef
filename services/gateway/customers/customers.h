/*
 * Who calls: the customer with a phone number, asked of the providers in turn (customer_provider.h:
 * QuickBase where it is configured, then our table), and the worker who looks after that customer.
 * Nothing here delays a call by more than its budget or fails it: what cannot be found out in time
 * is not known. Threads: any.
 */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "base/ids.h"
#include "base/str.h"
#include "customer.h"

struct customers;
struct gateway;
struct gateway_settings;

enum { CUSTOMERS_BUDGET_MS = 300 }; /* of one look-up, all providers together */

/* Whether the providers' settings go together. */
enum err_code customers_check(const struct gateway_settings *settings, struct err *err) MUST_CHECK;

/* Needs the gateway's pool, peers and settings. Errors: those of the configuration. */
enum err_code customers_new(struct gateway *gateway, struct customers **out,
                            struct err *err) MUST_CHECK;
/* NULL is allowed. */
void customers_free(struct customers *customers);

struct customer_lookup {
    const struct customer *customer; /* NULL: nobody known */
    const char *provider;            /* "quickbase", "table": who knew, or who was asked last */
    bool is_from_cache;
    const char *problem; /* why a provider could not be asked, for people; "" = all were */
};

/*
 * Who has this number, in any spelling. Takes CUSTOMERS_BUDGET_MS at most, or what call has left;
 * an answer that comes later is remembered for the next call. Numbers that are withheld, and texts
 * that are none, are nobody's. Texts live as long as the call.
 */
void customers_look_up(struct customers *customers, struct call *call, const char *account_sid,
                       struct str phone, struct customer_lookup *out);

/*
 * The worker of the workspace that is the customer's coordinator: its user has coordinator_email
 * (ASCII letters compare without case), else coordinator_quickbase_id. "" when there is none, or it
 * cannot be found out within the budget above (its own, beside that of the look-up).
 */
void customers_coordinator(struct customers *customers, struct call *call, const char *account_sid,
                           const char *workspace_sid, const struct customer *customer,
                           char out_worker_sid[SID_SIZE]);

/*
 * What rules see as caller.*: a JSON object with phone and, of a known customer, what is not empty
 * of sid, external_id, name, email, organization, customer_type, project_status, department,
 * coordinator_email, coordinator_quickbase_id, and its attributes' members of other names. customer
 * NULL: nobody known. Lives in the arena; NULL when that is full.
 */
const char *customers_facts(struct arena *arena, const struct customer *customer,
                            const char *phone);
