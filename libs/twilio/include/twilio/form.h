/* Parameters of a webhook, and their form encoding (application/x-www-form-urlencoded, UTF-8). */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Decoded text; borrowed. */
struct twilio_param {
    struct str name;
    struct str value;
};

/* Appends "a=1&b=two%20words" to out (sticky). Letters, digits and -._~ stay; a space is %20. */
void twilio_form_encode(struct buf *out, const struct twilio_param *params, size_t count);
