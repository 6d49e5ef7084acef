/* Customers of our own table (REST /customers, CSV import). Of every account. */
#include "customer_provider.h"
#include "customer_store.h"
#include "gateway.h"

static enum err_code open_table(struct gateway *gateway, void **out_ctx, struct err *err)
{
    (void)err;
    *out_ctx = gateway;
    return ERR_OK;
}

static void close_table(void *ctx)
{
    (void)ctx; /* the gateway's */
}

static bool serves(void *ctx, const char *account_sid)
{
    (void)ctx;
    return account_sid[0] != '\0';
}

static enum err_code look_up(void *ctx, struct call *call, const char *account_sid,
                             const struct phone *phone, struct customer_answer *out,
                             struct err *err)
{
    struct gateway *gateway = ctx;
    return customer_store_by_phone(gateway->host.pool, call, account_sid, phone->e164,
                                   &out->customer, &out->is_found, err);
}

const struct customer_provider customer_table = {
    .name = "table",
    .open = open_table,
    .close = close_table,
    .serves = serves,
    .look_up = look_up,
};
