/*
 * What Twilio calls: POST below /api/webhooks, checked by signature, stored in the inbox, answered
 * at once. Events are applied to the mirror by the consumers; the others are kept.
 */
#pragma once

#include "app/app.h"
#include "http/http.h"

struct gateway;
struct webhooks;

/* Errors: INVALID_ARGUMENT for a setting. */
enum err_code webhooks_new(struct gateway *gateway, struct webhooks **out,
                           struct err *err) MUST_CHECK;
void webhooks_free(struct webhooks *webhooks); /* NULL is allowed */

/* Starts inbox and consumers; before the HTTP server is opened. */
void webhooks_start(struct webhooks *webhooks, struct app *app);

/* http_handler_fn of the REST_WEBHOOK rows; ctx is the gateway. */
enum err_code webhooks_handle(void *ctx, struct http_request *req, struct http_response *res,
                              struct err *err);

/* Of a setting; NULL is none. Errors: INVALID_ARGUMENT CONFIG_INVALID. */
enum err_code webhooks_check_instruction(const char *text, struct err *err) MUST_CHECK;
