/*
 * What knows customers by phone number. A new one is a file with such a struct and a row in
 * customers.c.
 */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "customer.h"
#include "twilio/phone.h"

struct gateway;
struct gateway_settings;

struct customer_answer {
    bool is_found;
    bool is_from_cache;
    struct customer customer; /* texts live as long as the call */
};

struct customer_provider {
    const char *name;
    /* Whether its settings go together; NULL: it has none. */
    enum err_code (*check)(const struct gateway_settings *settings, struct err *err);
    /* *out_ctx NULL: it is not configured. Errors: of its settings. */
    enum err_code (*open)(struct gateway *gateway, void **out_ctx, struct err *err);
    void (*close)(void *ctx);
    /* False: it knows nothing of this account's customers. */
    bool (*serves)(void *ctx, const char *account_sid);
    /* Waits until the call's deadline at most. Errors: for people, with a stable reason. */
    enum err_code (*look_up)(void *ctx, struct call *call, const char *account_sid,
                             const struct phone *phone, struct customer_answer *out,
                             struct err *err);
};

extern const struct customer_provider customer_table;
extern const struct customer_provider customer_quickbase;
