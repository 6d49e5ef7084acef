/* The parameters of callbacks, from entries of the log. Results live in the arena. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "rows.h"
#include "twilio/form.h"

/* Of an event: the fields common to all, then those of its family, as a JSON object of strings.
 * Source: the reference's section 12. */
enum err_code callback_params_event(struct arena *arena, const struct event_row *row,
                                    const char *workspace_name, struct str *out,
                                    struct err *err) MUST_CHECK;

/* Of an offer, from its reservation.created. Source: section 11. */
enum err_code callback_params_assignment(struct arena *arena, const struct event_row *row,
                                         const char *workspace_name, struct str *out,
                                         struct err *err) MUST_CHECK;

/* Reads such an object back. Errors: DATA_LOSS; RESOURCE_EXHAUSTED. */
enum err_code callback_params_read(struct arena *arena, struct str json,
                                   struct twilio_param **out_params, size_t *out_count,
                                   struct err *err) MUST_CHECK;
