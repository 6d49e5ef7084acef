/* Wiring of the gateway: what it opens and in which order. */
#pragma once

#include "app/app.h"

extern const struct app_spec gateway_app;
