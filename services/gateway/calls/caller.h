/* Who calls, as the customer directory knows; nothing here fails or delays a call. */
#pragma once

#include "base/ids.h"
#include "calls_int.h"
#include "customer.h"

struct caller {
    const struct customer *customer; /* NULL: nobody known */
    const char *facts;               /* JSON object: caller.* of rules */
    char coordinator_sid[SID_SIZE];  /* worker; "" = none */
};

/* Within the row's workspace. */
void caller_find(struct ask *ask, struct caller *out);
