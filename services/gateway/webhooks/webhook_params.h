/* Parameters of webhooks: out of forms and JSON, into the text that is stored, and back. Pure. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "http/params.h"
#include "twilio/form.h"

/* Views of the form's texts. Errors: RESOURCE_EXHAUSTED; so everywhere below. */
enum err_code webhook_params_of_form(const struct http_params *form, struct arena *arena,
                                     struct twilio_param **out, size_t *out_count,
                                     struct err *err) MUST_CHECK;

/* Members of a JSON object: texts as they are, null left out, anything else as JSON. Errors:
 * INVALID_ARGUMENT JSON_*, TOO_MANY_PARAMETERS. */
enum err_code webhook_params_of_json(struct str body, struct arena *arena,
                                     struct twilio_param **out, size_t *out_count,
                                     struct err *err) MUST_CHECK;

/* [["name","value"],…] */
enum err_code webhook_params_write(const struct twilio_param *params, size_t count,
                                   struct arena *arena, struct str *out,
                                   struct err *err) MUST_CHECK;

/* Errors: DATA_LOSS BAD_PARAMETERS for what was not written so. */
enum err_code webhook_params_read(struct str text, struct arena *arena, struct twilio_param **out,
                                  size_t *out_count, struct err *err) MUST_CHECK;
