/*
 * When a client may come again whose request was refused because Twilio is away or busy: as Twilio
 * has asked, or when sync-svc will look for it next. Everything else is told to come in a second.
 */
#pragma once

#include "base/call.h"
#include "http/http.h"

struct gateway;

enum { RETRY_AFTER_MAX_S = 60 };

/* Of a time that is left: whole seconds, at least 1, at most RETRY_AFTER_MAX_S; 0 for 0 and less.
 */
int retry_after_of(int64_t left_ms);

/* Sets res->retry_after_s where that can be known: sync-svc is asked, for no longer than a moment.
 * err: the error of a call of a service, by its reason. */
void retry_after_fill(struct gateway *gateway, const struct call *call, const struct err *err,
                      struct http_response *res);
