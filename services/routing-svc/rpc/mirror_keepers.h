/* How workflows from Twilio are kept. */
#pragma once

#include "svc/mirror_put.h"

extern const struct mirror_keeper workflow_keeper;
