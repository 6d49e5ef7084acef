/* Customers: who calls. Pure rules. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define CUSTOMER_TEXT_MAX       254  /* characters of name, email, organization, … */
#define CUSTOMER_NOTES_MAX      4096 /* bytes */
#define CUSTOMER_ATTRIBUTES_MAX 4096 /* bytes */
#define CUSTOMER_PHONES_MAX     10

/* Texts are borrowed and never NULL. */
struct customer {
    const char *sid; /* CU…; "" when it is not of our table */
    const char *account_sid;
    const char *external_id; /* in the CRM; or "" */
    const char *name;
    const char *const *phones; /* E.164 */
    size_t phone_count;
    const char *email;
    const char *organization;
    const char *customer_type;            /* "vip" */
    const char *project_status;           /* "PRE_PTO" */
    const char *department;               /* or "" */
    const char *coordinator_email;        /* of the user who looks after it, or */
    const char *coordinator_quickbase_id; /* or both "" */
    const char *notes;
    const char *attributes; /* JSON object as text, "{}" at least */
    int64_t version;        /* this and the times: 0 when it is not of our table */
    int64_t created_at_us;
    int64_t updated_at_us;
};

/* Sets each text that is NULL to "" ("{}"). */
void customer_defaults(struct customer *customer);

/* Phones must be E.164 already, attributes be checked to be an object. Errors: INVALID_ARGUMENT
 * naming the field. */
enum err_code customer_check(const struct customer *customer, struct err *err) MUST_CHECK;
