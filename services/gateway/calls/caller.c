#include "caller.h"

#include "customers.h"
#include "gateway.h"

void caller_find(struct ask *ask, struct caller *out)
{
    struct customers *customers = ask->calls->gateway->customers;
    const struct phone_call *row = &ask->row;
    struct customer_lookup found = {.customer = NULL};
    *out = (struct caller){.facts = "{}"};
    if (customers == NULL)
        return;
    customers_look_up(customers, ask->call, row->account_sid, str_from(row->from_number), &found);
    out->customer = found.customer;
    if (found.customer != NULL)
        customers_coordinator(customers, ask->call, row->account_sid, row->workspace_sid,
                              found.customer, out->coordinator_sid);
    const char *facts = customers_facts(ask->call->arena, found.customer, row->from_number);
    if (facts != NULL)
        out->facts = facts;
}
