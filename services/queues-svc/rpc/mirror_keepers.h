/* How task queues and channels from Twilio are kept. */
#pragma once

#include "svc/mirror_put.h"

extern const struct mirror_keeper queue_keeper;
extern const struct mirror_keeper channel_keeper;
