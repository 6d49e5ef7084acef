/* Wiring of tasks-svc: what it opens and in which order. */
#pragma once

#include "app/app.h"

extern const struct app_spec tasks_app;
