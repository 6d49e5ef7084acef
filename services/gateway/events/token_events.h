/* What the gateway publishes: a token, key or account was made; one stopped letting in, or no
 * longer with all that it did (an account whose auth token was replaced). */
#pragma once

#include "base/call.h"
#include "db/db.h"

/* Versions of what changes once. */
#define TOKEN_EVENT_CREATED 1
#define TOKEN_EVENT_REVOKED 2

/* In the transaction of the change. type: "token.created" or "token.revoked". version: grows with
 * the changes of one SID. */
enum err_code token_event_append(struct db_conn *conn, struct call *call, const char *type,
                                 const char *token_sid, const char *account_sid, int64_t version,
                                 struct err *err) MUST_CHECK;
