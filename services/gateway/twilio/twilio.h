/*
 * Twilio's TaskRouter REST dialect below /v1: one handler for all rows of twilio_ops.h. A second
 * codec over the calls that /api/taskrouter makes; it has no rule and no memory of its own.
 */
#pragma once

#include "base/err.h"
#include "http/http.h"

struct gateway;
struct twilio;

/* The settings are the gateway's: TASKROUTER_PUBLIC_URL, TASKROUTER_TRUSTED_PROXIES. page_key signs
 * page tokens; borrowed. Errors: INVALID_ARGUMENT for a setting. */
enum err_code twilio_new(struct gateway *gateway, const char *page_key, struct twilio **out,
                         struct err *err) MUST_CHECK;
void twilio_free(struct twilio *twilio); /* NULL is allowed */

/* For http_server_config.sets; lives as long as twilio. */
struct http_route_set twilio_route_set(struct twilio *twilio);
