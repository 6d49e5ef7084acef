/* The types of event that Twilio documents; source: the reference's section 12.1. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

bool twilio_is_event_type(struct str name);
