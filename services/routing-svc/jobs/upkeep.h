/* Removes what has been kept long enough: versions of rules. */
#pragma once

#include "app/app.h"

extern const struct app_job_def upkeep_job; /* ctx: struct routing */
