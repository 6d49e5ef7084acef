/* Users are the gateway's: it is asked. No connection to the database may be held meanwhile. */
#pragma once

#include "base/call.h"

struct workers;

/* There is such a user in the account. Errors: NOT_FOUND USER_NOT_FOUND (user_sid); those of the
 * call. */
enum err_code user_peer_require(struct workers *workers, struct call *call, const char *account_sid,
                                const char *user_sid, struct err *err) MUST_CHECK;
