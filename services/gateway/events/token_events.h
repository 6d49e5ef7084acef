/* What the gateway publishes: a token was made, a token stopped being valid. */
#pragma once

#include "base/call.h"
#include "db/db.h"

/* In the transaction of the change. type: "token.created" or "token.revoked". */
enum err_code token_event_append(struct db_conn *conn, struct call *call, const char *type,
                                 const char *token_sid, const char *account_sid,
                                 struct err *err) MUST_CHECK;
